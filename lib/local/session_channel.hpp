// SPDX-License-Identifier: Apache-2.0
//
// The socket between kilnd and a Blender that stays: messages, and descriptors that go along with them.
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

  /// Our end and theirs.
  [[nodiscard]] static result<std::pair<aio::unique_descriptor, aio::unique_descriptor>> make_pair();

  /// False when nobody listens, or does not for a while: what is said fits into the socket many times.
  /// `attached`: a descriptor that goes along, and stays the caller's; -1: none.
  [[nodiscard]] bool send(std::string_view message, int attached = -1);

  /// The next message; nothing when the other end is closed, or when all is heard after finish().
  [[nodiscard]] aio::task<std::optional<std::string>> receive();

  /// Nobody speaks any more.
  void finish();

private:
  aio::asio::posix::basic_stream_descriptor<aio::executor_type> socket_;
  bool finishing_ = false;
};

} // namespace kiln::local
