// SPDX-License-Identifier: Apache-2.0
#include "base/ip_address.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace kiln {
namespace {

TEST(ip_address, each_has_one_number) {
  EXPECT_EQ(parse_ip_address("127.0.0.1"), parse_ip_address("::ffff:127.0.0.1"));
  EXPECT_EQ(parse_ip_address("127.0.0.1"), parse_ip_address("::FFFF:7f00:1"));
  for (const char* bad : {"", "1", "127.1", "1.2.3.4.5", "01.2.3.4", "0x7f.0.0.1", "1.2.3.256", "1.2.3.4 ",
                          " 1.2.3.4", "::1%lo", "[::1]", ":::", "g::", "1:2:3:4:5:6:7", "1.2.3.4:80",
                          "1111:2222:3333:4444:5555:6666:7777:8888:9999", "1111111111111111111111111111111"})
    EXPECT_FALSE(parse_ip_address(bad)) << bad;
  EXPECT_FALSE(parse_ip_address({"1.2.3.4\0", 8}));
}

TEST(ip_address, is_written_in_one_way) {
  for (const auto& [given, written] : {std::pair{"192.0.2.7", "192.0.2.7"},
                                       {"::ffff:192.0.2.7", "192.0.2.7"},
                                       {"2001:DB8:0:0::7", "2001:db8::7"},
                                       {"::", "::"}})
    EXPECT_EQ(format_ip_address(*parse_ip_address(given)), written);
}

TEST(ip_address, networks) {
  struct {
    const char* network;
    const char* in;
    const char* out;
  } const table[]{
      {"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},        {"10.1.2.128/25", "::ffff:10.1.2.255", "10.1.2.127"},
      {"192.0.2.7", "192.0.2.7", "192.0.2.6"},         {"fd00::/8", "fdff::1", "fe00::"},
      {"2001:db8::7", "2001:db8:0::7", "2001:db8::8"}, {"0.0.0.0/0", "255.255.255.255", "::1"},
      {"::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"}};
  for (const auto& [network, in, out] : table) {
    const auto parsed = parse_ip_network(network);
    ASSERT_TRUE(parsed) << network;
    EXPECT_TRUE(contains(*parsed, *parse_ip_address(in))) << network;
    EXPECT_FALSE(contains(*parsed, *parse_ip_address(out))) << network;
  }
  for (const char* bad : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::/129",
                          "[::]/8", "host", "10.0.0.0/8/8", "10.0.0.1/8", "fd00::1/8"})
    EXPECT_FALSE(parse_ip_network(bad)) << bad;
  EXPECT_NE(parse_ip_network("10.0.0.1/8").error().message.find("more bits"), std::string::npos);
}

TEST(ip_address, limits_count_customers) {
  const auto of = [](const char* text) { return customer_network(*parse_ip_address(text)); };
  EXPECT_EQ(of("0.0.1.2"), 258U);
  EXPECT_EQ(of("::ffff:0.0.1.2"), 258U);
  EXPECT_EQ(of("2001:db8::1"), of("2001:db8::ffff:ffff:ffff:ffff"));
  EXPECT_NE(of("2001:db8::1"), of("2001:db8:0:1::1"));
}

} // namespace
} // namespace kiln
