// SPDX-License-Identifier: Apache-2.0
#include "aio/passed_descriptor.hpp"

#include <cstring>

#include <sys/socket.h>

namespace kiln::aio {

bool send_with_descriptor(int socket, std::string_view message, int attached) noexcept {
  return send_with_descriptors(socket, message, {&attached, attached >= 0 ? 1U : 0U});
}

bool send_with_descriptors(int socket, std::string_view message, std::span<const int> attached) noexcept {
  constexpr std::size_t most = 2;
  iovec data{.iov_base = const_cast<char*>(message.data()), .iov_len = message.size()}; // it is only read
  alignas(cmsghdr) char control[CMSG_SPACE(most * sizeof(int))] = {};
  msghdr whole{};
  whole.msg_iov = &data;
  whole.msg_iovlen = 1;
  if (!attached.empty() && attached.size() <= most) {
    whole.msg_control = control;
    whole.msg_controllen = CMSG_SPACE(attached.size_bytes());
    auto* header = CMSG_FIRSTHDR(&whole);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(attached.size_bytes());
    std::memcpy(CMSG_DATA(header), attached.data(), attached.size_bytes());
  }
  return ::sendmsg(socket, &whole, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(message.size());
}

} // namespace kiln::aio
