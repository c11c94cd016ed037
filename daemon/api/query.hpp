// SPDX-License-Identifier: Apache-2.0
//
// The queries of /v1: parameters and paging. Pure.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kiln::api {

/// The decoded parameters. invalid_input if one is unknown, malformed or occurs twice.
[[nodiscard]] result<std::map<std::string, std::string>>
parse_parameters(std::string_view query, std::span<const std::string_view> known);

/// The number of entries of a page: the parameter "limit", 1 to 1000; default 100.
[[nodiscard]] result<std::size_t> parse_limit(const std::map<std::string, std::string>& parameters);

/// The number of a frame as it is written in a path: without a sign or leading zeros.
[[nodiscard]] std::optional<int> parse_frame(std::string_view text);

/// The same query with another cursor: for Link (RFC 8288).
[[nodiscard]] std::string next_page(std::string_view path, std::string_view query, std::string_view cursor);

} // namespace kiln::api
