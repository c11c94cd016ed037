// SPDX-License-Identifier: Apache-2.0
#include "app/blender_probe.hpp"

#include "app/probe_memory.hpp"
#include "blender/install_report.hpp"
#include "blender/setup_script.hpp"
#include "blender/version.hpp"
#include "local/installs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <sys/stat.h>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds limit{30}; // a cold network file system takes 20 s
constexpr std::size_t longest_line = 200;

/// The last line that is not empty, for a message: printable ASCII only. Each Blender ends with "Blender
/// quit".
std::string last_line(std::string_view printed) {
  if (const auto quit = printed.rfind("\nBlender quit"); quit != std::string_view::npos)
    printed = printed.substr(0, quit);
  const auto end = printed.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos)
    return {};
  const auto begin = printed.find_last_of('\n', end) + 1; // npos + 1 is 0
  std::string line{printed.substr(begin, std::min(end - begin + 1, longest_line))};
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

std::string describe(const bounded_run& run) {
  const auto line = last_line(run.printed);
  const auto said = line.empty() ? std::string{"printed nothing"} : fmt::format("printed \"{}\"", line);
  if (run.is_late)
    return fmt::format("did not end within {} s and {}", limit.count(), said);
  if (run.exit.is_success())
    return said;
  return fmt::format("{} with {} {}", said,
                     run.exit.kind == domain::process_exit::how::exited ? "exit status" : "signal",
                     run.exit.value);
}

process::launch_request request_for(const fs::path& executable, std::vector<std::string> arguments,
                                    const probe_place& where) {
  process::launch_request request{.executable = executable,
                                  .arguments = std::move(arguments),
                                  .environment = where.environment,
                                  .working_directory = where.directory,
                                  .log_file = where.directory / "log",
                                  .sandbox = where.sandbox};
  request.environment.push_back("TMPDIR=" + (where.directory / "tmp").native());
  return request;
}

struct reply {
  bounded_run run;
  std::string key = {}; ///< in the memory of these runs; empty: it has none, or knows it
};

/// One question: as this same program (`identity`) has answered it before, or now.
aio::task<result<reply>> ask(bounded_runs& runs, process::launch_request request, std::string identity,
                             std::string sandbox) {
  std::string key;
  if (runs.memory() && !identity.empty()) {
    const auto look = [&] { return probe_memory::key_of(request, identity, sandbox); };
    key = co_await runs.pool().run(look);
    if (auto known = runs.memory()->find(key)) {
      reply before{.run = std::move(*known)};
      co_return before;
    }
  }
  auto run = co_await runs.run(std::move(request), limit);
  if (!run)
    co_return run.error();
  reply now{.run = std::move(*run), .key = std::move(key)};
  co_return now;
}

/// Only what a launcher says can change while it stays the same: callers leave it out.
aio::task<> keep(bounded_runs& runs, const reply& what) {
  const auto write = [&] {
    if (!what.key.empty() && what.run.exit.is_success())
      runs.memory()->keep(what.key, what.run);
    return true;
  };
  co_await runs.pool().run(write);
}

struct answer {
  reply said;
  std::optional<blender::install_report> report;
};

aio::task<result<answer>> ask_report(bounded_runs& runs, fs::path program, probe_place where,
                                     std::string identity) {
  std::vector<std::string> arguments{"-b", "--factory-startup", "-noaudio", "--python-expr",
                                     std::string{blender::install_script}};
  auto request = request_for(program, std::move(arguments), where);
  auto said = co_await ask(runs, std::move(request), std::move(identity), std::move(where.sandbox_text));
  if (!said)
    co_return said.error();
  answer found{.said = std::move(*said), .report = {}};
  if (found.said.run.exit.is_success())
    found.report = blender::find_install_report(found.said.run.printed);
  co_return found;
}

/// The version in what `executable --version` printed.
result<std::string> version_in(const bounded_run& run, const fs::path& executable) {
  auto version = blender::find_version(run.printed);
  if (run.exit.is_success() && version)
    return std::move(*version);
  return error{errc::invalid_input,
               fmt::format("blender: {} --version is to print \"Blender\" and a version, and {}",
                           executable.native(), describe(run))};
}

/// The report's executable is the same file here: no other file system lies between.
bool is_seen_here(const blender::install_report& report) {
  struct stat file {};
  return ::stat(report.binary.c_str(), &file) == 0 && file.st_dev == report.device &&
         file.st_ino == report.inode;
}

/// All of a directory of Blender's is shown, unless it is one that holds other things.
bool is_own_directory(const fs::path& directory, const std::vector<std::string>& environment) {
  return directory != "/" &&
         std::ranges::find(environment, "HOME=" + directory.native()) == environment.end();
}

void add_program(std::vector<fs::path>& places, const fs::path& file, const probe_place& where) {
  places.push_back(file);
  if (is_own_directory(file.parent_path(), where.environment))
    places.push_back(file.parent_path());
}

/// The changes that a launcher between kilnd and Blender makes, each as a sentence for the operator.
std::vector<std::string> remarks_on(const blender::install& install, const blender::install_report& report,
                                    const bounded_run& run, const probe_place& where) {
  std::vector<std::string> remarks;
  const auto add = [&](std::string_view what) {
    remarks.push_back(fmt::format("blender {}: {} {}", install.name, install.executable.native(), what));
  };
  if (report.group != run.pid && report.group != 0)
    add(fmt::format("starts Blender in another process group, which kilnd can neither stop nor measure: name "
                    "the program itself, {}",
                    report.binary.native()));
  else if (report.pid != run.pid)
    add(fmt::format(
        "starts Blender as a second process: the pid of a job is the launcher's, and a signal to it "
        "ends both. A script that ends with exec \"{}\" \"$@\" avoids that",
        report.binary.native()));
  if (report.directory != run.directory || report.temp.lexically_normal() != where.directory / "tmp")
    add("changes the working directory or TMPDIR: after a crash of kilnd its renders may not be found and "
        "are "
        "started again. Leave both as they are");
  return remarks;
}

} // namespace

aio::task<result<std::string>> ask_version(bounded_runs& runs, fs::path executable, probe_place where) {
  auto request = request_for(executable, {"--version"}, where);
  const auto run = co_await runs.run(std::move(request), limit);
  if (!run)
    co_return error{run.error().code, "blender: " + run.error().message};
  co_return version_in(*run, executable);
}

aio::task<result<blender::install>> probe_install(bounded_runs& runs, blender::install named,
                                                  probe_place where) {
  const auto look = [file = named.executable] {
    std::error_code ec;
    return std::pair{local::identity_of(file), fs::canonical(file, ec)};
  };
  const auto [identity, real] = co_await runs.pool().run(look);
  auto asked = request_for(named.executable, {"--version"}, where);
  auto for_version = identity;
  const auto said = co_await ask(runs, std::move(asked), std::move(for_version), {});
  if (!said)
    co_return error{said.error().code, "blender: " + said.error().message};
  auto version = version_in(said->run, named.executable);
  if (!version)
    co_return version.error();
  auto report_place = where;
  auto for_report = identity;
  const auto found =
      co_await ask_report(runs, named.executable, std::move(report_place), std::move(for_report));
  if (!found)
    co_return error{found.error().code, "blender: " + found.error().message};

  blender::install seen{named.name, named.executable, std::move(*version)};
  seen.program = seen.executable;
  seen.places.push_back(seen.executable); // if it is a link, the sandbox needs it as well
  add_program(seen.places, real, where);
  seen.identity = identity;
  const auto& report = found->report;
  if (!report) {
    seen.remarks.push_back(
        fmt::format("blender {}: {} prints its version but does not run Python, which each "
                    "job needs: it {}",
                    seen.name, seen.executable.native(), describe(found->said.run)));
    co_return seen;
  }
  seen.runs_python = true;
  seen.remarks = remarks_on(seen, *report, found->said.run, where);
  const auto look_again = [&report] { return is_seen_here(*report); };
  if (!co_await runs.pool().run(look_again))
    co_return seen;
  seen.binary = report->binary;
  if (real == report->binary) {
    seen.program = report->binary;
    co_await keep(runs, *said);
    co_await keep(runs, found->said);
  }
  add_program(seen.places, report->binary, where);
  for (const auto& place : report->places)
    if (is_own_directory(place, where.environment))
      seen.places.push_back(place);
  const auto look_at_both = [&seen, &identity] {
    const auto binary = local::identity_of(seen.binary);
    return seen.is_launcher() ? identity + " " + binary : identity;
  };
  seen.identity = co_await runs.pool().run(look_at_both);
  co_return seen;
}

aio::task<result<void>> try_inside(bounded_runs& runs, const blender::install& install, probe_place where) {
  if (!install.runs_python) {
    const auto version = co_await ask_version(runs, install.program, std::move(where));
    co_return version ? result<void>{} : result<void>{version.error()};
  }
  auto identity = install.is_launcher() ? std::string{} : install.identity;
  auto found = co_await ask_report(runs, install.program, std::move(where), std::move(identity));
  if (!found)
    co_return found.error();
  if (!found->report)
    co_return error{errc::unsupported, "it " + describe(found->said.run)};
  co_await keep(runs, found->said);
  co_return result<void>{};
}

} // namespace kiln::app
