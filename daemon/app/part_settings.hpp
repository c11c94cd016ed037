// SPDX-License-Identifier: Apache-2.0
//
// What the configuration means for each part of the daemon.
#pragma once

#include "access/bucket.hpp"
#include "app/config.hpp"
#include "app/sandbox.hpp"
#include "cluster/slurm_settings.hpp"
#include "http/service.hpp"
#include "local/local_executor.hpp"
#include "retention/retention.hpp"
#include "scheduler/scheduler.hpp"
#include "webhook/target.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kiln::app {

[[nodiscard]] http::limits limits_of(const config& c);

/// Names that requests may be sent to: a foreign name that points here is a trick (DNS rebinding).
[[nodiscard]] std::vector<std::string> hosts_of(const config& c);

/// Where clients find kilnd; empty unless configured.
[[nodiscard]] http::public_url url_of(const config& c);

[[nodiscard]] http::trusted_proxies proxies_of(const config& c);

/// The limit for each token or address: as configured, or the default for `c.listen`, which is the address of
/// the socket that kilnd was given, if it was given one. Behind a proxy it is as on an open address.
[[nodiscard]] access::rate rate_of(const config& c);

/// Of what a job may ask.
[[nodiscard]] domain::job_limits limits_of_jobs(const config& c);

/// What POST /job renders; nothing without --blend.
[[nodiscard]] std::optional<domain::job_spec> tutorial_job(const config& c);

[[nodiscard]] webhook::target_rules webhook_targets(const config& c);

[[nodiscard]] std::filesystem::path uploads_directory(const config& c);

/// A job's .blend when an attempt begins: below a root, an upload, or the one that whoever set kilnd up has
/// named.
[[nodiscard]] executor::blend_opener permitted_blends(const config& c);

/// 0 days: for ever.
[[nodiscard]] std::optional<std::chrono::milliseconds> keep_time(double days);

[[nodiscard]] retention::rules retention_rules(const config& c);

[[nodiscard]] scheduler::settings scheduler_settings(const config& c);

/// The bounds of one Blender's control group. Tasks are processes and threads: more than Blender has of
/// these, so that its own threads are never refused and a fork bomb is.
[[nodiscard]] process::group_bounds group_bounds(const config& c);

/// `times` is told how long starts and ends take.
[[nodiscard]] local::local_settings local_settings(const config& c, std::shared_ptr<local::installs> installs,
                                                   const std::vector<std::string>& environment,
                                                   const sandbox& around,
                                                   std::shared_ptr<local::local_times> times);

[[nodiscard]] cluster::slurm_settings slurm_settings(const config& c,
                                                     const std::vector<blender::install>& installs,
                                                     const std::vector<std::string>& environment);

} // namespace kiln::app
