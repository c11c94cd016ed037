// SPDX-License-Identifier: Apache-2.0
// Notifies watchers of changes, ends jobs, and removes old jobs from memory.
#include "scheduler/scheduler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace kiln::scheduler {

using domain::job_state;

void scheduler::note(const mutable_job& changed) {
  tell(*changed);
  ledger_.note(changed);
}

/// From here on the job is closing.
void scheduler::finish(const mutable_job& done, job_state state, std::optional<domain::failure> failure) {
  assert(domain::can_become(done->state, state));
  work_.spawn(tell_end(done, ledger_.close(done, {state, std::move(failure)})));
}

aio::task<> scheduler::tell_end(mutable_job done, aio::task<bool> closed) {
  const bool is_kept = co_await std::move(closed);
  if (!is_kept)
    co_return;
  if (done->failure)
    log_.warn("job ended {} state={} kind={} frames_done={} reason={}", words_of(*done),
              to_string(done->state), to_string(done->failure->kind), done->frames_done,
              done->failure->message);
  else
    log_.info("job ended {} state={} frames_done={}", words_of(*done), to_string(done->state),
              done->frames_done);
  ended_.push_back(done->id);
  tell(*done);
  forget_oldest();
}

/// A closing job does not change until its end is stored: watchers are not notified meanwhile.
void scheduler::tell(job& changed) {
  if (changed.is_closing())
    return;
  if (!domain::is_final(changed.state))
    ++changed.revision; // a final job keeps the revision in the store
  for (auto* watcher : watchers_)
    watcher->on_change(changed);
  changed.news.clear();
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
