// SPDX-License-Identifier: Apache-2.0
//
// Checks whether a file is a complete image: only then a file closed by Blender counts as a frame.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"
#include "image/image_facts.hpp"

namespace kiln::image {

class image_check {
public:
  virtual ~image_check() = default;

  /// The facts of the image; those not covered by the check stay empty. corrupt, with the error and its
  /// position, if the file is not a complete image of a known format; a system error if it cannot be read.
  /// `file`: a descriptor for reading (open_image.hpp), owned by the caller and open until this completes.
  [[nodiscard]] virtual aio::task<result<image_facts>> check(int file) = 0;
};

} // namespace kiln::image
