// SPDX-License-Identifier: Apache-2.0
//
// Content-Digest and Repr-Digest fields (RFC 9530): pure.
#pragma once

#include "base/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace kiln::api {

/// The SHA-256 as 64 hexadecimal digits, from "sha-256=:…:"; other digests are ignored. Nullopt if the field
/// has no SHA-256, invalid_input if it is malformed.
[[nodiscard]] result<std::optional<std::string>> parse_digest_field(std::string_view value);

} // namespace kiln::api
