// SPDX-License-Identifier: Apache-2.0
//
// JSON from strangers: Boost.JSON, with what it lets pass refused. Pure.
#pragma once

#include "base/error.hpp"

#include <boost/json/value.hpp>

#include <string_view>

namespace kiln::api {

/// RFC 8259 text. invalid_input, saying what and where, for anything else, for a name that stands twice in
/// one object (RFC 8259 section 4 leaves its meaning open) and for more than 32 levels.
[[nodiscard]] result<boost::json::value> parse_strict_json(std::string_view text);

} // namespace kiln::api
