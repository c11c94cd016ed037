// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

namespace kiln::http {
namespace {

/// Removes and returns the first segment with the '/' before it. For "/a/b": returns "/a" and leaves "/b".
std::string_view take_segment(std::string_view& path) noexcept {
  const auto end = std::min(path.find('/', 1), path.size());
  const auto segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

bool matches(std::string_view pattern, std::string_view path,
             std::array<std::string_view, 2>& captured) noexcept {
  std::size_t found = 0;
  while (!pattern.empty() && !path.empty()) {
    const auto wanted = take_segment(pattern);
    const auto segment = take_segment(path);
    if (!wanted.starts_with("/{")) {
      if (segment != wanted)
        return false;
    } else if (segment.size() < 2) {
      return false;
    } else {
      captured.at(found++) = segment.substr(1);
    }
  }
  return pattern.empty() && path.empty();
}

} // namespace

void router::add(std::string method, std::string pattern, std::size_t handler) {
  routes_.push_back({std::move(method), std::move(pattern), handler});
}

router::match router::find(std::string_view method, std::string_view path) const {
  match result;
  bool has_get = false;
  std::string_view chosen; // the first pattern that matches: "/v1/jobs/summary" is no job
  for (const auto& r : routes_) {
    std::array<std::string_view, 2> captured;
    if ((!chosen.empty() && r.pattern != chosen) || !matches(r.pattern, path, captured))
      continue;
    chosen = r.pattern;
    if (method == r.method || (method == "HEAD" && r.method == "GET")) {
      result.handler = r.handler;
      result.captured = captured;
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
