// SPDX-License-Identifier: Apache-2.0
#include "app/application.hpp"

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "api/events.hpp"
#include "api/frames.hpp"
#include "api/jobs.hpp"
#include "api/logs.hpp"
#include "api/problem.hpp"
#include "api/project_roots.hpp"
#include "api/system.hpp"
#include "api/tutorial.hpp"
#include "api/webhook_json.hpp"
#include "api/webhooks.hpp"
#include "app/decoder_program.hpp"
#include "app/exit_status.hpp"
#include "app/preflight.hpp"
#include "executor/local_executor.hpp"
#include "executor/slurm_executor.hpp"
#include "http/server.hpp"
#include "image/decoding_image_check.hpp"
#include "image/structural_image_check.hpp"
#include "process/child.hpp"
#include "scheduler/scheduler.hpp"
#include "store/backup.hpp"
#include "store/database.hpp"
#include "store/sqlite_job_store.hpp"
#include "store/sqlite_webhook_store.hpp"
#include "store/state_lock.hpp"
#include "webhook/courier.hpp"
#include "webhook/http_sender.hpp"

#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include <systemd/sd-daemon.h>

namespace kiln::app {
namespace {

namespace asio = aio::asio;
using signal_set = asio::basic_signal_set<aio::executor_type>;

constexpr std::size_t pool_threads = 3; // as many as there are kinds of slow work: images, files, digests
constexpr std::chrono::seconds decode_limit{60}; // for one image
constexpr const char* database_name = "kiln.db";
constexpr std::chrono::seconds http_grace{5};
constexpr std::chrono::seconds webhook_grace{3};

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(seconds * 1000)};
}

std::string variable(const std::vector<std::string>& environment, const std::string& name) {
  for (const auto& v : environment)
    if (v.starts_with(name + "="))
      return v.substr(name.size() + 1);
  return {};
}

http::limits limits_of(const config& c) {
  http::limits l;
  l.head = {.header_bytes = c.max_header_bytes, .target_bytes = c.max_target_bytes, .fields = c.max_fields};
  l.body_bytes = c.max_body_bytes;
  l.header_time = milliseconds(c.header_seconds);
  l.body_time = milliseconds(c.body_seconds);
  l.write_time = milliseconds(c.write_seconds);
  l.idle_time = milliseconds(c.idle_seconds);
  l.connections = {.served = c.max_connections,
                   .served_per_address = c.max_connections_per_address,
                   .waiting = c.max_waiting,
                   .waiting_per_address = c.max_waiting_per_address};
  return l;
}

/// Names that requests may be sent to: a foreign name that points here is a trick (DNS rebinding).
std::vector<std::string> hosts_of(const config& c) {
  auto hosts = c.allowed_hosts;
  for (const char* own : {"localhost", "127.0.0.1", "[::1]"})
    hosts.emplace_back(own);
  const bool is_v6 = c.listen.address.find(':') != std::string::npos;
  hosts.push_back(is_v6 ? "[" + c.listen.address + "]" : c.listen.address);
  return hosts;
}

http::response error_page(int status, std::string_view detail, std::string_view path) {
  auto [type, text] = api::format_problem(status, detail, path);
  return {.status = status, .content_type = std::string{type}, .body = std::move(text)};
}

aio::task<result<blender_install>> find_blender(aio::executor_type loop, const config& c,
                                                const std::vector<std::string>& environment) {
  if (c.on_slurm) // it is on the nodes; there need not be one here
    co_return blender_install{c.blender, "Blender on the nodes of Slurm"};
  const auto executable = find_executable(c.blender, variable(environment, "PATH"));
  if (!executable)
    co_return executable.error();
  co_return co_await ask_blender(loop, *executable, c.state);
}

domain::job_limits limits_of_jobs(const config& c) {
  return {.max_frames = c.max_frames, .has_cluster = c.on_slurm};
}

std::optional<domain::job_spec> tutorial_job(const config& c) {
  if (c.blend.empty())
    return std::nullopt;
  domain::job_spec spec;
  spec.blend = c.blend;
  spec.blend_name = c.blend.native();
  spec.settings.engine = "CYCLES";
  spec.threads = c.threads;
  spec.fail_fast = true; // its pid means the job: another try would have another
  return spec;
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

webhook::target_rules webhook_targets(const config& c) {
  std::vector<webhook::target_rule> rules;
  for (const auto& text : c.webhook_targets)
    rules.push_back(*webhook::parse_target_rule(text)); // checked as it was read
  return webhook::target_rules{std::move(rules)};
}

result<std::unique_ptr<webhook::http_sender>> make_webhook_sender(aio::executor_type loop, const config& c) {
  return webhook::http_sender::make(
      loop,
      {.targets = webhook_targets(c), .ca_file = c.webhook_ca_file, .user_agent = "kilnd/" KILN_VERSION});
}

std::unique_ptr<executor::executor> make_executor(aio::executor_type loop, const config& c,
                                                  const blender_install& blender,
                                                  const std::vector<std::string>& environment,
                                                  aio::blocking_pool& pool, image::image_check& images) {
  auto passed = executor::environment_for_blender(environment);
  if (!c.on_slurm)
    return std::make_unique<executor::local_executor>(
        loop,
        executor::local_settings{.blender = blender.executable,
                                 .blender_version = blender.version,
                                 .output = c.output,
                                 .state = c.state,
                                 .environment = std::move(passed),
                                 .stop_grace = milliseconds(c.stop_grace)},
        pool, images);
  return std::make_unique<executor::slurm_executor>(
      loop,
      executor::slurm_settings{.programs = c.slurm_programs,
                               .blender = c.blender.native(),
                               .output = c.output,
                               .state = c.state,
                               .environment = std::move(passed),
                               .site_template = c.slurm_template,
                               .options = c.slurm_options,
                               .tasks_at_once = c.slurm_tasks,
                               .tasks_of_an_array = c.slurm_array_tasks,
                               .task_seconds = c.slurm_task_seconds,
                               .nice_step = c.slurm_nice_step,
                               .poll = milliseconds(c.slurm_poll),
                               .lag = milliseconds(c.slurm_lag)},
      pool, images);
}

/// All of a running daemon but its signals. Members are made from the first to the last, and go in the
/// opposite order.
struct parts {
  parts(aio::executor_type loop, const config& c, const blender_install& blender,
        std::filesystem::path decoder, std::shared_ptr<store::database> kept,
        std::unique_ptr<webhook::sender> to_webhooks, spdlog::logger& log,
        const std::vector<std::string>& environment)
      : store(kept), webhook_store(std::move(kept)), webhook_sender(std::move(to_webhooks)),
        courier(loop, webhook_store, *webhook_sender, {}, log), pool(pool_threads), structure(pool),
        decoding(loop, pool, decoder_starter(loop, std::move(decoder), c.state / "kiln-image.log"),
                 decode_limit),
        attempts(
            make_executor(loop, c, blender, environment, pool,
                          c.verify_headers_only ? static_cast<image::image_check&>(structure) : decoding)),
        executor(*attempts), scheduler(loop, executor, store,
                                       {.capacity = {.slots = c.slots, .max_queued = c.max_queued},
                                        .limits = limits_of_jobs(c),
                                        .disk_reserve = c.disk_reserve,
                                        .look_again = milliseconds(c.look_again),
                                        .stall_timeout = std::chrono::seconds{c.stall_timeout}},
                                       log),
        tutorial(scheduler, tutorial_job(c)), roots(c.project_roots, pool), events(loop, scheduler),
        jobs(scheduler, events, roots, limits_of_jobs(c), c.threads), frames(scheduler, executor, pool),
        logs(scheduler, executor, events, pool), webhooks(webhook_store, courier, webhook_targets(c)),
        service(limits_of(c), hosts_of(c), error_page, log), server(loop, service) {
    scheduler.add_watcher(tutorial);
    scheduler.add_watcher(events);
    tutorial.add_routes(service);
    jobs.add_routes(service);
    frames.add_routes(service);
    events.add_routes(service);
    logs.add_routes(service);
    webhooks.add_routes(service);
    store.announce(api::format_job_event, [this] { courier.wake(); });
    const auto known = [this]() -> std::optional<std::string> {
      if (!scheduler.blocked().empty())
        return scheduler.blocked();
      const auto trouble = executor.trouble();
      return trouble.empty() ? std::nullopt : std::optional{trouble};
    };
    api::add_system_routes(service, pool, known,
                           [c, path = blender.executable] { return check_readiness(c, path); });
  }

  store::sqlite_job_store store;
  store::sqlite_webhook_store webhook_store;
  std::unique_ptr<webhook::sender> webhook_sender;
  webhook::courier courier;
  aio::blocking_pool pool;
  image::structural_image_check structure;
  image::decoding_image_check decoding;
  std::unique_ptr<executor::executor> attempts;
  executor::executor& executor;
  scheduler::scheduler scheduler;
  api::tutorial tutorial;
  api::project_roots roots;
  api::events events;
  api::jobs jobs;
  api::frames frames;
  api::logs logs;
  api::webhooks webhooks;
  http::service service;
  http::server server;
};

/// What the signals ask for.
struct requests {
  explicit requests(aio::executor_type loop) : signals(loop, SIGTERM, SIGINT, SIGHUP), changed(loop) {}
  signal_set signals;
  int stops = 0;
  aio::notification changed;
};

aio::task<> watch_signals(requests& asked, log& to) {
  for (;;) {
    boost::system::error_code ec;
    const int signal = co_await asked.signals.async_wait(asio::redirect_error(aio::use_task, ec));
    if (ec)
      co_return;
    if (signal == SIGHUP) {
      to.reopen();
      to.logger->info("log reopened");
    } else {
      ++asked.stops;
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

/// Refuse, finish answers, end what runs: nothing is left on the loop afterwards.
aio::task<> stop_in_order(aio::executor_type loop, const config& c, requests& asked, parts& p, log& to) {
  to.logger->info(c.leave_on_stop ? "stopping: renders go on, and the next start takes them up"
                                  : "stopping: renders get SIGTERM; a second SIGTERM kills them");
  ::sd_notify(0, "STOPPING=1");
  p.server.stop_accepting();
  co_await p.server.finish(http_grace);
  bool stopped = false;
  aio::task_group impatience{loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  impatience.spawn(kill_at_second_stop(asked, p, stopped));
  co_await p.scheduler.stop(c.leave_on_stop ? scheduler::on_stop::leave : scheduler::on_stop::stop);
  co_await p.courier.stop(webhook_grace);
  co_await p.decoding.close();
  stopped = true;
  asked.changed.notify_all();
  co_await impatience.join();
}

aio::task<int> serve(aio::executor_type loop, const config& c, log& to,
                     const std::vector<std::string>& environment) {
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
  const auto blender = co_await find_blender(loop, c, environment);
  if (!blender)
    co_return refuse(blender.error());
  const auto decoder = find_decoder(c);
  if (!decoder)
    co_return refuse(decoder.error());
  auto to_webhooks = make_webhook_sender(loop, c);
  if (!to_webhooks)
    co_return refuse(to_webhooks.error());
  parts p{loop, c, *blender, *decoder, std::move(*kept), std::move(*to_webhooks), *to.logger, environment};
  if (const auto listening = p.server.listen(c.listen.address, c.listen.port); !listening) {
    to.logger->error("{}", listening.error().message);
    co_return exit_listen;
  }
  if (const auto recovered = co_await p.scheduler.recover(); !recovered) {
    p.server.stop_accepting();
    co_await p.decoding.close();
    co_return refuse(recovered.error());
  }

  p.courier.start();
  requests asked{loop};
  const auto rethrow = [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); };
  aio::task_group work{loop, rethrow};
  work.spawn(p.server.run());
  work.spawn(watch_signals(asked, to));
  to.logger->info("{} at {} renders to {}", blender->version, blender->executable.native(),
                  c.output.native());
  to.logger->info("listening on {}", p.server.local_address());
  ::sd_notify(0, "READY=1");
  while (asked.stops == 0)
    co_await asked.changed.wait();

  co_await stop_in_order(loop, c, asked, p, to);
  asked.signals.cancel();
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
  const auto blender = co_await find_blender(loop, c, environment);
  if (const auto decoder = find_decoder(c); !decoder)
    wrong.push_back(decoder.error().message);
  if (blender)
    fmt::print("blender  {} ({})\n", blender->version, blender->executable.native());
  else
    wrong.push_back(blender.error().message);
  if (const auto to_webhooks = make_webhook_sender(loop, c); !to_webhooks)
    wrong.push_back(to_webhooks.error().message);
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

int run_daemon(const config& c, log& to, const std::vector<std::string>& environment) {
  ::signal(SIGPIPE, SIG_IGN);
  process::become_subreaper();
  asio::io_context loop{1};
  return run(loop, serve(loop.get_executor(), c, to, environment));
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
