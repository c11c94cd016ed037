// SPDX-License-Identifier: Apache-2.0
#include "app/sandbox.hpp"

#include "aio/task_group.hpp"
#include "app/blender_probe.hpp"
#include "app/blender_user.hpp"
#include "app/preflight.hpp"
#include "base/paths.hpp"
#include "local/blender_walls.hpp"
#include "local/installs.hpp"
#include "local/local_executor.hpp"
#include "process/confinement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;
using process::mechanism;

process::walls walls_for(const config& c, const std::vector<std::string>& environment) {
  local::installation here{.project_roots = c.project_roots,
                           .output = c.output,
                           .state = c.state,
                           .also_read = c.sandbox_read,
                           .also_write = c.sandbox_write,
                           .environment = local::environment_for_blender(environment, c.blender_user),
                           .display = c.sandbox_display};
  for (const auto& path : {c.config_file, c.tokens_file, c.tls_key, c.log_file})
    if (!path.empty())
      here.secret_files.push_back(fs::absolute(path).lexically_normal());
  if (!c.blend.empty())
    here.project_roots.push_back(c.blend.parent_path());
  // A scene can name a file through a link to its root, or directly.
  for (const auto& root : std::vector{here.project_roots})
    if (auto real = real_path(root); real != root)
      here.project_roots.push_back(std::move(real));
  return local::walls_around_blender(here);
}

/// Whose user a scene can act as.
const char* whose(const config& c) {
  return c.blender_user ? "Blender's" : "kilnd's";
}

/// Restrictions that the sandbox cannot enforce because of the layout of directories.
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

/// Restrictions that the kernel cannot enforce because of the layout of directories: with Landlock,
/// permission to list a directory includes those below it.
std::vector<std::string> notes_of(const config& c, mechanism how) {
  std::vector<std::string> notes;
  auto roots = c.project_roots;
  if (!c.blend.empty())
    roots.push_back(c.blend.parent_path());
  for (const auto& root : roots)
    for (const auto& own : {c.state, c.output})
      if (how == mechanism::landlock && is_at_or_below(real_path(own), real_path(root)))
        notes.push_back(
            fmt::format("sandbox: scenes can list the names in {}, and so the ids of jobs, since it "
                        "lies below the project root {}",
                        own.native(), root.native()));
  std::ranges::sort(notes);
  notes.erase(std::unique(notes.begin(), notes.end()), notes.end());
  return notes;
}

/// A trial of one Blender in a sandbox.
struct trial {
  process::mechanism how;
  const blender::install& of;
  std::string wrong = {}; ///< the reason why it does not work
};

aio::task<> carry_out(trial& t, bounded_runs& runs, const config& c, process::walls around,
                      std::vector<std::string> environment) {
  probe_place where{.directory = probe_directory(c.state, t.of.name), .environment = std::move(environment)};
  around.read.insert(around.read.end(), t.of.places.begin(), t.of.places.end());
  around.write.push_back(where.directory);
  const auto build = [&] {
    std::error_code ignored; // writable directories must exist
    fs::create_directories(where.directory, ignored);
    where.environment = local::environment_inside(around, std::move(where.environment));
    return process::confine(t.how, around, c.blender_user.get());
  };
  for (const auto* paths : {&around.read, &around.write, &around.devices, &around.hidden})
    for (const auto& one : *paths)
      where.sandbox_text += one.native() + "\n";
  where.sandbox_text = fmt::format("{} {} {}\n{}", process::to_string(t.how), static_cast<int>(around.talk),
                                   local::identity_of("/usr/bin/bwrap"), where.sandbox_text);
  auto sandbox = build();
  if (!sandbox) {
    t.wrong = sandbox.error().message;
    co_return;
  }
  where.sandbox = std::move(*sandbox);
  const auto works = co_await try_inside(runs, t.of, std::move(where));
  if (!works)
    t.wrong = works.error().message;
}

/// Advice about a Blender that does not start in a sandbox.
std::string advice_on(const blender::install& of) {
  if (of.is_launcher())
    return fmt::format("name the program itself: --blender {}={}", of.name, of.binary.native());
  if (!of.runs_python)
    return "make it run Python first";
  if (of.binary.empty())
    return "it runs in a file system of its own, as the launchers of snap, flatpak and containers do: name a "
           "Blender of this system";
  return "see --sandbox-read";
}

/// Tries each Blender, in parallel.
aio::task<std::vector<trial>> try_mechanism(aio::executor_type loop, bounded_runs& runs, mechanism how,
                                            const config& c, const std::vector<blender::install>& blenders,
                                            process::walls around, std::vector<std::string> environment) {
  std::vector<trial> trials;
  for (const auto& one : blenders)
    trials.push_back({.how = how, .of = one});
  aio::task_group group{loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  for (auto& t : trials)
    group.spawn(carry_out(t, runs, c, around, environment));
  co_await group.join();
  co_return trials;
}

std::size_t count_working(const std::vector<trial>& trials) {
  return static_cast<std::size_t>(std::ranges::count(trials, std::string{}, &trial::wrong));
}

/// The fault of a configuration that allows scripts of scenes without a sandbox.
error autorun_without_sandbox(std::string_view why) {
  return {errc::unsupported,
          fmt::format("autorun: scripts of scenes run in a sandbox only, and {}: configure "
                      "one that works here, or leave autorun out",
                      why)};
}

} // namespace

fs::path real_path(const fs::path& path) {
  std::error_code ec;
  auto real = fs::canonical(path, ec);
  return ec ? path : real;
}

aio::task<result<sandbox>> choose_sandbox(aio::executor_type loop, bounded_runs& runs, const config& c,
                                          std::vector<blender::install> blenders,
                                          const std::vector<std::string>& environment) {
  sandbox chosen;
  chosen.warnings = warnings_of_blender_user(c);
  const bool runs_scripts = c.autorun != domain::autorun_scope::never;
  if (c.on_slurm && runs_scripts)
    chosen.warnings.push_back(
        "autorun: scripts of scenes run on the nodes as their jobs ask for it, in what a "
        "slurm_template builds around them, or in nothing");
  if (c.sandbox == "off") {
    if (runs_scripts && !c.on_slurm)
      co_return autorun_without_sandbox("sandbox is off");
    chosen.warnings.push_back(
        fmt::format("sandbox: off, as configured: a scene that runs code can do what {} user can", whose(c)));
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
  chosen.walls = walls_for(c, environment);
  std::string failures;
  std::vector<trial> best;
  for (const auto how : {mechanism::landlock, mechanism::bubblewrap}) {
    const auto name = process::to_string(how);
    if (c.sandbox != "auto" && c.sandbox != name)
      continue;
    auto passed_on = local::environment_for_blender(environment, c.blender_user);
    auto trials = co_await try_mechanism(loop, runs, how, c, blenders, chosen.walls, std::move(passed_on));
    for (const auto& t : trials)
      if (!t.wrong.empty())
        failures += fmt::format("{}{}: blender {}: {}; {}", failures.empty() ? "" : "; ", name, t.of.name,
                                t.wrong, advice_on(t.of));
    if (best.empty() || count_working(trials) > count_working(best))
      best = std::move(trials);
    if (count_working(best) == blenders.size())
      break;
  }
  const auto working = count_working(best);
  if (working == blenders.size() || (working > 0 && c.sandbox == "auto")) {
    chosen.how = best.front().how;
    std::ranges::move(warnings_of(c), std::back_inserter(chosen.warnings));
    chosen.notes = notes_of(c, chosen.how);
    for (const auto& t : best)
      if (!t.wrong.empty())
        chosen.warnings.push_back(
            fmt::format("sandbox: blender {} does not work in it, so its jobs will fail: {}; "
                        "{}, or leave it out",
                        t.of.name, t.wrong, advice_on(t.of)));
    co_return chosen;
  }
  if (c.sandbox != "auto")
    co_return error{
        errc::unsupported,
        fmt::format("sandbox: {}. Say --sandbox auto for what this machine can, or --sandbox off", failures)};
  if (runs_scripts)
    co_return autorun_without_sandbox(fmt::format("none works here ({})", failures));
  chosen.walls = {};
  chosen.warnings.push_back(
      fmt::format("sandbox: none works here, so a scene that runs code can do what {} user can ({})",
                  whose(c), failures));
  co_return chosen;
}

} // namespace kiln::app
