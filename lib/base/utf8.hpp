// SPDX-License-Identifier: Apache-2.0
//
// Sanitizes text from outside for display: pure. UTF-8 as in RFC 3629.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kiln {

/// Whether this is UTF-8 without control characters: a line safe for JSON and logs.
[[nodiscard]] bool is_line_of_text(std::string_view bytes) noexcept;

/// The bytes with "?" for each run of invalid UTF-8, valid in JSON.
[[nodiscard]] std::string as_utf8(std::string_view bytes);

/// The first whole characters of UTF-8 within `most` bytes.
[[nodiscard]] std::string_view first_characters(std::string_view text, std::size_t most) noexcept;

/// The bytes without an incomplete character at the end, which later bytes of a stream complete.
[[nodiscard]] std::string_view without_begun_character(std::string_view bytes) noexcept;

} // namespace kiln
