// SPDX-License-Identifier: Apache-2.0
#include "image/largest_file.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace kiln::image {
namespace {

constexpr std::uintmax_t mebibyte = 1 << 20;

image_facts facts(int side, int channels, const char* type) {
  image_facts of;
  of.width = of.height = side;
  of.channels = channels;
  of.type = type;
  return of;
}

TEST(largest_file, is_bounded_by_the_pixels) {
  EXPECT_EQ(largest_file(facts(8, 4, "uint8")), 64 * mebibyte + 8 * 8 * 4 * 8);
  EXPECT_EQ(largest_file(facts(1024, 4, "float")), 64 * mebibyte + 128 * mebibyte);
  EXPECT_GT(largest_file(facts(65536, 1024, "double")), std::uintmax_t{1} << 48);
}

TEST(largest_file, has_no_bound_where_the_pixels_are_not_known) {
  EXPECT_EQ(largest_file({}), std::numeric_limits<std::uintmax_t>::max());
}

} // namespace
} // namespace kiln::image
