// SPDX-License-Identifier: Apache-2.0
//
// Requests and answers as handlers see them: plain values, nothing of sockets or of the parser.
#pragma once

#include "access/role.hpp"
#include "aio/task.hpp"
#include "aio/unique_descriptor.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kiln::http {

struct public_url;

struct field {
  std::string_view name;
  std::string_view value;
};

/// The connection that a request came by, for handlers that let their client wait.
class client {
public:
  /// From now on until its answer is written (all of it) this request only waits: its connection is counted
  /// apart and holds as little as can be. False when too many wait already. `on_gone` is called, at most
  /// once, when the client has gone away or kilnd stops: the answer should come soon then. Once for a
  /// request.
  [[nodiscard]] virtual bool begin_waiting(std::function<void()> on_gone) = 0;

protected:
  ~client() = default;
};

/// Views are valid until the handler has answered and the answer is written.
struct request {
  std::string_view method;
  std::string_view path;  ///< begins with '/'; not decoded
  std::string_view query; ///< behind '?', not decoded
  std::string_view id;    ///< what stood for the first {...} in the route's pattern
  std::string_view item;  ///< and for the second
  std::span<const field> fields;
  std::string_view body;
  std::string_view peer;           ///< the address of the client, without port
  std::uint64_t network = 0;       ///< the same as a number; of IPv6 the /64, which is one customer's
  access::principal_ptr by;        ///< who asks; null: a stranger, whom only routes of role::none meet
  const public_url* url = nullptr; ///< where the client has found kilnd; null: where it listens
  http::client* client = nullptr;  ///< there in every request that came by a connection

  /// The value of the first field of this name (in any case).
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
};

/// ASCII only, as names and tokens of HTTP are.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

struct response {
  int status = 200;
  std::string content_type; ///< may be empty when there is no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string_view cache_control = "no-store";
};

/// A part of a file, sent without being read into memory where the connection allows it.
struct file_body {
  std::shared_ptr<const aio::unique_descriptor> file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// A body that is made while it is sent.
class body_stream {
public:
  virtual ~body_stream() = default;
  /// Bytes of the whole body, if they are known before it is made; it is cut if it turns out otherwise.
  [[nodiscard]] virtual std::optional<std::uint64_t> length() const { return std::nullopt; }
  /// The next part, valid until the next call; empty at the end. An exception cuts the connection, so that
  /// the client sees that the body is not whole.
  [[nodiscard]] virtual aio::task<std::string_view> next() = 0;
};

/// A body that is not a text.
using large_body = std::variant<std::monostate, file_body, std::shared_ptr<body_stream>>;

/// Of a large body, if it is known before it is made.
[[nodiscard]] std::optional<std::uint64_t> length_of(const large_body& body);

/// An answer in the bytes of HTTP/1.1, but for what differs each time it is given (Date, X-Request-Id,
/// Retry-After, Connection).
class prebuilt {
public:
  /// Without the length of its body when that is a large one.
  explicit prebuilt(const response& from, bool has_large_body = false);
  prebuilt(int status, std::string head, std::string body)
      : status_(status), head_(std::move(head)), body_(std::move(body)) {}

  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] const std::string& head() const noexcept {
    return head_;
  } ///< status line and fields, with line ends
  [[nodiscard]] const std::string& body() const noexcept { return body_; }

private:
  int status_;
  std::string head_;
  std::string body_;
};

/// What a handler gives.
struct answer {
  std::shared_ptr<const prebuilt> what;
  std::optional<int> retry_after = {}; ///< seconds
  large_body large = {};               ///< instead of the text of `what`

  answer(std::shared_ptr<const prebuilt> w, std::optional<int> seconds = {})
      : what(std::move(w)), retry_after(seconds) {}
  answer(const response& from, std::optional<int> seconds = {})
      : what(std::make_shared<const prebuilt>(from)), retry_after(seconds) {}
  answer(const response& from, large_body body)
      : what(std::make_shared<const prebuilt>(from, true)), large(std::move(body)) {}
};

/// "Not Found" for 404 (RFC 9110, section 15).
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

} // namespace kiln::http
