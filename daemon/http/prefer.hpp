// SPDX-License-Identifier: Apache-2.0
//
// Preferences of a request (RFC 7240). Pure.
#pragma once

#include "http/message.hpp"

#include <chrono>
#include <optional>

namespace kiln::http {

/// The first "wait" of the Prefer fields: how long the client would like to be kept waiting, in seconds.
/// Nothing when there is none, or none that can be read: a preference may be ignored.
[[nodiscard]] std::optional<std::chrono::seconds> preferred_wait(const request& asked);

} // namespace kiln::http
