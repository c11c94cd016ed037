// SPDX-License-Identifier: Apache-2.0
#include "process/bubblewrap.hpp"

#include <algorithm>
#include <csignal>
#include <string_view>

namespace kiln::process {
namespace {

namespace fs = std::filesystem;

struct mount {
  fs::path path;
  const char* how;      ///< the option; all but --tmpfs take a source and a target
  fs::path source = {}; ///< empty: the path
};

constexpr std::string_view proc = "/proc";

} // namespace

std::vector<std::string> format_wrapper(const fs::path& bwrap, const walls& around,
                                        const std::vector<fs::path>& hidden_files, bool keeps_files) {
  std::vector<std::string> words{bwrap.native(),
                                 "--unshare-pid",
                                 "--unshare-ipc",
                                 "--unshare-uts",
                                 "--unshare-cgroup-try",
                                 "--seccomp",
                                 "3",
                                 "--cap-drop",
                                 "ALL"};
  const auto add = [&words](std::initializer_list<std::string> more) { words.insert(words.end(), more); };
  if (keeps_files)
    add({"--cap-add", "CAP_DAC_OVERRIDE"});
  if (around.talk != sockets::any)
    add({"--unshare-net"});
  add({"--proc", std::string{proc}, "--dev", "/dev"});

  std::vector<mount> mounts;
  for (const auto& path : around.hidden)
    mounts.push_back({path, "--tmpfs"});
  for (const auto& path : hidden_files) // the mount allows no devices: opening it gives EACCES
    mounts.push_back({path, "--ro-bind", "/dev/null"});
  for (const auto& path : around.read)
    if (!path.native().starts_with(proc)) // the sandbox has its own
      mounts.push_back({path, "--ro-bind-try"});
  for (const auto& path : around.devices)
    mounts.push_back({path, "--dev-bind-try"});
  for (const auto& path : around.write)
    mounts.push_back({path, "--bind"});
  // Deeper ones later: each covers a part of an earlier one.
  std::ranges::stable_sort(mounts, {}, [](const mount& m) { return std::ranges::distance(m.path); });
  for (const auto& [path, how, source] : mounts) {
    add({how});
    if (std::string_view{how} != "--tmpfs")
      add({source.empty() ? path.native() : source.native()});
    add({path.native()});
  }
  // Covers and parents are tmpfs: make them read-only too.
  for (const auto& path : around.hidden)
    add({"--remount-ro", path.native()});
  // In /proc, bwrap covers only what file modes leave open. The directories of /proc/sys have no write mode,
  // so bwrap considers them closed; root can still write kernel settings there.
  add({"--remount-ro", std::string{proc}, "--remount-ro", "/dev", "--remount-ro", "/"});
  return words;
}

int signal_of_status(int status) noexcept {
  const int signal = status - 128;
  return signal > 0 && signal < NSIG ? signal : 0;
}

} // namespace kiln::process
