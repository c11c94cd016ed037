// SPDX-License-Identifier: Apache-2.0
#include "client/job_view.hpp"

#include "base/utf8.hpp"

#include <fmt/format.h>

namespace kiln::client {
namespace {

namespace json = boost::json;

/// A member of an object, at any depth; null if it is not there.
const json::value* member(const json::value& of, std::string_view name) {
  const auto* object = of.if_object();
  return object ? object->if_contains(name) : nullptr;
}

std::string text_of(const json::value& of, std::string_view name) {
  const auto* value = member(of, name);
  const auto* text = value ? value->if_string() : nullptr;
  return text && is_line_of_text(*text) ? std::string{*text} : std::string{};
}

std::optional<std::int64_t> number_of(const json::value& of, std::string_view name) {
  const auto* value = member(of, name);
  const auto* number = value ? value->if_int64() : nullptr;
  return number ? std::optional{*number} : std::nullopt;
}

/// As text from another program that may hold anything: fit for a line of a terminal.
std::string line_of(const json::value& of, std::string_view name) {
  const auto* value = member(of, name);
  const auto* text = value ? value->if_string() : nullptr;
  auto out = text ? as_utf8(*text) : std::string{};
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      c = ' ';
  return out;
}

} // namespace

job_view read_job(const json::value& from) {
  job_view out;
  out.id = text_of(from, "id");
  out.state = text_of(from, "state");
  out.name = line_of(from, "name");
  out.owner = line_of(from, "owner");
  out.created_at = text_of(from, "created_at");
  out.priority = static_cast<int>(number_of(from, "priority").value_or(0));
  out.waits_for = line_of(from, "waits_for");
  if (const auto* frames = member(from, "frames")) {
    out.frames = text_of(*frames, "set");
    out.total = number_of(*frames, "total").value_or(0);
    out.done = number_of(*frames, "done").value_or(0);
    out.failed = number_of(*frames, "failed").value_or(0);
  }
  if (const auto* left = member(from, "eta_seconds")) {
    const auto seconds = [&](std::string_view name) {
      const auto* value = member(*left, name);
      return value && value->is_number() ? std::optional{value->to_number<double>()} : std::nullopt;
    };
    out.seconds_left = seconds("likely");
    out.least_left = seconds("low");
    out.most_left = seconds("high");
  }
  if (const auto* current = member(from, "current")) {
    out.now_frame = number_of(*current, "frame");
    out.sample = number_of(*current, "sample");
    out.samples = number_of(*current, "samples");
  }
  if (const auto* failed = member(from, "failure"); failed && failed->is_object())
    out.failure = fmt::format("{}: {}", text_of(*failed, "kind"), line_of(*failed, "message"));
  if (const auto* all = member(from, "warnings"); all && all->is_array())
    for (const auto& one : all->get_array())
      out.warnings.push_back(line_of(one, "message"));
  return out;
}

std::vector<result_file> done_files(const json::value& listing, const std::string& job) {
  std::vector<result_file> out;
  const auto* all = member(listing, "frames");
  if (!all || !all->is_array())
    return out;
  for (const auto& one : all->get_array()) {
    const auto frame = number_of(one, "frame");
    if (!frame || text_of(one, "state") != "done")
      continue;
    const auto number = static_cast<int>(*frame);
    out.push_back({number, {}, fmt::format("/v1/jobs/{}/frames/{}", job, number)});
    const auto* further = member(one, "outputs");
    if (!further || !further->is_array())
      continue;
    for (const auto& file : further->get_array())
      if (const auto name = text_of(file, "name"); !name.empty())
        out.push_back({number, name, fmt::format("/v1/jobs/{}/outputs/{}", job, name)});
  }
  return out;
}

std::optional<std::string> next_cursor(std::string_view link) {
  if (link.find("rel=\"next\"") == std::string_view::npos)
    return std::nullopt;
  const auto begin = link.find("cursor=");
  if (begin == std::string_view::npos)
    return std::nullopt;
  const auto value = link.substr(begin + 7);
  return std::string{value.substr(0, value.find_first_of("&>"))};
}

} // namespace kiln::client
