// SPDX-License-Identifier: Apache-2.0
#include "http/prefer.hpp"

#include "base/number.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace kiln::http {
namespace {

/// The value of one preference: "wait = \"10\"; x=y".
std::optional<std::chrono::seconds> wait_of(std::string_view preference) {
  preference = trimmed(preference.substr(0, preference.find(';')));
  const auto equals = preference.find('=');
  if (equals == std::string_view::npos ||
      !equals_ignoring_case(trimmed(preference.substr(0, equals)), "wait"))
    return std::nullopt;
  auto value = trimmed(preference.substr(equals + 1));
  if (value.size() > 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  const auto seconds = parse_number<unsigned>(value);
  return seconds ? std::optional{std::chrono::seconds{*seconds}} : std::nullopt;
}

} // namespace

std::optional<std::chrono::seconds> preferred_wait(const request& asked) {
  for (const auto& [name, value] : asked.fields) {
    if (!equals_ignoring_case(name, "Prefer"))
      continue;
    for (std::size_t at = 0; at <= value.size();) {
      const auto end = std::min(value.find(',', at), value.size());
      if (const auto wait = wait_of(value.substr(at, end - at)))
        return wait;
      at = end + 1;
    }
  }
  return std::nullopt;
}

} // namespace kiln::http
