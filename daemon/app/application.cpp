// SPDX-License-Identifier: Apache-2.0
#include "app/application.hpp"

#include "access/token_file.hpp"
#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "api/audit.hpp"
#include "api/blenders.hpp"
#include "api/blends.hpp"
#include "api/events.hpp"
#include "api/frames.hpp"
#include "api/jobs.hpp"
#include "api/logs.hpp"
#include "api/metrics.hpp"
#include "api/poll_delay.hpp"
#include "api/problem.hpp"
#include "api/reference.hpp"
#include "api/system.hpp"
#include "api/tutorial.hpp"
#include "api/webhook_json.hpp"
#include "api/webhooks.hpp"
#include "app/blender_inquiry.hpp"
#include "app/decoder_program.hpp"
#include "app/exit_status.hpp"
#include "app/given_socket.hpp"
#include "app/preflight.hpp"
#include "app/sandbox.hpp"
#include "app/service_manager.hpp"
#include "app/token_keeper.hpp"
#include "blends/blend_finder.hpp"
#include "executor/local_executor.hpp"
#include "executor/slurm_executor.hpp"
#include "http/server.hpp"
#include "http/tls.hpp"
#include "image/decoding_image_check.hpp"
#include "image/structural_image_check.hpp"
#include "process/child.hpp"
#include "retention/retention.hpp"
#include "scheduler/scheduler.hpp"
#include "store/backup.hpp"
#include "store/database.hpp"
#include "store/sqlite_job_store.hpp"
#include "store/sqlite_upload_store.hpp"
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

#include <sched.h>
#include <unistd.h>

namespace kiln::app {
namespace {

namespace asio = aio::asio;
using signal_set = asio::basic_signal_set<aio::executor_type>;

constexpr std::size_t pool_threads = 3; // as many as there are kinds of slow work: images, files, digests
constexpr std::chrono::seconds decode_limit{60}; // for one image
constexpr const char* database_name = "kiln.db";
constexpr double frame_grace = 2; // seconds for a frame to be finished, when its job is cancelled
constexpr std::chrono::seconds http_grace{5};
constexpr std::chrono::seconds webhook_grace{3};
constexpr access::rate wrong_tokens{.per_second = 0.5, .burst = 20}; // of one address

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(seconds * 1000)};
}

/// That this process may run on.
std::size_t usable_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0)
    return 1;
  return static_cast<std::size_t>(CPU_COUNT(&cores));
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

/// Of what a job may ask.
domain::job_limits limits_of_jobs(const config& c) {
  domain::job_limits l{.max_frames = c.max_frames, .has_cluster = c.on_slurm};
  for (const auto& one : c.blenders)
    l.blenders.push_back(one.name);
  return l;
}

/// Those on the nodes of a cluster are not asked: one need not be here.
aio::task<result<std::string>> ask_abilities(blender_inquiry& inquiry, bool on_slurm,
                                             std::filesystem::path executable) {
  if (on_slurm)
    co_return error{errc::unavailable, "it is on the nodes of the cluster, where kilnd does not ask it"};
  co_return co_await inquiry.ask(std::move(executable));
}

std::optional<domain::job_spec> tutorial_job(const config& c) {
  if (c.blend.empty())
    return std::nullopt;
  domain::job_spec spec;
  spec.blend = c.blend;
  spec.blend_name = c.blend.native();
  spec.settings.engine = "CYCLES";
  spec.threads = c.threads;
  spec.own_process = true;
  spec.fail_fast = true; // its pid means the job: another try would have another
  return spec;
}

/// Where the files of /docs are: as they are built, beside kilnd, or as they are installed.
std::filesystem::path reference_files() {
  std::error_code ec;
  const auto bin = std::filesystem::read_symlink("/proc/self/exe", ec).parent_path();
  const auto installed = bin.parent_path() / "share/kiln/reference";
  return std::filesystem::exists(installed, ec) ? installed : bin / "reference";
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

std::filesystem::path uploads_directory(const config& c) {
  return c.state / "blends";
}

/// A job's .blend when an attempt begins: below a root, an upload, or the one that whoever set kilnd up has
/// named.
executor::blend_opener permitted_blends(const config& c) {
  auto directories = c.project_roots;
  directories.push_back(uploads_directory(c));
  return [places = blends::project_roots{std::move(directories)},
          named = c.blend](const std::filesystem::path& blend) {
    return blend == named ? executor::open_anywhere(blend) : places.open(blend);
  };
}

/// 0 days: for ever.
std::optional<std::chrono::milliseconds> keep_time(double days) {
  constexpr double seconds_a_day = 86'400;
  return days > 0 ? std::optional{milliseconds(days * seconds_a_day)} : std::nullopt;
}

retention::rules retention_rules(const config& c) {
  retention::rules r;
  r.keep_jobs = keep_time(c.jobs_keep_days);
  if (c.jobs_quota > 0)
    r.job_bytes = c.jobs_quota;
  r.keep_uploads = keep_time(c.uploads_keep_days);
  return r;
}

/// Null without TLS. Blocks.
result<http::tls_context> load_certificate(const config& c) {
  return c.tls_certificate.empty() ? http::tls_context{} : http::load_tls(c.tls_certificate, c.tls_key);
}

std::unique_ptr<executor::executor> make_executor(aio::executor_type loop, const config& c,
                                                  const std::vector<blender::install>& installs,
                                                  const std::vector<std::string>& environment,
                                                  const sandbox& around,
                                                  std::shared_ptr<executor::local_times> times,
                                                  aio::blocking_pool& pool, image::image_check& images) {
  auto passed = executor::environment_for_blender(environment);
  if (!c.on_slurm)
    return std::make_unique<executor::local_executor>(
        loop,
        executor::local_settings{.blenders = installs,
                                 .output = c.output,
                                 .state = c.state,
                                 .environment = std::move(passed),
                                 .stop_grace = milliseconds(c.stop_grace),
                                 .frame_grace = milliseconds(std::min(c.stop_grace, frame_grace)),
                                 .sessions = {.idle = c.sessions,
                                              .idle_memory = c.session_memory,
                                              .idle_time = milliseconds(c.session_idle),
                                              .frames = c.session_frames},
                                 .sandbox = around.how,
                                 .walls = around.walls,
                                 .open_blend = permitted_blends(c),
                                 .times = std::move(times)},
        pool, images);
  return std::make_unique<executor::slurm_executor>(
      loop,
      executor::slurm_settings{.programs = c.slurm_programs,
                               .blenders = installs,
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
                               .lag = milliseconds(c.slurm_lag),
                               .open_blend = permitted_blends(c)},
      pool, images);
}

/// All of a running daemon but its signals. Members are made from the first to the last, and go in the
/// opposite order.
struct parts {
  parts(aio::executor_type loop, const config& c, const std::vector<blender::install>& installs,
        const sandbox& around, std::filesystem::path decoder, std::shared_ptr<store::database> kept,
        std::unique_ptr<webhook::sender> to_webhooks, spdlog::logger& log,
        const std::vector<std::string>& environment)
      : store(kept), upload_store(kept), webhook_store(kept), webhook_sender(std::move(to_webhooks)),
        courier(loop, webhook_store, *webhook_sender, {}, log), pool(pool_threads), structure(pool),
        decoding(loop, pool, decoder_starter(loop, std::move(decoder), c.state / "kiln-image.log"),
                 decode_limit),
        attempts(
            make_executor(loop, c, installs, environment, around, blender_times, pool,
                          c.verify_headers_only ? static_cast<image::image_check&>(structure) : decoding)),
        executor(*attempts), scheduler(loop, executor, store,
                                       {.capacity = {.slots = c.slots, .max_queued = c.max_queued},
                                        .limits = limits_of_jobs(c),
                                        .disk_reserve = c.disk_reserve,
                                        .look_again = milliseconds(c.look_again),
                                        .stall_timeout = std::chrono::seconds{c.stall_timeout},
                                        .cores = usable_cores()},
                                       log),
        tutorial(scheduler, ends, tutorial_job(c)),
        uploads(
            loop, uploads_directory(c),
            {.file_bytes = c.max_upload_bytes, .all_bytes = c.uploads_quota, .disk_reserve = c.disk_reserve},
            upload_store, pool, log),
        blend_finder(blends::project_roots{c.project_roots}, uploads, pool),
        retention(loop, scheduler, uploads, retention_rules(c), log), events(loop, scheduler),
        jobs(scheduler, events, ends, blend_finder, limits_of_jobs(c), c.threads),
        frames(scheduler, executor, pool), logs(scheduler, executor, events, pool),
        blends(uploads, keep_time(c.uploads_keep_days)), webhooks(webhook_store, courier, webhook_targets(c)),
        metrics({.jobs = scheduler,
                 .ends = ends,
                 .spawns = blender_times->spawn,
                 .exits = blender_times->exit,
                 .commits = kept->commits(),
                 .service = service,
                 .server = server,
                 .pool = pool,
                 .output = c.output,
                 .state = c.state,
                 .disk_reserve = c.disk_reserve,
                 .slots = c.slots,
                 .version = KILN_VERSION,
                 .blender = installs.front().version}),
        reference(reference_files(), pool),
        inquiry(loop, c.state, executor::environment_for_blender(environment), pool),
        blenders(loop, installs,
                 [this, on_slurm = c.on_slurm](auto executable) {
                   return ask_abilities(inquiry, on_slurm, std::move(executable));
                 }),
        doors({.per_second = c.rate_limit, .burst = c.rate_burst}, wrong_tokens),
        service(limits_of(c), hosts_of(c), doors, error_page, log), server(loop, service),
        tokens(loop, c.tokens_file, doors, pool, log, [this] { server.end_sessions_not_admitted(); }) {
    scheduler.add_watcher(tutorial);
    scheduler.add_watcher(events);
    scheduler.add_watcher(ends);
    scheduler.add_watcher(metrics);
    scheduler.add_watcher(retention);
    tutorial.add_routes(service);
    jobs.add_routes(service);
    frames.add_routes(service);
    events.add_routes(service);
    logs.add_routes(service);
    blends.add_routes(service);
    webhooks.add_routes(service);
    metrics.add_routes(service);
    reference.add_routes(service);
    blenders.add_routes(service);
    service.allow_origins(http::origins{c.allowed_origins});
    service.report_changes([&log](const auto& asked, const auto& given, std::string_view id) {
      if (const auto line = api::format_audit(asked, given, id); !line.empty())
        log.info("{}", line);
    });
    store.announce(api::format_job_event, [this] { courier.wake(); });
    uploads.announce([this] { retention.wake(); });
    const auto known = [this]() -> std::optional<std::string> {
      if (!scheduler.blocked().empty())
        return scheduler.blocked();
      const auto trouble = executor.trouble();
      return trouble.empty() ? std::nullopt : std::optional{trouble};
    };
    api::add_system_routes(service, process::to_string(around.how), pool, known,
                           [c, installs] { return check_readiness(c, installs); });
  }

  store::sqlite_job_store store;
  store::sqlite_upload_store upload_store;
  store::sqlite_webhook_store webhook_store;
  std::unique_ptr<webhook::sender> webhook_sender;
  webhook::courier courier;
  aio::blocking_pool pool;
  image::structural_image_check structure;
  image::decoding_image_check decoding;
  std::shared_ptr<executor::local_times> blender_times = std::make_shared<executor::local_times>();
  std::unique_ptr<executor::executor> attempts;
  executor::executor& executor;
  scheduler::scheduler scheduler;
  api::poll_delay ends;
  api::tutorial tutorial;
  blends::uploads uploads;
  blends::blend_finder blend_finder;
  retention::retention retention;
  api::events events;
  api::jobs jobs;
  api::frames frames;
  api::logs logs;
  api::blends blends;
  api::webhooks webhooks;
  api::metrics metrics;
  api::reference reference;
  blender_inquiry inquiry;
  api::blenders blenders;
  access::gate doors;
  http::service service;
  http::server server;
  token_keeper tokens;
};

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
