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

} // namespace
} // namespace kiln
