// SPDX-License-Identifier: Apache-2.0
#include "blender/progress_reader.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace kiln::blender {
namespace {

/// Fractions after each line, -1 where a line says nothing.
std::vector<double> fractions(progress_reader& reader, std::initializer_list<const char*> lines) {
  std::vector<double> found;
  for (const char* line : lines) {
    const auto progress = reader.feed(line);
    found.push_back(progress ? progress->fraction.value_or(-1) : -1);
  }
  return found;
}

TEST(progress_reader, what_comes_after_the_samples_takes_nothing_back) {
  progress_reader reader;
  EXPECT_EQ(fractions(reader, {"Fra:1 | Sample 0/4", "Fra:1 | Sample 4/4", "Fra:1 | Finished",
                               "Fra:1 | Compositing | Tile 1-1", "Fra:1 | Sample 0/4", "Fra:2 | Syncing"}),
            (std::vector<double>{0, 1, 1, 1, 1, -1}));
}

TEST(progress_reader, layers_and_eyes_that_the_scene_names) {
  progress_reader reader;
  reader.expect_passes(2);
  EXPECT_EQ(fractions(reader, {"Fra:1 | Sample 2/4", "Fra:1 | Sample 4/4", "Fra:1 | Finished",
                               "Fra:1 | Synchronizing object | Cube", "Fra:1 | Sample 0/4",
                               "Fra:1 | Sample 1/4", "Fra:1 | Sample 4/4"}),
            (std::vector<double>{.25, .5, .5, .5, .5, .625, 1}));
}

TEST(progress_reader, passes_that_no_report_names_are_learnt_from_the_frame_before) {
  progress_reader reader;
  // EEVEE prints no "Finished": samples count from the beginning again.
  EXPECT_EQ(fractions(reader, {"Fra:1 | Rendering 4 / 8 samples", "Fra:1 | Rendering 8 / 8 samples",
                               "Fra:1 | Rendering 1 / 8 samples", "Fra:1 | Rendering 8 / 8 samples"}),
            (std::vector<double>{.5, 1, 1, 1}))
      << "never back";
  EXPECT_EQ(fractions(reader, {"Fra:2 | Rendering 8 / 8 samples", "Fra:2 | Rendering 4 / 8 samples"}),
            (std::vector<double>{.5, .75}));
  const auto last = reader.feed("Fra:2 | Rendering 6 / 8 samples");
  EXPECT_EQ(last->pass, 1);
  EXPECT_EQ(last->passes, 2);
  EXPECT_EQ(last->pass_fraction, .75);
}

TEST(progress_reader, several_tiles_are_no_even_pace) {
  progress_reader reader;
  EXPECT_TRUE(reader.feed("Fra:1 | Rendered 0/4 Tiles, Sample 8/16")->by_tiles);
  EXPECT_FALSE(reader.feed("Fra:2 | Rendered 0/1 Tiles, Sample 8/16")->by_tiles);
  EXPECT_FALSE(reader.feed("Fra:3 | Sample 8/16")->by_tiles);
}

TEST(progress_reader, samples_of_tiles_go_back_and_progress_does_not) {
  progress_reader reader;
  const auto found =
      fractions(reader, {"Fra:1 | Rendered 0/4 Tiles, Sample 8/16", "Fra:1 | Rendered 0/4 Tiles, Sample 2/16",
                         "Fra:1 | Rendered 1/4 Tiles", "Fra:1 | Rendered 3/4 Tiles, Sample 16/16",
                         "Fra:1 | Rendered 3/4 Tiles, Sample 4/16", "Fra:1 | Rendered 4/4 Tiles"});
  EXPECT_EQ(found, (std::vector<double>{.125, .125, .25, .75, .8125, 1}));
}

TEST(progress_reader, times_that_blender_states) {
  struct row {
    const char* line;
    std::optional<double> remaining, spent;
  };
  for (const auto& [line, remaining, spent] :
       {row{"Fra:1 Mem:8M | Time:00:22.50 | Remaining:00:22.26 | Mem:2M | Sample 513/1024", 22.26, 22.5},
        row{"00:01.733  render | Fra: 1 | Remaining: 01:17.73 | Mem: 1M | Sample 1/1024", 77.73, {}},
        row{"Fra:1 Mem:8M | Time:01:00:22.50 | Remaining:02:00:01.00 | Sample 5/10", 7201.0, 3622.5},
        row{"Fra:1 | Remaining:-00:01.00 | Sample 5/10", {}, {}},
        row{"Fra:1 | Remaining:inf | Sample 5/10", {}, {}},
        row{"Fra:1 | Remaining:00:nan | Sample 5/10", {}, {}},
        row{"Fra:1 | Remaining:12 | Sample 5/10", {}, {}},
        row{"Fra:1 | Remaining:1:2:3:4 | Sample 5/10", {}, {}},
        row{"Fra:1 | Remaining:99999999999999999999:00 | Sample 5/10", {}, {}},
        row{"Fra:1 | Remaining:00:22,26 | Sample 5/10", 22.0, {}}}) {
    progress_reader reader;
    const auto found = reader.feed(line);
    ASSERT_TRUE(found) << line;
    EXPECT_EQ(found->remaining, remaining) << line;
    EXPECT_EQ(found->spent, spent) << line;
  }
}

TEST(progress_reader, names_of_objects_are_no_samples) {
  progress_reader reader;
  EXPECT_FALSE(reader.feed("Fra:1 | Scene, ViewLayer | Synchronizing object | Sample 9/10")->fraction);
}

TEST(progress_reader, any_lines_keep_it_between_0_and_1_and_rising_within_a_frame) {
  const char* lines[] = {"Fra:1 | Sample 0/0",
                         "Fra:1 | Sample 5/5",
                         "Sample 1/1000000000",
                         "Fra:1 | Finished",
                         "Sample 1/5",
                         "Sample 3/5",
                         "Fra:1 | Rendered 2/5 Tiles",
                         "Rendered 1/5 Tiles, Sample 4/8",
                         "Rendering 1 / 8 samples",
                         "Finished",
                         "Fra:1 | Sample 2/8Fra:1 | Sample 1/8",
                         "Tile 1/16, Sample 10/10"};
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    progress_reader reader;
    reader.expect_passes(static_cast<int>(random() % 5) - 1);
    double before = 0;
    for (int i = 0; i < 60; ++i) {
      const auto progress = reader.feed(lines[random() % std::size(lines)]);
      if (!progress || !progress->fraction)
        continue;
      ASSERT_GE(*progress->fraction, before);
      ASSERT_LE(*progress->fraction, 1);
      ASSERT_LT(progress->pass, progress->passes);
      before = *progress->fraction;
    }
  }
}

} // namespace
} // namespace kiln::blender
