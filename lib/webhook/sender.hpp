// SPDX-License-Identifier: Apache-2.0
//
// One try to tell a webhook something: what the courier asks for, and the network, or a test, does.
#pragma once

#include "aio/task.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kiln::webhook {

struct letter {
  std::string url;
  std::vector<std::pair<std::string, std::string>> fields; ///< of the header
  std::string body;                                        ///< JSON
};

struct sent {
  std::optional<int> status = {};                       ///< of HTTP, when there was an answer
  std::string error = {};                               ///< for people; empty when the status is 2xx
  std::optional<std::chrono::seconds> retry_after = {}; ///< that the receiver asked for
};

class sender {
public:
  virtual ~sender() = default;

  /// Completes in bounded time, with what came of it.
  [[nodiscard]] virtual aio::task<sent> send(letter what) = 0;

  /// What is under way ends soon, with an error.
  virtual void abort() = 0;
};

} // namespace kiln::webhook
