// SPDX-License-Identifier: Apache-2.0
#include "executor/local_attempt.hpp"

#include "aio/task_group.hpp"
#include "blender/command_line.hpp"
#include "executor/log_notes.hpp"
#include "process/adopted.hpp"
#include "process/process_table.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <sys/stat.h>

namespace kiln::executor {
namespace {

using domain::failure;
using domain::failure_kind;

constexpr std::uintmax_t full_below = 1 << 20; // bytes that are free: no image of use fits in there

failure launch_failure(const error& e) {
  using namespace boost::system::errc;
  if (e.code == errc::not_found) // no Blender has the name that was asked for
    return {.kind = failure_kind::blender_missing, .message = "Blender cannot be started: " + e.message};
  // The directory and the log have just been made, so what is missing here is the program.
  for (const auto code :
       {no_such_file_or_directory, permission_denied, not_a_directory, executable_format_error})
    if (e.code == code)
      return {.kind = failure_kind::blender_missing, .message = "Blender cannot be started: " + e.message};
  return {.kind = failure_kind::internal, .message = "Blender cannot be started: " + e.message};
}

std::vector<int> frames_in_order(const attempt_request& of) {
  return of.in_order.empty() ? std::vector<int>{of.frames.begin(), of.frames.end()} : of.in_order;
}

aio::unique_descriptor open_log(const std::filesystem::path& log) {
  return aio::unique_descriptor{::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
                                       S_IRUSR | S_IWUSR | S_IRGRP)};
}

} // namespace

local_attempt::local_attempt(aio::executor_type loop, const local_settings& settings,
                             aio::blocking_pool& pool, image::image_check& images, blend_digests& digests,
                             session_pool& sessions, attempt_request request, attempt_observer& observer)
    : loop_(loop), settings_(settings), pool_(pool), digests_(digests), sessions_(sessions),
      request_(std::move(request)), observer_(observer),
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
  if (!process_)
    return;
  const bool in_a_hurry = reason != domain::stop_reason::cancel && reason != domain::stop_reason::pause;
  if (in_a_hurry || std::exchange(stopped_gently_, true))
    process_->stop();
  else
    process_->stop_gently();
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
  const auto& spec = request_.spec;
  if (sessions_.is_on() && !spec.own_process) {
    // One that cannot be read has no digest; what is wrong with it is said below.
    if (auto digest = co_await digests_.of(spec.blend)) {
      auto key = key_of(spec, std::move(*digest), request_.owner);
      co_return co_await launch_in_session(std::move(key));
    }
  }
  co_await launch_own();
}

aio::task<> local_attempt::launch_own() {
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
  auto sandbox = co_await confine_blender(pool_, settings_, paths_, request_.spec.blend);
  if (!sandbox) {
    facts_.start_failure = internal_failure(sandbox.error().message);
    co_return;
  }
  if (facts_.stopped || left_)
    co_return;
  facts_.start_failure = start_process(std::move(*sandbox));
  if (!facts_.start_failure)
    co_await follow(std::move(*closed));
}

aio::task<> local_attempt::launch_in_session(session_key key) {
  for (;;) {
    auto wanted = key;
    auto taken = co_await sessions_.take(std::move(wanted));
    if (!taken) {
      facts_.start_failure = write_failure(taken.error());
      co_return;
    }
    in_ = *taken; // until clean_up(): its directory holds our workspace
    const bool again = co_await render_in(in_);
    if (!again)
      co_return;
    sessions_.give_back(std::exchange(in_, nullptr), false);
  }
}

/// True when the session has ended before it knew of this attempt: that is no fault of the attempt.
aio::task<bool> local_attempt::render_in(session_pool::session_ptr one) {
  paths_ = paths_in_session(request_.id, one->directory(), settings_.output, settings_.state);
  const auto prepare_here = [paths = paths_, blend = request_.spec.blend, open = settings_.open_blend] {
    return prepare(paths, blend, open);
  };
  facts_.start_failure = co_await pool_.run(prepare_here);
  if (facts_.start_failure || facts_.stopped || left_) {
    sound_ = one->is_alive();
    co_return false;
  }
  auto closed = watch::directory_watch::open(loop_, paths_.workspace); // before the first frame can be closed
  if (!closed) {
    facts_.start_failure = internal_failure(closed.error().message);
    co_return false;
  }
  const bool is_new = !one->is_launched();
  if (is_new) {
    auto sandbox = co_await confine_blender(pool_, settings_, paths_, request_.spec.blend);
    if (!sandbox) {
      facts_.start_failure = internal_failure(sandbox.error().message);
      co_return false;
    }
    if (facts_.stopped || left_)
      co_return false;
    if (const auto started = sessions_.launch(one, std::move(*sandbox), paths_.log); !started) {
      facts_.start_failure = launch_failure(started.error());
      co_return false;
    }
  }
  const auto log = open_log(paths_.log);
  if (!log.is_open()) {
    facts_.start_failure = internal_failure(system_error(errno, "open " + paths_.log.native()).message);
    co_return false;
  }
  const blender::session_order order{.blend = request_.spec.blend,
                                     .settings = request_.spec.settings,
                                     .workspace = paths_.workspace,
                                     .frames = frames_in_order(request_),
                                     .open = request_.open};
  auto held = one->begin(order, log.get(), *this);
  if (!is_new) { // one that waited may have died of it
    const bool taken_up = co_await one->takes_up();
    if (!taken_up && !facts_.stopped && !left_)
      co_return true;
  }
  process_ = std::move(held);
  if (facts_.stopped)
    process_->stop();
  if (left_)
    process_->leave();
  co_await follow(std::move(*closed));
  const bool whole = facts_.exit && facts_.exit->is_success() && facts_.rejected.empty();
  sound_ = whole && (facts_.stopped || facts_.published.size() == request_.frames.size());
  process_.reset(); // lets go of the session
  co_return false;
}

void local_attempt::on_frame_begun(int frame) {
  last_sign_ = aio::clock::now();
  facts_.last_named = frame;
  observer_.on_progress(request_.id, {.frame = frame});
}

void local_attempt::on_frame_saved(int) {
  last_sign_ = aio::clock::now();
}

void local_attempt::on_hungry() {
  if (facts_.stopped)
    in_->give({});
  else
    observer_.on_hungry(request_.id);
}

void local_attempt::give(const std::vector<int>& frames) {
  if (!in_)
    return;
  for (const int frame : frames) {
    request_.frames.add(frame);
    facts_.requested.add(frame);
  }
  in_->give(frames);
}

std::uint64_t local_attempt::memory() const noexcept {
  return in_ ? in_->wear().memory : 0;
}

void local_attempt::on_trouble(const std::string& why) {
  const auto end = why.find_last_not_of(" \n");
  const auto last_line = why.rfind('\n', end) + 1; // npos + 1 is 0
  trouble_ = why.substr(last_line, end - last_line + 1);
}

aio::task<> local_attempt::adopt() {
  facts_.lost = true;
  const auto find_here = [id = request_.id, output = settings_.output, state = settings_.state] {
    return find_paths(id, output, state);
  };
  paths_ = co_await pool_.run(find_here);
  auto closed = watch::directory_watch::open(loop_, paths_.workspace);
  auto running = process::adopted::find(loop_, paths_.directory, mark_of(paths_.temp), settings_.stop_grace);
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
  if (!trouble_.empty() && facts_.complaints.empty())
    complain(facts_, {.kind = failure_kind::frames_missing,
                      .message = "Blender could not render: " + trouble_ + "; see its log",
                      .frame = facts_.last_named});
  settings_.times->exit.add(std::chrono::duration<double>(aio::clock::now() - exited).count());
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
  const auto runs =
      request_.in_order.empty() ? request_.frames.progressions() : blender::runs_of(request_.in_order);
  auto arguments = blender::format_arguments(request_.spec, runs, paths_.workspace, paths_.script);
  if (!arguments)
    return failure{.kind = failure_kind::output_unwritable, .message = arguments.error().message};
  auto child = start_blender(loop_, settings_,
                             {.blender = request_.spec.blender,
                              .arguments = std::move(*arguments),
                              .paths = paths_,
                              .blend = request_.spec.blend,
                              .sandbox = std::move(sandbox)});
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
  const auto remove_here = [paths = paths_, with_session = facts_.lost] {
    remove(paths);
    std::error_code ignored;
    if (with_session) // of an earlier life: nobody else renders there
      std::filesystem::remove_all(paths.directory, ignored);
    return true;
  };
  (void)co_await pool_.run(remove_here);
  if (in_)
    sessions_.give_back(std::exchange(in_, nullptr), sound_);
}

} // namespace kiln::executor
