// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace kiln::aio {

/// Sends a message through a socket (unix(7)) without waiting, and a descriptor along with it (SCM_RIGHTS),
/// which stays the caller's; -1: none. False when nobody is at the other end, or the socket has no room.
[[nodiscard]] bool send_with_descriptor(int socket, std::string_view message, int attached) noexcept;

} // namespace kiln::aio
