// SPDX-License-Identifier: Apache-2.0
// Follows an attempt once its Blender runs: its log, files, time and end. Also for an attempt begun by an
// earlier kilnd.
#include "aio/directory.hpp"
#include "executor/log_notes.hpp"
#include "local/local_attempt.hpp"
#include "output/results.hpp"
#include "process/process_table.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace kiln::local {
namespace {

using domain::failure_kind;

constexpr std::chrono::seconds look_again{1}; // after a temporary lack of resources
constexpr std::chrono::milliseconds between_looks{250};
constexpr std::uintmax_t full_below = 1 << 20; // free bytes: no useful image fits into less

} // namespace

aio::task<> local_attempt::adopt() {
  facts_.lost = true;
  const auto find_here = [id = request_.id, output = settings_.output, state = settings_.state] {
    auto paths = executor::find_paths(id, output, state);
    auto process = executor::kept_process(executor::process_entry(paths.directory, state));
    return std::pair{std::move(paths), std::move(process)};
  };
  const auto found = co_await pool_.run(find_here);
  paths_ = found.first;
  const auto& kept = found.second;
  auto closed = watch::directory_watch::open(loop_, paths_.workspace);
  auto running = co_await find_process(kept);
  // Without descriptors or watches we cannot tell whether it runs: it would lose its workspace.
  const auto lacks = [](const auto& of) { return !of && is_passing(of.error().code); };
  while (!course_.is_left() && (lacks(running) || (lacks(closed) && !course_.stopped()))) {
    boost::system::error_code ignored;
    aio::timer pause{loop_, look_again};
    co_await pause.async_wait(aio::asio::redirect_error(aio::use_task, ignored));
    if (lacks(closed))
      closed = watch::directory_watch::open(loop_, paths_.workspace);
    if (lacks(running))
      running = co_await find_process(kept);
  }
  if (course_.is_left())
    co_return;
  if (running && !closed) {
    (*running)->stop(); // its frames could not be detected
    if (!is_passing(closed.error().code))
      executor::complain(facts_, executor::internal_failure(closed.error().message));
  }
  if (!running || !closed) {
    co_await copy_whole_log();
    co_await rescan(); // finished frames count
    co_return;
  }
  process_ = std::move(*running);
  if (settings_.groups)
    adopted_group_ = settings_.groups->of(process_->pid());
  observer_.on_adopted(request_.id, process_->pid());
  carry_out(course_.on_held());
  co_await follow(std::move(*closed));
}

/// `identity`: recorded by the earlier kilnd; nullopt if there is no record.
aio::task<result<std::unique_ptr<process::adopted>>>
local_attempt::find_process(const std::optional<std::string>& identity) {
  auto directory = paths_.directory;
  auto mark = mark_of(paths_.temp);
  const auto grace = settings_.stop_grace;
  if (!identity)
    co_return co_await process::adopted::find(loop_, pool_, std::move(directory), std::move(mark), grace);
  auto known = *identity;
  co_return co_await process::adopted::hold(loop_, pool_, std::move(known), std::move(directory),
                                            std::move(mark), grace);
}

aio::task<> local_attempt::follow(watch::directory_watch closed) {
  course_.on_begun();
  on_started_();
  last_sign_ = aio::clock::now();
  const auto open_here = [paths = paths_] {
    auto opened = output::log_copy::open(paths.printed, paths.log, {});
    using shared = std::shared_ptr<output::log_copy>;
    return opened ? result<shared>{std::make_shared<output::log_copy>(std::move(*opened))}
                  : result<shared>{opened.error()};
  };
  const auto copy = co_await pool_.run(open_here);
  if (copy) // otherwise the state disk is full, and frames matter more than a log
    log_ = *copy;
  // For an attempt begun by an older kilnd, where Blender printed directly to the log.
  const bool is_older = !copy && copy.error().code == boost::system::errc::no_such_file_or_directory;
  auto tail = watch::file_tail::open(loop_, is_older ? paths_.log : paths_.printed);
  if (!tail)
    executor::complain(facts_, executor::failure_of(tail.error())); // no progress and no reasons, but frames
  aio::task_group readers{
      loop_, [this](const std::exception_ptr& thrown) { executor::complain_of(facts_, thrown); }};
  if (tail)
    readers.spawn(read_log(*tail));
  readers.spawn(read_frames(closed));

  process::process_end end;
  try {
    end = co_await process_->watch();
  } catch (...) { // the readers refer to what lives here: they end first, as after any other end
    executor::complain_of(facts_, std::current_exception());
  }
  if (end.exit) {
    facts_.exit = end.exit;
    facts_.lost = false;
  }
  const auto exited = aio::clock::now();
  if (!end.left && facts_.complaints.empty() && (process_->group() || adopted_group_))
    if (auto excess = co_await look_at_bounds())
      executor::complain(facts_, std::move(*excess));
  if (!end.left && adopted_group_)
    adopted_group_->end();
  end_timers();
  if (tail)
    tail->finish();
  closed.finish();
  co_await readers.join();
  if (end.left)
    co_return;
  if (!tail && !is_older)
    co_await copy_whole_log();
  co_await rescan(); // a reader may have failed, and an undecodable file may be complete by now
  if (!facts_.rejected.empty())
    co_await explain_rejected();
  if (!trouble_.empty() && facts_.complaints.empty())
    executor::complain(facts_, {.kind = failure_kind::frames_missing,
                                .message = "Blender could not render: " + trouble_ + "; see its log",
                                .frame = facts_.last_named});
  settings_.times->exit.add(std::chrono::duration<double>(aio::clock::now() - exited).count());
}

/// After the end, of a log that was not read as it grew.
aio::task<> local_attempt::copy_whole_log() {
  log_.reset();
  const auto copy_here = [paths = paths_] {
    output::copy_rest_of_log(paths.printed, paths.log, {});
    return true;
  };
  (void)co_await pool_.run(copy_here);
}

/// The remaining work does not count as render time.
void local_attempt::end_timers() {
  course_.on_over();
  time_over_.cancel();
  sign_due_.cancel();
  bounds_due_.cancel();
}

aio::task<> local_attempt::watch_time() {
  if (course_.is_over())
    co_return;
  boost::system::error_code ec;
  time_over_.expires_after(*request_.time_left);
  co_await time_over_.async_wait(aio::asio::redirect_error(aio::use_task, ec));
  if (!ec)
    stop(domain::stop_reason::timeout);
}

aio::task<> local_attempt::watch_signs_of_life() {
  const auto patience = *request_.patience;
  constexpr int looks = 4; // checks of the CPU time within the patience
  std::uint64_t ticks = 0;
  while (!course_.is_over()) {
    boost::system::error_code ec;
    sign_due_.expires_after(patience / looks);
    co_await sign_due_.async_wait(aio::asio::redirect_error(aio::use_task, ec));
    if (ec)
      co_return;
    // Before the process exists, progress in reading the .blend is the sign of life.
    std::uint64_t now_ticks = reading_->bytes;
    if (process_) {
      const auto look = [group = process_->pid()] { return process::cpu_ticks_of_group(group); };
      now_ticks = co_await pool_.run(look);
    }
    if (std::exchange(ticks, now_ticks) != now_ticks)
      last_sign_ = aio::clock::now();
    else if (!course_.is_over() && aio::clock::now() - last_sign_ >= patience) {
      stop(domain::stop_reason::stall);
      co_return;
    }
  }
}

/// Ends a Blender that takes more than it may, before it takes the machine's.
aio::task<> local_attempt::watch_bounds() {
  while (!course_.is_over()) {
    boost::system::error_code ec;
    bounds_due_.expires_after(between_looks);
    co_await bounds_due_.async_wait(aio::asio::redirect_error(aio::use_task, ec));
    if (ec)
      co_return;
    if (!process_)
      continue;
    auto excess = co_await look_at_bounds();
    if (!excess)
      excess = co_await look_at_files();
    if (!excess || course_.is_over() || course_.stopped())
      continue;
    executor::complain(facts_, std::move(*excess));
    process_->kill();
    co_return;
  }
}

aio::task<std::optional<domain::failure>> local_attempt::look_at_bounds() {
  auto group = process_->group();
  if (!group)
    group = adopted_group_;
  const auto look = [pid = process_->pid(), group, bounds = settings_.bounds]() {
    return bounds.of_processes() ? excess_of(process::use_of_group(pid),
                                             group ? group->refusals() : process::group_refusals{}, bounds)
                                 : std::nullopt;
  };
  co_return co_await pool_.run(look);
}

/// Rarer, so that a directory with many files costs little.
aio::task<std::optional<domain::failure>> local_attempt::look_at_files() {
  constexpr int most_of_the_time = 20; // a twentieth of it, at most
  const auto began = aio::clock::now();
  if (!settings_.bounds.of_files() || began < files_due_)
    co_return std::nullopt;
  const auto look = [directory = paths_.directory, bounds = settings_.bounds] {
    return excess_of_files(directory, bounds);
  };
  auto excess = co_await pool_.run(look);
  files_due_ = aio::clock::now() + (aio::clock::now() - began) * most_of_the_time;
  co_return excess;
}

/// On a full disk Blender writes an incomplete PNG, prints nothing and exits with 0.
aio::task<> local_attempt::explain_rejected() {
  const auto free_here = [workspace = paths_.workspace] { return aio::free_bytes(workspace); };
  if (co_await pool_.run(free_here) < full_below)
    executor::complain(facts_, {.kind = failure_kind::disk_full,
                                .message = "the disk is full: Blender could not write whole images to " +
                                           settings_.output.native()});
}

aio::task<> local_attempt::read_log(watch::file_tail& tail) {
  const auto tell = [this](const blender::log_event& event) {
    if (const auto* report = std::get_if<blender::scene_report>(&event))
      observer_.on_report(request_.id, *report);
    else if (const auto* progress = std::get_if<blender::frame_progress>(&event))
      observer_.on_progress(request_.id, *progress);
    else if (const auto* warning = std::get_if<domain::warning>(&event))
      observer_.on_warning(request_.id, *warning);
  };
  executor::log_notes notes{facts_, tell};
  for (;;) {
    const auto chunk = co_await tail.next();
    if (!chunk)
      executor::complain(facts_,
                         executor::internal_failure("the log cannot be read: " + chunk.error().message));
    if (!chunk || chunk->empty())
      break;
    last_sign_ = aio::clock::now();
    notes.feed(*chunk);
    if (log_) {
      const auto add_here = [copy = log_, chunk] {
        copy->add(*chunk);
        return true;
      };
      (void)co_await pool_.run(add_here);
    }
    observer_.on_output(request_.id, *chunk);
  }
  notes.finish();
}

aio::task<> local_attempt::read_frames(watch::directory_watch& closed) {
  if (facts_.lost)
    co_await rescan(); // files closed while no kilnd watched
  while (auto files = co_await closed.next()) {
    for (auto& name : files->names)
      co_await consider(std::move(name));
    if (files->rescan)
      co_await rescan();
  }
}

aio::task<> local_attempt::rescan() {
  const auto list = [workspace = paths_.workspace, taken = paths_.taken] {
    executor::put_back(taken, workspace);
    return output::list_files(workspace);
  };
  auto names = co_await pool_.run(list);
  std::ranges::sort(names);
  for (auto& name : names)
    co_await consider(std::move(name));
}

aio::task<> local_attempt::consider(std::string name) {
  const auto closed_at = aio::clock::now();
  auto file = paths_.workspace / name;
  const auto news = co_await frames_.consider(std::move(file), closed_at);
  if (!news)
    co_return;
  last_sign_ = closed_at;
  observer_.on_published(request_.id, *news);
}

} // namespace kiln::local
