// SPDX-License-Identifier: Apache-2.0
#include "digest/digest_field.hpp"

#include <gtest/gtest.h>

namespace kiln::digest {
namespace {

constexpr const char* empty_hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const std::string empty_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

TEST(digest_field, finds_the_sha_256) {
  EXPECT_EQ(*parse_digest_field("sha-256=:" + empty_base64 + ":"), empty_hex);
  EXPECT_EQ(*parse_digest_field("sha-512=:AA==:,\tsha-256=:" + empty_base64 + ": , md5=:x:"), empty_hex);
  for (const auto* other : {"", "sha-512=:AA==:", "unixsum=:x:, ,", "SHA-256=:x:"})
    EXPECT_EQ(*parse_digest_field(other), std::nullopt) << other;
}

TEST(digest_field, refuses_what_is_not_written_as_it_must_be) {
  for (const auto& bad :
       {std::string{"sha-256="}, std::string{"sha-256=:"}, std::string{"sha-256=::"},
        "sha-256=" + empty_base64, "sha-256=\"" + empty_base64 + "\"",
        "sha-256=:" + empty_base64.substr(4) + ":", "sha-256=:" + empty_base64 + "AAAA:",
        "sha-256=:" + std::string(43, '!') + "=:", "sha-256=:" + std::string(44, 'A') + ":"})
    EXPECT_FALSE(parse_digest_field(bad)) << bad;
}

TEST(digest_field, is_written_as_it_is_read) {
  EXPECT_EQ(format_digest_field(empty_hex), "sha-256=:" + empty_base64 + ":");
  const std::string other(64, 'f');
  EXPECT_EQ(*parse_digest_field(format_digest_field(other)), other);
}

TEST(digest_field, knows_whether_one_is_wanted) {
  for (const auto* yes : {"sha-256=1", "sha-512=3, sha-256=10", "sha-512=0,\tsha-256=2"})
    EXPECT_TRUE(wants_sha256(yes)) << yes;
  for (const auto* no : {"", "sha-256=0", "sha-256", "sha-256=x", "sha-512=1", "sha-256=11"})
    EXPECT_FALSE(wants_sha256(no)) << no;
}

} // namespace
} // namespace kiln::digest
