// SPDX-License-Identifier: Apache-2.0
#include "api/process_usage.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

namespace kiln::api {
namespace {

namespace fs = std::filesystem;

/// "btime 1700000000" of /proc/stat: the time of boot.
double boot_time() {
  std::ifstream stat{"/proc/stat"};
  for (std::string line; std::getline(stat, line);)
    if (line.starts_with("btime "))
      return std::stod(line.substr(6));
  return 0;
}

double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

} // namespace

std::optional<process_usage> read_process_usage() {
  std::ifstream file{"/proc/self/stat"};
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')'); // a name can contain any character
  if (name_end == std::string::npos)
    return std::nullopt;
  std::istringstream fields{text.substr(name_end + 1)};
  std::string skipped;
  for (int field = 3; field < 22; ++field) // the first field after the name is the third
    fields >> skipped;
  double start = 0;
  process_usage found;
  std::uint64_t pages = 0;
  fields >> start >> found.virtual_size >> pages;
  if (!fields)
    return std::nullopt;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  found.started = boot_time() + start / ticks;
  found.resident = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0)
    found.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  std::error_code ec;
  const auto descriptors = std::distance(fs::directory_iterator{"/proc/self/fd", ec}, {});
  // Without the one used for counting.
  found.open_descriptors = static_cast<std::uint64_t>(descriptors > 0 ? descriptors - 1 : 0);
  rlimit most{};
  if (::getrlimit(RLIMIT_NOFILE, &most) == 0)
    found.max_descriptors = most.rlim_cur;
  return found;
}

} // namespace kiln::api
