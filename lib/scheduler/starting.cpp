// SPDX-License-Identifier: Apache-2.0
// Starts attempts of waiting jobs: selects the next job, checks for room, and builds the attempt's request.
#include "policy/frame_order.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/times.hpp"

#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace kiln::scheduler {
namespace {

using domain::failure;
using domain::job_state;

constexpr std::size_t most_of_spread = 200; // frames of an attempt in spread order: an argument each

} // namespace

void scheduler::enqueue(const mutable_job& waiting) {
  queue_.insert_or_assign({-waiting->spec.priority, waiting->id}, waiting);
}

void scheduler::start_queued() {
  while (!stopping_ && blocked_.empty() && !queue_.empty() && slots_taken() < settings_.capacity.slots) {
    auto next = queue_.extract(queue_.begin()).mapped();
    running_.emplace(next->id, next);
    next->slots = 1;
    work_.spawn(start(std::move(next)));
  }
  widen();
}

std::size_t scheduler::slots_taken() const noexcept {
  std::size_t taken = 0;
  for (const auto& [id, of] : running_)
    taken += of->slots;
  return taken;
}

void scheduler::stop_runs(const job& of, domain::stop_reason why) {
  const auto runs = of.runs; // one may end at once
  for (const auto& [number, one] : runs)
    executor_.stop({of.id, number}, why);
}

/// Stops attempts of a paused job that do not render yet: they have no frame to finish.
void scheduler::stop_idle_runs(const job& of) {
  const auto runs = of.runs; // one may end at once
  for (const auto& [number, one] : runs)
    if (!of.waits_for.empty() || (!executor_.able_to().many_tasks && !one.record.pid))
      executor_.stop({of.id, number}, domain::stop_reason::pause);
}

/// Takes effect once none of its attempts renders.
void scheduler::end_as(const mutable_job& of, job_state state, std::optional<failure> failure) {
  if (of->slots == 0)
    return finish(of, state, std::move(failure));
  if (!of->ends_as) {
    of->ends_as = ending{state, std::move(failure)};
    stop_runs(*of, domain::stop_reason::cancel);
  }
}

/// Places the job by its remaining frames and its user's wish.
void scheduler::place(const mutable_job& of) {
  if (of->slots > 0) // its other attempts render, and take the remaining frames
    return note(of);
  if (auto decided = std::exchange(of->ends_as, {}))
    return finish(of, decided->state, std::move(decided->failure));
  const auto pending = of->pending();
  if (pending.empty() && of->failed.empty())
    return finish(of, job_state::succeeded, {});
  if (pending.empty())
    return finish(of, job_state::failed,
                  policy::describe_failed_frames(of->failed, of->spec.frames.size(), of->troubles));
  if (of->wish == store::intent::cancel)
    return finish(of, job_state::canceled, {});
  if (of->wish == store::intent::run && !of->spec.hold_after.empty() && of->holding().empty()) {
    of->wish = store::intent::pause;
    log_.info("job pauses after the frames of hold_after {}", words_of(*of));
  }
  of->state = of->wish == store::intent::pause ? job_state::paused : job_state::queued;
  if (of->state == job_state::queued)
    enqueue(of);
  note(of);
}

executor::attempt_request scheduler::begin_attempt(job& of) {
  const auto planned = policy::plan_attempt(of.unassigned(), of.troubles);
  std::vector<int> frames;
  if (is_shared(of))
    frames = next_piece(of);
  else if (!executor_.able_to().many_tasks && of.order() == domain::frame_order::spread)
    frames = policy::next_frames(of.spec.frames, planned, of.order(), most_of_spread);
  auto assigned = frames.empty() ? planned : domain::frame_set::of(frames);
  const int number = ++of.attempts;
  run one{.record = {.number = number, .frames = assigned, .began = now()},
          .began = aio::clock::now(),
          .frame_began = aio::clock::now(),
          .done = 0,
          .frame = {}};
  ledger::add(of, one.record);
  const bool is_first = of.runs.empty();
  if (is_first) {
    of.frame.reset();
    of.waits_for.clear();
    of.tasks.reset();
  }
  of.runs.emplace(number, std::move(one));
  std::optional<policy::forecast> forecast;
  if (is_first && !of.past_seconds.empty())
    forecast.emplace(is_shared(of) ? planned : assigned, of.past_seconds, of.past_loading);
  auto request = request_for(of, number, std::move(assigned), 0);
  request.in_order = std::move(frames);
  request.open = is_shared(of);
  if (is_first) // the request holds the earlier measurements
    of.timeline.begin(aio::clock::now(), std::move(forecast));
  of.timeline.on_begin(number, afterwards_of(of.spec), aio::clock::now());
  return request;
}

executor::attempt_request scheduler::request_for(const job& of, int number, domain::frame_set frames,
                                                 double seconds_so_far) const {
  executor::attempt_request request{{of.id, number}, of.spec, std::move(frames)};
  if (of.spec.timeout)
    request.time_left = std::chrono::duration_cast<std::chrono::milliseconds>(
        *of.spec.timeout - std::chrono::duration<double>(of.render_seconds + seconds_so_far));
  if (of.spec.stall_timeout)
    request.patience = of.spec.stall_timeout;
  else if (settings_.stall_timeout.count() > 0)
    request.patience = settings_.stall_timeout;
  request.owner = of.owner;
  // The first attempt has all cores; additional ones share them.
  if (of.runs.size() > 1 && of.spec.threads == 0)
    request.spec.threads = policy::threads_of(wanted_width(of), settings_.cores);
  std::vector<int> failed;
  for (const auto& [frame, trouble] : of.troubles)
    if (request.frames.contains(frame))
      failed.push_back(frame);
  request.failed_before = domain::frame_set::of(std::move(failed));
  const auto& timing = of.timeline.timing();
  request.frame_seconds = timing.measured() > 0 ? std::optional{timing.mean()} : of.past_frame();
  request.start_up_seconds = timing.loading().value_or(of.past_loading);
  return request;
}

aio::task<bool> scheduler::has_room() {
  const auto needed = std::max(settings_.disk_reserve, needed_room_);
  if (needed == 0)
    co_return true;
  co_return co_await output_.free_bytes() >= needed;
}

aio::task<> scheduler::start(mutable_job next) {
  std::optional<int> number;
  const auto give_back = [&] {
    if (number) {
      if (const auto one = next->runs.extract(*number)) {
        one.mapped().record.ended = now();
        ledger::add(*next, one.mapped().record);
      }
    }
    if (--next->slots == 0)
      running_.erase(next->id);
    place(next);
    started_.notify_all();
  };
  if (!co_await has_room()) {
    block("the disk of the output has less free than the reserve (disk_reserve)");
    give_back();
    co_return;
  }
  const auto is_wanted = [&] { return !stopping_ && next->wish == store::intent::run && !next->ends_as; };
  if (!is_wanted() || next->unassigned().empty()) {
    give_back();
    co_return;
  }
  // It may have been accepted under another configuration.
  if (auto refused = domain::refuse_autorun(next->spec, settings_.limits)) {
    end_as(next, job_state::failed,
           failure{.kind = domain::failure_kind::invalid_setting, .message = std::move(*refused)});
    give_back();
    co_return;
  }
  // The .blend and the Blenders may have changed since the job was queued. All frames of a job use one
  // Blender, so it is not changed after the first frame.
  const bool is_free = next->spec.blender.empty() || !next->spec.blender_choice.empty();
  if (is_free && settings_.limits.blenders.size() > 1 && next->done.empty() && next->runs.empty()) {
    co_await choose_blender(next->spec);
    if (!is_wanted()) {
      give_back();
      co_return;
    }
  }
  auto request = begin_attempt(*next);
  const auto id = request.id;
  number = id.number;
  // Before anything runs, so that a crash of the daemon leaves no unrecorded process.
  if (const auto kept = co_await ledger_.commit(next, store::durability::relaxed); !kept) {
    block("the state directory cannot be written");
    give_back();
    co_return;
  }
  if (!is_wanted()) {
    give_back();
    co_return;
  }
  const auto pid = co_await executor_.start(std::move(request), *this);
  if (pid) {
    by_pid_.insert_or_assign(*pid, next->id);
    log_.info("attempt runs {} attempt={} pid={}", words_of(*next), id.number, *pid);
    if (!next->is_closing() && !domain::is_final(next->state)) {
      next->pid = pid;
      if (const auto found = next->runs.find(id.number);
          found != next->runs.end()) { // otherwise it has already ended
        found->second.record.pid = pid;
        ledger::add(*next, found->second.record);
        if (!next->started)
          next->started = found->second.record.began;
        next->state = job_state::running;
      } else if (!next->started) {
        next->started = now();
      }
      note(next);
    }
  }
  if (!pid && current(id))
    log_.info("attempt is elsewhere job={} attempt={}", next->id.str(), id.number);
  started_.notify_all();
}

void scheduler::block(std::string why) {
  if (!blocked_.empty())
    return;
  blocked_ = std::move(why);
  log_.warn("no attempt is started until this is over reason={}", blocked_);
  work_.spawn(wait_for_room());
}

aio::task<> scheduler::wait_for_room() {
  if (std::exchange(disk_was_full_, false)) {
    // Removing the unwritten frames may already have freed room: wait for more than that. With a lot of room,
    // something else was full, and only time can help.
    constexpr std::uintmax_t a_lot = 256U << 20, least = 1U << 20;
    const auto free = co_await output_.free_bytes();
    needed_room_ = free < a_lot ? free + std::max(least, largest_frame_) : 0;
  }
  // Then only a try can show whether another shortage, of inodes or of a quota, is over.
  constexpr int most_looks = 60;
  bool has = false;
  for (int looks = 1; !stopping_ && !has; ++looks) {
    boost::system::error_code ignored;
    look_again_.expires_after(settings_.look_again);
    co_await look_again_.async_wait(aio::asio::redirect_error(aio::use_task, ignored));
    if (looks == most_looks)
      needed_room_ = 0;
    has = !stopping_ && co_await has_room();
  }
  if (stopping_)
    co_return;
  log_.info("attempts are started again after: {}", blocked_);
  blocked_.clear();
  needed_room_ = 0;
  for (const auto& [key, waiting] : queue_)
    tell(*waiting);
  start_queued();
}

} // namespace kiln::scheduler
