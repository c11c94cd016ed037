// SPDX-License-Identifier: Apache-2.0
// What people call a job: changed at any time, also after its end.
#include "scheduler/reservation.hpp"
#include "scheduler/scheduler.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace kiln::scheduler {
namespace {

/// Exchanges the labels of a job with those that are set.
void exchange(domain::job_spec& of, domain::labels& with) {
  if (with.name)
    std::swap(of.name, *with.name);
  if (with.note)
    std::swap(of.note, *with.note);
  if (with.tags)
    std::swap(of.tags, *with.tags);
}

} // namespace

aio::task<result<scheduler::job_ptr>> scheduler::label(job_id id, domain::labels with) {
  const auto found = co_await live(id);
  if (!found && found.error().code == errc::conflict)
    co_return co_await label_ended(id, std::move(with));
  if (!found)
    co_return found.error();
  const auto job = *found;
  exchange(job->spec, with);
  job->page.has_new_words = true;
  const auto saved = co_await ledger_.commit(job, store::durability::durable);
  if (!saved) {
    exchange(job->spec, with);
    co_return saved.error();
  }
  if (!domain::is_final(job->state)) // it may have ended with this change
    tell(*job);
  co_return job;
}

aio::task<result<scheduler::job_ptr>> scheduler::label_ended(job_id id, domain::labels with) {
  const reservation mine{reserved_, id};
  if (!mine.granted())
    co_return is_reserved_error(id);
  const auto before = co_await look_up(id);
  if (!before)
    co_return before.error();
  store::change change{.job = **before, .has_new_words = true};
  exchange(change.job.spec, with);
  ++change.job.revision;
  auto changed = std::make_shared<job>(change.job);
  if (const auto saved = co_await store_.save(std::move(change), store::durability::durable); !saved)
    co_return saved.error();
  if (const auto here = jobs_.find(id); here != jobs_.end())
    here->second = changed;
  co_return changed;
}

} // namespace kiln::scheduler
