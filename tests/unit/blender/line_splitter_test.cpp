// SPDX-License-Identifier: Apache-2.0
#include "blender/line_splitter.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace kiln::blender {
namespace {

using lines = std::vector<std::string>;

lines split(const std::vector<std::string>& pieces) {
  lines seen;
  line_splitter splitter;
  const auto on_line = [&](std::string_view line) { seen.emplace_back(line); };
  for (const auto& piece : pieces)
    splitter.feed(piece, on_line);
  splitter.finish(on_line);
  return seen;
}

TEST(line_splitter, lines_end_in_any_of_the_usual_ways) {
  EXPECT_EQ(split({"a\nb\r\nc\rd\n\n\ne"}), (lines{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(split({""}), lines{});
  EXPECT_EQ(split({"\n"}), lines{});
}

TEST(line_splitter, pieces_may_be_cut_anywhere) {
  const std::string text = "Fra:1\r\nSaved: 'x'\n Time\rlast";
  for (std::size_t at = 0; at <= text.size(); ++at)
    EXPECT_EQ(split({text.substr(0, at), text.substr(at)}), (lines{"Fra:1", "Saved: 'x'", " Time", "last"}))
        << at;
}

TEST(line_splitter, a_line_without_end_takes_no_memory_and_does_not_hide_the_next) {
  std::vector<std::string> pieces(100, std::string(1000, 'x'));
  pieces.emplace_back("\nnext\n");
  EXPECT_EQ(split(pieces), (lines{std::string(line_splitter::max_line, 'x'), "next"}));
}

TEST(line_splitter, any_bytes_may_come) {
  const std::string odd{"\0\xff\x1b[31m", 7};
  EXPECT_EQ(split({odd + "\n"}), lines{odd});
}

} // namespace
} // namespace kiln::blender
