// SPDX-License-Identifier: Apache-2.0
//
// Whether the daemon lives, and whether it can render: /livez, /readyz, and /healthz as another name of the
// latter.
#pragma once

#include "aio/task.hpp"
#include "http/service.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::api {

/// Says what keeps the daemon from rendering; nothing when nothing does.
using readiness_check = std::function<std::optional<std::string>()>;

struct readiness {
  std::optional<std::string> wrong;  ///< the reason why the daemon cannot render; nullopt if it can
  std::vector<std::string> warnings; ///< faults with which the daemon still renders
};

/// Looks at the machine.
using readiness_look = std::function<aio::task<readiness>()>;

/// `known` is called first, and `look` only when it finds nothing wrong.
/// `sandbox`: the name of what Blender runs in, for those who watch over the daemon.
void add_system_routes(http::service& to, std::string_view sandbox, readiness_check known,
                       readiness_look look);

} // namespace kiln::api
