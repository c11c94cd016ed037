// SPDX-License-Identifier: Apache-2.0
//
// The exit statuses of kilnd, for init scripts and people. Documented in docs/operations.md and in --help.
#pragma once

namespace kiln::app {

enum exit_status : int {
  exit_ok = 0,          ///< stopped in order, or --check found no fault
  exit_internal = 1,    ///< a defect of Kiln: please report it
  exit_usage = 2,       ///< a flag, a variable or a key of the file is wrong
  exit_environment = 3, ///< Blender, the .blend, the output or the state directory cannot be used
  exit_listen = 4,      ///< the address to listen on cannot be used
};

} // namespace kiln::app
