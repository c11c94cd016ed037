// SPDX-License-Identifier: Apache-2.0
// Each file that Blender writes is published, rejected, or left for a later look.
#include "executor/frame_intake.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <unistd.h>

namespace kiln::executor {
namespace {

namespace fs = std::filesystem;
using domain::failure_kind;

/// Gives the configured result for each image; corrupt for one whose first byte is '-'.
struct told_check final : image::image_check {
  aio::task<result<image::image_facts>> check(int file) override {
    ++asked;
    char first = 0;
    if (::pread(file, &first, 1, 0) == 1 && first == '-')
      co_return error{errc::corrupt, "it ends in the middle"};
    co_return says;
  }
  result<image::image_facts> says = image::image_facts{
      .format = "PNG", .width = 8, .height = 8, .channels = 4, .type = "uint8", .layers = {}};
  int asked = 0;
};

class frame_intake_test : public tests::loop_test {
protected:
  frame_intake_test() {
    for (const auto& directory : {dir_ / "work", dir_ / "taken", dir_ / "final"})
      fs::create_directory(directory);
    facts_.requested = *domain::frame_set::range(1, 3);
  }

  /// Writes such a file, and has it looked at.
  std::optional<published_frame> write(const std::string& name, const std::string& text = "image") {
    const auto file = dir_.write("work/" + name, text);
    std::optional<published_frame> news;
    run([&]() -> aio::task<> {
      auto path = file;
      news = co_await intake_.consider(std::move(path), aio::clock::now());
    });
    return news;
  }

  [[nodiscard]] std::string final_file(int frame) const {
    return dir_.read("final/blender-render_000" + std::to_string(frame) + ".png");
  }
  [[nodiscard]] bool is_left(const std::string& name) const { return fs::exists(dir_ / "work" / name); }

  tests::temp_directory dir_;
  told_check images_;
  domain::attempt_facts facts_;
  aio::blocking_pool pool_{1};
  frame_intake intake_{
      pool_, images_, {.final_dir = dir_ / "final", .taken = dir_ / "taken", .how = custody::moved}, facts_};
};

TEST_F(frame_intake_test, a_whole_frame_is_published_and_news_once) {
  const auto news = write("blender-render_0002.png", "one");
  ASSERT_TRUE(news);
  EXPECT_EQ(news->frame, 2);
  EXPECT_EQ(news->path, dir_ / "final" / "blender-render_0002.png");
  EXPECT_TRUE(facts_.published.contains(2));
  EXPECT_FALSE(is_left("blender-render_0002.png"));
  EXPECT_FALSE(write("blender-render_0002.png", "two")) << "it is known";
  EXPECT_EQ(final_file(2), "two") << "the newer one stands";
}

TEST_F(frame_intake_test, what_was_not_asked_for_is_left_alone) {
  for (const char* name : {"blender-render_0004.png", "blender-render_0000.png", "blender-render_2.png",
                           "blender-render_00002.png", "blender-render_0002.gif", "other_0002.png"}) {
    EXPECT_FALSE(write(name)) << name;
    EXPECT_TRUE(is_left(name)) << name;
  }
  EXPECT_EQ(images_.asked, 0);
  EXPECT_TRUE(facts_.published.empty() && facts_.rejected.empty() && facts_.complaints.empty());
}

TEST_F(frame_intake_test, one_that_is_not_whole_is_rejected_until_it_is) {
  images_.says = error{errc::corrupt, "PNG: it ends in the middle"};
  EXPECT_FALSE(write("blender-render_0003.png"));
  EXPECT_FALSE(write("blender-render_0001.png"));
  EXPECT_FALSE(write("blender-render_0001.png", "")) << "a placeholder";
  ASSERT_EQ(facts_.rejected.size(), 2U);
  EXPECT_EQ(facts_.rejected[0].frame, 1) << "in the order of the frames, each once";
  EXPECT_EQ(facts_.rejected[0].why, "the file is empty") << "as it was last seen";
  EXPECT_EQ(facts_.rejected[1].why, "PNG: it ends in the middle");
  EXPECT_TRUE(facts_.complaints.empty());
  images_.says = told_check{}.says;
  EXPECT_TRUE(write("blender-render_0001.png"));
  ASSERT_EQ(facts_.rejected.size(), 1U);
  EXPECT_EQ(facts_.rejected[0].frame, 3);
  EXPECT_TRUE(fs::is_empty(dir_ / "taken"));
}

TEST_F(frame_intake_test, further_files_of_a_frame_are_published_with_it) {
  dir_.write("work/Out--depth_0002.exr", "depth");
  dir_.write("work/Out--beauty_0002_L.png", "left eye");
  dir_.write("work/Out--beauty_0003.png", "of another frame");
  dir_.write("work/Out_beauty_0002.png", "no such name");
  EXPECT_FALSE(write("Out--beauty_0002.png", "beauty")) << "they wait for their frame";
  EXPECT_TRUE(fs::is_empty(dir_ / "final"));
  const auto news = write("blender-render_0002.png", "frame");
  ASSERT_TRUE(news);
  EXPECT_EQ(news->bytes, std::string{"depthleft eyebeautyframe"}.size()) << "of all of them";
  EXPECT_EQ(images_.asked, 4);
  EXPECT_EQ(dir_.read("final/Out--depth_0002.exr"), "depth");
  EXPECT_EQ(dir_.read("final/Out--beauty_0002_L.png"), "left eye");
  EXPECT_EQ(dir_.read("final/Out--beauty_0002.png"), "beauty");
  EXPECT_FALSE(fs::exists(dir_ / "final/Out--beauty_0003.png"));
  EXPECT_TRUE(is_left("Out--beauty_0003.png") && is_left("Out_beauty_0002.png"));
  EXPECT_TRUE(fs::is_empty(dir_ / "taken"));
}

TEST_F(frame_intake_test, a_frame_waits_for_all_of_its_further_files) {
  dir_.write("work/A--whole_0001.png", "whole");
  dir_.write("work/B--half_0001.png", "-half");
  EXPECT_FALSE(write("blender-render_0001.png", "frame"));
  EXPECT_TRUE(fs::is_empty(dir_ / "final")) << "neither it nor the whole one";
  ASSERT_EQ(facts_.rejected.size(), 1U);
  EXPECT_EQ(facts_.rejected[0].why, "B--half_0001.png: it ends in the middle");
  put_back(dir_ / "taken", dir_ / "work"); // the last look, at the end of the attempt
  const auto again = [this]() -> aio::task<> {
    auto path = dir_ / "work" / "blender-render_0001.png";
    const auto news = co_await intake_.consider(std::move(path), aio::clock::now());
    EXPECT_EQ(news.has_value(), facts_.rejected.empty());
  };
  run(again);
  EXPECT_EQ(facts_.rejected.size(), 1U) << "it is still not whole";
  put_back(dir_ / "taken", dir_ / "work");
  dir_.write("work/B--half_0001.png", "now whole");
  run(again);
  EXPECT_TRUE(facts_.rejected.empty());
  for (const char* name : {"A--whole_0001.png", "B--half_0001.png", "blender-render_0001.png"})
    EXPECT_TRUE(fs::exists(dir_ / "final" / name)) << name;
}

TEST_F(frame_intake_test, a_further_file_that_is_a_link_or_a_directory_costs_the_frame) {
  fs::create_symlink("/etc/hostname", dir_ / "work" / "A--link_0001.png");
  fs::create_directory(dir_ / "work" / "A--directory_0002.png");
  EXPECT_FALSE(write("blender-render_0001.png"));
  EXPECT_FALSE(write("blender-render_0002.png"));
  EXPECT_EQ(facts_.rejected.size(), 2U);
  EXPECT_TRUE(fs::is_empty(dir_ / "final"));
}

TEST_F(frame_intake_test, more_further_files_than_any_scene_has_cost_the_frame) {
  for (int number = 0; number <= 256; ++number)
    dir_.write("work/A--" + std::to_string(number) + "_0001.png", "x");
  EXPECT_FALSE(write("blender-render_0001.png"));
  ASSERT_EQ(facts_.rejected.size(), 1U);
  EXPECT_NE(facts_.rejected[0].why.find("more than 256"), std::string::npos);
  EXPECT_EQ(images_.asked, 1);
}

TEST_F(frame_intake_test, a_file_that_is_larger_than_its_pixels_can_need_is_rejected) {
  const auto file = dir_.write("work/blender-render_0001.png", "x");
  fs::resize_file(file, std::uintmax_t{1} << 40);
  std::optional<published_frame> news;
  run([&]() -> aio::task<> {
    auto path = file;
    news = co_await intake_.consider(std::move(path), aio::clock::now());
  });
  EXPECT_FALSE(news);
  ASSERT_EQ(facts_.rejected.size(), 1U);
  EXPECT_NE(facts_.rejected[0].why.find("more bytes than its pixels"), std::string::npos);
}

TEST_F(frame_intake_test, when_nothing_can_be_said_of_an_image_it_stays) {
  images_.says = error{errc::unavailable, "kiln-image does not start"};
  EXPECT_FALSE(write("blender-render_0001.png"));
  ASSERT_EQ(facts_.complaints.size(), 1U);
  EXPECT_EQ(facts_.complaints[0].kind, failure_kind::internal);
  EXPECT_NE(facts_.complaints[0].message.find("kiln-image does not start"), std::string::npos);
  EXPECT_FALSE(fs::is_empty(dir_ / "taken")) << "another look finds it";
}

TEST_F(frame_intake_test, a_final_path_that_cannot_be_written_is_a_complaint_with_its_frame) {
  fs::remove(dir_ / "final");
  EXPECT_FALSE(write("blender-render_0002.png"));
  ASSERT_EQ(facts_.complaints.size(), 1U);
  EXPECT_EQ(facts_.complaints[0].frame, 2);
  EXPECT_TRUE(facts_.published.empty());
}

TEST_F(frame_intake_test, a_file_that_is_gone_is_no_news) {
  std::optional<published_frame> news;
  run([&]() -> aio::task<> {
    auto path = dir_ / "work" / "blender-render_0001.png";
    news = co_await intake_.consider(std::move(path), aio::clock::now());
  });
  EXPECT_FALSE(news);
  EXPECT_TRUE(facts_.rejected.empty() && facts_.complaints.empty());
}

TEST_F(frame_intake_test, a_directory_and_a_link_are_rejected) {
  fs::create_directory(dir_ / "work" / "blender-render_0001.png");
  fs::create_symlink("/etc/hostname", dir_ / "work" / "blender-render_0002.png");
  run([&]() -> aio::task<> {
    for (const char* name : {"blender-render_0001.png", "blender-render_0002.png"}) {
      auto path = dir_ / "work" / name;
      const auto news = co_await intake_.consider(std::move(path), aio::clock::now());
      EXPECT_FALSE(news) << name;
    }
  });
  EXPECT_EQ(facts_.rejected.size(), 2U);
  EXPECT_EQ(images_.asked, 0);
  EXPECT_TRUE(fs::is_empty(dir_ / "final"));
}

} // namespace
} // namespace kiln::executor
