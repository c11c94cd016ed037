// SPDX-License-Identifier: Apache-2.0
#include "http/prefer.hpp"

#include <gtest/gtest.h>

namespace kiln::http {
namespace {

std::optional<long> wait_in(std::vector<field> fields) {
  request asked;
  asked.fields = fields;
  const auto wait = preferred_wait(asked);
  return wait ? std::optional{static_cast<long>(wait->count())} : std::nullopt;
}

TEST(prefer, a_wait_is_found) {
  for (const char* text : {"wait=10", "Wait=10", "wait=\"10\"", " wait = 10 ", "respond-async, wait=10",
                           "wait=10; x=y", "return=minimal; x,wait=10,wait=20"})
    EXPECT_EQ(wait_in({{"Prefer", text}}), 10) << text;
  EXPECT_EQ(wait_in({{"prefer", "respond-async"}, {"PREFER", "wait=7"}}), 7);
  EXPECT_EQ(wait_in({{"Prefer", "wait=0"}}), 0);
}

TEST(prefer, what_cannot_be_read_is_ignored) {
  for (const char* text : {"", "wait", "wait=", "wait=\"\"", "wait=-1", "wait=1.5", "wait=ten",
                           "wait=99999999999", "await=3", "wait=1 0", ",,,", "=", "wait=\""})
    EXPECT_EQ(wait_in({{"Prefer", text}}), std::nullopt) << text;
  EXPECT_EQ(wait_in({{"Preference", "wait=3"}}), std::nullopt);
}

} // namespace
} // namespace kiln::http
