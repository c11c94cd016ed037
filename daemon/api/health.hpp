// SPDX-License-Identifier: Apache-2.0
//
// Whether the daemon lives, and whether it can render: /livez, /readyz, and /healthz as another name of the
// latter.
#pragma once

#include "aio/task_group.hpp"
#include "aio/wake_list.hpp"
#include "http/service.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::api {

struct readiness {
  std::optional<std::string> wrong;  ///< the reason why the daemon cannot render; nullopt if it can
  std::vector<std::string> warnings; ///< faults with which the daemon still renders
};

class health {
public:
  /// The problem that keeps the daemon from rendering and is known without a check of the machine; nullopt if
  /// none.
  using check = std::function<std::optional<std::string>()>;
  /// Checks the machine. Waits as long as a file system does not answer.
  using look = std::function<aio::task<readiness>()>;

  /// `patience`: how long a check may take before the daemon reports that it cannot render.
  health(aio::executor_type loop, check known, look at_machine, aio::task_group::failure_handler on_failure,
         std::chrono::milliseconds patience = std::chrono::seconds{2});

  /// `sandbox`: the name of Blender's sandbox, which the answer includes.
  void add_routes(http::service& to, std::string_view sandbox);

  /// The known problem, or else the findings of a check of the machine. Callers during a check wait for that
  /// check instead of starting another.
  [[nodiscard]] aio::task<readiness> now();

  /// Completes when no check is running. Await it before destruction.
  [[nodiscard]] aio::task<> join() { return looks_.join(); }

private:
  [[nodiscard]] aio::task<> look_once();
  [[nodiscard]] aio::task<http::answer> answer_readiness(std::string sandbox, bool is_stranger);

  aio::executor_type loop_;
  check known_;
  look look_;
  std::chrono::milliseconds patience_;
  aio::task_group looks_; ///< one at most
  bool is_looking_ = false;
  aio::wake_list waiting_;
  readiness last_; ///< the findings of the last check
};

} // namespace kiln::api
