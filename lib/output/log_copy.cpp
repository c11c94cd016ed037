// SPDX-License-Identifier: Apache-2.0
#include "output/log_copy.hpp"

#include "output/state_disk.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::output {
namespace {

namespace fs = std::filesystem;
using aio::unique_descriptor;

constexpr std::string_view left_out =
    "\nkiln: the log is too long to be kept whole; a part of it is left out here\n";
constexpr std::string_view gap =
    "\nkiln: a part of the log is left out here: the disk of the state was full\n";
constexpr std::uint64_t step = 128 << 10; // bytes between two checks of the free space
constexpr std::uint64_t give_back_step = 1 << 20;
constexpr std::size_t piece_size = 64 << 10;

std::uint64_t size_of(int file) {
  struct stat facts {};
  return ::fstat(file, &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

/// Whether the first `size` bytes of both are the same.
bool begin_alike(int one, int other, std::uint64_t size) {
  std::array<char, piece_size> a{}, b{};
  for (std::uint64_t at = 0; at < size;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size - at, a.size()));
    const auto got = ::pread(one, a.data(), wanted, static_cast<off_t>(at));
    if (got <= 0 || ::pread(other, b.data(), static_cast<std::size_t>(got), static_cast<off_t>(at)) != got ||
        !std::equal(a.begin(), a.begin() + got, b.begin()))
      return false;
    at += static_cast<std::uint64_t>(got);
  }
  return true;
}

} // namespace

result<log_copy> log_copy::open(const fs::path& from, const fs::path& to, log_limits limits) {
  unique_descriptor source{::open(from.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!source.is_open())
    return last_error("open", from);
  unique_descriptor target{::open(to.c_str(),
                                  O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                                  S_IRUSR | S_IWUSR | S_IRGRP)};
  if (!target.is_open())
    return last_error("open", to);
  const auto first = std::max<off_t>(::lseek(source.get(), 0, SEEK_DATA), 0);
  const auto there = size_of(target.get());
  log_copy made{std::move(source), std::move(target), limits};
  made.consumed_ = made.given_back_ = static_cast<std::uint64_t>(first);
  made.written_ = there;
  if (first > 0) // only the copy has its beginning
    return made;
  if (begin_alike(made.to_.get(), made.from_.get(), there))
    made.same_ = there;
  else if (::ftruncate(made.to_.get(), 0) != 0)
    return last_error("write", to);
  else
    made.written_ = 0;
  return made;
}

void log_copy::add(std::string_view bytes) {
  consumed_ += bytes.size();
  const auto known = std::min<std::uint64_t>(same_, bytes.size());
  same_ -= known;
  write(bytes.substr(known));
  give_back();
}

void log_copy::write(std::string_view bytes) {
  if (bytes.empty())
    return;
  if (written_ + bytes.size() > limit()) {
    const auto kept = std::min(written_, limit_now_ / 2);
    if (::ftruncate(to_.get(), static_cast<off_t>(kept)) != 0)
      return;
    written_ = look_at_ = kept;
    has_gap_ = false;
    write(left_out);
    bytes = bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), limit_now_ / 4));
  } else if (std::exchange(has_gap_, false)) {
    write(gap);
  }
  while (!bytes.empty() && !has_gap_) {
    const auto done = ::write(to_.get(), bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0) {
      has_gap_ = true;
      look_at_ = 0; // the limit is lower on a full disk
      return;
    }
    written_ += static_cast<std::uint64_t>(done);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
}

std::uint64_t log_copy::limit() {
  if (limit_now_ > 0 && written_ < look_at_)
    return limit_now_;
  look_at_ = written_ + step;
  limit_now_ = is_low_on_disk(to_.get()) ? std::min(limits_.small, limits_.size) : limits_.size;
  return limit_now_;
}

/// Only for a long log: any other stays complete, in case kilnd is killed.
void log_copy::give_back() {
  const auto until = consumed_ - consumed_ % step;
  if (consumed_ < limits_.size || until < given_back_ + give_back_step)
    return;
  if (::fallocate(from_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(given_back_),
                  static_cast<off_t>(until - given_back_)) == 0)
    given_back_ = until;
}

void copy_rest_of_log(const fs::path& from, const fs::path& to, log_limits limits) {
  auto copy = log_copy::open(from, to, limits);
  const unique_descriptor source{::open(from.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!copy || !source.is_open())
    return;
  std::array<char, piece_size> piece{};
  for (auto at = static_cast<off_t>(copy->position());;) {
    const auto got = ::pread(source.get(), piece.data(), piece.size(), at);
    if (got <= 0)
      return;
    copy->add({piece.data(), static_cast<std::size_t>(got)});
    at += got;
  }
}

} // namespace kiln::output
