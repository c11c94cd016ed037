// SPDX-License-Identifier: Apache-2.0
#include "api/job_json.hpp"

#include "api/strict_json.hpp"
#include "blender/output_name.hpp"
#include "domain/spec_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kiln::api {
namespace {

namespace json = boost::json;

result<int> frame_member(const json::object& body, const char* name) {
  const auto* value = body.if_contains(name);
  if (!value)
    return error{errc::invalid_input, fmt::format("\"{}\" is missing", name)};
  const auto* number = value->if_int64();
  if (!number && !value->is_uint64() && !value->is_double())
    return error{errc::invalid_input, fmt::format("\"{}\" must be a whole number, not {}", name,
                                                  std::string_view{json::to_string(value->kind())})};
  if (value->is_double())
    return error{errc::invalid_input, fmt::format("\"{}\" must be a whole number", name)};
  if (!number || *number < domain::min_frame || *number > domain::max_frame)
    return error{errc::invalid_input, fmt::format("\"{}\" must lie between {} and {}", name,
                                                  domain::min_frame, domain::max_frame)};
  return static_cast<int>(*number);
}

std::vector<domain::field_error> whole_body(std::string message) {
  return {{"", std::move(message)}};
}

template<class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

/// Rounded to tenths of a second: estimates are not more exact.
double rounded(double seconds) {
  return std::round(seconds * 10) / 10;
}

json::value format_failure(const std::optional<domain::failure>& f) {
  if (!f)
    return nullptr;
  return json::object{{"kind", domain::to_string(f->kind)},
                      {"message", f->message},
                      {"frame", or_null(f->frame)},
                      {"exit_status", or_null(f->exit_status)},
                      {"signal", or_null(f->signal)}};
}

json::value format_estimate(const std::optional<policy::estimate>& left) {
  if (!left)
    return nullptr;
  return json::object{
      {"low", rounded(left->low())}, {"likely", rounded(left->likely)}, {"high", rounded(left->high())}};
}

json::value format_current(const scheduler::job& of) {
  if (of.state != domain::job_state::running)
    return nullptr;
  json::object current{{"pid", or_null(of.pid)}, {"frame", or_null(of.frame)}};
  current["sample"] = of.timeline.samples() > 0 ? json::value(of.timeline.sample()) : json::value(nullptr);
  current["samples"] = of.timeline.samples() > 0 ? json::value(of.timeline.samples()) : json::value(nullptr);
  if (of.tasks)
    current["tasks"] = json::object{{"running", of.tasks->running.size()}, {"waiting", of.tasks->waiting}};
  return current;
}

/// Between 0 and 1.
double progress_of(const scheduler::job& of) {
  const double in_work = of.state == domain::job_state::running ? of.timeline.frames_in_work() : 0;
  const auto total = static_cast<double>(of.spec.frames.size());
  return std::min(1.0, (static_cast<double>(of.frames_done) + in_work) / total);
}

std::string_view name_of(store::intent wish) {
  switch (wish) {
  case store::intent::run:
    return "run";
  case store::intent::pause:
    return "pause";
  case store::intent::cancel:
    return "cancel";
  }
  return "run";
}

/// Null removes it (RFC 7396).
std::string string_member(const json::value& from, const char* pointer,
                          std::vector<domain::field_error>& wrong) {
  if (!from.is_string() && !from.is_null())
    wrong.push_back({pointer, "must be a string or null"});
  return from.is_string() ? std::string{std::string_view{from.get_string()}} : std::string{};
}

std::vector<std::string> string_members(const json::value& from, const std::string& pointer,
                                        std::vector<domain::field_error>& wrong) {
  std::vector<std::string> found;
  if (from.is_null())
    return found;
  if (!from.is_array()) {
    wrong.push_back({pointer, "must be an array of strings, or null"});
    return found;
  }
  for (const auto& one : from.get_array())
    if (one.is_string())
      found.emplace_back(std::string_view{one.get_string()});
    else
      wrong.push_back({fmt::format("{}/{}", pointer, found.size()), "must be a string"});
  return found;
}

} // namespace

result<domain::frame_set> parse_frame_range(std::string_view body) {
  const auto value = parse_strict_json(body);
  if (!value)
    return value.error();
  const auto* members = value->if_object();
  if (!members)
    return error{errc::invalid_input, "the body must be a JSON object such as {\"from\":1,\"to\":10}"};
  const auto from = frame_member(*members, "from");
  if (!from)
    return from.error();
  const auto to = frame_member(*members, "to");
  if (!to)
    return to.error();
  if (*from > *to)
    return error{errc::invalid_input, fmt::format("\"from\" ({}) is after \"to\" ({})", *from, *to)};
  return domain::frame_set::range(*from, *to);
}

std::string format_accepted(std::optional<pid_t> pid, const job_id& id, domain::job_state state) {
  json::object body;
  body["pid"] = pid ? json::value(*pid) : json::value(nullptr);
  body["id"] = id.str();
  body["state"] = std::string{domain::to_string(state)};
  return json::serialize(body);
}

std::vector<domain::field_error> read_job(std::string_view body, int threads, domain::job_spec& into) {
  const auto value = parse_strict_json(body);
  if (!value)
    return whole_body(value.error().message);
  const auto* members = value->if_object();
  if (!members)
    return whole_body(R"(the body must be a JSON object such as {"blend":"a.blend","frames":"1-10"})");
  auto wrong = domain::read_spec(*members, domain::frame_set::usual_terms, into);
  if (members->contains("trace_id"))
    wrong.push_back({"/trace_id", "there is no such field: it comes by traceparent"});
  for (const char* name : {"blender_choice", "blender_warning", "copy_of", "frames_of_file"})
    if (members->contains(name))
      wrong.push_back({std::string{"/"} + name, "cannot be set: kilnd says it"});
  if (!members->contains("threads"))
    into.threads = threads;
  return wrong;
}

std::variant<domain::job_spec, std::vector<domain::field_error>> parse_job(std::string_view body,
                                                                           int threads) {
  domain::job_spec spec;
  auto wrong = read_job(body, threads, spec);
  if (!wrong.empty())
    return wrong;
  return spec;
}

std::variant<job_patch, std::vector<domain::field_error>> parse_patch(std::string_view body) {
  const auto value = parse_strict_json(body);
  if (!value)
    return whole_body(value.error().message);
  const auto* members = value->if_object();
  if (!members || members->empty())
    return whole_body(R"(the body must be a JSON object such as {"priority":10} or {"paused":true})");
  job_patch patch;
  std::vector<domain::field_error> wrong;
  for (const auto& [name, member] : *members) {
    const auto* number = member.if_int64();
    if (name == "priority" && number && *number >= domain::lowest_priority &&
        *number <= domain::highest_priority)
      patch.priority = static_cast<int>(*number);
    else if (name == "priority")
      wrong.push_back({"/priority", fmt::format("must be a whole number between {} and {}",
                                                domain::lowest_priority, domain::highest_priority)});
    else if (name == "paused" && member.is_bool())
      patch.paused = member.get_bool();
    else if (name == "paused")
      wrong.push_back({"/paused", "must be true or false"});
    else if (name == "name")
      patch.words.name = string_member(member, "/name", wrong);
    else if (name == "note")
      patch.words.note = string_member(member, "/note", wrong);
    else if (name == "tags")
      patch.words.tags = string_members(member, "/tags", wrong);
    else
      wrong.push_back({"/" + std::string{std::string_view{name}.substr(0, 60)},
                       "cannot be changed: only name, note, tags, priority and paused can"});
  }
  if (wrong.empty())
    wrong = domain::check_labels(patch.words.name.value_or(""), patch.words.note.value_or(""),
                                 patch.words.tags.value_or(std::vector<std::string>{}));
  if (!wrong.empty())
    return wrong;
  return patch;
}

namespace {

/// As RFC 7396, section 2.
void merge(json::object& into, const json::object& patch) {
  for (const auto& [name, value] : patch) {
    if (value.is_null()) {
      into.erase(name);
    } else if (!value.is_object()) {
      into[name] = value;
    } else {
      auto& inner = into[name];
      if (!inner.is_object())
        inner = json::object{};
      merge(inner.get_object(), value.get_object());
    }
  }
}

} // namespace

result<std::string> format_copy(const domain::job_spec& of, std::string_view patch) {
  const auto value = parse_strict_json(patch);
  if (!value)
    return value.error();
  const auto* changes = value->if_object();
  if (!changes)
    return error{errc::invalid_input, R"(the body must be a JSON object such as {"frames":"1-10"}, or {})"};
  auto spec = domain::format_spec(of);
  if (!of.blender_choice.empty())
    spec.erase("blender"); // it is chosen again
  for (const char* name :
       {"blender_choice", "blender_warning", "copy_of", "frames_of_file", "hold_after", "trace_id"})
    spec.erase(name);
  merge(spec, *changes);
  if (const auto* frames = changes->if_contains("frames"); frames && frames->is_object())
    spec["frames"] = *frames; // {"from","to"} is one value
  return json::serialize(spec);
}

result<domain::frame_set> parse_retry(std::string_view body) {
  const auto value = parse_strict_json(body);
  if (!value)
    return value.error();
  const auto* members = value->if_object();
  const auto* frames = members ? members->if_contains("frames") : nullptr;
  if (!members || members->size() != (frames ? 1 : 0))
    return error{errc::invalid_input,
                 R"(the body must be a JSON object such as {"frames":"17,20-25"}, or {})"};
  if (!frames)
    return domain::frame_set{};
  if (!frames->is_string())
    return error{errc::invalid_input, "must be a string such as \"17,20-25\""};
  return domain::frame_set::parse(std::string_view{frames->get_string()});
}

std::string format_time(store::time_point t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(seconds.time_since_epoch().count())),
                     (t - seconds).count());
}

json::value time_or_null(const std::optional<store::time_point>& t) {
  return t ? json::value(format_time(*t)) : json::value(nullptr);
}

json::object format_job(const scheduler::job& of, const job_now& now) {
  const auto total = of.spec.frames.size();
  const bool runs = of.state == domain::job_state::running;
  json::object out{{"id", of.id.str()},
                   {"owner", of.owner.empty() ? json::value(nullptr) : json::value(of.owner)},
                   {"state", domain::to_string(of.state)},
                   {"wanted", name_of(of.wish)},
                   {"revision", of.revision},
                   {"created_at", format_time(of.created)},
                   {"started_at", time_or_null(of.started)},
                   {"finished_at", time_or_null(of.finished)}};
  for (auto& [name, member] : domain::format_spec(of.spec))
    out[name] = std::move(member);
  out["frames"] = json::object{{"set", domain::format_frame_set(of.spec.frames)},
                               {"total", total},
                               {"done", of.frames_done},
                               {"failed", of.frames_failed},
                               {"rendering", !runs      ? 0
                                             : of.tasks ? of.tasks->running.size()
                                                        : std::max<std::size_t>(1, of.runs.size())}};
  out["progress"] = progress_of(of);
  const auto& timing = of.timeline.timing();
  out["seconds_per_frame"] = timing.measured() > 0 ? json::value(rounded(timing.mean())) : nullptr;
  out["eta_seconds"] = format_estimate(now.left);
  out["attempts"] = of.attempts;
  out["current"] = format_current(of);
  out["failure"] = format_failure(of.failure);
  const bool waits = of.state == domain::job_state::queued && !now.blocked.empty();
  out["warnings"] = domain::format_warnings(of.warnings);
  out["waits_for"] = waits ? json::value(now.blocked) : json::value(nullptr);
  boost::system::error_code ec;
  out["file"] = of.report.empty() ? json::value(nullptr) : json::parse(of.report, ec);
  const auto self = "/v1/jobs/" + of.id.str();
  out["links"] = json::object{{"self", self},
                              {"frames", self + "/frames"},
                              {"zip", self + "/frames.zip"},
                              {"log", self + "/log"},
                              {"events", self + "/events"}};
  return out;
}

json::object format_job_row(const scheduler::job& of, const job_now& now) {
  const bool waits = of.state == domain::job_state::queued && !now.blocked.empty();
  json::value took;
  if (of.started && of.finished)
    took = std::round(std::chrono::duration<double>(*of.finished - *of.started).count() * 1000) / 1000;
  return {{"id", of.id.str()},
          {"name", of.spec.name.empty() ? json::value(nullptr) : json::value(of.spec.name)},
          {"blend", of.spec.blend_name},
          {"owner", of.owner.empty() ? json::value(nullptr) : json::value(of.owner)},
          {"state", domain::to_string(of.state)},
          {"wanted", name_of(of.wish)},
          {"revision", of.revision},
          {"priority", of.spec.priority},
          {"created_at", format_time(of.created)},
          {"finished_at", time_or_null(of.finished)},
          {"took", took},
          {"total", of.spec.frames.size()},
          {"done", of.frames_done},
          {"failed", of.frames_failed},
          {"progress", std::round(progress_of(of) * 1000) / 1000},
          {"seconds_left", now.left ? json::value(rounded(now.left->likely)) : json::value(nullptr)},
          {"failure", of.failure ? json::value(domain::to_string(of.failure->kind)) : json::value(nullptr)},
          {"warnings", of.warnings.size()},
          {"waits", waits}};
}

json::object format_frame(const job_id& of, int frame, const store::frame_record* known, bool renders) {
  using enum store::frame_record::state;
  json::object out{{"frame", frame}, {"state", renders ? "rendering" : "pending"}};
  if (!known)
    return out;
  if (known->now != pending)
    out["state"] = known->now == done ? "done" : "failed";
  out["tries"] = known->tries;
  if (known->now == done) {
    out["seconds"] = known->seconds;
    out["bytes"] = known->bytes;
    out["link"] = fmt::format("/v1/jobs/{}/frames/{}", of.str(), frame);
  }
  if (known->failure)
    out["failure"] = format_failure(known->failure);
  return out;
}

json::array format_outputs(const job_id& of, const std::vector<std::string>& names) {
  json::array out;
  for (const auto& name : names)
    if (const auto parsed = blender::parse_output_name(name))
      out.push_back(json::object{{"name", name},
                                 {"node", parsed->node},
                                 {"slot", parsed->slot},
                                 {"view", parsed->view.empty() ? json::value() : json::value(parsed->view)},
                                 {"link", fmt::format("/v1/jobs/{}/outputs/{}", of.str(), name)}});
  return out;
}

} // namespace kiln::api
