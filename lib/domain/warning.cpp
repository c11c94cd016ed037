// SPDX-License-Identifier: Apache-2.0
#include "domain/warning.hpp"

#include "base/utf8.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace kiln::domain {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_kind = 40;
constexpr std::size_t longest_message = 1000; // bytes

bool is_kind(std::string_view text) {
  return !text.empty() && text.size() <= longest_kind &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

std::optional<warning> read_warning(const json::value& from) {
  const auto* fields = from.if_object();
  const auto text = [fields](const char* name) -> std::string_view {
    const auto* value = fields->if_contains(name);
    const auto* found = value ? value->if_string() : nullptr;
    return found ? std::string_view{*found} : std::string_view{};
  };
  if (!fields || !is_kind(text("kind")) || text("message").empty())
    return std::nullopt;
  warning one{.kind = std::string{text("kind")},
              .message = std::string{first_characters(text("message"), longest_message)}};
  if (auto frames = frame_set::parse(text("frames")))
    one.frames = std::move(*frames);
  return one;
}

} // namespace

std::vector<warning> read_warnings(const json::value* from) {
  std::vector<warning> found;
  const auto* listed = from ? from->if_array() : nullptr;
  for (const auto& value : listed ? *listed : json::array{})
    if (auto one = read_warning(value); one && found.size() < most_warnings)
      found.push_back(std::move(*one));
  return found;
}

json::array format_warnings(const std::vector<warning>& all) {
  json::array out;
  for (const auto& [kind, message, frames] : all)
    out.push_back(json::object{{"kind", kind},
                               {"message", message},
                               {"frames", frames ? json::value(format_frame_set(*frames)) : json::value()}});
  return out;
}

std::vector<warning> add_warnings(std::vector<warning>& to, const std::vector<warning>& more) {
  std::vector<warning> added;
  for (const auto& one : more)
    if (to.size() < most_warnings && std::ranges::find(to, one) == to.end()) {
      to.push_back(one);
      added.push_back(one);
    }
  return added;
}

} // namespace kiln::domain
