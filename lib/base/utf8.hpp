// SPDX-License-Identifier: Apache-2.0
//
// Text from outside, before it is shown to anybody: pure.
#pragma once

#include <string_view>

namespace kiln {

/// UTF-8 (RFC 3629) without control characters: one line that can stand in JSON and in a log.
[[nodiscard]] bool is_line_of_text(std::string_view bytes) noexcept;

} // namespace kiln
