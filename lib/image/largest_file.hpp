// SPDX-License-Identifier: Apache-2.0
//
// A bound on what the file of an image may take: formats like TIFF let any number of bytes stand between the
// pixels, which nobody looks at and which count against jobs_quota.
#pragma once

#include "image/image_facts.hpp"

#include <cstdint>

namespace kiln::image {

/// In bytes. The maximum of its type when the facts do not say how many pixels there are.
[[nodiscard]] std::uintmax_t largest_file(const image_facts& facts) noexcept;

} // namespace kiln::image
