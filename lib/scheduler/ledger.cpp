// SPDX-License-Identifier: Apache-2.0
#include "scheduler/ledger.hpp"

#include "aio/log_failures.hpp"
#include "base/scope_exit.hpp"
#include "scheduler/times.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace kiln::scheduler {
namespace {

error cannot_keep() {
  return {errc::unavailable, "the change cannot be kept now; the log of kilnd says why"};
}

template<class T>
void erase_first(std::vector<T>& records, std::size_t count) {
  records.erase(records.begin(), std::next(records.begin(), static_cast<std::ptrdiff_t>(count)));
}

} // namespace

ledger::ledger(aio::executor_type loop, store::job_store& store, spdlog::logger& log)
    : loop_(loop), store_(store), log_(log), written_(loop),
      work_(loop, aio::log_failures(log, "the ledger")) {}

void ledger::add(job& to, store::frame_record record) {
  to.page.frames.push_back(std::move(record));
}

void ledger::add(job& to, store::attempt_record record) {
  to.page.attempts.push_back(std::move(record));
}

void ledger::note(const job_ptr& changed) {
  changed->page.is_changed = true;
  start_writing(changed);
}

void ledger::start_writing(const job_ptr& changed) {
  auto& page = changed->page;
  if (page.is_writing || page.is_closing)
    return;
  page.is_writing = true;
  work_.spawn(write(changed));
}

aio::task<> ledger::write(job_ptr changed) {
  auto& page = changed->page;
  const scope_exit over{[this, &page] {
    page.is_writing = false;
    written_.notify_all();
  }};
  while (page.is_changed && !page.is_closing) {
    changed->revision = std::max(changed->revision, page.last_written + 1);
    const auto durability = std::exchange(page.durability, store::durability::relaxed);
    store::job_record row = *changed;
    const auto kept = co_await put(changed, std::move(row), durability);
    if (!kept && page.is_changed) { // it can be retried
      if (!is_stopping_ && !std::exchange(page.is_retry_due, true))
        work_.spawn(retry_later(changed));
      if (page.receipts.empty())
        co_return;
    }
  }
}

/// Stores `row` with all records that the store does not have yet. A record leaves the page once the store
/// has it or never will.
aio::task<result<void>> ledger::put(job_ptr changed, store::job_record row, store::durability durability) {
  auto& page = changed->page;
  const auto receipts = std::exchange(page.receipts, {});
  page.is_changed = false;
  page.last_written = row.revision;
  store::change c{.job = std::move(row), .frames = page.frames, .attempts = page.attempts};
  if (changed->runs.size() < 2) // with other Blenders running, a frame takes longer than alone
    c.history_key = changed->history_key;
  c.loading = page.loading;
  c.has_new_words = std::exchange(page.has_new_words, false);
  const auto frames = c.frames.size(), attempts = c.attempts.size();
  const auto loading = c.loading;
  const bool has_new_words = c.has_new_words;

  result<void> kept;
  try {
    kept = co_await store_.save(std::move(c), durability);
  } catch (const std::exception& e) { // a defect of the store must not leave the job between two states
    kept = error{errc::internal, e.what()};
  }
  const bool is_conflict = !kept && kept.error().code == errc::conflict;
  if (kept || is_conflict) {
    erase_first(page.frames, frames);
    erase_first(page.attempts, attempts);
    if (page.loading == loading)
      page.loading.reset();
  } else {
    page.is_changed = true;
    page.has_new_words = page.has_new_words || has_new_words;
  }
  if (kept && std::exchange(page.has_failed, false))
    log_.info("changes are kept again {}", words_of(*changed));
  if (!kept)
    log_failure(*changed, kept.error());
  if (is_conflict)
    kept = error{errc::conflict, "job " + changed->id.str() + " was changed meanwhile: look at it again"};
  else if (!kept)
    kept = cannot_keep();
  for (const auto& one : receipts)
    *one = kept;
  written_.notify_all();
  co_return kept;
}

aio::task<result<void>> ledger::commit(job_ptr changed, store::durability durability) {
  auto& page = changed->page;
  if (page.is_closing) {
    co_await wait_closed(changed);
    co_return domain::is_final(changed->state)
        ? error{errc::conflict, "job " + changed->id.str() + " has ended already"}
        : cannot_keep();
  }
  const auto mine = std::make_shared<std::optional<result<void>>>();
  page.receipts.push_back(mine);
  page.is_changed = true;
  if (durability == store::durability::durable)
    page.durability = durability;
  start_writing(changed);
  while (!*mine)
    co_await written_.wait();
  co_return **mine;
}

aio::task<bool> ledger::close(job_ptr ended, ending how) {
  ended->page.is_closing = true;
  return write_end(std::move(ended), std::move(how));
}

aio::task<bool> ledger::write_end(job_ptr ended, ending how) {
  auto& page = ended->page;
  while (page.is_writing)
    co_await written_.wait();
  store::job_record row = *ended;
  row.state = how.state;
  row.failure = std::move(how.failure);
  row.finished = now();
  for (;;) {
    row.revision = std::max(ended->revision, page.last_written) + 1;
    auto copy = row;
    const auto kept = co_await put(ended, std::move(copy), store::durability::durable);
    if (kept || kept.error().code == errc::conflict) // a retry would not change that
      break;
    if (is_stopping_) {
      page.is_closing = false;
      written_.notify_all();
      co_return false;
    }
    co_await pause_a_moment();
  }
  auto news = std::move(ended->news);
  *ended = job{std::move(row)}; // the rest matters only until the job is final
  ended->news = std::move(news);
  written_.notify_all();
  co_return true;
}

aio::task<> ledger::wait_closed(job_ptr which) {
  while (which->page.is_closing)
    co_await written_.wait();
}

aio::task<> ledger::retry_later(job_ptr changed) {
  co_await pause_a_moment();
  changed->page.is_retry_due = false;
  if (changed->page.is_changed && !is_stopping_)
    start_writing(changed);
}

aio::task<> ledger::pause_a_moment() {
  constexpr std::chrono::seconds moment{1};
  aio::timer over{loop_, moment};
  co_await over.async_wait(aio::use_task);
}

/// Logs only the first of consecutive failures.
void ledger::log_failure(job& of, const error& why) {
  if (!std::exchange(of.page.has_failed, true))
    log_.error("changes of a job could not be kept {} reason={}", words_of(of), why.message);
}

} // namespace kiln::scheduler
