// SPDX-License-Identifier: Apache-2.0
//
// Web pages that ask (CORS, as https://fetch.spec.whatwg.org has it): which may read answers, and which may
// change something. A browser sends `Origin` with all that could do harm; other clients do not. Pure.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kiln::http {

/// "https://shop.example", "http://127.0.0.1:8080", "*", in lower case. The error says what is wrong.
[[nodiscard]] result<std::string> parse_origin(std::string_view text);

class origins {
public:
  /// `allowed`: as parse_origin() gives them.
  explicit origins(std::vector<std::string> allowed = {});

  enum class standing {
    own,     ///< a page that comes from here, or no page at all
    allowed, ///< of a configured origin
    foreign,
  };
  /// `host`: the Host field, which has been found to be one of ours.
  [[nodiscard]] standing of(std::string_view origin, std::string_view host) const noexcept;

  /// Fields of an answer, with line ends. `origin`: empty when none was sent.
  [[nodiscard]] std::string fields(std::string_view origin, standing of) const;

private:
  std::vector<std::string> allowed_;
  bool any_;
};

/// Further fields for the answer to a preflight of an allowed origin. `methods`: as in Allow.
[[nodiscard]] std::string preflight_fields(std::string_view methods);

} // namespace kiln::http
