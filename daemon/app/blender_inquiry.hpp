// SPDX-License-Identifier: Apache-2.0
//
// Asks a Blender what it can render on and with. That takes it about a second, so only who wants to know it
// asks.
#pragma once

#include "aio/task.hpp"
#include "app/bounded_runs.hpp"
#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::app {

class blender_inquiry {
public:
  /// `environment`: for Blender. What it prints goes to a file in `state` for as long as it runs. `runs`
  /// outlives it.
  blender_inquiry(bounded_runs& runs, std::filesystem::path state, std::vector<std::string> environment);

  /// The object that kiln_devices.py prints in this Blender, as JSON. One at a time. At most half a minute.
  [[nodiscard]] aio::task<result<std::string>> ask(std::filesystem::path executable);

private:
  bounded_runs& runs_;
  std::filesystem::path state_;
  std::vector<std::string> environment_;
};

} // namespace kiln::app
