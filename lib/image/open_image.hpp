// SPDX-License-Identifier: Apache-2.0
//
// Opening what a renderer left where a frame should be. Blocks.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <filesystem>

namespace kiln::image {

/// For reading. corrupt when it is not a regular file; links are not followed, and a FIFO does not hold us
/// up.
[[nodiscard]] result<aio::unique_descriptor> open_image(const std::filesystem::path& file);

} // namespace kiln::image
