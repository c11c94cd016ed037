// SPDX-License-Identifier: Apache-2.0
#include "client/watch.hpp"

#include "client/exit_status.hpp"
#include "client/patience.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kiln::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds longest_hold{60}, if_unsaid{5};
constexpr milliseconds first_gap{25}, least_gap{500}; // between answers, however fast frames come: it grows
constexpr int listings_share = 4; // the pause is as many times as long as listing and fetching frames

} // namespace

aio::task<result<boost::json::value>> watch_job(caller& kilnd, std::string job, watching how) {
  const auto begin = aio::clock::now();
  const auto late =
      failure(exit_status::timed_out, fmt::format("the time is over, and {0} goes on: `kiln wait {0}` "
                                                  "comes back to it, `kiln cancel {0}` ends it",
                                                  job));
  std::string doing = "the job";
  std::string etag;
  std::int64_t frames_seen = 0;
  seconds hold{0};
  auto next_gap = first_gap;
  for (;;) {
    request what;
    what.path = "/v1/jobs/" + job;
    what.held_for = hold;
    if (hold.count() > 0)
      what.fields.emplace_back("Prefer", fmt::format("wait={}", hold.count()));
    if (!etag.empty())
      what.fields.emplace_back("If-None-Match", etag);
    const auto asked_at = aio::clock::now();
    const auto got = co_await kilnd.ask_well(what, doing);
    if (!got)
      co_return got.error();
    milliseconds gap = next_gap;
    next_gap = std::min(2 * next_gap, least_gap);
    if (got->status != 304) {
      auto body = json_of(*got, kilnd.to());
      if (!body)
        co_return body.error();
      const auto now = read_job(*body);
      if (now.state.empty())
        co_return not_as_kilnd(kilnd.to());
      how.show(now, *body);
      etag = got->find("etag").value_or("");
      if (how.frames_done && (now.done != frames_seen || now.is_final())) {
        const auto before = aio::clock::now();
        const auto fetched = co_await how.frames_done();
        if (!fetched)
          co_return fetched.error();
        frames_seen = now.done;
        const auto spent = std::chrono::duration_cast<milliseconds>(aio::clock::now() - before);
        gap = std::clamp(listings_share * spent, gap, milliseconds{if_unsaid});
      }
      if (now.is_final())
        co_return std::move(*body);
    }
    const auto told = std::max(retry_after_of(*got).value_or(if_unsaid), seconds{1});
    const auto spent = std::chrono::duration_cast<milliseconds>(aio::clock::now() - asked_at);
    const bool was_held = got->find("preference-applied").has_value();
    // The first answer is never held; one that should have been and was not: kilnd has too many clients.
    milliseconds pause = hold.count() > 0 && !was_held ? milliseconds{told} - spent : gap - spent;
    hold = std::clamp(told, seconds{1}, longest_hold);
    if (how.most) {
      const auto left = *how.most - std::chrono::duration_cast<seconds>(aio::clock::now() - begin);
      if (left.count() <= 0)
        co_return late;
      pause = std::min(pause, milliseconds{left});
      hold = std::min(hold, left);
    }
    if (pause.count() > 0)
      co_await kilnd.pause(pause);
  }
}

} // namespace kiln::client
