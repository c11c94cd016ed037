// SPDX-License-Identifier: Apache-2.0
// Commands for tasks that Slurm has: cancel, release, change the priority.
#include "cluster/slurm_attempt.hpp"
#include "slurm/submission.hpp"
#include "slurm/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kiln::cluster {
namespace {

using domain::stop_reason;
using slurm::task_state;

constexpr int most_releases = 3; // releases of a task that its node could not start

} // namespace

/// A pause lets frames finish; every other stop cancels all that Slurm has of the attempt.
bool slurm_attempt::cancels_all() const {
  return course_.stopped() != stop_reason::pause || course_.is_shutting_down() || facts_.start_failure;
}

/// step() may be waiting for the shared file system; the cluster need not render until that answers.
aio::task<> slurm_attempt::cancel_at_once() {
  try {
    (void)co_await cancel_arrays();
  } catch (...) {
    executor::complain_of(facts_, std::current_exception());
  }
  is_cancelling_ = false;
  was_tried_ = woken_ = true;
  queue_.looked.notify_all();
}

/// Cancels the arrays that Slurm has, except those that were cancelled before. Returns whether none is left.
aio::task<bool> slurm_attempt::cancel_arrays() {
  std::set<std::uint64_t> asked;
  std::vector<std::string> ids;
  for (const auto& [number, of] : arrays_)
    if (of.id.value_or(forgotten) != forgotten && !cancelled_.contains(*of.id)) {
      asked.insert(*of.id);
      ids.push_back(std::to_string(*of.id));
    }
  const bool is_taken = co_await cancel(std::move(ids), false);
  if (is_taken)
    cancelled_.merge(asked);
  co_return is_taken;
}

aio::task<> slurm_attempt::carry_out_stop() {
  if (is_cancelling_)
    co_return; // its end wakes the next step
  if (!cancels_all()) {
    // Waiting tasks do not begin, and running tasks finish their frame.
    std::vector<std::string> waiting, done_with;
    for (auto& [number, of] : arrays_)
      for (auto& [task, of_task] : of.live) {
        if (!of.id || of_task->is_given_up())
          continue;
        const auto published = of_task->facts().published.size();
        const auto before = at_pause_.try_emplace({number, task}, published).first->second;
        const bool waits = of_task->is_waiting() && of_task->runs().empty();
        if (waits || published > before) {
          of_task->give_up();
          (waits ? waiting : done_with).push_back(fmt::format("{}_{}", *of.id, task));
        }
      }
    if (!waiting.empty())
      (void)co_await cancel(std::move(waiting), true);
    if (!done_with.empty())
      (void)co_await cancel(std::move(done_with), false);
    const bool any_left = std::ranges::any_of(arrays_, [](const auto& known) {
      return known.second.in_doubt || std::ranges::any_of(known.second.live, [](const auto& task) {
               return !task.second->is_given_up() &&
                      (task.second->is_running() || !task.second->runs().empty());
             });
    });
    if (!any_left)
      course_.on_over();
    co_return;
  }
  const bool hopeless = course_.is_shutting_down(); // the next start finds the remaining tasks in the queue
  const bool is_cancelled = (hopeless && was_tried_) || co_await cancel_arrays();
  const bool in_doubt = std::ranges::any_of(arrays_, [](const auto& one) { return !!one.second.in_doubt; });
  if (hopeless || (is_cancelled && !in_doubt)) {
    co_await look_at_files(); // complete frames count
    course_.on_over();
  }
}

aio::task<bool> slurm_attempt::cancel(std::vector<std::string> what, bool waiting_only) {
  if (what.empty())
    co_return true;
  constexpr std::size_t most = 500; // arguments of one call
  for (std::size_t i = 0; i < what.size(); i += most) {
    std::vector<std::string> arguments;
    if (waiting_only)
      arguments.emplace_back("--state=PENDING");
    arguments.insert(arguments.end(), what.begin() + static_cast<std::ptrdiff_t>(i),
                     what.begin() + static_cast<std::ptrdiff_t>(std::min(i + most, what.size())));
    auto directory = settings_.state;
    const auto answer = co_await commands_.run("scancel", std::move(arguments), std::move(directory));
    if (!answer || !answer->is_success) {
      trouble_ = "Slurm does not cancel now: " +
                 slurm::describe_refusal(answer ? answer->text : answer.error().message);
      co_return false;
    }
  }
  co_return true;
}

/// Releases held tasks, passes on new priorities, and ends stalled tasks.
aio::task<> slurm_attempt::let_go_on() {
  const auto now = aio::clock::now();
  std::vector<std::string> held, stalled, changed;
  const bool is_changed = std::exchange(priority_changed_, false);
  for (auto& [number, of] : arrays_) {
    if (!of.id)
      continue;
    if (is_changed && *of.id != forgotten && !of.live.empty())
      changed.push_back(std::to_string(*of.id));
    for (auto& [task, of_task] : of.live) {
      const auto name = fmt::format("{}_{}", *of.id, task);
      const auto& row = of_task->row();
      if (row && row->state == task_state::waiting && slurm::is_held_after_launch(row->reason) &&
          !of_task->has_ended_by_itself() && released_[{number, task}]++ < most_releases)
        held.push_back(name);
      if (request_.patience && of_task->is_running() && row->state == task_state::running &&
          !of_task->is_stalled() && !of_task->has_ended_by_itself() &&
          now - of_task->last_sign() >= *request_.patience) {
        of_task->mark_stalled();
        stalled.push_back(name);
      }
    }
  }
  if (!stalled.empty())
    (void)co_await cancel(std::move(stalled), false);
  const auto nice = slurm::nice_of(request_.spec.priority, settings_.nice_step);
  std::vector<std::vector<std::string>> orders;
  for (const auto& name : held)
    orders.push_back({"release", name});
  for (const auto& id : changed)
    orders.push_back({"update", "JobId=" + id, fmt::format("Nice={}", nice)});
  for (auto& order : orders) {
    const bool is_priority = order.front() == "update";
    auto directory = settings_.state;
    const auto answer = co_await commands_.run("scontrol", std::move(order), std::move(directory));
    if (!is_priority || (answer && answer->is_success))
      continue;
    const auto& why = answer ? answer->text : answer.error().message;
    if (!answer || answer->is_late || slurm::parse_refusal(why) == slurm::refusal::away) {
      priority_changed_ = true; // update all again after the next poll
      co_return;
    }
    observer_.on_warning(
        request_.id, {.kind = "priority_kept",
                      .message = "Slurm keeps the priority that it had: " + slurm::describe_refusal(why)});
  }
}

} // namespace kiln::cluster
