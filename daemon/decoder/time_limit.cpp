// SPDX-License-Identifier: Apache-2.0
#include "decoder/time_limit.hpp"

#include <algorithm>

#include <sys/time.h>

namespace kiln::decoder {
namespace {

// Of ITIMER_PROF: the process's own time, also while it works for a busy machine's kernel; never the wall's.
void set(std::uint64_t seconds, suseconds_t microseconds = 0) noexcept {
  constexpr std::uint64_t a_day = 86400;
  itimerval limit{};
  limit.it_value.tv_sec = static_cast<time_t>(std::min(seconds, a_day));
  limit.it_value.tv_usec = microseconds;
  ::setitimer(ITIMER_PROF, &limit, nullptr);
}

} // namespace

void begin_time_limit() noexcept {
  constexpr std::uint64_t for_all = 5;
  set(for_all);
}

void allow_time_for(std::uint64_t pixels, std::uint64_t bytes) noexcept {
  constexpr std::uint64_t pixels_a_second = 1'000'000, bytes_a_second = 8'000'000;
  itimerval left{};
  ::getitimer(ITIMER_PROF, &left);
  if (left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0)
    return;
  const auto more = std::max(pixels / pixels_a_second, bytes / bytes_a_second);
  set(static_cast<std::uint64_t>(left.it_value.tv_sec) + more, left.it_value.tv_usec);
}

void end_time_limit() noexcept {
  set(0);
}

} // namespace kiln::decoder
