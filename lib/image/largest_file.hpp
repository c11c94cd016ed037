// SPDX-License-Identifier: Apache-2.0
//
// A limit on the file size of an image: formats like TIFF allow any number of unused bytes between the
// pixels, which count against jobs_quota.
#pragma once

#include "image/image_facts.hpp"

#include <cstdint>

namespace kiln::image {

/// In bytes. The maximum of its type if the facts have no pixel count.
[[nodiscard]] std::uintmax_t largest_file(const image_facts& facts) noexcept;

} // namespace kiln::image
