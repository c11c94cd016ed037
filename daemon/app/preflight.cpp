// SPDX-License-Identifier: Apache-2.0
#include "app/preflight.hpp"

#include "aio/task_group.hpp"
#include "app/blender_probe.hpp"
#include "app/blender_user.hpp"
#include "app/decoder_program.hpp"
#include "app/part_settings.hpp"
#include "app/state_access.hpp"
#include "blender/command_line.hpp"
#include "executor/workspace.hpp"
#include "output/state_disk.hpp"
#include "process/search_path.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;

/// Creates the directory if it is missing, with at most the mode `widest`.
std::optional<std::string> check_directory(const char* key, const fs::path& directory,
                                           fs::perms widest = fs::perms::all) {
  std::error_code ec;
  if (fs::create_directories(directory, ec))
    fs::permissions(directory, fs::status(directory).permissions() & widest, ec);
  if (ec)
    return fmt::format("{}: {} cannot be made: {}", key, directory.native(), ec.message());
  auto name = (directory / ".kilnd-XXXXXX").native();
  const int fd = ::mkstemp(name.data());
  if (fd < 0)
    return fmt::format("{}: {}", key,
                       system_error(errno, directory.native() + " cannot be written to").message);
  ::close(fd);
  ::unlink(name.c_str());
  return std::nullopt;
}

std::optional<std::string> check_blend(const config& c) {
  if (c.blend.empty())
    return std::nullopt;
  const auto bad = executor::check_blend(c.blend, permitted_blends(c));
  return bad ? std::optional{"blend: " + bad->message} : std::nullopt;
}

/// The `i`-th Blender of the configuration.
aio::task<> find_blender(bounded_runs& runs, const config& c, std::size_t i,
                         std::vector<std::string> environment, std::string search_path,
                         blender::install& found) {
  const auto& [name, path] = c.blenders[i];
  found = blender::install{name, path, {}};
  if (c.on_slurm) { // it is installed on the nodes, and need not be here
    found.version = "Blender on the nodes of Slurm";
    co_return;
  }
  auto executable = find_executable(path, search_path);
  if (!executable) {
    found.wrong = executable.error().message;
    co_return;
  }
  found.executable = std::move(*executable);
  auto named = found;
  probe_place where{.directory = probe_directory(c.state, name), .environment = std::move(environment)};
  auto probed = co_await probe_install(runs, std::move(named), std::move(where));
  if (probed)
    found = std::move(*probed);
  else
    found.wrong = probed.error().message;
}

} // namespace

fs::path probe_directory(const fs::path& state, std::string_view name) {
  return state / fmt::format("probe-{}", name);
}

result<fs::path> find_executable(const fs::path& named, const std::string& search_path) {
  if (named.has_parent_path()) {
    if (process::is_executable(named))
      return named;
    return error{errc::not_found, fmt::format("blender: there is no program at {}", named.native())};
  }
  if (auto found = process::find_program(named, search_path))
    return std::move(*found);
  return error{errc::not_found,
               fmt::format("blender: there is no {} in PATH; install Blender, or name it with --blender",
                           named.native())};
}

aio::task<result<std::vector<blender::install>>> find_blenders(aio::executor_type loop, bounded_runs& runs,
                                                               const config& c,
                                                               std::vector<std::string> environment,
                                                               std::string search_path) {
  std::vector<blender::install> all(c.blenders.size());
  aio::task_group probes{loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  for (std::size_t i = 0; i < c.blenders.size(); ++i)
    probes.spawn(find_blender(runs, c, i, environment, search_path, all[i]));
  co_await probes.join();
  if (usable(all).empty()) {
    std::string why;
    for (const auto& one : all)
      why += (why.empty() ? "" : "; ") + one.wrong;
    co_return error{errc::not_found, std::move(why)};
  }
  co_return all;
}

std::vector<blender::install> usable(std::vector<blender::install> installs) {
  std::erase_if(installs, [](const blender::install& one) { return !one.wrong.empty(); });
  return installs;
}

std::vector<std::string> describe_missing(const std::vector<blender::install>& installs) {
  std::vector<std::string> lines;
  for (const auto& one : installs)
    if (!one.wrong.empty())
      lines.push_back(fmt::format("Blender {} cannot be used: {}", one.name, one.wrong));
  return lines;
}

std::vector<std::string> check_files(const config& c) {
  std::vector<std::string> wrong;
  for (auto bad : {check_blend(c), check_directory("state", c.state, widest_mode_of_state(c)),
                   check_directory("output", c.output)})
    if (bad)
      wrong.push_back(std::move(*bad));
  for (const auto& root : c.project_roots)
    if (std::error_code ec; !fs::is_directory(root, ec))
      wrong.push_back(fmt::format("project_root: {} is not a directory", root.native()));
  if (wrong.empty())
    wrong = admit_blender_user(c);
  if (!c.slurm_template.empty() && ::access(c.slurm_template.c_str(), R_OK) != 0)
    wrong.push_back("slurm_template: " +
                    system_error(errno, c.slurm_template.native() + " cannot be read").message);
  if (const auto at = c.output.native().find_first_of(blender::unusable_in_output); at != std::string::npos)
    wrong.push_back(
        fmt::format("output: {} holds a '{}', which Blender does not take as it is: choose another directory",
                    c.output.native(), c.output.native()[at]));
  return wrong;
}

std::optional<std::string> check_readiness(const config& c, const std::vector<blender::install>& blenders) {
  if (!c.on_slurm && usable(blenders).empty())
    return fmt::format("Blender is gone: {}", blenders.front().wrong);
  if (auto bad = check_blend(c))
    return bad;
  for (const auto& directory : {c.output, c.state})
    if (::access(directory.c_str(), W_OK | X_OK) != 0)
      return system_error(errno, directory.native() + " cannot be written to").message;
  return output::lack_of_state_disk(c.state);
}

result<fs::path> find_decoder(const config& c) {
  const auto program = decoder_beside_us();
  if (!program || c.verify_headers_only)
    return program;
  if (const auto found = find_executable(*program, {}); !found)
    return error{errc::not_found,
                 fmt::format("verify: there is no {}, which decodes frames: install it beside "
                             "kilnd, or say --verify header",
                             program->native())};
  return program;
}

result<std::unique_ptr<webhook::http_sender>> make_webhook_sender(aio::executor_type loop, const config& c) {
  return webhook::http_sender::make(
      loop,
      {.targets = webhook_targets(c), .ca_file = c.webhook_ca_file, .user_agent = "kilnd/" KILN_VERSION});
}

result<http::tls_context> load_certificate(const config& c) {
  return c.tls_certificate.empty() ? http::tls_context{} : http::load_tls(c.tls_certificate, c.tls_key);
}

std::string variable(const std::vector<std::string>& environment, const std::string& name) {
  for (const auto& v : environment)
    if (v.starts_with(name + "="))
      return v.substr(name.size() + 1);
  return {};
}

std::string describe_passed_over(const config& c) {
  return c.passed_over.empty() ? std::string{}
                               : fmt::format("variables of a container platform are passed over names={}",
                                             fmt::join(c.passed_over, ","));
}

} // namespace kiln::app
