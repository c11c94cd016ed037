// SPDX-License-Identifier: Apache-2.0
#include "app/token_command.hpp"

#include "access/token_file.hpp"
#include "app/exit_status.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace kiln::app {
namespace {

using access::token;

int fail(const error& why) {
  fmt::print(stderr, "kilnd: {}\n", why.message);
  const bool is_wish = why.code == errc::conflict || why.code == errc::invalid_input;
  return is_wish ? exit_usage : exit_environment;
}

auto named(std::vector<token>& all, const std::string& name) {
  return std::ranges::find(all, name, &token::name);
}

int add(const config& c) {
  const auto& asked = *c.token;
  if (!access::is_token_name(asked.name))
    return fail(
        {errc::invalid_input, fmt::format("\"{}\" cannot be a token's name: 1 to 64 of A-Z a-z 0-9 . _ -, "
                                          "the first a letter or a digit",
                                          asked.name)});
  const auto secret = access::new_secret();
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
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    all.push_back(
        {asked.name, *access::parse_role(asked.role),
         fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now))),
         access::digest_of(secret)});
    return {};
  });
  if (!done)
    return fail(done.error());
  fmt::print(stderr, "kilnd: {} has the role {} now (in {}){}. Its secret is shown this once:\n", asked.name,
             asked.role, c.tokens_file.native(),
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
  for (const auto& t : *all)
    fmt::print("{:<24} {:<8} {}\n", t.name, to_string(t.rank), t.created);
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
