// SPDX-License-Identifier: Apache-2.0
//
// The limits of connections: total, and from one address (IPv6: from one /64). Connections that only wait are
// counted separately, so that a thousand watchers do not block other clients. A connection of a proxy belongs
// to the client whose request is being answered, and to no address in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

namespace kiln::http {

struct place_limits {
  std::size_t served = 512;
  std::size_t served_per_address = 64;
  std::size_t waiting = 4096;
  std::size_t waiting_per_address = 512;
};

class places {
public:
  /// One connection's. It does not outlive its `places`.
  class place {
  public:
    place(places& of, std::optional<std::uint64_t> from);
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place();

    /// For a connection of a proxy: from now on that of a client, until unassign(). False, and nothing has
    /// changed, if the client has as many as it may have.
    [[nodiscard]] bool assign(std::uint64_t client);
    void unassign();

    /// Counted as waiting from now on, when there is room.
    [[nodiscard]] bool begin_waiting();
    /// Counted as served again, even if that is one too many for a moment.
    void end_waiting();

  private:
    places& places_;
    std::optional<std::uint64_t> from_;
    bool waits_ = false;
  };

  struct counts {
    std::size_t served = 0;
    std::size_t waiting = 0;
  };

  explicit places(const place_limits& most) : most_(most) {}

  /// Null when there is no room. `from`: customer_network() of the address; nullopt for a proxy.
  [[nodiscard]] std::unique_ptr<place> take(std::optional<std::uint64_t> from);

  [[nodiscard]] const counts& all() const noexcept { return all_; }

private:
  [[nodiscard]] bool has_room_for(std::uint64_t client) const;
  void enter(std::optional<std::uint64_t> from);
  void leave(std::optional<std::uint64_t> from);

  place_limits most_;
  counts all_;
  std::map<std::uint64_t, counts> by_address_;
};

} // namespace kiln::http
