// SPDX-License-Identifier: Apache-2.0
#include "api/poll_delay.hpp"

#include <array>
#include <chrono>

namespace kiln::api {
namespace {

constexpr std::array bounds{0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0};

} // namespace

poll_delay::poll_delay() : delays_(bounds) {}

void poll_delay::told(const job_id& ended) {
  if (unheard_.empty())
    return;
  if (const auto heard = unheard_.extract(ended))
    delays_.add(std::chrono::duration<double>(aio::clock::now() - heard.mapped()).count());
}

void poll_delay::on_change(const scheduler::job& changed) {
  if (domain::is_final(changed.state))
    unheard_.insert_or_assign(changed.id, aio::clock::now());
  else
    unheard_.erase(changed.id); // tried again
}

void poll_delay::on_forgotten(const scheduler::job& gone) {
  unheard_.erase(gone.id);
}

} // namespace kiln::api
