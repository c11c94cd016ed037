// SPDX-License-Identifier: Apache-2.0
#include "webhook/target.hpp"

#include <gtest/gtest.h>

namespace kiln::webhook {
namespace {

target_rules rules(std::initializer_list<const char*> texts) {
  std::vector<target_rule> made;
  for (const char* text : texts) {
    const auto rule = parse_target_rule(text);
    EXPECT_TRUE(rule) << text;
    made.push_back(*rule);
  }
  return target_rules{std::move(made)};
}

bool takes(const target_rules& by, const char* url) {
  const auto parsed = parse_http_url(url);
  return parsed && !by.refusal(*parsed);
}

bool connects(const target_rules& by, const char* url, const char* to) {
  return by.may_connect(*parse_http_url(url), *parse_ip_address(to));
}

TEST(target, public_addresses_are_those_of_the_whole_internet) {
  for (const char* good :
       {"8.8.8.8", "1.1.1.1", "93.184.216.34", "172.15.255.255", "172.32.0.1", "100.63.0.1", "100.128.0.1",
        "192.167.1.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2001:200::1", "::ffff:8.8.8.8"})
    EXPECT_TRUE(is_public(*parse_ip_address(good))) << good;
  for (const char* bad : {"0.0.0.0",
                          "0.1.2.3",
                          "10.0.0.1",
                          "10.255.255.255",
                          "100.64.0.1",
                          "100.100.100.200",
                          "127.0.0.1",
                          "127.255.255.254",
                          "169.254.169.254",
                          "172.16.0.1",
                          "172.31.255.255",
                          "192.0.0.192",
                          "192.0.2.1",
                          "192.88.99.1",
                          "192.168.1.1",
                          "198.18.0.1",
                          "198.19.255.255",
                          "198.51.100.1",
                          "203.0.113.1",
                          "224.0.0.1",
                          "239.255.255.255",
                          "240.0.0.1",
                          "255.255.255.255",
                          "168.63.129.16",
                          "::",
                          "::1",
                          "::127.0.0.1",
                          "::8.8.8.8",
                          "::ffff:127.0.0.1",
                          "::ffff:10.0.0.1",
                          "64:ff9b::7f00:1",
                          "64:ff9b:1::1",
                          "100::1",
                          "2001::1",
                          "2001:0:a00:1::",
                          "2001:db8::1",
                          "2002:7f00:1::",
                          "2002:a00:1::",
                          "3fff::1",
                          "fc00::1",
                          "fd00:ec2::254",
                          "fe80::1",
                          "febf::1",
                          "fec0::1",
                          "ff02::1",
                          "4000::1"})
    EXPECT_FALSE(is_public(*parse_ip_address(bad))) << bad;
}

TEST(target, rules_are_names_addresses_and_networks) {
  for (const char* good : {"h", "hooks.example.com", "Hooks.Example.com:8443", "my_host:1", "192.0.2.7",
                           "192.0.2.7:65535", "10.0.0.0/8", "10.0.0.0/8:8080", "0.0.0.0/0", "[::1]",
                           "[::1]:80", "[fd00::/8]:443", "[::/0]", "1.2.3.4/32", "::1", "fd00::/8"})
    EXPECT_TRUE(parse_target_rule(good)) << good;
  for (const char* bad : {"",           " ",           ":80",          "h:",          "h:0",
                          "h:65536",    "h:x",         "h:80:90",      "http://h/",   "h/8",
                          "*",          "*.h",         "127.1",        "2130706433",  "0x7f.1",
                          "10.0.0.0/",  "10.0.0.0/33", "10.0.0.0/-1",  "10.0.0.0/8x", "10.0.0.1/8",
                          "0.0.0.1/0",  ":::",         "::1/129",      "[::1",        "[::1]x",
                          "[10.0.0.1]", "[h]",         "[fd00::/129]", "[fd00::1/8]", "h.",
                          "a..b"})
    EXPECT_FALSE(parse_target_rule(bad)) << bad;
}

TEST(target, only_what_is_listed_is_taken) {
  const auto by =
      rules({"hooks.example.com", "build:8080", "10.1.0.0/16:8080", "[fd00::/8]", "192.0.2.7:81"});
  for (const char* good : {"http://hooks.example.com/", "https://HOOKS.example.com/x", "http://build:8080/",
                           "https://build:8080/", "http://10.1.2.3:8080/", "http://[::ffff:10.1.2.3]:8080/",
                           "https://[fd00::1]/", "http://192.0.2.7:81/"})
    EXPECT_TRUE(takes(by, good)) << good;
  for (const char* bad :
       {"http://example.com/", "http://x.hooks.example.com/", "http://hooks.example.com:8080/",
        "https://hooks.example.com:80/", "http://build/", "http://10.1.2.3/", "http://10.2.2.3:8080/",
        "http://[fe00::1]/", "http://[fd00::1]:81/", "http://192.0.2.7/", "http://192.0.2.8:81/",
        "http://127.0.0.1:8080/", "http://localhost:8080/"})
    EXPECT_FALSE(takes(by, bad)) << bad;
  EXPECT_FALSE(takes(rules({}), "https://hooks.example.com/"));
  EXPECT_NE(rules({}).refusal(*parse_http_url("https://[::1]:8/"))->find("--webhook-target [::1]:8 "),
            std::string::npos);
}

TEST(target, a_name_leads_to_public_addresses_or_to_listed_ones) {
  const auto by = rules({"build:8080", "10.1.0.0/16:8080", "hooks.example.com"});
  EXPECT_TRUE(connects(by, "http://hooks.example.com/", "93.184.216.34"));
  EXPECT_FALSE(connects(by, "http://hooks.example.com/", "127.0.0.1"));
  EXPECT_FALSE(connects(by, "http://hooks.example.com/", "169.254.169.254"));
  EXPECT_FALSE(connects(by, "http://hooks.example.com/", "10.1.2.3"))
      << "its port is not that of the network";
  EXPECT_TRUE(connects(by, "http://build:8080/", "10.1.2.3"));
  EXPECT_TRUE(connects(by, "http://build:8080/", "::ffff:10.1.2.3"));
  EXPECT_FALSE(connects(by, "http://build:8080/", "10.2.2.3"));
  EXPECT_FALSE(connects(by, "http://93.184.216.34/", "93.184.216.34"))
      << "an address has to be listed itself";
}

} // namespace
} // namespace kiln::webhook
