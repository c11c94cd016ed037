// SPDX-License-Identifier: Apache-2.0
#include "blender/session_protocol.hpp"

#include "base/utf8.hpp"
#include "blender/command_line.hpp"
#include "domain/spec_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

namespace kiln::blender {
namespace {

namespace json = boost::json;

json::array format_frames(const std::vector<int>& frames) {
  json::array out;
  for (const auto& [first, last, step] : runs_of(frames))
    out.push_back(json::array{first, last, step});
  return out;
}

std::optional<std::int64_t> number(const json::object& from, const char* name, std::int64_t most) {
  const auto* value = from.if_contains(name);
  const auto* n = value ? value->if_int64() : nullptr;
  return n && *n >= 0 && *n <= most ? std::optional{*n} : std::nullopt;
}

error unexpected(std::string_view message) {
  constexpr std::size_t shown = 100;
  return {errc::corrupt,
          "Blender's session says what it should not: " + as_utf8(first_characters(message, shown))};
}

constexpr std::int64_t most_memory = std::int64_t{1} << 50;

} // namespace

std::string format_begin(const session_order& order) {
  return json::serialize(json::object{{"do", "begin"},
                                      {"blend", order.blend.native()},
                                      {"settings", domain::format_settings(order.settings)},
                                      {"strict", order.strict},
                                      {"job_frames", format_job_frames(order.job_frames)},
                                      {"workspace", order.workspace.native()},
                                      {"frames", format_frames(order.frames)},
                                      {"open", order.open}});
}

std::string format_more_frames(const std::vector<int>& frames, bool open) {
  return json::serialize(json::object{{"do", "frames"}, {"frames", format_frames(frames)}, {"open", open}});
}

std::string format_cancel() {
  return R"({"do":"cancel"})";
}

std::string format_load(const std::filesystem::path& blend) {
  return json::serialize(json::object{{"do", "load"}, {"blend", blend.native()}});
}

result<session_event> parse_session_event(std::string_view message) {
  boost::system::error_code ec;
  const auto value = json::parse(message, ec);
  const auto* said = ec ? nullptr : value.if_object();
  const auto* name = said ? said->if_contains("said") : nullptr;
  if (!name || !name->is_string())
    return unexpected(message);
  const std::string_view what{name->get_string()};
  if (what == "ready")
    return session_event{session_said::ready{}};
  if (what == "begun")
    return session_event{session_said::begun{}};
  if (what == "loaded") {
    const auto* seconds = said->if_contains("seconds");
    const auto* reused = said->if_contains("reused");
    if (!seconds || !seconds->is_double() || !std::isfinite(seconds->get_double()) || !reused ||
        !reused->is_bool())
      return unexpected(message);
    return session_event{session_said::loaded{std::max(0.0, seconds->get_double()), reused->get_bool()}};
  }
  if (what == "frame" || what == "saved") {
    const auto frame = number(*said, "frame", domain::max_frame);
    if (!frame)
      return unexpected(message);
    if (what == "frame")
      return session_event{session_said::frame_begun{static_cast<int>(*frame)}};
    return session_event{session_said::frame_saved{
        static_cast<int>(*frame),
        static_cast<std::uint64_t>(number(*said, "memory", most_memory).value_or(0))}};
  }
  if (what == "ended") {
    const auto status = number(*said, "status", 2);
    const auto* reason = said->if_contains("reason");
    if (!status)
      return unexpected(message);
    session_said::ended end{.status = static_cast<session_said::ended::how>(*status), .reason = {}};
    if (reason && reason->is_string())
      end.reason = reason->get_string();
    end.memory = static_cast<std::uint64_t>(number(*said, "memory", most_memory).value_or(0));
    return session_event{std::move(end)};
  }
  return unexpected(message);
}

std::vector<std::string> format_session_arguments(const std::filesystem::path& script, int threads) {
  return {"-b",
          "-noaudio",
          "--log",
          "render",
          "--log-level",
          "0",
          "-Y",
          "--python-exit-code",
          std::to_string(script_failed),
          "-t",
          std::to_string(threads),
          "-P",
          script.native()};
}

} // namespace kiln::blender
