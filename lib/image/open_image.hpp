// SPDX-License-Identifier: Apache-2.0
//
// Opens the file that a renderer left in the place of a frame. Blocks.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <filesystem>

namespace kiln::image {

/// Opens for reading. corrupt if it is not a regular file; does not follow links or block on a FIFO.
[[nodiscard]] result<aio::unique_descriptor> open_image(const std::filesystem::path& file);

} // namespace kiln::image
