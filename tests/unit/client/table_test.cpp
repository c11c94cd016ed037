// SPDX-License-Identifier: Apache-2.0
#include "client/table.hpp"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

TEST(table, columns_are_aligned) {
  EXPECT_EQ(format_table({"ID", "NAME"}, {{"j1", "Bär"}, {"j222", ""}}), "ID    NAME\nj1    Bär\nj222\n");
  EXPECT_EQ(format_table({"A", "B"}, {{"Bär", "x"}}), "A    B\nBär  x\n");
  EXPECT_EQ(format_table({"A"}, {}), "A\n");
}

TEST(table, tabs_separate_for_programs) {
  EXPECT_EQ(format_tabs({{"j1", "a\tb", ""}, {"j2", "c", "d"}}), "j1\ta b\t\nj2\tc\td\n");
  EXPECT_EQ(format_tabs({}), "");
}

} // namespace
} // namespace kiln::client
