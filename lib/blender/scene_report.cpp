// SPDX-License-Identifier: Apache-2.0
#include "blender/scene_report.hpp"

#include "base/utf8.hpp"
#include "blender/setup_script.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdint>

namespace kiln::blender {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_message = 1000;

std::optional<domain::failure> read_failure(const json::object& report) {
  const auto* value = report.if_contains("failure");
  const auto* found = value ? value->if_object() : nullptr;
  if (!found)
    return std::nullopt;
  const auto text = [found](const char* name) -> std::string {
    const auto* member = found->if_contains(name);
    return member && member->is_string() ? std::string{member->get_string()} : std::string{};
  };
  domain::failure f;
  f.kind = domain::parse_failure_kind(text("kind")).value_or(domain::failure_kind::internal);
  f.message = first_characters(text("message"), longest_message);
  if (f.message.empty())
    f.message = "the .blend cannot be rendered as the job asks";
  return f;
}

/// The report lists at most 20 view layers; a list omitted for its length counts as one.
int count_passes(const json::object& report) {
  constexpr std::int64_t most_views = 50;
  const auto* layers = report.if_contains("view_layers");
  const auto* list = layers ? layers->if_array() : nullptr;
  const auto count = list ? std::clamp<std::size_t>(list->size(), 1, 20) : 1;
  const auto* views = report.if_contains("views");
  const auto* number = views ? views->if_int64() : nullptr;
  return static_cast<int>(count) *
         static_cast<int>(number ? std::clamp<std::int64_t>(*number, 1, most_views) : 1);
}

} // namespace

std::optional<scene_report> parse_scene_report(std::string_view line) {
  if (!line.starts_with(report_mark))
    return std::nullopt;
  boost::system::error_code ec;
  auto value = json::parse(line.substr(report_mark.size()), ec);
  auto* report = ec ? nullptr : value.if_object();
  if (!report)
    return std::nullopt;
  auto failure = read_failure(*report);
  report->erase("failure");
  auto warnings = domain::read_warnings(report->if_contains("warnings"));
  report->erase("warnings");
  const auto is_set = [report](const char* name) {
    const auto* member = report->if_contains(name);
    return member && member->is_bool() && member->get_bool();
  };
  return scene_report{.json = json::serialize(*report),
                      .is_sequential = is_set("sequential"),
                      .is_adaptive = is_set("adaptive_sampling"),
                      .passes = count_passes(*report),
                      .failure = std::move(failure),
                      .warnings = std::move(warnings)};
}

} // namespace kiln::blender
