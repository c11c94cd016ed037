// SPDX-License-Identifier: Apache-2.0
#include "process/process_table.hpp"

#include "base/number.hpp"
#include "base/paths.hpp"
#include "process/credentials.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

namespace kiln::process {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_descendants = 1000; // limit for a process that forks endlessly

std::string proc_path(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

/// Of a process of another user, whose facts only that user may read if kilnd lacks CAP_SYS_PTRACE.
credentials owner_of(pid_t pid) {
  struct stat facts {};
  const bool is_known = ::stat(proc_path(pid, "").c_str(), &facts) == 0;
  credentials owner;
  owner.user = is_known ? facts.st_uid : ::geteuid();
  owner.group = is_known ? facts.st_gid : ::getegid();
  return owner;
}

std::uint64_t memory_in_ram(pid_t pid) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::ifstream in{proc_path(pid, "statm")};
  std::uint64_t size = 0, resident = 0;
  return in >> size >> resident ? resident * page : 0;
}

template<class Visit>
void visit_processes(Visit visit) {
  std::error_code ec;
  for (fs::directory_iterator entry{"/proc", ec}, end; !ec && entry != end; entry.increment(ec)) {
    if (const auto pid = parse_number<pid_t>(entry->path().filename().native()))
      visit(*pid);
  }
}

} // namespace

std::optional<process_facts> facts_of(pid_t pid) {
  std::ifstream in{proc_path(pid, "stat")};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  const auto name_end = text.rfind(')'); // the name before it can contain any character
  if (name_end == std::string::npos)
    return std::nullopt;
  std::istringstream fields{text.substr(name_end + 1)};
  char state = 0;
  long ignored = 0;
  process_facts facts{.pid = pid};
  fields >> state >> ignored >> facts.group;
  for (int field = 6; field <= 13; ++field) // up to cmajflt, the 13th
    fields >> ignored;
  std::uint64_t user = 0, system = 0, children_user = 0, children_system = 0;
  fields >> user >> system >> children_user >> children_system;
  for (int field = 18; field <= 21; ++field) // up to itrealvalue, the 21st
    fields >> ignored;
  fields >> facts.started;
  if (!fields)
    return std::nullopt;
  facts.cpu_ticks = user + system + children_user + children_system;
  facts.is_zombie = state == 'Z' || state == 'X';
  return facts;
}

std::optional<std::string> identity_of(pid_t pid) {
  std::string boot;
  std::ifstream{"/proc/sys/kernel/random/boot_id"} >> boot;
  const auto facts = facts_of(pid);
  if (!facts || facts->is_zombie || boot.empty())
    return std::nullopt;
  return std::to_string(pid) + ' ' + std::to_string(facts->started) + ' ' + boot;
}

std::optional<pid_t> find_process(std::string_view identity) {
  pid_t pid = 0;
  const auto [rest, bad] = std::from_chars(identity.data(), identity.data() + identity.size(), pid);
  if (bad != std::errc{} || pid <= 0 || identity_of(pid) != identity)
    return std::nullopt;
  return pid;
}

fs::path working_directory_of(pid_t pid) {
  std::error_code ec;
  auto directory = fs::read_symlink(proc_path(pid, "cwd"), ec);
  if (ec != std::errc::permission_denied)
    return directory;
  const auto owner = owner_of(pid);
  const acting_as them{&owner};
  return fs::read_symlink(proc_path(pid, "cwd"), ec);
}

std::vector<process_facts> processes_in(const fs::path& directory) {
  std::vector<process_facts> found;
  visit_processes([&](pid_t pid) {
    if (!is_at_or_below(working_directory_of(pid), directory))
      return;
    if (const auto facts = facts_of(pid); facts && !facts->is_zombie)
      found.push_back(*facts);
  });
  return found;
}

std::vector<process_facts> members_of(pid_t group) {
  std::vector<process_facts> found;
  visit_processes([&](pid_t pid) {
    if (const auto facts = facts_of(pid); facts && facts->group == group && !facts->is_zombie)
      found.push_back(*facts);
  });
  return found;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::ifstream in{proc_path(parent, ("task/" + std::to_string(parent) + "/children").c_str())};
  return {std::istream_iterator<pid_t>{in}, {}};
}

bool has_variable(pid_t pid, std::string_view variable) {
  std::ifstream in{proc_path(pid, "environ"), std::ios::binary};
  if (!in) {
    const auto owner = owner_of(pid);
    const acting_as them{&owner};
    in = std::ifstream{proc_path(pid, "environ"), std::ios::binary};
  }
  for (std::string one; std::getline(in, one, '\0');)
    if (one == variable)
      return true;
  return false;
}

std::uint64_t available_memory() {
  std::ifstream in{"/proc/meminfo"};
  for (std::string name; in >> name; in.ignore(std::numeric_limits<std::streamsize>::max(), '\n'))
    if (std::uint64_t kilobytes = 0; name == "MemAvailable:" && in >> kilobytes)
      return kilobytes * 1024;
  return std::numeric_limits<std::uint64_t>::max();
}

group_use use_of_group(pid_t group) {
  static const auto ticks_a_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  group_use use;
  for (const auto& member : members_of(group)) {
    ++use.processes;
    use.memory += memory_in_ram(member.pid);
    use.cpu += std::chrono::duration<double>(static_cast<double>(member.cpu_ticks) / ticks_a_second);
  }
  return use;
}

std::uint64_t resident_memory_of(pid_t pid) {
  std::uint64_t bytes = 0;
  std::vector<pid_t> all{pid};
  for (std::size_t i = 0; i < all.size() && i < most_descendants; ++i) {
    bytes += memory_in_ram(all[i]);
    const auto children = children_of(all[i]);
    all.insert(all.end(), children.begin(), children.end());
  }
  return bytes;
}

std::uint64_t cpu_ticks_of_group(pid_t group) {
  std::uint64_t ticks = 0;
  visit_processes([&](pid_t pid) {
    if (const auto facts = facts_of(pid); facts && facts->group == group)
      ticks += facts->cpu_ticks;
  });
  return ticks;
}

} // namespace kiln::process
