// SPDX-License-Identifier: Apache-2.0
#include "domain/spec_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace kiln::domain {
namespace {

namespace json = boost::json;

/// Takes the fields of an object one by one; any left at the end are unknown.
class reader {
public:
  explicit reader(const json::object& from) : from_(from) {}
  std::vector<field_error> errors;

  const json::value* take(const char* name) {
    const auto* value = from_.if_contains(name);
    if (value)
      taken_.emplace_back(name);
    return value;
  }

  void wrong(std::string pointer, std::string message) {
    errors.push_back({std::move(pointer), std::move(message)});
  }

  void text(const char* name, std::string& into) {
    const auto* value = take(name);
    if (value && !value->is_string())
      wrong(std::string{"/"} + name, "must be a string");
    else if (value)
      into = value->as_string();
  }

  std::optional<int> number(const std::string& pointer, const json::value& value) {
    const auto* n = value.if_int64();
    if (n && *n >= std::numeric_limits<int>::min() && *n <= std::numeric_limits<int>::max())
      return static_cast<int>(*n);
    wrong(pointer, value.is_number() ? "must be a whole number that is not so large" : "must be a number");
    return std::nullopt;
  }

  std::optional<int> number(const char* name) {
    const auto* value = take(name);
    return value ? number(std::string{"/"} + name, *value) : std::nullopt;
  }

  void number(const char* name, int& into) {
    if (const auto n = number(name))
      into = *n;
  }

  void flag(const char* name, bool& into) {
    const auto* value = take(name);
    if (value && !value->is_bool())
      wrong(std::string{"/"} + name, "must be true or false");
    else if (value)
      into = value->get_bool();
  }

  std::optional<std::chrono::seconds> seconds(const char* name) {
    const auto n = number(name);
    return n ? std::optional{std::chrono::seconds{*n}} : std::nullopt;
  }

  void unknown() {
    for (const auto& [name, value] : from_)
      if (std::find(taken_.begin(), taken_.end(), std::string_view{name}) == taken_.end())
        wrong("/" + escaped(name), "there is no such field");
  }

private:
  static std::string escaped(std::string_view name) { // RFC 6901, section 3
    std::string out;
    for (const char c : name.substr(0, 60))
      out += c == '~' ? "~0" : c == '/' ? "~1" : std::string{c};
    return out;
  }

  const json::object& from_;
  std::vector<std::string_view> taken_;
};

void read_frames(reader& in, frame_set& into, std::size_t max_terms) {
  const auto* value = in.take("frames");
  if (!value)
    return;
  if (const auto* text = value->if_string()) {
    auto parsed = frame_set::parse(*text, max_terms);
    if (!parsed)
      return in.wrong("/frames", parsed.error().message);
    into = std::move(*parsed);
    return;
  }
  const auto* range = value->if_object();
  if (!range)
    return in.wrong("/frames", "must be a string such as \"1-250\", or {\"from\":1,\"to\":250,\"step\":1}");
  std::array<std::optional<int>, 3> numbers{std::nullopt, std::nullopt, 1};
  constexpr std::array names{"from", "to", "step"};
  for (const auto& [name, number] : *range) {
    const auto* known = std::find(names.begin(), names.end(), std::string_view{name});
    const auto pointer = fmt::format("/frames/{}", std::string_view{name}.substr(0, 60));
    if (known == names.end())
      return in.wrong(pointer, "there is no such field");
    auto& slot = numbers[static_cast<std::size_t>(known - names.begin())];
    slot = in.number(pointer, number);
    if (!slot)
      return;
  }
  if (!numbers[0] || !numbers[1])
    return in.wrong("/frames", "needs \"from\" and \"to\"");
  auto made = frame_set::range(*numbers[0], *numbers[1], *numbers[2]);
  if (!made)
    return in.wrong("/frames", made.error().message);
  into = std::move(*made);
}

void read_hold_after(reader& in, frame_set& into, std::size_t max_terms) {
  const auto* value = in.take("hold_after");
  if (!value)
    return;
  const auto* text = value->if_string();
  if (!text)
    return in.wrong("/hold_after", "must be a string such as \"1,50,100\"");
  auto parsed = frame_set::parse(*text, max_terms);
  if (!parsed)
    return in.wrong("/hold_after", parsed.error().message);
  into = std::move(*parsed);
}

void read_resolution(reader& in, std::optional<std::pair<int, int>>& into) {
  const auto* value = in.take("resolution");
  if (!value)
    return;
  const auto* pair = value->if_array();
  if (!pair || pair->size() != 2)
    return in.wrong("/resolution", "must be [width, height]");
  const auto width = in.number("/resolution/0", (*pair)[0]);
  const auto height = in.number("/resolution/1", (*pair)[1]);
  if (width && height)
    into = {*width, *height};
}

void read_tags(reader& in, std::vector<std::string>& into) {
  const auto* value = in.take("tags");
  if (!value)
    return;
  const auto* tags = value->if_array();
  if (!tags)
    return in.wrong("/tags", "must be an array of strings");
  for (std::size_t i = 0; i < tags->size(); ++i)
    if (const auto* tag = (*tags)[i].if_string())
      into.emplace_back(*tag);
    else
      in.wrong(fmt::format("/tags/{}", i), "must be a string");
}

void read_slurm(reader& in, slurm_settings& into) {
  const auto* value = in.take("slurm");
  if (!value)
    return;
  const auto* fields = value->if_object();
  if (!fields)
    return in.wrong("/slurm", "must be an object such as {\"partition\":\"gpu\"}");
  reader of{*fields};
  of.text("partition", into.partition);
  of.text("account", into.account);
  of.text("qos", into.qos);
  of.text("constraint", into.constraint);
  of.text("gres", into.gres);
  of.text("mem", into.mem);
  into.time = of.seconds("time_seconds");
  of.unknown();
  for (auto& [pointer, message] : of.errors)
    in.wrong("/slurm" + pointer, std::move(message));
}

void read_process(reader& in, bool& own) {
  const auto* value = in.take("process");
  if (!value)
    return;
  const auto* name = value->if_string();
  if (!name || (*name != "own" && *name != "session"))
    return in.wrong("/process", R"(must be "session" or "own")");
  own = *name == "own";
}

void read_processes(reader& in, int& into) {
  const auto* value = in.take("processes");
  if (!value)
    return;
  if (const auto* name = value->if_string(); name && *name == "auto")
    into = 0;
  else if (const auto* n = value->if_int64(); n && *n >= 1 && *n <= 1024)
    into = static_cast<int>(*n);
  else
    in.wrong("/processes", R"(must be "auto", or between 1 and 1024)");
}

void read_order(reader& in, frame_order& into) {
  const auto* value = in.take("order");
  if (!value)
    return;
  const auto* name = value->if_string();
  if (!name || (*name != "ascending" && *name != "spread"))
    return in.wrong("/order", R"(must be "ascending" or "spread")");
  into = *name == "spread" ? frame_order::spread : frame_order::ascending;
}

template<class T>
void put(json::object& to, const char* name, const std::optional<T>& value) {
  if (value)
    to[name] = *value;
}

void put(json::object& to, const char* name, const std::string& value) {
  if (!value.empty())
    to[name] = value;
}

} // namespace

std::variant<job_spec, std::vector<field_error>> parse_spec(const json::object& from,
                                                            std::size_t max_frame_terms) {
  job_spec spec;
  auto wrong = read_spec(from, max_frame_terms, spec);
  if (!wrong.empty())
    return wrong;
  return spec;
}

std::vector<field_error> read_spec(const json::object& from, std::size_t max_frame_terms, job_spec& spec) {
  reader in{from};
  in.text("blend", spec.blend_name);
  if (!from.contains("blend"))
    in.wrong("/blend", "is missing: which .blend shall be rendered?");
  read_frames(in, spec.frames, max_frame_terms);
  spec.settings.frames_of_file = !from.contains("frames");
  in.flag("frames_of_file", spec.settings.frames_of_file);
  in.text("blender", spec.blender);
  if (spec.blender == "auto")
    spec.blender.clear();
  in.text("blender_choice", spec.blender_choice);
  in.text("blender_warning", spec.blender_warning);
  in.text("name", spec.name);
  in.text("note", spec.note);
  in.text("copy_of", spec.copy_of);
  in.text("trace_id", spec.trace_id);
  read_tags(in, spec.tags);
  in.number("priority", spec.priority);
  in.number("threads", spec.threads);
  in.number("retries", spec.retries);
  in.flag("strict", spec.strict);
  in.flag("fail_fast", spec.fail_fast);
  in.flag("autorun", spec.autorun);
  spec.timeout = in.seconds("timeout_seconds");
  spec.stall_timeout = in.seconds("stall_timeout_seconds");
  read_slurm(in, spec.slurm);
  spec.own_process = spec.autorun; // unless the job sets it
  read_process(in, spec.own_process);
  read_processes(in, spec.processes);
  read_order(in, spec.order);
  read_hold_after(in, spec.hold_after, max_frame_terms);
  auto& s = spec.settings;
  in.text("engine", s.engine);
  in.text("scene", s.scene);
  in.text("view_layer", s.view_layer);
  in.text("camera", s.camera);
  in.text("format", s.format);
  read_resolution(in, s.resolution);
  s.resolution_percentage = in.number("resolution_percentage");
  s.samples = in.number("samples");
  s.seed = in.number("seed");
  in.text("device", s.device);
  in.unknown();
  return std::move(in.errors);
}

json::object format_settings(const render_settings& s) {
  json::object out;
  put(out, "engine", s.engine);
  put(out, "scene", s.scene);
  put(out, "view_layer", s.view_layer);
  put(out, "camera", s.camera);
  put(out, "format", s.format);
  if (s.resolution)
    out["resolution"] = json::array{s.resolution->first, s.resolution->second};
  put(out, "resolution_percentage", s.resolution_percentage);
  put(out, "samples", s.samples);
  put(out, "seed", s.seed);
  put(out, "device", s.device);
  if (s.frames_of_file)
    out["frames_of_file"] = true;
  return out;
}

namespace {

json::object format_slurm(const slurm_settings& s) {
  json::object out;
  put(out, "partition", s.partition);
  put(out, "account", s.account);
  put(out, "qos", s.qos);
  put(out, "constraint", s.constraint);
  put(out, "gres", s.gres);
  put(out, "mem", s.mem);
  if (s.time)
    out["time_seconds"] = s.time->count();
  return out;
}

} // namespace

json::object format_spec(const job_spec& spec) {
  json::object out;
  out["blend"] = spec.blend_name;
  out["frames"] = format_frame_set(spec.frames);
  put(out, "blender", spec.blender);
  put(out, "blender_choice", spec.blender_choice);
  put(out, "blender_warning", spec.blender_warning);
  put(out, "name", spec.name);
  put(out, "note", spec.note);
  put(out, "copy_of", spec.copy_of);
  put(out, "trace_id", spec.trace_id);
  if (!spec.tags.empty())
    out["tags"] = json::array(spec.tags.begin(), spec.tags.end());
  out["priority"] = spec.priority;
  for (auto& [name, value] : format_settings(spec.settings))
    out[name] = std::move(value);
  out["threads"] = spec.threads;
  out["retries"] = spec.retries;
  out["order"] = spec.order == frame_order::spread ? "spread" : "ascending";
  if (!spec.hold_after.empty())
    out["hold_after"] = format_frame_set(spec.hold_after);
  if (spec.processes == 0)
    out["processes"] = "auto";
  else
    out["processes"] = spec.processes;
  out["process"] = spec.own_process ? "own" : "session";
  if (spec.strict)
    out["strict"] = true;
  if (spec.fail_fast)
    out["fail_fast"] = true;
  if (spec.autorun)
    out["autorun"] = true;
  if (spec.timeout)
    out["timeout_seconds"] = spec.timeout->count();
  if (spec.stall_timeout)
    out["stall_timeout_seconds"] = spec.stall_timeout->count();
  if (auto slurm = format_slurm(spec.slurm); !slurm.empty())
    out["slurm"] = std::move(slurm);
  return out;
}

} // namespace kiln::domain
