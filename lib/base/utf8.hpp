// SPDX-License-Identifier: Apache-2.0
//
// Text from outside, before it is shown to anybody: pure. UTF-8 is that of RFC 3629.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kiln {

/// UTF-8 without control characters: one line that can stand in JSON and in a log.
[[nodiscard]] bool is_line_of_text(std::string_view bytes) noexcept;

/// The bytes with "?" for each run of them that is no UTF-8: JSON can hold it.
[[nodiscard]] std::string as_utf8(std::string_view bytes);

/// The first characters of UTF-8 that together have at most `most` bytes: none is cut in two.
[[nodiscard]] std::string_view first_characters(std::string_view text, std::size_t most) noexcept;

/// The bytes without the character at their end that has only begun: what follows in a stream completes it.
[[nodiscard]] std::string_view without_begun_character(std::string_view bytes) noexcept;

} // namespace kiln
