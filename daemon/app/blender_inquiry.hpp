// SPDX-License-Identifier: Apache-2.0
//
// Asks a Blender for its devices and engines. That takes about a second, so it is done on request only.
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
  /// `environment`: for Blender. Its output goes to a file in `state` while it runs. `runs` must
  /// outlive this object.
  blender_inquiry(bounded_runs& runs, std::filesystem::path state, std::vector<std::string> environment);

  /// The object that kiln_devices.py prints in this Blender, as JSON. One at a time. At most half a minute.
  [[nodiscard]] aio::task<result<std::string>> ask(std::filesystem::path executable);

private:
  bounded_runs& runs_;
  std::filesystem::path state_;
  std::vector<std::string> environment_;
};

} // namespace kiln::app
