// SPDX-License-Identifier: Apache-2.0
//
// One delivery try to a webhook: used by the courier, implemented by the network or a test.
#pragma once

#include "aio/task.hpp"
#include "webhook/answer.hpp"

#include <string>
#include <utility>
#include <vector>

namespace kiln::webhook {

struct letter {
  std::string url;
  std::vector<std::pair<std::string, std::string>> fields; ///< of the header
  std::string body;                                        ///< JSON
};

class sender {
public:
  virtual ~sender() = default;

  /// Completes in bounded time, with the outcome.
  [[nodiscard]] virtual aio::task<sent> send(letter what) = 0;

  /// Sends in progress end soon, with an error.
  virtual void abort() = 0;
};

} // namespace kiln::webhook
