// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/image_structure.hpp"

namespace kiln::image {

/// See check_image_structure().
[[nodiscard]] result<void> check_png(image_source& file);

} // namespace kiln::image
