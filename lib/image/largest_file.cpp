// SPDX-License-Identifier: Apache-2.0
#include "image/largest_file.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

namespace kiln::image {
namespace {

std::uintmax_t bytes_of(std::string_view type) {
  return type == "uint8" ? 1 : type == "uint16" || type == "half" ? 2 : type == "double" ? 8 : 4;
}

} // namespace

std::uintmax_t largest_file(const image_facts& facts) noexcept {
  if (facts.width <= 0 || facts.height <= 0)
    return std::numeric_limits<std::uintmax_t>::max();
  // Smaller levels of an OpenEXR image take up to three times its pixels again, and further parts can be
  // larger than the first. The rest is for tables, metadata and profiles.
  constexpr std::uintmax_t times = 8, rest = 64 << 20;
  const auto pixels = static_cast<std::uintmax_t>(facts.width) * static_cast<std::uintmax_t>(facts.height);
  return pixels * static_cast<std::uintmax_t>(std::max(facts.channels, 1)) * bytes_of(facts.type) * times +
         rest;
}

} // namespace kiln::image
