// SPDX-License-Identifier: Apache-2.0
#include "aio/patient_open.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <poll.h>

namespace kiln::aio {

unique_descriptor open_patiently(int directory, const char* path, int flags) {
  using std::chrono::steady_clock;
  constexpr std::chrono::milliseconds first{1}, longest{50};
  const auto end = steady_clock::now() + std::chrono::seconds{1};
  for (auto pause = first;; pause = std::min(2 * pause, longest)) {
    const int fd = ::openat(directory, path, flags | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 || errno != EWOULDBLOCK || steady_clock::now() >= end)
      return unique_descriptor{fd};
    // The end of a lease is no event that could be waited for.
    ::poll(nullptr, 0, static_cast<int>(pause.count()));
  }
}

} // namespace kiln::aio
