// SPDX-License-Identifier: Apache-2.0
#include "blends/blend_library.hpp"

#include "aio/directory.hpp"
#include "aio/patient_open.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::blends {
namespace {

namespace fs = std::filesystem;

constexpr const char* file_name = "upload.blend";
constexpr std::string_view incoming_prefix = "incoming-";
constexpr const char* about_name = "about"; ///< beside a file that arrives in several requests

} // namespace

bool is_sha256(std::string_view digits) noexcept {
  return digits.size() == 64 && digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

incoming_file::incoming_file(fs::path library, fs::path directory, int fd)
    : library_(std::move(library)), directory_(std::move(directory)), file_(fd) {}

result<std::unique_ptr<incoming_file>> incoming_file::make(const fs::path& library) {
  auto name = (library / (std::string{incoming_prefix} + "XXXXXX")).native();
  if (!::mkdtemp(name.data()))
    return last_error("make a directory in", library);
  const fs::path directory{name};
  const auto path = directory / file_name;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
  auto made = std::unique_ptr<incoming_file>{new incoming_file{library, directory, fd}};
  if (fd < 0)
    return last_error("create", path);
  return made;
}

incoming_file::~incoming_file() {
  std::error_code ignored;
  if (!directory_.empty())
    fs::remove_all(directory_, ignored);
}

result<void> incoming_file::look_at_begin() {
  const auto facts = blender::look_into(std::as_bytes(std::span{begin_}));
  if (!facts)
    return facts.error();
  facts_ = *facts;
  is_known_ = true;
  begin_ = {};
  return {};
}

result<void> incoming_file::describe(std::string_view about) {
  const auto path = directory_ / about_name;
  const aio::unique_descriptor out{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!out.is_open() ||
      ::write(out.get(), about.data(), about.size()) != static_cast<ssize_t>(about.size()) ||
      ::fsync(out.get()) != 0 || ::fchmod(file_.get(), 0600) != 0) // it is opened again after a crash
    return last_error("write", path);
  if (const auto synced = aio::sync_directory(directory_); !synced)
    return synced;
  return aio::sync_directory(library_);
}

result<std::unique_ptr<incoming_file>> incoming_file::reopen(const fs::path& library,
                                                             const std::string& name) {
  const auto path = library / name / file_name;
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return last_error("open", path);
  auto made = std::unique_ptr<incoming_file>{new incoming_file{library, library / name, fd}};
  std::vector<char> piece(1 << 20);
  for (;;) {
    const auto got = ::read(fd, piece.data(), piece.size());
    if (got < 0) {
      made->leave();
      return last_error("read", path);
    }
    if (got == 0)
      return made;
    if (auto noted = made->note({piece.data(), static_cast<std::size_t>(got)}); !noted)
      return noted.error();
  }
}

/// Takes bytes of the file into its digest, and its begin into its facts.
result<void> incoming_file::note(std::string_view bytes) {
  if (!is_known_) {
    begin_ += bytes.substr(0, blender::telling_size - begin_.size());
    if (begin_.size() == blender::telling_size)
      if (auto looked = look_at_begin(); !looked)
        return looked;
  }
  hasher_.add(bytes.data(), bytes.size());
  size_ += bytes.size();
  return {};
}

result<void> incoming_file::write(std::string_view bytes) {
  if (auto noted = note(bytes); !noted)
    return noted;
  while (!bytes.empty()) {
    const auto written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR)
      return last_error("write", directory_ / file_name);
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return {};
}

result<incoming_file::whole> incoming_file::finish() {
  if (!is_known_)
    if (auto looked = look_at_begin(); !looked)
      return looked.error();
  if (::fchmod(file_.get(), 0400) != 0 || ::fsync(file_.get()) != 0)
    return last_error("sync", directory_ / file_name);
  ::unlink((directory_ / about_name).c_str());
  return whole{.digits = hasher_.hex(), .bytes = size_, .facts = facts_};
}

result<void> incoming_file::keep(const std::string& digits) {
  if (const auto synced = aio::sync_directory(directory_); !synced)
    return synced;
  const auto place = library_ / digits;
  if (::rename(directory_.c_str(), place.c_str()) == 0) {
    directory_.clear();
    return aio::sync_directory(library_);
  }
  if (errno == ENOTEMPTY || errno == EEXIST)
    return {};
  return last_error("rename to", place);
}

fs::path blend_library::path_of(std::string_view digits) const {
  return directory_ / digits / file_name;
}

result<std::vector<std::string>> blend_library::open() const {
  std::error_code ec;
  fs::create_directories(directory_, ec);
  if (ec)
    return system_error(ec.value(), "create " + directory_.native());
  std::vector<std::string> found;
  std::vector<fs::path> unfinished;
  for (fs::directory_iterator entry{directory_, ec}, end; !ec && entry != end; entry.increment(ec)) {
    auto name = entry->path().filename().native();
    if (is_sha256(name))
      found.push_back(std::move(name));
    else if (name.starts_with(incoming_prefix) && !fs::exists(entry->path() / about_name))
      unfinished.push_back(entry->path());
  }
  if (ec) // files not listed must not be taken for missing
    return system_error(ec.value(), "read " + directory_.native());
  for (const auto& path : unfinished) {
    fs::remove_all(path, ec);
    if (ec)
      return system_error(ec.value(), "remove " + path.native());
  }
  return found;
}

result<std::vector<blend_library::unfinished>> blend_library::list_unfinished() const {
  std::error_code ec;
  std::vector<unfinished> found;
  for (fs::directory_iterator entry{directory_, ec}, end; !ec && entry != end; entry.increment(ec)) {
    const auto name = entry->path().filename().native();
    const aio::unique_descriptor about{
        ::open((entry->path() / about_name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!name.starts_with(incoming_prefix) || !about.is_open())
      continue;
    constexpr std::size_t most = 4096;
    std::string text(most, '\0');
    const auto got = ::read(about.get(), text.data(), text.size());
    if (got < 0)
      return last_error("read", entry->path());
    text.resize(static_cast<std::size_t>(got));
    std::error_code unknown;
    const auto bytes = fs::file_size(entry->path() / file_name, unknown);
    found.push_back({name, std::move(text), unknown ? 0 : bytes});
  }
  if (ec)
    return system_error(ec.value(), "read " + directory_.native());
  return found;
}

result<incoming_file::whole> blend_library::look_at(const std::string& digits) const {
  const auto path = path_of(digits);
  const auto file = aio::open_patiently(AT_FDCWD, path.c_str(), O_RDONLY | O_NOFOLLOW);
  struct stat facts {};
  if (!file.is_open() || ::fstat(file.get(), &facts) != 0)
    return last_error("open", path);
  std::vector<std::byte> begin(blender::telling_size);
  const auto size = ::read(file.get(), begin.data(), begin.size());
  if (size < 0)
    return last_error("read", path);
  const auto seen = blender::look_into(std::span{begin}.first(static_cast<std::size_t>(size)));
  if (!seen)
    return seen.error();
  return incoming_file::whole{
      .digits = digits, .bytes = static_cast<std::uintmax_t>(facts.st_size), .facts = *seen};
}

result<void> blend_library::remove(std::string_view digits) const {
  std::error_code ec;
  fs::remove_all(directory_ / digits, ec);
  if (ec)
    return system_error(ec.value(), "remove " + (directory_ / digits).native());
  return {};
}

std::uintmax_t blend_library::free_bytes() const {
  return aio::free_bytes(directory_);
}

} // namespace kiln::blends
