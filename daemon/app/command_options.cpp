// SPDX-License-Identifier: Apache-2.0
#include "app/command_options.hpp"

#include "app/exit_status.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string_view>

namespace kiln::app {
namespace {

using verb = token_request::verb;

constexpr auto token_usage = "kilnd: say kilnd token add NAME --role read|submit|admin, kilnd token list, or "
                             "kilnd token remove NAME\nTry kilnd token --help.\n";

constexpr auto token_help =
    R"(Tokens say who may do what. As soon as there is one, kilnd lets nobody in without.
Usage: kilnd token add NAME --role read|submit|admin [--expires WHEN] [--project DIR]
       kilnd token list
       kilnd token remove NAME

Roles:
  read                        Look at jobs, frames and logs
  submit                      Also make jobs, and change one's own
  admin                       All

add prints the secret once, on standard output; clients send it as Authorization: Bearer SECRET. kilnd keeps only its
digest, in STATE/tokens (--tokens-file, --state, --config say where). A running kilnd follows at once.
kilnd token add --help says more.
)";

constexpr auto add_footer = R"(
Prints the secret once, on standard output. Clients send it as Authorization: Bearer SECRET. A running kilnd follows at
once. Say --config, --state or --tokens-file as for the kilnd that it is for.

Try:  kilnd token add alice --role submit --expires 30d)";

/// Of the options there are, --help shows these alone.
void show_only(CLI::App& app, std::initializer_list<std::string_view> names) {
  for (auto* option : app.get_options())
    if (std::ranges::find(names, option->get_name()) == names.end())
      option->group("");
    else
      option->group("Options");
}

void add_token_options(CLI::App& app, token_request& asked) {
  if (asked.what == verb::list)
    return;
  app.add_option("NAME", asked.name, "The token's name: who or what uses it")
      ->required()
      ->configurable(false);
  if (asked.what == verb::remove)
    return;
  app.add_option("--role", asked.role, "read: look; submit: also make jobs, and change one's own; admin: all")
      ->check(CLI::IsMember({"read", "submit", "admin"}))
      ->required()
      ->configurable(false);
  app.add_option("--expires", asked.expires,
                 "When it is refused: 2026-12-31T18:00:00Z, or in 30d, 12h or 45m [never]")
      ->type_name("WHEN")
      ->configurable(false);
  app.add_option("--project", asked.projects,
                 "Directory whose .blend files its jobs may render; several times for several [all]")
      ->type_name("DIR")
      ->configurable(false);
}

std::optional<early_exit> take_token(std::vector<std::string>& arguments, CLI::App& app,
                                     token_request& asked) {
  const auto word = arguments.empty() ? std::string{} : arguments.front();
  if (word == "--help" || word == "-h")
    return early_exit{exit_ok, token_help};
  if (word == "add")
    asked.what = verb::add;
  else if (word == "list")
    asked.what = verb::list;
  else if (word == "remove")
    asked.what = verb::remove;
  else
    return early_exit{exit_usage, token_usage};
  arguments.erase(arguments.begin());
  app.name("kilnd token " + word);
  app.description(asked.what == verb::add ? "Makes a token."
                  : asked.what == verb::remove
                      ? "Removes a token, which is refused from then on; its jobs stay."
                      : "Lists the tokens: name, role, since when, until when, projects.");
  app.footer(asked.what == verb::add ? add_footer : "");
  show_only(app, {"--help", "--config", "--state", "--tokens-file"});
  add_token_options(app, asked);
  return std::nullopt;
}

} // namespace

std::optional<early_exit> take_command(std::vector<std::string>& arguments, CLI::App& app, config& c) {
  const auto word = arguments.empty() ? std::string{} : arguments.front();
  if (word != "backup" && word != "token")
    return std::nullopt;
  arguments.erase(arguments.begin());
  if (word == "token")
    return take_token(arguments, app, c.token.emplace());
  app.name("kilnd backup");
  app.description("Copies the jobs of the state directory to FILE, also while kilnd runs.");
  app.footer("");
  show_only(app, {"--help", "--config", "--state"});
  app.add_option("FILE", c.backup_to, "Where the copy goes; must not exist")->required()->configurable(false);
  return std::nullopt;
}

} // namespace kiln::app
