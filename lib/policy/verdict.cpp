// SPDX-License-Identifier: Apache-2.0
#include "policy/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <string>
#include <vector>

namespace kiln::policy {
namespace {

using domain::attempt_outcome;
using domain::failure;
using domain::failure_kind;
using domain::stop_reason;

bool is_crash(int signal) {
  switch (signal) {
  case SIGSEGV:
  case SIGABRT:
  case SIGBUS:
  case SIGFPE:
  case SIGILL:
  case SIGTRAP:
  case SIGSYS:
    return true;
  default:
    return false;
  }
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

/// The complaint that explains a failure best. Missing files are only warnings in Blender, so any other
/// complaint precedes them; so is a file of a newer Blender, which is no reason at all once loaded.
const failure* main_complaint(const domain::attempt_facts& facts) {
  const auto rank = [](const failure& f) {
    return f.kind == failure_kind::missing_files ? 2 : f.kind == failure_kind::blend_unreadable ? 1 : 0;
  };
  const failure* best = nullptr;
  for (const auto& one : facts.complaints)
    if (one.kind != failure_kind::blend_unreadable || !facts.has_loaded())
      if (!best || rank(one) < rank(*best))
        best = &one;
  return best;
}

/// A complaint with which Blender exits with 0 and writes every frame, black or transparent.
const failure* spoils_pictures(const domain::attempt_facts& facts) {
  for (const auto& one : facts.complaints)
    if (one.kind == failure_kind::no_camera || one.kind == failure_kind::denoiser_unavailable)
      return &one;
  return nullptr;
}

/// Whether this complaint makes Blender die by a signal.
bool explains_crash(const failure& complaint) {
  return complaint.kind == failure_kind::display_unavailable ||
         complaint.kind == failure_kind::blend_unreadable || complaint.kind == failure_kind::out_of_memory;
}

/// "3 of 10 frames", "frame 7" and so on, short however many there are.
std::string describe_missing(const domain::frame_set& missing, std::size_t requested) {
  constexpr std::size_t shown = 80;
  auto list = domain::format_frame_set(missing);
  if (list.size() > shown)
    list = list.substr(0, list.rfind(',', shown)) + ",…";
  return fmt::format("{} of {} {} missing ({})", missing.size(), requested,
                     missing.size() == 1 ? "frames is" : "frames are", list);
}

failure death_by_signal(const domain::attempt_facts& facts) {
  const int signal = facts.exit->value;
  const auto* complaint = main_complaint(facts);
  failure f;
  if (is_crash(signal) && complaint && explains_crash(*complaint)) {
    f = *complaint;
  } else if (is_crash(signal)) {
    f.kind = failure_kind::crashed;
    f.message = fmt::format("Blender crashed ({}){}", signal_name(signal),
                            facts.has_loaded() ? "" : " before it had loaded the .blend");
    if (complaint)
      f.message += ": " + complaint->message;
  } else if (signal == SIGKILL && complaint &&
             (complaint->kind == failure_kind::out_of_memory || complaint->kind == failure_kind::killed)) {
    f = *complaint;
  } else if (signal == SIGKILL) {
    f.kind = failure_kind::killed;
    f.message =
        "Blender was killed (SIGKILL) from outside Kiln; if nobody did so, memory ran out and the kernel did "
        "(see dmesg)";
  } else {
    f.kind = failure_kind::killed;
    f.message = fmt::format("Blender was ended by {} from outside Kiln", signal_name(signal));
  }
  f.signal = signal;
  return f;
}

failure bad_end(const domain::attempt_facts& facts) {
  const auto missing = facts.requested.without(facts.published);
  const int status = facts.exit->value;
  failure f;
  if (const auto* complaint = main_complaint(facts)) {
    f = *complaint;
  } else if (!facts.rejected.empty()) {
    f.kind = failure_kind::frames_corrupt;
    f.frame = facts.rejected.front().frame;
    f.message = fmt::format("frame {} is not a whole image: {}", *f.frame, facts.rejected.front().why);
  } else if (!missing.empty()) {
    f.kind = failure_kind::frames_missing;
    f.frame = missing.front();
    f.message = fmt::format("Blender exited with status {}, but {}; see its log", status,
                            describe_missing(missing, facts.requested.size()));
  } else {
    f.kind = failure_kind::crashed;
    f.message = fmt::format("Blender wrote every frame, but exited with status {}; see its log", status);
  }
  f.exit_status = status;
  return f;
}

verdict stopped_by_kiln(stop_reason why) {
  switch (why) {
  case stop_reason::cancel:
    return {attempt_outcome::canceled};
  case stop_reason::pause:
  case stop_reason::shutdown:
    return {attempt_outcome::interrupted};
  case stop_reason::timeout:
    return {
        attempt_outcome::failed,
        failure{.kind = failure_kind::timed_out,
                .message = "the time for rendering (timeout_seconds) was over before all frames were done"}};
  case stop_reason::stall:
    return {attempt_outcome::failed,
            failure{.kind = failure_kind::stalled,
                    .message =
                        "Blender gave no sign of life (output, frame, CPU time) for stall_timeout_seconds"}};
  }
  return {attempt_outcome::interrupted};
}

/// The verdict if kilnd did not run when the attempt ended.
verdict unseen_end(const domain::attempt_facts& facts) {
  const auto* complaint = main_complaint(facts);
  if (complaint && complaint->kind != failure_kind::missing_files)
    return {attempt_outcome::failed, *complaint};
  return {attempt_outcome::interrupted};
}

/// Adds a possible cause: a failed add-on may be the missing engine, or may have crashed Blender.
failure with_addon_trouble(failure why, const domain::attempt_facts& facts) {
  const bool may_be = why.kind == failure_kind::engine_unavailable ||
                      (!facts.has_loaded() &&
                       (why.kind == failure_kind::crashed || why.kind == failure_kind::frames_missing));
  if (may_be && !facts.addon_trouble.empty())
    why.message +=
        fmt::format("; as Blender started, {}: install what it needs, or disable it", facts.addon_trouble);
  return why;
}

} // namespace

verdict decide_verdict(const domain::attempt_facts& facts) {
  if (facts.start_failure)
    return {attempt_outcome::failed, facts.start_failure};
  const bool complete = facts.published == facts.requested;
  if (const auto* wrong = complete ? spoils_pictures(facts) : nullptr)
    return {attempt_outcome::failed, *wrong};
  if (complete && (facts.lost || (facts.exit && facts.exit->is_success())))
    return {attempt_outcome::succeeded};
  if (facts.stopped)
    return stopped_by_kiln(*facts.stopped);
  if (facts.lost)
    return unseen_end(facts);
  if (!facts.exit)
    return {attempt_outcome::failed,
            failure{.kind = failure_kind::internal, .message = "the end of Blender was not observed"}};
  if (facts.exit->kind == domain::process_exit::how::exited)
    return {attempt_outcome::failed, with_addon_trouble(bad_end(facts), facts)};
  if (facts.exit->value == SIGTERM)
    return {attempt_outcome::canceled};
  return {attempt_outcome::failed, with_addon_trouble(death_by_signal(facts), facts)};
}

} // namespace kiln::policy
