// SPDX-License-Identifier: Apache-2.0
//
// Opening a file that may be anything, where a FIFO must not hold us up, and that another program may hold by
// a lease: file servers do so (Samba, NFS). Blocks.
#pragma once

#include "aio/unique_descriptor.hpp"

#include <fcntl.h>

namespace kiln::aio {

/// openat(2) with O_NONBLOCK and O_CLOEXEC. The holder of a lease has a second to give it back; after that it
/// is not open, and errno is EWOULDBLOCK: the kernel takes the lease away soon (fcntl(2), F_SETLEASE), so
/// another try may go well.
[[nodiscard]] unique_descriptor open_patiently(int directory, const char* path, int flags);

} // namespace kiln::aio
