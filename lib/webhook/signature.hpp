// SPDX-License-Identifier: Apache-2.0
//
// Signatures of Standard Webhooks 1.0 (www.standardwebhooks.com): pure but for new_secret().
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace kiln::webhook {

/// "whsec_" and 24 random bytes in base 64.
[[nodiscard]] std::string new_secret();

/// The key of a secret: "whsec_" and 24 to 64 bytes in base 64 (RFC 4648 section 4, padded). invalid_input
/// for anything else; the message does not repeat it.
[[nodiscard]] result<std::string> key_of_secret(std::string_view secret);

/// The value of webhook-signature: "v1," and the HMAC-SHA256 of "ID.TIMESTAMP.PAYLOAD" in base 64.
/// `timestamp`: seconds since 1970.
[[nodiscard]] std::string sign(std::string_view key, std::string_view id, std::int64_t timestamp,
                               std::string_view payload);

} // namespace kiln::webhook
