// SPDX-License-Identifier: Apache-2.0
#include "client/job_spec.hpp"

#include "base/number.hpp"
#include "client/exit_status.hpp"
#include "domain/frame_set.hpp"
#include "domain/spec_json.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace kiln::client {
namespace {

namespace json = boost::json;

/// Fields whose value is text even if it looks like a number.
constexpr std::array<std::string_view, 8> texts{"engine", "scene",  "view_layer", "camera",
                                                "format", "device", "blender",    "name"};

/// "1920x1080".
std::optional<json::array> parse_size(std::string_view text) {
  const auto times = text.find('x');
  if (times == std::string_view::npos)
    return std::nullopt;
  const auto width = parse_number<int>(text.substr(0, times));
  const auto height = parse_number<int>(text.substr(times + 1));
  if (!width || !height)
    return std::nullopt;
  return json::array{*width, *height};
}

json::value value_of_setting(std::string_view key, std::string_view text) {
  if (std::ranges::find(texts, key) != texts.end())
    return json::string{text};
  if (key == "resolution")
    if (auto size = parse_size(text))
      return std::move(*size);
  boost::system::error_code wrong;
  auto parsed = json::parse(text, wrong);
  return wrong ? json::value(json::string{text}) : parsed; // braces would make an array of it
}

} // namespace

result<json::object> make_job(const job_words& from) {
  json::object out;
  for (const auto& setting : from.settings) {
    const auto equals = setting.find('=');
    const auto key = setting.substr(0, equals);
    if (equals == std::string::npos || key.empty())
      return failure(
          exit_status::usage,
          fmt::format("--set {}: write it as --set samples=64 (docs/api.md lists the fields)", setting));
    if (key == "blend" || key == "frames")
      return failure(exit_status::usage, fmt::format("--set {}: FILE and --frames say this", setting));
    out[key] = value_of_setting(key, std::string_view{setting}.substr(equals + 1));
  }
  if (!from.frames.empty())
    out["frames"] = from.frames;
  if (!from.name.empty())
    out["name"] = from.name;
  if (!from.tags.empty())
    out["tags"] = json::array(from.tags.begin(), from.tags.end());
  if (from.priority)
    out["priority"] = *from.priority;
  auto checked = out;
  checked["blend"] = "scene.blend";
  domain::job_spec ignored;
  std::string message;
  for (const auto& [pointer, text] : domain::read_spec(checked, domain::frame_set::usual_terms, ignored))
    message += fmt::format("\n  {} {}", pointer.substr(std::min<std::size_t>(1, pointer.size())), text);
  if (!message.empty())
    return failure(exit_status::usage, "the job cannot be sent as it is:" + message);
  return out;
}

} // namespace kiln::client
