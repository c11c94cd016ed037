// SPDX-License-Identifier: Apache-2.0
// Jobs rendered by several Blenders at once.
#include "policy/frame_order.hpp"
#include "scheduler/scheduler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace kiln::scheduler {

bool scheduler::is_shared(const job& of) const {
  return of.is_shared() && !executor_.able_to().many_tasks;
}

std::size_t scheduler::wanted_width(const job& of) const {
  if (!is_shared(of))
    return 1;
  // The width is unknown until Blender has reported that frames do not depend on each other.
  if (of.report.empty())
    return 1;
  const auto wanted = of.spec.processes > 0 ? static_cast<std::size_t>(of.spec.processes) : of.width.wanted();
  return std::min(wanted, settings_.capacity.slots);
}

/// A frame that has failed is assigned alone: if it fails again, no other frame is charged.
std::vector<int> scheduler::next_piece(const job& of) const {
  const auto planned = policy::plan_attempt(of.unassigned(), of.troubles);
  if (of.is_sequential) // its Blender restarts with each piece
    return policy::next_frames(of.spec.frames, planned, of.order(), planned.size());
  const auto most = of.report.empty() || of.troubles.contains(planned.front())
                        ? 1
                        : policy::piece_size(of.timeline.timing().mean(), planned.size(), wanted_width(of));
  return policy::next_frames(of.spec.frames, planned, of.order(), most);
}

void scheduler::on_hungry(const attempt_id& id) {
  if (auto of = current(id))
    work_.spawn(feed(std::move(of), id.number));
}

/// Stores the assignment first, so that after a crash no other attempt gets the same frames.
aio::task<> scheduler::feed(mutable_job of, int number) {
  const attempt_id id{of->id, number};
  const bool others_wait = !queue_.empty() && of->runs.size() > 1;
  const bool too_many = of->runs.size() > wanted_width(*of);
  const bool goes_on = !stopping_ && of->wish == store::intent::run && !of->ends_as && blocked_.empty() &&
                       !others_wait && !too_many && !of->unassigned().empty();
  std::vector<int> frames;
  if (goes_on) {
    frames = next_piece(*of);
    auto& record = of->runs.at(number).record;
    for (const int frame : frames)
      record.frames.add(frame);
    ledger::add(*of, record);
    if (const auto kept = co_await ledger_.commit(of, store::durability::relaxed); !kept)
      frames.clear(); // it ends; another attempt gets them once that can be stored
  }
  executor_.give(id, std::move(frames));
}

/// Starts more Blenders for jobs that benefit, while slots are free and no job waits for one.
void scheduler::widen() {
  if (stopping_ || !blocked_.empty() || !queue_.empty())
    return;
  auto free = settings_.capacity.slots - std::min(settings_.capacity.slots, slots_taken());
  for (const auto& [id, of] : running_)
    while (free > 0 && of->slots < wanted_width(*of) && of->wish == store::intent::run && !of->ends_as &&
           of->unassigned().size() >= of->slots) {
      ++of->slots;
      --free;
      work_.spawn(widen(of));
    }
}

aio::task<> scheduler::widen(mutable_job of) {
  const auto id = of->id;
  if (!co_await executor_.has_memory_for_another(id)) {
    log_.info("no memory for another Blender {}", words_of(*of));
    of->width.no_room(of->runs.size());
    if (--of->slots == 0) {
      running_.erase(of->id);
      place(of);
    }
    start_queued();
    co_return;
  }
  co_await start(of);
}

/// While the last frame of a job renders, the next one's Blender can start.
void scheduler::look_ahead(job& of) {
  if (of.looked_ahead || queue_.empty() || stopping_ || !blocked_.empty() || of.pending().size() > 1)
    return;
  of.looked_ahead = true;
  const auto& next = *queue_.begin()->second;
  executor_.expect(next.spec, next.owner);
}

} // namespace kiln::scheduler
