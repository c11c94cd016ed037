// SPDX-License-Identifier: Apache-2.0
//
// Permissions of callers. Each role includes all earlier ones. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::access {

enum class role {
  none,   ///< for strangers: check whether kilnd is alive
  read,   ///< read everything
  submit, ///< also submit jobs, and change one's own
  admin,  ///< everything
};

[[nodiscard]] std::string_view to_string(role r) noexcept;
/// "read", "submit" or "admin": the roles that can be assigned.
[[nodiscard]] std::optional<role> parse_role(std::string_view text) noexcept;

/// The caller of a request.
struct principal {
  std::string name; ///< of a token; empty without tokens, when every client may do everything
  role rank = role::none;
  std::vector<std::string> projects = {}; ///< may render .blend files below these directories; empty: all

  friend bool operator==(const principal&, const principal&) = default;
};
using principal_ptr = std::shared_ptr<const principal>;

} // namespace kiln::access
