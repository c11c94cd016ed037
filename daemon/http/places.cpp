// SPDX-License-Identifier: Apache-2.0
#include "http/places.hpp"

#include <utility>

namespace kiln::http {

places::place::place(places& of, std::optional<std::uint64_t> from) : places_(of), from_(from) {
  ++places_.all_.served;
  places_.enter(from_);
}

places::place::~place() {
  end_waiting();
  --places_.all_.served;
  places_.leave(from_);
}

bool places::place::assign(std::uint64_t client) {
  if (!places_.has_room_for(client))
    return false;
  unassign();
  from_ = client;
  places_.enter(from_);
  return true;
}

void places::place::unassign() {
  end_waiting();
  places_.leave(std::exchange(from_, std::nullopt));
}

bool places::place::begin_waiting() {
  auto& all = places_.all_;
  if (waits_ || all.waiting >= places_.most_.waiting)
    return waits_;
  if (from_) {
    auto& mine = places_.by_address_[*from_];
    if (mine.waiting >= places_.most_.waiting_per_address)
      return false;
    --mine.served, ++mine.waiting;
  }
  --all.served, ++all.waiting;
  return waits_ = true;
}

void places::place::end_waiting() {
  if (!std::exchange(waits_, false))
    return;
  auto& all = places_.all_;
  --all.waiting, ++all.served;
  if (from_) {
    auto& mine = places_.by_address_[*from_];
    --mine.waiting, ++mine.served;
  }
}

std::unique_ptr<places::place> places::take(std::optional<std::uint64_t> from) {
  if (all_.served >= most_.served || (from && !has_room_for(*from)))
    return nullptr;
  return std::make_unique<place>(*this, from);
}

bool places::has_room_for(std::uint64_t client) const {
  const auto known = by_address_.find(client);
  return known == by_address_.end() || known->second.served < most_.served_per_address;
}

void places::enter(std::optional<std::uint64_t> from) {
  if (from)
    ++by_address_[*from].served;
}

/// Of a place that does not wait.
void places::leave(std::optional<std::uint64_t> from) {
  if (!from)
    return;
  const auto mine = by_address_.find(*from);
  --mine->second.served;
  if (mine->second.served + mine->second.waiting == 0)
    by_address_.erase(mine);
}

} // namespace kiln::http
