// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/image_structure.hpp"

namespace kiln::image {

/// See check_image_structure().
[[nodiscard]] result<void> check_exr(image_source& file);

/// Checks that each attribute of a header (tiled, deep or multi-part too) has the size of its type and lies
/// within the file, since libraries allocate the stated size before reading. corrupt otherwise.
[[nodiscard]] result<void> check_exr_attributes(image_source& file);

} // namespace kiln::image
