// SPDX-License-Identifier: Apache-2.0
#include "executor/local_attempt.hpp"

#include "aio/task_group.hpp"
#include "blender/command_line.hpp"
#include "blender/line_splitter.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace kiln::executor {
namespace {

using domain::failure;
using domain::failure_kind;

constexpr std::uintmax_t full_below = 1 << 20; // bytes that are free: no image of use fits in there

failure launch_failure(const error& e) {
  using namespace boost::system::errc;
  // The directory and the log have just been made, so what is missing here is the program.
  for (const auto code :
       {no_such_file_or_directory, permission_denied, not_a_directory, executable_format_error})
    if (e.code == code)
      return {.kind = failure_kind::blender_missing, .message = "Blender cannot be started: " + e.message};
  return {.kind = failure_kind::internal, .message = "Blender cannot be started: " + e.message};
}

failure internal_failure(const std::string& what) {
  return {.kind = failure_kind::internal, .message = what};
}

} // namespace

local_attempt::local_attempt(aio::executor_type loop, const local_settings& settings,
                             aio::blocking_pool& pool, image::image_check& images, attempt_request request,
                             attempt_observer& observer)
    : loop_(loop), settings_(settings), pool_(pool), images_(images), request_(std::move(request)),
      observer_(observer), paths_(paths_of(request_.id, settings.output, settings.state)) {
  facts_.requested = request_.spec.frames;
}

std::optional<pid_t> local_attempt::pid() const noexcept {
  return child_ ? std::optional{child_->pid()} : std::nullopt;
}

void local_attempt::stop(domain::stop_reason reason) {
  if (!facts_.stopped)
    facts_.stopped = reason;
  if (child_)
    child_->stop();
}

aio::task<domain::attempt_facts> local_attempt::run(std::function<void()> on_started) {
  try {
    co_await render(std::move(on_started));
  } catch (...) {
    complain_of(std::current_exception());
  }
  facts_.published = domain::frame_set::of({published_.begin(), published_.end()});
  for (auto& [frame, why] : rejected_)
    facts_.rejected.push_back({frame, std::move(why)});
  co_return facts_;
}

aio::task<> local_attempt::render(std::function<void()> on_started) {
  const auto prepare_here = [paths = paths_, blend = request_.spec.blend] { return prepare(paths, blend); };
  facts_.start_failure = co_await pool_.run(prepare_here);
  if (facts_.start_failure || facts_.stopped)
    co_return;

  auto closed = watch::directory_watch::open(loop_, paths_.workspace); // before the first frame can be closed
  if (!closed) {
    facts_.start_failure = internal_failure(closed.error().message);
    co_return;
  }
  facts_.start_failure = launch();
  if (facts_.start_failure)
    co_return;
  on_started();

  auto tail = watch::file_tail::open(loop_, paths_.log);
  if (!tail)
    complain(internal_failure(tail.error().message)); // no progress and no reasons, but frames
  aio::task_group readers{loop_, [this](const std::exception_ptr& thrown) { complain_of(thrown); }};
  if (tail)
    readers.spawn(read_log(*tail));
  readers.spawn(read_frames(*closed));

  facts_.exit = co_await child_->wait();
  if (tail)
    tail->finish();
  closed->finish();
  co_await readers.join();
  co_await rescan(); // a reader may have failed, and an undecodable file may be whole by now
  if (!rejected_.empty())
    co_await explain_rejected();
}

/// On a full disk Blender writes half of a PNG, prints nothing and exits with 0.
aio::task<> local_attempt::explain_rejected() {
  const auto free_here = [workspace = paths_.workspace] { return free_bytes(workspace); };
  if (co_await pool_.run(free_here) < full_below)
    complain({.kind = failure_kind::disk_full,
              .message =
                  "the disk is full: Blender could not write whole images to " + settings_.output.native()});
}

std::optional<failure> local_attempt::launch() {
  auto arguments = blender::format_arguments(request_.spec, paths_.workspace);
  if (!arguments)
    return failure{.kind = failure_kind::output_unwritable, .message = arguments.error().message};
  process::launch_request request{.executable = settings_.blender,
                                  .arguments = std::move(*arguments),
                                  .environment = settings_.environment,
                                  .working_directory = paths_.workspace,
                                  .log_file = paths_.log};
  for (const char* name : {"TMPDIR=", "TEMP=", "TMP="})
    request.environment.push_back(name + paths_.temp.native());
  auto child = process::child::launch(loop_, request, settings_.stop_grace);
  if (!child)
    return launch_failure(child.error());
  child_ = std::move(*child);
  return std::nullopt;
}

aio::task<> local_attempt::read_log(watch::file_tail& tail) {
  blender::line_splitter splitter;
  blender::log_reader reader;
  const auto on_line = [&](std::string_view line) {
    const auto event = reader.feed(line);
    if (!event)
      return;
    if (const auto* complaint = std::get_if<blender::complaint>(&*event))
      complain(complaint->why);
    else if (const auto* progress = std::get_if<blender::frame_progress>(&*event))
      observer_.on_progress(request_.id, progress->frame, progress->fraction);
  };
  while (const auto chunk = co_await tail.next())
    splitter.feed(*chunk, on_line);
  splitter.finish(on_line);
}

aio::task<> local_attempt::read_frames(watch::directory_watch& closed) {
  while (auto files = co_await closed.next()) {
    for (auto& name : files->names)
      co_await consider(std::move(name));
    if (files->rescan)
      co_await rescan();
  }
}

aio::task<> local_attempt::rescan() {
  const auto list = [workspace = paths_.workspace] { return list_files(workspace); };
  auto names = co_await pool_.run(list);
  std::ranges::sort(names);
  for (auto& name : names)
    co_await consider(std::move(name));
}

aio::task<> local_attempt::consider(std::string name) {
  const auto closed_at = aio::clock::now();
  const auto frame = blender::parse_frame_file_name(name);
  if (!frame || !request_.spec.frames.contains(*frame))
    co_return;
  const auto file = paths_.workspace / name;
  const auto facts = co_await images_.check(file);
  if (!facts) {
    if (facts.error().code == boost::system::errc::no_such_file_or_directory)
      co_return; // published already: it was closed twice
    // A placeholder, or half a frame: it counts only if it is still so at the end.
    rejected_.insert_or_assign(*frame, facts.error().message);
    co_return;
  }
  const auto final_path = paths_.final_dir / name;
  const auto publish_here = [file, final_path] { return publish(file, final_path); };
  if (const auto done = co_await pool_.run(publish_here); !done) {
    auto why = write_failure(done.error());
    why.frame = frame;
    complain(std::move(why));
    co_return;
  }
  rejected_.erase(*frame);
  if (!published_.insert(*frame).second)
    co_return; // Blender wrote it again; the newer one stands now
  const published_frame news{*frame, final_path, closed_at};
  observer_.on_published(request_.id, news);
}

aio::task<> local_attempt::clean_up() {
  const auto remove_here = [paths = paths_] {
    remove(paths);
    return true;
  };
  (void)co_await pool_.run(remove_here);
}

void local_attempt::complain(failure what) {
  // One of each kind: the first explains most, and a log may repeat itself for ever.
  if (std::ranges::find(facts_.complaints, what.kind, &failure::kind) == facts_.complaints.end())
    facts_.complaints.push_back(std::move(what));
}

void local_attempt::complain_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    complain(internal_failure(std::string{"the attempt failed inside Kiln: "} + e.what()));
  }
}

} // namespace kiln::executor
