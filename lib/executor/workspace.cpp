// SPDX-License-Identifier: Apache-2.0
#include "executor/workspace.hpp"

#include "aio/unique_descriptor.hpp"
#include "blender/blend_file.hpp"
#include "blender/command_line.hpp"
#include "blender/setup_script.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
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

failure unreadable_blend(const error& e) {
  return {.kind = failure_kind::blend_unreadable, .message = "the .blend cannot be read: " + e.message};
}

} // namespace

attempt_paths paths_of(const attempt_id& id, const fs::path& output, const fs::path& state) {
  attempt_paths paths;
  paths.workspace = paths.directory = output / ".kiln" / id.str();
  paths.temp = paths.directory / "tmp";
  paths.script = paths.directory / "kiln_setup.py";
  paths.final_dir = output / id.job.str();
  paths.log = state / "logs" / (id.str() + ".log");
  return paths;
}

attempt_paths paths_in_session(const attempt_id& id, const fs::path& directory, const fs::path& output,
                               const fs::path& state) {
  auto paths = paths_of(id, output, state);
  paths.directory = directory;
  paths.workspace = directory / id.str();
  paths.temp = directory / "tmp";
  paths.script = directory / "kiln_setup.py";
  return paths;
}

attempt_paths find_paths(const attempt_id& id, const fs::path& output, const fs::path& state) {
  for (const auto& found : list_left_over(output))
    if (found.directory.filename() != id.str() && std::ranges::count(found.attempts, id) > 0)
      return paths_in_session(id, found.directory, output, state);
  return paths_of(id, output, state);
}

result<unique_descriptor> open_anywhere(const fs::path& blend) {
  // O_NONBLOCK: a FIFO in its place must not hold us up.
  unique_descriptor file{::open(blend.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file.is_open())
    return last_error("open", blend);
  return file;
}

std::optional<failure> check_blend(const fs::path& blend, const blend_opener& open) {
  const auto file = open(blend);
  if (!file)
    return unreadable_blend(file.error());
  struct stat facts {};
  if (::fstat(file->get(), &facts) != 0)
    return unreadable_blend(last_error("open", blend));
  if (!S_ISREG(facts.st_mode))
    return unreadable_blend({errc::invalid_input, blend.native() + " is not a file"});
  std::array<std::byte, blender::blend_header_size> begin{};
  const auto size = ::read(file->get(), begin.data(), begin.size());
  if (size < 0)
    return unreadable_blend(last_error("read", blend));
  const auto header = blender::parse_blend_header(std::span{begin}.first(static_cast<std::size_t>(size)));
  if (!header)
    return unreadable_blend({errc::corrupt, blend.native() + ": " + header.error().message});
  return std::nullopt;
}

std::optional<failure> prepare(const attempt_paths& paths, const fs::path& blend, const blend_opener& open) {
  if (auto bad = check_blend(blend, open))
    return bad;
  std::error_code ignored; // what is left of an earlier life; a failure shows when the directory is made
  fs::remove_all(paths.workspace, ignored);
  for (const auto& path : {paths.workspace, paths.temp, paths.final_dir, paths.log.parent_path()})
    if (const auto bad = make_directory(path))
      return write_failure(*bad);
  // The directory of the job must survive a loss of power, as the frames in it do.
  const unique_descriptor output{
      ::open(paths.final_dir.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!output.is_open() || ::fsync(output.get()) != 0)
    return write_failure(last_error("sync", paths.final_dir.parent_path()));
  if (paths.directory != paths.workspace)
    return std::nullopt;
  std::ofstream script{paths.script, std::ios::binary};
  script << blender::setup_script;
  script.close();
  if (!script)
    return write_failure(system_error(errno, "write " + paths.script.native()));
  return std::nullopt;
}

result<std::uintmax_t> publish(const fs::path& from, const fs::path& to) {
  constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const unique_descriptor source{::open(from.parent_path().c_str(), directory_flags)};
  if (!source.is_open())
    return last_error("open", from.parent_path());
  const unique_descriptor target{::open(to.parent_path().c_str(), directory_flags)};
  if (!target.is_open())
    return last_error("open", to.parent_path());
  const auto name = from.filename();
  const unique_descriptor file{
      ::openat(source.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  struct stat facts {};
  if (!file.is_open() || ::fstat(file.get(), &facts) != 0)
    return last_error("open", from);
  if (!S_ISREG(facts.st_mode))
    return error{errc::corrupt, from.native() + " is not a file"};
  if (::fsync(file.get()) != 0)
    return last_error("sync", from);
  if (::renameat(source.get(), name.c_str(), target.get(), to.filename().c_str()) != 0)
    return last_error("rename to", to);
  if (::fsync(target.get()) != 0)
    return last_error("sync", to.parent_path());
  return static_cast<std::uintmax_t>(facts.st_size);
}

domain::frame_set published_frames(const fs::path& final_dir) {
  std::vector<int> frames;
  for (const auto& name : list_files(final_dir))
    if (const auto frame = blender::parse_frame_file_name(name); frame && *frame <= domain::max_frame)
      frames.push_back(*frame);
  return domain::frame_set::of(std::move(frames));
}

std::vector<left_over> list_left_over(const fs::path& output) {
  std::vector<left_over> all;
  const auto directory = output / ".kiln";
  for (const auto& name : list_files(directory)) {
    auto& found = all.emplace_back();
    found.directory = directory / name;
    if (const auto id = attempt_id::parse(name))
      found.attempts.push_back(*id);
    if (!name.starts_with(session_directory_prefix))
      continue;
    for (const auto& inside : list_files(found.directory))
      if (const auto id = attempt_id::parse(inside))
        found.attempts.push_back(*id);
  }
  return all;
}

result<void> discard(const job_id& of, const fs::path& output, const fs::path& state) {
  std::error_code ec;
  fs::remove_all(output / of.str(), ec);
  if (ec)
    return system_error(ec.value(), "remove " + (output / of.str()).native());
  for (const auto& name : list_files(state / "logs"))
    if (name.starts_with(of.str() + '-')) {
      fs::remove(state / "logs" / name, ec);
      if (ec)
        return system_error(ec.value(), "remove " + (state / "logs" / name).native());
    }
  return {};
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
