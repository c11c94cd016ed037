// SPDX-License-Identifier: Apache-2.0
#include "access/role.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kiln::access {
namespace {

constexpr std::array<std::pair<role, std::string_view>, 4> names{
    {{role::none, "none"}, {role::read, "read"}, {role::submit, "submit"}, {role::admin, "admin"}}};

} // namespace

std::string_view to_string(role r) noexcept {
  return names.at(static_cast<std::size_t>(r)).second;
}

std::optional<role> parse_role(std::string_view text) noexcept {
  for (const auto& [r, name] : names)
    if (r != role::none && name == text)
      return r;
  return std::nullopt;
}

} // namespace kiln::access
