// SPDX-License-Identifier: Apache-2.0
//
// The requirements of rendering: Blender, the .blend, writable directories. Faults are reported at the start
// and by --check, not by the first job that fails.
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

/// A path unchanged; a name is searched in `search_path` (like PATH). The error names both.
[[nodiscard]] result<std::filesystem::path> find_executable(const std::filesystem::path& named,
                                                            const std::string& search_path);

/// Where a Blender of this name is probed (blender_probe.hpp).
[[nodiscard]] std::filesystem::path probe_directory(const std::filesystem::path& state,
                                                    std::string_view name);

/// Each Blender of the configuration, probed in parallel; `wrong` is set for an unusable one. An error if
/// none is usable. `environment`: as for a job. `runs`: starts the processes; its stop() ends them.
[[nodiscard]] aio::task<result<std::vector<blender::install>>>
find_blenders(aio::executor_type loop, bounded_runs& runs, const config& c,
              std::vector<std::string> environment, std::string search_path);

/// The usable Blenders.
[[nodiscard]] std::vector<blender::install> usable(std::vector<blender::install> installs);

/// A line for people for each unusable Blender.
[[nodiscard]] std::vector<std::string> describe_missing(const std::vector<blender::install>& installs);

/// Creates missing output and state directories, and tests writing to them and reading the .blend. Returns
/// the faults, each a line for people. Blocks.
[[nodiscard]] std::vector<std::string> check_files(const config& c);

/// Checks the requirements that can change while kilnd runs, without writing: the fault, or nullopt. Blocks.
[[nodiscard]] std::optional<std::string> check_readiness(const config& c,
                                                         const std::vector<blender::install>& blenders);

/// The database of the jobs, in the state directory.
inline constexpr const char* database_name = "kiln.db";

/// The locks that a running kilnd holds.
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

/// The value of an environment variable; empty if it is not set.
[[nodiscard]] std::string variable(const std::vector<std::string>& environment, const std::string& name);

/// A line for people about ignored variables; empty if there are none.
[[nodiscard]] std::string describe_passed_over(const config& c);

} // namespace kiln::app
