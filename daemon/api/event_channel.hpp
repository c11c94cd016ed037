// SPDX-License-Identifier: Apache-2.0
//
// The events of one job, or of all jobs, as server-sent events (HTML Living Standard, 9.2). The latest are
// kept, so that a client that reconnects misses none.
#pragma once

#include "aio/wake_list.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace kiln::api {

class event_channel {
public:
  /// `known`: the id of the last event that all clients are assumed to have.
  explicit event_channel(std::uint64_t known) : floor_(known) {}

  /// `text`: whole events in the format of the protocol. `id`: the id of the last one, greater than all
  /// earlier ids; 0 for transient events, which are not replayed to a client that reconnects.
  void add(std::uint64_t id, std::string text);

  /// Drops the transient events; no more of them will be added.
  void drop_passing();

  /// The position after the event `id`; nullopt if later events are already dropped.
  [[nodiscard]] std::optional<std::uint64_t> position_after(std::uint64_t id) const;
  /// The position after the newest event.
  [[nodiscard]] std::uint64_t end() const noexcept { return begin_ + events_.size(); }

  /// Appends some of the events from `position` on to `out` and advances `position`. Returns false if events
  /// at `position` are dropped; `position` is then the end.
  [[nodiscard]] bool read(std::uint64_t& position, std::string& out) const;

  aio::wake_list watchers; ///< woken at each add()
  bool is_over = false;    ///< no more events

private:
  struct event {
    std::uint64_t id;
    std::string text;
  };
  void drop_first();

  std::deque<event> events_;
  std::uint64_t begin_ = 0; ///< position of the first kept event
  std::uint64_t floor_;     ///< the newest id among dropped events
  std::size_t bytes_ = 0;
};

} // namespace kiln::api
