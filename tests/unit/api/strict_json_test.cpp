// SPDX-License-Identifier: Apache-2.0
#include "api/strict_json.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace kiln::api {
namespace {

TEST(strict_json, reads_json) {
  const auto value = parse_strict_json(R"( {"a":[1,{"b":null}],"c":{"a":"\u00e9"}} )");
  ASSERT_TRUE(value);
  EXPECT_EQ(boost::json::serialize(*value), R"({"a":[1,{"b":null}],"c":{"a":"é"}})");
}

TEST(strict_json, refuses_what_is_not_json) {
  using namespace std::string_view_literals;
  for (const auto bad : {""sv,
                         " "sv,
                         "{"sv,
                         "}"sv,
                         "{\"a\":1}}"sv,
                         "{\"a\":1} 2"sv,
                         "{a:1}"sv,
                         "{'a':1}"sv,
                         "{\"a\":1,}"sv,
                         "[1,]"sv,
                         "nul"sv,
                         "{\"a\":01}"sv,
                         "{\"a\":+1}"sv,
                         "{\"a\":.5}"sv,
                         "{\"a\":1.}"sv,
                         "{\"a\":NaN}"sv,
                         "{\"a\":1e400}"sv,
                         "{\"a\":0e7777}"sv,
                         "{\"a\":\"\x01\"}"sv,
                         "\0"sv,
                         "{\"a\":1}\0"sv,
                         "{\"a\0\":1}"sv,
                         "{\"a\":\"\xff\"}"sv,
                         "{\"a\":\"\xc0\xaf\"}"sv,
                         "{\"a\":\"\\ud800\"}"sv,
                         "// x\n1"sv,
                         "\xef\xbb\xbf{}"sv})
    EXPECT_EQ(parse_strict_json(bad).error().code, errc::invalid_input) << bad;
}

TEST(strict_json, refuses_a_name_that_stands_twice) {
  EXPECT_EQ(parse_strict_json(R"({"from":1,"from":2})").error().message, "the name \"from\" is given twice");
  EXPECT_FALSE(parse_strict_json(R"({"x":{"a":1,"\u0061":2}})"));
  EXPECT_TRUE(parse_strict_json(R"([{"a":1},{"a":1},{"b":{"a":1},"a":2}])"));
  const auto long_name = std::string(100'000, 'n');
  EXPECT_LT(parse_strict_json("{\"" + long_name + "\":1,\"" + long_name + "\":1}").error().message.size(),
            100U);
}

TEST(strict_json, bounds_the_depth) {
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_TRUE(parse_strict_json(nested(32)));
  EXPECT_FALSE(parse_strict_json(nested(33)));
  EXPECT_FALSE(parse_strict_json(std::string(1'000'000, '[')));
  EXPECT_FALSE(parse_strict_json(std::string(500'000, '{')));
}

} // namespace
} // namespace kiln::api
