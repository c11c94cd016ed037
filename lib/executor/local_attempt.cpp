// SPDX-License-Identifier: Apache-2.0
#include "executor/local_attempt.hpp"

#include "aio/task_group.hpp"
#include "blender/command_line.hpp"
#include "executor/blender_walls.hpp"
#include "executor/log_notes.hpp"
#include "process/adopted.hpp"
#include "process/child.hpp"
#include "process/process_table.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

namespace kiln::executor {
namespace {

using domain::failure;
using domain::failure_kind;

constexpr std::uintmax_t full_below = 1 << 20; // bytes that are free: no image of use fits in there

constexpr std::array time_bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                 0.1,    0.25,    0.5,    1.0,   2.5,    5.0,   10.0, 30.0};

double seconds_since(aio::clock::time_point began) {
  return std::chrono::duration<double>(aio::clock::now() - began).count();
}

failure launch_failure(const error& e) {
  using namespace boost::system::errc;
  // The directory and the log have just been made, so what is missing here is the program.
  for (const auto code :
       {no_such_file_or_directory, permission_denied, not_a_directory, executable_format_error})
    if (e.code == code)
      return {.kind = failure_kind::blender_missing, .message = "Blender cannot be started: " + e.message};
  return {.kind = failure_kind::internal, .message = "Blender cannot be started: " + e.message};
}

} // namespace

local_times::local_times() : spawn(time_bounds), exit(time_bounds) {}

local_attempt::local_attempt(aio::executor_type loop, const local_settings& settings,
                             aio::blocking_pool& pool, image::image_check& images, attempt_request request,
                             attempt_observer& observer)
    : loop_(loop), settings_(settings), pool_(pool), request_(std::move(request)), observer_(observer),
      paths_(paths_of(request_.id, settings.output, settings.state)), time_over_(loop), sign_due_(loop),
      frames_(pool, images, paths_.final_dir, facts_) {
  facts_.requested = request_.frames;
}

std::optional<pid_t> local_attempt::pid() const noexcept {
  return process_ ? std::optional{process_->pid()} : std::nullopt;
}

void local_attempt::stop(domain::stop_reason reason) {
  if (!facts_.stopped)
    facts_.stopped = reason;
  if (process_)
    process_->stop();
}

void local_attempt::leave() {
  left_ = true;
  if (process_)
    process_->leave();
}

aio::task<std::optional<domain::attempt_facts>> local_attempt::run(beginning how,
                                                                   std::function<void()> on_started) {
  on_started_ = std::move(on_started);
  try {
    if (how == beginning::launch)
      co_await launch();
    else
      co_await adopt();
  } catch (...) {
    complain_of(facts_, std::current_exception());
  }
  if (left_)
    co_return std::nullopt;
  co_return facts_;
}

aio::task<> local_attempt::launch() {
  // The .blend may not be the one any more that was there when the job was taken.
  const auto prepare_here = [paths = paths_, blend = request_.spec.blend, open = settings_.open_blend] {
    return prepare(paths, blend, open);
  };
  facts_.start_failure = co_await pool_.run(prepare_here);
  if (facts_.start_failure || facts_.stopped || left_)
    co_return;

  auto closed = watch::directory_watch::open(loop_, paths_.workspace); // before the first frame can be closed
  if (!closed) {
    facts_.start_failure = internal_failure(closed.error().message);
    co_return;
  }
  const auto confine_here = [this] {
    return process::confine(settings_.sandbox,
                            walls_of_attempt(settings_.walls, paths_, request_.spec.blend));
  };
  auto sandbox = co_await pool_.run(confine_here);
  if (!sandbox) {
    facts_.start_failure = internal_failure("the sandbox cannot be built: " + sandbox.error().message);
    co_return;
  }
  if (facts_.stopped || left_)
    co_return;
  facts_.start_failure = start_process(std::move(*sandbox));
  if (!facts_.start_failure)
    co_await follow(std::move(*closed));
}

aio::task<> local_attempt::adopt() {
  facts_.lost = true;
  auto closed = watch::directory_watch::open(loop_, paths_.workspace);
  auto running = process::adopted::find(loop_, paths_.workspace, mark_of(paths_), settings_.stop_grace);
  if (running && !closed) {
    (*running)->stop(); // nobody could see its frames
    complain(facts_, internal_failure(closed.error().message));
  }
  if (!running || !closed) {
    co_await rescan(); // what it has finished counts
    co_return;
  }
  process_ = std::move(*running);
  observer_.on_adopted(request_.id, process_->pid());
  if (facts_.stopped)
    process_->stop();
  co_await follow(std::move(*closed));
}

aio::task<> local_attempt::follow(watch::directory_watch closed) {
  on_started_();
  last_sign_ = aio::clock::now();
  auto tail = watch::file_tail::open(loop_, paths_.log);
  if (!tail)
    complain(facts_, internal_failure(tail.error().message)); // no progress and no reasons, but frames
  aio::task_group readers{loop_, [this](const std::exception_ptr& thrown) { complain_of(facts_, thrown); }};
  if (tail)
    readers.spawn(read_log(*tail));
  readers.spawn(read_frames(closed));
  if (request_.time_left)
    readers.spawn(watch_time());
  if (request_.patience)
    readers.spawn(watch_signs_of_life());

  const auto end = co_await process_->watch();
  if (end.exit) {
    facts_.exit = end.exit;
    facts_.lost = false;
  }
  const auto exited = aio::clock::now();
  ended_ = true;
  time_over_.cancel();
  sign_due_.cancel();
  if (tail)
    tail->finish();
  closed.finish();
  co_await readers.join();
  if (end.left)
    co_return;
  co_await rescan(); // a reader may have failed, and an undecodable file may be whole by now
  if (!facts_.rejected.empty())
    co_await explain_rejected();
  settings_.times->exit.add(seconds_since(exited));
}

aio::task<> local_attempt::watch_time() {
  boost::system::error_code ec;
  time_over_.expires_after(*request_.time_left);
  co_await time_over_.async_wait(aio::asio::redirect_error(aio::use_task, ec));
  if (!ec)
    stop(domain::stop_reason::timeout);
}

aio::task<> local_attempt::watch_signs_of_life() {
  const auto patience = *request_.patience;
  constexpr int looks = 4; // at the CPU time, while nothing else is heard
  std::uint64_t ticks = 0;
  while (!ended_) {
    boost::system::error_code ec;
    sign_due_.expires_after(patience / looks);
    co_await sign_due_.async_wait(aio::asio::redirect_error(aio::use_task, ec));
    if (ec)
      co_return;
    const auto look = [group = process_->pid()] { return process::cpu_ticks_of_group(group); };
    const auto now_ticks = co_await pool_.run(look);
    if (std::exchange(ticks, now_ticks) != now_ticks)
      last_sign_ = aio::clock::now();
    else if (!ended_ && aio::clock::now() - last_sign_ >= patience) {
      stop(domain::stop_reason::stall);
      co_return;
    }
  }
}

/// On a full disk Blender writes half of a PNG, prints nothing and exits with 0.
aio::task<> local_attempt::explain_rejected() {
  const auto free_here = [workspace = paths_.workspace] { return free_bytes(workspace); };
  if (co_await pool_.run(free_here) < full_below)
    complain(facts_, {.kind = failure_kind::disk_full,
                      .message = "the disk is full: Blender could not write whole images to " +
                                 settings_.output.native()});
}

std::optional<failure> local_attempt::start_process(process::confinement_ptr sandbox) {
  auto arguments = blender::format_arguments(request_.spec, request_.frames, paths_.workspace, paths_.script);
  if (!arguments)
    return failure{.kind = failure_kind::output_unwritable, .message = arguments.error().message};
  process::launch_request request{.executable = settings_.blender,
                                  .arguments = std::move(*arguments),
                                  .environment = settings_.environment,
                                  .working_directory = paths_.workspace,
                                  .log_file = paths_.log,
                                  .sandbox = std::move(sandbox)};
  request.environment.push_back(mark_of(paths_));
  for (const char* name : {"TEMP=", "TMP="})
    request.environment.push_back(name + paths_.temp.native());
  if (request.sandbox)
    request.environment.push_back(
        describe_for_script(walls_of_attempt(settings_.walls, paths_, request_.spec.blend)));
  const auto began = aio::clock::now();
  auto child = process::child::launch(loop_, request, settings_.stop_grace);
  settings_.times->spawn.add(seconds_since(began));
  if (!child)
    return launch_failure(child.error());
  process_ = std::move(*child);
  return std::nullopt;
}

aio::task<> local_attempt::read_log(watch::file_tail& tail) {
  const auto tell = [this](const blender::log_event& event) {
    if (const auto* report = std::get_if<blender::scene_report>(&event))
      observer_.on_report(request_.id, *report);
    else if (const auto* progress = std::get_if<blender::frame_progress>(&event))
      observer_.on_progress(request_.id, *progress);
  };
  log_notes notes{facts_, tell};
  while (const auto chunk = co_await tail.next()) {
    last_sign_ = aio::clock::now();
    notes.feed(*chunk);
    observer_.on_output(request_.id, *chunk);
  }
  notes.finish();
}

aio::task<> local_attempt::read_frames(watch::directory_watch& closed) {
  if (facts_.lost)
    co_await rescan(); // what was closed while nobody watched
  while (auto files = co_await closed.next()) {
    for (auto& name : files->names)
      co_await consider(std::move(name));
    if (files->rescan)
      co_await rescan();
  }
}

aio::task<> local_attempt::rescan() {
  const auto list = [workspace = paths_.workspace] { return list_files(workspace); };
  auto names = co_await pool_.run(list);
  std::ranges::sort(names);
  for (auto& name : names)
    co_await consider(std::move(name));
}

aio::task<> local_attempt::consider(std::string name) {
  const auto closed_at = aio::clock::now();
  auto file = paths_.workspace / name;
  const auto news = co_await frames_.consider(std::move(file), closed_at);
  if (!news)
    co_return;
  last_sign_ = closed_at;
  observer_.on_published(request_.id, *news);
}

aio::task<> local_attempt::clean_up() {
  const auto remove_here = [paths = paths_] {
    remove(paths);
    return true;
  };
  (void)co_await pool_.run(remove_here);
}

} // namespace kiln::executor
