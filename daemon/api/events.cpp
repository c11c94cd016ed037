// SPDX-License-Identifier: Apache-2.0
#include "api/events.hpp"

#include "api/answers.hpp"
#include "api/job_json.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <random>
#include <utility>

namespace kiln::api {
namespace {

namespace json = boost::json;
using access::role;
using http::answer;
using http::response;

constexpr std::chrono::seconds comment_time{15};    ///< so that no proxy closes the connection as idle
constexpr std::chrono::seconds progress_time{1};    ///< minimum between two progress events
constexpr std::size_t most_over = 64;               ///< ended jobs whose events are kept
constexpr std::string_view comment = ": kilnd\n\n"; ///< ignored by clients

std::string format_event(std::string_view type, std::string_view id, const json::object& data) {
  return fmt::format("{}{}{}event: {}\ndata: {}\n\n", id.empty() ? "" : "id: ", id, id.empty() ? "" : "\n",
                     type, json::serialize(data));
}

/// The events of a channel, as long as the client listens.
class event_stream final : public http::body_stream {
public:
  /// `first`: sent first. `catch_up`: makes the events for a client that has missed some.
  event_stream(std::shared_ptr<event_channel> of, std::shared_ptr<aio::sleeper> by, std::uint64_t position,
               std::string first, std::function<std::string()> catch_up)
      : channel_(std::move(of)), sleeper_(std::move(by)), position_(position), text_(std::move(first)),
        catch_up_(std::move(catch_up)) {}

  aio::task<std::string_view> next() override {
    if (std::exchange(begun_, true))
      text_.clear();
    while (text_.empty() && !sleeper_->is_closed()) {
      if (!channel_->read(position_, text_))
        text_ = catch_up_();
      if (!text_.empty() || channel_->is_over)
        break;
      const auto due = aio::clock::now() + comment_time;
      co_await sleeper_->wait(due);
      if (aio::clock::now() >= due)
        text_ = comment;
    }
    if (text_.empty() || sleeper_->is_closed())
      co_return std::string_view{};
    co_return text_;
  }

private:
  std::shared_ptr<event_channel> channel_;
  std::shared_ptr<aio::sleeper> sleeper_;
  std::uint64_t position_;
  std::string text_;
  std::function<std::string()> catch_up_;
  bool begun_ = false;
};

/// Null if too many clients wait already.
std::shared_ptr<aio::sleeper> wait_on(http::client& who, aio::executor_type loop, event_channel& on) {
  auto by = std::make_shared<aio::sleeper>(loop, on.watchers);
  const auto wake = [of = std::weak_ptr{by}] {
    if (const auto still = of.lock())
      still->close();
  };
  return who.begin_waiting(wake) ? by : nullptr;
}

answer stream_answer(std::shared_ptr<http::body_stream> from) {
  response head{.status = 200, .content_type = "text/event-stream; charset=utf-8", .body = {}};
  head.fields.emplace_back("X-Accel-Buffering", "no"); // nginx forwards it without buffering
  return {head, http::large_body{std::move(from)}};
}

answer no_room(int retry_after) {
  return {problem(503, "too many clients wait for events; ask for the job instead"), retry_after};
}

} // namespace

events::events(aio::executor_type loop, scheduler::scheduler& of)
    : loop_(loop), scheduler_(of), all_(std::make_shared<event_channel>(0)),
      epoch_(fmt::format("{:08x}", std::random_device{}())) {}

void events::add_routes(http::service& to) {
  using http::request;
  to.on("GET", "/v1/jobs/{id}/events", role::read, [this](const request& asked) { return watch_job(asked); });
  to.on("GET", "/v1/events", role::read, [this](const request& asked) { return watch_all(asked); });
}

events::channel_ptr events::channel_of(const scheduler::job& of) {
  auto& channel = channels_[of.id];
  if (!channel)
    channel = std::make_shared<job_channel>(of.revision);
  return channel;
}

std::string events::describe(const scheduler::job& of) const {
  const job_now now{domain::is_final(of.state) ? std::nullopt : scheduler_.time_left(of),
                    scheduler_.waits_for(of)};
  return format_event("job", std::to_string(of.revision), format_job(of, now));
}

void events::on_change(const scheduler::job& changed) {
  const bool is_final = domain::is_final(changed.state);
  auto& known = channels_[changed.id];
  if (!known || (known->is_over && !is_final)) // a retried job starts again
    known = std::make_shared<job_channel>(changed.revision - 1);
  const auto channel = known;
  const bool tells_job = changed.news.empty() || channel->state != changed.state;
  channel->state = changed.state;

  std::vector<std::pair<std::string_view, json::object>> told;
  for (const auto& [frame, outputs] : changed.news) {
    auto data = format_frame(changed.id, frame.frame, &frame, false);
    data["job"] = changed.id.str();
    if (frame.now == store::frame_record::state::done)
      data["outputs"] = format_outputs(changed.id, outputs);
    told.emplace_back("frame", std::move(data));
  }
  if (tells_job) {
    const job_now now{is_final ? std::nullopt : scheduler_.time_left(changed), scheduler_.waits_for(changed)};
    told.emplace_back("job", format_job(changed, now));
  }
  const auto in_all = fmt::format("{}.{}", epoch_, ++newest_);
  const auto in_job = std::to_string(changed.revision);
  std::string for_all, for_job;
  for (const auto& [type, data] : told) {
    const bool is_last = &data == &told.back().second;
    for_all += format_event(type, is_last ? in_all : "", data);
    for_job += format_event(type, is_last ? in_job : "", data);
  }
  channel->is_over = is_final;
  if (is_final) {
    channel->drop_passing();
    over_.push_back(changed.id);
  }
  channel->add(changed.revision, std::move(for_job));
  all_->add(newest_, std::move(for_all));
  while (over_.size() > most_over) {
    const auto oldest = channels_.find(over_.front());
    if (oldest != channels_.end() && oldest->second->is_over)
      channels_.erase(oldest);
    over_.pop_front();
  }
}

void events::tell_passing(job_channel& to, std::string_view type, const json::object& data) {
  auto text = format_event(type, "", data);
  to.add(0, std::move(text));
}

void events::on_progress(const scheduler::job& of) {
  const auto now = aio::clock::now();
  const auto channel = channel_of(of);
  if (channel->watchers.empty() || now - channel->progress_told < progress_time)
    return;
  channel->progress_told = now;
  auto whole = format_job(of, {scheduler_.time_left(of), {}});
  json::object data{{"job", of.id.str()}};
  for (const char* member : {"progress", "frames", "seconds_per_frame", "eta_seconds", "current"})
    data[member] = std::move(whole[member]);
  tell_passing(*channel, "progress", data);
}

void events::on_output(const scheduler::job& of, std::string_view text) {
  const auto channel = channel_of(of);
  if (channel->watchers.empty())
    return channel->begun_character.clear();
  const auto bytes = channel->begun_character.append(text);
  const auto whole = without_begun_character(bytes);
  channel->begun_character = std::string_view{bytes}.substr(whole.size());
  if (whole.empty())
    return;
  tell_passing(*channel, "log", {{"job", of.id.str()}, {"attempt", of.attempts}, {"text", as_utf8(whole)}});
}

void events::on_forgotten(const scheduler::job& gone) {
  channels_.erase(gone.id);
}

void events::on_removed(const job_id& gone) {
  channels_.erase(gone);
  ++newest_;
  all_->add(newest_, format_event("deleted", fmt::format("{}.{}", epoch_, newest_), {{"job", gone.str()}}));
}

aio::task<answer> events::watch_job(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  const auto& job = **of;
  const bool is_final = domain::is_final(job.state);
  const auto named = asked.find("Last-Event-ID");
  const auto known = named ? parse_number<std::uint64_t>(*named) : std::nullopt;
  if (is_final && known == job.revision) // tells the client not to reconnect
    co_return response{.status = 204, .content_type = {}, .body = {}};
  const auto found = channels_.find((*of)->id);
  auto channel = found != channels_.end() ? found->second : std::make_shared<job_channel>(job.revision);
  if (found == channels_.end() && !is_final)
    channels_.emplace((*of)->id, channel);
  channel->is_over = is_final;
  const auto position = known ? channel->position_after(*known) : std::nullopt;
  auto first = position ? std::string{comment} : describe(job);
  const auto by = asked.client ? wait_on(*asked.client, loop_, *channel) : nullptr;
  if (!by)
    co_return no_room(scheduler_.retry_after_refusal());
  auto catch_up = [this, id = (*of)->id] {
    const auto still = scheduler_.find(id);
    return still ? describe(*still) : std::string{comment};
  };
  const auto from = position.value_or(channel->end());
  co_return stream_answer(
      std::make_shared<event_stream>(std::move(channel), by, from, std::move(first), std::move(catch_up)));
}

answer events::watch_all(const http::request& asked) {
  const auto named = asked.find("Last-Event-ID").value_or("");
  const auto dot = named.find('.');
  const bool is_ours = dot != std::string_view::npos && named.substr(0, dot) == epoch_;
  const auto known = is_ours ? parse_number<std::uint64_t>(named.substr(dot + 1)) : std::nullopt;
  const auto position = known ? all_->position_after(*known) : std::nullopt;
  const auto by = asked.client ? wait_on(*asked.client, loop_, *all_) : nullptr;
  if (!by)
    return no_room(scheduler_.retry_after_refusal());
  // A client that has missed events is notified; the list of jobs has the current states.
  const auto missed = [] { return std::string{"event: missed\ndata: {\"jobs\":\"/v1/jobs\"}\n\n"}; };
  auto first = named.empty() || position ? std::string{comment} : missed();
  return stream_answer(
      std::make_shared<event_stream>(all_, by, position.value_or(all_->end()), std::move(first), missed));
}

std::shared_ptr<aio::sleeper> events::begin_waiting(http::client& who, const scheduler::job& on) {
  const auto channel = channel_of(on);
  return wait_on(who, loop_, *channel);
}

aio::task<bool> events::wait_for_change(http::client& who, job_id of, std::uint64_t revision,
                                        aio::clock::time_point until) {
  auto job = scheduler_.find(of);
  if (!job || job->revision != revision || domain::is_final(job->state))
    co_return true;
  const auto by = begin_waiting(who, *job);
  if (!by)
    co_return false;
  while (!by->is_closed() && aio::clock::now() < until && job && job->revision == revision) {
    co_await by->wait(until);
    job = scheduler_.find(of);
  }
  co_return true;
}

} // namespace kiln::api
