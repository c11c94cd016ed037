// SPDX-License-Identifier: Apache-2.0
//
// The body of a request that is handled while it comes, for bodies that are too large for memory.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace kiln::http {

class body_reader {
public:
  /// The next part, valid until the next call; empty at the end. invalid_input when the body cannot be had
  /// whole: it is not framed as its head says, is too slow, or the client has gone. A client that waits for
  /// 100 (Continue) is told so by the first call.
  [[nodiscard]] virtual aio::task<result<std::string_view>> read() = 0;

  /// Bytes in all, where the head says so.
  [[nodiscard]] virtual std::optional<std::uint64_t> length() const = 0;

protected:
  ~body_reader() = default;
};

} // namespace kiln::http
