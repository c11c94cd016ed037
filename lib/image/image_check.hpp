// SPDX-License-Identifier: Apache-2.0
//
// Whether a file is a whole image: what stands between a file that Blender closed and a frame that counts.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"
#include "image/image_facts.hpp"

namespace kiln::image {

class image_check {
public:
  virtual ~image_check() = default;

  /// What the image is; facts that the check does not look at stay empty. corrupt, saying what is wrong and
  /// where, when the file is not a whole image of a known format; the system's error when it cannot be read.
  /// `file`: a descriptor for reading (open_image.hpp), which stays the caller's, and open until this
  /// completes.
  [[nodiscard]] virtual aio::task<result<image_facts>> check(int file) = 0;
};

} // namespace kiln::image
