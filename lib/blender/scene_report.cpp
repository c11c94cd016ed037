// SPDX-License-Identifier: Apache-2.0
#include "blender/scene_report.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace kiln::blender {
namespace {

namespace json = boost::json;

constexpr std::string_view prefix = "kiln: ";
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
  f.message = text("message").substr(0, longest_message);
  if (f.message.empty())
    f.message = "the .blend cannot be rendered as the job asks";
  return f;
}

} // namespace

std::optional<scene_report> parse_scene_report(std::string_view line) {
  if (!line.starts_with(prefix))
    return std::nullopt;
  boost::system::error_code ec;
  auto value = json::parse(line.substr(prefix.size()), ec);
  auto* report = ec ? nullptr : value.if_object();
  if (!report)
    return std::nullopt;
  auto failure = read_failure(*report);
  report->erase("failure");
  const auto* sequential = report->if_contains("sequential");
  return scene_report{.json = json::serialize(*report),
                      .is_sequential = sequential && sequential->is_bool() && sequential->get_bool(),
                      .failure = std::move(failure)};
}

} // namespace kiln::blender
