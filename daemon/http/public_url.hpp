// SPDX-License-Identifier: Apache-2.0
//
// Where clients find kilnd, if a proxy serves it elsewhere: links of answers lead there. Handlers write them
// as if there were no proxy; they are changed here, when an answer is written. Pure.
#pragma once

#include "base/error.hpp"
#include "http/message.hpp"

#include <string>
#include <string_view>

namespace kiln::http {

struct public_url {
  std::string origin = {}; ///< "https://farm.example", "http://farm.example:8080"; empty: not known
  std::string prefix = {}; ///< of all paths: "/kiln"; empty: none

  [[nodiscard]] bool is_empty() const noexcept { return origin.empty() && prefix.empty(); }
  /// "https://farm.example/kiln"
  [[nodiscard]] std::string text() const { return origin + prefix; }
};

/// "https://farm.example" or "https://farm.example:8443/kiln", perhaps with a slash at its end. invalid_input
/// says what is wrong.
[[nodiscard]] result<public_url> parse_public_url(std::string_view text);

/// Of a URL that was parsed: "farm.example", without port.
[[nodiscard]] std::string_view host_of(const public_url& url) noexcept;

/// Segments of letters, digits, '.', '_', '~' and '-', each after a slash; none is "." or "..".
[[nodiscard]] bool is_path_prefix(std::string_view text) noexcept;

/// A JSON text, or an event with one, as Boost.JSON writes it, with `base` in front of its links: the members
/// of `links`, the member `link`, and `jobs` if it is a link. Texts of users are not changed: a quote in a
/// JSON string has a backslash in front of it.
[[nodiscard]] std::string with_links_at(std::string_view base, std::string_view json);

/// Whether the body of an answer is such a text, or a stream of such events.
[[nodiscard]] bool has_links(const prebuilt& answer) noexcept;

/// An answer with `prefix` in front of its links, those in its body and those in Location and Link.
[[nodiscard]] prebuilt answer_below(std::string_view prefix, const prebuilt& answer);

} // namespace kiln::http
