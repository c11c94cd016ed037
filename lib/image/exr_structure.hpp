// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/image_structure.hpp"

namespace kiln::image {

/// See check_image_structure().
[[nodiscard]] result<void> check_exr(image_source& file);

/// That each attribute of a header, tiled, deep or of several parts, has the size of its type and lies within
/// the file: a library allocates what it says before it reads. corrupt otherwise.
[[nodiscard]] result<void> check_exr_attributes(image_source& file);

} // namespace kiln::image
