// SPDX-License-Identifier: Apache-2.0
//
// The facts of a checked image.
#pragma once

#include <string>
#include <vector>

namespace kiln::image {

struct image_facts {
  std::string format; ///< "PNG", "JPEG", "OpenEXR", "TIFF" or "WebP"
  int width = 0;      ///< pixels of the first part or page; 0 when the check did not look
  int height = 0;
  int channels = 0;                ///< of all parts of an OpenEXR image, otherwise of the first page
  std::string type;                ///< of a channel: "uint8", "uint16", "uint32", "half", "float", "double"
  std::vector<std::string> layers; ///< OpenEXR: the named parts and layers
  std::string picture = {};        ///< a smaller one of it, in WebP; empty if none was made
  std::string view = {}; ///< of the picture: "standard", "blender", or "file" if it has colours for a display

  friend bool operator==(const image_facts&, const image_facts&) = default;
};

} // namespace kiln::image
