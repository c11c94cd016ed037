// SPDX-License-Identifier: Apache-2.0
//
// A listening socket that a service manager opened for kilnd (socket activation).
#pragma once

#include "app/config.hpp"

#include <vector>

namespace kiln::app {

struct given_socket {
  int descriptor = -1;
  listen_address at;
};

/// The only socket of `descriptors`; nullopt if there is none. The error names the required kind of socket.
[[nodiscard]] result<std::optional<given_socket>> take_given_socket(const std::vector<int>& descriptors);

} // namespace kiln::app
