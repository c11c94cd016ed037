// SPDX-License-Identifier: Apache-2.0
//
// The resource limits of the decoding process.
#pragma once

namespace kiln::decoder {

/// For the rest of this process: 4 GiB of addresses (not with a sanitizer, which maps far more), no core
/// file, 16 descriptors, no new privileges, low priority. The process ends when the thread that started it
/// ends. Throws boost::system::system_error.
void limit_this_process();

} // namespace kiln::decoder
