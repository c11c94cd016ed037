// SPDX-License-Identifier: Apache-2.0
// Operations requested by users.
#include "scheduler/scheduler.hpp"

#include "aio/log_failures.hpp"
#include "base/scope_exit.hpp"
#include "scheduler/reservation.hpp"
#include "scheduler/times.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace kiln::scheduler {
namespace {

using domain::job_state;

error is_final_error(const job_id& id) {
  return {errc::conflict, "job " + id.str() + " has ended already"};
}

} // namespace

scheduler::scheduler(aio::executor_type loop, executor::executor& attempts, output::output_store& output,
                     store::job_store& kept, settings limits, spdlog::logger& log)
    : loop_(loop), executor_(attempts), output_(output), store_(kept), settings_(limits), log_(log),
      ledger_(loop, kept, log), random_(std::random_device{}()), look_again_(loop), started_(loop),
      work_(loop, aio::log_failures(log, "the scheduler")) {}

aio::task<result<scheduler::job_ptr>> scheduler::submit(domain::job_spec spec, std::string owner) {
  return take(std::move(spec), std::move(owner), std::nullopt);
}

aio::task<result<scheduler::job_ptr>> scheduler::submit_once(domain::job_spec spec, store::request_key by) {
  auto owner = by.principal;
  return take(std::move(spec), std::move(owner), std::move(by));
}

aio::task<result<scheduler::job_ptr>> scheduler::take(domain::job_spec spec, std::string owner,
                                                      std::optional<store::request_key> by) {
  if (const auto wrong = domain::check_job(spec, settings_.limits); !wrong.empty())
    co_return error{errc::invalid_input, wrong.front().message};
  co_await choose_blender(spec);
  if (stopping_)
    co_return error{errc::unavailable, "kilnd is stopping"};
  if (policy::decide_admission(load(), settings_.capacity) == policy::admission::refuse)
    co_return error{errc::unavailable, "the queue is full"};

  auto added = std::make_shared<job>();
  added->id = new_id();
  added->owner = std::move(owner);
  added->spec = std::move(spec);
  added->created = now();
  const auto kept = co_await add_to_store(*added, by);
  if (!kept && by && kept.error().code == errc::conflict)
    co_return error{errc::conflict, "a request with this Idempotency-Key was just answered: ask again"};
  if (!kept) {
    log_.error("a job could not be taken reason={}", kept.error().message);
    co_return error{errc::unavailable, "the job cannot be kept now; the log of kilnd says why"};
  }
  jobs_.emplace(added->id, added);
  log_.info("job taken {} frames={} queued={}", words_of(*added),
            domain::format_frame_set(added->spec.frames), queue_.size());
  if (!added->spec.blender_choice.empty())
    log_.info("Blender chosen {} blender={} reason={}", words_of(*added), added->spec.blender,
              added->spec.blender_choice);
  if (!added->spec.blender_warning.empty())
    log_.warn("the .blend is newer than its Blender {} reason={}", words_of(*added),
              added->spec.blender_warning);
  work_.spawn(learn(added));
  enqueue(added);
  tell(*added);
  start_queued();
  // Wait for an attempt that starts at once: /job answers with its pid.
  while (added->state == job_state::queued && running_.contains(added->id) && added->waits_for.empty() &&
         !stopping_)
    co_await started_.wait();
  co_await ledger_.wait_closed(added); // if the attempt could not be started
  co_return added;
}

/// The job counts as queued meanwhile.
aio::task<result<void>> scheduler::add_to_store(job& added, const std::optional<store::request_key>& by) {
  ++adding_;
  const scope_exit over{[this] { --adding_; }};
  store::job_record record = added;
  added.page.last_written = record.revision;
  if (!by)
    co_return co_await store_.add(std::move(record));
  auto key = *by;
  co_return co_await store_.add_once(std::move(record), std::move(key));
}

/// Repeats an earlier automatic choice; a Blender named by the client is kept.
aio::task<> scheduler::choose_blender(domain::job_spec& spec) {
  auto asked = spec;
  if (!spec.blender_choice.empty())
    asked.blender.clear();
  const auto chosen = co_await executor_.choose_blender(std::move(asked));
  if (!chosen)
    co_return;
  spec.blender = chosen->blender;
  spec.blender_choice = chosen->reason;
  spec.blender_warning = chosen->warning;
}

aio::task<result<std::optional<store::kept_request>>> scheduler::find_request(std::string principal,
                                                                              std::string key) {
  return store_.find_request(std::move(principal), std::move(key));
}

aio::task<> scheduler::keep_answer(store::request_key by, std::string answer) {
  const auto kept = co_await store_.keep_answer(std::move(by), std::move(answer));
  if (!kept)
    log_.error("an answer could not be kept reason={}", kept.error().message);
}

aio::task<result<scheduler::mutable_job>> scheduler::live(job_id id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) {
    const auto kept = co_await store_.find(id);
    if (!kept)
      co_return kept.error();
    co_return *kept ? is_final_error(id) : error{errc::not_found, "there is no job " + id.str()};
  }
  const auto job = found->second;
  co_await ledger_.wait_closed(job);
  if (domain::is_final(job->state))
    co_return is_final_error(id);
  co_return job;
}

aio::task<result<scheduler::job_ptr>> scheduler::cancel(job_id id) {
  const auto found = co_await live(id);
  if (!found && found.error().code == errc::conflict)
    co_return co_await look_up(id); // it has ended: nothing to cancel
  if (!found)
    co_return found.error();
  const auto job = *found;
  const auto before = std::exchange(job->wish, store::intent::cancel);
  if (const auto saved = co_await ledger_.commit(job, store::durability::durable); !saved) {
    job->wish = before;
    co_return saved.error();
  }
  log_.info("job is to be cancelled {}", words_of(*job));
  if (running_.contains(id)) {
    stop_runs(*job, domain::stop_reason::cancel);
  } else if (!domain::is_final(job->state) && !job->is_closing()) {
    queue_.erase({-job->spec.priority, id});
    finish(job, job_state::canceled, {});
  }
  co_await ledger_.wait_closed(job);
  co_return job;
}

aio::task<result<scheduler::job_ptr>> scheduler::set_priority(job_id id, int priority) {
  const auto found = co_await live(id);
  if (!found)
    co_return found.error();
  const auto job = *found;
  bool waits = queue_.erase({-job->spec.priority, id}) > 0;
  const auto before = std::exchange(job->spec.priority, priority);
  const auto saved = co_await ledger_.commit(job, store::durability::durable);
  if (!saved && job->spec.priority == priority) { // otherwise another request has changed it since
    waits = queue_.erase({-priority, id}) > 0 || waits;
    job->spec.priority = before;
  }
  if (waits && job->state == job_state::queued && !running_.contains(id) && !job->is_closing())
    enqueue(job);
  if (saved && running_.contains(id))
    for (const auto& [number, one] : job->runs)
      executor_.set_priority({id, number}, priority);
  start_queued();
  if (!saved)
    co_return saved.error();
  tell(*job);
  co_return job;
}

aio::task<result<scheduler::job_ptr>> scheduler::set_paused(job_id id, bool paused) {
  const auto found = co_await live(id);
  if (!found)
    co_return found.error();
  const auto job = *found;
  const auto before = std::exchange(job->wish, paused ? store::intent::pause : store::intent::run);
  domain::frame_set held;
  if (!paused && job->holding().empty())
    std::swap(held, job->spec.hold_after);
  if (const auto saved = co_await ledger_.commit(job, store::durability::durable); !saved) {
    job->wish = before;
    if (!held.empty())
      job->spec.hold_after = std::move(held);
    co_return saved.error();
  }
  const bool waits = job->state == job_state::queued || job->state == job_state::paused;
  if (waits && !running_.contains(id) && !job->is_closing()) {
    queue_.erase({-job->spec.priority, id});
    place(job);
    start_queued();
  } else if (paused && running_.contains(id)) {
    stop_idle_runs(*job);
  }
  log_.info("job {} {}", paused ? "is to pause" : "goes on", words_of(*job));
  tell(*job);
  co_return job;
}

aio::task<result<scheduler::job_ptr>> scheduler::retry(job_id id, domain::frame_set which) {
  const reservation mine{reserved_, id};
  if (!mine.granted())
    co_return is_reserved_error(id);
  const auto before = co_await look_up(id); // a caller's look-up may be outdated: only from here on it stays
  if (!before)
    co_return before.error();
  if (!domain::is_final((*before)->state))
    co_return error{errc::conflict, "job " + id.str() + " has not ended yet"};
  if ((*before)->state == job_state::succeeded)
    co_return error{errc::conflict, "job " + id.str() + " has succeeded: nothing is left to try again"};
  if (stopping_)
    co_return error{errc::unavailable, "kilnd is stopping"};
  if (policy::decide_admission(load(), settings_.capacity) == policy::admission::refuse)
    co_return error{errc::unavailable, "the queue is full"};
  const auto known = co_await store_.frames(id, -1, static_cast<std::size_t>(domain::max_frame) + 1);
  if (!known)
    co_return known.error();
  store::live_job kept{**before, *known, {}};
  kept.job.state = job_state::queued;
  kept.job.wish = store::intent::run;
  kept.job.failure.reset();
  kept.job.finished.reset();
  kept.job.frames_failed = 0;
  domain::frame_set had_failed;
  for (auto& frame : kept.frames) {
    const bool has_failed = frame.now == store::frame_record::state::failed;
    if (has_failed)
      had_failed.add(frame.frame);
    const bool stays_failed = has_failed && !which.empty() && !which.contains(frame.frame);
    if (frame.now != store::frame_record::state::done && !stays_failed)
      frame = {.frame = frame.frame};
  }
  if (const auto others = which.without(had_failed); !others.empty())
    co_return error{errc::invalid_input, fmt::format("frame {} has not failed", others.front())};
  const auto changed = kept.frames;
  const auto again = co_await take_up(std::move(kept));
  again->page.frames = changed;
  if (const auto saved = co_await ledger_.commit(again, store::durability::durable); !saved)
    co_return saved.error();
  forget(id); // its previous state
  jobs_.insert_or_assign(id, again);
  log_.info("job is tried again {} frames={}", words_of(*again), domain::format_frame_set(again->pending()));
  work_.spawn(learn(again));
  place(again);
  tell(*again);
  start_queued();
  co_return again;
}

aio::task<result<void>> scheduler::remove(job_id id) {
  const reservation mine{reserved_, id};
  if (!mine.granted())
    co_return is_reserved_error(id);
  const auto found = co_await look_up(id);
  if (!found)
    co_return found.error();
  if (!domain::is_final((*found)->state))
    co_return error{errc::conflict, "job " + id.str() + " has not ended: cancel it first"};
  if (auto gone = co_await output_.discard(id, (*found)->attempts);
      !gone) // first, so that a removed job leaves no files
    co_return gone.error();
  if (auto gone = co_await store_.remove(id); !gone)
    co_return gone.error();
  forget(id);
  for (auto* watcher : watchers_)
    watcher->on_removed(id);
  log_.info("job removed {}", words_of(**found));
  co_return result<void>{};
}

scheduler::job_ptr scheduler::find(const job_id& id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : found->second;
}

scheduler::job_ptr scheduler::find_by_pid(pid_t pid) const {
  const auto found = by_pid_.find(pid);
  return found == by_pid_.end() ? nullptr : find(found->second);
}

aio::task<result<scheduler::job_ptr>> scheduler::look_up(job_id id) {
  if (auto here = find(id))
    co_return here;
  auto kept = co_await store_.find(id);
  if (!kept)
    co_return kept.error();
  if (!*kept)
    co_return error{errc::not_found, "there is no job " + id.str()};
  co_return std::make_shared<const job>(std::move(**kept));
}

aio::task<result<scheduler::job_ptr>> scheduler::look_up_by_pid(pid_t pid) {
  if (auto here = find_by_pid(pid))
    co_return here;
  auto kept = co_await store_.find_by_pid(pid);
  if (!kept)
    co_return kept.error();
  if (!*kept)
    co_return error{errc::not_found, "no job had a process " + std::to_string(pid)};
  if (auto here = find((*kept)->id)) // by one of its earlier pids
    co_return here;
  co_return std::make_shared<const job>(std::move(**kept));
}

aio::task<result<std::vector<scheduler::job_ptr>>> scheduler::list(store::job_filter filter) {
  auto kept = co_await store_.list(std::move(filter));
  if (!kept)
    co_return kept.error();
  std::vector<job_ptr> found;
  for (auto& record : *kept) {
    auto here = find(record.id); // it is more recent
    found.push_back(here ? std::move(here) : std::make_shared<const job>(std::move(record)));
  }
  co_return found;
}

job_id scheduler::new_id() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const auto id = job_id::make(std::chrono::duration_cast<std::chrono::milliseconds>(since_1970), random_());
  newest_id_ = id > newest_id_ ? id : newest_id_.next(); // the order of ids is the order of jobs, also when
  return newest_id_;                                     // the clock is set back
}

policy::load scheduler::load() const noexcept {
  return {.running = slots_taken(), .queued = queue_.size() + adding_};
}

aio::task<> scheduler::stop(on_stop how) {
  stopping_ = true;
  ledger_.stop();
  look_again_.cancel();
  started_.notify_all(); // submit() no longer waits for an attempt
  if (how == on_stop::leave)
    executor_.leave();
  else
    hurry();
  co_await executor_.join();
  co_await work_.join();
  co_await ledger_.join();
}

void scheduler::hurry() {
  for (const auto& [id, of] : running_)
    stop_runs(*of, domain::stop_reason::shutdown);
}

} // namespace kiln::scheduler
