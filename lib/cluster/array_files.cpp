// SPDX-License-Identifier: Apache-2.0
#include "cluster/array_files.hpp"

#include "aio/unique_descriptor.hpp"
#include "base/number.hpp"
#include "blender/command_line.hpp"
#include "executor/workspace.hpp"
#include "output/results.hpp"
#include "slurm/batch_script.hpp"
#include "slurm/chunks.hpp"
#include "slurm/submission.hpp"
#include "slurm/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::cluster {
namespace {

namespace fs = std::filesystem;

constexpr const char* id_file = "slurm_job";
constexpr const char* judged_file = "judged";
constexpr std::uint64_t longest_log = 1 << 20; // bytes kept of a run's log

std::optional<error> write_file(const fs::path& path, std::string_view text) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << text;
  out.close();
  if (out)
    return std::nullopt;
  return system_error(errno != 0 ? errno : EIO, "write " + path.native());
}

/// At most `most` bytes from `from` on.
std::string read_file(const fs::path& path, std::uint64_t from, std::uint64_t most) {
  const aio::unique_descriptor file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  struct stat facts {};
  if (!file.is_open() || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return {};
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (from >= size)
    return {};
  std::string text(std::min(size - from, most), ' ');
  const auto got = ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(from));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::string with_nuls(const std::vector<std::string>& arguments) {
  std::string text;
  for (const auto& argument : arguments) {
    text += argument;
    text += '\0';
  }
  return text;
}

std::optional<int> parse_array_directory(std::string_view name) {
  return parse_number<int>(name, 1, 1'000'000'000); // the next number fits as well
}

std::int64_t modified_ns(const struct stat& facts) {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr std::int64_t latest = 9'000'000'000; // a scene can set any time on its files
  return std::clamp<std::int64_t>(facts.st_mtim.tv_sec, 0, latest) * second + facts.st_mtim.tv_nsec;
}

std::optional<std::int64_t> time_of(const fs::path& file) {
  struct stat facts {};
  return ::lstat(file.c_str(), &facts) == 0 ? std::optional{modified_ns(facts)} : std::nullopt;
}

seen_run look_at(const fs::path& directory, const slurm::run_name& name, std::uint64_t log_from) {
  constexpr std::uint64_t most_log = 4 << 20, most_record = 4 << 20;
  const auto place = directory / name.str();
  seen_run run{.name = name};
  // First, because the record is written last: once it exists, everything is there.
  run.record = slurm::parse_task_record(read_file(place / slurm::record_file, 0, most_record));
  run.began_ns = time_of(place / slurm::began_file);
  run.loaded_ns = time_of(place / slurm::loaded_file);
  std::vector<std::pair<int, seen_file>> frames;
  for (auto& file : output::list_files(place))
    if (const auto frame = blender::parse_frame_file_name(file)) {
      struct stat facts {};
      if (::lstat((place / file).c_str(), &facts) == 0)
        frames.emplace_back(*frame, seen_file{std::move(file), facts.st_size, modified_ns(facts)});
    }
  std::ranges::sort(frames, {}, &std::pair<int, seen_file>::first);
  for (auto& [frame, file] : frames)
    run.frames.push_back(std::move(file));
  run.log = read_file(place / slurm::log_file, log_from, most_log);
  run.log_is_whole = run.log.size() < most_log;
  return run;
}

} // namespace

result<void> write_array(const fs::path& directory, const array_text& text) {
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec)
    return system_error(ec.value(), "create " + directory.native());
  if (!text.site_template.empty()) {
    fs::copy_file(text.site_template, directory / slurm::site_file, fs::copy_options::overwrite_existing, ec);
    if (ec)
      return system_error(ec.value(), "copy " + text.site_template.native());
  }
  std::string tasks;
  for (const auto& frames : text.tasks)
    tasks += slurm::format_task(frames) + '\n';
  for (auto bad : {write_file(directory / "batch.sh", slurm::batch_script),
                   write_file(directory / slurm::before_file, with_nuls(text.before)),
                   write_file(directory / slurm::after_file, with_nuls(text.after)),
                   write_file(directory / slurm::tasks_file, tasks)})
    if (bad)
      return *bad;
  return {};
}

bool is_array_whole(const fs::path& directory) {
  return std::ranges::all_of(
      std::initializer_list<fs::path>{"batch.sh", slurm::before_file, slurm::after_file, slurm::tasks_file},
      [&directory](const fs::path& name) {
        std::error_code ec;
        return fs::is_regular_file(directory / name, ec);
      });
}

int last_array(const fs::path& workspace) {
  int last = 0;
  for (const auto& name : output::list_files(workspace))
    last = std::max(last, parse_array_directory(name).value_or(0));
  return last;
}

std::vector<kept_array> read_arrays(const fs::path& workspace) {
  constexpr std::uint64_t most = 256 << 20;
  std::vector<kept_array> found;
  for (const auto& name : output::list_files(workspace)) {
    const auto number = parse_array_directory(name);
    if (!number)
      continue;
    const auto directory = workspace / name;
    kept_array kept{.number = *number};
    const auto tasks = read_file(directory / slurm::tasks_file, 0, most);
    for (const auto line : slurm::lines_of(tasks))
      kept.tasks.push_back(slurm::parse_task(line));
    kept.id = slurm::parse_submitted(read_file(directory / id_file, 0, 100));
    const auto judged = read_file(directory / judged_file, 0, most);
    for (const auto line : slurm::lines_of(judged))
      if (const auto task = parse_array_directory(line))
        kept.judged.insert(*task);
    if (!kept.tasks.empty())
      found.push_back(std::move(kept));
  }
  std::ranges::sort(found, {}, &kept_array::number);
  return found;
}

result<void> write_id(const fs::path& directory, std::uint64_t id) {
  const auto draft = directory / (std::string{id_file} + ".new");
  if (auto bad = write_file(draft, std::to_string(id) + '\n'))
    return *bad;
  std::error_code ec;
  fs::rename(draft, directory / id_file, ec);
  if (ec)
    return system_error(ec.value(), "rename " + draft.native());
  return {};
}

result<void> add_judged(const fs::path& directory, int task) {
  const auto path = directory / judged_file;
  std::ofstream out{path, std::ios::app};
  out << task << '\n';
  out.close();
  if (out)
    return {};
  return system_error(errno != 0 ? errno : EIO, "write " + path.native());
}

std::vector<seen_run> look_at_runs(const fs::path& directory, const std::set<int>& tasks,
                                   const std::map<slurm::run_name, std::uint64_t>& log_from) {
  std::vector<seen_run> runs;
  for (const auto& file : output::list_files(directory))
    if (const auto name = slurm::run_name::parse(file); name && tasks.contains(name->task)) {
      const auto known = log_from.find(*name);
      runs.push_back(look_at(directory, *name, known == log_from.end() ? 0 : known->second));
    }
  std::ranges::sort(runs, {}, &seen_run::name);
  return runs;
}

std::string keep_log(const fs::path& directory, const slurm::run_name& run, const std::string& title,
                     const fs::path& log) {
  const auto place = directory / run.str();
  struct stat facts {};
  std::uint64_t from = 0;
  std::string text = title + '\n';
  if (::lstat((place / slurm::log_file).c_str(), &facts) == 0 &&
      static_cast<std::uint64_t>(facts.st_size) > longest_log) {
    from = static_cast<std::uint64_t>(facts.st_size) - longest_log;
    text += fmt::format("(the first {} bytes are left out)\n", from);
  }
  text += read_file(place / slurm::log_file, from, longest_log);
  if (text.back() != '\n')
    text += '\n';
  std::ofstream{log, std::ios::app | std::ios::binary} << text; // a failure to keep the log is ignored
  std::error_code ignored;
  fs::remove_all(place, ignored);
  return text;
}

std::string log_title(const domain::frame_set& frames, const std::string& task, const std::string& node) {
  return fmt::format("--- frames {}: Slurm task {}{}{}", domain::format_frame_set(frames), task,
                     node.empty() ? "" : " on ", node);
}

void conclude_task(const fs::path& directory, int task, const std::string& title, const fs::path& log) {
  for (const auto& run : look_at_runs(directory, {task}, {}))
    (void)keep_log(directory, run.name, title, log);
  (void)add_judged(directory, task); // otherwise the next start does it, and finds no run
}

std::string read_task_output(const fs::path& directory, int task) {
  constexpr std::uint64_t most = 2000;
  return read_file(directory / fmt::format("task-{}.out", task), 0, most);
}

void remove_task(const fs::path& directory, int task) noexcept {
  std::error_code ignored;
  fs::remove(directory / fmt::format("task-{}.out", task), ignored);
}

} // namespace kiln::cluster
