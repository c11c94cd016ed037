// SPDX-License-Identifier: Apache-2.0
#include "policy/retry.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kiln::policy {
namespace {

using domain::failure_kind;
using domain::frame_set;

constexpr int tries_together = 2;
constexpr std::size_t most_ranges = 500; // of one attempt: they become arguments, whose number is limited

/// The first missing frame after all published ones: Blender skips none that it can render.
frame_set behind_published(const frame_set& missing, const frame_set& published) {
  const int last = published.back();
  const auto next = std::ranges::find_if(missing, [last](int frame) { return frame > last; });
  return frame_set::of({next == missing.end() ? missing.front() : *next});
}

} // namespace

remedy remedy_for(const domain::failure& why) noexcept {
  return why.passes ? remedy::wait_for_room : domain::remedy_for(why.kind);
}

int further_loads(failure_kind kind, int retries) noexcept {
  constexpr int after_a_crash = 1; // a single crash may be chance
  return kind == failure_kind::crashed ? std::min(retries, after_a_crash) : retries;
}

frame_set charged_frames(const domain::attempt_facts& facts) {
  const auto missing = facts.requested.without(facts.published);
  const bool went_through = facts.exit && facts.exit->is_success();
  if (missing.empty() || went_through)
    return missing;
  if (facts.last_named && missing.contains(*facts.last_named))
    return frame_set::of({*facts.last_named});
  return facts.published.empty() ? missing : behind_published(missing, facts.published);
}

frame_set plan_attempt(const frame_set& pending, const troubles& known) {
  std::vector<int> apart;
  for (const auto& [frame, trouble] : known)
    if (trouble.tries >= tries_together && pending.contains(frame))
      apart.push_back(frame);
  const auto together = pending.without(frame_set::of(apart));
  if (together.empty())
    return frame_set::of({apart.front()});
  const auto ranges = together.progressions(most_ranges + 1);
  if (ranges.size() <= most_ranges)
    return together;
  std::vector<int> first_part;
  std::ranges::copy_if(together, std::back_inserter(first_part),
                       [limit = ranges.back().first](int frame) { return frame < limit; });
  return frame_set::of(std::move(first_part));
}

domain::failure describe_failed_frames(const frame_set& failed, std::size_t total, const troubles& known) {
  constexpr std::size_t shown = 80;
  auto list = domain::format_frame_set(failed);
  if (list.size() > shown)
    list = list.substr(0, list.rfind(',', shown)) + ",…";
  const int first = failed.front();
  auto why = known.at(first).last;
  why.frame = first;
  if (total > 1) {
    const int tries = known.at(first).tries;
    const auto which = tries > 1 ? fmt::format(", frame {} after {} tries", first, tries) : "";
    why.message =
        fmt::format("{} of {} frames failed ({}){}: {}", failed.size(), total, list, which, why.message);
  }
  return why;
}

} // namespace kiln::policy
