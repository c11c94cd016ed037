// SPDX-License-Identifier: Apache-2.0
//
// Slurm's programs, run as supervised processes: each with a deadline, and one of a kind at a time. Their
// output goes to a file, so that none blocks on a reader.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "base/error.hpp"
#include "cluster/slurm_settings.hpp"

#include <set>
#include <string>
#include <vector>

namespace kiln::cluster {

struct command_answer {
  bool is_success = false; ///< exit status 0, before the deadline
  bool is_late = false;    ///< ended at the deadline: its effect is unknown
  std::string text;        ///< standard output and error
};

class slurm_commands {
public:
  /// The objects passed by reference must outlive it.
  slurm_commands(aio::executor_type loop, aio::blocking_pool& pool, const slurm_settings& settings);

  /// `directory`: its working directory, by which leftover processes are found. Returns an error if it cannot
  /// be started.
  [[nodiscard]] aio::task<result<command_answer>> run(std::string program, std::vector<std::string> arguments,
                                                      std::filesystem::path directory);

private:
  [[nodiscard]] aio::task<result<command_answer>>
  run_alone(std::string program, std::vector<std::string> arguments, std::filesystem::path directory);

  aio::executor_type loop_;
  aio::blocking_pool& pool_;
  const slurm_settings& settings_;
  std::vector<std::string> environment_;
  std::set<std::string> busy_;
  aio::notification free_;
};

} // namespace kiln::cluster
