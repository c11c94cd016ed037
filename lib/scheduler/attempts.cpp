// SPDX-License-Identifier: Apache-2.0
// Handles reports of attempts, and decides the next step of a job whose attempt has ended.
#include "policy/verdict.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/times.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace kiln::scheduler {

using domain::failure;
using domain::failure_kind;
using domain::job_state;

namespace {

void add_frame(job& of, store::frame_record record, std::vector<std::string> outputs = {}) {
  of.news.push_back({record, std::move(outputs)});
  ledger::add(of, std::move(record));
}

/// The failure that ends a job whose .blend never loaded in the permitted number of tries; nullopt if it may
/// be retried. No frame is to blame, so the job is charged for the tries.
std::optional<failure> end_of_loading(const job& of, const domain::attempt_facts& facts, failure why) {
  if (policy::remedy_for(why) != policy::remedy::try_again || facts.has_loaded() || !of.done.empty() ||
      !of.report.empty())
    return std::nullopt;
  int tries = 1;
  for (const int frame : facts.requested)
    if (const auto trouble = of.troubles.find(frame); trouble != of.troubles.end())
      tries = std::max(tries, trouble->second.tries + 1);
  if (tries <= policy::further_loads(why.kind, of.spec.retries))
    return std::nullopt;
  if (tries > 1)
    why.message += fmt::format("; it was tried {} times", tries);
  return why;
}

/// Adds warnings to the job; returns whether any of them is new.
bool warn(job& of, const std::vector<domain::warning>& all, spdlog::logger& log) {
  const auto added = domain::add_warnings(of.warnings, all);
  for (const auto& [kind, message, frames] : added)
    log.warn("job has a warning {} kind={} message={}", words_of(of), kind, message);
  return !added.empty();
}

/// Counts a failed try of these frames; those without tries left are given up.
void charge(job& of, const domain::frame_set& frames, const failure& why) {
  for (const int frame : frames) {
    auto& trouble = of.troubles[frame];
    ++trouble.tries;
    trouble.last = why;
    const bool over = trouble.tries > of.spec.retries;
    if (over)
      of.failed.add(frame);
    add_frame(of, {.frame = frame,
                   .now = over ? store::frame_record::state::failed : store::frame_record::state::pending,
                   .tries = trouble.tries,
                   .failure = why});
  }
  of.frames_failed = of.failed.size();
}

} // namespace

scheduler::mutable_job scheduler::current(const attempt_id& id) const {
  const auto found = running_.find(id.job);
  return found != running_.end() && found->second->runs.contains(id.number) ? found->second : nullptr;
}

void scheduler::on_adopted(const attempt_id& id, pid_t pid) {
  const auto of = current(id);
  if (!of)
    return;
  auto& one = of->runs.at(id.number);
  const auto age = std::max(now() - one.record.began, std::chrono::milliseconds{0});
  one.began = one.frame_began = aio::clock::now() - age;
  of->timeline.began_at(one.began);
  of->state = job_state::running;
  of->pid = one.record.pid = pid;
  ledger::add(*of, one.record);
  if (!of->started)
    of->started = one.record.began;
  by_pid_.insert_or_assign(pid, of->id);
  log_.info("attempt goes on {} attempt={} pid={}", words_of(*of), id.number, pid);
  note(of);
}

void scheduler::on_progress(const attempt_id& id, const blender::frame_progress& now) {
  const auto of = current(id);
  if (!of)
    return;
  auto& one = of->runs.at(id.number);
  const bool counts = one.record.frames.contains(now.frame) && !of->done.contains(now.frame);
  if (of->tasks) {
    of->timeline.show(now); // on_tasks() has reported the progress of all tasks
  } else if (const auto loading = of->timeline.on_progress(id.number, now, counts, aio::clock::now())) {
    of->width.loading_takes(*loading);
    of->page.loading = of->timeline.timing().loading();
  }
  if (counts)
    of->frame = one.frame = now.frame;
  for (auto* watcher : watchers_)
    watcher->on_progress(*of);
  look_ahead(*of);
}

void scheduler::on_output(const attempt_id& id, std::string_view text) {
  if (const auto of = current(id))
    for (auto* watcher : watchers_)
      watcher->on_output(*of, text);
}

void scheduler::on_report(const attempt_id& id, const blender::scene_report& report) {
  const auto of = current(id);
  if (!of)
    return;
  of->is_sequential = of->is_sequential || report.is_sequential;
  const bool is_warned = warn(*of, report.warnings, log_);
  if (of->report == report.json && !is_warned)
    return;
  of->report = report.json;
  note(of);
  widen();
}

void scheduler::on_warning(const attempt_id& id, const domain::warning& what) {
  const auto of = current(id);
  if (!of || !warn(*of, {what}, log_))
    return;
  note(of);
  if (of->spec.strict && of->frames_done == 0)
    end_as(of, job_state::failed,
           failure{.kind = failure_kind::strict_warning,
                   .message = fmt::format("the job is strict, and there is a warning: {} ({})", what.message,
                                          what.kind)});
}

void scheduler::on_published(const attempt_id& id, const executor::published_frame& frame) {
  const auto of = current(id);
  if (!of)
    return;
  auto& one = of->runs.at(id.number);
  const auto seconds = frame.seconds.value_or(seconds_between(one.frame_began, frame.closed));
  one.frame_began = frame.closed;
  ++one.done;
  of->timeline.on_published(id.number, frame.frame, frame.closed, frame.seconds);
  of->done.add(frame.frame);
  of->frames_done = of->done.size();
  of->seconds.emplace_back(frame.frame, static_cast<float>(seconds));
  largest_frame_ = std::max(largest_frame_, frame.bytes);
  store::frame_record record{.frame = frame.frame,
                             .now = store::frame_record::state::done,
                             .tries = 0,
                             .seconds = seconds,
                             .bytes = static_cast<std::int64_t>(frame.bytes)};
  if (const auto trouble = of->troubles.find(frame.frame); trouble != of->troubles.end()) {
    record.tries = trouble->second.tries;
    record.failure = trouble->second.last;
  }
  add_frame(*of, std::move(record), frame.further);
  log_.info("frame done {} frame={} path={}", words_of(*of), frame.frame, frame.path.native());
  note(of);
  if (of->wish == store::intent::pause && !of->pending().empty())
    stop_runs(*of, domain::stop_reason::pause);
  if (of->spec.processes == 0 && is_shared(*of)) {
    const std::chrono::duration<double> at = frame.closed.time_since_epoch();
    of->width.frame_done(at.count(), of->runs.size(), of->pending().size(), settings_.capacity.slots);
    widen();
  }
}

void scheduler::on_end(const attempt_id& id, const domain::attempt_facts& facts) {
  const auto of = current(id);
  if (!of)
    return;
  auto one = of->runs.extract(id.number).mapped();
  of->timeline.on_end(id.number);
  if (--of->slots == 0) {
    running_.erase(id.job);
    of->frame.reset();
  }
  of->render_seconds += seconds_between(one.began, aio::clock::now());
  one.record.ended = now();
  ledger::add(*of, one.record);
  of->waits_for.clear();
  of->tasks.reset();
  if (facts.rendered_twice > 0)
    log_.info("frames were rendered twice, by a node that was taken for lost job={} attempt={} frames={}",
              of->id.str(), id.number, facts.rendered_twice);
  go_on(of, id.number, facts);
  started_.notify_all();
  start_queued();
}

void scheduler::go_on(const mutable_job& of, int number, const domain::attempt_facts& facts) {
  using enum domain::attempt_outcome;
  auto verdict = policy::decide_verdict(facts);
  if (stopping_ && verdict.outcome == canceled && !facts.stopped)
    verdict.outcome = interrupted; // at shutdown the machine sends SIGTERM to Blender and to us
  if (verdict.outcome == canceled)
    return of->ends_as ? place(of) : end_as(of, job_state::canceled, {});
  if (verdict.outcome == failed) {
    const auto& why = *verdict.failure;
    const auto missing = facts.requested.without(facts.published);
    const auto remedy = policy::remedy_for(why);
    const bool over = of->spec.fail_fast && remedy == policy::remedy::try_again;
    if (auto end = end_of_loading(*of, facts, why))
      return of->ends_as ? place(of) : end_as(of, job_state::failed, std::move(end));
    // Its frames are complete, and other attempts have or will get the remaining frames. A verdict that a
    // retry would not change is about the images.
    if (missing.empty() && !of->pending().empty() && remedy == policy::remedy::try_again && !over) {
      log_.warn("Blender failed between frames {} attempt={} kind={} reason={}", words_of(*of), number,
                domain::to_string(why.kind), why.message);
      return place(of);
    }
    if (missing.empty() || over || remedy == policy::remedy::give_up)
      return of->ends_as ? place(of) : end_as(of, job_state::failed, why);
    log_.warn("attempt failed {} attempt={} kind={} reason={}", words_of(*of), number,
              domain::to_string(why.kind), why.message);
    if (remedy == policy::remedy::wait_for_room) {
      disk_was_full_ = disk_was_full_ || why.kind == domain::failure_kind::disk_full;
      block(why.message);
    } else {
      charge(*of, policy::charged_frames(facts), why);
    }
  }
  place(of);
}

void scheduler::on_waiting(const attempt_id& id, const std::string& why) {
  const auto of = current(id);
  if (!of || of->waits_for == why)
    return;
  of->waits_for = why;
  if (of->state == job_state::queued)
    tell(*of);
  started_.notify_all();
}

void scheduler::on_running(const attempt_id& id) {
  const auto of = current(id);
  if (!of || of->state == job_state::running)
    return;
  auto& one = of->runs.at(id.number);
  one.began = one.frame_began = aio::clock::now(); // until now it has waited
  of->timeline.began_at(one.began);
  one.record.began = now();
  ledger::add(*of, one.record);
  if (!of->started)
    of->started = one.record.began;
  of->state = job_state::running;
  of->waits_for.clear();
  log_.info("attempt runs job={} attempt={}", of->id.str(), id.number);
  note(of);
}

void scheduler::on_tasks(const attempt_id& id, policy::parallel_progress now) {
  const auto of = current(id);
  if (!of)
    return;
  of->timeline.on_tasks(now);
  of->tasks = std::move(now);
  for (auto* watcher : watchers_)
    watcher->on_progress(*of);
}

domain::frame_set scheduler::on_task_failed(const attempt_id& id, const domain::attempt_facts& facts) {
  const auto of = current(id);
  const auto missing = facts.requested.without(facts.published);
  if (!of || of->ends_as)
    return {};
  const auto verdict = policy::decide_verdict(facts);
  if (verdict.outcome == domain::attempt_outcome::canceled) { // a SIGTERM to Blender from outside
    of->wish = store::intent::cancel;
    stop_runs(*of, domain::stop_reason::cancel);
    return {};
  }
  if (verdict.outcome != domain::attempt_outcome::failed)
    return missing;
  const auto& why = *verdict.failure;
  const auto remedy = policy::remedy_for(why);
  log_.warn("task failed job={} attempt={} frames={} kind={} reason={}", of->id.str(), id.number,
            domain::format_frame_set(facts.requested), domain::to_string(why.kind), why.message);
  if (auto end = end_of_loading(*of, facts, why)) {
    end_as(of, job_state::failed, std::move(end));
    return {};
  }
  if (missing.empty() || remedy == policy::remedy::give_up || of->spec.fail_fast) {
    end_as(of, job_state::failed, why);
    return {};
  }
  if (remedy == policy::remedy::wait_for_room) {
    disk_was_full_ = disk_was_full_ || why.kind == domain::failure_kind::disk_full;
    block(why.message);
    executor_.stop(id, domain::stop_reason::pause);
    return {};
  }
  charge(*of, policy::charged_frames(facts), why);
  note(of);
  return missing.without(of->failed);
}

} // namespace kiln::scheduler
