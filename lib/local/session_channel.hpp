// SPDX-License-Identifier: Apache-2.0
//
// The socket between kilnd and a session's Blender, for messages with attached descriptors.
#pragma once

#include "aio/task.hpp"
#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kiln::local {

class session_channel {
public:
  session_channel(aio::executor_type loop, aio::unique_descriptor ours) : socket_(loop, ours.release()) {}

  /// Our end and Blender's end.
  [[nodiscard]] static result<std::pair<aio::unique_descriptor, aio::unique_descriptor>> make_pair();

  /// Returns false if the peer is gone or has not read for a while: the socket buffer holds many messages.
  /// `attached`: a descriptor to send along, owned by the caller; -1: none.
  [[nodiscard]] bool send(std::string_view message, int attached = -1);

  /// The next message; nullopt if the other end is closed, or if all messages are read after finish().
  [[nodiscard]] aio::task<std::optional<std::string>> receive();

  /// Announces that no more messages will come.
  void finish();

private:
  aio::asio::posix::basic_stream_descriptor<aio::executor_type> socket_;
  bool finishing_ = false;
};

} // namespace kiln::local
