// SPDX-License-Identifier: Apache-2.0
#include "api/digest_field.hpp"

#include <gtest/gtest.h>

namespace kiln::api {
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

} // namespace
} // namespace kiln::api
