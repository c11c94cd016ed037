// SPDX-License-Identifier: Apache-2.0
// The beginning of an attempt: chooses its Blender, prepares its workspace and sandbox, and starts its
// process or takes a session. A stop can end each step.
#include "blender/command_line.hpp"
#include "local/blender_choice.hpp"
#include "local/local_attempt.hpp"

#include <cerrno>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <sys/stat.h>

namespace kiln::local {
namespace {

using domain::failure;
using domain::failure_kind;

failure launch_failure(const error& e) {
  using namespace boost::system::errc;
  // The directory and the log were just created, so the program must be missing.
  for (const auto code :
       {no_such_file_or_directory, permission_denied, not_a_directory, executable_format_error})
    if (e.code == code)
      return {.kind = failure_kind::blender_missing, .message = "Blender cannot be started: " + e.message};
  return executor::failure_of({e.code, "Blender cannot be started: " + e.message});
}

std::vector<int> frames_in_order(const executor::attempt_request& of) {
  return of.in_order.empty() ? std::vector<int>{of.frames.begin(), of.frames.end()} : of.in_order;
}

aio::unique_descriptor open_log(const std::filesystem::path& log) {
  return aio::unique_descriptor{::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
                                       S_IRUSR | S_IWUSR | S_IRGRP)};
}

aio::task<> undo_workspace(aio::blocking_pool& pool, session_pool& sessions, executor::attempt_paths paths,
                           session_pool::session_ptr one) {
  const auto remove_here = [paths = std::move(paths)] {
    std::error_code ignored;
    std::filesystem::remove(paths.place, ignored);
    std::filesystem::remove_all(paths.taken, ignored);
    std::filesystem::remove(paths.printed, ignored);
    return std::filesystem::remove_all(paths.workspace, ignored);
  };
  (void)co_await pool.run(remove_here);
  if (one)
    sessions.give_back(one, one->is_alive());
}

aio::task<> undo_take(session_pool& sessions, result<session_pool::session_ptr> late) {
  if (late)
    sessions.give_back(*late, false);
  co_return;
}

} // namespace

/// State shared by a step and the attempt waiting for it; the step may outlive the attempt.
template<class T>
struct local_attempt::step_state {
  std::optional<T> value;
  std::exception_ptr failure;
  bool is_over = false;
  bool is_abandoned = false;
  std::shared_ptr<aio::notification> changed;
};

template<class T>
aio::task<> local_attempt::take_step(aio::task<T> step, std::shared_ptr<step_state<T>> state,
                                     undo<T> undo_late) {
  try {
    state->value = co_await std::move(step);
  } catch (...) {
    state->failure = std::current_exception();
  }
  state->is_over = true;
  state->changed->notify_all();
  if (state->is_abandoned && state->value && undo_late)
    co_await undo_late(std::move(*state->value));
}

/// The value of a step that uses the disk, which can take arbitrarily long. Nullopt if the attempt is to end
/// first: the step continues on its own, must not refer to the attempt, and is undone by `undo_late`.
template<class T>
aio::task<std::optional<T>> local_attempt::unless_ending(aio::task<T> step, undo<T> undo_late) {
  if (course_.is_ending())
    co_return std::nullopt;
  const auto state = std::make_shared<step_state<T>>();
  state->changed = changed_;
  steps_.spawn(take_step<T>(std::move(step), state, std::move(undo_late)));
  while (!state->is_over && !course_.is_ending())
    co_await changed_->wait();
  if (!state->is_over) {
    state->is_abandoned = true;
    co_return std::nullopt;
  }
  if (state->failure)
    std::rethrow_exception(state->failure);
  co_return std::move(state->value);
}

aio::task<> local_attempt::launch() {
  const auto& spec = request_.spec;
  // The .blend and the Blenders may have changed since the job was accepted.
  auto asked = spec.blender;
  const auto installs = co_await unless_ending(settings_.blenders->now(std::move(asked), pool_));
  if (!installs)
    co_return;
  auto choose_here = [&settings = settings_, installs = *installs, spec] {
    return choose_blender(*installs, spec, settings.open_blend);
  };
  auto found = co_await unless_ending(pool_.run(std::move(choose_here)));
  if (!found)
    co_return;
  if (auto* why_not = std::get_if<failure>(&*found)) {
    facts_.start_failure = std::move(*why_not);
    co_return;
  }
  request_.spec.blender = std::get<blender::choice>(*found).blender;
  blender_ = *blender::find_install(**installs, request_.spec.blender);
  if (sessions_.is_on() && !spec.own_process) {
    auto digest = co_await unless_ending(digests_.of(spec.blend, reading_));
    if (course_.is_ending())
      co_return;
    // An unreadable .blend has no digest; the reason is reported below.
    if (digest && *digest) {
      auto key = key_of(spec, blender_, std::move(**digest), request_.owner);
      co_return co_await launch_in_session(std::move(key));
    }
  }
  co_await launch_own();
}

/// Creates the directories of the attempt. The inner value: why they cannot be created.
aio::task<std::optional<std::optional<failure>>> local_attempt::make_workspace() {
  const auto prepare_here = [paths = paths_, blend = request_.spec.blend, open = settings_.open_blend,
                             user = settings_.run_as] { return prepare(paths, blend, open, user.get()); };
  // The directory of the job stays: another attempt may render into it by then.
  undo<std::optional<failure>> undo_late = [&pool = pool_, &sessions = sessions_, paths = paths_,
                                            one = in_](std::optional<failure>) -> aio::task<> {
    return undo_workspace(pool, sessions, paths, one);
  };
  auto made = co_await unless_ending(pool_.run(prepare_here), std::move(undo_late));
  if (!made)
    in_.reset(); // given back by undo_workspace()
  co_return made;
}

aio::task<std::optional<result<process::confinement_ptr>>> local_attempt::make_sandbox() {
  auto places = blender_.places;
  auto paths = paths_;
  auto blend = request_.spec.blend;
  co_return co_await unless_ending(
      confine_blender(pool_, settings_, std::move(places), std::move(paths), std::move(blend)));
}

aio::task<> local_attempt::launch_own() {
  const auto made = co_await make_workspace();
  if (made)
    facts_.start_failure = *made;
  if (facts_.start_failure || course_.is_ending())
    co_return;

  auto closed = watch::directory_watch::open(loop_, paths_.workspace); // before the first frame can be closed
  if (!closed) {
    facts_.start_failure = executor::failure_of(closed.error());
    co_return;
  }
  auto sandbox = co_await make_sandbox();
  if (course_.is_ending())
    co_return;
  if (!*sandbox) {
    facts_.start_failure = executor::failure_of(sandbox->error());
    co_return;
  }
  facts_.start_failure = start_process(std::move(**sandbox));
  if (!facts_.start_failure)
    co_await follow(std::move(*closed));
}

aio::task<> local_attempt::launch_in_session(session_key key) {
  for (;;) {
    auto wanted = key;
    using taken_session = result<session_pool::session_ptr>;
    undo<taken_session> undo_late = [&sessions = sessions_](taken_session late) -> aio::task<> {
      return undo_take(sessions, std::move(late));
    };
    auto taken = co_await unless_ending(sessions_.take(std::move(wanted)), std::move(undo_late));
    if (!taken)
      co_return;
    if (!*taken) {
      facts_.start_failure = executor::write_failure(taken->error());
      co_return;
    }
    in_ = **taken; // kept until clean_up(): its directory holds our workspace
    const bool again = co_await render_in(in_);
    if (!again)
      co_return;
    sessions_.give_back(std::exchange(in_, nullptr), false);
  }
}

/// True if the session ended before it received this attempt: the attempt is not at fault.
aio::task<bool> local_attempt::render_in(session_pool::session_ptr one) {
  paths_ = executor::paths_in_session(request_.id, one->directory(), settings_.output, settings_.state);
  const auto made = co_await make_workspace();
  if (made)
    facts_.start_failure = *made;
  if (facts_.start_failure || course_.is_ending()) {
    sound_ = one->is_alive();
    co_return false;
  }
  auto closed = watch::directory_watch::open(loop_, paths_.workspace); // before the first frame can be closed
  if (!closed) {
    facts_.start_failure = executor::failure_of(closed.error());
    co_return false;
  }
  const bool is_new = !one->is_launched();
  if (is_new) {
    auto sandbox = co_await make_sandbox();
    if (course_.is_ending())
      co_return false;
    if (!*sandbox) {
      facts_.start_failure = executor::failure_of(sandbox->error());
      co_return false;
    }
    if (const auto started = sessions_.launch(one, blender_, std::move(**sandbox), paths_.printed);
        !started) {
      facts_.start_failure = launch_failure(started.error());
      co_return false;
    }
  }
  const auto log = open_log(paths_.printed);
  if (!log.is_open()) {
    facts_.start_failure = executor::write_failure(system_error(errno, "open " + paths_.printed.native()));
    co_return false;
  }
  const blender::session_order order{.blend = request_.spec.blend,
                                     .settings = request_.spec.settings,
                                     .workspace = paths_.workspace,
                                     .frames = frames_in_order(request_),
                                     .job_frames = request_.spec.frames,
                                     .strict = request_.spec.strict,
                                     .open = request_.open};
  process_ = one->begin(order, log.get(), *this);
  carry_out(course_.on_held());
  if (!is_new) { // an idle session may have exited, or may still be loading
    const bool taken_up = co_await one->takes_up();
    if (!taken_up) {
      course_.on_lost_hold();
      process_.reset();
      co_return !course_.is_ending();
    }
  }
  co_await follow(std::move(*closed));
  const bool whole = facts_.exit && facts_.exit->is_success() && facts_.rejected.empty();
  sound_ = whole && (course_.stopped() || facts_.published.size() == request_.frames.size());
  process_.reset(); // lets go of the session
  co_return false;
}

std::optional<failure> local_attempt::start_process(process::confinement_ptr sandbox) {
  const auto runs =
      request_.in_order.empty() ? request_.frames.progressions() : blender::runs_of(request_.in_order);
  auto arguments = blender::format_arguments(request_.spec, runs, paths_.workspace, paths_.script);
  if (!arguments)
    return failure{.kind = failure_kind::output_unwritable, .message = arguments.error().message};
  auto child = start_blender(loop_, settings_,
                             {.blender = blender_,
                              .arguments = std::move(*arguments),
                              .paths = paths_,
                              .blend = request_.spec.blend,
                              .sandbox = std::move(sandbox)});
  if (!child)
    return launch_failure(child.error());
  process_ = std::move(*child);
  carry_out(course_.on_held());
  return std::nullopt;
}

} // namespace kiln::local
