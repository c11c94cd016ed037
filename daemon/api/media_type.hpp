// SPDX-License-Identifier: Apache-2.0
//
// Content-Type fields (RFC 9110, 8.3): pure.
#pragma once

#include <optional>
#include <string_view>

namespace kiln::api {

/// application/json or application/merge-patch+json (RFC 7396), in any case, with no parameter but
/// charset=utf-8. Anything else is refused, also the forms of foreign web pages: a browser
/// sends a preflight request before it sends this type across origins.
[[nodiscard]] bool is_json(std::optional<std::string_view> content_type) noexcept;

/// application/octet-stream, or a type that some clients use for a .blend: application/x-blender,
/// application/gzip, application/zstd. A form of a foreign web page cannot send these either.
[[nodiscard]] bool is_blend(std::optional<std::string_view> content_type) noexcept;

} // namespace kiln::api
