// SPDX-License-Identifier: Apache-2.0
#include "executor/workspace.hpp"

#include "aio/unique_descriptor.hpp"
#include "blender/blend_file.hpp"

#include <array>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::executor {
namespace {

namespace fs = std::filesystem;
using aio::unique_descriptor;
using domain::failure;
using domain::failure_kind;

error last_error(const char* what, const fs::path& path) {
  return system_error(errno, what + (" " + path.native()));
}

std::optional<error> make_directory(const fs::path& path) {
  std::error_code ec;
  fs::create_directories(path, ec);
  if (ec)
    return system_error(ec.value(), "create " + path.native());
  return std::nullopt;
}

result<void> sync_directory(const fs::path& path) {
  const unique_descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory.is_open() || ::fsync(directory.get()) != 0)
    return last_error("sync", path);
  return {};
}

failure unreadable_blend(const error& e) {
  return {.kind = failure_kind::blend_unreadable, .message = "the .blend cannot be read: " + e.message};
}

} // namespace

attempt_paths paths_of(const attempt_id& id, const fs::path& output, const fs::path& state) {
  attempt_paths paths;
  paths.workspace = output / ".kiln" / id.str();
  paths.temp = paths.workspace / "tmp";
  paths.final_dir = output / id.job.str();
  paths.log = state / "logs" / (id.str() + ".log");
  return paths;
}

std::optional<failure> check_blend(const fs::path& blend) {
  // O_NONBLOCK: a FIFO in its place must not hold us up.
  const unique_descriptor file{::open(blend.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat facts {};
  if (!file.is_open() || ::fstat(file.get(), &facts) != 0)
    return unreadable_blend(last_error("open", blend));
  if (!S_ISREG(facts.st_mode))
    return unreadable_blend({errc::invalid_input, blend.native() + " is not a file"});
  std::array<std::byte, blender::blend_header_size> begin{};
  const auto size = ::read(file.get(), begin.data(), begin.size());
  if (size < 0)
    return unreadable_blend(last_error("read", blend));
  const auto header = blender::parse_blend_header(std::span{begin}.first(static_cast<std::size_t>(size)));
  if (!header)
    return unreadable_blend({errc::corrupt, blend.native() + ": " + header.error().message});
  return std::nullopt;
}

std::optional<failure> prepare(const attempt_paths& paths, const fs::path& blend) {
  if (auto bad = check_blend(blend))
    return bad;
  std::error_code ignored; // what is left of an earlier life; a failure shows when the directory is made
  fs::remove_all(paths.workspace, ignored);
  for (const auto& path : {paths.temp, paths.final_dir, paths.log.parent_path()})
    if (const auto bad = make_directory(path))
      return write_failure(*bad);
  return std::nullopt;
}

result<void> publish(const fs::path& from, const fs::path& to) {
  {
    const unique_descriptor file{::open(from.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
    struct stat facts {};
    if (!file.is_open() || ::fstat(file.get(), &facts) != 0)
      return last_error("open", from);
    if (!S_ISREG(facts.st_mode))
      return error{errc::corrupt, from.native() + " is not a file"};
    if (::fsync(file.get()) != 0)
      return last_error("sync", from);
  }
  if (::rename(from.c_str(), to.c_str()) != 0)
    return last_error("rename to", to);
  return sync_directory(to.parent_path());
}

std::vector<std::string> list_files(const fs::path& workspace) {
  std::vector<std::string> names;
  std::error_code ec;
  for (fs::directory_iterator entry{workspace, ec}, end; !ec && entry != end; entry.increment(ec))
    names.push_back(entry->path().filename().native());
  return names;
}

std::uintmax_t free_bytes(const fs::path& path) {
  std::error_code ec;
  return fs::space(path, ec).available; // uintmax_t(-1) on an error
}

void remove(const attempt_paths& paths) noexcept {
  std::error_code ignored;
  fs::remove_all(paths.workspace, ignored);
  fs::remove(paths.final_dir, ignored); // only succeeds when it is empty
}

failure write_failure(const error& e) {
  const bool full = e.code == boost::system::errc::no_space_on_device || e.code.value() == EDQUOT;
  return {.kind = full ? failure_kind::disk_full : failure_kind::output_unwritable,
          .message = (full ? "the disk is full: " : "the output cannot be written: ") + e.message};
}

} // namespace kiln::executor
