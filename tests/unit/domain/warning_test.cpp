// SPDX-License-Identifier: Apache-2.0
#include "domain/warning.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace kiln::domain {
namespace {

namespace json = boost::json;

TEST(warning, survives_its_writing) {
  const std::vector<warning> all{{"newer_file", "m"}, {"no_cache", "ü", *frame_set::parse("1-3,7")}};
  const json::value written = format_warnings(all);
  EXPECT_EQ(read_warnings(&written), all);
}

TEST(warning, whatever_comes_is_survived) {
  EXPECT_TRUE(read_warnings(nullptr).empty());
  for (const char* text :
       {"7", "{}", "[]", "[7]", "[{}]", R"([{"kind":"a"}])", R"([{"kind":"A","message":"m"}])",
        R"([{"kind":7,"message":"m"}])", R"([{"kind":"a","message":""}])"}) {
    const auto value = json::parse(text);
    EXPECT_TRUE(read_warnings(&value).empty()) << text;
  }
  json::array many;
  for (std::size_t i = 0; i < 2 * most_warnings; ++i)
    many.push_back(
        json::object{{"kind", "a"}, {"message", std::string(500, 'x') + "ü" + std::string(600, 'y')}});
  const json::value value = many;
  EXPECT_EQ(read_warnings(&value).size(), most_warnings);
  EXPECT_EQ(read_warnings(&value).front().message.size(), 1000U);
}

TEST(warning, a_message_is_cut_between_characters) {
  const json::value value =
      json::array{json::object{{"kind", "a"}, {"message", std::string(999, 'x') + "ü"}}};
  EXPECT_EQ(read_warnings(&value).front().message, std::string(999, 'x'));
}

TEST(warning, each_is_told_once) {
  std::vector<warning> all{{"a", "1"}};
  EXPECT_EQ(add_warnings(all, {{"a", "1"}, {"a", "2"}, {"a", "2"}}), (std::vector<warning>{{"a", "2"}}));
  EXPECT_EQ(all.size(), 2U);
}

} // namespace
} // namespace kiln::domain
