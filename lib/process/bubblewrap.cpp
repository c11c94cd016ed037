// SPDX-License-Identifier: Apache-2.0
#include "process/bubblewrap.hpp"

#include "base/paths.hpp"

#include <algorithm>
#include <array>
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
constexpr std::array devices_of_bwrap{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
constexpr std::string_view to_read = "--ro-bind-try";

/// Leaves out what the nearest mount above it shows already: each mount costs bwrap 0.1 ms, since it reads
/// the table of all mounts. Mounts include those of the directories below them.
std::vector<mount> without_shown(std::vector<mount> sorted) {
  std::vector<mount> kept;
  for (auto& one : sorted) {
    const auto above = std::find_if(kept.rbegin(), kept.rend(),
                                    [&one](const mount& m) { return is_at_or_below(one.path, m.path); });
    if (above == kept.rend() || one.how != to_read || above->how != to_read)
      kept.push_back(std::move(one));
  }
  return kept;
}

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
      mounts.push_back({path, to_read.data()});
  for (const auto& path : around.devices)
    if (std::ranges::find(devices_of_bwrap, path) == devices_of_bwrap.end())
      mounts.push_back({path, "--dev-bind-try"});
  for (const auto& path : around.write)
    mounts.push_back({path, "--bind"});
  // Deeper ones later: each covers a part of an earlier one.
  std::ranges::stable_sort(mounts, {}, [](const mount& m) { return std::ranges::distance(m.path); });
  for (const auto& [path, how, source] : without_shown(std::move(mounts))) {
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
