// SPDX-License-Identifier: Apache-2.0
#include "scheduler/scheduler.hpp"

#include "policy/queue_wait.hpp"
#include "policy/retry_after.hpp"
#include "policy/verdict.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cassert>

namespace kiln::scheduler {
namespace {

using domain::job_state;

double seconds_between(aio::clock::time_point from, aio::clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

aio::task_group::failure_handler log_failures(spdlog::logger& log) {
  return [&log](const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      log.error("starting a job threw: {}", e.what());
    }
  };
}

} // namespace

scheduler::scheduler(aio::executor_type loop, executor::executor& attempts, settings limits,
                     spdlog::logger& log)
    : loop_(loop), executor_(attempts), settings_(limits), log_(log), random_(std::random_device{}()),
      started_(loop), starts_(loop, log_failures(log)) {}

aio::task<result<scheduler::job_ptr>> scheduler::submit(domain::job_spec spec) {
  if (auto good = domain::check_job(spec, settings_.limits); !good)
    co_return good.error();
  if (stopping_)
    co_return error{errc::unavailable, "kilnd is stopping"};
  const auto decision = policy::decide_admission(load(), settings_.capacity);
  if (decision == policy::admission::refuse)
    co_return error{errc::unavailable, "the queue is full"};

  auto added = std::make_shared<job>();
  added->id = new_id();
  added->spec = std::move(spec);
  jobs_.emplace(added->id, added);
  log_.info("job taken job={} frames={} queued={}", added->id.str(),
            domain::format_frame_set(added->spec.frames), queue_.size());
  queue_.push_back(added);
  changed(*added);
  start_queued();
  // An attempt that begins at once has a pid to tell, so wait for it: that is what /job answers with.
  while (added->state == job_state::queued && running_.contains(added->id))
    co_await started_.wait();
  co_return added;
}

void scheduler::start_queued() {
  while (!stopping_ && !queue_.empty() && running_.size() < settings_.capacity.slots) {
    auto next = queue_.front();
    queue_.pop_front();
    running_.emplace(next->id, next);
    starts_.spawn(start(std::move(next)));
  }
}

aio::task<> scheduler::start(std::shared_ptr<job> next) {
  const attempt_id id{next->id, ++next->attempts};
  next->attempt_began = next->frame_began = aio::clock::now();
  next->timing = {};
  next->frame_fraction.reset();
  executor::attempt_request request{id, next->spec};
  const auto pid = co_await executor_.start(std::move(request), *this);
  if (pid) {
    next->pid = pid;
    if (next->state == job_state::queued) // else it has ended already
      next->state = job_state::running;
    by_pid_.insert_or_assign(*pid, next->id);
    log_.info("attempt runs job={} attempt={} pid={}", next->id.str(), id.number, *pid);
    changed(*next);
    if (stopping_)
      executor_.stop(id, domain::stop_reason::shutdown);
  }
  started_.notify_all();
}

std::shared_ptr<job> scheduler::current(const attempt_id& id) const {
  const auto found = running_.find(id.job);
  return found != running_.end() && found->second->attempts == id.number ? found->second : nullptr;
}

void scheduler::on_progress(const attempt_id& id, int, double fraction) {
  const auto of = current(id);
  if (!of)
    return;
  if (of->timing.frames() == 0 && !of->timing.loading()) // the first word of a frame: the scene is loaded
    of->timing.loaded(seconds_between(of->attempt_began, aio::clock::now()));
  of->frame_fraction = fraction;
}

void scheduler::on_published(const attempt_id& id, const executor::published_frame& frame) {
  const auto of = current(id);
  if (!of)
    return;
  of->timing.frame_done(seconds_between(of->frame_began, frame.closed));
  frame_seconds_[of->spec.blend] = of->timing.mean();
  of->frame_began = frame.closed;
  of->frame_fraction.reset();
  ++of->frames_done;
  log_.info("frame done job={} frame={} path={}", id.job.str(), frame.frame, frame.path.native());
  changed(*of);
}

void scheduler::on_end(const attempt_id& id, const domain::attempt_facts& facts) {
  const auto of = current(id);
  if (!of)
    return;
  auto verdict = policy::decide_verdict(facts);
  running_.erase(id.job);
  finish(*of, verdict.state, std::move(verdict.failure));
  started_.notify_all();
  start_queued();
}

void scheduler::finish(job& done, job_state state, std::optional<domain::failure> failure) {
  assert(domain::can_become(done.state, state));
  done.state = state;
  done.failure = std::move(failure);
  if (done.failure)
    log_.warn("job ended job={} state={} kind={} frames_done={} reason={}", done.id.str(), to_string(state),
              to_string(done.failure->kind), done.frames_done, done.failure->message);
  else
    log_.info("job ended job={} state={} frames_done={}", done.id.str(), to_string(state), done.frames_done);
  ended_.push_back(done.id);
  changed(done);
  forget_oldest();
}

void scheduler::changed(job& what) {
  ++what.revision;
  if (watcher_)
    watcher_->on_change(what);
}

void scheduler::forget_oldest() {
  while (ended_.size() > settings_.kept) {
    const auto gone = jobs_.extract(ended_.front());
    ended_.pop_front();
    const auto& old = *gone.mapped();
    if (const auto pid = old.pid ? by_pid_.find(*old.pid) : by_pid_.end();
        pid != by_pid_.end() && pid->second == old.id)
      by_pid_.erase(pid);
    if (watcher_)
      watcher_->on_forgotten(old);
  }
}

job_id scheduler::new_id() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return job_id::make(std::chrono::duration_cast<std::chrono::milliseconds>(since_1970), random_());
}

scheduler::job_ptr scheduler::find(const job_id& id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : found->second;
}

scheduler::job_ptr scheduler::find_by_pid(pid_t pid) const {
  const auto found = by_pid_.find(pid);
  return found == by_pid_.end() ? nullptr : find(found->second);
}

double scheduler::chance() {
  return std::uniform_real_distribution<double>{}(random_);
}

policy::progress scheduler::progress_of(const job& of) const {
  const auto now = aio::clock::now();
  policy::progress p;
  p.frames_left = static_cast<int>(of.spec.frames.size() - of.frames_done);
  p.elapsed = seconds_between(of.attempt_began, now);
  p.frame_age = seconds_between(of.frame_began, now);
  p.frame_fraction = of.frame_fraction;
  return p;
}

double scheduler::guess_seconds(const job& of) const {
  const auto known = frame_seconds_.find(of.spec.blend);
  return known == frame_seconds_.end() ? 0 : known->second * static_cast<double>(of.spec.frames.size());
}

int scheduler::retry_after(const job& of) {
  if (running_.contains(of.id))
    return policy::retry_after(of.timing, progress_of(of), chance());
  std::vector<double> running;
  for (const auto& [id, other] : running_) {
    const auto left = policy::estimate_time_left(other->timing, progress_of(*other));
    running.push_back(left ? left->likely : guess_seconds(*other));
  }
  std::vector<double> ahead;
  for (const auto& other : queue_) {
    if (other->id == of.id)
      break;
    ahead.push_back(guess_seconds(*other));
  }
  const auto wait = policy::queue_wait(running, ahead, settings_.capacity.slots);
  return policy::retry_after_queued(wait, guess_seconds(of), chance());
}

int scheduler::retry_after_refusal() {
  constexpr double least = 5; // seconds
  return policy::overload_retry_after(least, chance());
}

policy::load scheduler::load() const noexcept {
  return {.running = running_.size(), .queued = queue_.size()};
}

aio::task<> scheduler::stop() {
  stopping_ = true;
  for (const auto& waiting : std::exchange(queue_, {}))
    finish(*waiting, job_state::canceled, {});
  hurry();
  co_await starts_.join();
  co_await executor_.join();
}

void scheduler::hurry() {
  for (const auto& [id, of] : running_)
    executor_.stop({id, of->attempts}, domain::stop_reason::shutdown);
}

} // namespace kiln::scheduler
