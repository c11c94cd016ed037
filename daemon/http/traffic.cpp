// SPDX-License-Identifier: Apache-2.0
#include "http/traffic.hpp"

namespace kiln::http {
namespace {

constexpr std::array duration_bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                     0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};
constexpr std::array wait_bounds{1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0};

histogram& of_class(traffic::by_class& all, int status, std::span<const double> bounds) {
  auto& found = all.at(static_cast<std::size_t>(status / 100 - 1));
  if (!found)
    found.emplace(bounds);
  return *found;
}

} // namespace

void traffic::add(by_class& to, int status, std::chrono::duration<double> took) {
  of_class(to, status, duration_bounds).add(took.count());
}

void traffic::told_to_wait(int status, int seconds) {
  of_class(waits_, status, wait_bounds).add(seconds);
}

} // namespace kiln::http
