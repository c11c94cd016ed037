// SPDX-License-Identifier: Apache-2.0
// Submits an attempt's tasks to Slurm and handles the answers.
#include "blender/command_line.hpp"
#include "cluster/slurm_attempt.hpp"
#include "slurm/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace kiln::cluster {
namespace {

using domain::failure;
using domain::failure_kind;
using domain::stop_reason;
using slurm::refusal;

constexpr int enough_looks = 2; // polls of the queue until a missing array counts as not submitted
constexpr int most_unknown = 3; // refusals for an unknown reason
constexpr std::chrono::seconds full_pause{15}; // until the next try to submit

} // namespace

aio::task<bool> slurm_attempt::begin() {
  observer_.on_waiting(request_.id, "it is being submitted to Slurm");
  const auto prepare_here = [paths = paths_, blend = request_.spec.blend, open = settings_.open_blend] {
    return prepare(paths, blend, open);
  };
  facts_.start_failure = co_await pool_.run(prepare_here);
  if (!facts_.start_failure &&
      paths_.workspace.native().find_first_of(blender::unusable_in_output) != std::string::npos)
    facts_.start_failure =
        failure{.kind = failure_kind::output_unwritable,
                .message = "the output's path holds a character that Blender does not take as it is: " +
                           paths_.workspace.native()};
  if (facts_.start_failure || course_.is_ending())
    co_return false;
  alone_ = request_.failed_before;
  left_ = request_.frames.without(alone_);
  co_return true;
}

aio::task<> slurm_attempt::adopt() {
  const auto read_here = [workspace = paths_.workspace] {
    return std::pair{read_arrays(workspace), last_array(workspace)};
  };
  auto [kept, last] = co_await pool_.run(read_here);
  if (last == 0) { // it had not begun
    const bool is_prepared = co_await begin();
    if (!is_prepared)
      course_.on_over();
    co_return;
  }
  last_array_ = last;
  domain::frame_set in_tasks;
  struct taken_in {
    std::filesystem::path directory;
    int number;
    std::string title;
  };
  std::vector<taken_in> not_judged;
  for (auto& known : kept) {
    array of{.number = known.number,
             .directory = paths_.workspace / std::to_string(known.number),
             .tasks = known.tasks.size(),
             .id = known.id,
             .in_doubt = {},
             .live = {}};
    if (!of.id)
      of.in_doubt = queue_.number; // sbatch may have been on its way
    for (std::size_t i = 0; i < known.tasks.size(); ++i) {
      const int number = static_cast<int>(i) + 1;
      auto frames = known.tasks[i];
      const auto published = frames.without(request_.frames);
      // Tasks that are judged, or whose frames are all published or given up, have ended for us: cancel those
      // Slurm still shows.
      if (known.judged.contains(number) || published == frames) {
        if (of.id)
          queue_.ended.add({*of.id, number}, queue_.number, aio::clock::now());
        if (!known.judged.contains(number))
          not_judged.push_back(
              {of.directory, number, log_title(frames, fmt::format("{}_{}", of.id.value_or(0), number), {})});
        continue;
      }
      for (const int frame : frames)
        in_tasks.add(frame);
      add_task(of, number, frames.without(published));
    }
    if (!of.live.empty())
      arrays_.insert_or_assign(known.number, std::move(of));
  }
  const auto conclude_here = [not_judged, log = paths_.log] {
    for (const auto& [directory, number, title] : not_judged)
      conclude_task(directory, number, title, log);
    return true;
  };
  (void)co_await pool_.run(conclude_here);
  const auto open = request_.frames.without(in_tasks);
  alone_ = open.without(open.without(request_.failed_before));
  left_ = open.without(alone_);
}

void slurm_attempt::add_task(array& of, int number, domain::frame_set frames) {
  auto made =
      std::make_unique<slurm_task>(pool_, images_, of.directory, paths_.final_dir, std::move(frames), told_);
  of.live.insert_or_assign(number, std::move(made));
}

aio::task<> slurm_attempt::submit(std::vector<domain::frame_set> tasks) {
  if (!blender::find_install(settings_.blenders, request_.spec.blender)) {
    facts_.start_failure =
        failure{.kind = failure_kind::blender_missing,
                .message = "kilnd is no longer told of a Blender named " + request_.spec.blender};
    course_.on_over();
    co_return;
  }
  auto pieces = blender::format_argument_pieces(request_.spec, paths_.script);
  if (!pieces) {
    facts_.start_failure =
        failure{.kind = failure_kind::output_unwritable, .message = pieces.error().message};
    course_.on_over();
    co_return;
  }
  const int number = ++last_array_;
  array made{.number = number,
             .directory = paths_.workspace / std::to_string(number),
             .tasks = tasks.size(),
             .id = {},
             .in_doubt = {},
             .live = {}};
  for (std::size_t i = 0; i < tasks.size(); ++i)
    add_task(made, static_cast<int>(i) + 1, tasks[i]);
  for (const auto& frames : tasks) {
    left_ = left_.without(frames);
    alone_ = alone_.without(frames);
  }
  std::ranges::move(pieces->settings, std::back_inserter(pieces->before));
  array_text text{.tasks = std::move(tasks),
                  .before = std::move(pieces->before),
                  .after = std::move(pieces->after),
                  .site_template = settings_.site_template};
  auto& of = arrays_.insert_or_assign(number, std::move(made)).first->second;
  const auto write_here = [directory = of.directory, text = std::move(text)] {
    return write_array(directory, text);
  };
  const auto written = co_await pool_.run(write_here);
  if (!written) {
    take_back(of);
    executor::complain(facts_, executor::write_failure(written.error()));
    give_up(executor::write_failure(written.error()));
    co_return;
  }
  co_await send(of);
}

aio::task<> slurm_attempt::send(array& of) {
  const auto* install = blender::find_install(settings_.blenders, request_.spec.blender); // it was there
  slurm::submission asked{.name = {request_.id, of.number},
                          .owner = owner_,
                          .directory = of.directory,
                          .final_dir = paths_.final_dir,
                          .script = of.directory / "batch.sh",
                          .blender = install ? install->executable.native() : request_.spec.blender,
                          .tasks = of.tasks,
                          .at_once = settings_.tasks_at_once,
                          .fields = request_.spec.slurm,
                          .priority = request_.spec.priority,
                          .nice_step = settings_.nice_step,
                          .threads = request_.spec.threads,
                          .site_options = settings_.options};
  std::size_t largest = 0;
  for (const auto& [number, task] : of.live)
    largest = std::max(largest, task->facts().requested.size());
  asked.time = slurm::time_limit(largest, pace(), time_raised_);
  if (asked.fields.time && time_raised_ > 0)
    asked.fields.time = *asked.fields.time * (1 << std::min(time_raised_, 10));
  asked.memory_factor = 1 << std::min(memory_raised_, 6);
  auto arguments = slurm::format_sbatch_arguments(asked);
  auto directory = of.directory;
  const auto answer = co_await commands_.run("sbatch", std::move(arguments), std::move(directory));
  if (!answer) {
    refuse(of, refusal::away, answer.error().message);
    co_return;
  }
  if (!answer->is_success) {
    refuse(of, answer->is_late ? refusal::away : slurm::parse_refusal(answer->text), answer->text);
    co_return;
  }
  of.id = slurm::parse_submitted(answer->text);
  if (!of.id) { // it can be found in the queue by its name
    of.in_doubt = queue_.number;
    co_return;
  }
  trouble_.clear();
  refused_ = 0;
  const auto keep_here = [place = of.directory, id = *of.id] { return write_id(place, id); };
  (void)co_await pool_.run(keep_here); // without its id, it is found by its name
}

void slurm_attempt::refuse(array& of, refusal why, const std::string& said) {
  const auto words = slurm::describe_refusal(said);
  switch (why) {
  case refusal::away:
    trouble_ = "Slurm does not take jobs now: " + words;
    of.in_doubt = queue_.number;
    return;
  case refusal::full:
    trouble_ = "Slurm's limit of jobs is reached: " + words;
    most_tasks_ = std::max<std::size_t>(of.tasks / 2, 1);
    take_back(of);
    try_again_ = aio::clock::now() + (most_tasks_ > 1 ? std::chrono::seconds{0} : full_pause);
    woken_ = most_tasks_ > 1;
    return;
  case refusal::too_many:
    if (of.tasks > 1) {
      most_tasks_ = std::max<std::size_t>(of.tasks / 2, 1);
      take_back(of);
      woken_ = true;
      return;
    }
    break;
  case refusal::unknown:
    if (++refused_ < most_unknown) {
      trouble_ = "sbatch fails: " + words;
      of.in_doubt = queue_.number;
      return;
    }
    break;
  case refusal::bad_field:
    break;
  }
  take_back(of);
  give_up({.kind = failure_kind::invalid_setting, .message = "Slurm refuses the job: " + words});
}

/// No more tasks can be submitted: ends those already running.
void slurm_attempt::give_up(failure why) {
  facts_.start_failure = std::move(why);
  stop(stop_reason::cancel);
}

/// Returns the frames of its tasks to the unassigned ones.
void slurm_attempt::take_back(array& of) {
  for (const auto& [number, task] : of.live)
    for (const int frame : task->facts().requested)
      (request_.failed_before.contains(frame) ? alone_ : left_).add(frame);
  arrays_.erase(of.number);
}

/// Resolves arrays of which it is unknown whether Slurm has them: it lists their name, or never received
/// them.
aio::task<> slurm_attempt::settle_doubts() {
  for (auto& [number, of] : arrays_) {
    if (!of.in_doubt || course_.is_left())
      continue;
    const slurm::array_name name{request_.id, number};
    const auto found = queue_.array_of_name.find(name.str());
    if (found != queue_.array_of_name.end()) {
      of.id = found->second;
      of.in_doubt.reset();
      trouble_.clear();
      const auto keep_here = [place = of.directory, id = *of.id] { return write_id(place, id); };
      (void)co_await pool_.run(keep_here);
      continue;
    }
    const bool has_run =
        std::ranges::any_of(of.live, [](const auto& task) { return !task.second->runs().empty(); });
    if (queue_.number < *of.in_doubt + enough_looks)
      continue;
    of.in_doubt.reset();
    if (has_run) { // Slurm had it and has forgotten it: its files provide the rest
      of.id = forgotten;
      continue;
    }
    if (course_.stopped())
      continue; // never submitted, and no longer needed
    const auto look_here = [place = of.directory] { return is_array_whole(place); };
    const bool is_whole = co_await pool_.run(look_here);
    if (is_whole) {
      co_await send(of);
    } else { // its files were removed
      trouble_.clear();
      take_back(of);
      woken_ = true;
    }
    co_return; // the arrays may have changed
  }
}

} // namespace kiln::cluster
