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
        // 2.83 names no samples while it has several tiles
        progress_row{"Fra:1 Mem:9.73M (0.00M, Peak 10.02M) | Time:00:46.64 | Remaining:00:19.56 | Mem:2.25M, "
                     "Peak:2.43M | Main, View Layer | Rendered 3/8 Tiles",
                     1, 3.0 / 8},
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
        // 4.3
        progress_row{
            "Fra:1 Mem:10.64M (Peak 10.64M) | Time:00:13.48 | Remaining:00:40.11 | Mem:0.56M, Peak:0.56M | "
            "Main, ViewLayer | Sample 257/1024",
            1, 257.0 / 1024},
        progress_row{"Fra:1 Mem:45.83M (Peak 45.83M) | Time:00:06.32 | Rendering 8 / 8 samples", 1, 1},
        // 5.0, 5.1, 5.2
        progress_row{"00:59.550  render           | Fra: 1 | Remaining: 00:57.66 | Mem: 1M | Sample 513/1024",
                     1, 513.0 / 1024},
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
  EXPECT_DOUBLE_EQ(progress.fraction.value_or(0), GetParam().fraction);
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
    EXPECT_FALSE(std::get<frame_progress>(*event).fraction) << line;
  }
}

struct complaint_row {
  const char* line;
  failure_kind kind;
};

class complaint_lines : public testing::TestWithParam<complaint_row> {};
INSTANTIATE_TEST_SUITE_P(
    versions, complaint_lines,
    testing::Values(
        complaint_row{"Error: Cannot render, no camera", failure_kind::no_camera},
        complaint_row{"00:00.891  reports          | ERROR Cannot render, no camera",
                      failure_kind::no_camera},
        complaint_row{"Error: engine not found 'NOPE'", failure_kind::engine_unavailable},
        complaint_row{"Error: Build without OpenImageDenoiser", failure_kind::denoiser_unavailable},
        complaint_row{"Error: Cannot read file '/x.blend': No such file or directory",
                      failure_kind::blend_unreadable},
        complaint_row{"Error: File format is not supported in file '/x.blend'",
                      failure_kind::blend_unreadable},
        complaint_row{"Couldn't open libEGL.so.1: libEGL.so.1: cannot open shared object file: No "
                      "such file or directory",
                      failure_kind::display_unavailable},
        complaint_row{"Couldn't open libGL.so.1 or libOpenGL.so.0", failure_kind::display_unavailable},
        complaint_row{"Unable to open a display", failure_kind::display_unavailable},
        complaint_row{"blender: ../src/dispatch_common.c:872: epoxy_get_proc_address: Assertion `0 && "
                      "\"Couldn't find current GLX or EGL context.\\n\"' failed.",
                      failure_kind::display_unavailable},
        complaint_row{"EGL Error (0x300C): EGL_BAD_PARAMETER: One or more argument values are invalid.",
                      failure_kind::display_unavailable},
        complaint_row{"Error: Cannot read blend file '/x.blend', incomplete header, may be from a newer "
                      "version of Blender",
                      failure_kind::blend_unreadable},
        complaint_row{"Error: The file was saved by a newer version, open it with Blender 4.4 (sub 1) or "
                      "later",
                      failure_kind::blend_unreadable},
        complaint_row{"Error: File written by newer Blender binary (304.3), expect loss of data!",
                      failure_kind::blend_unreadable},
        complaint_row{"Warning: File written by newer Blender binary (404.1), expect loss of data!",
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

TEST(log_reader, what_blender_prints_on_a_machine_that_draws_is_no_complaint) {
  for (const char* line : {"EGL Error (0x3009): EGL_BAD_MATCH: Arguments are inconsistent (for example, a "
                           "valid context requires buffers "
                           "not supplied by a valid surface).",
                           "EGL Error (0x3001): EGL_NOT_INITIALIZED: EGL is not initialized, or could not be "
                           "initialized, for the "
                           "specified EGL display connection.",
                           "Managed to successfully fallback to surfaceless EGL rendering!"})
    EXPECT_FALSE(read(line)) << line;
}

std::optional<std::string> addon_in(std::initializer_list<const char*> lines) {
  log_reader reader;
  std::optional<std::string> found;
  for (const char* line : lines)
    if (const auto event = reader.feed(line))
      found = std::get<addon_failure>(*event).what;
  return found;
}

// As 2.83 and 5.2 print them.
TEST(log_reader, an_addon_that_fails_as_blender_starts_is_named) {
  EXPECT_EQ(
      addon_in({"Traceback (most recent call last):",
                "  File \"/usr/share/blender/scripts/modules/addon_utils.py\", line 351, in enable",
                "    mod = __import__(module_name)",
                "  File \"/home/a/addons/broken_engine/__init__.py\", line 2, in <module>",
                "    import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"}),
      "the add-on broken_engine failed with ModuleNotFoundError: No module named 'nothing_like_this'");
  EXPECT_EQ(addon_in({"Traceback (most recent call last):",
                      "  File \"/usr/share/blender/scripts/modules/addon_utils.py\", line 544, in enable",
                      "    mod.register()", "    ~~~~~~~~~~~~^^",
                      "  File \"/home/a/addons/broken_reg.py\", line 3, in register",
                      "    raise RuntimeError(\"no licence\")", "RuntimeError: no licence"}),
            "the add-on broken_reg failed with RuntimeError: no licence");
  EXPECT_EQ(
      addon_in({"Traceback (most recent call last):",
                "  File \"/usr/share/blender/scripts/modules/addon_utils.py\", line 544, in enable",
                "  File \"/home/a/.config/blender/5.2/extensions/user_default/lux/core/__init__.py\", line 9",
                "ImportError: lux"}),
      "the add-on lux failed with ImportError: lux");
}

TEST(log_reader, other_tracebacks_name_no_addon) {
  EXPECT_FALSE(addon_in({"Traceback (most recent call last):", "  File \"/p/kiln_setup.py\", line 9, in main",
                         "KeyError: 'x'"}));
  EXPECT_FALSE(addon_in({"Traceback (most recent call last):", // of a handler, while it renders
                         "  File \"/home/a/addons/lux/__init__.py\", line 9, in on_frame", "KeyError: 'x'"}));
  EXPECT_FALSE(addon_in({"Traceback (most recent call last):",
                         "  File \"/usr/share/blender/scripts/modules/addon_utils.py\", line 351, in enable",
                         "KeyError: 'x'"}));
  EXPECT_FALSE(addon_in({"  File \"/home/a/addons/lux/__init__.py\"", "KeyError: 'x'"}));
  EXPECT_FALSE(addon_in({"Traceback (most recent call last):"}));
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
      ASSERT_GE(progress->fraction.value_or(0), 0) << line;
      ASSERT_LE(progress->fraction.value_or(0), 1) << line;
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
    last = progress.fraction.value_or(0);
  }
  EXPECT_EQ(frames, (std::vector{1, 2}));
  EXPECT_EQ(last, 1) << "Finished names no samples, and takes nothing back";
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

TEST(log_reader, what_blender_replaces_is_a_warning) {
  log_reader reader;
  const auto event =
      reader.feed("Color management: scene \"Scene\" view \"AgX\" not found, setting default \"Standard\".");
  ASSERT_TRUE(event && std::holds_alternative<domain::warning>(*event));
  EXPECT_EQ(std::get<domain::warning>(*event).kind, "colour_management");
  EXPECT_FALSE(reader.feed("Color management: using fallback mode for management"));
  EXPECT_TRUE(std::holds_alternative<frame_progress>(
      *reader.feed("Fra:1 Mem:8M | Scene, Color management not found | Sample 1/2")));
}

} // namespace
} // namespace kiln::blender
