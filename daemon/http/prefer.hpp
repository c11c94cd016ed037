// SPDX-License-Identifier: Apache-2.0
//
// Preferences of a request (RFC 7240). Pure.
#pragma once

#include "http/message.hpp"

#include <chrono>
#include <optional>

namespace kiln::http {

/// The first "wait" of the Prefer fields: how long the client wants its answer to be held, in seconds.
/// Nullopt if there is none, or none that is well-formed: a preference may be ignored.
[[nodiscard]] std::optional<std::chrono::seconds> preferred_wait(const request& asked);

} // namespace kiln::http
