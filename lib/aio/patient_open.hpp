// SPDX-License-Identifier: Apache-2.0
//
// Opens a file of any kind without blocking on a FIFO, also if another program holds a lease on it, as file
// servers do (Samba, NFS). Blocks.
#pragma once

#include "aio/unique_descriptor.hpp"

#include <fcntl.h>

namespace kiln::aio {

/// openat(2) with O_NONBLOCK and O_CLOEXEC. The holder of a lease has a second to release it; after that
/// opening fails with EWOULDBLOCK. The kernel breaks the lease soon (fcntl(2), F_SETLEASE), so a retry may
/// succeed.
[[nodiscard]] unique_descriptor open_patiently(int directory, const char* path, int flags);

} // namespace kiln::aio
