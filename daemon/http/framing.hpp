// SPDX-License-Identifier: Apache-2.0
//
// Strict checks of a request's head, before any of it is acted on: pure. Boost.Beast 1.81 lets pass what RFC
// 9112 has refused or what two parsers can read in two ways (request smuggling); none of it gets past here.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace kiln::http {

struct head_limits {
  std::size_t header_bytes = 8 * 1024; ///< of the whole head
  std::size_t target_bytes = 4 * 1024;
  std::size_t fields = 100;
};

/// Why a request is not served: an HTTP status and a text for people. The connection is closed after it.
struct refusal {
  int status = 400;
  std::string_view why;
};

/// Finds the end of a head in bytes as they arrive.
class head_scanner {
public:
  /// The size of the head, with the empty line that ends it, once it is complete; nullopt while it
  /// is not. `bytes`: all bytes so far; each call gets the earlier bytes again. One empty line in front
  /// belongs to it (RFC 9112, 2.2: a server ignores it); the caller removes it.
  [[nodiscard]] std::optional<std::size_t> find_end(std::string_view bytes) noexcept;

  /// The refusal of an incomplete head that is already invalid: a line does not end in CR LF, or a limit is
  /// exceeded.
  [[nodiscard]] std::optional<refusal> check(std::string_view bytes,
                                             const head_limits& limits) const noexcept;

private:
  std::size_t line_begin_ = 0;
  bool has_start_line_ = false;
  bool has_bare_line_feed_ = false;
};

/// `head`: a complete one, as head_scanner found it. RFC 9112 sections 2.2, 3, 5 and 6.
[[nodiscard]] std::optional<refusal> check_head(std::string_view head, const head_limits& limits) noexcept;

/// The parts of a request target. Views of it, but for the path of an absolute-form without one.
struct target_parts {
  std::string_view authority; ///< of the absolute-form (RFC 9112, 3.2.2): check_head has held it against Host
  std::string_view path;      ///< empty when the target is nothing that can be asked for
  std::string_view query;     ///< behind '?'
};
[[nodiscard]] target_parts split_target(std::string_view target) noexcept;

/// Nothing but VCHAR, obs-text, space and tab (RFC 9110, 5.5): for a field's value or a chunk's extension.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

/// The host of a Host field, without port: "[::1]" for "[::1]:80".
[[nodiscard]] std::string_view host_without_port(std::string_view host) noexcept;

} // namespace kiln::http
