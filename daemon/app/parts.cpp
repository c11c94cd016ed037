// SPDX-License-Identifier: Apache-2.0
#include "app/parts.hpp"

#include "aio/log_failures.hpp"
#include "api/audit.hpp"
#include "api/page.hpp"
#include "api/problem.hpp"
#include "api/webhook_json.hpp"
#include "app/blender_probe.hpp"
#include "app/decoder_program.hpp"
#include "app/log.hpp"
#include "app/preflight.hpp"
#include "cluster/slurm_executor.hpp"
#include "local/blender_walls.hpp"
#include "process/landlock.hpp"

#include <utility>

namespace kiln::app {
namespace {

constexpr std::size_t pool_threads = 3; // as many as there are kinds of slow work: images, files, digests
constexpr std::chrono::seconds decode_limit{60};                     // for one image
constexpr std::chrono::seconds film_limit{600};                      // for a frame that an encoder takes
constexpr std::size_t most_drawing = 2;                              // processes that make pictures
constexpr access::rate wrong_tokens{.per_second = 0.5, .burst = 20}; // of one address

http::response error_page(int status, std::string_view detail, std::string_view path) {
  auto [type, text] = api::format_problem(status, detail, path);
  return {.status = status, .content_type = std::string{type}, .body = std::move(text)};
}

/// Those on the nodes of a cluster are not asked: one need not be here.
aio::task<result<std::string>> ask_abilities(blender_inquiry& inquiry, bool on_slurm,
                                             std::filesystem::path executable) {
  if (on_slurm)
    co_return error{errc::unavailable, "it is on the nodes of the cluster, where kilnd does not ask it"};
  co_return co_await inquiry.ask(std::move(executable));
}

/// Where the files of /docs are: as they are built, beside kilnd, or as they are installed.
std::filesystem::path reference_files() {
  std::error_code ec;
  const auto bin = std::filesystem::read_symlink("/proc/self/exe", ec).parent_path();
  const auto installed = bin.parent_path() / "share/kiln/reference";
  return std::filesystem::exists(installed, ec) ? installed : bin / "reference";
}

/// Null: looks alone keep Blender within its bounds.
std::shared_ptr<process::control_groups> claim_groups(const config& c, spdlog::logger& log) {
  const auto bounds = group_bounds(c);
  if (bounds.memory == 0 && bounds.tasks == 0)
    return nullptr;
  const auto groups = process::control_groups::claim(bounds);
  if (!groups) {
    log.info("the bounds of Blender are looked at four times a second, without control groups reason={}",
             groups.error().message);
    return nullptr;
  }
  log.info("the bounds of Blender are enforced by control groups below {}", (*groups)->directory().native());
  return *groups;
}

std::unique_ptr<executor::executor>
make_executor(aio::executor_type loop, const config& c, const std::shared_ptr<local::installs>& installs,
              const std::vector<std::string>& environment, const sandbox& around,
              std::shared_ptr<local::local_times> times, aio::blocking_pool& pool, image::image_check& images,
              spdlog::logger& log) {
  if (c.on_slurm)
    return std::make_unique<cluster::slurm_executor>(loop, slurm_settings(c, installs->all(), environment),
                                                     pool, images);
  auto settings = local_settings(c, installs, environment, around, std::move(times));
  settings.groups = claim_groups(c, log);
  return std::make_unique<local::local_executor>(loop, std::move(settings), pool, images);
}

api::system_facts facts_of(const config& c, const sandbox& around, const scheduler::scheduler& jobs,
                           const access::gate& doors, aio::blocking_pool& pool) {
  return {.jobs = jobs,
          .doors = doors,
          .pool = pool,
          .version = KILN_VERSION,
          .executor = c.on_slurm ? "slurm" : "local",
          .sandbox = std::string{process::to_string(around.how)},
          .autorun = std::string{domain::to_string(c.autorun)},
          .has_tutorial = !c.blend.empty(),
          .has_webhooks = !c.webhook_targets.empty(),
          .slots = c.slots,
          .max_queued = c.max_queued,
          .max_frames = c.max_frames,
          .max_body_bytes = c.max_body_bytes,
          .max_upload_bytes = c.max_upload_bytes,
          .uploads_quota = c.uploads_quota,
          .disk_reserve = c.disk_reserve,
          .output = c.output,
          .state = c.state,
          .roots = c.project_roots};
}

/// Blender's. Where kilnd can have none around Blender, as on a cluster, Landlock if the kernel has it.
process::mechanism sandbox_of_videos(const config& c, const sandbox& around) {
  const bool has_none = around.how == process::mechanism::off && c.sandbox != "off";
  return has_none && process::landlock_version() > 0 ? process::mechanism::landlock : around.how;
}

preview::video_place place_of_videos(const config& c, const sandbox& around,
                                     const std::vector<std::string>& environment) {
  return {.output = c.output,
          .state = c.state,
          .search_path = std::string{variable(environment, "PATH")},
          .sandbox = sandbox_of_videos(c, around),
          .walls = local::walls_around_blender(
              {.project_roots = {}, .output = c.output, .state = c.state, .also_read = c.sandbox_read}),
          .quota = c.videos_quota,
          .disk_reserve = c.disk_reserve};
}

/// A Blender whose program was replaced.
aio::task<result<blender::install>> probe_again(bounded_runs& runs, spdlog::logger& log, probe_place where,
                                                blender::install named) {
  where.directory = probe_directory(where.directory, named.name);
  auto found = co_await probe_install(runs, named, std::move(where));
  if (!found)
    log.error("the program of a Blender was replaced, and cannot be used name={} reason={}", named.name,
              found.error().message);
  else
    log.info("the program of a Blender was replaced name={} version={}", named.name, found->version);
  if (found)
    for (const auto& line : found->remarks)
      log.warn("{}", line);
  co_return found;
}

local::installs::prober make_prober(bounded_runs& runs, spdlog::logger& log, const config& c,
                                    const std::vector<std::string>& environment) {
  const probe_place where{.directory = c.state,
                          .environment = local::environment_for_blender(environment, c.blender_user)};
  return [&runs, &log, where](auto named) { return probe_again(runs, log, where, std::move(named)); };
}

} // namespace

parts::parts(aio::executor_type loop, const config& c, std::vector<blender::install> found,
             const sandbox& around, std::filesystem::path decoder, std::shared_ptr<store::database> kept,
             std::unique_ptr<webhook::sender> to_webhooks, spdlog::logger& log,
             const std::vector<std::string>& environment)
    : store(kept), upload_store(kept), webhook_store(kept), webhook_sender(std::move(to_webhooks)),
      courier(loop, webhook_store, *webhook_sender, {}, log), pool(pool_threads), structure(pool),
      decoding(loop, decoder_starter(loop, decoder, c.state / "kiln-image.log"), decode_limit),
      drawing(loop, decoder_starter(loop, decoder, c.state / "kiln-image.log"), decode_limit, most_drawing),
      filming(loop, decoder_starter(loop, decoder, c.state / "kiln-image.log"), film_limit, 1),
      questions(loop, pool, c.blender_user),
      installs(std::make_shared<local::installs>(loop, std::move(found),
                                                 c.on_slurm ? local::installs::prober{}
                                                            : make_prober(questions, log, c, environment))),
      attempts(make_executor(loop, c, installs, environment, around, blender_times, pool,
                             c.verify_headers_only ? static_cast<image::image_check&>(structure) : decoding,
                             log)),
      executor(*attempts), output(c.output, c.state, pool),
      scheduler(loop, executor, output, store, scheduler_settings(c), log),
      uploads(loop, uploads_directory(c),
              {.file_bytes = c.max_upload_bytes,
               .all_bytes = c.uploads_quota,
               .disk_reserve = c.disk_reserve,
               .are_shared = c.share_uploads},
              upload_store, pool, log),
      blend_finder(blends::project_roots{c.project_roots}, uploads, pool),
      tutorial(scheduler, ends, blend_finder, tutorial_job(c)),
      retention(loop, scheduler, store, uploads, retention_rules(c), log), events(loop, scheduler),
      job_lists(scheduler, store),
      jobs(scheduler, events, ends, blend_finder, pool, permitted_blends(c), limits_of_jobs(c), c.threads),
      frame_lists(scheduler, store, output), frames(scheduler, output, pool),
      pictures(loop, drawing, pool, c.output, c.previews_quota),
      blender_colours(loop, questions, *installs, c.state,
                      local::environment_for_blender(environment, c.blender_user)),
      previews(
          scheduler, output, pictures,
          [this](const auto& blender, const auto& report) { return blender_colours.find(blender, report); }),
      films(loop, place_of_videos(c, around, environment), filming, pictures, pool), videos(scheduler, films),
      logs(scheduler, output, events, pool), blends(uploads, keep_time(c.uploads_keep_days)),
      project_files(blend_finder), webhooks(webhook_store, courier, webhook_targets(c)),
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
               .blender =
                   [this] {
                     const auto all = usable(installs->all());
                     return all.empty() ? std::string{} : all.front().version;
                   }}),
      reference(reference_files(), pool),
      inquiry(questions, c.state, local::environment_for_blender(environment, c.blender_user)),
      blenders(loop, *installs, pool,
               [this, on_slurm = c.on_slurm](auto executable) {
                 return ask_abilities(inquiry, on_slurm, std::move(executable));
               }),
      health(
          loop, [this] { return known_trouble(); }, [this, c] { return look_at_machine(c); },
          aio::log_failures(log, "readiness")),
      doors(rate_of(c), wrong_tokens), service(limits_of(c), hosts_of(c), doors, error_page, pool, log),
      server(loop, service), statistics(store), system_view(facts_of(c, around, scheduler, doors, pool)),
      sign_in(service, doors),
      tokens(loop, c.tokens_file, doors, pool, log, [this] { server.end_sessions_not_admitted(); }) {
  output.before_discard([this](job_id of) { return films.drop(of); });
  scheduler.add_watcher(tutorial);
  scheduler.add_watcher(events);
  scheduler.add_watcher(ends);
  scheduler.add_watcher(metrics);
  scheduler.add_watcher(retention);
  tutorial.add_routes(service);
  job_lists.add_routes(service);
  jobs.add_routes(service);
  frame_lists.add_routes(service);
  previews.add_routes(service);
  videos.add_routes(service);
  frames.add_routes(service);
  events.add_routes(service);
  logs.add_routes(service);
  blends.add_routes(service);
  project_files.add_routes(service);
  webhooks.add_routes(service);
  metrics.add_routes(service);
  reference.add_routes(service);
  api::add_page_routes(service);
  blenders.add_routes(service);
  statistics.add_routes(service);
  system_view.add_routes(service);
  sign_in.add_routes(service);
  service.allow_origins(http::origins{c.allowed_origins});
  service.trust_proxies(proxies_of(c));
  service.serve_as(url_of(c));
  service.report_changes([&log](const auto& asked, const auto& given, std::string_view id) {
    if (const auto line = api::format_audit(asked, given, id); !line.empty())
      log.info("{}", line);
  });
  store.announce(
      [url = url_of(c).text()](const auto& job, auto event, auto when) {
        return http::with_links_at(url, api::format_job_event(job, event, when));
      },
      [this] { courier.wake(); });
  uploads.announce([this] { retention.wake(); });
  health.add_routes(service, process::to_string(around.how));
}

/// The trouble that keeps kilnd from rendering and is known without a look at the machine.
std::optional<std::string> parts::known_trouble() const {
  if (!scheduler.blocked().empty())
    return scheduler.blocked();
  const auto trouble = executor.trouble();
  return trouble.empty() ? std::nullopt : std::optional{trouble};
}

aio::task<api::readiness> parts::look_at_machine(config c) {
  const auto seen = co_await installs->look(pool);
  auto warnings = c.on_slurm ? std::vector<std::string>{} : describe_missing(*seen);
  if (!c.lack_of_user.empty())
    warnings.push_back(c.lack_of_user);
  const auto check_here = [c, seen] { return check_readiness(c, *seen); };
  auto wrong = co_await pool.run(check_here);
  co_return api::readiness{.wrong = std::move(wrong), .warnings = std::move(warnings)};
}

} // namespace kiln::app
