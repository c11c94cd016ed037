// SPDX-License-Identifier: Apache-2.0
#include "app/check.hpp"

#include "access/token_file.hpp"
#include "aio/blocking_pool.hpp"
#include "app/exit_status.hpp"
#include "app/preflight.hpp"
#include "app/sandbox.hpp"
#include "http/listener.hpp"
#include "local/local_executor.hpp"
#include "store/connection.hpp"
#include "store/directory_lock.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace kiln::app {
namespace {

using lines = std::vector<std::string>;

void print_warnings(const lines& warnings) {
  for (const auto& line : warnings)
    fmt::print(stderr, "kilnd: warning: {}\n", line);
}

aio::task<> check_blenders(aio::executor_type loop, const config& c, const lines& environment, lines& wrong) {
  aio::blocking_pool pool{1};
  bounded_runs runs{loop, pool, c.blender_user};
  auto passed_on = local::environment_for_blender(environment, c.blender_user);
  const auto installs =
      co_await find_blenders(loop, runs, c, std::move(passed_on), variable(environment, "PATH"));
  if (!installs) {
    wrong.push_back(installs.error().message);
    co_return;
  }
  for (const auto& one : usable(*installs)) {
    fmt::print("blender  {} ({}), named {}\n", one.version, one.executable.native(), one.name);
    print_warnings(one.remarks);
  }
  print_warnings(describe_missing(*installs));
  const auto around = co_await choose_sandbox(loop, runs, c, usable(*installs), environment);
  if (!around) {
    wrong.push_back(around.error().message);
    co_return;
  }
  if (c.blender_user)
    fmt::print("user     {}, which Blender runs as\n", c.blender_user->name);
  fmt::print("sandbox  {}\n", process::to_string(around->how));
  print_warnings(around->warnings);
}

void check_tokens(const config& c, lines& wrong) {
  const auto tokens = access::read_token_file(c.tokens_file);
  if (tokens)
    fmt::print("tokens   {} in {}\n", tokens->size(), c.tokens_file.native());
  else if (c.needs_tokens || tokens.error().code != errc::not_found)
    wrong.push_back(tokens.error().message);
}

/// Returns whether no kilnd runs with these directories.
bool check_state(const config& c, lines& wrong) {
  auto lock = store::directory_lock::check(state_lock_file(c), "state");
  if (lock)
    lock = store::directory_lock::check(output_lock_file(c), "output");
  if (!lock) {
    if (lock.error().code != errc::conflict) {
      wrong.push_back(lock.error().message);
      return true;
    }
    print_warnings({lock.error().message + ". A restart of that one can use this configuration"});
    return false;
  }
  if (const auto kept = store::connection::check(c.state / database_name); !kept)
    wrong.push_back(kept.error().message);
  return true;
}

result<void> check_port(aio::executor_type loop, const config& c) {
  http::tcp_acceptor acceptor{loop};
  return http::bind_listener(acceptor, c.listen.address, c.listen.port);
}

} // namespace

aio::task<int> check(aio::executor_type loop, const config& c, const std::vector<std::string>& environment) {
  if (const auto line = describe_passed_over(c); !line.empty())
    fmt::print("{}\n", line);
  auto wrong = check_files(c);
  const bool is_alone = check_state(c, wrong);
  co_await check_blenders(loop, c, environment, wrong);
  if (const auto decoder = find_decoder(c); !decoder)
    wrong.push_back(decoder.error().message);
  if (const auto to_webhooks = make_webhook_sender(loop, c); !to_webhooks)
    wrong.push_back(to_webhooks.error().message);
  if (const auto certificate = load_certificate(c); !certificate)
    wrong.push_back(certificate.error().message);
  check_tokens(c, wrong);
  int status = wrong.empty() ? exit_ok : exit_environment;
  if (is_alone)
    if (const auto port = check_port(loop, c); !port) {
      wrong.push_back(port.error().message);
      status = status == exit_ok ? exit_listen : status; // the fault that the start meets first
    }
  if (!c.blend.empty())
    fmt::print("blend    {}\n", c.blend.native());
  for (const auto& root : c.project_roots)
    fmt::print("projects {}\n", root.native());
  fmt::print("output   {}\nstate    {}\nlisten   {}:{}\nslots    {}, and up to {} jobs that wait\n",
             c.output.native(), c.state.native(), c.listen.address, c.listen.port, c.slots, c.max_queued);
  for (const auto& line : wrong)
    fmt::print(stderr, "kilnd: {}\n", line);
  if (wrong.empty())
    fmt::print("all is well\n");
  co_return status;
}

} // namespace kiln::app
