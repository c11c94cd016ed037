// SPDX-License-Identifier: Apache-2.0
//
// Whether the daemon lives, and whether it can render: /livez, /readyz, and /healthz as another name of the
// latter.
#pragma once

#include "aio/blocking_pool.hpp"
#include "http/service.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::api {

/// Says what keeps the daemon from rendering; nothing when nothing does.
using readiness_check = std::function<std::optional<std::string>()>;

/// `look` runs on the pool: it may block. `known` is asked first, on the loop.
/// `sandbox`: the name of what Blender runs in, for those who watch over the daemon.
void add_system_routes(http::service& to, std::string_view sandbox, aio::blocking_pool& pool,
                       readiness_check known, readiness_check look);

} // namespace kiln::api
