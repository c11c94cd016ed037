// SPDX-License-Identifier: Apache-2.0
//
// What must be there before kilnd can render: Blender, the .blend, places to write to. Said at the start (and
// by
// --check) rather than by the first job that fails.
#pragma once

#include "aio/task.hpp"
#include "app/bounded_runs.hpp"
#include "app/config.hpp"
#include "base/error.hpp"
#include "blender/install.hpp"
#include "http/tls.hpp"
#include "webhook/http_sender.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::app {

/// A path as it is, a name by `search_path` (as PATH). The error names what was looked for, and where.
[[nodiscard]] result<std::filesystem::path> find_executable(const std::filesystem::path& named,
                                                            const std::string& search_path);

/// Where a Blender of this name is probed (blender_probe.hpp).
[[nodiscard]] std::filesystem::path probe_directory(const std::filesystem::path& state,
                                                    std::string_view name);

/// Each Blender of the configuration, probed in parallel; `wrong` says so of one that cannot be used. An
/// error if there is none that can. `environment`: a job's. `runs`: what its processes are started with;
/// stop() ends them.
[[nodiscard]] aio::task<result<std::vector<blender::install>>>
find_blenders(aio::executor_type loop, bounded_runs& runs, const config& c,
              std::vector<std::string> environment, std::string search_path);

/// Those of which nothing is wrong.
[[nodiscard]] std::vector<blender::install> usable(std::vector<blender::install> installs);

/// A line for people for each of the others.
[[nodiscard]] std::vector<std::string> describe_missing(const std::vector<blender::install>& installs);

/// Makes the output and state directories where they are missing, and writes to them and reads the .blend to
/// try. What is wrong, each a line for people. Blocks.
[[nodiscard]] std::vector<std::string> check_files(const config& c);

/// The part of it that can change while kilnd runs, without writing: what is wrong, or nothing. Blocks.
[[nodiscard]] std::optional<std::string> check_readiness(const config& c,
                                                         const std::vector<blender::install>& blenders);

/// The database of the jobs, in the state directory.
inline constexpr const char* database_name = "kiln.db";

/// What one kilnd holds as long as it runs.
[[nodiscard]] inline std::filesystem::path state_lock_file(const config& c) {
  return c.state / "kilnd.lock";
}
[[nodiscard]] inline std::filesystem::path output_lock_file(const config& c) {
  return c.output / ".kilnd.lock";
}

/// The program that verifies frames.
[[nodiscard]] result<std::filesystem::path> find_decoder(const config& c);

[[nodiscard]] result<std::unique_ptr<webhook::http_sender>> make_webhook_sender(aio::executor_type loop,
                                                                                const config& c);

/// Null without TLS. Blocks.
[[nodiscard]] result<http::tls_context> load_certificate(const config& c);

/// The value of a variable of the environment; empty when it is not set.
[[nodiscard]] std::string variable(const std::vector<std::string>& environment, const std::string& name);

/// A line for people on the variables that are passed over; empty when there are none.
[[nodiscard]] std::string describe_passed_over(const config& c);

} // namespace kiln::app
