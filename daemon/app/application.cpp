// SPDX-License-Identifier: Apache-2.0
#include "app/application.hpp"

#include "access/token_file.hpp"
#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "app/decoder_program.hpp"
#include "app/exit_status.hpp"
#include "app/given_socket.hpp"
#include "app/parts.hpp"
#include "app/preflight.hpp"
#include "app/sandbox.hpp"
#include "app/service_manager.hpp"
#include "http/tls.hpp"
#include "process/child.hpp"
#include "store/backup.hpp"
#include "store/state_lock.hpp"
#include "webhook/http_sender.hpp"

#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include <unistd.h>

namespace kiln::app {
namespace {

namespace asio = aio::asio;
using signal_set = asio::basic_signal_set<aio::executor_type>;

constexpr const char* database_name = "kiln.db";
constexpr std::chrono::seconds http_grace{5};
constexpr std::chrono::seconds webhook_grace{3};

std::string variable(const std::vector<std::string>& environment, const std::string& name) {
  for (const auto& v : environment)
    if (v.starts_with(name + "="))
      return v.substr(name.size() + 1);
  return {};
}

/// The program that verifies frames.
result<std::filesystem::path> find_decoder(const config& c) {
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

/// Null without TLS. Blocks.
result<http::tls_context> load_certificate(const config& c) {
  return c.tls_certificate.empty() ? http::tls_context{} : http::load_tls(c.tls_certificate, c.tls_key);
}

/// What the signals ask for.
struct requests {
  explicit requests(aio::executor_type loop) : signals(loop, SIGTERM, SIGINT, SIGHUP), changed(loop) {
    signals.add(SIGUSR2);
  }
  signal_set signals;
  int stops = 0;
  bool leaving = false; ///< the first stop said so
  bool ended = false;   ///< all is done: also a wait that completes as it is cancelled is the last one
  aio::notification changed;
};

/// For connections that come from now on; what cannot be used changes nothing.
aio::task<> reload_certificate(const config& c, parts& p, log& to) {
  const auto load = [&c] { return load_certificate(c); };
  const auto loaded = co_await p.pool.run(load);
  if (!loaded) {
    to.logger->error("the certificate stays as it was reason={}", loaded.error().message);
    co_return;
  }
  p.service.use_tls(*loaded);
  if (*loaded)
    to.logger->info("certificate read anew{}", http::has_expired(*loaded) ? ", and it has expired" : "");
}

aio::task<> watch_signals(requests& asked, const config& c, parts& p, log& to,
                          const service_manager& manager) {
  while (!asked.ended) {
    boost::system::error_code ec;
    const int signal = co_await asked.signals.async_wait(asio::redirect_error(aio::use_task, ec));
    if (ec)
      co_return;
    if (signal == SIGHUP) {
      manager.tell_reloading();
      to.reopen();
      to.logger->info("log reopened");
      co_await p.tokens.reload();
      co_await reload_certificate(c, p, to);
      manager.tell("READY=1");
    } else {
      if (asked.stops++ == 0)
        asked.leaving = signal == SIGUSR2;
      asked.changed.notify_all();
    }
  }
}

aio::task<> kill_at_second_stop(requests& asked, parts& p, const bool& stopped) {
  while (asked.stops < 2 && !stopped)
    co_await asked.changed.wait();
  if (!stopped)
    p.scheduler.hurry();
}

/// Tells the service manager that the loop turns, twice as often as it wants to hear it.
aio::task<> feed_watchdog(const service_manager& manager, std::chrono::microseconds within, aio::timer& timer,
                          const requests& asked) {
  while (!asked.ended) {
    manager.tell("WATCHDOG=1");
    boost::system::error_code ignored;
    timer.expires_after(within / 2);
    co_await timer.async_wait(asio::redirect_error(aio::use_task, ignored));
  }
}

/// Refuse, finish answers, end what runs: nothing is left on the loop afterwards.
aio::task<> stop_in_order(aio::executor_type loop, bool leave, requests& asked, parts& p, log& to) {
  to.logger->info(leave ? "stopping: renders go on, and the next start takes them up"
                        : "stopping: renders get SIGTERM; a second SIGTERM kills them");
  p.server.stop_accepting();
  p.inquiry.stop();
  co_await p.server.finish(http_grace);
  bool stopped = false;
  aio::task_group impatience{loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  impatience.spawn(kill_at_second_stop(asked, p, stopped));
  co_await p.scheduler.stop(leave ? scheduler::on_stop::leave : scheduler::on_stop::stop);
  co_await p.retention.stop();
  co_await p.courier.stop(webhook_grace);
  co_await p.decoding.close();
  stopped = true;
  asked.changed.notify_all();
  co_await impatience.join();
}

/// Listens on what the service manager has opened, or on the configured address.
result<void> listen(http::server& server, const config& c, const std::optional<given_socket>& given) {
  return given ? server.take(given->descriptor) : server.listen(c.listen.address, c.listen.port);
}

aio::task<int> serve(aio::executor_type loop, const config& c, const std::optional<given_socket>& given,
                     const service_manager& manager, log& to, const std::vector<std::string>& environment) {
  const auto wrong = check_files(c);
  for (const auto& line : wrong)
    to.logger->error("{}", line);
  if (!wrong.empty())
    co_return exit_environment;
  const auto refuse = [&](const error& why) {
    to.logger->error("{}", why.message);
    return exit_environment;
  };
  const auto lock = store::state_lock::take(c.state);
  if (!lock)
    co_return refuse(lock.error());
  auto kept = store::database::open(loop, c.state / database_name);
  if (!kept)
    co_return refuse(kept.error());
  const auto installs = co_await find_blenders(loop, c, variable(environment, "PATH"));
  if (!installs)
    co_return refuse(installs.error());
  const auto around = co_await choose_sandbox(loop, c, *installs, environment);
  if (!around)
    co_return refuse(around.error());
  const auto decoder = find_decoder(c);
  if (!decoder)
    co_return refuse(decoder.error());
  auto to_webhooks = make_webhook_sender(loop, c);
  if (!to_webhooks)
    co_return refuse(to_webhooks.error());
  parts p{loop,       c,          *installs, *around, *decoder, std::move(*kept), std::move(*to_webhooks),
          *to.logger, environment};
  const auto certificate = load_certificate(c);
  if (!certificate)
    co_return refuse(certificate.error());
  p.service.use_tls(*certificate);
  if (*certificate && http::has_expired(*certificate))
    to.logger->warn("the certificate has expired: clients will refuse it file={}",
                    c.tls_certificate.native());
  if (const auto known = p.tokens.read(c.needs_tokens); !known)
    co_return refuse(known.error());
  if (!p.doors.has_tokens())
    to.logger->log(c.allow_open_network ? spdlog::level::warn : spdlog::level::info,
                   "there are no tokens: whoever reaches {} may do everything", c.listen.address);
  if (const auto listening = listen(p.server, c, given); !listening) {
    to.logger->error("{}", listening.error().message);
    co_return exit_listen;
  }
  auto recovered = co_await p.uploads.recover();
  if (recovered)
    recovered = co_await p.scheduler.recover();
  if (!recovered) {
    p.server.stop_accepting();
    co_await p.decoding.close();
    co_return refuse(recovered.error());
  }

  p.courier.start();
  p.retention.start();
  requests asked{loop};
  const auto rethrow = [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); };
  aio::task_group work{loop, rethrow};
  work.spawn(p.server.run());
  work.spawn(watch_signals(asked, c, p, to, manager));
  work.spawn(p.tokens.watch());
  aio::timer watchdog{loop};
  if (const auto within = manager.watchdog())
    work.spawn(feed_watchdog(manager, *within, watchdog, asked));
  for (const auto& [name, executable, version] : *installs)
    to.logger->info("{} at {} renders to {} name={}", version, executable.native(), c.output.native(), name);
  to.logger->info("Blender runs in sandbox={}", process::to_string(around->how));
  for (const auto& line : around->warnings)
    to.logger->warn("{}", line);
  to.logger->info("listening on {}{}", p.server.local_address(), *certificate ? ", with TLS" : "");
  manager.tell(fmt::format("READY=1\nSTATUS=Listening on {}", p.server.local_address()));
  while (asked.stops == 0)
    co_await asked.changed.wait();

  manager.tell("STOPPING=1\nSTATUS=Stopping");
  co_await stop_in_order(loop, asked.leaving || c.leave_on_stop, asked, p, to);
  asked.ended = true;
  watchdog.cancel();
  asked.signals.cancel();
  p.tokens.stop();
  co_await work.join();
  p.pool.join();
  to.logger->info("stopped");
  co_return exit_ok;
}

/// Runs the loop until the work is done and nothing else waits on it.
int run(aio::asio::io_context& loop, aio::task<int> work) {
  int status = exit_internal;
  std::exception_ptr failure;
  asio::co_spawn(loop.get_executor(), std::move(work), [&](std::exception_ptr thrown, int s) {
    failure = thrown;
    status = s;
  });
  loop.run();
  if (failure)
    std::rethrow_exception(failure);
  return status;
}

aio::task<int> check(aio::executor_type loop, const config& c, const std::vector<std::string>& environment) {
  auto wrong = check_files(c);
  const auto installs = co_await find_blenders(loop, c, variable(environment, "PATH"));
  if (const auto decoder = find_decoder(c); !decoder)
    wrong.push_back(decoder.error().message);
  if (!installs) {
    wrong.push_back(installs.error().message);
  } else {
    for (const auto& [name, executable, version] : *installs)
      fmt::print("blender  {} ({}), named {}\n", version, executable.native(), name);
    const auto around = co_await choose_sandbox(loop, c, *installs, environment);
    if (around)
      fmt::print("sandbox  {}\n", process::to_string(around->how));
    else
      wrong.push_back(around.error().message);
    if (around)
      for (const auto& line : around->warnings)
        fmt::print(stderr, "kilnd: warning: {}\n", line);
  }
  if (const auto to_webhooks = make_webhook_sender(loop, c); !to_webhooks)
    wrong.push_back(to_webhooks.error().message);
  if (const auto certificate = load_certificate(c); !certificate)
    wrong.push_back(certificate.error().message);
  const auto tokens = access::read_token_file(c.tokens_file);
  if (tokens)
    fmt::print("tokens   {} in {}\n", tokens->size(), c.tokens_file.native());
  else if (c.needs_tokens || tokens.error().code != errc::not_found)
    wrong.push_back(tokens.error().message);
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
  co_return wrong.empty() ? exit_ok : exit_environment;
}

} // namespace

int run_daemon(config c, log& to, const std::vector<std::string>& environment) {
  ::signal(SIGPIPE, SIG_IGN);
  process::become_subreaper();
  const service_manager manager{environment, ::getpid()};
  const auto given = take_given_socket(manager.sockets());
  if (!given) {
    to.logger->error("{}", given.error().message);
    return exit_listen;
  }
  if (*given) {
    c.listen = (*given)->at;
    if (const auto refused = refuse_open_network(c)) {
      to.logger->error("{}", *refused);
      return exit_listen;
    }
  }
  asio::io_context loop{1};
  return run(loop, serve(loop.get_executor(), c, *given, manager, to, environment));
}

int run_check(const config& c, const std::vector<std::string>& environment) {
  process::become_subreaper();
  asio::io_context loop{1};
  return run(loop, check(loop.get_executor(), c, environment));
}

int run_backup(const config& c) {
  if (const auto done = store::back_up(c.state / database_name, c.backup_to); !done) {
    fmt::print(stderr, "kilnd: {}\n", done.error().message);
    return exit_environment;
  }
  fmt::print("the jobs of {} are in {}\n", c.state.native(), c.backup_to.native());
  return exit_ok;
}

} // namespace kiln::app
