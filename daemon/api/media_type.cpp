// SPDX-License-Identifier: Apache-2.0
#include "api/media_type.hpp"

#include "base/text.hpp"
#include "http/message.hpp"

#include <algorithm>
#include <array>

namespace kiln::api {
bool is_json(std::optional<std::string_view> content_type) noexcept {
  if (!content_type)
    return false;
  const auto end = content_type->find(';');
  const auto type = trimmed(content_type->substr(0, end));
  if (!http::equals_ignoring_case(type, "application/json") &&
      !http::equals_ignoring_case(type, "application/merge-patch+json"))
    return false;
  if (end == std::string_view::npos)
    return true;
  const auto parameter = trimmed(content_type->substr(end + 1));
  return parameter.empty() || http::equals_ignoring_case(parameter, "charset=utf-8") ||
         http::equals_ignoring_case(parameter, "charset=\"utf-8\"");
}

bool is_blend(std::optional<std::string_view> content_type) noexcept {
  constexpr std::array<std::string_view, 4> known{"application/octet-stream", "application/x-blender",
                                                  "application/gzip", "application/zstd"};
  return content_type && std::ranges::any_of(known, [&](std::string_view type) {
           return http::equals_ignoring_case(trimmed(*content_type), type);
         });
}

} // namespace kiln::api
