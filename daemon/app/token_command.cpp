// SPDX-License-Identifier: Apache-2.0
#include "app/token_command.hpp"

#include "access/clock.hpp"
#include "access/token_file.hpp"
#include "app/exit_status.hpp"
#include "base/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace kiln::app {
namespace {

using access::today;
using access::token;

int fail(const error& why) {
  fmt::print(stderr, "kilnd: {}\n", why.message);
  const bool is_wish = why.code == errc::conflict || why.code == errc::invalid_input;
  return is_wish ? exit_usage : exit_environment;
}

/// The requested token, without its hash.
result<token> describe(const token_request& asked) {
  token made{
      .name = asked.name, .rank = *access::parse_role(asked.role), .created = access::format_date(today())};
  if (!access::is_token_name(asked.name))
    return error{errc::invalid_input, fmt::format("\"{}\" cannot be a token's name: 1 to 64 of A-Z a-z 0-9 "
                                                  ". _ -, the first a letter or a digit",
                                                  asked.name)};
  if (asked.expires) {
    const auto expires = access::parse_expiry(*asked.expires, today());
    if (!expires)
      return error{errc::invalid_input, "--expires: " + expires.error().message};
    made.expires = *expires;
  }
  for (const auto& given : asked.projects) {
    std::error_code ec; // set if the name is empty
    auto path = std::filesystem::absolute(given, ec).lexically_normal();
    if (!path.has_filename() && path.has_relative_path())
      path = path.parent_path(); // "/a/" becomes "/a"
    if (ec || !access::is_project(path.native()))
      return error{errc::invalid_input,
                   fmt::format("--project: \"{}\" cannot be a project: the path of a directory, without ':' "
                               "and control characters",
                               given)};
    made.projects.push_back(path.native());
  }
  return made;
}

/// Only a warning: the token may be for a kilnd with another configuration.
void warn_of_projects_elsewhere(const token& made, const config& c) {
  for (const auto& project : made.projects)
    if (std::ranges::none_of(c.project_roots, [&](const auto& root) {
          return is_at_or_below(project, root) || is_at_or_below(root, project);
        }))
      fmt::print(stderr, "kilnd: warning: {} is not below a project root of this configuration\n", project);
}

auto named(std::vector<token>& all, const std::string& name) {
  return std::ranges::find(all, name, &token::name);
}

int add(const config& c) {
  const auto& asked = *c.token;
  auto made = describe(asked);
  if (!made)
    return fail(made.error());
  const auto secret = access::new_secret();
  made->hash = access::digest_of(secret);
  bool is_first = false;
  const auto done = access::change_token_file(c.tokens_file, [&](std::vector<token>& all) -> result<void> {
    if (named(all, asked.name) != all.end())
      return error{errc::conflict,
                   fmt::format("there is a token {} already: choose another name, or say kilnd token "
                               "remove {} first",
                               asked.name, asked.name)};
    if (all.size() >= access::most_tokens)
      return error{errc::conflict, fmt::format("there are {} tokens already", all.size())};
    is_first = all.empty();
    all.push_back(*made);
    return {};
  });
  if (!done)
    return fail(done.error());
  if (!c.project_roots.empty())
    warn_of_projects_elsewhere(*made, c);
  fmt::print(stderr, "kilnd: {} has the role {} now (in {}){}{}. Its secret is shown this once:\n",
             asked.name, asked.role, c.tokens_file.native(),
             made->expires ? fmt::format(", until {}", access::format_date(*made->expires)) : std::string{},
             is_first ? "; from now on nobody is let in without a token" : "");
  fmt::print("{}\n", secret);
  return exit_ok;
}

int list(const config& c) {
  const auto all = access::read_token_file(c.tokens_file);
  if (!all && all.error().code == errc::not_found) {
    fmt::print(stderr, "kilnd: there are no tokens ({} is not there): on 127.0.0.1 nobody needs one\n",
               c.tokens_file.native());
    return exit_ok;
  }
  if (!all)
    return fail(all.error());
  for (const auto& t : *all) {
    fmt::print("{:<24} {:<8} {}", t.name, to_string(t.rank), t.created);
    if (t.expires)
      fmt::print("  {} {}", access::has_expired(t.expires, today()) ? "expired" : "expires",
                 access::format_date(*t.expires));
    if (!t.projects.empty())
      fmt::print("  projects {}", access::format_projects(t.projects));
    fmt::print("\n");
  }
  if (all->empty())
    fmt::print(stderr, "kilnd: {} has no tokens: nobody is let in\n", c.tokens_file.native());
  return exit_ok;
}

int remove(const config& c) {
  const auto& name = c.token->name;
  std::size_t left = 0;
  const auto done = access::change_token_file(c.tokens_file, [&](std::vector<token>& all) -> result<void> {
    const auto found = named(all, name);
    if (found == all.end())
      return error{errc::conflict, fmt::format("there is no token {} in {}", name, c.tokens_file.native())};
    all.erase(found);
    left = all.size();
    return {};
  });
  if (!done)
    return fail(done.error());
  fmt::print(stderr, "kilnd: {} is let in no more; its jobs stay{}\n", name,
             left > 0
                 ? ""
                 : fmt::format(". That was the last token: nobody is let in until there is another, or until "
                               "{} is removed and kilnd started again",
                               c.tokens_file.native()));
  return exit_ok;
}

} // namespace

int run_token(const config& c) {
  switch (c.token->what) {
  case token_request::verb::add:
    return add(c);
  case token_request::verb::list:
    return list(c);
  case token_request::verb::remove:
    return remove(c);
  }
  return exit_internal;
}

} // namespace kiln::app
