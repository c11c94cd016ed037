// SPDX-License-Identifier: Apache-2.0
#include "blender/line_splitter.hpp"
#include "blender/log_reader.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace kiln::blender {
namespace {

using domain::failure_kind;

std::optional<log_event> read(std::string_view line) {
  return log_reader{}.feed(line);
}

struct progress_row {
  const char* line;
  int frame;
  double fraction;
};

class progress_lines : public testing::TestWithParam<progress_row> {};
INSTANTIATE_TEST_SUITE_P(
    versions, progress_lines,
    testing::Values(
        // 2.7, 2.8
        progress_row{
            "Fra:125 Mem:12.37M (0.00M, Peak 14.83M) | Time:00:00.13 | Remaining:00:00.14 | Mem:0.71M, "
            "Peak:1.20M | Background Lines, RenderLayer | Path Tracing Tile 1/16, Sample 10/10",
            125, 1.0 / 16},
        progress_row{"Fra:125 Mem:12.37M | Path Tracing Tile 9/16, Sample 5/10", 125, 8.5 / 16},
        // 2.8, 2.9
        progress_row{"Fra:7 Mem:1M | Time:00:01.00 | Scene, View Layer | Rendered 0/6 Tiles, Sample 94/512",
                     7, 94.0 / 512 / 6},
        progress_row{"Fra:7 Mem:1M | Time:00:01.00 | Scene, View Layer | Rendered 6/6 Tiles, Sample 512/512",
                     7, 1},
        // 3.4
        progress_row{
            "Fra:1 Mem:10.57M (Peak 10.83M) | Time:00:00.09 | Remaining:00:00.16 | Mem:1.42M, Peak:1.42M | "
            "Scene, ViewLayer | Sample 1/16",
            1, 1.0 / 16},
        progress_row{"Fra:1 Mem:11.03M (Peak 12.15M) | Time:00:07.31 | Rendering 26 / 64 samples", 1,
                     26.0 / 64},
        progress_row{"Fra:1 Mem:10.57M | Time:00:00.09 | Scene, ViewLayer | Sample 0/16", 1, 0},
        progress_row{"Fra:1 Mem:10.57M | Time:00:00.09 | Compositing | Tile 1-1", 1, 0},
        progress_row{"Fra:1 Mem:10.57M | Time:00:00.01 | Syncing Suzanne", 1, 0},
        // 5.0, 5.1
        progress_row{"00:04.230  render           | Fra: 1 | Remaining: 01:43.73 | Mem: 1699M | Sample 1/128",
                     1, 1.0 / 128},
        progress_row{"00:00.985  render           | Fra: 1 | Rendering 1 / 8 samples", 1, 1.0 / 8},
        progress_row{"00:01:02.140  render           | Fra: 12 | Mem: 1699M | Finished", 12, 0},
        progress_row{"00:00.100  render           | Rendering frame 3", 3, 0},
        progress_row{"odd text glued in front Fra:5 Mem:1M | Sample 2/4", 5, .5}));

TEST_P(progress_lines, are_read) {
  const auto event = read(GetParam().line);
  ASSERT_TRUE(event);
  const auto& progress = std::get<frame_progress>(*event);
  EXPECT_EQ(progress.frame, GetParam().frame);
  EXPECT_DOUBLE_EQ(progress.fraction, GetParam().fraction);
}

TEST(log_reader, the_frame_is_remembered_for_lines_that_do_not_name_it) {
  log_reader reader;
  EXPECT_FALSE(reader.feed("Sample 1/2")) << "of which frame?";
  (void)reader.feed("00:00.100  render | Rendering frame 3");
  EXPECT_EQ(std::get<frame_progress>(*reader.feed("00:00.100  render | Sample 1/2")).frame, 3);
}

TEST(log_reader, other_lines_say_nothing) {
  for (const char* line :
       {"", " ", "Blender 3.4.1", "Read blend: /p/a.blend", "Saved: '/p/f_0001.png'",
        "Saved: /p/Image0001.png", " Time: 00:00.36 (Saving: 00:00.16)", "Time: 00:00.49 (Saving: 00:00.05)",
        "00:00.090  render           | Rendering animation (frames 1..3)",
        "00:00.490  render           | Time: 00:00.49 (Saving: 00:00.05)",
        "Error: Not freed memory blocks: 2", "Blender quit", "Fra:", "Fra:x", "Fra:-1 ",
        "Fra:99999999999999999999 ", "Fra:1048575 "})
    EXPECT_FALSE(read(line)) << line;
}

TEST(log_reader, nonsense_numbers_are_no_progress) {
  for (const char* line :
       {"Fra:1 | Sample 5/0", "Fra:1 | Sample 5/4", "Fra:1 | Sample -1/4", "Fra:1 | Sample 1/",
        "Fra:1 | Sample /4", "Fra:1 | Sample 99999999999999999999/4", "Fra:1 | Tile 0/4"}) {
    const auto event = read(line);
    ASSERT_TRUE(event) << line;
    EXPECT_EQ(std::get<frame_progress>(*event).fraction, 0) << line;
  }
}

struct complaint_row {
  const char* line;
  failure_kind kind;
};

class complaint_lines : public testing::TestWithParam<complaint_row> {};
INSTANTIATE_TEST_SUITE_P(
    versions, complaint_lines,
    testing::Values(complaint_row{"Error: Cannot render, no camera", failure_kind::no_camera},
                    complaint_row{"00:00.891  reports          | ERROR Cannot render, no camera",
                                  failure_kind::no_camera},
                    complaint_row{"Error: engine not found 'NOPE'", failure_kind::engine_unavailable},
                    complaint_row{"Error: Build without OpenImageDenoiser",
                                  failure_kind::denoiser_unavailable},
                    complaint_row{"Error: Cannot read file '/x.blend': No such file or directory",
                                  failure_kind::blend_unreadable},
                    complaint_row{"Error: File format is not supported in file '/x.blend'",
                                  failure_kind::blend_unreadable},
                    complaint_row{"Error: Failed to read blend file '/x.blend': Missing DNA block",
                                  failure_kind::blend_unreadable},
                    complaint_row{"imb_savepng: Cannot open file for writing: '/x/0001.png'",
                                  failure_kind::output_unwritable},
                    complaint_row{"Error: Render error (Invalid argument) cannot save: '/x/0001.png'",
                                  failure_kind::output_unwritable},
                    complaint_row{"/x/0001.png: No space left on device", failure_kind::disk_full},
                    complaint_row{"Error: Render error (No space left on device) cannot save: '/x/0001.png'",
                                  failure_kind::disk_full},
                    complaint_row{"OpenEXR-writePixels: ERROR: Failed to write pixel data to image file "
                                  "\"/x.exr\". No space left on device.",
                                  failure_kind::disk_full},
                    complaint_row{"Calloc returns null: len=12884901888 in imb_addrectfloatImBuf, total 112",
                                  failure_kind::out_of_memory},
                    complaint_row{"CUDA error: Out of memory in cuMemAlloc", failure_kind::out_of_memory},
                    complaint_row{"System is out of GPU and shared host memory", failure_kind::out_of_memory},
                    complaint_row{"Info: Cannot find lib '/p/lib.blend'", failure_kind::missing_files},
                    complaint_row{"Append frame 1", failure_kind::movie_output}));

TEST_P(complaint_lines, are_read) {
  const auto event = read(GetParam().line);
  ASSERT_TRUE(event);
  const auto& why = std::get<complaint>(*event).why;
  EXPECT_EQ(why.kind, GetParam().kind);
  EXPECT_NE(why.message.find(std::string_view{GetParam().line}.substr(0, 60)), std::string::npos)
      << why.message;
}

TEST(log_reader, names_of_objects_are_no_complaints) {
  const auto event = read("Fra:1 Mem:1M | Time:00:00.01 | Syncing Cannot render, no camera");
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::holds_alternative<frame_progress>(*event));
}

TEST(log_reader, what_it_quotes_is_short_and_printable) {
  const auto event = read("\x1b[31m\xff\xc3" + std::string(5000, 'x') + "\nCannot render, no camera");
  ASSERT_TRUE(event);
  const auto& message = std::get<complaint>(*event).why.message;
  EXPECT_LT(message.size(), 400U);
  for (const char c : message)
    EXPECT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c);
}

TEST(log_reader, any_bytes_may_come) {
  const std::string seed =
      "Fra:1 Mem | Rendered 3/6 Tiles, Sample 94/512 Tile 2/3 Rendering 2 / 4 samples no camera";
  std::mt19937 random{3};
  log_reader reader;
  for (int round = 0; round < 20'000; ++round) {
    auto line = seed;
    for (int i = 0; i < 5; ++i)
      line[random() % line.size()] = static_cast<char>(random());
    const auto event = reader.feed(line);
    if (const auto* progress = event ? std::get_if<frame_progress>(&*event) : nullptr) {
      ASSERT_GE(progress->fraction, 0) << line;
      ASSERT_LE(progress->fraction, 1) << line;
    }
  }
}

/// Logs of the Blender 3.4.1 of Debian 12, made by record_logs.
std::vector<log_event> events_of(const std::string& name) {
  std::ifstream in{KILN_LOGS "/" + name, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_FALSE(text.empty()) << name;
  std::vector<log_event> events;
  log_reader reader;
  line_splitter splitter;
  const auto on_line = [&](std::string_view line) {
    if (auto event = reader.feed(line))
      events.push_back(std::move(*event));
  };
  splitter.feed(text, on_line);
  splitter.finish(on_line);
  return events;
}

TEST(recorded_logs, a_good_render) {
  std::vector<int> frames;
  double last = 0;
  for (const auto& event : events_of("tiny.log")) {
    const auto& progress = std::get<frame_progress>(event); // and no complaint
    if (frames.empty() || frames.back() != progress.frame)
      frames.push_back(progress.frame);
    last = progress.fraction;
  }
  EXPECT_EQ(frames, (std::vector{1, 2}));
  EXPECT_EQ(last, 0) << "the last line of a frame names no samples";
}

TEST(recorded_logs, failures) {
  struct row {
    const char* log;
    failure_kind kind;
  };
  for (const auto& [log, kind] : {row{"no_camera.log", failure_kind::no_camera},
                                  row{"bad_engine.log", failure_kind::engine_unavailable},
                                  row{"denoiser.log", failure_kind::denoiser_unavailable},
                                  row{"missing_blend.log", failure_kind::blend_unreadable},
                                  row{"junk_blend.log", failure_kind::blend_unreadable},
                                  row{"truncated_blend.log", failure_kind::blend_unreadable},
                                  row{"unwritable.log", failure_kind::output_unwritable}}) {
    std::optional<failure_kind> first;
    for (const auto& event : events_of(log))
      if (const auto* why = std::get_if<complaint>(&event); why && !first)
        first = why->why.kind;
    EXPECT_EQ(first, kind) << log;
  }
}

} // namespace
} // namespace kiln::blender
