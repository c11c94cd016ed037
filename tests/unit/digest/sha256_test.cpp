// SPDX-License-Identifier: Apache-2.0
#include "digest/sha256.hpp"

#include <gtest/gtest.h>

namespace kiln::digest {
namespace {

TEST(sha256, is_that_of_fips_180) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(sha256, may_be_fed_in_pieces) {
  sha256_hasher h;
  for (const char c : std::string_view{"abc"})
    h.add(&c, 1);
  EXPECT_EQ(h.hex(), sha256("abc"));
}

} // namespace
} // namespace kiln::digest
