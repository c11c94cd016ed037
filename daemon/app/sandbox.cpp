// SPDX-License-Identifier: Apache-2.0
#include "app/sandbox.hpp"

#include "app/preflight.hpp"
#include "executor/blender_walls.hpp"
#include "executor/local_executor.hpp"
#include "process/confinement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;
using process::mechanism;

fs::path real_path(const fs::path& path) {
  std::error_code ec;
  auto real = fs::canonical(path, ec);
  return ec ? path : real;
}

bool is_at_or_below(const fs::path& path, const fs::path& directory) {
  return std::ranges::mismatch(directory, path).in1 == directory.end();
}

process::walls walls_for(const config& c, const std::vector<blender::install>& blenders,
                         const std::vector<std::string>& environment) {
  executor::installation here{.blenders = {},
                              .project_roots = c.project_roots,
                              .output = c.output,
                              .state = c.state,
                              .also_read = c.sandbox_read,
                              .also_write = c.sandbox_write,
                              .environment = executor::environment_for_blender(environment),
                              .display = c.sandbox_display};
  for (const auto& one : blenders)
    here.blenders.push_back(real_path(one.executable));
  if (!c.blend.empty())
    here.project_roots.push_back(c.blend.parent_path());
  // A scene can name a file by way of a link to its root or without.
  for (const auto& root : std::vector{here.project_roots})
    if (auto real = real_path(root); real != root)
      here.project_roots.push_back(std::move(real));
  return executor::walls_around_blender(here);
}

/// What the walls cannot keep because of where things lie.
std::vector<std::string> warnings_of(const config& c) {
  std::vector<std::string> warnings;
  for (const auto& root : c.project_roots)
    for (const auto& [key, own] : {std::pair{"state", c.state}, std::pair{"output", c.output}})
      if (is_at_or_below(real_path(root), real_path(own)))
        warnings.push_back(
            fmt::format("sandbox: scenes can read all of {}, since the project root {} lies in "
                        "the {} directory: keep them apart",
                        root.native(), root.native(), key));
  return warnings;
}

/// Nothing when it works.
aio::task<std::optional<std::string>> try_mechanism(aio::executor_type loop, mechanism how, fs::path state,
                                                    fs::path blender, process::walls around) {
  const auto directory = state / "sandbox-check";
  std::error_code ec;
  fs::create_directories(directory, ec);
  around.write.push_back(directory);
  auto walls = process::confine(how, around);
  std::optional<std::string> wrong;
  if (!walls) {
    wrong = walls.error().message;
  } else {
    auto found = co_await ask_version(loop, std::move(blender), directory, std::move(*walls));
    if (!found)
      wrong = found.error().message;
  }
  fs::remove_all(directory, ec);
  co_return wrong;
}

} // namespace

aio::task<result<sandbox>> choose_sandbox(aio::executor_type loop, const config& c,
                                          std::vector<blender::install> blenders,
                                          const std::vector<std::string>& environment) {
  sandbox chosen;
  if (c.sandbox == "off") {
    chosen.warnings.push_back(
        "sandbox: off, as configured: a scene that runs code can do what kilnd's user can");
    co_return chosen;
  }
  if (c.on_slurm && c.sandbox != "auto")
    co_return error{errc::unsupported,
                    fmt::format("sandbox: kilnd builds none on the nodes of a cluster, so \"{}\" cannot be "
                                "had: leave it out; a slurm_template can build one",
                                c.sandbox)};
  if (c.on_slurm) {
    chosen.warnings.push_back("sandbox: none on the nodes of a cluster, unless a slurm_template builds one: "
                              "a scene that runs code can do there what kilnd's user can");
    co_return chosen;
  }
  chosen.walls = walls_for(c, blenders, environment);
  std::string failures;
  for (const auto how : {mechanism::landlock, mechanism::bubblewrap}) {
    const auto name = process::to_string(how);
    if (c.sandbox != "auto" && c.sandbox != name)
      continue;
    const auto wrong = co_await try_mechanism(loop, how, c.state, blenders.front().executable, chosen.walls);
    if (!wrong) {
      chosen.how = how;
      chosen.warnings = warnings_of(c);
      co_return chosen;
    }
    failures += fmt::format("{}{}: {}", failures.empty() ? "" : "; ", name, *wrong);
  }
  if (c.sandbox != "auto")
    co_return error{
        errc::unsupported,
        fmt::format("sandbox: {}. Say --sandbox auto for what this machine can, or --sandbox off", failures)};
  chosen.walls = {};
  chosen.warnings.push_back(fmt::format(
      "sandbox: none works here, so a scene that runs code can do what kilnd's user can ({})", failures));
  co_return chosen;
}

} // namespace kiln::app
