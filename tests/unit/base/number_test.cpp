// SPDX-License-Identifier: Apache-2.0
#include "base/number.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace kiln {
namespace {

TEST(number, is_decimal_digits_alone) {
  EXPECT_EQ(parse_number<int>("0"), 0);
  EXPECT_EQ(parse_number<int>("2147483647"), 2147483647);
  EXPECT_EQ(parse_number<std::uint64_t>("18446744073709551615"), 18446744073709551615U);
  EXPECT_EQ(parse_number<int>("007"), 7);
  for (const auto* text : {"", " ", "-1", "-0", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "1\n", "one", "--1"})
    EXPECT_EQ(parse_number<int>(text), std::nullopt) << text;
  EXPECT_EQ(parse_number<int>(std::string_view{"1\0", 2}), std::nullopt);
  EXPECT_EQ(parse_number<int>({}), std::nullopt);
}

TEST(number, fits) {
  EXPECT_EQ(parse_number<int>("2147483648"), std::nullopt);
  EXPECT_EQ(parse_number<std::uint16_t>("65536"), std::nullopt);
  EXPECT_EQ(parse_number<std::uint64_t>("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_number<int>("4", 5, 9), std::nullopt);
  EXPECT_EQ(parse_number<int>("5", 5, 9), 5);
  EXPECT_EQ(parse_number<int>("9", 5, 9), 9);
  EXPECT_EQ(parse_number<int>("10", 5, 9), std::nullopt);
}

} // namespace
} // namespace kiln
