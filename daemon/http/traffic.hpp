// SPDX-License-Identifier: Apache-2.0
//
// Counts of a server's answers since its start, and their durations, for /metrics. Each request adds to them,
// so adding must be cheap.
#pragma once

#include "base/histogram.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace kiln::http {

class traffic {
public:
  static constexpr std::size_t classes = 5; ///< classes of statuses: 1xx to 5xx
  using by_class = std::array<std::optional<histogram>, classes>;

  /// `route`: the number of its handler.
  void add_route() { routes_.emplace_back(); }
  void answered(std::size_t route, int status, std::chrono::duration<double> took) {
    add(routes_[route], status, took);
  }
  /// Paths and methods without a handler.
  void answered_unknown(int status, std::chrono::duration<double> took) { add(unknown_, status, took); }
  /// A request refused before any handler, or a connection over the limit.
  void refused(int status) { ++refused_[status]; }
  void told_to_wait(int status, int seconds);

  /// Seconds until the answer was ready, by class of status, for each route.
  [[nodiscard]] const std::vector<by_class>& routes() const noexcept { return routes_; }
  [[nodiscard]] const by_class& unknown() const noexcept { return unknown_; }
  [[nodiscard]] const std::map<int, std::uint64_t>& refused() const noexcept { return refused_; }
  /// Seconds of Retry-After, by class of status.
  [[nodiscard]] const by_class& waits() const noexcept { return waits_; }

private:
  static void add(by_class& to, int status, std::chrono::duration<double> took);

  std::vector<by_class> routes_;
  by_class unknown_;
  std::map<int, std::uint64_t> refused_;
  by_class waits_;
};

} // namespace kiln::http
