// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

namespace kiln::http {

void router::add(std::string method, std::string pattern, std::size_t handler) {
  constexpr std::string_view id = "{id}";
  const auto at = pattern.find(id);
  route added{.method = std::move(method),
              .before = pattern.substr(0, at),
              .after = {},
              .has_id = false,
              .handler = handler};
  if (at != std::string::npos) {
    added.has_id = true;
    added.after = pattern.substr(at + id.size());
  }
  routes_.push_back(std::move(added));
}

router::match router::find(std::string_view method, std::string_view path) const {
  match result;
  bool has_get = false;
  for (const auto& r : routes_) {
    std::string_view captured;
    if (r.has_id) {
      if (path.size() <= r.before.size() + r.after.size() || !path.starts_with(r.before) ||
          !path.ends_with(r.after))
        continue;
      captured = path.substr(r.before.size(), path.size() - r.before.size() - r.after.size());
      if (captured.find('/') != std::string_view::npos)
        continue;
    } else if (path != r.before) {
      continue;
    }
    if (method == r.method || (method == "HEAD" && r.method == "GET")) {
      result.handler = r.handler;
      result.id = captured;
      return result;
    }
    has_get = has_get || r.method == "GET";
    result.allow += r.method + ", ";
  }
  if (!result.allow.empty())
    result.allow += has_get ? "HEAD, OPTIONS" : "OPTIONS";
  return result;
}

} // namespace kiln::http
