// SPDX-License-Identifier: Apache-2.0
//
// Requests and answers as handlers see them: plain values, nothing of sockets or of the parser.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kiln::http {

struct field {
  std::string_view name;
  std::string_view value;
};

/// Views are valid until the handler has answered.
struct request {
  std::string_view method;
  std::string_view path;  ///< begins with '/'; not decoded
  std::string_view query; ///< behind '?', not decoded
  std::string_view id;    ///< what stood for {id} in the route's pattern
  std::span<const field> fields;
  std::string_view body;
  std::string_view peer; ///< the address of the client, without port

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
};

/// An answer in the bytes of HTTP/1.1, but for what differs each time it is given (Date, X-Request-Id,
/// Retry-After, Connection).
class prebuilt {
public:
  explicit prebuilt(const response& from);

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

  answer(std::shared_ptr<const prebuilt> w, std::optional<int> seconds = {})
      : what(std::move(w)), retry_after(seconds) {}
  answer(const response& from, std::optional<int> seconds = {})
      : what(std::make_shared<const prebuilt>(from)), retry_after(seconds) {}
};

/// "Not Found" for 404 (RFC 9110, section 15).
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

} // namespace kiln::http
