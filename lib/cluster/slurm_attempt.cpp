// SPDX-License-Identifier: Apache-2.0
// What happens to the tasks of an attempt.
#include "cluster/slurm_attempt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace kiln::cluster {
namespace {

using domain::failure_kind;
using slurm::task_end;
using slurm::task_state;

} // namespace

slurm_attempt::slurm_attempt(aio::executor_type loop, const slurm_settings& settings,
                             aio::blocking_pool& pool, image::image_check& images, slurm_commands& commands,
                             queue_look& queue, std::string owner, executor::attempt_request request,
                             executor::attempt_observer& observer)
    : settings_(settings), pool_(pool), images_(images), commands_(commands), queue_(queue),
      owner_(std::move(owner)), request_(std::move(request)), observer_(observer),
      paths_(executor::paths_of(request_.id, settings.output, settings.state)), look_(queue.number),
      orders_(loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }),
      most_tasks_(settings.tasks_of_an_array), parallel_(settings.tasks_at_once) {
  facts_.requested = request_.frames;
  facts_.lost = true; // no single exit status tells how it ended: its tasks do
  told_.on_frame = [this](const slurm_task::news& news) {
    mark_running();
    if (news.frame.seconds) {
      frame_sum_ += *news.frame.seconds;
      ++frame_count_;
    }
    if (news.start_up) {
      start_up_sum_ += *news.start_up;
      ++start_up_count_;
    }
    facts_.published.add(news.frame.frame);
    observer_.on_published(request_.id, news.frame);
  };
  told_.on_warning = [this](const domain::warning& what) { observer_.on_warning(request_.id, what); };
  told_.on_report = [this](const blender::scene_report& report) { observer_.on_report(request_.id, report); };
}

void slurm_attempt::stop(domain::stop_reason reason) {
  const auto what = course_.on_stop(reason);
  facts_.stopped = course_.stopped();
  if (what == policy::attempt_course::action::none)
    return;
  woken_ = true; // step() carries it out
  queue_.looked.notify_all();
  if (cancels_all() && !std::exchange(is_cancelling_, true))
    orders_.spawn(cancel_at_once());
}

void slurm_attempt::leave() {
  (void)course_.on_leave();
  queue_.looked.notify_all();
}

void slurm_attempt::set_priority(int priority) {
  request_.spec.priority = priority;
  priority_changed_ = woken_ = true;
  queue_.looked.notify_all();
}

aio::task<std::optional<domain::attempt_facts>> slurm_attempt::run(beginning how) {
  try {
    if (how == beginning::adopt) {
      co_await adopt();
    } else {
      const bool is_prepared = co_await begin();
      if (!is_prepared)
        course_.on_over();
    }
    (void)course_.on_held(); // step() checks whether it is to end
    if (!course_.is_over())
      co_await live();
  } catch (...) {
    executor::complain_of(facts_, std::current_exception());
  }
  course_.on_over(); // a stop begins nothing from here on
  co_await orders_.join();
  if (course_.is_left())
    co_return std::nullopt;
  facts_.rendered_twice = static_cast<int>(frames_twice_);
  co_return facts_;
}

aio::task<> slurm_attempt::live() {
  while (!course_.is_over() && !course_.is_left()) {
    woken_ = false;
    co_await step();
    if (!course_.is_over() && !course_.is_left() && !woken_)
      co_await queue_.looked.wait();
  }
}

aio::task<> slurm_attempt::step() {
  read_queue();
  watch_time();
  co_await look_at_files();
  if (course_.is_left())
    co_return;
  co_await judge();
  co_await settle_doubts();
  if (course_.is_left() || course_.is_over())
    co_return;
  if (course_.stopped()) {
    co_await carry_out_stop();
  } else {
    co_await let_go_on();
    co_await fill();
  }
  if (course_.is_over() || course_.is_left())
    co_return;
  tell();
  if (arrays_.empty() && left_.empty() && alone_.empty())
    course_.on_over();
}

void slurm_attempt::read_queue() {
  if (queue_.number == look_)
    return;
  look_ = queue_.number;
  const auto now = aio::clock::now();
  std::size_t running = 0, kept_waiting = 0;
  for (auto& [number, of] : arrays_) {
    if (!of.id)
      continue;
    const auto rows = queue_.by_array.find(*of.id);
    std::map<int, const slurm::queue_row*> by_task;
    if (rows != queue_.by_array.end())
      for (const auto& row : rows->second)
        for (const int task : row.tasks)
          by_task[task] = &row;
    // A row without tasks applies to tasks that have no row of their own.
    const slurm::queue_row* others = nullptr;
    if (rows != queue_.by_array.end())
      for (const auto& row : rows->second)
        if (row.tasks.empty())
          others = &row;
    for (auto& [task, of_task] : of.live) {
      const auto found = by_task.find(task);
      of_task->see(found == by_task.end() ? others : found->second, now);
      running += of_task->is_running() ? 1 : 0;
      kept_waiting += of_task->row() && of_task->row()->state == task_state::waiting &&
                              of_task->row()->reason != "JobArrayTaskLimit" && of_task->row()->reason != ""
                          ? 1
                          : 0;
    }
  }
  if (kept_waiting > 0 && running > 0)
    parallel_ = running; // there is no more room than this
  else if (running > parallel_)
    parallel_ = running;
}

aio::task<> slurm_attempt::look_at_files() {
  for (auto& [number, of] : arrays_) {
    std::set<int> tasks;
    std::map<slurm::run_name, std::uint64_t> positions;
    for (const auto& [task, of_task] : of.live)
      if (!of_task->is_waiting() || of_task->runs().empty() || !of_task->row()) {
        tasks.insert(task);
        positions.merge(of_task->log_positions());
      }
    if (tasks.empty())
      continue;
    const auto look_here = [directory = of.directory, tasks = std::move(tasks),
                            positions = std::move(positions)] {
      return look_at_runs(directory, tasks, positions);
    };
    auto runs = co_await pool_.run(look_here);
    for (auto& run : runs) {
      if (course_.is_left())
        co_return;
      const auto task = of.live.find(run.name.task);
      if (task != of.live.end())
        co_await task->second->take(std::move(run));
    }
  }
}

/// By an operator or the user, not by Kiln.
bool slurm_attempt::was_cancelled_as_a_whole() const {
  bool any = false;
  const auto now = aio::clock::now();
  for (const auto& [number, of] : arrays_)
    for (const auto& [task, of_task] : of.live) {
      if (of_task->is_given_up() || of_task->is_stalled() ||
          of_task->decide(now, settings_.lag) != task_end::cancelled)
        return false;
      any = true;
    }
  return any;
}

aio::task<> slurm_attempt::judge() {
  if (!course_.stopped() && was_cancelled_as_a_whole()) {
    facts_.exit = domain::process_exit{domain::process_exit::how::signaled, SIGTERM};
    facts_.lost = facts_.published == facts_.requested;
    course_.on_over();
    co_return;
  }
  const auto now = aio::clock::now();
  std::vector<std::pair<int, int>> ended;
  for (const auto& [number, of] : arrays_) {
    const bool others_live = std::ranges::any_of(of.live, [](const auto& task) {
      return task.second->row() && !slurm::is_over(task.second->row()->state) &&
             task.second->row()->state != task_state::ending;
    });
    for (const auto& [task, of_task] : of.live) {
      const auto how = of_task->decide(now, settings_.lag);
      const bool is_ours = of_task->is_given_up() || of_task->is_stalled();
      // Other tasks of the array may be about to end the same way.
      const bool wait = how == task_end::cancelled && !is_ours && !others_live && of.live.size() > 1;
      if (how != task_end::none && !wait)
        ended.emplace_back(number, task);
    }
  }
  for (const auto& [number, task] : ended) {
    if (course_.is_left())
      co_return;
    auto& of = arrays_.at(number);
    const auto how = of.live.at(task)->decide(now, settings_.lag);
    co_await end_task(of, task, how);
  }
  std::erase_if(arrays_, [](const auto& known) { return known.second.live.empty(); });
}

aio::task<> slurm_attempt::end_task(array& of, int number, task_end how) {
  auto& task = *of.live.at(number);
  const auto name = fmt::format("{}_{}", of.id.value_or(0), number);
  const bool needs_words = how == task_end::without_trace;
  const auto title = log_title(task.facts().requested, name, task.row() ? task.row()->node : std::string{});
  struct kept {
    std::string said, log;
    bool is_marked = true;
  };
  const auto close_here = [directory = of.directory, runs = task.runs(), number, title, log = paths_.log,
                           needs_words] {
    kept k;
    if (needs_words)
      k.said = read_task_output(directory, number);
    for (const auto& run : runs)
      k.log += keep_log(directory, run, title, log);
    k.is_marked = !!add_judged(directory, number);
    remove_task(directory, number);
    return k;
  };
  const auto closed = co_await pool_.run(close_here);
  task.conclude(how, closed.said, name);
  frames_twice_ += task.frames_twice();
  // Slurm may keep a task that ran to its end ("launch failed requeued held"), or have started it again.
  const bool still_there =
      task.row() && (task.row()->state == task_state::waiting ||
                     (task.row()->state == task_state::running && !task.has_ended_by_itself()));
  if (of.id && task.has_ended_by_itself())
    queue_.ended.add({*of.id, number}, queue_.number, aio::clock::now());
  const auto ended = std::move(of.live.at(number));
  of.live.erase(number);
  if (!closed.log.empty())
    observer_.on_output(request_.id, closed.log);
  const auto& facts = ended->facts();
  const bool went_well = facts.published == facts.requested && (facts.lost || facts.exit->is_success());
  if (!went_well && !ended->is_given_up() && !course_.stopped()) {
    if (how == task_end::timed_out)
      ++time_raised_;
    if (how == task_end::out_of_memory)
      ++memory_raised_;
    const auto again = observer_.on_task_failed(request_.id, facts);
    const bool nobodys_fault = how == task_end::interrupted;
    for (const int frame : again)
      (nobodys_fault ? left_ : alone_).add(frame);
  } else if (!went_well) {
    for (const int frame : facts.requested.without(facts.published))
      left_.add(frame);
  }
  if (still_there) {
    std::vector<std::string> what{name};
    (void)co_await cancel(std::move(what), false);
  }
}

void slurm_attempt::watch_time() {
  const auto now = aio::clock::now();
  for (const auto& [number, of] : arrays_)
    for (const auto& [task, of_task] : of.live)
      if (!course_.has_begun() && (of_task->is_running() || !of_task->runs().empty()))
        mark_running();
  if (course_.has_begun() && request_.time_left && now - began_to_run_ >= *request_.time_left)
    stop(domain::stop_reason::timeout);
}

aio::task<> slurm_attempt::clean_up() {
  const auto remove_here = [paths = paths_] {
    remove(paths);
    return true;
  };
  (void)co_await pool_.run(remove_here);
}

} // namespace kiln::cluster
