// SPDX-License-Identifier: Apache-2.0
//
// An executor that runs nothing, and an output store: the test decides the course of each attempt.
#pragma once

#include "aio/notification.hpp"
#include "executor/executor.hpp"
#include "output/output_store.hpp"

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace kiln::tests {

class fake_executor final : public executor::executor, public output::output_store {
public:
  explicit fake_executor(aio::executor_type loop) : ended_(loop) {}

  /// The next start() fails with this.
  std::optional<domain::failure> next_start_fails;
  std::vector<std::pair<attempt_id, domain::stop_reason>> stops;
  std::vector<attempt_id> starts;
  std::vector<domain::frame_set> frames; ///< frames of each start
  std::vector<attempt_id> recovered;
  std::map<job_id, domain::frame_set> on_disk;
  std::vector<job_id> discarded;
  std::set<job_id> not_discardable;
  std::uintmax_t free = 1U << 30;
  std::optional<std::string> print;
  std::vector<std::pair<attempt_id, std::vector<int>>> gifts; ///< more frames, for those that were hungry
  std::vector<std::filesystem::path> expected;                ///< jobs that are likely to come
  bool has_memory = true;
  bool has_many_tasks = false;
  std::optional<blender::choice> chosen; ///< the Blender of jobs
  std::vector<std::string> asked;        ///< the Blender that each job asked for, as a choice was made
  std::vector<std::string> used;         ///< the Blender of each start
  bool left = false;
  bool discard_waits = false;

  [[nodiscard]] kiln::executor::abilities able_to() const noexcept override {
    return {.many_tasks = has_many_tasks};
  }

  aio::task<std::optional<pid_t>> start(kiln::executor::attempt_request request,
                                        kiln::executor::attempt_observer& observer) override {
    starts.push_back(request.id);
    frames.push_back(request.frames);
    used.push_back(request.spec.blender);
    if (next_start_fails) {
      domain::attempt_facts facts;
      facts.requested = request.frames;
      facts.start_failure = std::exchange(next_start_fails, {});
      observer.on_end(request.id, facts);
      co_return std::nullopt;
    }
    running_.insert_or_assign(request.id, run{request, &observer, {}});
    co_return next_pid_++;
  }

  aio::task<std::optional<blender::choice>> choose_blender(domain::job_spec spec) override {
    asked.push_back(spec.blender);
    co_return chosen;
  }

  void give(const attempt_id& id, std::vector<int> more) override {
    gifts.emplace_back(id, more);
    for (const int frame : more)
      running_.at(id).request.frames.add(frame);
  }
  void expect(domain::job_spec spec, std::string) override { expected.push_back(spec.blend); }
  aio::task<bool> has_memory_for_another(job_id) override { co_return has_memory; }

  void stop(const attempt_id& id, domain::stop_reason reason) override { stops.emplace_back(id, reason); }

  /// Those that are known go on when the test says adopt(), or are lost when it says lose().
  aio::task<> recover(std::vector<kiln::executor::attempt_request> known,
                      kiln::executor::attempt_observer& observer) override {
    for (auto& request : known) {
      recovered.push_back(request.id);
      const auto id = request.id;
      running_.insert_or_assign(id, run{std::move(request), &observer, {}});
    }
    co_return;
  }

  aio::task<domain::frame_set> published(job_id of) override { co_return on_disk[of]; }
  aio::task<result<kiln::output::result_file>> open_frame(job_id, int) override {
    co_return error{errc::not_found, "nothing is on disk"};
  }
  aio::task<result<std::vector<kiln::output::file_facts>>> list_results(job_id, domain::frame_set) override {
    co_return std::vector<kiln::output::file_facts>{};
  }
  aio::task<result<kiln::output::result_file>> open_result(job_id, std::string) override {
    co_return error{errc::not_found, "this double has no files"};
  }
  aio::task<kiln::output::outputs_of_frames> outputs(job_id) override {
    co_return kiln::output::outputs_of_frames{};
  }
  aio::task<result<kiln::output::result_file>> open_output(job_id, std::string) override {
    co_return error{errc::not_found, "nothing is on disk"};
  }
  aio::task<std::vector<kiln::output::result_file>> open_logs(job_id, int) override {
    co_return std::vector<kiln::output::result_file>{};
  }
  aio::task<result<void>> discard(job_id of, int) override {
    while (discard_waits)
      co_await ended_.wait();
    if (not_discardable.contains(of))
      co_return error{errc::unavailable, "its files cannot be removed"};
    discarded.push_back(of);
    co_return result<void>{};
  }
  aio::task<std::optional<std::string>> fingerprint(domain::job_spec) override { co_return print; }
  aio::task<std::uintmax_t> free_bytes() override { co_return free; }

  void leave() override {
    left = true;
    running_.clear();
    ended_.notify_all();
  }

  aio::task<> join() override {
    while (!running_.empty())
      co_await ended_.wait();
  }

  void adopt(const attempt_id& id, pid_t pid) { running_.at(id).observer->on_adopted(id, pid); }

  void publish(const attempt_id& id, int frame) {
    auto& attempt = running_.at(id);
    attempt.published.push_back(frame);
    attempt.observer->on_published(
        id, {.frame = frame, .path = "frame.png", .bytes = 100, .closed = aio::clock::now()});
  }

  void hunger(const attempt_id& id) { running_.at(id).observer->on_hungry(id); }

  void report(const attempt_id& id, std::string json, bool is_sequential = false) {
    running_.at(id).observer->on_report(
        id, {.json = std::move(json), .is_sequential = is_sequential, .failure = {}});
  }

  void name(const attempt_id& id, int frame) {
    last_named_ = frame;
    running_.at(id).observer->on_progress(id, {.frame = frame, .fraction = 0.5, .sample = 1, .samples = 2});
  }

  void end(const attempt_id& id, domain::process_exit exit, std::optional<domain::stop_reason> stopped = {}) {
    domain::attempt_facts facts;
    facts.exit = exit;
    facts.stopped = stopped;
    end(id, std::move(facts));
  }

  void end_with(const attempt_id& id, domain::failure complaint) {
    domain::attempt_facts facts;
    facts.exit = domain::process_exit{domain::process_exit::how::exited, 1};
    facts.complaints.push_back(std::move(complaint));
    end(id, std::move(facts));
  }

  void lose(const attempt_id& id) {
    domain::attempt_facts facts;
    facts.lost = true;
    end(id, std::move(facts));
  }

  void let_discard_go_on() {
    discard_waits = false;
    ended_.notify_all();
  }

  void set_next_pid(pid_t pid) { next_pid_ = pid; }

private:
  struct run {
    kiln::executor::attempt_request request;
    kiln::executor::attempt_observer* observer;
    std::vector<int> published;
  };

  void end(const attempt_id& id, domain::attempt_facts facts) {
    const auto attempt = running_.extract(id).mapped();
    facts.requested = attempt.request.frames;
    facts.published = domain::frame_set::of(attempt.published);
    facts.last_named = std::exchange(last_named_, {});
    attempt.observer->on_end(id, facts);
    ended_.notify_all();
  }

  std::map<attempt_id, run> running_;
  std::optional<int> last_named_;
  aio::notification ended_;
  pid_t next_pid_ = 1000;
};

} // namespace kiln::tests
