// SPDX-License-Identifier: Apache-2.0
#include "base/http_url.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace kiln {
namespace {

TEST(http_url, is_taken_apart) {
  const auto plain = parse_http_url("http://Hooks.Example.com");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "hooks.example.com");
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(plain->host_field, "hooks.example.com");
  EXPECT_EQ(plain->path, "/");
  const auto full = parse_http_url("HTTPS://[2001:DB8::1]:8443/a/b?c=d%20e");
  ASSERT_TRUE(full);
  EXPECT_TRUE(full->tls);
  EXPECT_EQ(full->host, "2001:db8::1");
  EXPECT_EQ(full->literal, parse_ip_address("2001:db8::1"));
  EXPECT_EQ(full->port, 8443);
  EXPECT_EQ(full->host_field, "[2001:db8::1]:8443");
  EXPECT_EQ(full->path, "/a/b?c=d%20e");
  EXPECT_EQ(parse_http_url("https://h?x")->path, "/?x");
  EXPECT_EQ(parse_http_url("https://h:443/")->host_field, "h");
  EXPECT_EQ(parse_http_url("https://h:00443/")->port, 443);
  EXPECT_TRUE(parse_http_url("https://h/" + std::string(1990, 'a')));
}

TEST(http_url, refuses_what_is_no_plain_url) {
  for (const auto& bad : std::initializer_list<std::string>{"",
                                                            "h",
                                                            "//h/",
                                                            "http:",
                                                            "http:/",
                                                            "http://",
                                                            "http:///x",
                                                            "http:h",
                                                            "ftp://h/",
                                                            "file:///etc/passwd",
                                                            "javascript:alert(1)",
                                                            "http://u@h/",
                                                            "http://u:p@h/",
                                                            "http://@h/",
                                                            "http://h/#",
                                                            "http://h/#f",
                                                            "http://h:0/",
                                                            "http://h:/",
                                                            "http://h:65536/",
                                                            "http://h:99999999999/",
                                                            "http://h:-1/",
                                                            "http://h:8 0/",
                                                            "http://h h/",
                                                            "http://h/ x",
                                                            " http://h/",
                                                            "http://h/\r\nX: y",
                                                            std::string("http://h/\0", 10),
                                                            "http://h%2ex/",
                                                            "http://%31/",
                                                            "http://\xc3\xa4.example/",
                                                            "http://h./",
                                                            "http://.h/",
                                                            "http://a..b/",
                                                            "http://a!b/",
                                                            "http://*/",
                                                            "http://2130706433/",
                                                            "http://0177.0.0.1/",
                                                            "http://0x7f.0.0.1/",
                                                            "http://0x7f000001/",
                                                            "http://127.1/",
                                                            "http://127.0.1/",
                                                            "http://127.0.0.1./",
                                                            "http://127.0.0.01/",
                                                            "http://1.2.3.256/",
                                                            "http://a.0X10/",
                                                            "http://[::1/",
                                                            "http://::1/",
                                                            "http://[::1%25lo]/",
                                                            "http://[v1.x]/",
                                                            "http://[127.0.0.1]/",
                                                            "http://" + std::string(64, 'a') + "/",
                                                            "http://" + std::string(2000, 'a'),
                                                            "http://h/\\..",
                                                            "http://h\\@x/"})
    EXPECT_FALSE(parse_http_url(bad)) << bad.substr(0, 80);
}

} // namespace
} // namespace kiln
