// SPDX-License-Identifier: Apache-2.0
//
// The parameters of a child process.
#pragma once

#include "process/credentials.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace kiln::process {

struct confinement;
class control_group;

struct launch_request {
  std::filesystem::path executable;        ///< contains a slash: PATH is not searched
  std::vector<std::string> arguments;      ///< without argv[0]
  std::vector<std::string> environment;    ///< "KEY=VALUE": all of it
  std::filesystem::path working_directory; ///< must exist
  int input = -1;                 ///< becomes standard input; still owned by the caller; -1: /dev/null
  std::filesystem::path log_file; ///< for standard output and error; created if missing, appended to
  std::shared_ptr<const confinement> sandbox = {}; ///< its sandbox (confinement.hpp); null: none
  credentials_ptr run_as = {};                     ///< its user; null: kilnd's own
  std::shared_ptr<control_group> group = {};       ///< its control group; null: that of kilnd
};

} // namespace kiln::process
