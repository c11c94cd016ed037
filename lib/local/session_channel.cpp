// SPDX-License-Identifier: Apache-2.0
#include "local/session_channel.hpp"

#include "aio/passed_descriptor.hpp"
#include "blender/session_protocol.hpp"

#include <boost/asio/redirect_error.hpp>

#include <cerrno>

#include <sys/socket.h>

namespace kiln::local {

result<std::pair<aio::unique_descriptor, aio::unique_descriptor>> session_channel::make_pair() {
  int pair[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return system_error(errno, "make a socket for Blender");
  return std::pair{aio::unique_descriptor{pair[0]}, aio::unique_descriptor{pair[1]}};
}

bool session_channel::send(std::string_view message, int attached) {
  if (finishing_ || message.size() > blender::longest_session_message)
    return false;
  return aio::send_with_descriptor(socket_.native_handle(), message, attached);
}

aio::task<std::optional<std::string>> session_channel::receive() {
  std::string message(blender::longest_session_message, '\0');
  for (;;) {
    const auto got = ::recv(socket_.native_handle(), message.data(), message.size(), MSG_DONTWAIT);
    if (got > 0) {
      message.resize(static_cast<std::size_t>(got));
      co_return message;
    }
    if (got == 0 || finishing_ || (errno != EAGAIN && errno != EINTR))
      co_return std::nullopt;
    boost::system::error_code ec;
    co_await socket_.async_wait(aio::asio::posix::descriptor_base::wait_read,
                                aio::asio::redirect_error(aio::use_task, ec));
    // Read once more, whatever ended the wait.
  }
}

void session_channel::finish() {
  finishing_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

} // namespace kiln::local
