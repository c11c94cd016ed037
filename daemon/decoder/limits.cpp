// SPDX-License-Identifier: Apache-2.0
#include "decoder/limits.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace kiln::decoder {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr rlim_t address_space = RLIM_INFINITY;
#else
constexpr rlim_t address_space = rlim_t{4} * 1024 * 1024 * 1024;
#endif
constexpr rlim_t descriptors = 16;
constexpr int niceness = 5;

void require(int outcome, const char* what) {
  if (outcome != 0)
    throw boost::system::system_error(errno, boost::system::system_category(), what);
}

/// Never raises a limit, which would need privileges.
void limit(__rlimit_resource resource, rlim_t most) {
  rlimit now{};
  require(::getrlimit(resource, &now), "getrlimit");
  const auto lower = std::min(most, now.rlim_max);
  const rlimit wanted{.rlim_cur = lower, .rlim_max = lower};
  require(::setrlimit(resource, &wanted), "setrlimit");
}

} // namespace

void limit_this_process() {
  limit(RLIMIT_AS, address_space);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, descriptors);
  require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
  require(::prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
  if (::getpriority(PRIO_PROCESS, 0) < niceness) // keep a higher nice value; lowering it needs privileges
    require(::setpriority(PRIO_PROCESS, 0, niceness), "setpriority");
}

} // namespace kiln::decoder
