// SPDX-License-Identifier: Apache-2.0
#include "kiln/options.hpp"

#include "base/environment.hpp"
#include "client/exit_status.hpp"
#include "client/server.hpp"
#include "help/help_text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace kiln::command {
namespace {

constexpr auto footer = R"(Exit status: 0 succeeded, 1 the job failed, 2 usage, 3 the job was cancelled,
4 not signed in or not allowed, 5 refused by kilnd, 6 kilnd is not reached,
7 the time is over and the job goes on, 8 a download is incomplete,
130 interrupted and the job goes on.

ID is the id of a job, the beginning of it if no other job has the same, or
@last: the job that was sent from here last. kiln COMMAND --help says more.)";

void add_server_options(CLI::App& to, options& o) {
  to.add_option("--url", o.url,
                fmt::format("Where kilnd is, possibly with a path [KILN_URL or {}]", client::default_url))
      ->type_name("URL")
      ->group("Server");
  to.add_option("--token-file", o.token_file,
                "File with the token, readable for you alone [KILN_TOKEN or ~/.config/kiln/token]")
      ->type_name("FILE")
      ->group("Server");
  to.add_flag("--token-over-http", o.token_over_http,
              "Send the token over plain http to other machines: it can be read on the way")
      ->group("Server");
  to.add_flag("--local", o.local, "Use a kilnd of your own, which is started here, and ends when it idles")
      ->group("Server");
  to.add_option("--root", o.root, "What the renders of --local may read [directory of the .blend, or .]")
      ->type_name("DIR")
      ->group("Server");
  to.add_option("--kilnd", o.kilnd, "The kilnd of --local [beside kiln, or in PATH]")
      ->type_name("FILE")
      ->group("Server");
  to.add_option("--patience", o.patience, "Seconds to wait for a kilnd that goes away, or says \"later\"")
      ->type_name("S")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str()
      ->group("Server");
  to.add_flag("--json", o.json, "Print JSON, as kilnd sends it");
  to.add_option("--progress", o.progress, "How it goes: a live line, lines, JSON lines [as the terminal can]")
      ->type_name("FORM")
      ->check(CLI::IsMember({"auto", "bar", "plain", "json", "none"}));
}

void add_render(CLI::App& app, options& o) {
  auto* render = app.add_subcommand("render", "Send a .blend, wait, and bring the frames home");
  render->add_option("FILE", o.file, "The .blend")->required()->type_name("");
  render->add_option("-f,--frames", o.job.frames, "Frames, such as 1-250 or 1-100x2,150 [as in the file]")
      ->type_name("FRAMES");
  render->add_option("--set", o.job.settings, "A field of the job, such as samples=64; see docs/api.md")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  render->add_option("--name", o.job.name, "Name of the job")->type_name("TEXT");
  render->add_option("--tag", o.job.tags, "Tag to find the job by")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  render->add_option("--priority", o.job.priority, "From -100 to 100; higher goes first")->type_name("N");
  render->add_flag("--wait", o.wait, "Wait until the job ends [on a terminal, and with --download]");
  render->add_flag("--no-wait", o.no_wait, "Print the id and return");
  render->add_option("--download", o.directory, "Fetch each frame into DIR when it is done")
      ->type_name("DIR");
  render->add_option("--timeout", o.timeout, "Seconds to wait at most")
      ->type_name("S")
      ->check(CLI::Range(0, 1'000'000'000));
  render->add_flag("--upload", o.upload, "Send the file, even to a kilnd on this machine");
  render->add_flag("--again", o.again, "Make a new job, even if this command has been begun before");
}

void add_jobs(CLI::App& app, options& o) {
  auto* list = app.add_subcommand("ls", "List jobs, the newest first");
  list->add_option("--state", o.state, "Only jobs in this state")
      ->type_name("STATE")
      ->check(CLI::IsMember({"queued", "running", "paused", "succeeded", "failed", "canceled"}));
  list->add_option("--tag", o.tag, "Only jobs with this tag")->type_name("TEXT");
  list->add_option("--owner", o.owner, "Only jobs of this token")->type_name("TEXT");
  list->add_option("-n,--limit", o.limit, "Jobs at most")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();

  const auto with_ids = [&](const char* name, const char* text, bool several) {
    auto* made = app.add_subcommand(name, text);
    auto* ids = made->add_option("ID", o.ids, several ? "Jobs" : "The job")->required()->type_name("");
    ids->expected(1, several ? CLI::detail::expected_max_vector_size : 1);
    ids->allow_extra_args(several); // else it takes the words after it as well
    return made;
  };
  app.add_subcommand("watch", "Show all jobs on the whole terminal; q ends it");
  with_ids("show", "Show a job", false);
  auto* wait = with_ids("wait", "Wait until a job ends", false);
  wait->add_option("--timeout", o.timeout, "Seconds to wait at most")
      ->type_name("S")
      ->check(CLI::Range(0, 1'000'000'000));
  with_ids("cancel", "End jobs; finished frames are kept", true);
  with_ids("pause", "Pause jobs after their current frames", true);
  with_ids("resume", "Let paused jobs go on", true);
  with_ids("retry", "Render the missing frames of jobs that failed or were cancelled", true);
  with_ids("rm", "Remove jobs that have ended, with their frames and logs", true);
  auto* log = with_ids("log", "Print what Blender printed", false);
  log->add_flag("-f,--follow", o.follow, "Go on until the job ends");
  auto* get = with_ids("get", "Fetch the finished frames of a job", false);
  get->add_option("DIR", o.directory, "Where they go")->required()->type_name("");
  get->add_flag("--wait", o.wait, "Go on until the job ends");
  with_ids("frames", "List the frames of a job", false);
}

early_exit usage(std::string_view message) {
  return {static_cast<int>(client::exit_status::usage), fmt::format("kiln: {}\nTry kiln --help.\n", message)};
}

} // namespace

std::variant<options, early_exit> read_options(std::vector<std::string> arguments,
                                               const std::vector<std::string>& environment) {
  options o;
  CLI::App app{"kiln sends .blend files to kilnd, waits for them, and brings the frames home.", "kiln"};
  app.set_version_flag("--version", "kiln " KILN_VERSION);
  app.footer(footer);
  help::use_help_text(app); // of those that are added from here on as well
  app.require_subcommand(1);
  app.fallthrough(); // these can stand after the command as well
  add_server_options(app, o);
  add_render(app, o);
  add_jobs(app, o);
  try {
    std::ranges::reverse(arguments); // as CLI11 takes them
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return early_exit{0, app.help()};
  } catch (const CLI::CallForVersion&) {
    return early_exit{0, "kiln " KILN_VERSION "\n"};
  } catch (const CLI::ParseError& e) {
    return usage(e.what());
  }
  o.verb = app.get_subcommands().front()->get_name();
  if (o.url.empty())
    o.url = value_of(environment, "KILN_URL").value_or("");
  if (o.url.empty())
    o.url = client::default_url;
  if (!o.local && !(o.root.empty() && o.kilnd.empty()))
    return usage("--root and --kilnd belong to --local");
  if (o.local && app.count("--url") > 0)
    return usage("--local contradicts --url");
  if (o.no_wait && (o.wait || !o.directory.empty() || o.timeout))
    return usage("--no-wait contradicts --wait, --download and --timeout");
  return o;
}

} // namespace kiln::command
