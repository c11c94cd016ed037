// SPDX-License-Identifier: Apache-2.0
//
// The body of a request, read while it arrives: for bodies that are too large for memory.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace kiln::http {

class body_reader {
public:
  /// The next part, valid until the next call; empty at the end. invalid_input if the body is not
  /// complete: its framing is wrong, it arrives too slowly, or the client has disconnected. The first call
  /// sends 100 (Continue) to a client that waits for it.
  [[nodiscard]] virtual aio::task<result<std::string_view>> read() = 0;

  /// Total bytes, if the head states them.
  [[nodiscard]] virtual std::optional<std::uint64_t> length() const = 0;

protected:
  ~body_reader() = default;
};

} // namespace kiln::http
