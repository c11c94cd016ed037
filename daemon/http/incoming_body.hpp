// SPDX-License-Identifier: Apache-2.0
//
// The body of the request that a session serves, read while it arrives. A part of the session: it uses the
// session's connection, buffers and deadlines.
#pragma once

#include "http/body_reader.hpp"
#include "http/session.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace kiln::http {

class session::incoming_body final : public body_reader {
public:
  incoming_body(session& of, request_parser& parser, bool asks_continue)
      : session_(of), parser_(parser), asks_continue_(asks_continue) {}

  [[nodiscard]] aio::task<result<std::string_view>> read() override;
  [[nodiscard]] std::optional<std::uint64_t> length() const override;

  /// Reads the whole body into the session's body.
  [[nodiscard]] aio::task<std::optional<refusal>> read_whole();

  [[nodiscard]] bool is_whole() const { return parser_.is_done(); }

  /// The reason why the body is not complete.
  [[nodiscard]] const std::optional<refusal>& broken() const noexcept { return broken_; }

private:
  [[nodiscard]] aio::task<std::optional<refusal>> more();
  [[nodiscard]] aio::task<std::optional<refusal>> step();

  session& session_;
  request_parser& parser_;
  bool asks_continue_;
  std::uint64_t received_ = 0;
  aio::clock::time_point began_ = aio::clock::now();
  std::optional<refusal> broken_;
};

} // namespace kiln::http
