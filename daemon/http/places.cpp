// SPDX-License-Identifier: Apache-2.0
#include "http/places.hpp"

#include <utility>

namespace kiln::http {

places::place::place(places& of, boost::asio::ip::address from) : places_(of), from_(std::move(from)) {
  ++places_.all_.served;
  ++places_.by_address_[from_].served;
}

places::place::~place() {
  end_waiting();
  --places_.all_.served;
  const auto mine = places_.by_address_.find(from_);
  --mine->second.served;
  if (mine->second.served + mine->second.waiting == 0)
    places_.by_address_.erase(mine);
}

bool places::place::begin_waiting() {
  auto& all = places_.all_;
  auto& mine = places_.by_address_[from_];
  if (waits_ || all.waiting >= places_.most_.waiting || mine.waiting >= places_.most_.waiting_per_address)
    return waits_;
  --all.served, --mine.served;
  ++all.waiting, ++mine.waiting;
  return waits_ = true;
}

void places::place::end_waiting() {
  if (!std::exchange(waits_, false))
    return;
  auto& all = places_.all_;
  auto& mine = places_.by_address_[from_];
  --all.waiting, --mine.waiting;
  ++all.served, ++mine.served;
}

std::unique_ptr<places::place> places::take(const boost::asio::ip::address& from) {
  const auto mine = by_address_.find(from);
  if (all_.served >= most_.served ||
      (mine != by_address_.end() && mine->second.served >= most_.served_per_address))
    return nullptr;
  return std::make_unique<place>(*this, from);
}

} // namespace kiln::http
