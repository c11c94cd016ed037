// SPDX-License-Identifier: Apache-2.0
//
// The limits of connections: total, and from one address. Connections that only wait are counted separately,
// so that a thousand watchers do not block other clients.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <map>
#include <memory>

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
    place(places& of, boost::asio::ip::address from);
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place();

    /// Counted as waiting from now on, when there is room.
    [[nodiscard]] bool begin_waiting();
    /// Counted as served again, even if that is one too many for a moment.
    void end_waiting();

  private:
    places& places_;
    boost::asio::ip::address from_;
    bool waits_ = false;
  };

  struct counts {
    std::size_t served = 0;
    std::size_t waiting = 0;
  };

  explicit places(const place_limits& most) : most_(most) {}

  /// Null when there is no room.
  [[nodiscard]] std::unique_ptr<place> take(const boost::asio::ip::address& from);

  [[nodiscard]] const counts& all() const noexcept { return all_; }

private:
  place_limits most_;
  counts all_;
  std::map<boost::asio::ip::address, counts> by_address_;
};

} // namespace kiln::http
