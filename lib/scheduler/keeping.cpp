// SPDX-License-Identifier: Apache-2.0
// What goes to the store, and what stays in memory.
#include "scheduler/scheduler.hpp"
#include "scheduler/times.hpp"

#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace kiln::scheduler {
namespace {

using domain::job_state;

} // namespace

store::change scheduler::snapshot(job& of) {
  of.unsaved = false;
  store::change c;
  c.job = of;
  c.frames = std::exchange(of.unsaved_frames, {});
  c.attempts = std::exchange(of.unsaved_attempts, {});
  if (of.runs.size() < 2) // beside others a frame takes longer than it will take alone
    c.history_key = of.history_key;
  if (std::exchange(of.unsaved_loading, false))
    c.loading = of.timing.loading();
  return c;
}

void scheduler::note(const mutable_job& changed) {
  changed->unsaved = true;
  tell(*changed);
  if (!changed->saving && !changed->settling)
    work_.spawn(save(changed));
}

aio::task<> scheduler::save(mutable_job changed) {
  changed->saving = true;
  while (changed->unsaved && !changed->settling) {
    auto c = snapshot(*changed);
    const auto frames = c.frames;
    const auto attempts = c.attempts;
    const auto kept = co_await store_.save(std::move(c), store::durability::relaxed);
    if (kept)
      continue;
    log_.error("progress could not be kept {} reason={}", words_of(*changed), kept.error().message);
    if (kept.error().code == errc::conflict)
      break; // what is there is newer: another try would not change that
    changed->unsaved_frames.insert(changed->unsaved_frames.begin(), frames.begin(), frames.end());
    for (const auto& attempt : attempts)
      keep_attempt(*changed, attempt, false);
    changed->unsaved = true;
    if (stopping_)
      break;
    co_await pause_a_moment();
  }
  changed->saving = false;
  settled_.notify_all();
}

aio::task<result<void>> scheduler::save_now(mutable_job changed) {
  ++changed->revision;
  auto c = snapshot(*changed);
  const auto frames = c.frames;
  const auto attempts = c.attempts;
  auto kept = co_await store_.save(std::move(c), store::durability::durable);
  if (kept)
    co_return kept;
  log_.error("a change could not be kept {} reason={}", words_of(*changed), kept.error().message);
  if (kept.error().code == errc::conflict)
    co_return error{errc::conflict, "job " + changed->id.str() + " was changed meanwhile: look at it again"};
  changed->unsaved_frames.insert(changed->unsaved_frames.begin(), frames.begin(), frames.end());
  for (const auto& attempt : attempts)
    keep_attempt(*changed, attempt, false);
  note(changed);
  co_return error{errc::unavailable, "the change cannot be kept now; the log of kilnd says why"};
}

void scheduler::finish(const mutable_job& done, job_state state, std::optional<domain::failure> failure) {
  assert(domain::can_become(done->state, state));
  done->settling = true;
  work_.spawn(settle(done, state, std::move(failure)));
}

aio::task<> scheduler::settle(mutable_job done, job_state state, std::optional<domain::failure> failure) {
  while (done->saving)
    co_await settled_.wait();
  // Until it is kept the job is as it was, and has the revision that it had: who asks in between is told of
  // the end.
  constexpr std::uint64_t room = 16; // for what is told meanwhile
  auto c = snapshot(*done);
  c.job.revision = done->revision + room;
  c.job.state = state;
  c.job.failure = std::move(failure);
  c.job.finished = now();
  for (;;) {
    auto copy = c;
    const auto kept = co_await store_.save(std::move(copy), store::durability::durable);
    if (kept)
      break;
    log_.error("the end of a job could not be kept {} reason={}", words_of(*done), kept.error().message);
    if (stopping_) { // the next start finds its frames, and ends it
      done->settling = false;
      settled_.notify_all();
      co_return;
    }
    co_await pause_a_moment();
  }
  assert(c.job.revision > done->revision);
  auto news = std::move(done->news);
  *done = job{std::move(c.job)}; // what only matters while it lives goes
  done->news = std::move(news);
  if (done->failure)
    log_.warn("job ended {} state={} kind={} frames_done={} reason={}", words_of(*done), to_string(state),
              to_string(done->failure->kind), done->frames_done, done->failure->message);
  else
    log_.info("job ended {} state={} frames_done={}", words_of(*done), to_string(state), done->frames_done);
  ended_.push_back(done->id);
  tell(*done);
  settled_.notify_all();
  forget_oldest();
}

aio::task<> scheduler::pause_a_moment() {
  constexpr std::chrono::seconds moment{1};
  aio::timer over{loop_, moment};
  co_await over.async_wait(aio::use_task);
}

void scheduler::tell(job& changed) {
  if (!domain::is_final(changed.state))
    ++changed.revision; // a final one is as it stands in the store
  for (auto* watcher : watchers_)
    watcher->on_change(changed);
  changed.news.clear();
}

void scheduler::add_frame(job& of, store::frame_record record) {
  of.news.push_back(record);
  of.unsaved_frames.push_back(std::move(record));
}

/// `newer`: than what is unsaved of it.
void scheduler::keep_attempt(job& of, const store::attempt_record& record, bool newer) {
  const auto known = std::ranges::find(of.unsaved_attempts, record.number, &store::attempt_record::number);
  if (known == of.unsaved_attempts.end())
    of.unsaved_attempts.push_back(record);
  else if (newer)
    *known = record;
}

void scheduler::forget_oldest() {
  while (ended_.size() > settings_.kept) {
    const auto oldest = ended_.front();
    forget(oldest);
  }
}

void scheduler::forget(const job_id& id) {
  std::erase(ended_, id);
  const auto gone = jobs_.extract(id);
  if (!gone)
    return;
  const auto& old = *gone.mapped();
  std::erase_if(by_pid_, [&](const auto& known) { return known.second == id; });
  for (auto* watcher : watchers_)
    watcher->on_forgotten(old);
}

} // namespace kiln::scheduler
