// SPDX-License-Identifier: Apache-2.0
//
// Content-Digest and Repr-Digest fields (RFC 9530): pure.
#pragma once

#include "base/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace kiln::api {

/// "sha-256=:…:", among others that are not looked at: 64 hexadecimal digits. Nothing when there is no
/// SHA-256 in it. invalid_input when that is not written as it must be.
[[nodiscard]] result<std::optional<std::string>> parse_digest_field(std::string_view value);

} // namespace kiln::api
