// SPDX-License-Identifier: Apache-2.0
//
// JSON from untrusted clients: Boost.JSON, made stricter. Pure.
#pragma once

#include "base/error.hpp"

#include <boost/json/value.hpp>

#include <string_view>

namespace kiln::api {

/// Parses RFC 8259 text. invalid_input, with the reason and the place, for anything else, for a name that
/// occurs twice in one object (RFC 8259 section 4 leaves its meaning open) and for more than 32 levels.
[[nodiscard]] result<boost::json::value> parse_strict_json(std::string_view text);

} // namespace kiln::api
