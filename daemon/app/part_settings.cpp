// SPDX-License-Identifier: Apache-2.0
#include "app/part_settings.hpp"

#include "app/blender_user.hpp"
#include "blends/project_roots.hpp"

#include <algorithm>
#include <utility>

#include <sched.h>

namespace kiln::app {
namespace {

constexpr double frame_grace = 2; // seconds for a frame to be finished, when its job is cancelled

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(seconds * 1000)};
}

/// That this process may run on.
std::size_t usable_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0)
    return 1;
  return static_cast<std::size_t>(CPU_COUNT(&cores));
}

} // namespace

http::limits limits_of(const config& c) {
  http::limits l;
  l.head = {.header_bytes = c.max_header_bytes, .target_bytes = c.max_target_bytes, .fields = c.max_fields};
  l.body_bytes = c.max_body_bytes;
  l.header_time = milliseconds(c.header_seconds);
  l.body_time = milliseconds(c.body_seconds);
  l.write_time = milliseconds(c.write_seconds);
  l.idle_time = milliseconds(c.idle_seconds);
  l.connections = {.served = c.max_connections,
                   .served_per_address = c.max_connections_per_address,
                   .waiting = c.max_waiting,
                   .waiting_per_address = c.max_waiting_per_address};
  return l;
}

std::vector<std::string> hosts_of(const config& c) {
  auto hosts = c.allowed_hosts;
  for (const char* own : {"localhost", "127.0.0.1", "[::1]"})
    hosts.emplace_back(own);
  const bool is_v6 = c.listen.address.find(':') != std::string::npos;
  hosts.push_back(is_v6 ? "[" + c.listen.address + "]" : c.listen.address);
  if (const auto url = url_of(c); !url.is_empty())
    hosts.emplace_back(http::host_of(url));
  return hosts;
}

http::public_url url_of(const config& c) {
  return c.public_url.empty() ? http::public_url{} : *http::parse_public_url(c.public_url); // checked before
}

http::trusted_proxies proxies_of(const config& c) {
  std::vector<ip_network> networks;
  for (const auto& text : c.trusted_proxies)
    networks.push_back(*http::parse_trusted_proxy(text)); // checked as it was read
  return http::trusted_proxies{std::move(networks)};
}

access::rate rate_of(const config& c) {
  constexpr double default_rate = 200;
  constexpr double default_burst_seconds = 5;
  const bool is_local = is_loopback(c.listen.address) && c.trusted_proxies.empty();
  const auto limit = c.rate_limit.value_or(is_local ? 0 : default_rate);
  return {.per_second = limit, .burst = c.rate_burst.value_or(std::max(1.0, default_burst_seconds * limit))};
}

domain::job_limits limits_of_jobs(const config& c) {
  domain::job_limits l{.max_frames = c.max_frames, .has_cluster = c.on_slurm};
  for (const auto& one : c.blenders)
    l.blenders.push_back(one.name);
  l.autorun = c.autorun;
  auto others = c.sandbox_write;
  others.insert(others.end(), {c.state, c.output});
  for (const auto& one : others)
    l.not_of_roots.insert(l.not_of_roots.end(), {one, real_path(one)}); // a job's .blend has no links in it
  return l;
}

std::optional<domain::job_spec> tutorial_job(const config& c) {
  if (c.blend.empty())
    return std::nullopt;
  domain::job_spec spec;
  spec.blend = c.blend;
  spec.blend_name = c.blend.native();
  spec.settings.engine = "CYCLES";
  spec.threads = c.threads;
  spec.own_process = true;
  spec.fail_fast = true; // its pid means the job: another try would have another
  return spec;
}

webhook::target_rules webhook_targets(const config& c) {
  std::vector<webhook::target_rule> rules;
  for (const auto& text : c.webhook_targets)
    rules.push_back(*webhook::parse_target_rule(text)); // checked as it was read
  return webhook::target_rules{std::move(rules)};
}

std::filesystem::path uploads_directory(const config& c) {
  return c.state / "blends";
}

executor::blend_opener permitted_blends(const config& c) {
  auto directories = c.project_roots;
  directories.push_back(uploads_directory(c));
  return readable_by_blender(c, [places = blends::project_roots{std::move(directories)},
                                 named = c.blend](const std::filesystem::path& blend) {
    return blend == named ? executor::open_anywhere(blend) : places.open(blend);
  });
}

std::optional<std::chrono::milliseconds> keep_time(double days) {
  constexpr double seconds_a_day = 86'400;
  return days > 0 ? std::optional{milliseconds(days * seconds_a_day)} : std::nullopt;
}

retention::rules retention_rules(const config& c) {
  retention::rules r;
  r.keep_jobs = keep_time(c.jobs_keep_days);
  if (c.jobs_quota > 0)
    r.job_bytes = c.jobs_quota;
  r.keep_uploads = keep_time(c.uploads_keep_days);
  return r;
}

scheduler::settings scheduler_settings(const config& c) {
  return {.capacity = {.slots = c.slots, .max_queued = c.max_queued},
          .limits = limits_of_jobs(c),
          .disk_reserve = c.disk_reserve,
          .look_again = milliseconds(c.look_again),
          .stall_timeout = std::chrono::seconds{c.stall_timeout},
          .cores = usable_cores()};
}

process::group_bounds group_bounds(const config& c) {
  constexpr std::size_t threads = 256;
  constexpr std::size_t threads_of_a_core = 16;
  process::group_bounds bounds{.memory = c.blender_memory};
  if (c.blender_processes > 0)
    bounds.tasks = c.blender_processes + threads + threads_of_a_core * usable_cores();
  return bounds;
}

local::local_settings local_settings(const config& c, std::shared_ptr<local::installs> installs,
                                     const std::vector<std::string>& environment, const sandbox& around,
                                     std::shared_ptr<local::local_times> times) {
  return {.blenders = std::move(installs),
          .output = c.output,
          .state = c.state,
          .environment = local::environment_for_blender(environment, c.blender_user),
          .stop_grace = milliseconds(c.stop_grace),
          .frame_grace = milliseconds(std::min(c.stop_grace, frame_grace)),
          .sessions = {.idle = c.sessions,
                       .idle_memory = c.session_memory,
                       .idle_time = milliseconds(c.session_idle),
                       .frames = c.session_frames},
          .sandbox = around.how,
          .walls = around.walls,
          .bounds = {.memory = c.blender_memory,
                     .processes = c.blender_processes,
                     .disk = c.blender_disk,
                     .files = c.blender_files},
          .run_as = c.blender_user,
          .open_blend = permitted_blends(c),
          .times = std::move(times)};
}

cluster::slurm_settings slurm_settings(const config& c, const std::vector<blender::install>& installs,
                                       const std::vector<std::string>& environment) {
  return {.programs = c.slurm_programs,
          .blenders = installs,
          .output = c.output,
          .state = c.state,
          .environment = local::environment_for_blender(environment),
          .site_template = c.slurm_template,
          .options = c.slurm_options,
          .tasks_at_once = c.slurm_tasks,
          .tasks_of_an_array = c.slurm_array_tasks,
          .task_seconds = c.slurm_task_seconds,
          .nice_step = c.slurm_nice_step,
          .poll = milliseconds(c.slurm_poll),
          .lag = milliseconds(c.slurm_lag),
          .open_blend = permitted_blends(c)};
}

} // namespace kiln::app
