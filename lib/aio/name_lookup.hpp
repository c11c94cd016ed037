// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"

#include <boost/asio/ip/address.hpp>

#include <string>
#include <vector>

namespace kiln::aio {

/// The addresses of a name of the network. Blocks. unavailable, with the reason, if there are none.
[[nodiscard]] result<std::vector<asio::ip::address>> look_up(const std::string& name);

} // namespace kiln::aio
