// SPDX-License-Identifier: Apache-2.0
#include "executor/workspace.hpp"

#include "aio/directory.hpp"
#include "aio/patient_open.hpp"
#include "aio/unique_descriptor.hpp"
#include "blender/setup_script.hpp"
#include "output/results.hpp"
#include "output/state_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::executor {
namespace {

namespace fs = std::filesystem;
using aio::unique_descriptor;
using domain::failure;
using domain::failure_kind;

std::optional<error> make_directory(const fs::path& path) {
  std::error_code ec;
  fs::create_directories(path, ec);
  if (ec)
    return system_error(ec.value(), "create " + path.native());
  return std::nullopt;
}

failure unreadable_blend(const error& e) {
  return {.kind = failure_kind::blend_unreadable,
          .message = "the .blend cannot be read: " + e.message,
          .passes = is_passing(e.code)};
}

/// The first bytes of a file, at most `size`; nullopt if they cannot be read, with errno set.
std::optional<std::vector<std::byte>> read_begin(const unique_descriptor& file, std::size_t size) {
  std::vector<std::byte> begin(size);
  const auto got = ::pread(file.get(), begin.data(), begin.size(), 0);
  if (got < 0)
    return std::nullopt;
  begin.resize(static_cast<std::size_t>(got));
  return begin;
}

} // namespace

attempt_paths paths_of(const attempt_id& id, const fs::path& output, const fs::path& state) {
  attempt_paths paths;
  paths.workspace = paths.directory = output / ".kiln" / id.str();
  paths.temp = paths.directory / "tmp";
  paths.script = paths.directory / "kiln_setup.py";
  paths.final_dir = output / id.job.str();
  paths.log = output::log_of(id, state);
  paths.place = place_entry(id, state);
  paths.printed = output / ".kiln" / ("printed-" + id.str());
  paths.taken = output / ".kiln" / ("taken-" + id.str());
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
  const auto session = kept_session(place_entry(id, state));
  return session ? paths_in_session(id, output / ".kiln" / *session, output, state)
                 : paths_of(id, output, state);
}

result<unique_descriptor> open_anywhere(const fs::path& blend) {
  auto file = aio::open_patiently(AT_FDCWD, blend.c_str(), O_RDONLY);
  if (!file.is_open())
    return last_error("open", blend);
  return file;
}

std::variant<blender::blend_facts, failure> read_blend(const fs::path& blend, const blend_opener& open) {
  const auto file = open(blend);
  if (!file)
    return unreadable_blend(file.error());
  struct stat facts {};
  if (::fstat(file->get(), &facts) != 0)
    return unreadable_blend(last_error("open", blend));
  if (!S_ISREG(facts.st_mode))
    return unreadable_blend({errc::invalid_input, blend.native() + " is not a file"});
  // Most files tell all before or behind a preview of 128 x 128 pixels; larger previews and packed files
  // need more. A large buffer costs more than all the rest: its pages come from the kernel each time.
  constexpr std::size_t usual_size = 72 * 1024;
  auto begin = read_begin(*file, usual_size);
  if (begin && begin->size() == usual_size)
    if (const auto found = blender::look_into(*begin); found && found->minimum)
      return *found;
  begin = read_begin(*file, blender::telling_size);
  if (!begin)
    return unreadable_blend(last_error("read", blend));
  const auto found = blender::look_into(*begin);
  if (!found)
    return unreadable_blend({errc::corrupt, blend.native() + ": " + found.error().message});
  return *found;
}

std::optional<failure> check_blend(const fs::path& blend, const blend_opener& open) {
  auto found = read_blend(blend, open);
  auto* bad = std::get_if<failure>(&found);
  return bad ? std::optional{std::move(*bad)} : std::nullopt;
}

std::optional<failure> prepare(const attempt_paths& paths, const fs::path& blend, const blend_opener& open,
                               const process::credentials* user) {
  if (auto bad = check_blend(blend, open))
    return bad;
  if (auto why = output::lack_of_state_disk(paths.log.parent_path().parent_path()))
    return failure{.kind = failure_kind::disk_full, .message = std::move(*why)};
  // Before Blender begins the attempt: from then on a crash of kilnd may leave frames there.
  if (paths.directory != paths.workspace)
    if (const auto kept = keep_session(paths.place, paths.directory.filename()); !kept)
      return write_failure(kept.error());
  std::error_code ignored; // left by an earlier run; a failure shows when the directory is created
  fs::remove_all(paths.workspace, ignored);
  fs::remove_all(paths.taken, ignored);
  fs::remove(paths.printed, ignored);
  for (const auto& path :
       {paths.workspace, paths.temp, paths.taken, paths.final_dir, paths.log.parent_path()})
    if (const auto bad = make_directory(path))
      return write_failure(*bad);
  // The directory of the job must survive a loss of power, as the frames in it do.
  if (const auto synced = aio::sync_directory(paths.final_dir.parent_path()); !synced)
    return write_failure(synced.error());
  if (paths.directory == paths.workspace)
    if (const auto written = write_scripts(paths.directory); !written)
      return write_failure(written.error());
  if (const auto given = process::give_directory(paths.workspace, user); !given)
    return write_failure(given.error());
  return std::nullopt;
}

result<void> write_scripts(const fs::path& directory) {
  for (const auto& [name, text] : blender::setup_scripts) {
    const auto path = directory / name;
    std::ofstream file{path, std::ios::binary};
    file << text;
    file.close();
    if (!file)
      return system_error(errno, "write " + path.native());
  }
  return {};
}

std::vector<fs::path> list_left_over(const fs::path& output) {
  std::vector<fs::path> all;
  for (const auto& name : output::list_files(output / ".kiln"))
    all.push_back(output / ".kiln" / name);
  return all;
}

void remove(const attempt_paths& paths) noexcept {
  std::error_code ignored;
  fs::remove_all(paths.workspace, ignored);
  fs::remove_all(paths.taken, ignored);
  fs::remove(paths.printed, ignored);
  fs::remove(paths.final_dir, ignored); // only succeeds if it is empty
  fs::remove(paths.place, ignored);
}

failure write_failure(const error& e) {
  if (is_passing(e.code))
    return {.kind = failure_kind::output_unwritable, .message = e.message, .passes = true};
  const bool full = e.code == boost::system::errc::no_space_on_device || e.code.value() == EDQUOT;
  return {.kind = full ? failure_kind::disk_full : failure_kind::output_unwritable,
          .message = (full ? "the disk is full: " : "the output cannot be written: ") + e.message};
}

} // namespace kiln::executor
