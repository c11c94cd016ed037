// SPDX-License-Identifier: Apache-2.0
#include "domain/frame_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace kiln::domain {
namespace {

std::vector<int> frames_of(std::string_view text) {
  const auto set = frame_set::parse(text);
  if (!set) {
    ADD_FAILURE() << text << ": " << set.error().message;
    return {};
  }
  return {set->begin(), set->end()};
}

TEST(frame_set, parses_terms_ranges_and_steps) {
  using list = std::vector<int>;
  EXPECT_EQ(frames_of("7"), (list{7}));
  EXPECT_EQ(frames_of("0"), (list{0}));
  EXPECT_EQ(frames_of("1-4"), (list{1, 2, 3, 4}));
  EXPECT_EQ(frames_of("1-10x4"), (list{1, 5, 9}));
  EXPECT_EQ(frames_of("1-10x2,15"), (list{1, 3, 5, 7, 9, 15}));
  EXPECT_EQ(frames_of(" 3 , 1-2 "), (list{1, 2, 3}));
  EXPECT_EQ(frames_of("5,1-6,5"), (list{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(frames_of("1048574"), (list{1048574}));
  EXPECT_EQ(frames_of("1-3x2147483647"), (list{1}));
}

TEST(frame_set, says_which_term_is_wrong) {
  for (const char* bad :
       {"",       ",",    "1,",    ",1",     "1,,2",  "a",   "-1",      "1-",        "-",
        "1--2",   "1-2x", "1-2x0", "1-2x-1", "2-1",   "1.5", "1048575", "1-1048575", "99999999999999999999",
        "1-10y2", "+1",   "0x10",  "1 2",    "1-2-3", "١"})
    EXPECT_EQ(frame_set::parse(bad).error().code, errc::invalid_input) << bad;
  EXPECT_NE(frame_set::parse("1,9-3").error().message.find("\"9-3\" ends before it starts"),
            std::string::npos);
}

TEST(frame_set, bounds_the_work_of_hostile_text) {
  std::string many = "1";
  for (int i = 0; i < 1000; ++i)
    many += ",1";
  EXPECT_FALSE(frame_set::parse(many));
  std::string overlapping = "0-1048574";
  for (int i = 0; i < 10; ++i)
    overlapping += ",0-1048574";
  EXPECT_FALSE(frame_set::parse(overlapping));
  const std::string long_term(1 << 20, '7');
  EXPECT_LT(frame_set::parse(long_term).error().message.size(), 200U);
}

TEST(frame_set, range_checks_its_bounds) {
  EXPECT_EQ(frame_set::range(1, 10)->size(), 10U);
  EXPECT_EQ(frame_set::range(0, max_frame)->size(), 1'048'575U);
  EXPECT_EQ(frame_set::range(1, 10, 3)->back(), 10);
  EXPECT_EQ(frame_set::range(0, max_frame, 2'147'483'647)->size(), 1U);
  EXPECT_FALSE(frame_set::range(-1, 3));
  EXPECT_FALSE(frame_set::range(0, max_frame + 1));
  EXPECT_FALSE(frame_set::range(4, 3));
  EXPECT_FALSE(frame_set::range(1, 3, 0));
}

TEST(frame_set, formats_the_shortest_usual_writing) {
  EXPECT_EQ(format_frame_set(*frame_set::parse("1,2,3,5,7,9,20,21")), "1-3,5-9x2,20,21");
  EXPECT_EQ(format_frame_set(*frame_set::parse("4")), "4");
  EXPECT_EQ(format_frame_set(frame_set{}), "");
}

TEST(frame_set, what_it_formats_it_parses) {
  std::mt19937 random{7};
  for (int round = 0; round < 500; ++round) {
    std::vector<int> frames;
    const auto count = 1 + random() % 30;
    for (std::size_t i = 0; i < count; ++i)
      frames.push_back(static_cast<int>(random() % 60));
    const auto set = frame_set::of(frames);
    EXPECT_EQ(*frame_set::parse(format_frame_set(set)), set) << format_frame_set(set);
  }
}

TEST(frame_set, equal_sets_are_equal_however_they_were_made) {
  EXPECT_EQ(*frame_set::range(1, 5), *frame_set::parse("4,1-3,5,2-4"));
  EXPECT_EQ(*frame_set::range(1, 5), frame_set::of({5, 4, 3, 2, 1, 1}));
  EXPECT_NE(*frame_set::range(1, 5), *frame_set::range(1, 6));
  EXPECT_EQ(frame_set::of({}), frame_set{});
}

TEST(frame_set, contains_only_its_frames) {
  for (const auto& set : {*frame_set::parse("1-5,9,11-12"), *frame_set::parse("0-20x3"), frame_set{}})
    for (int frame = -2; frame < 25; ++frame)
      EXPECT_EQ(set.contains(frame), std::find(set.begin(), set.end(), frame) != set.end()) << frame;
  const auto set = *frame_set::parse("1-9x2");
  EXPECT_TRUE(set.contains(3));
  EXPECT_FALSE(set.contains(4));
  EXPECT_FALSE(set.contains(-1));
}

TEST(frame_set, add_keeps_it_sorted_and_joined) {
  frame_set set;
  for (const int frame : {5, 7, 6, 6, 1, 0, 9, 8, 3, 1048574})
    set.add(frame);
  EXPECT_EQ(set, *frame_set::parse("0-1,3,5-9,1048574"));
  EXPECT_EQ(set.size(), 9U);
}

TEST(frame_set, without) {
  const auto set = [](std::string_view text) { return text.empty() ? frame_set{} : *frame_set::parse(text); };
  for (const auto& [from, other, left] :
       std::vector<std::array<const char*, 3>>{{"1-10", "", "1-10"},
                                               {"1-10", "1-10", ""},
                                               {"1-10", "3-4,8", "1-2,5-7,9-10"},
                                               {"1-10", "0-1,10-20", "2-9"},
                                               {"1-3,7-9", "2-8", "1,9"},
                                               {"1-3,7-9", "20", "1-3,7-9"},
                                               {"", "1-5", ""},
                                               {"1-20x2", "1-20x4", "3-19x4"}})
    EXPECT_EQ(set(from).without(set(other)), set(left)) << from << " without " << other;
}

TEST(frame_set, progressions_say_the_same_in_few_words) {
  const auto all = frame_set::parse("1-5,10-20x5,22,30-31")->progressions();
  std::string text;
  for (const auto& [first, last, step] : all)
    text += std::to_string(first) + '-' + std::to_string(last) + 'x' + std::to_string(step) + ' ';
  EXPECT_EQ(text, "1-5x1 10-20x5 22-22x1 30-30x1 31-31x1 ");
  EXPECT_EQ(frame_set::range(0, 1048574)->progressions().size(), 1U);
  EXPECT_EQ(frame_set::parse("1,3,4,9")->progressions(2).size(), 2U);
  EXPECT_TRUE(frame_set{}.progressions().empty());
}

} // namespace
} // namespace kiln::domain
