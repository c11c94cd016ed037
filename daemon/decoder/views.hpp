// SPDX-License-Identifier: Apache-2.0
//
// The colours that Blender shows, by OpenColorIO with Blender's own configuration.
#pragma once

#include "base/error.hpp"
#include "image/picture_wish.hpp"

#include <vector>

namespace kiln::decoder {

/// Changes linear RGBA of `width` times `height` pixels into what the display shows. unsupported if Kiln was
/// built without OpenColorIO; invalid_input if the configuration cannot be read or has no such view.
[[nodiscard]] result<void> apply_view(std::vector<float>& rgba, int width, int height,
                                      const image::colour_view& view);

} // namespace kiln::decoder
