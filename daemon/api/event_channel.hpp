// SPDX-License-Identifier: Apache-2.0
//
// What happens to one job, or to all, as server-sent events (HTML Living Standard, 9.2): the latest are kept,
// so that who comes back after a lost connection misses nothing.
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
  /// `known`: the id up to which everybody is taken to know all.
  explicit event_channel(std::uint64_t known) : floor_(known) {}

  /// `text`: whole events in the bytes of the protocol. `id`: of the last of them, more than any before; 0
  /// for what is not told again to who comes back.
  void add(std::uint64_t id, std::string text);

  /// Forgets what is not told again; nothing of it will come.
  void drop_passing();

  /// Where to go on for who knows all up to `id`; nothing when that cannot be said any more.
  [[nodiscard]] std::optional<std::uint64_t> position_after(std::uint64_t id) const;
  /// Behind the newest.
  [[nodiscard]] std::uint64_t end() const noexcept { return begin_ + events_.size(); }

  /// Adds events from `position` on to `out`, some at a time, and moves it behind them. False when some of
  /// them are gone; it stands at the end then.
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
  std::uint64_t begin_ = 0; ///< position of the first of them
  std::uint64_t floor_;     ///< the newest id of those that are gone
  std::size_t bytes_ = 0;
};

} // namespace kiln::api
