// SPDX-License-Identifier: Apache-2.0
//
// The cookie of a browser that has signed in (RFC 6265): how it is named, found and set. Pure.
#pragma once

#include "http/message.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kiln::http {

struct session_cookie {
  std::string name; ///< without prefix
  bool is_secure =
      false; ///< clients speak TLS: the browser keeps it from all other hosts and from plain HTTP

  /// Its value in a request. nullopt if there is none, or more than one: then a neighbour has set one of
  /// them.
  [[nodiscard]] std::optional<std::string_view> find(std::span<const field> fields) const;
  /// The value of Set-Cookie. The browser forgets it when it is closed.
  [[nodiscard]] std::string set(std::string_view value) const;
  /// The value of Set-Cookie that removes it.
  [[nodiscard]] std::string remove() const;

private:
  [[nodiscard]] std::string full_name() const;
};

} // namespace kiln::http
