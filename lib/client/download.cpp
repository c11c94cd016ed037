// SPDX-License-Identifier: Apache-2.0
#include "client/download.hpp"

#include "aio/directory.hpp"
#include "base/number.hpp"
#include "client/exit_status.hpp"
#include "client/listing.hpp"
#include "digest/digest_field.hpp"
#include "digest/sha256.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::client {
namespace {

namespace fs = std::filesystem;

error incomplete(const error& why) {
  return failure(exit_status::incomplete,
                 why.message + "\nThe same command again goes on where the download stopped");
}

/// The SHA-256 of the first `size` bytes of a file; nullopt if it cannot be read, or has fewer.
std::optional<digest::sha256_hasher> hash_of(const fs::path& file, std::uint64_t size) {
  constexpr std::size_t at_once = 1 << 20;
  const aio::unique_descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  digest::sha256_hasher out;
  std::vector<char> piece(static_cast<std::size_t>(std::min<std::uint64_t>(size, at_once)));
  while (size > 0) {
    const auto got = ::read(in.get(), piece.data(), std::min<std::uint64_t>(piece.size(), size));
    if (got <= 0)
      return std::nullopt;
    out.add(piece.data(), static_cast<std::size_t>(got));
    size -= static_cast<std::uint64_t>(got);
  }
  return out;
}

/// A file that is being written, under another name.
struct part {
  fs::path directory;
  std::string name{};
  std::optional<std::uint64_t> size{}; ///< that the server says
  std::optional<std::string> digest{}; ///< SHA-256 that the server says
  std::uint64_t written = 0;
  std::unique_ptr<aio::unique_descriptor> out{};
  std::optional<digest::sha256_hasher> hasher{};

  [[nodiscard]] fs::path final_path() const { return directory / name; }
  [[nodiscard]] fs::path part_path() const { return directory / (name + ".part"); }

  /// Whether the file is there as it should be. incomplete if another one is in its place.
  [[nodiscard]] result<bool> is_here() const {
    struct stat facts {};
    if (::lstat(final_path().c_str(), &facts) != 0)
      return false;
    if (S_ISREG(facts.st_mode) && size && static_cast<std::uint64_t>(facts.st_size) == *size) {
      auto mine = digest ? hash_of(final_path(), *size) : std::nullopt;
      if (!digest || (mine && mine->hex() == *digest))
        return true;
    }
    return failure(exit_status::incomplete,
                   fmt::format("{} is there already, and is not this job's: move it away, or choose another "
                               "directory",
                               final_path().native()));
  }

  /// Bytes of an earlier download that can be kept: their content is compared at the end.
  [[nodiscard]] std::uint64_t kept() const {
    struct stat facts {};
    const bool is_usable = digest && size && ::lstat(part_path().c_str(), &facts) == 0 &&
                           S_ISREG(facts.st_mode) && static_cast<std::uint64_t>(facts.st_size) < *size;
    return is_usable ? static_cast<std::uint64_t>(facts.st_size) : 0;
  }

  /// Goes on after the first `at` bytes of an earlier download.
  [[nodiscard]] result<void> begin(std::uint64_t at) {
    out = std::make_unique<aio::unique_descriptor>(
        ::open(part_path().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!out->is_open() || ::ftruncate(out->get(), static_cast<off_t>(at)) != 0 ||
        ::lseek(out->get(), static_cast<off_t>(at), SEEK_SET) < 0)
      return incomplete(last_error("open", part_path()));
    hasher = hash_of(part_path(), at);
    if (!hasher)
      return incomplete(last_error("read", part_path()));
    written = at;
    return {};
  }

  [[nodiscard]] result<void> add(std::string_view piece) {
    hasher->add(piece.data(), piece.size());
    while (!piece.empty()) {
      const auto got = ::write(out->get(), piece.data(), piece.size());
      if (got < 0)
        return incomplete(last_error("write", part_path()));
      piece.remove_prefix(static_cast<std::size_t>(got));
      written += static_cast<std::uint64_t>(got);
    }
    return {};
  }

  /// False: the content is not what the server says, and is removed.
  [[nodiscard]] result<bool> finish() {
    if (size && written != *size)
      return incomplete(
          {errc::corrupt, fmt::format("{} has {} of {} bytes", part_path().native(), written, *size)});
    if (digest && hasher->hex() != *digest) {
      ::unlink(part_path().c_str());
      return false;
    }
    if (::fsync(out->get()) != 0)
      return incomplete(last_error("sync", part_path()));
    out.reset();
    if (std::rename(part_path().c_str(), final_path().c_str()) != 0)
      return incomplete(last_error("rename", final_path()));
    if (const auto synced = aio::sync_directory(directory); !synced)
      return incomplete(synced.error());
    return true;
  }
};

/// Takes name and size from a head.
result<void> read_head(part& into, const result_file& file, const answer& head) {
  auto name = file_name_of(file, head);
  if (!name)
    return name.error();
  into.name = std::move(*name);
  constexpr int partial = 206;
  auto length = head.find("content-length");
  if (head.status == partial) { // "bytes 100-199/200"
    const auto range = head.find("content-range").value_or("");
    length = range.substr(std::min(range.find('/'), range.size() - 1) + 1);
  }
  into.size = length ? parse_number<std::uint64_t>(*length) : std::nullopt;
  if (const auto said = head.find("repr-digest")) {
    auto digest = digest::parse_digest_field(*said);
    if (!digest)
      return failure(exit_status::refused, "Repr-Digest: " + digest.error().message);
    into.digest = std::move(*digest);
  }
  return {};
}

} // namespace

result<std::string> file_name_of(const result_file& file, const answer& head) {
  auto name = file.name;
  if (name.empty()) {
    constexpr std::string_view before = "filename=\"";
    const auto said = head.find("content-disposition").value_or("");
    const auto begin = said.find(before);
    if (begin != std::string_view::npos) {
      const auto rest = said.substr(begin + before.size());
      name = rest.substr(0, rest.find('"'));
    }
  }
  if (name.empty() || name.starts_with('.') || name.ends_with(".part") ||
      name.find_first_of(std::string_view{"/\\\0", 3}) != std::string::npos)
    return failure(exit_status::refused, fmt::format("kilnd gives frame {} no usable name", file.frame));
  return name;
}

result<download> download::into(const fs::path& directory, std::function<void(const fs::path&)> arrived) {
  const auto unusable = [&](const error& why) { return failure(exit_status::usage, why.message); };
  std::error_code wrong;
  fs::create_directories(directory, wrong);
  if (wrong)
    return unusable(system_error(wrong.value(), "create " + directory.native()));
  aio::unique_descriptor opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened.is_open())
    return unusable(last_error("open", directory));
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0)
    return failure(
        exit_status::usage,
        fmt::format("another kiln is fetching frames into {}: wait for it, or choose another directory",
                    directory.native()));
  download out{directory, std::move(opened), std::move(arrived)};
  for (const auto& one : fs::directory_iterator{directory, wrong})
    out.had_files_ = out.had_files_ || !one.path().filename().native().starts_with('.');
  if (wrong)
    return unusable(system_error(wrong.value(), "list " + directory.native()));
  return out;
}

/// Whether the file is complete now. False: what came is not what the server says.
aio::task<result<bool>> download::fetch_once(caller& kilnd, result_file file) {
  part made{.directory = directory_};
  const auto doing = fmt::format("frame {}", file.frame);
  request what;
  what.path = file.path;
  what.fields.emplace_back("Want-Repr-Digest", "sha-256=10");
  std::uint64_t at = 0; // of a download that was interrupted
  if (had_files_) {
    what.method = "HEAD";
    const auto head = co_await kilnd.ask(what);
    if (!head)
      co_return head.error();
    if (head->status / 100 == 2) {
      auto read = read_head(made, file, *head);
      if (!read)
        co_return read.error();
      const auto here = made.is_here();
      if (!here)
        co_return here.error();
      if (*here) {
        arrived_(made.final_path());
        co_return true;
      }
      at = made.kept();
    }
    what.method = "GET";
  }
  if (at > 0)
    what.fields.emplace_back("Range", fmt::format("bytes={}-", at));
  body_sink sink;
  sink.begin = [&](const answer& head) -> result<void> {
    constexpr int partial = 206;
    if (auto read = read_head(made, file, head); !read)
      return read;
    const auto here = made.is_here();
    if (!here)
      return here.error();
    return made.begin(head.status == partial ? at : 0);
  };
  sink.add = [&](std::string_view piece) { return made.add(piece); };
  const auto got = co_await kilnd.ask_well(what, doing, sink);
  if (!got)
    co_return got.error();
  auto finished = made.finish();
  if (finished && *finished)
    arrived_(made.final_path());
  co_return finished;
}

aio::task<result<void>> download::fetch(caller& kilnd, result_file file) {
  constexpr int tries = 2; // what was kept may be of another content
  for (int i = 0; i < tries; ++i) {
    const auto done = co_await fetch_once(kilnd, file);
    if (!done)
      co_return done.error();
    if (*done)
      co_return result<void>{};
  }
  co_return incomplete(
      {errc::corrupt, fmt::format("frame {} does not arrive as {} has it: its SHA-256 differs "
                                  "from Repr-Digest",
                                  file.frame, kilnd.to().text)});
}

aio::task<result<void>> download::fetch_done(caller& kilnd, std::string job) {
  std::string path = fmt::format("/v1/jobs/{}/frames", job);
  std::string doing = "the list of frames";
  const auto pages = co_await read_pages(kilnd, path, doing, everything);
  if (!pages)
    co_return pages.error();
  for (const auto& page : *pages) {
    for (const auto& file : done_files(page, job)) {
      if (here_.contains(file.path))
        continue;
      const auto fetched = co_await fetch(kilnd, file);
      if (!fetched)
        co_return fetched.error();
      here_.insert(file.path);
    }
  }
  co_return result<void>{};
}

} // namespace kiln::client
