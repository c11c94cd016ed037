// SPDX-License-Identifier: Apache-2.0
#include "api/frame_lists.hpp"

#include "api/answers.hpp"
#include "api/frame_map.hpp"
#include "api/job_json.hpp"
#include "api/query.hpp"
#include "base/number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kiln::api {
namespace {

using access::role;
using http::answer;

constexpr std::size_t most_known_jobs = 4;
constexpr std::array<std::string_view, 4> frame_state_names{"pending", "rendering", "done", "failed"};

struct page {
  std::size_t limit = 0;
  int after = -1;
  std::vector<std::string_view> states = {}; ///< empty: all

  [[nodiscard]] bool shows(std::string_view state) const {
    return states.empty() || std::ranges::find(states, state) != states.end();
  }
};

result<page> parse_page(std::string_view query) {
  constexpr std::array<std::string_view, 3> known{"state", "limit", "cursor"};
  const auto given = parse_parameters(query, known);
  const auto limit = given ? parse_limit(*given) : given.error();
  if (!limit)
    return limit.error();
  page wanted{.limit = *limit};
  if (const auto cursor = given->find("cursor"); cursor != given->end()) {
    const auto after = parse_number<int>(cursor->second);
    if (!after)
      return error{errc::invalid_input, "cursor is not one that was given in a Link"};
    wanted.after = *after;
  }
  const auto state = given->find("state");
  if (state == given->end())
    return wanted;
  std::string_view text = state->second;
  for (bool more = true; more;) {
    const auto end = text.find(',');
    const auto* named = std::ranges::find(frame_state_names, text.substr(0, end));
    if (named == frame_state_names.end())
      return error{errc::invalid_input,
                   "state must be of pending, rendering, done and failed, with commas between them"};
    wanted.states.push_back(*named);
    more = end != std::string_view::npos;
    text.remove_prefix(more ? end + 1 : 0);
  }
  return wanted;
}

/// Those that Blenders report now.
domain::frame_set frames_in_work(const scheduler::job& of, const store::frame_states& now) {
  std::vector<int> found;
  if (of.state == domain::job_state::running)
    for (const auto& [number, one] : of.runs)
      if (one.frame && !now.done.contains(*one.frame) && !now.failed.contains(*one.frame))
        found.push_back(*one.frame);
  return domain::frame_set::of(std::move(found));
}

} // namespace

void frame_lists::add_routes(http::service& to) {
  using http::request;
  to.on("GET", "/v1/jobs/{id}/frames", role::read, [this](const request& asked) { return list(asked); });
  to.on("GET", "/v1/jobs/{id}/frames/map", role::read, [this](const request& asked) { return map(asked); });
}

/// Of a job that is not final the scheduler knows more than the store.
aio::task<result<frame_lists::states_ptr>> frame_lists::states_of(scheduler::scheduler::job_ptr of) {
  if (!domain::is_final(of->state) && scheduler_.find(of->id))
    co_return std::make_shared<const store::frame_states>(
        store::frame_states{of->done, of->failed, of->seconds});
  const auto same = [&of](const known_states& one) {
    return one.id == of->id && one.revision == of->revision;
  };
  if (const auto found = std::ranges::find_if(known_, same); found != known_.end())
    co_return found->states;
  auto read = co_await store_.states_of_frames(of->id);
  if (!read)
    co_return read.error();
  auto states = std::make_shared<const store::frame_states>(std::move(*read));
  std::erase_if(known_, [&of](const known_states& one) { return one.id == of->id; });
  known_.push_front({of->id, of->revision, states});
  known_.resize(std::min(known_.size(), most_known_jobs));
  co_return states;
}

aio::task<answer> frame_lists::list(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  const auto wanted = parse_page(asked.query);
  if (!wanted)
    co_return problem(400, wanted.error().message);
  const auto now = co_await states_of(*of);
  if (!now)
    co_return refusal_of(now.error());
  const auto rendering = frames_in_work(**of, **now);
  std::vector<int> shown; // one more than the page holds, if there are more
  for (const int frame : (*of)->spec.frames) {
    if (frame <= wanted->after)
      continue;
    const auto state = (*now)->done.contains(frame)     ? "done"
                       : (*now)->failed.contains(frame) ? "failed"
                       : rendering.contains(frame)      ? "rendering"
                                                        : "pending";
    if (wanted->shows(state))
      shown.push_back(frame);
    if (shown.size() > wanted->limit)
      break;
  }
  auto asked_for = shown;
  const auto rows = co_await store_.frames_at((*of)->id, std::move(asked_for));
  if (!rows)
    co_return refusal_of(rows.error());
  std::map<int, store::frame_record> known;
  for (const auto& record : *rows)
    known[record.frame] = record;
  for (const auto& record : (*of)->page.frames) // the store does not have them yet
    if (std::ranges::binary_search(shown, record.frame))
      known[record.frame] = record;
  auto outputs = co_await output_.outputs((*of)->id);
  row_list listed{"frames"};
  int last = wanted->after;
  for (const int frame : shown) {
    const auto found = known.find(frame);
    const auto* record = found == known.end() ? nullptr : &found->second;
    auto one = format_frame((*of)->id, frame, record, rendering.contains(frame));
    if (record && record->now == store::frame_record::state::done)
      one["outputs"] = format_outputs((*of)->id, outputs[frame]);
    if (listed.size() == wanted->limit || !listed.add(one))
      break;
    last = frame;
  }
  const bool has_next = listed.size() < shown.size();
  auto given = std::move(listed).answer();
  if (has_next)
    given.fields.emplace_back("Link", next_page(asked.path, asked.query, std::to_string(last)));
  co_return given;
}

aio::task<answer> frame_lists::map(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  const auto now = co_await states_of(*of);
  if (!now)
    co_return refusal_of(now.error());
  co_return json_answer(200, format_frame_map((*of)->spec.frames, **now, frames_in_work(**of, **now)));
}

} // namespace kiln::api
