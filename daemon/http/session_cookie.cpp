// SPDX-License-Identifier: Apache-2.0
#include "http/session_cookie.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kiln::http {

std::string session_cookie::full_name() const {
  return is_secure ? "__Host-" + name : name;
}

std::optional<std::string_view> session_cookie::find(std::span<const field> fields) const {
  const auto wanted = full_name();
  std::optional<std::string_view> found;
  for (const auto& [field_name, value] : fields) {
    if (!equals_ignoring_case(field_name, "Cookie"))
      continue;
    for (auto rest = value; !rest.empty();) {
      const auto end = std::min(rest.find(';'), rest.size());
      auto pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != wanted)
        continue;
      if (found)
        return std::nullopt;
      found = pair.substr(equals + 1);
    }
  }
  return found;
}

std::string session_cookie::set(std::string_view value) const {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}", full_name(), value,
                     is_secure ? "; Secure" : "");
}

std::string session_cookie::remove() const {
  return set("") + "; Max-Age=0";
}

} // namespace kiln::http
