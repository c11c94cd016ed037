// SPDX-License-Identifier: Apache-2.0
//
// What somebody may do. Each role may do all that those before it may. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::access {

enum class role {
  none,   ///< what strangers may: ask whether kilnd lives
  read,   ///< look at everything
  submit, ///< also make jobs, and change one's own
  admin,  ///< all
};

[[nodiscard]] std::string_view to_string(role r) noexcept;
/// "read", "submit" or "admin": those that can be given.
[[nodiscard]] std::optional<role> parse_role(std::string_view text) noexcept;

/// Who asks.
struct principal {
  std::string name; ///< of a token; empty where there are no tokens, and everybody may do everything
  role rank = role::none;
  std::vector<std::string> projects = {}; ///< directories whose .blend files they may render; none: all

  friend bool operator==(const principal&, const principal&) = default;
};
using principal_ptr = std::shared_ptr<const principal>;

} // namespace kiln::access
