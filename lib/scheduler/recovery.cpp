// SPDX-License-Identifier: Apache-2.0
// Recovery of jobs left by an earlier run of the daemon.
#include "scheduler/scheduler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace kiln::scheduler {
namespace {

constexpr std::size_t most_remembered = 10'000; // frames of a job's earlier run, to limit memory

/// A loss of power can lose the latest revisions that clients have seen: new numbers must be higher than any
/// of them.
constexpr std::uint64_t revisions_in_doubt = 1000;

/// One number for all if there are too many: forecast uses their mean.
std::map<int, double> bounded(std::map<int, double> seconds) {
  if (seconds.size() <= most_remembered)
    return seconds;
  double sum = 0;
  for (const auto& [frame, took] : seconds)
    sum += took;
  return {{seconds.begin()->first, sum / static_cast<double>(seconds.size())}};
}

} // namespace

aio::task<scheduler::mutable_job> scheduler::take_up(store::live_job kept) {
  auto made = std::make_shared<job>(std::move(kept.job));
  for (auto& frame : kept.frames) {
    if (frame.now == store::frame_record::state::done) {
      made->done.add(frame.frame);
      made->seconds.emplace_back(frame.frame, static_cast<float>(frame.seconds));
    }
    if (frame.now == store::frame_record::state::failed)
      made->failed.add(frame.frame);
    if (frame.failure)
      made->troubles[frame.frame] = {frame.tries, std::move(*frame.failure)};
  }
  // Published frames are done, even if a loss of power has lost their rows.
  const auto published = co_await output_.published(made->id);
  for (const int frame : published)
    if (made->spec.frames.contains(frame) && !made->done.contains(frame)) {
      made->done.add(frame);
      ledger::add(*made, store::frame_record{.frame = frame, .now = store::frame_record::state::done});
    }
  made->failed = made->failed.without(made->done);
  made->frames_done = made->done.size();
  made->frames_failed = made->failed.size();
  for (auto& attempt : kept.attempts)
    if (!attempt.ended)
      made->runs.emplace(attempt.number, run{.record = attempt,
                                             .began = aio::clock::now(),
                                             .frame_began = aio::clock::now(),
                                             .done = 0,
                                             .frame = {}});
  if (const auto report = blender::parse_scene_report("kiln: " + made->report))
    made->is_sequential = report->is_sequential;
  made->timeline.begin(aio::clock::now());
  for (const auto& [number, one] : made->runs)
    made->timeline.on_begin(number, afterwards_of(made->spec), aio::clock::now());
  co_return made;
}

aio::task<result<void>> scheduler::recover() {
  const auto newest = co_await store_.newest();
  if (!newest)
    co_return newest.error();
  newest_id_ = newest->value_or(job_id{});
  auto kept = co_await store_.load_live();
  if (!kept)
    co_return kept.error();

  std::vector<executor::attempt_request> open;
  std::vector<mutable_job> waiting;
  for (auto& one : *kept) {
    const auto attempts = one.attempts;
    const auto of = co_await take_up(std::move(one));
    of->revision += revisions_in_doubt;
    jobs_.emplace(of->id, of);
    for (const auto& attempt : attempts)
      if (attempt.pid)
        by_pid_.insert_or_assign(*attempt.pid, of->id);
    tell(*of);
    work_.spawn(learn(of));
    if (of->runs.empty()) {
      waiting.push_back(of);
      continue;
    }
    running_.emplace(of->id, of);
    of->slots = of->runs.size();
    for (const auto& [number, under_way] : of->runs) {
      const std::chrono::duration<double> age = std::chrono::system_clock::now() - under_way.record.began;
      open.push_back(request_for(*of, number, under_way.record.frames.without(of->done).without(of->failed),
                                 std::max(0.0, age.count())));
    }
  }
  if (!kept->empty())
    log_.info("jobs taken up from before: {} that wait, {} that had an attempt under way", waiting.size(),
              open.size());
  co_await executor_.recover(std::move(open), *this);
  const auto recovered = running_;
  for (const auto& [id, of] : recovered)
    if (of->wish == store::intent::cancel)
      stop_runs(*of, domain::stop_reason::cancel);
  for (const auto& of : waiting)
    place(of);
  start_queued();
  co_return result<void>{};
}

aio::task<> scheduler::learn(mutable_job of) {
  auto spec = of->spec;
  const auto key = co_await executor_.fingerprint(std::move(spec));
  if (!key || of->is_closing() || domain::is_final(of->state))
    co_return;
  of->history_key = *key;
  auto times = co_await store_.history(*key);
  if (!times) {
    log_.warn("what frames took earlier cannot be read {} reason={}", words_of(*of), times.error().message);
    co_return;
  }
  if (times->seconds.empty() || of->is_closing() || domain::is_final(of->state))
    co_return;
  of->past_loading = times->loading.value_or(0);
  of->past_seconds = bounded(std::move(times->seconds));
  of->past_total = policy::forecast(of->spec.frames, of->past_seconds, of->past_loading).total();
  if (!of->runs.empty())
    of->timeline.expect(policy::forecast(of->pending(), of->past_seconds, of->past_loading));
  tell(*of);
}

} // namespace kiln::scheduler
