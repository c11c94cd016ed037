// SPDX-License-Identifier: Apache-2.0
//
// Conditional requests (RFC 9110, section 13) and ranges (section 14). Pure.
#pragma once

#include "http/message.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::http {

/// The validators of a representation.
struct validators {
  std::string etag; ///< as in the field: "\"abc\"", or "W/\"7\"" for a weak one
  std::optional<std::chrono::sys_seconds> modified = {};
};

/// Whether the client has this representation already, so that the answer is 304: by If-None-Match, else by
/// If-Modified-Since.
[[nodiscard]] bool is_not_modified(const request& asked, const validators& now);

/// Whether the If-None-Match of the request, if it has one, names this ETag: by weak comparison.
[[nodiscard]] bool names_etag(std::string_view if_none_match, std::string_view etag);

struct byte_range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

enum class range_kind { whole, part, unsatisfiable };
struct range_choice {
  range_kind kind = range_kind::whole;
  byte_range part = {};
};

/// The bytes of `size` that Range and If-Range request. More than one range, and units other than
/// bytes, are answered with the whole, as section 14.2 allows.
[[nodiscard]] range_choice choose_range(const request& asked, const validators& now, std::uint64_t size);

/// "Tue, 24 Nov 2026 16:01:02 GMT" (RFC 9110, 5.6.7).
[[nodiscard]] std::string format_http_date(std::chrono::sys_seconds t);
/// Parses the three forms of section 5.6.7; nullopt for anything else.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

/// Adds Content-Range and the validators, and sets the status (200, 206, 304 or 416). Returns the bytes to
/// send; nullopt if there are none.
[[nodiscard]] std::optional<byte_range> select(const request& asked, const validators& now,
                                               std::uint64_t size, response& head);

} // namespace kiln::http
