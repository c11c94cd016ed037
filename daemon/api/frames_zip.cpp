// SPDX-License-Identifier: Apache-2.0
#include "api/frames_zip.hpp"

#include "digest/sha256.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <unistd.h>

namespace kiln::api {
namespace {

constexpr std::size_t piece_size = 256 * 1024;        ///< of a file, at once in memory
constexpr std::size_t gathered_size = 64 * 1024;      ///< headers and small files are sent together
constexpr std::uint64_t turn_size = 16 * 1024 * 1024; ///< of a file, read in one piece of work of the pool
constexpr std::size_t most_checksums = 131'072;

/// Appends `size` bytes of a file to `to`.
void read_into(std::string& to, const aio::unique_descriptor& file, std::uint64_t offset, std::size_t size) {
  const auto before = to.size();
  to.resize(before + size);
  for (std::size_t done = 0; done < size;) {
    const auto got =
        ::pread(file.get(), to.data() + before + done, size - done, static_cast<off_t>(offset + done));
    if (got <= 0)
      throw std::runtime_error(got == 0 ? "a file became shorter while it was read"
                                        : "a file cannot be read");
    done += static_cast<std::size_t>(got);
  }
}

std::uint32_t add_file_to_crc(std::uint32_t crc, const aio::unique_descriptor& file, std::uint64_t offset,
                              std::uint64_t size) {
  std::string piece;
  for (std::uint64_t done = 0; done < size; done += piece.size()) {
    piece.clear();
    read_into(piece, file, offset + done, std::min<std::uint64_t>(piece_size, size - done));
    crc = archive::add_to_crc(crc, piece);
  }
  return crc;
}

} // namespace

std::unique_ptr<const zip_contents> describe(std::vector<output::file_facts> files) {
  digest::sha256_hasher hash;
  std::vector<archive::zip_entry> entries;
  std::vector<std::string> marks;
  entries.reserve(files.size());
  marks.reserve(files.size());
  for (auto& file : files) {
    const auto line = fmt::format("{}\n{}\n", file.name, file.mark);
    hash.add(line.data(), line.size());
    entries.push_back({.name = std::move(file.name), .size = file.size, .modified = file.modified});
    marks.push_back(std::move(file.mark));
  }
  return std::make_unique<const zip_contents>(archive::zip_layout{std::move(entries)}, std::move(marks),
                                              fmt::format("\"zip-{}\"", hash.hex().substr(0, 32)));
}

std::optional<std::uint32_t> known_checksums::find(const std::string& mark) const {
  const auto found = by_mark_.find(mark);
  return found == by_mark_.end() ? std::nullopt : std::optional{found->second};
}

void known_checksums::add(const std::string& mark, std::uint32_t crc) {
  if (by_mark_.size() >= most_checksums)
    by_mark_.clear(); // they are computed again
  by_mark_.insert_or_assign(mark, crc);
}

aio::task<std::string_view> zip_stream::next() {
  part_.clear();
  while (done_ < which_.length && part_.size() < gathered_size)
    co_await add_part();
  co_return part_;
}

aio::task<> zip_stream::add_part() {
  using part = archive::zip_layout::part;
  const auto& layout = contents_->layout;
  const auto left = which_.length - done_;
  const auto at = layout.find(which_.offset + done_);
  if (at.in == part::bytes) {
    co_await add_bytes(at.entry, at.offset, left);
    co_return;
  }
  std::string text;
  if (at.in == part::end) {
    text = layout.end();
  } else {
    const auto crc = co_await checksum(at.entry);
    text = at.in == part::header ? layout.header(at.entry, crc) : layout.record(at.entry, crc);
  }
  const auto added = std::string_view{text}.substr(at.offset, left);
  part_ += added;
  done_ += added.size();
}

aio::task<> zip_stream::add_bytes(std::size_t entry, std::uint64_t offset, std::uint64_t left) {
  co_await open(entry);
  const auto size = contents_->layout.entries()[entry].size;
  const auto wanted = std::min({size - offset, left, std::uint64_t{piece_size}});
  auto read_here = [file = file_.file, offset, wanted, part = std::move(part_)]() mutable {
    read_into(part, *file, offset, wanted);
    return std::pair{std::move(part), output::mark_of(*file)};
  };
  auto [part, mark] = co_await pool_.run(std::move(read_here));
  if (mark != contents_->marks[entry])
    throw std::runtime_error(file_.name + " changed while it was read");
  part_ = std::move(part);
  done_ += wanted;
}

aio::task<> zip_stream::open(std::size_t entry) {
  if (opened_ == entry)
    co_return;
  opened_.reset();
  auto name = contents_->layout.entries()[entry].name;
  auto opened = co_await output_.open_result(job_, std::move(name));
  if (!opened)
    throw std::runtime_error(opened.error().message); // it was there a moment ago
  if (opened->mark != contents_->marks[entry])
    throw std::runtime_error(opened->name + " is another one than before");
  file_ = std::move(*opened);
  opened_ = entry;
}

aio::task<std::uint32_t> zip_stream::checksum(std::size_t entry) {
  const auto& mark = contents_->marks[entry];
  if (const auto known = known_.find(mark))
    co_return *known;
  co_await open(entry);
  const auto size = contents_->layout.entries()[entry].size;
  std::uint32_t crc = 0;
  for (std::uint64_t at = 0; at < size; at += turn_size) {
    const auto add_here = [file = file_.file, crc, at, turn = std::min(turn_size, size - at)] {
      return add_file_to_crc(crc, *file, at, turn);
    };
    crc = co_await pool_.run(add_here);
  }
  known_.add(mark, crc);
  co_return crc;
}

} // namespace kiln::api
