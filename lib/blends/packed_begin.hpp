// SPDX-License-Identifier: Apache-2.0
//
// Looks into a .blend that is packed (gzip to Blender 2.9, zstd since 3.0), no further than its first bytes: what is
// packed there may unpack to anything.
#pragma once

#include "base/error.hpp"
#include "blender/blend_file.hpp"

#include <cstddef>
#include <span>

namespace kiln::blends {

/// So many bytes from the beginning of a packed file say whether there is a .blend in it.
inline constexpr std::size_t telling_size = 256 * 1024;

/// What the first bytes of a file say, those inside included. corrupt, saying why, when it is not a .blend.
[[nodiscard]] result<blender::blend_header> look_into(std::span<const std::byte> begin);

} // namespace kiln::blends
