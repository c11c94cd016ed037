// SPDX-License-Identifier: Apache-2.0
//
// A clock that jumps, for tests: a library for LD_PRELOAD. CLOCK_SHIFT names a file of 8 bytes: the seconds
// by which the time of day differs, as the processor stores them. Steady clocks stay as they are.
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>

namespace {

using clock_gettime_type = int(clockid_t, timespec*);

const volatile std::int64_t* shift() {
  static const volatile std::int64_t* const mapped = [] {
    const char* const path = std::getenv("CLOCK_SHIFT");
    const int file = path ? ::open(path, O_RDONLY | O_CLOEXEC) : -1; // stays open
    void* const at = file < 0 ? MAP_FAILED : ::mmap(nullptr, 8, PROT_READ, MAP_SHARED, file, 0);
    return at == MAP_FAILED ? nullptr : static_cast<const volatile std::int64_t*>(at);
  }();
  return mapped;
}

timespec now() {
  timespec out{};
  ::clock_gettime(CLOCK_REALTIME, &out);
  return out;
}

} // namespace

extern "C" int clock_gettime(clockid_t which, timespec* out) noexcept {
  static auto* const real = reinterpret_cast<clock_gettime_type*>(::dlsym(RTLD_NEXT, "clock_gettime"));
  const int status = real(which, out);
  if (status == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
    if (const auto* const by = shift())
      out->tv_sec += *by;
  return status;
}

extern "C" int gettimeofday(timeval* out, void*) noexcept {
  const auto is = now();
  *out = {.tv_sec = is.tv_sec, .tv_usec = is.tv_nsec / 1000};
  return 0;
}

extern "C" time_t time(time_t* out) noexcept {
  const auto is = now().tv_sec;
  if (out)
    *out = is;
  return is;
}
