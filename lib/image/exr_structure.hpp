// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/image_structure.hpp"

namespace kiln::image {

/// See check_image_structure().
[[nodiscard]] result<void> check_exr(image_source& file);

/// That no attribute of a header, tiled, deep or of several parts, says it is larger than the file: what a
/// library would allocate before it reads. corrupt otherwise.
[[nodiscard]] result<void> check_exr_attributes(image_source& file);

} // namespace kiln::image
