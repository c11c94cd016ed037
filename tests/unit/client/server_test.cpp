// SPDX-License-Identifier: Apache-2.0
#include "client/exit_status.hpp"
#include "client/server.hpp"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

TEST(server, a_url_may_have_a_path) {
  const auto plain = parse_server(default_url);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->prefix, "");
  EXPECT_EQ(plain->url.port, 3000);
  const auto below = parse_server("https://[2001:db8::1]:8443/render/kiln//");
  ASSERT_TRUE(below);
  EXPECT_EQ(below->prefix, "/render/kiln");
  EXPECT_EQ(below->text, "https://[2001:db8::1]:8443/render/kiln");
  EXPECT_EQ(below->url.host, "2001:db8::1");
  for (const char* bad : {"", "127.0.0.1:3000", "http://h/?x=1", "http://h/#x", "ftp://h", "http://u:p@h/"}) {
    const auto wrong = parse_server(bad);
    ASSERT_FALSE(wrong) << bad;
    EXPECT_EQ(status_of(wrong.error()), exit_status::usage) << bad;
  }
}

TEST(server, this_machine) {
  for (const char* here : {"http://127.0.0.1:3000", "http://127.9.9.9", "http://[::1]:3000",
                           "http://localhost", "http://a.localhost"})
    EXPECT_TRUE(is_loopback(parse_server(here)->url)) << here;
  for (const char* there :
       {"http://128.0.0.1", "http://10.0.0.1", "http://[::2]", "http://localhost.example.com"})
    EXPECT_FALSE(is_loopback(parse_server(there)->url)) << there;
}

TEST(server, a_token_does_not_cross_a_network_in_the_clear) {
  const auto allowed = [](const char* url, bool over_http) {
    auto to = *parse_server(url);
    return add_token(to, " secret\n", "KILN_TOKEN", over_http).has_value() && to.token == "secret";
  };
  EXPECT_TRUE(allowed("http://127.0.0.1:3000", false));
  EXPECT_TRUE(allowed("https://farm.example.com", false));
  EXPECT_FALSE(allowed("http://farm.example.com", false));
  EXPECT_TRUE(allowed("http://farm.example.com", true));
}

TEST(server, a_token_is_one_word) {
  for (const char* bad : {"", " \n", "two words", "line\r\nX: y", "\xc3\xa4"}) {
    auto to = *parse_server(default_url);
    const auto added = add_token(to, bad, "the file", false);
    ASSERT_FALSE(added) << bad;
    EXPECT_NE(added.error().message.find("the file"), std::string::npos);
  }
}

} // namespace
} // namespace kiln::client
