// SPDX-License-Identifier: Apache-2.0
#include "app/config.hpp"

#include "app/blender_user.hpp"
#include "app/command_options.hpp"
#include "app/config_complaints.hpp"
#include "app/config_options.hpp"
#include "app/config_sources.hpp"
#include "app/exit_status.hpp"
#include "base/number.hpp"
#include "blender/install.hpp"
#include "help/help_text.hpp"
#include "http/origins.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include <arpa/inet.h>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;

/// "/opt/blender/blender", or "lts=/opt/blender-3.6/blender": a name has no '/', and a path before '=' has.
/// What is wrong with them, or nothing.
std::optional<std::string> read_blenders(const std::vector<std::string>& given,
                                         std::vector<named_path>& into) {
  constexpr std::string_view in_names = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  constexpr std::size_t longest_name = 63;
  if (!given.empty())
    into.clear();
  for (const auto& text : given) {
    const auto equals = text.find('=');
    named_path one{std::string{blender::unnamed_install}, text};
    if (equals != std::string::npos && text.find('/') > equals)
      one = {text.substr(0, equals), text.substr(equals + 1)};
    if (one.name.empty() || one.name.size() > longest_name ||
        one.name.find_first_not_of(in_names) != std::string::npos)
      return fmt::format("blender: \"{}\" is no name: letters, digits, '.', '_' and '-', at most {} of them",
                         one.name, longest_name);
    if (one.name == blender::any_install)
      return fmt::format("blender: {} cannot be a name: a job that says it leaves the choice to kilnd",
                         one.name);
    if (one.path.empty())
      return fmt::format("blender: where is {}? Say NAME=PATH", one.name);
    if (one.path.has_parent_path())
      one.path = fs::absolute(one.path).lexically_normal();
    const auto same = std::ranges::find(into, one.name, &named_path::name);
    if (same == into.end())
      into.push_back(std::move(one));
    else
      *same = std::move(one); // as with other keys, the last one counts
  }
  return std::nullopt;
}

fs::path home_state_directory() {
  if (const char* given = std::getenv("STATE_DIRECTORY")) // systemd's StateDirectory=
    return given;
  if (const char* xdg = std::getenv("XDG_STATE_HOME"))
    return fs::path{xdg} / "kiln";
  if (const char* home = std::getenv("HOME"))
    return fs::path{home} / ".local/state/kiln";
  return "/var/lib/kiln";
}

early_exit usage_error(std::string_view message) {
  return {exit_usage, fmt::format("kilnd: {}\nTry kilnd --help.\n", message)};
}

constexpr auto footer = R"(
Each flag can stand in the environment (--max-queued as KILN_MAX_QUEUED) or in the file (max_queued = 100); a flag is
stronger than the environment, the environment than the file.

kilnd backup FILE copies the jobs of the state directory to FILE, also while kilnd runs.
kilnd token add NAME --role read|submit|admin prints a new token; kilnd token list; kilnd token remove NAME. As soon as
there is one, everything but /livez and /readyz needs one. With --expires 30d it is refused after that time, with
--project DIR its jobs render .blend files in that directory alone.

Signals: SIGTERM and SIGINT stop in order (a second one kills what still renders), SIGUSR2 stops and leaves renders to
the next start, SIGHUP reopens the log file.
Exit status: 0 stopped in order; 1 internal error; 2 wrong flag, variable or key; 3 Blender, .blend, output or state
directory cannot be used; 4 the address to listen on cannot be had.

Try:  kilnd --blend scene.blend --output frames
      curl -i -H 'Content-Type: application/json' -d '{"from":1,"to":10}' http://127.0.0.1:3000/job)";

} // namespace

bool is_loopback(std::string_view address) {
  return address == "::1" || address.starts_with("127.");
}

result<listen_address> parse_listen_address(std::string_view text) {
  listen_address out;
  std::string_view port = text;
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    port = text.substr(colon + 1);
    auto host = text.substr(0, colon);
    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed)
      host = host.substr(1, host.size() - 2);
    out.address = host.empty() ? "0.0.0.0" : host == "localhost" ? "127.0.0.1" : std::string{host};
    in6_addr ignored{};
    const bool is_v6 = inet_pton(AF_INET6, out.address.c_str(), &ignored) == 1;
    const bool is_v4 = inet_pton(AF_INET, out.address.c_str(), &ignored) == 1;
    if (bracketed ? !is_v6 : !is_v4)
      return error{
          errc::invalid_input,
          fmt::format("\"{}\" is not an address and port such as 127.0.0.1:3000 or [::1]:3000", text)};
  }
  const auto number = parse_number<std::uint16_t>(port);
  if (!number)
    return error{errc::invalid_input, fmt::format("\"{}\" has no port between 0 and 65535", text)};
  out.port = *number;
  return out;
}

std::optional<std::string> refuse_open_network(const config& c) {
  std::error_code ec;
  if (is_loopback(c.listen.address) || c.allow_open_network || fs::exists(c.tokens_file, ec))
    return std::nullopt;
  return fmt::format(
      "anybody who reaches {}, port {}, could submit jobs, since there are no tokens; make one "
      "(kilnd token add NAME --role admin), listen on 127.0.0.1, or say --allow-open-network if that is "
      "meant",
      c.listen.address, c.listen.port);
}

std::variant<config, early_exit> read_config(std::vector<std::string> arguments,
                                             const std::vector<std::string>& environment,
                                             const std::string& default_file) {
  config c;
  words w;
  CLI::App app{"kilnd renders Blender jobs behind a REST interface and never lies about what was rendered.",
               "kilnd"};
  app.set_version_flag("--version", "kilnd " KILN_VERSION);
  app.footer(footer);
  help::use_help_text(app);
  const auto from_file = std::make_shared<std::vector<file_value>>();
  app.config_formatter(make_file_reader(from_file));
  app.allow_extras();
  app.allow_config_extras(CLI::config_extras_mode::capture);
  add_options(app, c, w, default_file);
  if (auto early = take_command(arguments, app, c))
    return std::move(*early);

  auto from_environment = flags_of_environment(environment, arguments, flag_names(app));
  if (!from_environment.unknown.empty())
    return usage_error(describe_unknown_variable(app, from_environment.unknown.front()));
  c.passed_over = std::move(from_environment.passed_over);
  auto all = std::move(from_environment.flags);
  std::ranges::move(arguments, std::back_inserter(all));
  std::ranges::reverse(all); // CLI11 takes its arguments from the back
  try {
    app.parse(std::move(all));
  } catch (const CLI::Success& done) { // --help, --version
    std::ostringstream text;
    app.exit(done, text, text);
    return early_exit{exit_ok, text.str()};
  } catch (const CLI::ConfigError& wrong) {
    return usage_error(fmt::format("{}: {}", file_of(app, default_file), wrong.what()));
  } catch (const CLI::ParseError& wrong) {
    const auto in_file = wrong_value(app, {file_of(app, default_file), *from_file}, true);
    return usage_error(in_file.value_or(wrong.what()));
  }
  if (app.get_config_ptr()->count() == 0) // CLI11 passes over a default file that it cannot read
    if (const auto why = why_unreadable(default_file))
      return usage_error(*why + "; mend it, or name another with --config");
  const config_file file{file_of(app, default_file), *from_file};
  if (const auto left = app.remaining(); !left.empty())
    return usage_error(describe_unknown_option(app, file, left.front()));
  if (const auto wrong = wrong_value(app, file, false))
    return usage_error(*wrong);

  c.config_file = app.get_config_ptr()->as<std::string>();
  c.listen = *parse_listen_address(w.listen);
  c.log_json = w.log_format == "json";
  c.on_slurm = w.executor == "slurm";
  c.autorun = *domain::parse_autorun_scope(w.autorun); // checked as it was read
  c.leave_on_stop = w.on_stop == "leave" || (w.on_stop.empty() && c.on_slurm);
  if (constexpr std::size_t jobs_on_slurm = 100; c.on_slurm && app.get_option("--slots")->empty())
    c.slots = jobs_on_slurm; // Slurm decides what renders
  c.verify_headers_only = w.verify == "header";
  if (c.blend.empty() && c.project_roots.empty() && c.backup_to.empty() && !c.token)
    return usage_error(
        "what may be rendered? Say --project-root DIR (for /v1/jobs), --blend FILE (for /job), or "
        "both; or project_root = \"DIR\" in the file");
  if (c.project_roots.empty() && !c.blend.empty())
    c.project_roots.push_back(fs::absolute(c.blend).parent_path());
  if (c.state.empty())
    c.state = home_state_directory();
  if (c.output.empty())
    c.output = c.state / "output";
  c.needs_tokens = !c.tokens_file.empty();
  if (!c.needs_tokens)
    c.tokens_file = c.state / "tokens";
  const auto make_absolute = [](fs::path& path) {
    if (!path.empty())
      path = fs::absolute(path).lexically_normal();
  };
  for (auto* path : {&c.blend, &c.output, &c.state, &c.backup_to, &c.webhook_ca_file, &c.tokens_file,
                     &c.tls_certificate, &c.tls_key, &c.config_file, &c.slurm_programs, &c.slurm_template})
    make_absolute(*path);
  for (auto* paths : {&c.project_roots, &c.sandbox_read, &c.sandbox_write})
    std::ranges::for_each(*paths, make_absolute);
  if (const auto wrong = read_blenders(w.blenders, c.blenders))
    return usage_error(*wrong);
  if (c.tls_certificate.empty() != c.tls_key.empty())
    return usage_error("tls_certificate and tls_key belong together: one of them is missing");
  for (auto& origin : c.allowed_origins)
    origin = *http::parse_origin(origin);
  if (std::error_code ec; std::ranges::find(c.allowed_origins, "*") != c.allowed_origins.end() && !c.token &&
                          !fs::exists(c.tokens_file, ec))
    return usage_error(
        "allowed_origins: with \"*\" any web page that somebody looks at could render here, since "
        "there are no tokens; name the origins, or make a token (kilnd token add NAME --role admin)");
  if (!c.backup_to.empty() || c.token)
    return c;
  if (c.on_slurm &&
      (c.blender_memory > 0 || c.blender_processes > 0 || c.blender_disk > 0 || c.blender_files > 0))
    return usage_error("blender_memory, blender_processes, blender_disk and blender_files bound Blenders on "
                       "this machine: leave them out; on a cluster Slurm does, as slurm.mem of a job says");
  if (const auto chosen = choose_blender_user(c); !chosen)
    return usage_error(chosen.error().message);
  if (const auto refused = refuse_open_network(c))
    return usage_error(*refused);
  return c;
}

} // namespace kiln::app
