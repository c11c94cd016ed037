// SPDX-License-Identifier: Apache-2.0
#include "preview/video.hpp"

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace kiln::preview {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using words = std::vector<std::string>;

constexpr std::string_view some_id = "v0123456789abcdef01234567";

video some_video() {
  return {.id = std::string{some_id},
          .settings = {.codec = "vp9", .fps = 12.5, .size = 640, .holds_gaps = true, .exposure = -1.5},
          .frames = 7,
          .state = "failed",
          .frames_done = 3,
          .width = 640,
          .height = 360,
          .has_alpha = true,
          .failure = video_failure{"encoder_killed", "ffmpeg died of SIGKILL"}};
}

std::string text_of(const video& of) {
  return boost::json::serialize(format_video(of));
}

/// The word behind an option; "" if it is not there.
std::string value_of(const words& all, std::string_view option) {
  const auto at = std::ranges::find(all, option);
  return at == all.end() || at + 1 == all.end() ? std::string{} : *(at + 1);
}

words arguments_of(std::string_view codec, std::string_view encoder, bool has_alpha = false) {
  video of;
  of.settings.codec = codec;
  of.width = 64;
  of.height = 48;
  of.has_alpha = has_alpha;
  return encoding_arguments(of, encoder, "/frames/a b; rm -rf $HOME/video.mp4");
}

TEST(video, is_read_as_it_was_written) {
  const auto read = parse_video(text_of(some_video()));
  ASSERT_TRUE(read);
  EXPECT_EQ(text_of(*read), text_of(some_video()));
  EXPECT_EQ(read->failure->kind, "encoder_killed");
  auto without = some_video();
  without.settings.size.reset();
  without.failure.reset();
  const auto again = parse_video(text_of(without));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->settings.size);
  EXPECT_FALSE(again->failure);
}

TEST(video, of_text_that_is_none_is_none) {
  const auto whole = text_of(some_video());
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
    EXPECT_FALSE(parse_video(std::string_view{whole}.substr(0, bytes))) << bytes;
  for (const auto* text :
       {"", "null", "[]", "{}", "7", "\xff\xfe", R"({"id":7,"codec":"h264"})",
        R"({"id":"../../etc/passwd","codec":"h264"})", R"({"id":"v0123456789abcdef01234567"})",
        R"({"id":"v0123456789abcdef01234567","codec":"h264;rm"})",
        R"({"id":"v0123456789abcdef01234567","codec":["h264"]})"})
    EXPECT_FALSE(parse_video(text)) << text;
  EXPECT_FALSE(parse_video(std::string(100'000, '[')));
}

TEST(video, members_of_another_kind_count_as_missing) {
  const auto read = parse_video(
      R"({"id":"v0123456789abcdef01234567","codec":"av1","fps":"24","size":"640","gaps":7,"exposure":null,
    "frames":[1,2],"width":true,"height":{},"alpha":1,"failure":"no","state":[]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->settings.fps, 0);
  EXPECT_FALSE(read->settings.size);
  EXPECT_FALSE(read->settings.holds_gaps);
  EXPECT_EQ(read->frames, 0U);
  EXPECT_EQ(read->width, 0);
  EXPECT_FALSE(read->has_alpha);
  EXPECT_FALSE(read->failure);
}

TEST(video, numbers_without_measure_are_not_believed) {
  for (const auto* number : {"1e300", "-1e300", "-1", "9223372036854775808", "18446744073709551615"}) {
    const auto text = std::string{R"({"id":"v0123456789abcdef01234567","codec":"h264","size":)"} + number +
                      R"(,"frames":{"total":)" + number + R"(,"done":)" + number + R"(},"width":)" + number +
                      R"(,"height":)" + number + "}";
    const auto read = parse_video(text);
    ASSERT_TRUE(read) << number;
    EXPECT_FALSE(read->settings.size) << number;
    EXPECT_EQ(read->width, 0) << number;
    EXPECT_EQ(read->height, 0) << number;
    EXPECT_EQ(read->frames, 0U) << number;
    EXPECT_EQ(read->frames_done, 0U) << number;
  }
}

TEST(video, a_failure_with_any_bytes_is_shown_as_text) {
  auto of = some_video();
  of.failure->message = "bad \xff\xc3 \x01 \"quoted\"";
  const auto read = parse_video(text_of(of));
  ASSERT_TRUE(read && read->failure);
  EXPECT_THAT(read->failure->message, HasSubstr("\"quoted\""));
  EXPECT_THAT(read->failure->message, Not(HasSubstr("\xff")));
}

TEST(video_id, is_that_of_settings_and_frames) {
  const video_settings settings;
  const auto id = video_id(settings, {"1", "2"});
  EXPECT_TRUE(is_video_id(id)) << id;
  EXPECT_EQ(id, video_id({}, {"1", "2"}));
  for (const words& marks : {words{"1"}, words{"2", "1"}, words{"12"}, words{"1", "2", ""}, words{}})
    EXPECT_NE(id, video_id(settings, marks));
  auto other = settings;
  other.exposure = 1;
  EXPECT_NE(id, video_id(other, {"1", "2"}));
  other = settings;
  other.fps = 24.001;
  EXPECT_NE(id, video_id(other, {"1", "2"}));
}

TEST(video_id, is_nothing_else) {
  for (const auto* text :
       {"", "v", "v0123456789abcdef0123456", "v0123456789abcdef012345678", "v0123456789ABCDEF01234567",
        "x0123456789abcdef01234567", "v0123456789abcdef0123456/", "v../../../../../../../etc",
        "v0123456789abcdef0123456\n"})
    EXPECT_FALSE(is_video_id(text)) << text;
  EXPECT_FALSE(is_video_id(std::string_view{"v0123456789abcdef\0"
                                            "1234567",
                                            25}));
  EXPECT_TRUE(is_video_id(some_id));
}

struct size_case {
  int width, height;
  std::optional<int> wanted;
  int becomes_width, becomes_height;
};

TEST(size_of_a_video, is_even_and_within_bounds) {
  for (const auto& [width, height, wanted, becomes_width, becomes_height] : std::initializer_list<size_case>{
           {1920, 1080, std::nullopt, 1920, 1080},
           {1921, 1081, std::nullopt, 1920, 1080},
           {1920, 1080, 1280, 1280, 720},
           {1080, 1920, 1280, 720, 1280},
           {64, 48, 4096, 64, 48}, // not enlarged
           {32'000, 16'000, std::nullopt, 4096, 2048},
           {32'000, 1, std::nullopt, 4096, 2},
           {1, 32'000, 16, 2, 16},
           {1, 1, std::nullopt, 2, 2},
           {std::numeric_limits<int>::max(), std::numeric_limits<int>::max(), std::nullopt, 4096, 4096},
       }) {
    video of;
    of.settings.size = wanted;
    set_size(of, width, height);
    EXPECT_EQ(of.width, becomes_width) << width << "x" << height;
    EXPECT_EQ(of.height, becomes_height) << width << "x" << height;
  }
}

constexpr std::string_view listed = " V....D libx264              libx264 H.264 (codec h264)\n"
                                    " V....D libx264rgb           libx264 H.264 RGB (codec h264)\n"
                                    " V....D libsvtav1            SVT-AV1 (codec av1)\n"
                                    " V....D librav1e             librav1e AV1 (codec av1)\n";

TEST(encoder, is_the_best_that_is_listed) {
  EXPECT_EQ(choose_encoder("h264", listed), "libx264");
  EXPECT_EQ(choose_encoder("av1", listed), "libsvtav1");
  EXPECT_EQ(choose_encoder("vp9", listed), std::nullopt);
  EXPECT_EQ(choose_encoder("", listed), std::nullopt);
  EXPECT_EQ(choose_encoder("h264", " V....D libx264rgb  RGB"), std::nullopt) << "a part of another name";
  EXPECT_EQ(choose_encoder("h264", ""), std::nullopt);
  EXPECT_EQ(encoders_of("av1"), "libaom-av1, libsvtav1, librav1e");
  EXPECT_EQ(encoders_of("mpeg2"), "");
}

TEST(codec, is_one_of_three) {
  for (const auto* name : {"h264", "vp9", "av1"})
    EXPECT_TRUE(is_codec(name));
  for (const auto* name : {"", "H264", "h264 ", "libx264", "h264;rm", "copy"})
    EXPECT_FALSE(is_codec(name)) << name;
  EXPECT_EQ(extension_of("h264"), ".mp4");
  EXPECT_EQ(extension_of("vp9"), ".webm");
  EXPECT_EQ(extension_of("av1"), ".mp4");
}

TEST(arguments_of_ffmpeg, say_what_comes_and_what_goes) {
  const auto all = arguments_of("h264", "libx264");
  EXPECT_EQ(value_of(all, "-pixel_format"), "rgb24");
  EXPECT_EQ(value_of(all, "-video_size"), "64x48");
  EXPECT_EQ(value_of(all, "-framerate"), "24");
  EXPECT_EQ(value_of(all, "-i"), "pipe:0");
  EXPECT_EQ(value_of(all, "-c:v"), "libx264");
  EXPECT_EQ(value_of(all, "-crf"), "18");
  EXPECT_EQ(value_of(all, "-movflags"), "+faststart");
  EXPECT_EQ(value_of(all, "-color_primaries"), "bt709");
  EXPECT_THAT(value_of(all, "-vf"), HasSubstr("format=yuv420p"));
  EXPECT_THAT(all, Contains("-nostdin"));
  EXPECT_EQ(all.back(), "/frames/a b; rm -rf $HOME/video.mp4") << "one word, whatever is in it";
  EXPECT_EQ(std::ranges::count(all, "-i"), 1);
}

TEST(arguments_of_ffmpeg, of_alpha) {
  const auto all = arguments_of("vp9", "libvpx-vp9", true);
  EXPECT_EQ(value_of(all, "-pixel_format"), "rgba");
  EXPECT_EQ(value_of(all, "-auto-alt-ref"), "0");
  EXPECT_THAT(value_of(all, "-vf"), HasSubstr("format=yuva420p"));
  EXPECT_THAT(all, Contains("webm"));
  EXPECT_THAT(all, Not(Contains("-movflags")));
  EXPECT_THAT(arguments_of("vp9", "libvpx-vp9"), Not(Contains("-auto-alt-ref")));
}

TEST(arguments_of_ffmpeg, keep_the_frames_per_second_apart) {
  video of;
  of.settings.fps = 30 / 1.001;
  EXPECT_EQ(value_of(encoding_arguments(of, "libx264", "x"), "-framerate"), "29.97002997");
  of.settings.fps = 0.1;
  EXPECT_EQ(value_of(encoding_arguments(of, "libx264", "x"), "-framerate"), "0.1");
}

TEST(arguments_of_ffprobe, end_with_the_file) {
  const auto all = counting_arguments("-v quiet");
  EXPECT_THAT(all, Contains("-count_frames"));
  EXPECT_EQ(all.back(), "-v quiet");
}

TEST(last_line, is_what_a_program_said_last) {
  EXPECT_EQ(last_line(""), "");
  EXPECT_EQ(last_line("\n\r\n  \n"), "");
  EXPECT_EQ(last_line("first\nsecond"), "second");
  EXPECT_EQ(last_line("first\nsecond\r\n \n"), "second");
  EXPECT_EQ(last_line(std::string(1'000'000, 'x')), std::string(300, 'x'));
  EXPECT_EQ(last_line(std::string(299, 'x') + "é and more"), std::string(299, 'x'))
      << "no half of a character";
  EXPECT_THAT(last_line("bad \xff byte"), Not(HasSubstr("\xff")));
  const std::string with_zero{"a\0b\n", 4};
  EXPECT_EQ(last_line(with_zero).size(), 3U);
}

} // namespace
} // namespace kiln::preview
