// SPDX-License-Identifier: Apache-2.0
//
// Control groups (cgroups(7), version 2) for processes that we start, below the group that was delegated to
// this daemon. Unlike looks at /proc they cannot be outrun.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include <sys/types.h>

namespace kiln::process {

struct group_bounds {
  std::uintmax_t memory = 0; ///< bytes in RAM; 0: no bound
  std::size_t tasks = 0;     ///< processes and their threads; 0: no bound
};

/// What a group was refused so far.
struct group_refusals {
  std::uint64_t killed_for_memory = 0; ///< processes that the kernel has killed
  std::uint64_t tasks = 0;             ///< processes and threads that it has not let begin
};

/// The group of a process in version 2: `text` of /proc/PID/cgroup. Empty if there is none.
[[nodiscard]] std::string_view parse_group(std::string_view text);

/// The directory of a group, by the mounts in `text`, /proc/PID/mountinfo.
[[nodiscard]] std::optional<std::filesystem::path> find_group_directory(std::string_view group,
                                                                        std::string_view text);

/// A number in `text`, lines of "KEY NUMBER"; 0 if it is missing.
[[nodiscard]] std::uint64_t parse_count(std::string_view text, std::string_view key);

/// A group of one process and of all that it starts.
class control_group {
public:
  control_group(std::filesystem::path directory, const group_bounds& bounds);
  control_group(const control_group&) = delete;
  control_group& operator=(const control_group&) = delete;
  /// Removes it if it is empty; otherwise its processes go on.
  ~control_group();

  /// For writing "0", by the process that is to belong to it. -1: it cannot.
  [[nodiscard]] int door() const noexcept { return door_.get(); }
  [[nodiscard]] group_refusals refusals() const;
  /// Kills what is left in it.
  void end() const;

private:
  std::filesystem::path directory_;
  aio::unique_descriptor door_;
};

using control_group_ptr = std::shared_ptr<control_group>;

/// All groups of this daemon.
class control_groups {
public:
  /// Moves this process into a group of its own ("main") below its present one, unless it was started in one
  /// ("kilnd"): only groups without processes may pass controllers on. Changes nothing if it fails; the error
  /// says why there are none. Call once.
  [[nodiscard]] static result<std::shared_ptr<control_groups>> claim(const group_bounds& bounds);

  /// Null if none can be made.
  [[nodiscard]] control_group_ptr make();
  /// Of a process that an earlier kilnd has started; null: it has none.
  [[nodiscard]] control_group_ptr of(pid_t pid) const;

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

private:
  control_groups(std::filesystem::path directory, const group_bounds& bounds)
      : directory_(std::move(directory)), bounds_(bounds) {}

  std::filesystem::path directory_;
  group_bounds bounds_;
  std::uint64_t made_ = 0;
};

} // namespace kiln::process
