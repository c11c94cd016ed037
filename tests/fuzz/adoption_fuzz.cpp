// SPDX-License-Identifier: Apache-2.0
// What a start reads to take over attempts: the entries in STATE, and the files that nodes of a cluster keep
// in a workspace. Whatever lies there, no path leads out of the output, no file elsewhere is touched, and no
// process is taken for one that it is not.
#include "base/paths.hpp"
#include "check.hpp"
#include "cluster/array_files.hpp"
#include "executor/workspace.hpp"
#include "process/process_table.hpp"
#include "slurm/batch_script.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace kiln;
namespace fs = std::filesystem;

const auto job = *job_id::parse("j0123456789abcdefgh");
const std::array ids{attempt_id{job, 1}, attempt_id{job, 2}};

/// In memory where that is possible: inputs are tried thousands of times a second.
fs::path make_root() {
  const fs::path memory = "/dev/shm";
  auto name =
      ((fs::exists(memory) ? memory : fs::temp_directory_path()) / "kiln-adoption-fuzz-XXXXXX").native();
  KILN_HOLDS(::mkdtemp(name.data()));
  return name;
}

/// Removed at the end of the run.
struct root_directory {
  fs::path path = make_root();
  ~root_directory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

class reader {
public:
  explicit reader(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool is_empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty())
      return 0;
    const auto first = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return first;
  }
  std::string text(std::size_t most) {
    const auto size = std::min<std::size_t>({byte(), most, bytes_.size()});
    std::string out{bytes_.substr(0, size)};
    bytes_.remove_prefix(size);
    return out;
  }
  /// One component of a path.
  std::string name(std::uint8_t which) {
    switch (which % 4) {
    case 0:
      return ids[0].str();
    case 1:
      return ids[1].str();
    case 2:
      return "session-" + std::to_string(which / 4);
    }
    auto out = text(60);
    std::ranges::replace(out, '/', '_');
    std::ranges::replace(out, '\0', '_');
    return out.empty() || out == "." || out == ".." ? "x" : out;
  }

private:
  std::string_view bytes_;
};

void write(const fs::path& file, const std::string& text) {
  std::error_code ignored;
  fs::remove_all(file, ignored); // it may be a pipe
  std::ofstream{file, std::ios::binary} << text;
}

void make_entry(const fs::path& entry, reader& from) {
  std::error_code ignored;
  fs::remove_all(entry, ignored);
  switch (const auto kind = from.byte(); kind % 6) {
  case 0:
  case 1: {
    auto target = kind & 8 ? "session-" + from.text(200) : from.text(200);
    if (kind & 16)
      target = "../../outside";
    if (kind & 32)
      target = process::identity_of(::getpid()).value_or("") + from.text(3);
    std::ranges::replace(target, '\0', '_');
    if (!target.empty())
      fs::create_symlink(target, entry, ignored);
    break;
  }
  case 2:
    write(entry, from.text(200));
    break;
  case 3:
    fs::create_directory(entry, ignored);
    write(entry / "inside", "");
    break;
  case 4:
    ::mkfifo(entry.c_str(), 0600);
    break;
  case 5:
    fs::create_hard_link(entry.parent_path().parent_path() / "logs", entry, ignored);
    break;
  }
}

void check_places(const fs::path& output, const fs::path& state) {
  for (const auto& id : ids) {
    const auto paths = executor::find_paths(id, output, state);
    for (const auto& inside : {paths.directory, paths.workspace, paths.temp, paths.taken, paths.printed}) {
      KILN_HOLDS(inside.lexically_normal() == inside);
      KILN_HOLDS(is_at_or_below(inside, output / ".kiln") && inside != output / ".kiln");
    }
    KILN_HOLDS(paths.directory.parent_path() == output / ".kiln");
    KILN_HOLDS(paths.workspace.filename() == id.str());
  }
  for (const auto& directory :
       {output / ".kiln" / ids[0].str(), output / ".kiln/session-1", output / ".kiln/x"}) {
    const auto identity = executor::kept_process(executor::process_entry(directory, state));
    const auto pid = identity ? process::find_process(*identity) : std::nullopt;
    KILN_HOLDS(!pid || process::identity_of(*pid) == identity);
  }
  executor::forget_other_places({ids[0]}, state);
  for (const auto& entry : fs::directory_iterator{state / "attempts"})
    KILN_HOLDS(entry.path().filename() == ids[0].str() || entry.is_directory());
}

void check_arrays(const fs::path& workspace, reader from) {
  const auto array = workspace / (from.byte() % 2 ? "1" : from.name(3));
  std::error_code ignored;
  const std::array<std::string, 4> files{std::string{slurm::tasks_file}, "slurm_job", "judged", "task-1.out"};
  const std::array<std::string, 4> of_run{std::string{slurm::record_file}, std::string{slurm::log_file},
                                          std::string{slurm::began_file}, "blender-render_0001.png"};
  fs::create_directories(array / "run-1-7-0", ignored);
  while (!from.is_empty()) {
    const auto which = from.byte();
    const auto file = which % 3 ? array / files[which / 3 % 4] : array / "run-1-7-0" / of_run[which / 3 % 4];
    if (which >= 200)
      make_entry(file, from);
    else
      write(file, from.text(255));
  }
  KILN_HOLDS(cluster::last_array(workspace) <= 1'000'000'000);
  for (const auto& kept : cluster::read_arrays(workspace)) {
    KILN_HOLDS(kept.number > 0 && !kept.tasks.empty());
    for (const auto& frames : kept.tasks)
      KILN_HOLDS(frames.empty() ||
                 (frames.front() >= domain::min_frame && frames.back() <= domain::max_frame));
    const auto directory = workspace / std::to_string(kept.number);
    for (const auto& run : cluster::look_at_runs(directory, {1, 2}, {})) {
      KILN_HOLDS(run.name.task == 1 || run.name.task == 2);
      (void)cluster::keep_log(directory, run.name, "title", workspace / "log");
    }
    (void)cluster::read_task_output(directory, 1);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const root_directory root;
  const auto output = root.path / "output", state = root.path / "state", outside = root.path / "outside";
  fs::remove_all(output);
  fs::remove_all(state);
  for (const auto& made : {output / ".kiln" / ids[0].str(), state / "attempts", state / "processes", outside})
    fs::create_directories(made);
  write(state / "logs", "");
  write(outside / "kept", "kept");

  reader from{as_text(data, size)};
  for (int entries = from.byte() % 8; entries > 0; --entries) {
    const auto where = from.byte();
    make_entry(state / (where % 2 ? "attempts" : "processes") / from.name(where / 2), from);
  }
  check_places(output, state);
  check_arrays(output / ".kiln" / ids[0].str(), from);
  KILN_HOLDS(fs::file_size(outside / "kept") == 4);
  KILN_HOLDS(std::distance(fs::directory_iterator{outside}, {}) == 1);
  return 0;
}
