// SPDX-License-Identifier: Apache-2.0
//
// The check by structure only, on the pool for blocking work.
#pragma once

#include "aio/blocking_pool.hpp"
#include "image/image_check.hpp"

namespace kiln::image {

class structural_image_check final : public image_check {
public:
  /// The pool must outlive it.
  explicit structural_image_check(aio::blocking_pool& pool) : pool_(pool) {}

  [[nodiscard]] aio::task<result<image_facts>> check(int file) override;

private:
  aio::blocking_pool& pool_;
};

} // namespace kiln::image
