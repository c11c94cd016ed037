// SPDX-License-Identifier: Apache-2.0
#include "http/forwarded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kiln::http {
namespace {

const auto proxy = *parse_ip_address("10.0.0.1");

trusted_proxies farm() {
  return trusted_proxies{{*parse_ip_network("10.0.0.0/8"), *parse_ip_network("fd00::/8")}};
}

std::string client(std::span<const field> fields) {
  return format_ip_address(client_address(proxy, fields, farm()));
}

struct expected {
  std::string value;
  const char* client;
};

std::string repeat(int times, const std::string& text) {
  std::string all;
  for (int i = 0; i < times; ++i)
    all += text;
  return all;
}

TEST(forwarded, lists_of_addresses_are_read_from_their_end) {
  const std::vector<expected> table{
      {"192.0.2.7", "192.0.2.7"},
      {" 192.0.2.7\t", "192.0.2.7"},
      {"192.0.2.7:4711", "192.0.2.7"},
      {"2001:db8::7", "2001:db8::7"},
      {"[2001:db8::7]", "2001:db8::7"},
      {"[2001:db8::7]:4711", "2001:db8::7"},
      {"::ffff:192.0.2.7", "192.0.2.7"},
      // proxies in a row
      {"192.0.2.7, 10.0.0.2", "192.0.2.7"},
      {"192.0.2.7,fd00::2 ,\t10.0.0.2:80", "192.0.2.7"},
      // what a client has put in front says nothing
      {"198.51.100.1, 192.0.2.7", "192.0.2.7"},
      {"10.0.0.9, 192.0.2.7", "192.0.2.7"},
      {"198.51.100.1, 192.0.2.7, 10.0.0.2", "192.0.2.7"},
      {"\", 192.0.2.7", "192.0.2.7"},
      {"\"\\\", 192.0.2.7", "192.0.2.7"},
      {"\\, 192.0.2.7", "192.0.2.7"},
      {repeat(1000, ","), "10.0.0.1"},
      // all are proxies: the first is the client
      {"10.0.0.3, 10.0.0.2", "10.0.0.3"},
      // the last good one holds
      {"", "10.0.0.1"},
      {"   ", "10.0.0.1"},
      {"unknown", "10.0.0.1"},
      {"192.0.2.7, unknown", "10.0.0.1"},
      {"192.0.2.7, unknown, 10.0.0.2", "10.0.0.2"},
      {"192.0.2.7, ", "10.0.0.1"},
      {"192.0.2.7,,10.0.0.2", "10.0.0.2"},
      {"unix:", "10.0.0.1"},
      {"localhost", "10.0.0.1"},
      {"192.0.2.7 10.0.0.2", "10.0.0.1"},
      {"192.0.2.7;10.0.0.2", "10.0.0.1"},
      {"\"192.0.2.7\"", "10.0.0.1"},
      {"for=192.0.2.7", "10.0.0.1"},
      {"192.0.2.256", "10.0.0.1"},
      {"192.0.2", "10.0.0.1"},
      {"0x7f.0.0.1", "10.0.0.1"},
      {"2130706433", "10.0.0.1"},
      {"192.0.2.7:", "10.0.0.1"},
      {"192.0.2.7:x", "10.0.0.1"},
      {"192.0.2.7:65536", "10.0.0.1"},
      {"192.0.2.7/24", "10.0.0.1"},
      {"[192.0.2.7]", "10.0.0.1"},
      {"[2001:db8::7", "10.0.0.1"},
      {"2001:db8::7]", "10.0.0.1"},
      {"[2001:db8::7]4711", "10.0.0.1"},
      {"[]", "10.0.0.1"},
      {"fe80::1%eth0", "10.0.0.1"},
      {std::string("192.0.2.7\0", 10), "10.0.0.1"},
      {std::string(8000, '1'), "10.0.0.1"},
      {std::string(8000, '['), "10.0.0.1"},
  };
  for (const auto& [value, is] : table) {
    const std::vector<field> fields{{"Host", "farm"}, {"x-forwarded-FOR", value}};
    EXPECT_EQ(client(fields), is) << value.substr(0, 80);
  }
}

TEST(forwarded, the_field_of_the_rfc) {
  const std::vector<expected> table{
      {"for=192.0.2.7", "192.0.2.7"},
      {"For=\"192.0.2.7\"", "192.0.2.7"},
      {"for=\"192.0.2.7:4711\";proto=https;by=203.0.113.43", "192.0.2.7"},
      {"proto=http; host=farm.example ;FOR=\"[2001:db8::7]:4711\"", "2001:db8::7"},
      {"for=\"[2001:db8::7]:_secret\"", "2001:db8::7"},
      {"for=\"\\1\\92.0.2.7\"", "192.0.2.7"},
      {"for=192.0.2.7, for=10.0.0.2", "192.0.2.7"},
      {"for=192.0.2.7, for=\"[fd00::2]\";ext=\"a,b;for=c\", For=10.0.0.2", "192.0.2.7"},
      // what a client has put in front says nothing
      {"for=198.51.100.1, for=192.0.2.7", "192.0.2.7"},
      {"for=\"10.0.0.2, for=192.0.2.7", "192.0.2.7"},
      {"for=\"10.0.0.2, for=\"[2001:db8::7]\"", "2001:db8::7"},
      {"for=\"\\, for=\"[2001:db8::7]\"", "2001:db8::7"},
      {"x=\"\\\\\\\", for=192.0.2.7", "192.0.2.7"},
      {repeat(4000, "\""), "10.0.0.1"},
      {repeat(4000, "\\") + "\"", "10.0.0.1"},
      // the last good one holds
      {"for=unknown", "10.0.0.1"},
      {"for=_hidden", "10.0.0.1"},
      {"for=192.0.2.7, for=_hidden, for=10.0.0.2", "10.0.0.2"},
      {"for=192.0.2.7, proto=https", "10.0.0.1"},
      {"for=192.0.2.7;for=10.0.0.2", "10.0.0.1"},
      {"192.0.2.7", "10.0.0.1"},
      {"for 192.0.2.7", "10.0.0.1"},
      {"for=", "10.0.0.1"},
      {"for=\"\"", "10.0.0.1"},
      {"for=\"192.0.2.7", "10.0.0.1"},
      {"for=192.0.2.7\"", "10.0.0.1"},
      {"for=\"192.0.2.7\"x", "10.0.0.1"},
      {"for=\"192.0.2.7\\\"", "10.0.0.1"},
      {"for=\"192.0.2.7:_\"", "10.0.0.1"},
      {"for=\"192.0.2.7:_a b\"", "10.0.0.1"},
      {"before=192.0.2.7", "10.0.0.1"},
      {"", "10.0.0.1"},
  };
  for (const auto& [value, is] : table) {
    const std::vector<field> fields{{"Host", "farm"}, {"forwarded", value}};
    EXPECT_EQ(client(fields), is) << value.substr(0, 80);
  }
}

TEST(forwarded, several_fields_are_one_list) {
  const std::vector<field> three{{"X-Forwarded-For", "198.51.100.1, 192.0.2.7"},
                                 {"X-Forwarded-For", "10.0.0.3"},
                                 {"X-Forwarded-For", "10.0.0.2"}};
  EXPECT_EQ(client(three), "192.0.2.7");
  EXPECT_EQ(client({}), "10.0.0.1");
}

TEST(forwarded, a_field_that_proxies_pass_on_is_not_preferred) {
  const std::vector<field> both{{"Forwarded", "for=198.51.100.1"}, {"X-Forwarded-For", "192.0.2.7"}};
  EXPECT_EQ(client(both), "192.0.2.7");
  const std::vector<field> empty{{"Forwarded", "for=198.51.100.1"}, {"X-Forwarded-For", ""}};
  EXPECT_EQ(client(empty), "10.0.0.1");
}

TEST(forwarded, lists_are_read_so_far) {
  const auto all = [](int proxies) {
    const auto value = "192.0.2.7" + repeat(proxies, ", 10.0.0.2");
    return client(std::vector<field>{{"X-Forwarded-For", value}});
  };
  EXPECT_EQ(all(31), "192.0.2.7");
  EXPECT_EQ(all(32), "10.0.0.2");
}

TEST(forwarded, where_the_client_has_sent_its_request) {
  struct row {
    std::vector<field> fields;
    const char* url;
  };
  const field host{"Host", "farm.example:81"};
  const std::vector<row> table{
      {{host}, ""},
      {{host, {"X-Forwarded-Proto", "https"}}, "https://farm.example:81"},
      {{host, {"X-Forwarded-Proto", "HTTP"}, {"X-Forwarded-Host", "Shop.example"}}, "http://shop.example"},
      {{host, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Prefix", "/kiln/"}},
       "https://farm.example:81/kiln"},
      {{host, {"X-Forwarded-Prefix", "/a/b"}}, "/a/b"},
      {{host, {"Forwarded", "for=192.0.2.7;proto=https;host=shop.example"}}, "https://shop.example"},
      {{host, {"Forwarded", "for=192.0.2.7;proto=https;host=\"shop.example:82\", for=10.0.0.2;proto=http"}},
       "https://shop.example:82"},
      {{host, {"Forwarded", "for=1.2.3.4;proto=http;host=x, for=192.0.2.7;proto=https"}},
       "https://farm.example:81"},
      // the client's own Forwarded, beside what the proxy has written
      {{host, {"Forwarded", "for=1.2.3.4;proto=http;host=x"}, {"X-Forwarded-For", "192.0.2.7"}}, ""},
      // ignored
      {{host, {"X-Forwarded-Proto", "https, http"}}, ""},
      {{host, {"X-Forwarded-Proto", "javascript"}}, ""},
      {{host, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Proto", "http"}}, ""},
      {{host, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "a, b"}}, ""},
      {{host, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "a/b"}}, ""},
      {{host, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "u@a"}}, ""},
      {{host, {"X-Forwarded-Prefix", "kiln"}}, ""},
      {{host, {"X-Forwarded-Prefix", "//evil.example"}}, ""},
      {{host, {"X-Forwarded-Prefix", "/../kiln"}}, ""},
      {{host, {"X-Forwarded-Prefix", "/kiln/.."}}, ""},
      {{host, {"X-Forwarded-Prefix", "/a, /b"}}, ""},
      {{host, {"X-Forwarded-Prefix", "/a"}, {"X-Forwarded-Prefix", "/b"}}, ""},
      {{host, {"X-Forwarded-Prefix", "/a\"b"}}, ""},
      {{host, {"X-Forwarded-Prefix", "/a\x01"}}, ""},
      {{host, {"X-Forwarded-Prefix", "/%2e%2e"}}, ""},
      {{host, {"X-Forwarded-Prefix", "/"}}, ""},
  };
  for (const auto& [fields, url] : table)
    EXPECT_EQ(forwarded_url(proxy, fields, farm()).text(), url)
        << fields.back().name << ": " << fields.back().value;
}

TEST(forwarded, trusted_proxies_are_not_everybody) {
  for (const char* good : {"10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "128.0.0.0/1"})
    EXPECT_TRUE(parse_trusted_proxy(good)) << good;
  for (const char* bad :
       {"", "0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96", "::/1", "unix", "proxy.example", "10.0.0.1/8", "*"})
    EXPECT_FALSE(parse_trusted_proxy(bad)) << bad;
  EXPECT_FALSE(trusted_proxies{}.trusts(proxy));
}

} // namespace
} // namespace kiln::http
