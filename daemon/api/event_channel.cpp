// SPDX-License-Identifier: Apache-2.0
#include "api/event_channel.hpp"

#include <algorithm>
#include <utility>

namespace kiln::api {
namespace {

constexpr std::size_t most_kept = 512, most_bytes = 256 * 1024; ///< kept events of a channel
constexpr std::size_t most_at_once = 64 * 1024;                 ///< bytes that read() appends, approximately

} // namespace

void event_channel::add(std::uint64_t id, std::string text) {
  bytes_ += text.size();
  events_.push_back({id, std::move(text)});
  while (events_.size() > most_kept || (bytes_ > most_bytes && events_.size() > 1))
    drop_first();
  watchers.wake_all();
}

void event_channel::drop_first() {
  floor_ = std::max(floor_, events_.front().id);
  bytes_ -= events_.front().text.size();
  events_.pop_front();
  ++begin_;
}

void event_channel::drop_passing() {
  // Positions of the remaining events must not change: only the texts are removed.
  for (auto& each : events_)
    if (each.id == 0)
      bytes_ -= std::exchange(each.text, {}).size();
}

std::optional<std::uint64_t> event_channel::position_after(std::uint64_t id) const {
  const auto newest =
      std::ranges::find_if(events_.rbegin(), events_.rend(), [](const event& e) { return e.id != 0; });
  if (id < floor_ || id > (newest == events_.rend() ? floor_ : newest->id))
    return std::nullopt;
  // Transient events are not replayed to a client that reconnects; it resumes after them.
  const auto next = std::ranges::find_if(events_, [id](const event& e) { return e.id > id; });
  return begin_ + static_cast<std::uint64_t>(next - events_.begin());
}

bool event_channel::read(std::uint64_t& position, std::string& out) const {
  if (position < begin_) {
    position = end();
    return false;
  }
  const auto most = out.size() + most_at_once;
  while (position < end() && out.size() < most)
    out += events_[position++ - begin_].text;
  return true;
}

} // namespace kiln::api
