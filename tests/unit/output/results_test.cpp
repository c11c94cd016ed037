// SPDX-License-Identifier: Apache-2.0
#include "output/results.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::output {
namespace {

namespace fs = std::filesystem;

class results_test : public testing::Test {
protected:
  void add_frame(const std::string& name) const { add("out/" + id_.str() + "/" + name); }
  void add_log(int attempt) const { add("state/logs/" + id_.str() + "-" + std::to_string(attempt) + ".log"); }
  fs::path add(const std::string& name) const {
    fs::create_directories((dir_ / name).parent_path());
    return dir_.write(name, "image");
  }

  tests::temp_directory dir_;
  job_id id_ = *job_id::parse("j0123456789abcdefgh");
  fs::path final_dir_ = dir_ / "out" / id_.str();
};

TEST_F(results_test, only_names_of_frames_are_published_frames) {
  for (const auto* name : {"blender-render_0001.png", "blender-render_0002.exr", "blender-render_10000.png",
                           "blender-render_0003.png.part", "render_0004.png", "blender-render_0005",
                           "blender-render_-001.png", "blender-render_99999999999.png"})
    add_frame(name);
  EXPECT_EQ(published_frames(final_dir_), domain::frame_set::of({1, 2, 10000}));
  EXPECT_TRUE(published_frames(dir_ / "nowhere").empty());
}

TEST_F(results_test, a_frame_is_opened_in_whatever_format_it_is_and_never_through_a_link) {
  add_frame("blender-render_0001.exr");
  const auto found = open_frame(final_dir_, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "blender-render_0001.exr");
  EXPECT_EQ(found->size, 5U);
  EXPECT_EQ(open_frame(final_dir_, 2).error().code, errc::not_found);

  const auto secret = dir_.write("secret", "secret");
  fs::create_symlink(secret, final_dir_ / "blender-render_0003.png");
  ASSERT_EQ(::mkfifo((final_dir_ / "blender-render_0004.png").c_str(), 0600), 0);
  fs::create_directory(final_dir_ / "blender-render_0005.png");
  for (const int frame : {3, 4, 5})
    EXPECT_EQ(open_frame(final_dir_, frame).error().code, errc::not_found) << frame;
}

TEST_F(results_test, further_files_are_listed_by_frame_and_opened_by_name_and_never_through_a_link) {
  for (const auto* name : {"blender-render_0001.png", "Out--depth_0001.exr", "Out--beauty_0001.png",
                           "Out--beauty_0002.png", "Out--beauty_0002.png.copy", "Out-beauty_0002.png"})
    add_frame(name);
  const outputs_of_frames expected{{1, {"Out--beauty_0001.png", "Out--depth_0001.exr"}},
                                   {2, {"Out--beauty_0002.png"}}};
  EXPECT_EQ(published_outputs(final_dir_), expected);
  EXPECT_TRUE(published_outputs(dir_ / "nowhere").empty());
  EXPECT_EQ(published_frames(final_dir_), domain::frame_set::of({1})) << "they are no frames";

  const auto found = open_output(final_dir_, "Out--beauty_0002.png");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "Out--beauty_0002.png");
  fs::create_symlink(dir_.write("secret", "secret"), final_dir_ / "Out--link_0001.png");
  for (const auto* name : {"Out--link_0001.png", "Out--beauty_0003.png", "blender-render_0001.png", "",
                           "../j0123456789abcdefgh/Out--beauty_0002.png"})
    EXPECT_EQ(open_output(final_dir_, name).error().code, errc::not_found) << name;
}

TEST_F(results_test, a_time_that_no_calendar_has_is_bounded) {
  add_frame("blender-render_0001.png");
  const auto file = final_dir_ / "blender-render_0001.png";
  for (const long seconds : {-1L, 0L, 253'402'300'800L, 1L << 60}) { // the file system may keep another one
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
    const auto found = open_frame(final_dir_, 1);
    ASSERT_TRUE(found);
    EXPECT_GE(found->modified.time_since_epoch().count(), 0) << seconds;
    EXPECT_LE(found->modified.time_since_epoch().count(), 253'402'300'799) << seconds;
  }
}

TEST_F(results_test, a_file_that_is_replaced_has_another_mark_and_one_that_is_open_stays) {
  add_frame("blender-render_0001.png");
  const auto before = open_frame(final_dir_, 1);
  fs::rename(dir_.write("other", "other image"), final_dir_ / "blender-render_0001.png");
  const auto after = open_frame(final_dir_, 1);
  ASSERT_TRUE(before && after);
  EXPECT_NE(before->mark, after->mark);
  std::string text(5, ' ');
  EXPECT_EQ(::pread(before->file->get(), text.data(), text.size(), 0), 5);
  EXPECT_EQ(text, "image");
}

TEST_F(results_test, logs_are_those_of_the_attempts_that_have_one) {
  add_log(1);
  add_log(3);
  add_log(4); // of another attempt
  const auto logs = open_logs(id_, 3, dir_ / "state");
  ASSERT_EQ(logs.size(), 2U);
  EXPECT_EQ(logs[0].name, log_of({id_, 1}, dir_ / "state"));
  EXPECT_EQ(logs[1].name, log_of({id_, 3}, dir_ / "state"));
}

TEST_F(results_test, discard_removes_frames_and_logs_of_the_job_alone_and_once_more_does_no_harm) {
  add_frame("blender-render_0001.png");
  add_log(1);
  add_log(2);
  const auto other = add("out/j0123456789abcdefgi/blender-render_0001.png");
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(discard(id_, 2, dir_ / "out", dir_ / "state"));
    EXPECT_FALSE(fs::exists(final_dir_));
    EXPECT_TRUE(list_files(dir_ / "state/logs").empty());
    EXPECT_TRUE(fs::exists(other));
  }
}

TEST_F(results_test, what_cannot_be_removed_is_named) {
  add("state/logs/" + id_.str() + "-1.log/in_the_way"); // a directory that is not empty
  const auto done = discard(id_, 1, dir_ / "out", dir_ / "state");
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find(id_.str() + "-1.log"), std::string::npos) << done.error().message;
}

} // namespace
} // namespace kiln::output
