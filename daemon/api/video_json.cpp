// SPDX-License-Identifier: Apache-2.0
#include "api/video_json.hpp"

#include "api/strict_json.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace kiln::api {
namespace {

namespace json = boost::json;
using domain::field_error;
using preview::video_settings;

constexpr double slowest = 0.1, fastest = 240; // frames per second
constexpr double most_exposure = 32;

std::optional<double> number_within(const json::value& from, double low, double high) {
  if (!from.is_number())
    return std::nullopt;
  const auto number = from.to_number<double>();
  return number >= low && number <= high ? std::optional{number} : std::nullopt;
}

/// The error in a member; nullopt if it is right.
std::optional<std::string> read_member(std::string_view name, const json::value& member,
                                       video_settings& into) {
  const auto text = member.is_string() ? std::string{member.get_string()} : std::string{};
  if (name == "codec") {
    into.codec = text;
    return preview::is_codec(text) ? std::nullopt : std::optional{std::string{"must be h264, vp9 or av1"}};
  }
  if (name == "gaps") {
    into.holds_gaps = text == "hold";
    return into.holds_gaps || text == "refuse" ? std::nullopt
                                               : std::optional{std::string{"must be hold or refuse"}};
  }
  if (name == "fps") {
    const auto fps = number_within(member, slowest, fastest);
    into.fps = fps.value_or(into.fps);
    return fps ? std::nullopt
               : std::optional{fmt::format("must be a number between {} and {}", slowest, fastest)};
  }
  if (name == "exposure") {
    const auto stops = number_within(member, -most_exposure, most_exposure);
    into.exposure = stops.value_or(0);
    return stops
               ? std::nullopt
               : std::optional{fmt::format("must be a number of stops between -{0} and {0}", most_exposure)};
  }
  if (name == "size") {
    const auto side = number_within(member, video_settings::smallest, video_settings::largest);
    if (!side || *side != std::floor(*side))
      return fmt::format("must be the whole number of pixels of the longest side, between {} and {}",
                         video_settings::smallest, video_settings::largest);
    into.size = static_cast<int>(*side) / 2 * 2; // so that equal videos are one
    return std::nullopt;
  }
  return "is not a field of a video: codec, fps, size, gaps and exposure are";
}

} // namespace

std::variant<video_settings, std::vector<field_error>> parse_video_request(std::string_view body,
                                                                           std::optional<double> fps) {
  const auto value = parse_strict_json(body);
  const auto* members = value ? value->if_object() : nullptr;
  if (!members)
    return std::vector<field_error>{
        {"", value ? R"(the body must be a JSON object such as {"codec":"h264","fps":24})"
                   : value.error().message}};
  video_settings asked;
  asked.fps = fps.value_or(asked.fps);
  std::vector<field_error> wrong;
  for (const auto& [name, member] : *members)
    if (auto why = read_member(name, member, asked))
      wrong.push_back({"/" + std::string{std::string_view{name}.substr(0, 60)}, std::move(*why)});
  if (!wrong.empty())
    return wrong;
  return asked;
}

std::optional<double> fps_of(const std::string& report) {
  boost::system::error_code ec;
  const auto parsed = json::parse(report, ec);
  const auto* file = ec ? nullptr : parsed.if_object();
  const auto* fps = file ? file->if_contains("fps") : nullptr;
  return fps ? number_within(*fps, slowest, fastest) : std::nullopt;
}

json::object format_job_video(const std::string& job, const preview::video& of) {
  auto out = preview::format_video(of);
  const auto self = fmt::format("/v1/jobs/{}/videos/{}", job, of.id);
  out["links"] = json::object{{"self", self}, {"file", self + "/file"}};
  return out;
}

} // namespace kiln::api
