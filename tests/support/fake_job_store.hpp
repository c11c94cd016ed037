// SPDX-License-Identifier: Apache-2.0
//
// A store in memory; it can be made to fail. The conformance suite of tests/unit/store holds it to what the
// real one does.
#pragma once

#include "store/job_store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

namespace kiln::tests {

class fake_job_store : public store::job_store {
public:
  /// While set, nothing can be written.
  bool is_full = false;
  /// Changes that were taken, the newest last.
  std::vector<std::pair<store::job_record, store::durability>> saved;

  aio::task<result<void>> add(store::job_record job) override {
    if (is_full)
      co_return full();
    const auto id = job.id;
    if (!jobs_.try_emplace(id, store::live_job{std::move(job), {}, {}}).second)
      co_return error{errc::conflict, "it is there already"};
    co_return result<void>{};
  }

  aio::task<result<void>> add_once(store::job_record job, store::request_key by) override {
    if (requests_.contains({by.principal, by.key}))
      co_return error{errc::conflict, "the key was used"};
    const auto id = job.id;
    auto added = co_await add(std::move(job));
    if (added)
      requests_.emplace(std::pair{by.principal, by.key}, store::kept_request{by.digest, id, {}});
    co_return added;
  }

  aio::task<result<std::optional<store::kept_request>>> find_request(std::string principal,
                                                                     std::string key) override {
    const auto found = requests_.find({principal, key});
    co_return found == requests_.end() ? std::optional<store::kept_request>{} : found->second;
  }

  aio::task<result<void>> keep_answer(store::request_key by, std::string answer) override {
    requests_.at({by.principal, by.key}).answer = std::move(answer);
    co_return result<void>{};
  }

  aio::task<result<void>> save(store::change what, store::durability how) override {
    if (is_full)
      co_return full();
    const auto found = jobs_.find(what.job.id);
    if (found == jobs_.end() || found->second.job.revision >= what.job.revision)
      co_return error{errc::conflict, "it is gone, or newer"};
    saved.emplace_back(what.job, how);
    auto& kept = found->second;
    kept.job = what.job;
    for (const auto& frame : what.frames) {
      std::erase_if(kept.frames, [&](const auto& f) { return f.frame == frame.frame; });
      if (frame.now != store::frame_record::state::pending || frame.tries > 0)
        kept.frames.push_back(frame);
      if (!what.history_key.empty() && frame.now == store::frame_record::state::done)
        history_[what.history_key].seconds[frame.frame] = frame.seconds;
    }
    std::ranges::sort(kept.frames, {}, &store::frame_record::frame);
    for (const auto& attempt : what.attempts) {
      std::erase_if(kept.attempts, [&](const auto& a) { return a.number == attempt.number; });
      kept.attempts.push_back(attempt);
      std::ranges::sort(kept.attempts, {}, &store::attempt_record::number);
    }
    if (!what.history_key.empty() && what.loading)
      history_[what.history_key].loading = what.loading;
    co_return result<void>{};
  }

  aio::task<result<void>> remove(job_id id) override {
    if (is_full)
      co_return full();
    if (jobs_.erase(id) == 0)
      co_return error{errc::not_found, "there is no such job"};
    co_return result<void>{};
  }

  aio::task<result<std::optional<store::job_record>>> find(job_id id) override {
    const auto found = jobs_.find(id);
    co_return found == jobs_.end() ? std::nullopt : std::optional{found->second.job};
  }

  aio::task<result<std::optional<store::job_record>>> find_by_pid(pid_t pid) override {
    const store::live_job* newest = nullptr;
    store::time_point began{};
    for (const auto& [id, job] : jobs_)
      for (const auto& attempt : job.attempts)
        if (attempt.pid == pid && (!newest || attempt.began >= began)) {
          newest = &job;
          began = attempt.began;
        }
    co_return newest ? std::optional{newest->job} : std::nullopt;
  }

  aio::task<result<std::vector<store::job_record>>> list(store::job_filter filter) override {
    std::vector<store::job_record> found;
    const auto look = [&](const store::live_job& one) {
      const auto& job = one.job;
      const bool tagged =
          filter.tag.empty() || std::ranges::find(job.spec.tags, filter.tag) != job.spec.tags.end();
      const bool owned = filter.owner.empty() || job.owner == filter.owner;
      const bool in_state =
          filter.states.empty() || std::ranges::find(filter.states, job.state) != filter.states.end();
      const auto lower = [](std::string text) {
        std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
        return text;
      };
      auto words = fmt::format("{}\n{}\n{}\n{}\n{}", job.id.str(), job.spec.name, job.spec.blend_name,
                               job.owner, fmt::join(job.spec.tags, "\n"));
      const bool matches = lower(std::move(words)).find(lower(filter.words)) != std::string::npos;
      const bool follows =
          !filter.cursor || (filter.oldest_first ? *filter.cursor < job.id : job.id < *filter.cursor);
      if (tagged && owned && in_state && matches && follows && found.size() < filter.limit)
        found.push_back(job);
    };
    if (filter.oldest_first)
      for (const auto& [id, one] : jobs_)
        look(one);
    else
      for (auto at = jobs_.rbegin(); at != jobs_.rend(); ++at)
        look(at->second);
    co_return found;
  }

  aio::task<result<store::job_counts>> count(std::string owner) override {
    store::job_counts found;
    for (const auto& [id, one] : jobs_)
      if (owner.empty() || one.job.owner == owner)
        ++found[one.job.state];
    co_return found;
  }

  aio::task<result<std::vector<store::statistics_row>>> sum_up(store::statistics_wish) override {
    co_return std::vector<store::statistics_row>{};
  }

  aio::task<result<std::vector<store::frame_record>>> frames(job_id id, int after,
                                                             std::size_t limit) override {
    std::vector<store::frame_record> found;
    if (const auto job = jobs_.find(id); job != jobs_.end())
      for (const auto& frame : job->second.frames)
        if (frame.frame > after && found.size() < limit)
          found.push_back(frame);
    co_return found;
  }

  aio::task<result<std::vector<store::frame_record>>> frames_at(job_id id, std::vector<int> which) override {
    std::vector<store::frame_record> found;
    if (const auto job = jobs_.find(id); job != jobs_.end())
      for (const auto& frame : job->second.frames)
        if (std::ranges::find(which, frame.frame) != which.end())
          found.push_back(frame);
    co_return found;
  }

  aio::task<result<store::frame_states>> states_of_frames(job_id id) override {
    store::frame_states found;
    const auto job = jobs_.find(id);
    if (job == jobs_.end())
      co_return found;
    for (const auto& frame : job->second.frames) {
      if (frame.now == store::frame_record::state::done) {
        found.done.add(frame.frame);
        found.seconds.emplace_back(frame.frame, static_cast<float>(frame.seconds));
      } else if (frame.now == store::frame_record::state::failed) {
        found.failed.add(frame.frame);
      }
    }
    co_return found;
  }

  aio::task<result<std::vector<store::live_job>>> load_live() override {
    std::vector<store::live_job> live;
    for (const auto& [id, job] : jobs_)
      if (!domain::is_final(job.job.state))
        live.push_back(job);
    co_return live;
  }

  aio::task<result<std::optional<job_id>>> newest() override {
    co_return jobs_.empty() ? std::nullopt : std::optional{jobs_.rbegin()->first};
  }

  aio::task<result<std::optional<store::ended_job>>>
  first_ended(std::optional<store::ended_job> after) override {
    std::optional<store::ended_job> first;
    for (const auto& [id, job] : jobs_) {
      if (!job.job.finished || (first && first->finished <= *job.job.finished))
        continue;
      if (after && std::pair{*job.job.finished, id} <= std::pair{after->finished, after->id})
        continue;
      first = store::ended_job{.id = id, .finished = *job.job.finished, .bytes = bytes_of(job)};
    }
    co_return first;
  }

  aio::task<result<std::uintmax_t>> frame_bytes() override {
    std::uintmax_t bytes = 0;
    for (const auto& [id, job] : jobs_)
      bytes += bytes_of(job);
    co_return bytes;
  }

  aio::task<result<store::frame_times>> history(std::string key) override { co_return history_[key]; }

private:
  static std::uintmax_t bytes_of(const store::live_job& job) {
    std::uintmax_t bytes = 0;
    for (const auto& frame : job.frames)
      bytes += static_cast<std::uintmax_t>(frame.bytes);
    return bytes;
  }

  static error full() { return {errc::unavailable, "no room"}; }

  std::map<std::pair<std::string, std::string>, store::kept_request> requests_;
  std::map<job_id, store::live_job> jobs_;
  std::map<std::string, store::frame_times> history_;
};

} // namespace kiln::tests
