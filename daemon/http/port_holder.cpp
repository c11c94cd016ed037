// SPDX-License-Identifier: Apache-2.0
#include "http/port_holder.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

namespace kiln::http {
namespace {

namespace fs = std::filesystem;

/// Inodes of the sockets that listen on the port: proc(5), /proc/net/tcp.
std::set<std::string> listening_sockets(unsigned short port) {
  std::set<std::string> inodes;
  const auto wanted = fmt::format(":{:04X}", port);
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in{table};
    std::string line;
    std::getline(in, line); // headings
    while (std::getline(in, line)) {
      std::istringstream words{line};
      std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
      words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
      if (state == "0A" && local.ends_with(wanted))
        inodes.insert(inode);
    }
  }
  return inodes;
}

} // namespace

std::string find_port_holder(unsigned short port) {
  const auto sockets = listening_sockets(port);
  std::error_code ec;
  for (const auto& process : fs::directory_iterator{"/proc", ec}) {
    const auto pid = process.path().filename().native();
    if (pid.find_first_not_of("0123456789") != std::string::npos)
      continue;
    std::error_code gone; // or the process of another user
    for (fs::directory_iterator entry{process.path() / "fd", gone}, end; !gone && entry != end;
         entry.increment(gone)) {
      std::error_code no_link;
      const auto target = fs::read_symlink(entry->path(), no_link).native();
      if (!target.starts_with("socket:[") || !sockets.contains(target.substr(8, target.size() - 9)))
        continue;
      std::string name;
      std::getline(std::ifstream{process.path() / "comm"}, name);
      return fmt::format("{} (pid {})", name, pid);
    }
  }
  return {};
}

} // namespace kiln::http
