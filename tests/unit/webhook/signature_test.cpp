// SPDX-License-Identifier: Apache-2.0
#include "webhook/signature.hpp"

#include <gtest/gtest.h>

namespace kiln::webhook {
namespace {

// The example of the specification's reference libraries (standard-webhooks/libraries).
TEST(signature, is_that_of_the_published_example) {
  const auto key = key_of_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key);
  EXPECT_EQ(sign(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(signature, covers_id_timestamp_and_payload) {
  const std::string key(24, 'k');
  const auto first = sign(key, "a", 1, "x");
  EXPECT_EQ(sign(key, "a", 1, "x"), first);
  EXPECT_NE(sign(key, "b", 1, "x"), first);
  EXPECT_NE(sign(key, "a", 2, "x"), first);
  EXPECT_NE(sign(key, "a", 1, "y"), first);
  EXPECT_NE(sign(std::string(24, 'l'), "a", 1, "x"), first);
}

TEST(signature, new_secrets_are_secrets_and_differ) {
  const auto one = new_secret(), two = new_secret();
  EXPECT_NE(one, two);
  ASSERT_TRUE(key_of_secret(one));
  EXPECT_EQ(key_of_secret(one)->size(), 24U);
}

TEST(signature, takes_keys_of_24_to_64_bytes) {
  EXPECT_EQ(key_of_secret("whsec_" + std::string(32, 'A'))->size(), 24U);
  EXPECT_EQ(key_of_secret("whsec_" + std::string(34, 'A') + "==")->size(), 25U);
  EXPECT_EQ(key_of_secret("whsec_" + std::string(35, 'A') + "=")->size(), 26U);
  EXPECT_EQ(key_of_secret("whsec_" + std::string(86, 'A') + "==")->size(), 64U);
}

TEST(signature, refuses_what_is_no_secret) {
  const std::string a(32, 'A');
  for (const auto& bad : {std::string{}, std::string{"whsec_"}, a, "WHSEC_" + a, "whsec_" + a + "=",
                          "whsec_" + a + "====", "whsec_" + a + "A", "whsec_ " + a, "whsec_" + a + "\n",
                          "whsec_" + a + "\n\n\n\n", "whsec_A=" + a + "AA",
                          "whsec_" + std::string(31, 'A') + "-", "whsec_" + std::string(31, 'A') + "_",
                          "whsec_" + std::string(33, 'A') + "B==", "whsec_" + std::string(28, 'A'),
                          "whsec_" + std::string(88, 'A'), "whsec_" + std::string(100'000, 'A'),
                          "whsec_" + std::string(31, 'A') + std::string(1, '\0')})
    EXPECT_FALSE(key_of_secret(bad)) << bad.substr(0, 100);
}

} // namespace
} // namespace kiln::webhook
