// SPDX-License-Identifier: Apache-2.0
#include "local/local_attempt.hpp"

#include <utility>

namespace kiln::local {
namespace {

executor::custody custody_of(process::mechanism sandbox) {
  return sandbox == process::mechanism::bubblewrap ? executor::custody::copied : executor::custody::moved;
}

} // namespace

local_attempt::local_attempt(aio::executor_type loop, const local_settings& settings,
                             aio::blocking_pool& pool, image::image_check& images,
                             executor::blend_digests& digests, session_pool& sessions, aio::task_group& steps,
                             executor::attempt_request request, executor::attempt_observer& observer)
    : loop_(loop), settings_(settings), pool_(pool), digests_(digests), sessions_(sessions), steps_(steps),
      request_(std::move(request)), observer_(observer),
      paths_(executor::paths_of(request_.id, settings.output, settings.state)),
      changed_(std::make_shared<aio::notification>(loop)), time_over_(loop), sign_due_(loop),
      bounds_due_(loop),
      frames_(pool, images,
              {.final_dir = paths_.final_dir, .taken = paths_.taken, .how = custody_of(settings.sandbox)},
              facts_) {
  facts_.requested = request_.frames;
}

std::optional<pid_t> local_attempt::pid() const noexcept {
  return process_ && course_.has_begun() ? std::optional{process_->pid()} : std::nullopt;
}

void local_attempt::stop(domain::stop_reason reason) {
  const auto what = course_.on_stop(reason);
  facts_.stopped = course_.stopped();
  carry_out(what);
}

void local_attempt::leave() {
  carry_out(course_.on_leave());
}

void local_attempt::carry_out(policy::attempt_course::action what) {
  switch (what) {
    using enum policy::attempt_course::action;
  case none:
    break;
  case abandon:
    reading_->is_stopped = true;
    changed_->notify_all();
    break;
  case finish:
    process_->stop_gently();
    break;
  case end:
    process_->stop();
    break;
  case kill:
    process_->kill();
    break;
  case leave:
    process_->leave();
    break;
  }
}

aio::task<std::optional<domain::attempt_facts>> local_attempt::run(beginning how,
                                                                   std::function<void()> on_started) {
  on_started_ = std::move(on_started);
  last_sign_ = aio::clock::now();
  aio::task_group timers{loop_,
                         [this](const std::exception_ptr& thrown) { executor::complain_of(facts_, thrown); }};
  if (request_.time_left)
    timers.spawn(watch_time());
  if (request_.patience)
    timers.spawn(watch_signs_of_life());
  if (settings_.bounds.of_processes() || settings_.bounds.of_files())
    timers.spawn(watch_bounds());
  try {
    if (how == beginning::launch)
      co_await launch();
    else
      co_await adopt();
  } catch (...) {
    executor::complain_of(facts_, std::current_exception());
  }
  end_timers();
  co_await timers.join();
  if (course_.is_left())
    co_return std::nullopt;
  co_return facts_;
}

void local_attempt::on_frame_begun(int frame) {
  last_sign_ = aio::clock::now();
  facts_.last_named = frame;
  observer_.on_progress(request_.id, {.frame = frame});
}

void local_attempt::on_frame_saved(int) {
  last_sign_ = aio::clock::now();
}

void local_attempt::on_hungry() {
  if (course_.stopped())
    in_->give({});
  else
    observer_.on_hungry(request_.id);
}

void local_attempt::give(const std::vector<int>& frames) {
  if (!in_)
    return;
  for (const int frame : frames) {
    request_.frames.add(frame);
    facts_.requested.add(frame);
  }
  in_->give(frames);
}

std::uint64_t local_attempt::memory() const noexcept {
  return in_ ? in_->wear().memory : 0;
}

void local_attempt::on_trouble(const std::string& why) {
  const auto end = why.find_last_not_of(" \n");
  const auto last_line = why.rfind('\n', end) + 1; // npos + 1 is 0
  trouble_ = why.substr(last_line, end - last_line + 1);
}

aio::task<> local_attempt::clean_up() {
  const auto remove_here = [paths = paths_, state = settings_.state, is_own = !in_,
                            with_session = facts_.lost] {
    remove(paths);
    std::error_code ignored;
    if (is_own)
      std::filesystem::remove(executor::process_entry(paths.directory, state), ignored);
    if (with_session) // of an earlier run: no other attempt renders there
      std::filesystem::remove_all(paths.directory, ignored);
    return true;
  };
  (void)co_await pool_.run(remove_here);
  if (in_)
    sessions_.give_back(std::exchange(in_, nullptr), sound_);
}

} // namespace kiln::local
