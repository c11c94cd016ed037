// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace kiln {
namespace {

using namespace std::string_view_literals;

TEST(utf8, takes_a_line_of_text) {
  for (const auto good : {""sv, "scene.blend"sv, " ~"sv, "é"sv, "日本"sv, "💾"sv, "\xc2\xa0"sv,
                          "\xef\xbf\xbd"sv, "\xf4\x8f\xbf\xbf"sv, "\xed\x9f\xbf"sv})
    EXPECT_TRUE(is_line_of_text(good)) << good;
}

TEST(utf8, refuses_control_characters_and_what_is_no_utf8) {
  for (const auto bad :
       {"\0"sv, "a\nb"sv, "\r"sv, "\t"sv, "\x1b"sv, "\x7f"sv, "\xc2\x85"sv, "\xff"sv, "\x80"sv, "\xc3"sv,
        "a\xe6\x97"sv, "\xc0\xaf"sv, "\xe0\x80\xaf"sv, "\xf0\x80\x80\xaf"sv, "\xed\xa0\x80"sv,
        "\xf4\x90\x80\x80"sv, "\xf8\x88\x80\x80\x80"sv, "\xc3("sv})
    EXPECT_FALSE(is_line_of_text(bad)) << bad;
}

TEST(utf8, what_is_no_utf8_becomes_question_marks) {
  EXPECT_EQ(as_utf8("scene \xc3\xa9 \xe6\x97\xa5"), "scene \xc3\xa9 \xe6\x97\xa5");
  for (const auto bad : {"a\xff|"sv, "a\x80|"sv, "a\xc3|"sv, "a\xe6\x97|"sv, "a\xf0\x9f\x92|"sv}) {
    const auto text = as_utf8(bad);
    EXPECT_TRUE(is_line_of_text(text)) << bad;
    EXPECT_TRUE(text.starts_with("a?") && text.ends_with('|')) << text;
  }
  for (const auto bad : {"\xc0\xaf"sv, "\xe0\x80\xaf"sv, "\xed\xa0\x80"sv, "\xf4\x90\x80\x80"sv, "a\xe6"sv})
    EXPECT_TRUE(is_line_of_text(as_utf8(bad))) << "too long, a surrogate, too high, cut";
}

TEST(utf8, a_cut_leaves_whole_characters) {
  constexpr auto text = "a\xc3\xa9\xf0\x9f\x92\xbe"sv; // characters of 1, 2 and 4 bytes
  const std::size_t sizes[] = {0, 1, 1, 3, 3, 3, 3, 7, 7};
  for (std::size_t most = 0; most < std::size(sizes); ++most)
    EXPECT_EQ(first_characters(text, most), text.substr(0, sizes[most])) << most;
  EXPECT_EQ(first_characters("\x80\x80\x80", 2), "") << "bytes that are no UTF-8 end somewhere";
}

TEST(utf8, a_character_that_has_only_begun_waits_for_its_rest) {
  EXPECT_EQ(without_begun_character("a\xc3"), "a");
  EXPECT_EQ(without_begun_character("a\xe6\x97"), "a");
  EXPECT_EQ(without_begun_character("a\xf0\x9f\x92"), "a");
  for (const auto whole :
       {""sv, "a"sv, "a\xc3\xa9"sv, "\xf0\x9f\x92\xbe"sv, "\x80\x80\x80\x80"sv, "a\xc3\xa9\x80"sv})
    EXPECT_EQ(without_begun_character(whole), whole);
}

} // namespace
} // namespace kiln
