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

namespace kiln::api {

/// Says what keeps the daemon from rendering; nothing when nothing does. Runs on the pool: it may block.
using readiness_check = std::function<std::optional<std::string>()>;

void add_system_routes(http::service& to, aio::blocking_pool& pool, readiness_check check);

} // namespace kiln::api
