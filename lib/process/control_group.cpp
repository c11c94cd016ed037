// SPDX-License-Identifier: Apache-2.0
#include "process/control_group.hpp"

#include "base/number.hpp"
#include "base/paths.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace kiln::process {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view given_name = "kilnd"; // DelegateSubgroup= of the systemd unit
constexpr std::string_view own_name = "main";    // ExecStopPost= of the systemd unit looks for it
constexpr std::string_view prefix = "blender-";

std::string read_all(const fs::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// 0, or errno.
int write_to(const fs::path& file, std::string_view text) {
  const aio::unique_descriptor opened{::open(file.c_str(), O_WRONLY | O_CLOEXEC)};
  const bool done = opened.is_open() &&
                    ::write(opened.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return done ? 0 : errno;
}

std::string describe(const fs::path& directory, int number) {
  return directory.native() + ": " + boost::system::system_category().message(number);
}

/// Under systemd, groups below those that it has not delegated are its own, even if root could write there.
bool is_of_systemd(const fs::path& directory) {
  return ::geteuid() == 0 && ::access("/run/systemd/system", F_OK) == 0 &&
         ::getxattr(directory.c_str(), "trusted.delegate", nullptr, 0) < 0;
}

bool has_word(const std::string& text, std::string_view wanted) {
  std::istringstream words{text};
  for (std::string word; words >> word;)
    if (word == wanted)
      return true;
  return false;
}

/// What is needed, as `directory` has it: "+memory +pids". Empty if a needed one is missing.
std::string controllers(const fs::path& directory, const group_bounds& bounds) {
  const auto offered = read_all(directory / "cgroup.controllers");
  std::string wanted;
  for (const auto& [name, is_needed] : {std::pair{"memory", bounds.memory > 0},
                                        std::pair{"pids", bounds.tasks > 0}, std::pair{"cpu", false}}) {
    const bool is_offered = has_word(offered, name);
    if (is_needed && !is_offered)
      return {};
    if (is_offered && (is_needed || std::string_view{name} == "cpu"))
      wanted += (wanted.empty() ? "+" : " +") + std::string{name};
  }
  return wanted;
}

void set_bounds(const fs::path& directory, const group_bounds& bounds) {
  if (bounds.memory > 0) {
    write_to(directory / "memory.max", std::to_string(bounds.memory));
    write_to(directory / "memory.swap.max", "0"); // otherwise it would grow there, slowly
    write_to(directory / "memory.oom.group", "1");
  }
  if (bounds.tasks > 0)
    write_to(directory / "pids.max", std::to_string(bounds.tasks));
  write_to(directory / "cpu.weight", "50"); // kilnd has 100: it answers while they render
}

/// Groups whose processes have ended.
void remove_empty(const fs::path& directory) {
  std::error_code ec;
  std::vector<fs::path> found;
  for (fs::directory_iterator entry{directory, ec}, end; !ec && entry != end; entry.increment(ec))
    if (entry->path().filename().native().starts_with(prefix))
      found.push_back(entry->path());
  for (const auto& one : found)
    ::rmdir(one.c_str()); // EBUSY: it has processes
}

} // namespace

std::string_view parse_group(std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    if (line.starts_with("0::/"))
      return line.substr(3);
    if (end == std::string_view::npos)
      break;
    text.remove_prefix(end + 1);
  }
  return {};
}

std::optional<fs::path> find_group_directory(std::string_view group, std::string_view text) {
  std::istringstream lines{std::string{text}};
  for (std::string line; std::getline(lines, line);) {
    const auto kind = line.find(" - ");
    if (kind == std::string::npos || !std::string_view{line}.substr(kind + 3).starts_with("cgroup2 "))
      continue;
    std::istringstream fields{line};
    std::string ignored, root, place;
    fields >> ignored >> ignored >> ignored >> root >> place;
    const fs::path whole{group};
    if (!fields || !is_at_or_below(whole, root))
      continue;
    const auto below = whole.lexically_relative(root);
    return below == "." ? fs::path{place} : fs::path{place} / below;
  }
  return std::nullopt;
}

std::uint64_t parse_count(std::string_view text, std::string_view key) {
  std::istringstream lines{std::string{text}};
  std::string name;
  for (std::uint64_t count = 0; lines >> name >> count;)
    if (name == key)
      return count;
  return 0;
}

control_group::control_group(fs::path directory, const group_bounds& bounds)
    : directory_(std::move(directory)),
      door_(::open((directory_ / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)) {
  set_bounds(directory_, bounds);
}

control_group::~control_group() {
  ::rmdir(directory_.c_str());
}

group_refusals control_group::refusals() const {
  return {.killed_for_memory = parse_count(read_all(directory_ / "memory.events"), "oom_kill"),
          .tasks = parse_count(read_all(directory_ / "pids.events"), "max")};
}

void control_group::end() const {
  write_to(directory_ / "cgroup.kill", "1"); // from Linux 5.14
}

result<std::shared_ptr<control_groups>> control_groups::claim(const group_bounds& bounds) {
  const auto unsupported = [](std::string why) { return error{errc::unsupported, std::move(why)}; };
  const auto text = read_all("/proc/self/cgroup");
  auto found = find_group_directory(parse_group(text), read_all("/proc/self/mountinfo"));
  if (!found)
    return unsupported("there are no control groups of version 2");
  const bool is_inside = found->filename() == given_name || found->filename() == own_name;
  const auto directory = is_inside ? found->parent_path() : *found;
  if (is_of_systemd(directory))
    return unsupported(directory.native() + " was not delegated: Delegate= of a systemd unit does that");
  const auto wanted = controllers(directory, bounds);
  if (wanted.empty())
    return unsupported(directory.native() + " lacks a controller");
  const auto own = directory / own_name;
  if (!is_inside) {
    if (::mkdir(own.c_str(), S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH) != 0 && errno != EEXIST)
      return unsupported(describe(own, errno));
    if (const int failed = write_to(own / "cgroup.procs", "0")) {
      ::rmdir(own.c_str());
      return unsupported(describe(own, failed));
    }
  }
  if (const int failed = write_to(directory / "cgroup.subtree_control", wanted)) {
    if (!is_inside && write_to(directory / "cgroup.procs", "0") == 0)
      ::rmdir(own.c_str());
    return unsupported(describe(directory, failed) + (failed == EBUSY ? " (other programs are in it)" : ""));
  }
  std::shared_ptr<control_groups> made{new control_groups(directory, bounds)};
  remove_empty(directory);
  return made;
}

control_group_ptr control_groups::make() {
  remove_empty(directory_);
  for (int tries = 0; tries < 1000; ++tries) {
    auto directory =
        directory_ / (std::string{prefix} + std::to_string(++made_)); // some are of an earlier kilnd
    if (::mkdir(directory.c_str(), S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH) == 0)
      return std::make_shared<control_group>(std::move(directory), bounds_);
    if (errno != EEXIST)
      return nullptr;
  }
  return nullptr;
}

control_group_ptr control_groups::of(pid_t pid) const {
  const auto proc = fs::path{"/proc"} / std::to_string(pid);
  const auto text = read_all(proc / "cgroup");
  auto found = find_group_directory(parse_group(text), read_all("/proc/self/mountinfo"));
  if (!found || found->parent_path() != directory_ || !found->filename().native().starts_with(prefix))
    return nullptr;
  return std::make_shared<control_group>(std::move(*found), bounds_);
}

} // namespace kiln::process
