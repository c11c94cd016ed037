// SPDX-License-Identifier: Apache-2.0
#include "retention/retention.hpp"

#include "aio/log_failures.hpp"
#include "store/clock.hpp"

#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace kiln::retention {
namespace {

using due_time = std::optional<store::time_point>;

/// A clock change, or a suspend of the machine, is noticed after at most this time.
constexpr std::chrono::hours longest_sleep{24};

due_time earlier(due_time a, due_time b) {
  return a && b ? std::min(a, b) : a ? a : b;
}

} // namespace

retention::retention(aio::executor_type loop, scheduler::scheduler& jobs, store::job_store& kept,
                     blends::uploads& sent, rules what_stays, spdlog::logger& log)
    : scheduler_(jobs), store_(kept), uploads_(sent), rules_(what_stays), log_(log), next_(loop),
      work_(loop, aio::log_failures(log, "the removal of old jobs and uploads")) {}

void retention::start() {
  if (rules_.keep_jobs || rules_.job_bytes || rules_.keep_uploads)
    work_.spawn(work());
}

void retention::wake() {
  changed_ = true;
  next_.cancel();
}

aio::task<> retention::stop() {
  stopping_ = true;
  next_.cancel();
  co_await work_.join();
}

void retention::on_change(const scheduler::job& changed) {
  if (domain::is_final(changed.state))
    wake();
}

aio::task<> retention::work() {
  while (!stopping_) {
    changed_ = false;
    const auto of_jobs = co_await remove_jobs();
    const auto of_uploads = co_await remove_uploads();
    co_await sleep_until(earlier(of_jobs, of_uploads));
  }
}

aio::task<> retention::sleep_until(due_time due) {
  if (changed_ || stopping_)
    co_return;
  if (due)
    next_.expires_after(std::clamp<std::chrono::milliseconds>(*due - store::now(),
                                                              std::chrono::milliseconds{0}, longest_sleep));
  else
    next_.expires_at(aio::timer::time_point::max());
  boost::system::error_code ignored;
  co_await next_.async_wait(aio::asio::redirect_error(aio::use_task, ignored));
}

due_time retention::complain(const error& why) {
  log_.warn("something old could not be removed; it is tried again later reason={}", why.message);
  return store::now() + rules_.after_trouble;
}

aio::task<due_time> retention::remove_jobs() {
  if (!rules_.keep_jobs && !rules_.job_bytes)
    co_return std::nullopt;
  std::uintmax_t bytes = 0;
  if (rules_.job_bytes) {
    const auto all = co_await store_.frame_bytes();
    if (!all)
      co_return complain(all.error());
    bytes = *all;
  }
  due_time again; // for jobs that could not be removed
  std::optional<store::ended_job> after;
  while (!stopping_) {
    const auto first = co_await store_.first_ended(after);
    if (!first)
      co_return complain(first.error());
    if (!*first)
      co_return again;
    const auto& job = **first;
    const bool is_over = rules_.job_bytes && bytes > *rules_.job_bytes;
    const auto due = rules_.keep_jobs ? due_time{job.finished + *rules_.keep_jobs} : std::nullopt;
    if (!is_over && (!due || *due > store::now()))
      co_return earlier(again, due);
    log_.info("job is not kept any longer job={} reason={}", job.id.str(),
              is_over ? "frames take more than jobs_quota" : "it ended more than jobs_keep_days ago");
    const auto removed = co_await scheduler_.remove(job.id);
    if (removed)
      bytes -= std::min(bytes, job.bytes);
    else // this must not keep the others
      again = complain(removed.error());
    after = job;
  }
  co_return std::nullopt;
}

aio::task<due_time> retention::remove_uploads() {
  if (!rules_.keep_uploads || stopping_)
    co_return std::nullopt;
  // Includes this millisecond, the one slept until.
  const auto limit = store::now() - *rules_.keep_uploads + std::chrono::milliseconds{1};
  const auto oldest = co_await uploads_.expire(limit);
  if (!oldest)
    co_return complain(oldest.error());
  co_return *oldest ? due_time{**oldest + *rules_.keep_uploads} : std::nullopt;
}

} // namespace kiln::retention
