// SPDX-License-Identifier: Apache-2.0
#include "domain/job.hpp"

#include "base/paths.hpp"
#include "domain/image_format.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

namespace kiln::domain {
namespace {

using enum job_state;
constexpr std::array state_names{
    std::pair{queued, std::string_view{"queued"}}, std::pair{running, std::string_view{"running"}},
    std::pair{paused, std::string_view{"paused"}}, std::pair{succeeded, std::string_view{"succeeded"}},
    std::pair{failed, std::string_view{"failed"}}, std::pair{canceled, std::string_view{"canceled"}},
};

constexpr std::array<std::string_view, 6> devices{"CPU", "CUDA", "OPTIX", "HIP", "ONEAPI", "METAL"};
constexpr std::size_t longest_name = 200;
constexpr std::size_t longest_note = 4000;
constexpr std::size_t longest_tag = 64;
constexpr std::size_t most_tags = 20;
constexpr std::size_t longest_blender_name = 63; // bytes of an ID's name in Blender

constexpr auto names_of_formats() {
  std::array<std::string_view, image_formats.size()> names;
  std::ranges::transform(image_formats, names.begin(), &image_format::name);
  return names;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, is_control);
}

class checker {
public:
  std::vector<field_error> found;

  void wrong(std::string pointer, std::string message) {
    found.push_back({std::move(pointer), std::move(message)});
  }

  void number(const char* pointer, std::optional<int> value, int low, int high) {
    if (value && (*value < low || *value > high))
      wrong(pointer, fmt::format("must lie between {} and {}", low, high));
  }

  void seconds(const char* pointer, std::optional<std::chrono::seconds> value) {
    constexpr std::chrono::seconds year{std::chrono::hours{365 * 24}};
    if (value && (*value < std::chrono::seconds{1} || *value > year))
      wrong(pointer, fmt::format("must lie between 1 and {}", year.count()));
  }

  void text(std::string pointer, std::string_view value, std::size_t longest) {
    if (value.size() > longest)
      wrong(std::move(pointer), fmt::format("must not be longer than {} bytes", longest));
    else if (has_control_characters(value))
      wrong(std::move(pointer), "must not hold control characters");
  }

  void one_of(const char* pointer, std::string_view value, std::span<const std::string_view> known) {
    if (!value.empty() && std::ranges::find(known, value) == known.end())
      wrong(pointer, fmt::format("must be one of {}", fmt::join(known, ", ")));
  }
};

/// They become arguments of sbatch: one each, and never taken for an option.
void check_slurm(checker& c, const slurm_settings& s, bool has_cluster) {
  if (s == slurm_settings{})
    return;
  if (!has_cluster)
    return c.wrong("/slurm", "this kilnd renders on its own machine: leave \"slurm\" out, or run kilnd with "
                             "executor = \"slurm\"");
  constexpr std::size_t longest_word = 128;
  const auto word = [&c](const char* pointer, std::string_view value, std::string_view more,
                         const char* example) {
    const bool fits = value.size() <= longest_word && !value.starts_with('-') &&
                      std::ranges::all_of(value, [more](char ch) {
                        return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
                               (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' || ch == '.' ||
                               more.find(ch) != std::string_view::npos;
                      });
    if (!fits)
      c.wrong(pointer, fmt::format("must be a value as Slurm has it, such as {}", example));
  };
  word("/slurm/partition", s.partition, ",", "gpu");
  word("/slurm/account", s.account, "@", "studio");
  word("/slurm/qos", s.qos, "", "normal");
  word("/slurm/constraint", s.constraint, "&|*()[],:=", "a100|h100");
  word("/slurm/gres", s.gres, ":,=", "gpu:1");
  word("/slurm/mem", s.mem, "", "16G");
  c.seconds("/slurm/time_seconds", s.time);
}

} // namespace

std::string_view to_string(job_state state) noexcept {
  const auto* found = std::ranges::find(state_names, state, &decltype(state_names)::value_type::first);
  return found == state_names.end() ? "unknown" : found->second;
}

std::optional<job_state> parse_job_state(std::string_view name) noexcept {
  const auto* found = std::ranges::find(state_names, name, &decltype(state_names)::value_type::second);
  return found == state_names.end() ? std::nullopt : std::optional{found->first};
}

bool is_final(job_state state) noexcept {
  return state == succeeded || state == failed || state == canceled;
}

bool can_become(job_state from, job_state to) noexcept {
  switch (from) {
  case queued:
    return to == running || to == paused || is_final(to);
  case running:
    return to != running;
  case paused:
    return to == queued || to == failed || to == canceled;
  case failed:
  case canceled:
    return to == queued;
  case succeeded:
    return false;
  }
  return false;
}

std::string_view to_string(autorun_scope scope) noexcept {
  return scope == autorun_scope::never ? "never" : scope == autorun_scope::roots ? "roots" : "always";
}

std::optional<autorun_scope> parse_autorun_scope(std::string_view name) noexcept {
  if (name == "never")
    return autorun_scope::never;
  if (name == "roots")
    return autorun_scope::roots;
  if (name == "always")
    return autorun_scope::always;
  return std::nullopt;
}

std::optional<std::string> refuse_autorun(const job_spec& spec, const job_limits& limits) {
  if (!spec.autorun || limits.autorun == autorun_scope::always)
    return std::nullopt;
  if (limits.autorun == autorun_scope::never)
    return "this kilnd runs no scripts of .blends: its operator can allow it (autorun = \"roots\" or "
           "\"always\")";
  const auto holds = [&](const std::filesystem::path& one) { return is_at_or_below(spec.blend, one); };
  if (std::ranges::any_of(limits.not_of_roots, holds))
    return "this kilnd runs scripts of .blends below its project roots only, not those of uploads, nor of "
           "files where Blender can write (autorun = \"roots\")";
  return std::nullopt;
}

std::vector<field_error> check_labels(const std::string& name, const std::string& note,
                                      const std::vector<std::string>& tags) {
  checker c;
  c.text("/name", name, longest_name);
  if (note.size() > longest_note)
    c.wrong("/note", fmt::format("must not be longer than {} bytes", longest_note));
  else if (std::ranges::any_of(note, [](char ch) { return ch != '\n' && ch != '\t' && is_control(ch); }))
    c.wrong("/note", "must not hold control characters but line breaks and tabs");
  if (tags.size() > most_tags)
    c.wrong("/tags", fmt::format("there must not be more than {}", most_tags));
  for (std::size_t i = 0; i < tags.size(); ++i)
    if (tags[i].empty())
      c.wrong(fmt::format("/tags/{}", i), "must not be empty");
    else
      c.text(fmt::format("/tags/{}", i), tags[i], longest_tag);
  return std::move(c.found);
}

std::vector<field_error> check_job(const job_spec& spec, const job_limits& limits) {
  checker c;
  if (spec.frames.empty())
    c.wrong("/frames", "the job has no frames");
  else if (const auto count = spec.frames.size(); count > limits.max_frames)
    c.wrong("/frames",
            fmt::format("{} frames are more than the {} allowed for one job; split it, or raise max_frames",
                        count, limits.max_frames));
  if (const auto others = spec.hold_after.without(spec.frames); !spec.frames.empty() && !others.empty())
    c.wrong("/hold_after", fmt::format("frame {} is not one of the job", others.front()));
  if (!spec.blend.is_absolute())
    c.wrong("/blend", "the path of the .blend must be absolute");
  if (!spec.blender.empty() && std::ranges::find(limits.blenders, spec.blender) == limits.blenders.end())
    c.wrong("/blender",
            fmt::format("there is no Blender of this name: there is {}", fmt::join(limits.blenders, ", ")));
  for (auto& wrong : check_labels(spec.name, spec.note, spec.tags))
    c.found.push_back(std::move(wrong));
  c.number("/priority", spec.priority, lowest_priority, highest_priority);
  c.number("/threads", spec.threads, 0, 1024);
  c.number("/retries", spec.retries, 0, 100);
  c.number("/processes", spec.processes, 0, 1024); // 0 is "auto"
  if (spec.own_process && spec.processes != 1)
    c.wrong("/processes", R"(must be 1 when "process" is "own", as it is with "autorun")");
  if (const auto refused = refuse_autorun(spec, limits))
    c.wrong("/autorun", *refused);
  if (spec.autorun && !spec.own_process)
    c.wrong("/process", R"(must be "own" with "autorun": what scripts leave in a Blender stays in it)");
  if (limits.has_cluster && spec.processes > 1)
    c.wrong("/processes", "this kilnd renders on a Slurm cluster, where tasks run as there is room for them "
                          "(slurm_tasks): leave \"processes\" out, or say \"auto\"");
  c.seconds("/timeout_seconds", spec.timeout);
  c.seconds("/stall_timeout_seconds", spec.stall_timeout);

  const auto& s = spec.settings;
  const auto is_engine_name = [](std::string_view name) {
    return name.size() <= longest_blender_name && std::ranges::all_of(name, [](char ch) {
             return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') ||
                    ch == '_';
           });
  };
  if (!is_engine_name(s.engine))
    c.wrong("/engine", "must be the name of a render engine such as CYCLES");
  c.text("/scene", s.scene, longest_blender_name);
  c.text("/view_layer", s.view_layer, longest_blender_name);
  c.text("/camera", s.camera, longest_blender_name);
  c.one_of("/format", s.format, names_of_formats());
  c.one_of("/device", s.device, devices);
  if (s.resolution) {
    c.number("/resolution/0", s.resolution->first, 4, 65536);
    c.number("/resolution/1", s.resolution->second, 4, 65536);
  }
  c.number("/resolution_percentage", s.resolution_percentage, 1, 1000);
  c.number("/samples", s.samples, 1, 1 << 24);
  c.number("/seed", s.seed, 0, 2147483647);
  check_slurm(c, spec.slurm, limits.has_cluster);
  return std::move(c.found);
}

} // namespace kiln::domain
