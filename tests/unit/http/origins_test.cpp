// SPDX-License-Identifier: Apache-2.0
#include "http/origins.hpp"

#include <gtest/gtest.h>

namespace kiln::http {
namespace {

using standing = origins::standing;

TEST(origins, are_a_scheme_a_host_and_perhaps_a_port) {
  for (const char* good :
       {"https://shop.example", "http://localhost:5173", "http://127.0.0.1:1", "http://[::1]:8080",
        "https://[fd00::1]", "chrome-extension://abcdef", "https://a-b.c_d.example:65535", "*"})
    EXPECT_EQ(*parse_origin(good), good) << good;
  EXPECT_EQ(*parse_origin("HTTPS://Shop.Example"), "https://shop.example");
  for (const char* bad : {"",
                          "null",
                          "shop.example",
                          "://a",
                          "https:",
                          "https://",
                          "https:///",
                          "https://a/",
                          "https://a/b",
                          "https://a?b",
                          "https://a#b",
                          "https://u@a",
                          "https://a:",
                          "https://a:0",
                          "https://a:x",
                          "https://a:123456",
                          "https://a:443",
                          "http://a:80",
                          "https://*",
                          "https://*.a",
                          "**",
                          "ht tp://a",
                          "https://a b",
                          "https://a\r\nX: y",
                          "https://[::1",
                          "https://[]",
                          "https://[g]",
                          "https://\xc3\xa9"})
    EXPECT_FALSE(parse_origin(bad)) << bad;
}

TEST(origins, who_is_what) {
  const origins some({"https://shop.example", "http://localhost:5173"});
  const struct {
    const char* origin;
    const char* host;
    standing expected;
  } table[] = {
      {"https://shop.example", "kiln:3000", standing::allowed},
      {"HTTPS://SHOP.EXAMPLE", "kiln:3000", standing::allowed},
      {"https://shop.example:8443", "kiln:3000", standing::foreign},
      {"http://shop.example", "kiln:3000", standing::foreign},
      {"https://shop.example.evil", "kiln:3000", standing::foreign},
      {"null", "kiln:3000", standing::foreign},
      {"*", "kiln:3000", standing::foreign},
      {"http://kiln:3000", "kiln:3000", standing::own},
      {"https://kiln:3000", "kiln:3000", standing::own},
      {"http://KILN:3000", "kiln:3000", standing::own},
      {"http://kiln", "kiln:3000", standing::foreign},
      {"http://kiln:3000", "kiln", standing::foreign},
      {"http://kiln:3000/", "kiln:3000", standing::foreign},
      {"http://x@kiln:3000", "kiln:3000", standing::foreign},
      {"kiln:3000", "kiln:3000", standing::foreign},
      {"http://", "", standing::foreign},
      {"://", "", standing::foreign},
  };
  for (const auto& row : table)
    EXPECT_EQ(some.of(row.origin, row.host), row.expected) << row.origin << " " << row.host;
  EXPECT_EQ(origins{}.of("https://shop.example", "kiln"), standing::foreign);
  EXPECT_EQ(origins{{"*"}}.of("null", "kiln"), standing::allowed);
}

TEST(origins, what_an_answer_says) {
  const origins none, some({"https://a"}), any({"*"});
  EXPECT_EQ(none.fields("https://a", standing::foreign), "");
  EXPECT_EQ(some.fields("", standing::own), "Vary: Origin\r\n");
  EXPECT_EQ(some.fields("https://b", standing::foreign), "Vary: Origin\r\n");
  EXPECT_TRUE(some.fields("https://a", standing::allowed)
                  .starts_with("Vary: Origin\r\nAccess-Control-Allow-Origin: https://a\r\n"));
  EXPECT_TRUE(any.fields("https://a", standing::allowed).starts_with("Access-Control-Allow-Origin: *\r\n"));
  EXPECT_EQ(any.fields("", standing::own), "");
}

} // namespace
} // namespace kiln::http
