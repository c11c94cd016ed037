// SPDX-License-Identifier: Apache-2.0
//
// How Kiln's things are called in Slurm and in an attempt's workspace, so that they are found again: pure.
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
  /// Nothing if it is not exactly a name as str() writes it.
  [[nodiscard]] static std::optional<array_name> parse(std::string_view text);
  friend auto operator<=>(const array_name&, const array_name&) = default;
};

/// One run of a task: Slurm runs a task again when its node was lost, and the first run may go on.
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
