// SPDX-License-Identifier: Apache-2.0
//
// What a child process is started with.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace kiln::process {

struct confinement;

struct launch_request {
  std::filesystem::path executable;        ///< with a slash in it: nothing is looked up in PATH
  std::vector<std::string> arguments;      ///< without argv[0]
  std::vector<std::string> environment;    ///< "KEY=VALUE": all of it
  std::filesystem::path working_directory; ///< must exist
  int input = -1;                 ///< becomes standard input and stays the caller's, too; -1: /dev/null
  std::filesystem::path log_file; ///< takes standard output and error; made if missing, else appended to
  std::shared_ptr<const confinement> sandbox = {}; ///< the walls around it (confinement.hpp); null: none
};

} // namespace kiln::process
