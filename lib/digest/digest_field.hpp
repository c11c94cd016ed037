// SPDX-License-Identifier: Apache-2.0
//
// Content-Digest and Repr-Digest fields (RFC 9530): pure.
#pragma once

#include "base/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace kiln::digest {

/// The SHA-256 as 64 hexadecimal digits, from "sha-256=:…:"; other digests are ignored. Nullopt if the field
/// has no SHA-256, invalid_input if it is malformed.
[[nodiscard]] result<std::optional<std::string>> parse_digest_field(std::string_view value);

/// "sha-256=:BASE64:" of 64 hexadecimal digits.
[[nodiscard]] std::string format_digest_field(std::string_view hex);

/// Whether the value of a Want-Repr-Digest field names SHA-256 with a preference above 0.
[[nodiscard]] bool wants_sha256(std::string_view value);

} // namespace kiln::digest
