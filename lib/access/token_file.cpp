// SPDX-License-Identifier: Apache-2.0
#include "access/token_file.hpp"

#include "aio/unique_descriptor.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::access {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = 1 << 20;
constexpr mode_t usual_mode = 0600;
constexpr mode_t others =
    S_IRWXO | S_IWGRP | S_IXGRP; ///< must have no access; group read is the owner's choice

error about(const fs::path& file, std::string_view why, errc code = errc::corrupt) {
  return {code, fmt::format("tokens_file: {}: {}", file.native(), why)};
}

error failed(const fs::path& file, int errno_value) {
  auto e = system_error(errno_value, file.native());
  e.message = "tokens_file: " + e.message;
  return e;
}

result<std::string> read_all(const fs::path& file, int from) {
  std::string text;
  std::array<char, 16 * 1024> part;
  for (;;) {
    const auto got = ::read(from, part.data(), part.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return failed(file, errno);
    if (got == 0)
      return text;
    text.append(part.data(), static_cast<std::size_t>(got));
    if (text.size() > largest_file)
      return about(file, "this is too large to be a file of tokens");
  }
}

bool write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(to, text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return false;
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return true;
}

/// Keeps owner and mode of the replaced file, so that kilnd can still read it. A new file gets the owner of
/// its directory, since root may create it for kilnd.
bool hand_over(int made, const fs::path& file, int directory) {
  struct stat facts {};
  const bool is_new = ::stat(file.c_str(), &facts) != 0;
  if (is_new && ::fstat(directory, &facts) != 0)
    return false;
  if (::geteuid() == 0 && ::fchown(made, facts.st_uid, facts.st_gid) != 0)
    return false;
  return ::fchmod(made, is_new ? usual_mode : facts.st_mode & 07777) == 0;
}

result<void> replace(const fs::path& file, int directory, std::string_view text) {
  const auto beside = file.native() + ".new"; // only one at a time: the directory is locked
  ::unlink(beside.c_str());                   // left by a killed process
  aio::unique_descriptor made{::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, usual_mode)};
  if (!made.is_open())
    return failed(beside, errno);
  if (!write_all(made.get(), text) || !hand_over(made.get(), file, directory) || ::fsync(made.get()) != 0 ||
      ::rename(beside.c_str(), file.c_str()) != 0) {
    const auto why = failed(beside, errno);
    ::unlink(beside.c_str());
    return why;
  }
  if (::fsync(directory) != 0)
    return failed(file, errno);
  return {};
}

} // namespace

result<std::vector<token>> read_token_file(const fs::path& file) {
  const aio::unique_descriptor opened{::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (!opened.is_open() && errno == ENOENT)
    return about(file, "there is no such file; kilnd token add makes it", errc::not_found);
  struct stat facts {};
  if (!opened.is_open() || ::fstat(opened.get(), &facts) != 0)
    return failed(file, errno);
  if (!S_ISREG(facts.st_mode))
    return about(file, "this is not a file");
  if (facts.st_mode & others)
    return about(file, fmt::format("others can read or change it (mode {:04o}): chmod 600 {}",
                                   facts.st_mode & 07777, file.native()));
  const auto text = read_all(file, opened.get());
  if (!text)
    return text.error();
  auto tokens = parse_tokens(*text);
  if (!tokens)
    return about(file, tokens.error().message);
  return tokens;
}

result<void> change_token_file(const fs::path& named,
                               const std::function<result<void>(std::vector<token>&)>& change) {
  std::error_code ec;
  const auto file = fs::weakly_canonical(named, ec); // follow links: replace the target
  if (ec)
    return about(named, ec.message());
  fs::create_directories(file.parent_path(), ec);
  if (ec)
    return about(file.parent_path(), ec.message());
  const aio::unique_descriptor directory{
      ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory.is_open() || ::flock(directory.get(), LOCK_EX) != 0)
    return failed(file.parent_path(), errno);
  auto tokens = read_token_file(file);
  if (!tokens && tokens.error().code == errc::not_found)
    tokens = std::vector<token>{};
  if (!tokens)
    return tokens.error();
  if (const auto done = change(*tokens); !done)
    return done.error();
  return replace(file, directory.get(), format_tokens(*tokens));
}

} // namespace kiln::access
