// SPDX-License-Identifier: Apache-2.0
//
// Names of Kiln's objects in Slurm and in an attempt's workspace, by which they are found again: pure.
#pragma once

#include "base/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::slurm {

/// A Slurm job array of an attempt: numbered from 1 within it.
struct array_name {
  attempt_id attempt;
  int number = 0;

  /// The name of the Slurm job: "kiln-j0…-1-2".
  [[nodiscard]] std::string str() const;
  /// Nullopt if it is not exactly a name written by str().
  [[nodiscard]] static std::optional<array_name> parse(std::string_view text);
  friend auto operator<=>(const array_name&, const array_name&) = default;
};

/// One run of a task: Slurm reruns a task whose node was lost, while the first run may continue.
struct run_name {
  int task = 0;          ///< from 1, within the array
  std::uint64_t job = 0; ///< Slurm's id of the task's own job
  int restart = 0;

  /// The directory of the run, below that of its array: "run-3-1207-0".
  [[nodiscard]] std::string str() const;
  [[nodiscard]] static std::optional<run_name> parse(std::string_view text);
  friend auto operator<=>(const run_name&, const run_name&) = default;
};

} // namespace kiln::slurm
