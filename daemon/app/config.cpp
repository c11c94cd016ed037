// SPDX-License-Identifier: Apache-2.0
#include "app/config.hpp"

#include "app/exit_status.hpp"
#include "blender/install.hpp"
#include "http/origins.hpp"
#include "webhook/target.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <numeric>

#include <arpa/inet.h>
#include <toml++/toml.h>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;

/// Keys are written with underscores in files, with dashes as flags.
std::string flag_name(std::string name) {
  std::ranges::replace(name, '_', '-');
  return name;
}

/// One value of the file as the text that a flag would have.
std::string flag_text(const toml::node& value) {
  if (const auto* text = value.as_string())
    return text->get();
  std::ostringstream out;
  value.visit([&](const auto& v) {
    if constexpr (toml::is_value<decltype(v)>)
      out << v;
  });
  return out.str();
}

/// The file is read by toml++ (CLI11's own reader crashes on some broken files); CLI11 sees it as flags.
class file_reader : public CLI::Config {
public:
  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
    toml::table parsed;
    try {
      parsed = toml::parse(in);
    } catch (const toml::parse_error& e) {
      throw CLI::ConfigError(fmt::format("the configuration file is not TOML: {} (line {}, column {})",
                                         e.description(), e.source().begin.line, e.source().begin.column));
    }
    std::vector<CLI::ConfigItem> read;
    for (const auto& [key, value] : parsed) {
      auto& item = read.emplace_back();
      item.name = flag_name(std::string{key.str()});
      if (const auto* several = value.as_array())
        for (const auto& one : *several)
          item.inputs.push_back(flag_text(one));
      else
        item.inputs.push_back(flag_text(value));
    }
    return read;
  }
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; } // not used
};

constexpr double usual_rate = 200;
constexpr double usual_burst_seconds = 5;
constexpr std::string_view variable_prefix = "KILN_";

/// KILN_MAX_QUEUED=7 → "--max-queued=7", unless the flag is given as well.
std::vector<std::string> flags_of_environment(const std::vector<std::string>& environment,
                                              const std::vector<std::string>& arguments) {
  std::vector<std::string> flags;
  for (const auto& variable : environment) {
    const auto equals = variable.find('=');
    if (!variable.starts_with(variable_prefix) || equals == std::string::npos)
      continue;
    std::string name = variable.substr(variable_prefix.size(), equals - variable_prefix.size());
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto flag = "--" + flag_name(std::move(name));
    const bool given = std::ranges::any_of(
        arguments, [&](const std::string& a) { return a == flag || a.starts_with(flag + '='); });
    if (!given)
      flags.push_back(flag + variable.substr(equals));
  }
  return flags;
}

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

/// A CLI11 validator that turns a result's message into CLI11's.
template<class Parse>
CLI::Validator checked_by(Parse parse, const std::string& description) {
  auto check = [parse](const std::string& text) -> std::string {
    const auto parsed = parse(text);
    return parsed ? std::string{} : parsed.error().message;
  };
  return {check, description};
}

/// CLI::Range lets "nan" pass.
CLI::Validator between(double low, double high) {
  auto check = [low, high](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high)
      return {};
    return fmt::format("{} is not a number between {} and {}", text, low, high);
  };
  return {check, fmt::format("FLOAT in [{} - {}]", low, high)};
}

/// What is a word in the configuration, and a value of another type in config.
struct words {
  std::string listen = "127.0.0.1:3000";
  std::string log_format = "text";
  std::string on_stop; ///< empty: by executor
  std::string executor = "local";
  std::string verify = "decode";
  std::vector<std::string> blenders;
  std::optional<double> rate_limit;
  std::optional<double> rate_burst;
};

void add_slurm_options(CLI::App& app, config& c, words& w) {
  const std::string group = "Slurm";
  app.add_option("--executor", w.executor,
                 "Where renders run: on this machine (local), or on a cluster (slurm)")
      ->check(CLI::IsMember({"local", "slurm"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-programs", c.slurm_programs,
                 "Directory of sbatch, squeue, scancel and scontrol [PATH]")
      ->type_name("DIR")
      ->group(group);
  app.add_option("--slurm-template", c.slurm_template,
                 "Script that nodes run instead of Blender; its arguments are Blender's command line")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--slurm-option", c.slurm_options, "Option of sbatch for every job, such as --exclusive")
      ->check(checked_by(
          [](const std::string& text) -> result<void> {
            if (text.starts_with("--") && text.size() > 2)
              return {};
            return error{errc::invalid_input, text + " is not an option such as --partition=render"};
          },
          ""))
      ->type_name("OPTION")
      ->group(group);
  app.add_option("--slurm-tasks", c.slurm_tasks, "Tasks of an array that may run at once (%K)")
      ->check(CLI::Range(1, 100'000))
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-array-tasks", c.slurm_array_tasks,
                 "Tasks of one array: less than the cluster's MaxArraySize")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-task-seconds", c.slurm_task_seconds, "Seconds that a task shall render")
      ->check(between(1, 86'400))
      ->type_name("S")
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-nice-step", c.slurm_nice_step,
                 "Slurm's nice for each step of a job's priority below the highest")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-poll", c.slurm_poll, "Seconds between looks at the queue and the tasks' files")
      ->check(between(0.05, 60))
      ->type_name("S")
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-lag", c.slurm_lag, "Seconds that the shared file system may show files late")
      ->check(between(0, 3600))
      ->type_name("S")
      ->capture_default_str()
      ->group(group);
}

/// CLI::AsSizeValue takes "-1" for a very large size.
std::string not_negative(std::string& text) {
  return text.starts_with('-') ? text + " is less than nothing" : std::string{};
}

/// What is kept of what clients send and jobs leave, and how long.
void add_keeping_options(CLI::App& app, config& c) {
  const auto size = [&](const char* flag, std::uintmax_t& into, const char* text) {
    app.add_option(flag, into, text)
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Validator{not_negative, ""}) // CLI11 runs the newest first
        ->type_name("SIZE")
        ->capture_default_str()
        ->group("Keeping");
  };
  const auto days = [&](const char* flag, double& into, const char* text) {
    app.add_option(flag, into, text)
        ->check(between(0, 36'500))
        ->type_name("DAYS")
        ->capture_default_str()
        ->group("Keeping");
  };
  size("--max-upload-bytes", c.max_upload_bytes, "Size of one uploaded .blend: bytes, or 2GiB");
  size("--uploads-quota", c.uploads_quota, "Size of all uploads together; more are refused");
  days("--uploads-keep-days", c.uploads_keep_days,
       "Days until an upload is removed that no job has used since; 0: never");
  days("--jobs-keep-days", c.jobs_keep_days,
       "Days until a job that has ended is removed, with its frames and logs; 0: never");
  size("--jobs-quota", c.jobs_quota,
       "Size of all frames together, over which the jobs that ended first are removed; 0: no limit");
}

void add_options(CLI::App& app, config& c, words& w) {
  const auto positive = CLI::Range(1, 1'000'000);
  const auto bytes = CLI::Range(std::size_t{256}, std::size_t{1} << 30);
  const auto seconds = between(0.05, 86'400);
  const auto rate = between(0.01, 1'000'000) | CLI::IsMember({"0"});

  app.set_config("--config", "/etc/kiln/kilnd.toml",
                 "File with the same keys as these flags, for instance: slots = 2")
      ->type_name("FILE");
  app.add_flag("--check", c.check_only,
               "Check configuration, Blender, .blend and paths; say what is wrong; exit")
      ->configurable(false);

  app.add_option("--blend", c.blend, "The .blend that POST /job renders")
      ->type_name("FILE")
      ->group("Rendering");
  app.add_option("--project-root", c.project_roots,
                 "A job's .blend must lie below one of these [the directory of --blend]")
      ->type_name("DIR")
      ->delimiter(':')
      ->group("Rendering");
  app.add_option("--blender", w.blenders,
                 "Blender's executable: a path, or a name in PATH; several: NAME=PATH [blender]")
      ->type_name("PATH")
      ->delimiter(':')
      ->group("Rendering");
  app.add_option("--output", c.output,
                 "Where frames go, as OUTPUT/JOB/blender-render_0001.png [STATE/output]")
      ->type_name("DIR")
      ->group("Rendering");
  app.add_option("--state", c.state, "Logs and working files [$XDG_STATE_HOME/kiln or ~/.local/state/kiln]")
      ->type_name("DIR")
      ->group("Rendering");
  app.add_option("--slots", c.slots,
                 "Blender processes that may run at once (on Slurm: jobs that may be there at once [100])")
      ->check(CLI::Range(1, 1024))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--threads", c.threads, "Threads of each Blender (0: as many as there are cores)")
      ->check(CLI::Range(0, 1024))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--max-queued", c.max_queued, "Jobs that may wait for a slot")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--max-frames", c.max_frames, "Frames of one job")
      ->check(CLI::Range(1, 1'048'575))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--stop-grace", c.stop_grace,
                 "Seconds between asking Blender to end (SIGTERM) and killing it")
      ->check(between(0, 3600))
      ->type_name("S")
      ->capture_default_str()
      ->group("Rendering");

  app.add_option("--on-stop", w.on_stop,
                 "Renders when kilnd stops: end (stop; Slurm: leave) or go on until the next start (leave)")
      ->default_str("stop")
      ->check(CLI::IsMember({"stop", "leave"}))
      ->group("Rendering");
  app.add_option("--stall-timeout", c.stall_timeout,
                 "Seconds without output, frame or CPU time until a render has stalled; 0: never")
      ->check(CLI::Range(0, 86'400))
      ->type_name("S")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--verify", w.verify,
                 "How frames are checked: every pixel (decode), or structure only (header)")
      ->check(CLI::IsMember({"decode", "header"}))
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--sessions", c.sessions,
                 "Blenders that stay, idle, for more frames of the same .blend; 0: none does")
      ->check(CLI::Range(0, 1024))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--session-memory", c.session_memory,
                 "What those may hold in memory, in all: bytes, or 2GiB")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Validator{not_negative, ""})
      ->type_name("SIZE")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--session-idle", c.session_idle, "Seconds until a Blender that waits is ended")
      ->check(between(0.05, 86'400))
      ->type_name("S")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--session-frames", c.session_frames, "Frames until a Blender that stays is replaced")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--disk-reserve", c.disk_reserve, "No render is started while less is free: bytes, or 2GiB")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Validator{not_negative, ""}) // CLI11 runs the newest first
      ->type_name("SIZE")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--look-again", c.look_again,
                 "Seconds between looks at what keeps renders from starting (a full disk)")
      ->check(between(0.05, 3600))
      ->type_name("S")
      ->capture_default_str()
      ->group("Rendering");

  app.add_option("--sandbox", c.sandbox, "What Blender runs in; auto: the best that works here, off: nothing")
      ->check(CLI::IsMember({"auto", "landlock", "bwrap", "off"}))
      ->capture_default_str()
      ->group("Sandbox");
  app.add_option("--sandbox-read", c.sandbox_read,
                 "What Blender may read besides the project roots: asset libraries")
      ->type_name("PATH")
      ->delimiter(':')
      ->group("Sandbox");
  app.add_option("--sandbox-write", c.sandbox_write,
                 "Where Blender may write besides its workspace: caches of GPU kernels")
      ->type_name("DIR")
      ->delimiter(':')
      ->group("Sandbox");
  app.add_flag("--sandbox-display", c.sandbox_display,
               "Blender may talk to an X server (X does not keep clients apart)")
      ->group("Sandbox");
  add_keeping_options(app, c);
  add_slurm_options(app, c, w);

  app.add_option("--listen", w.listen, "Address and port of the REST interface")
      ->check(checked_by(parse_listen_address, ""))
      ->type_name("ADDRESS:PORT")
      ->capture_default_str()
      ->group("Network");
  app.add_option("--allowed-hosts", c.allowed_hosts,
                 "Names that a request's Host may have, besides loopback and --listen")
      ->delimiter(',')
      ->type_name("NAME,…")
      ->group("Network");
  app.add_option("--allowed-origins", c.allowed_origins,
                 "Web pages that may use the interface (CORS): https://shop.example, or * with tokens [none]")
      ->check(checked_by(http::parse_origin, ""))
      ->delimiter(',')
      ->type_name("ORIGIN,…")
      ->group("Network");
  app.add_option("--tls-certificate", c.tls_certificate,
                 "Speak TLS with this certificate and those that lead to its authority (PEM)")
      ->type_name("FILE")
      ->group("Network");
  app.add_option("--tls-key", c.tls_key, "Its key (PEM, without a passphrase)")
      ->type_name("FILE")
      ->group("Network");
  app.add_option("--tokens-file", c.tokens_file,
                 "Who may do what; changed by kilnd token add, list, remove [STATE/tokens]")
      ->type_name("FILE")
      ->group("Network");
  app.add_flag("--allow-open-network", c.allow_open_network,
               "Listen on an address that other machines can reach, though there are no tokens")
      ->group("Network");

  app.add_option("--webhook-target", c.webhook_targets,
                 "Where webhooks may go: hooks.example.com, 10.0.0.0/8:8080 [nowhere]")
      ->check(checked_by(webhook::parse_target_rule, ""))
      ->delimiter(',')
      ->type_name("TARGET,…")
      ->group("Network");
  app.add_option("--webhook-ca-file", c.webhook_ca_file,
                 "Certificates (PEM) that webhooks trust besides those of the system")
      ->type_name("FILE")
      ->group("Network");

  app.add_option("--log-level", c.log_level, "How much is logged")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
      ->capture_default_str()
      ->group("Logging");
  app.add_option("--log-format", w.log_format, "text for people, json for programs: one object a line")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str()
      ->group("Logging");
  app.add_option("--log-file", c.log_file,
                 "Log to a file, reopened on SIGHUP, or to syslog (the word), instead of standard error")
      ->type_name("FILE")
      ->group("Logging");

  const std::string limits = "Limits";
  app.add_option("--rate-limit", w.rate_limit,
                 "Requests a second of one token or address; 0: no limit [200; on loopback 0]")
      ->check(rate)
      ->type_name("N")
      ->group(limits);
  app.add_option("--rate-burst", w.rate_burst, "Requests that may come at once [5 seconds' worth]")
      ->check(between(1, 1'000'000))
      ->type_name("N")
      ->group(limits);
  app.add_option("--header-seconds", c.header_seconds, "Time for a whole request header")
      ->check(seconds)
      ->type_name("S")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--body-seconds", c.body_seconds, "Time for a body, before it must come at 500 B/s")
      ->check(seconds)
      ->type_name("S")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--write-seconds", c.write_seconds, "Time for a client to take an answer")
      ->check(seconds)
      ->type_name("S")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--idle-seconds", c.idle_seconds, "Time a connection may wait between requests")
      ->check(seconds)
      ->type_name("S")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-connections", c.max_connections, "Connections at once")
      ->check(positive)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-connections-per-address", c.max_connections_per_address,
                 "Connections at once from one address")
      ->check(positive)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-waiting", c.max_waiting,
                 "Connections whose client waits for a change (Prefer: wait, event streams); counted apart")
      ->check(positive)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-waiting-per-address", c.max_waiting_per_address, "The same from one address")
      ->check(positive)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-header-bytes", c.max_header_bytes, "Size of a request header")
      ->check(bytes)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-target-bytes", c.max_target_bytes, "Size of a request target (path and query)")
      ->check(bytes)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-fields", c.max_fields, "Header fields of a request")
      ->check(positive)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-body-bytes", c.max_body_bytes, "Size of a JSON body")
      ->check(bytes)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  for (auto* option : app.get_options())
    if (option->get_expected_max() == 1)
      option->take_last();
}

early_exit usage_error(std::string_view message) {
  return {exit_usage, fmt::format("kilnd: {}\nTry kilnd --help.\n", message)};
}

/// What CLI11 did not know: flags, and keys of the file or the environment in the form of flags.
early_exit unknown_option(const CLI::App& app, const std::string& wrong) {
  std::vector<std::string> known;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames())
      known.push_back(name);
  auto name = flag_name(wrong.substr(std::min(wrong.find_first_not_of('-'), wrong.size())));
  name = name.substr(0, name.find('='));
  auto message = fmt::format("there is no option \"{}\"", wrong);
  if (const auto near = nearest_name(name, known))
    message += fmt::format("; did you mean \"{}\"?", *near);
  return usage_error(message);
}

constexpr auto token_usage = "say kilnd token add NAME --role read|submit|admin, kilnd token list, or kilnd "
                             "token remove NAME";

/// Takes "token VERB" off.
result<token_request::verb> take_token_verb(std::vector<std::string>& arguments) {
  const auto verb = arguments.size() > 1 ? arguments[1] : std::string{};
  arguments.erase(arguments.begin(), arguments.begin() + (arguments.size() > 1 ? 2 : 1));
  using enum token_request::verb;
  if (verb == "add")
    return add;
  if (verb == "list")
    return list;
  if (verb == "remove")
    return remove;
  return error{errc::invalid_input, token_usage};
}

void add_token_options(CLI::App& app, token_request& asked) {
  if (asked.what == token_request::verb::list)
    return;
  app.add_option("NAME", asked.name, "The token's name: who or what uses it")
      ->required()
      ->configurable(false);
  if (asked.what == token_request::verb::add)
    app.add_option("--role", asked.role,
                   "read: look; submit: also make jobs, and change one's own; admin: all")
        ->check(CLI::IsMember({"read", "submit", "admin"}))
        ->required()
        ->configurable(false);
}

bool is_loopback(const std::string& address) {
  return address == "::1" || address.starts_with("127.");
}

constexpr auto footer = R"(
Each flag can stand in the environment (--max-queued as KILN_MAX_QUEUED) or in the file (max_queued = 100); a flag is
stronger than the environment, the environment than the file.

kilnd backup FILE copies the jobs of the state directory to FILE, also while kilnd runs.
kilnd token add NAME --role read|submit|admin prints a new token; kilnd token list; kilnd token remove NAME. As soon as
there is one, everything but /livez and /readyz needs one.

Signals: SIGTERM and SIGINT stop in order (a second one kills what still renders), SIGUSR2 stops and leaves renders to
the next start, SIGHUP reopens the log file.
Exit status: 0 stopped in order; 1 internal error; 2 wrong flag, variable or key; 3 Blender, .blend, output or state
directory cannot be used; 4 the address to listen on cannot be had.

Try:  kilnd --blend scene.blend --output frames
      curl -i -H 'Content-Type: application/json' -d '{"from":1,"to":10}' http://127.0.0.1:3000/job)";

} // namespace

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
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (port.empty() || ec != std::errc{} || end != port.data() + port.size())
    return error{errc::invalid_input, fmt::format("\"{}\" has no port between 0 and 65535", text)};
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

std::optional<std::string> nearest_name(std::string_view wrong, const std::vector<std::string>& known) {
  // Levenshtein's distance, one row at a time; a name counts as near when at most a third of it differs.
  std::optional<std::string> best;
  std::size_t best_distance = wrong.size() / 3 + 2;
  for (const auto& name : known) {
    std::vector<std::size_t> row(name.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= wrong.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= name.size(); ++j) {
        const auto replaced = diagonal + (wrong[i - 1] == name[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = name;
    }
  }
  return best;
}

std::variant<config, early_exit> read_config(std::vector<std::string> arguments,
                                             const std::vector<std::string>& environment) {
  config c;
  words w;
  CLI::App app{"kilnd renders Blender jobs behind a REST interface and never lies about what was rendered.",
               "kilnd"};
  app.set_version_flag("--version", "kilnd " KILN_VERSION);
  app.footer(footer);
  app.config_formatter(std::make_shared<file_reader>());
  app.allow_extras();
  app.allow_config_extras(CLI::config_extras_mode::capture);
  add_options(app, c, w);
  if (!arguments.empty() && arguments.front() == "backup") {
    arguments.erase(arguments.begin());
    app.add_option("FILE", c.backup_to, "Where the copy goes; must not exist")
        ->required()
        ->configurable(false);
  } else if (!arguments.empty() && arguments.front() == "token") {
    const auto verb = take_token_verb(arguments);
    if (!verb)
      return usage_error(verb.error().message);
    c.token.emplace().what = *verb;
    add_token_options(app, *c.token);
  }

  auto all = flags_of_environment(environment, arguments);
  std::ranges::move(arguments, std::back_inserter(all));
  std::ranges::reverse(all); // CLI11 takes its arguments from the back
  try {
    app.parse(std::move(all));
  } catch (const CLI::Success& done) { // --help, --version
    std::ostringstream text;
    app.exit(done, text, text);
    return early_exit{exit_ok, text.str()};
  } catch (const CLI::ParseError& wrong) {
    return usage_error(wrong.what());
  }
  if (const auto left = app.remaining(); !left.empty())
    return unknown_option(app, left.front());

  c.listen = *parse_listen_address(w.listen);
  c.log_json = w.log_format == "json";
  c.on_slurm = w.executor == "slurm";
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
                     &c.tls_certificate, &c.tls_key, &c.slurm_programs, &c.slurm_template})
    make_absolute(*path);
  for (auto* paths : {&c.project_roots, &c.sandbox_read, &c.sandbox_write})
    std::ranges::for_each(*paths, make_absolute);
  if (const auto wrong = read_blenders(w.blenders, c.blenders))
    return usage_error(*wrong);
  const bool is_open = !is_loopback(c.listen.address);
  c.rate_limit = w.rate_limit.value_or(is_open ? usual_rate : 0);
  c.rate_burst = w.rate_burst.value_or(std::max(1.0, usual_burst_seconds * c.rate_limit));
  if (c.tls_certificate.empty() != c.tls_key.empty())
    return usage_error("tls_certificate and tls_key belong together: one of them is missing");
  for (auto& origin : c.allowed_origins)
    origin = *http::parse_origin(origin);
  if (std::error_code ec; std::ranges::find(c.allowed_origins, "*") != c.allowed_origins.end() && !c.token &&
                          !fs::exists(c.tokens_file, ec))
    return usage_error(
        "allowed_origins: with \"*\" any web page that somebody looks at could render here, since "
        "there are no tokens; name the origins, or make a token (kilnd token add NAME --role admin)");
  if (c.backup_to.empty() && !c.token)
    if (const auto refused = refuse_open_network(c))
      return usage_error(*refused);
  return c;
}

} // namespace kiln::app
