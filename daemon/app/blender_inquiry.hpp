// SPDX-License-Identifier: Apache-2.0
//
// Asks a Blender what it can render on and with. That takes it about a second, so only who wants to know it
// asks.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/task.hpp"
#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::process {
class child;
}

namespace kiln::app {

class blender_inquiry {
public:
  /// `environment`: for Blender. What it prints goes to a file in `state` for as long as it runs. The
  /// pool outlives it.
  blender_inquiry(aio::executor_type loop, std::filesystem::path state, std::vector<std::string> environment,
                  aio::blocking_pool& pool);

  /// The object that kiln_devices.py prints in this Blender, as JSON. One at a time. At most half a minute.
  [[nodiscard]] aio::task<result<std::string>> ask(std::filesystem::path executable);

  /// Ends one that is under way, and those that come.
  void stop();

private:
  aio::executor_type loop_;
  aio::blocking_pool& pool_;
  std::filesystem::path state_;
  std::vector<std::string> environment_;
  process::child* running_ = nullptr;
  bool stopped_ = false;
};

} // namespace kiln::app
