// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace kiln::aio {

/// Sends a message through a socket (unix(7)) without waiting, with an attached descriptor (SCM_RIGHTS) still
/// owned by the caller; -1: none. Returns false if the peer is gone, or the socket buffer is full.
[[nodiscard]] bool send_with_descriptor(int socket, std::string_view message, int attached) noexcept;
/// The same with up to two.
[[nodiscard]] bool send_with_descriptors(int socket, std::string_view message,
                                         std::span<const int> attached) noexcept;

} // namespace kiln::aio
