// SPDX-License-Identifier: Apache-2.0
#include "app/application.hpp"

#include "aio/task_group.hpp"
#include "app/announcement.hpp"
#include "app/blender_user.hpp"
#include "app/bounded_runs.hpp"
#include "app/check.hpp"
#include "app/exit_status.hpp"
#include "app/given_socket.hpp"
#include "app/log.hpp"
#include "app/parts.hpp"
#include "app/preflight.hpp"
#include "app/probe_memory.hpp"
#include "app/sandbox.hpp"
#include "app/service_manager.hpp"
#include "app/signals.hpp"
#include "app/state_access.hpp"
#include "http/tls.hpp"
#include "process/child.hpp"
#include "store/backup.hpp"
#include "store/directory_lock.hpp"
#include "webhook/http_sender.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <unistd.h>

namespace kiln::app {
namespace {

namespace asio = aio::asio;

constexpr std::chrono::seconds http_grace{5};
constexpr std::chrono::seconds webhook_grace{3};

/// Applies to new connections; an unusable certificate changes nothing.
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

/// After SIGHUP, also one received during the start.
aio::task<> reload_on_request(requests& asked, const config& c, parts& p, log& to,
                              const service_manager& manager) {
  while (!asked.ended) {
    if (!std::exchange(asked.reload, false)) {
      co_await asked.changed.wait();
      continue;
    }
    manager.tell_reloading();
    if (const auto reopened = to.reopen())
      to.logger->info("log reopened");
    else
      to.logger->error("the log stays in the file that was open reason={}", reopened.error().message);
    co_await p.tokens.reload();
    co_await reload_certificate(c, p, to);
    manager.tell("READY=1");
  }
}

aio::task<> kill_at_second_stop(requests& asked, parts& p, const bool& stopped) {
  while (asked.stops < 2 && !stopped)
    co_await asked.changed.wait();
  if (stopped)
    co_return;
  p.scheduler.hurry();
  p.executor.hurry();
}

/// Notifies the service manager that the loop runs, twice as often as required.
aio::task<> feed_watchdog(const service_manager& manager, std::chrono::microseconds within, aio::timer& timer,
                          const requests& asked) {
  while (!asked.ended) {
    manager.tell("WATCHDOG=1");
    boost::system::error_code ignored;
    timer.expires_after(within / 2);
    co_await timer.async_wait(asio::redirect_error(aio::use_task, ignored));
  }
}

/// Requests a stop when no job is queued or running and no client is connected for --exit-idle seconds.
aio::task<> stop_when_idle(double seconds, parts& p, aio::timer& timer, requests& asked) {
  constexpr int looks = 4;
  const auto most = std::chrono::duration_cast<aio::clock::duration>(std::chrono::duration<double>{seconds});
  auto busy_at = aio::clock::now();
  while (asked.stops == 0) {
    boost::system::error_code ignored;
    timer.expires_after(most / looks);
    co_await timer.async_wait(asio::redirect_error(aio::use_task, ignored));
    const auto now = p.scheduler.load();
    const bool has_jobs = now.queued > 0 || now.running > 0;
    busy_at = std::max(busy_at, has_jobs ? aio::clock::now() : p.server.last_used());
    if (aio::clock::now() - busy_at >= most && asked.stops == 0) {
      ++asked.stops;
      asked.changed.notify_all();
    }
  }
}

/// Stops accepting, finishes answers, ends attempts: no work is left on the loop afterwards.
aio::task<> stop_in_order(aio::executor_type loop, bool leave, requests& asked, parts& p, log& to) {
  to.logger->info(leave ? "stopping: renders go on, and the next start takes them up"
                        : "stopping: renders get SIGTERM; a second SIGTERM kills them");
  p.server.stop_accepting();
  p.questions.stop();
  bool stopped = false;
  aio::task_group impatience{loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  impatience.spawn(kill_at_second_stop(asked, p, stopped));
  p.drawing.close_after(http_grace);
  p.filming.close_after(http_grace);
  p.decoding.close_after(http_grace); // frames not verified by then are left for the next start
  // At the same time: a request may wait for an attempt, and an attempt must not wait for a client.
  const auto how = leave ? scheduler::on_stop::leave : scheduler::on_stop::stop;
  aio::task_group answers{loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  answers.spawn(p.server.finish(http_grace));
  co_await p.scheduler.stop(how);
  co_await answers.join();
  co_await p.scheduler.stop(how); // attempts that the last requests have begun
  co_await p.retention.stop();
  co_await p.films.stop();
  co_await p.courier.stop(webhook_grace);
  co_await p.drawing.close();
  co_await p.filming.close();
  co_await p.decoding.close();
  stopped = true;
  asked.changed.notify_all();
  co_await impatience.join();
}

/// Listens on the socket from the service manager, or on the configured address.
result<void> listen(http::server& server, const config& c, const std::optional<given_socket>& given) {
  return given ? server.take(given->descriptor) : server.listen(c.listen.address, c.listen.port);
}

/// A stop ends the processes of `runs`, in this scope.
class interruption {
public:
  interruption(requests& asked, bounded_runs& runs) : asked_(asked) {
    asked_.interrupt = [&runs] { runs.stop(); };
  }
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;
  ~interruption() { asked_.interrupt = nullptr; }

private:
  requests& asked_;
};

struct probed {
  std::vector<blender::install> installs;
  sandbox around;
};

/// Runs each Blender, to find out its version and which sandbox it can run in. A stop ends these runs,
/// and the result is an error.
aio::task<result<probed>> probe(aio::executor_type loop, requests& asked, const config& c,
                                const std::vector<std::string>& environment) {
  aio::blocking_pool pool{1};
  bounded_runs runs{loop, pool, c.blender_user};
  std::optional<probe_memory> memory; // for one that is started for a job, and waited for
  if (c.exit_idle > 0)
    runs.remember(&memory.emplace(c.state / "probes.json"));
  const interruption by_signal{asked, runs};
  auto passed_on = local::environment_for_blender(environment, c.blender_user);
  auto installs = co_await find_blenders(loop, runs, c, std::move(passed_on), variable(environment, "PATH"));
  if (!installs)
    co_return installs.error();
  auto around = co_await choose_sandbox(loop, runs, c, usable(*installs), environment);
  if (!around)
    co_return around.error();
  probed found{std::move(*installs), std::move(*around)};
  co_return found;
}

aio::task<int> start_and_serve(aio::executor_type loop, requests& asked, const config& c,
                               const std::optional<given_socket>& given, const service_manager& manager,
                               log& to, const std::vector<std::string>& environment) {
  const auto wrong = check_files(c);
  for (const auto& line : wrong)
    to.logger->error("{}", line);
  if (!wrong.empty())
    co_return exit_environment;
  const auto refuse = [&](const error& why) {
    to.logger->error("{}", why.message);
    return exit_environment;
  };
  const auto lock = store::directory_lock::take(state_lock_file(c), "state");
  if (!lock)
    co_return refuse(lock.error());
  const auto output_lock = store::directory_lock::take(output_lock_file(c), "output");
  if (!output_lock)
    co_return refuse(output_lock.error());
  for (const auto& line : close_state(c))
    to.logger->warn("{}", line);
  const auto closed = admit_blender_user(c); // what was made meanwhile
  for (const auto& line : closed)
    to.logger->error("{}", line);
  if (!closed.empty())
    co_return exit_environment;
  auto kept = store::database::open(loop, c.state / database_name);
  if (!kept)
    co_return refuse(kept.error());
  const auto found = co_await probe(loop, asked, c, environment);
  if (asked.stops > 0) {
    manager.tell("STOPPING=1\nSTATUS=Stopping");
    to.logger->info("stopped during the start");
    co_return exit_ok;
  }
  if (!found)
    co_return refuse(found.error());
  const auto& [installs, around] = *found;
  const auto decoder = find_decoder(c);
  if (!decoder)
    co_return refuse(decoder.error());
  auto to_webhooks = make_webhook_sender(loop, c);
  if (!to_webhooks)
    co_return refuse(to_webhooks.error());
  parts p{loop,       c,          installs, around, *decoder, std::move(*kept), std::move(*to_webhooks),
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
  p.service.name_sessions(p.server.port());
  auto recovered = co_await p.uploads.recover();
  if (recovered)
    recovered = co_await p.scheduler.recover();
  if (!recovered) {
    p.server.stop_accepting();
    co_await p.health.join();
    co_await p.drawing.close();
    co_await p.filming.close();
    co_await p.decoding.close();
    co_return refuse(recovered.error());
  }

  p.courier.start();
  p.retention.start();
  const auto rethrow = [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); };
  aio::task_group work{loop, rethrow};
  work.spawn(p.server.run());
  work.spawn(p.tokens.watch());
  work.spawn(p.tokens.notice_expiry());
  aio::timer watchdog{loop};
  if (const auto within = manager.watchdog())
    work.spawn(feed_watchdog(manager, *within, watchdog, asked));
  aio::timer idleness{loop};
  if (c.exit_idle > 0)
    work.spawn(stop_when_idle(c.exit_idle, p, idleness, asked));
  announce_start(c, installs, around, p, *to.logger);
  manager.tell(fmt::format("READY=1\nSTATUS=Listening on {}", p.server.local_address()));
  work.spawn(reload_on_request(asked, c, p, to, manager));
  while (asked.stops == 0)
    co_await asked.changed.wait();

  manager.tell("STOPPING=1\nSTATUS=Stopping");
  co_await stop_in_order(loop, asked.leaving || c.leave_on_stop, asked, p, to);
  asked.ended = true;
  asked.changed.notify_all();
  watchdog.cancel();
  idleness.cancel();
  p.tokens.stop();
  co_await work.join();
  co_await p.health.join();
  p.pool.join();
  to.logger->info("stopped");
  co_return exit_ok;
}

/// Watches signals from before the start until the end.
aio::task<int> serve(aio::executor_type loop, requests& asked, const config& c,
                     const std::optional<given_socket>& given, const service_manager& manager, log& to,
                     const std::vector<std::string>& environment) {
  aio::task_group signals{loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  signals.spawn(watch_signals(asked));
  int status = exit_internal;
  std::exception_ptr failure;
  try {
    status = co_await start_and_serve(loop, asked, c, given, manager, to, environment);
  } catch (...) {
    failure = std::current_exception();
  }
  asked.ended = true;
  asked.signals.cancel();
  co_await signals.join();
  if (failure)
    std::rethrow_exception(failure);
  co_return status;
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

} // namespace

int run_daemon(config c, const std::vector<std::string>& environment) {
  reset_signals();
  asio::io_context loop{1};
  requests asked{loop.get_executor()}; // before any step that can take long
  auto to = open_log(c.log_file, c.log_level, c.log_json);
  if (!to) {
    fmt::print(stderr, "kilnd: {}\n", to.error().message);
    return exit_environment;
  }
  if (const auto line = describe_passed_over(c); !line.empty())
    to->logger->info("{}", line);
  process::become_subreaper();
  const service_manager manager{environment, ::getpid()};
  const auto given = take_given_socket(manager.sockets());
  if (!given) {
    to->logger->error("{}", given.error().message);
    return exit_listen;
  }
  if (*given) {
    c.listen = (*given)->at;
    if (const auto refused = refuse_open_network(c)) {
      to->logger->error("{}", *refused);
      return exit_listen;
    }
  }
  return run(loop, serve(loop.get_executor(), asked, c, *given, manager, *to, environment));
}

int run_check(const config& c, const std::vector<std::string>& environment) {
  reset_signals();
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
