// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"
#include "domain/frame_set.hpp"

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kiln;
  const auto set = domain::frame_set::parse(as_text(data, size));
  if (!set) {
    KILN_HOLDS(set.error().code == errc::invalid_input && set.error().message.size() < 500);
    return 0;
  }
  KILN_HOLDS(!set->empty());
  if (set->size() > 20'000)
    return 0; // true as well, only slow
  std::size_t count = 0;
  int last = domain::min_frame - 1;
  for (const int frame : *set) {
    KILN_HOLDS(frame > last && frame <= domain::max_frame && set->contains(frame));
    last = frame;
    ++count;
  }
  KILN_HOLDS(count == set->size() && set->back() == last && !set->contains(last + 1));
  const auto text = domain::format_frame_set(*set);
  const auto again = domain::frame_set::parse(text);
  KILN_HOLDS(!again || *again == *set); // more terms than one job may name can come out
  KILN_HOLDS(again || set->size() > 1000);
  return 0;
}
