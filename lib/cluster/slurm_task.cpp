// SPDX-License-Identifier: Apache-2.0
#include "cluster/slurm_task.hpp"

#include "blender/command_line.hpp"
#include "slurm/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>
#include <variant>

namespace kiln::cluster {
namespace {

using domain::failure;
using domain::failure_kind;
using slurm::task_end;
using slurm::task_state;

double seconds_of(aio::clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

double seconds_between_ns(std::int64_t from, std::int64_t to) {
  return std::max(0.0, static_cast<double>(to - from) / 1e9);
}

/// Inserts a complaint before all others, because it explains most.
void complain_first(domain::attempt_facts& to, failure_kind kind, std::string message) {
  to.complaints.insert(to.complaints.begin(), failure{.kind = kind, .message = std::move(message)});
}

} // namespace

slurm_task::slurm_task(aio::blocking_pool& pool, image::image_check& images, std::filesystem::path directory,
                       std::filesystem::path final_dir, domain::frame_set frames, const listener& told)
    : directory_(std::move(directory)), told_(told),
      frames_(pool, images, {.final_dir = std::move(final_dir)}, facts_), last_sign_(aio::clock::now()),
      frame_began_(last_sign_) {
  facts_.requested = std::move(frames);
}

aio::task<> slurm_task::take(seen_run seen) {
  const auto now = aio::clock::now();
  const auto name = seen.name;
  auto [known, is_new] = runs_.try_emplace(name);
  auto& of = known->second;
  if (is_new) {
    of.last_ns = seen.loaded_ns.value_or(seen.began_ns.value_or(0));
    const auto on_event = [this](const blender::log_event& event) {
      if (const auto* report = std::get_if<blender::scene_report>(&event))
        told_.on_report(*report);
      else if (const auto* warning = std::get_if<domain::warning>(&event))
        told_.on_warning(*warning);
      else if (const auto* progress = std::get_if<blender::frame_progress>(&event))
        note(*progress, aio::clock::now());
    };
    of.notes = std::make_unique<executor::log_notes>(facts_, on_event);
    last_sign_ = frame_began_ = now;
    course_.reset();
  }
  if (!of.is_loaded && seen.loaded_ns) {
    of.is_loaded = true;
    of.last_ns = std::max(of.last_ns, *seen.loaded_ns);
    last_sign_ = frame_began_ = now;
  }
  if (!seen.log.empty()) {
    last_sign_ = now;
    of.log_at += seen.log.size();
    of.notes->feed(seen.log);
  }
  for (std::size_t i = 0; i < seen.frames.size(); ++i)
    co_await take_frame(name, seen, i);
  if (seen.record && !of.record && seen.log_is_whole) {
    of.notes->finish();
    of.record = std::move(seen.record);
    of.record_seen = now;
  }
}

/// The log is polled every few seconds, so a line may be that much older than it appears.
void slurm_task::note(const blender::frame_progress& said, aio::clock::time_point now) {
  progress_ = said;
  if (!facts_.requested.contains(said.frame) || facts_.published.contains(said.frame))
    return;
  if (!course_ || course_->frame() != said.frame)
    course_.emplace(said, now);
  course_->note(said, now);
}

aio::task<> slurm_task::take_frame(const slurm::run_name& name, const seen_run& seen, std::size_t index) {
  auto& of = runs_.at(name);
  const auto file = seen.frames[index];
  const auto frame = blender::parse_frame_file_name(file.name);
  if (!frame || !facts_.requested.contains(*frame))
    co_return;
  if (facts_.published.contains(*frame)) { // another run has already rendered it
    if (of.twice.insert(file.name).second)
      ++twice_;
    co_return;
  }
  // A frame is complete if Blender has begun the next one or has ended, or if the file does not change.
  const auto before = of.before.find(file.name);
  const bool same = before != of.before.end() && before->second.size == file.size &&
                    before->second.modified_ns == file.modified_ns;
  const bool closed = seen.record || index + 1 < seen.frames.size() || same;
  const bool looked_at = same && facts_.rejected.end() != std::ranges::find(facts_.rejected, *frame,
                                                                            &domain::rejected_frame::frame);
  of.before.insert_or_assign(file.name, file);
  if (!closed || (looked_at && !seen.record))
    co_return;
  const auto now = aio::clock::now();
  auto path = directory_ / name.str() / file.name;
  auto done = co_await frames_.consider(std::move(path), now);
  if (!done)
    co_return;
  news told{std::move(*done), std::nullopt};
  auto& run_now = runs_.at(name);
  if (run_now.last_ns > 0)
    told.frame.seconds = seconds_between_ns(run_now.last_ns, file.modified_ns);
  if (seen.began_ns && seen.loaded_ns && run_now.last_ns == *seen.loaded_ns)
    told.start_up = seconds_between_ns(*seen.began_ns, *seen.loaded_ns);
  run_now.last_ns = file.modified_ns;
  run_now.before.erase(file.name);
  last_sign_ = frame_began_ = now;
  if (course_ && course_->frame() == *frame)
    course_.reset();
  told_.on_frame(told);
}

void slurm_task::see(const slurm::queue_row* row, aio::clock::time_point now) {
  if (row)
    was_queued_ = true;
  const bool was_running = is_running();
  row_ = row ? std::optional{*row} : std::nullopt;
  if (row && !slurm::is_over(row->state)) {
    looks_over_ = 0;
    if (!was_running && is_running())
      last_sign_ = frame_began_ = now;
    return;
  }
  if (looks_over_++ == 0)
    over_since_ = now;
}

const slurm_task::run* slurm_task::newest() const {
  const run* found = nullptr;
  int restart = -1;
  for (const auto& [name, of] : runs_)
    if (name.restart > restart) {
      restart = name.restart;
      found = &of;
    }
  return found;
}

task_end slurm_task::decide(aio::clock::time_point now, std::chrono::milliseconds lag) const {
  slurm::task_view view;
  // A record with all frames counts, whichever run wrote it: a lost run may still have succeeded.
  const auto* of = newest();
  for (const auto& [name, other] : runs_)
    if (other.record && other.record->status == 0 && facts_.published == facts_.requested)
      of = &other;
  if (of && of->record) {
    view.record = of->record;
    view.record_age = seconds_of(now - of->record_seen);
    view.files_seen = std::ranges::all_of(of->record->files, [this](const std::string& file) {
      const auto frame = blender::parse_frame_file_name(file);
      return !frame || !facts_.requested.contains(*frame) || facts_.published.contains(*frame) ||
             std::ranges::find(facts_.rejected, *frame, &domain::rejected_frame::frame) !=
                 facts_.rejected.end();
    });
  }
  view.complete = facts_.published == facts_.requested;
  if (row_)
    view.state = row_->state;
  view.was_queued = was_queued_;
  view.looks = looks_over_;
  view.over_age = looks_over_ > 0 ? seconds_of(now - over_since_) : 0;
  return slurm::decide_task_end(view, std::chrono::duration<double>(lag).count());
}

void slurm_task::conclude(task_end how, const std::string& said, const std::string& name) {
  const auto node = row_ && !row_->node.empty() ? " on " + row_->node : std::string{};
  const auto task = "Slurm task " + name + node;
  facts_.lost = true;
  if (stalled_) {
    facts_.stopped = domain::stop_reason::stall;
    return;
  }
  switch (how) {
  case task_end::exited: {
    const auto* of = newest();
    for (const auto& [other, ended] : runs_)
      if (ended.record && ended.record->status == 0 && facts_.published == facts_.requested)
        of = &ended;
    facts_.exit = slurm::exit_of(*of->record);
    facts_.lost = false;
    if (of->record->status == 127 || of->record->status == 126)
      executor::complain(
          facts_, {.kind = failure_kind::blender_missing,
                   .message = fmt::format("Blender cannot be started on {}: is it installed there, under the "
                                          "name that kilnd is given (blender)? Its log: GET /v1/jobs/ID/log",
                                          of->record->node)});
    break;
  }
  case task_end::cancelled:
    complain_first(facts_, failure_kind::killed, task + " was cancelled outside Kiln (scancel)");
    break;
  case task_end::timed_out:
    complain_first(facts_, failure_kind::killed,
                   task + " was ended by Slurm at its time limit; it gets more time at the next try (or say "
                          "slurm.time_seconds)");
    break;
  case task_end::out_of_memory:
    complain_first(
        facts_, failure_kind::out_of_memory,
        task + " took more memory than it was given; a job that says slurm.mem gets twice as much at the "
               "next try");
    break;
  case task_end::without_trace:
    complain_first(
        facts_, failure_kind::internal,
        fmt::format("{} is over, and has written nothing: {}", task,
                    said.empty() ? "is the output directory shared with the node?" : slurm::excerpt(said)));
    break;
  case task_end::unknown:
    complain_first(facts_, failure_kind::internal,
                   "Slurm does not know task " + name + ", though sbatch has answered with its number");
    break;
  case task_end::complete:
  case task_end::interrupted:
    facts_.complaints.clear(); // irrelevant: the task was lost with its node
    break;
  case task_end::none:
    break;
  }
}

bool slurm_task::is_running() const noexcept {
  return row_ && (row_->state == task_state::running || row_->state == task_state::ending);
}

bool slurm_task::is_waiting() const noexcept {
  return !row_ || row_->state == task_state::waiting;
}

bool slurm_task::has_ended_by_itself() const noexcept {
  const auto* of = newest();
  return of && of->record;
}

std::map<slurm::run_name, std::uint64_t> slurm_task::log_positions() const {
  std::map<slurm::run_name, std::uint64_t> positions;
  for (const auto& [name, of] : runs_)
    positions.emplace(name, of.log_at);
  return positions;
}

std::vector<slurm::run_name> slurm_task::runs() const {
  std::vector<slurm::run_name> names;
  for (const auto& [name, of] : runs_)
    names.push_back(name);
  return names;
}

policy::running_task slurm_task::standing(aio::clock::time_point now) const {
  const auto* of = newest();
  policy::running_task task{.frames_left =
                                static_cast<double>(facts_.requested.size() - facts_.published.size()),
                            .frame_age = seconds_of(now - frame_began_),
                            .is_loaded = of && of->is_loaded};
  if (course_) {
    const auto began = std::max(frame_began_, course_->began());
    task.frame_age = seconds_of(now - began);
    task.fraction = course_->fraction();
    task.stated = course_->stated(began, task.frame_age);
  }
  return task;
}

} // namespace kiln::cluster
