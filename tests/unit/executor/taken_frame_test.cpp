// SPDX-License-Identifier: Apache-2.0
#include "executor/taken_frame.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::executor {
namespace {

namespace fs = std::filesystem;

class taken_frame_test : public testing::Test {
protected:
  taken_frame_test() {
    for (const auto& directory : {work_, taken_, final_})
      fs::create_directory(directory);
  }

  fs::path write(const char* text = "image") { return dir_.write("work/frame", text); }
  [[nodiscard]] std::string published() const { return dir_.read("final/frame"); }

  tests::temp_directory dir_;
  fs::path work_ = dir_ / "work", taken_ = dir_ / "taken", final_ = dir_ / "final", to_ = final_ / "frame";
};

TEST_F(taken_frame_test, a_file_that_nobody_else_holds_is_moved) {
  const auto file = write();
  struct stat before {
  }, after{};
  ASSERT_EQ(::stat(file.c_str(), &before), 0);
  const auto frame = take(file, taken_, custody::moved);
  ASSERT_TRUE(frame);
  EXPECT_FALSE(fs::exists(file)) << "it is out of reach before it is decoded";
  EXPECT_EQ(frame->size, 5U);
  ASSERT_TRUE(publish(*frame, to_));
  EXPECT_EQ(published(), "image");
  ASSERT_EQ(::stat(to_.c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_TRUE(fs::is_empty(taken_) && fs::is_empty(work_));
}

TEST_F(taken_frame_test, a_second_name_changes_nothing) {
  const auto file = write();
  fs::create_hard_link(file, work_ / "kept");
  const auto frame = take(file, taken_, custody::moved);
  ASSERT_TRUE(frame && publish(*frame, to_));
  dir_.write("work/kept", "other");
  EXPECT_EQ(published(), "image");
  EXPECT_TRUE(fs::is_empty(taken_));
}

TEST_F(taken_frame_test, a_descriptor_that_still_writes_changes_nothing) {
  const auto file = write();
  const aio::unique_descriptor writer{::open(file.c_str(), O_WRONLY)};
  const auto frame = take(file, taken_, custody::moved);
  ASSERT_TRUE(frame && publish(*frame, to_));
  ASSERT_EQ(::pwrite(writer.get(), "other", 5, 0), 5);
  EXPECT_EQ(published(), "image");
  EXPECT_FALSE(fs::exists(file)) << "it would be looked at again";
}

TEST_F(taken_frame_test, a_mapping_that_can_be_written_to_changes_nothing) {
  const auto file = write();
  char* mapped = nullptr;
  {
    const aio::unique_descriptor writer{::open(file.c_str(), O_RDWR)};
    mapped = static_cast<char*>(::mmap(nullptr, 5, PROT_READ | PROT_WRITE, MAP_SHARED, writer.get(), 0));
    ASSERT_NE(mapped, MAP_FAILED);
  }
  const auto frame = take(file, taken_, custody::moved);
  ASSERT_TRUE(frame && publish(*frame, to_));
  mapped[0] = 'X';
  ::munmap(mapped, 5);
  EXPECT_EQ(published(), "image");
}

TEST_F(taken_frame_test, a_file_that_is_exchanged_is_not_the_one_that_is_published) {
  const auto file = write();
  const auto frame = take(file, taken_, custody::moved);
  ASSERT_TRUE(frame);
  write("other");
  ASSERT_TRUE(publish(*frame, to_));
  EXPECT_EQ(published(), "image");
}

TEST_F(taken_frame_test, one_that_is_exchanged_in_place_is_refused) {
  const auto file = write();
  const auto frame = take(file, {}, custody::in_place);
  ASSERT_TRUE(frame);
  fs::rename(dir_.write("other", "other"), file);
  EXPECT_EQ(publish(*frame, to_).error().code, errc::corrupt);
  EXPECT_FALSE(fs::exists(to_));
}

TEST_F(taken_frame_test, with_bubblewrap_each_file_is_copied) {
  const auto file = write();
  const aio::unique_descriptor path_only{::open(file.c_str(), O_PATH)};
  const auto frame = take(file, taken_, custody::copied);
  ASSERT_TRUE(frame && publish(*frame, to_));
  const aio::unique_descriptor writer{
      ::open(("/proc/self/fd/" + std::to_string(path_only.get())).c_str(), O_WRONLY)};
  ASSERT_EQ(::pwrite(writer.get(), "other", 5, 0), 5);
  EXPECT_EQ(published(), "image");
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(taken_frame_test, one_that_is_still_written_stays_for_its_writer) {
  const auto file = write("ima");
  const aio::unique_descriptor writer{::open(file.c_str(), O_WRONLY | O_APPEND)};
  const auto half = take(file, taken_, custody::moved);
  ASSERT_TRUE(half);
  drop(*half);
  EXPECT_TRUE(fs::is_empty(taken_));
  ASSERT_EQ(::write(writer.get(), "ge", 2), 2);
  const auto whole = take(file, taken_, custody::moved);
  ASSERT_TRUE(whole && publish(*whole, to_));
  EXPECT_EQ(published(), "image");
}

TEST_F(taken_frame_test, what_is_no_frame_is_refused_and_left) {
  EXPECT_EQ(take(work_ / "nowhere", taken_, custody::moved).error().code,
            boost::system::errc::no_such_file_or_directory);
  const auto outside = dir_.write("outside", "image");
  fs::create_symlink(outside, work_ / "link");
  fs::create_directory(work_ / "directory");
  ASSERT_EQ(::mkfifo((work_ / "fifo").c_str(), 0600), 0);
  dir_.write("work/empty", "");
  fs::create_directory_symlink(final_, dir_ / "elsewhere");
  dir_.write("final/theirs", "another's");
  for (const auto& path :
       {work_ / "link", work_ / "directory", work_ / "fifo", work_ / "empty", dir_ / "elsewhere/theirs"}) {
    EXPECT_EQ(take(path, taken_, custody::moved).error().code, errc::corrupt) << path;
    EXPECT_TRUE(fs::exists(fs::symlink_status(path))) << path;
  }
  EXPECT_TRUE(fs::is_empty(taken_));
}

TEST_F(taken_frame_test, publish_follows_no_link) {
  fs::create_directory(dir_ / "outside");
  fs::create_directory_symlink(dir_ / "outside", dir_ / "link");
  const auto frame = take(write(), taken_, custody::moved);
  ASSERT_TRUE(frame);
  EXPECT_FALSE(publish(*frame, dir_ / "link/frame"));
  EXPECT_FALSE(publish(*frame, dir_ / "no/such/directory"));
  EXPECT_TRUE(publish(*frame, to_));
}

TEST_F(taken_frame_test, what_was_neither_published_nor_dropped_is_put_back) {
  (void)take(write(), taken_, custody::moved);
  dir_.write("taken/half.copy", "im");
  put_back(taken_, work_);
  EXPECT_EQ(dir_.read("work/frame"), "image");
  EXPECT_TRUE(fs::is_empty(taken_));
  (void)take(work_ / "frame", taken_, custody::moved);
  write("newer");
  put_back(taken_, work_);
  EXPECT_EQ(dir_.read("work/frame"), "newer");
  EXPECT_TRUE(fs::is_empty(taken_));
}

TEST_F(taken_frame_test, counts_the_bytes_of_a_file_and_what_it_holds_behind_its_end) {
  const auto plain = take(write(), taken_, custody::moved);
  ASSERT_TRUE(plain);
  EXPECT_EQ(*publish(*plain, to_), 5U);
  const auto file = write();
  constexpr off_t much = 1 << 20;
  {
    const aio::unique_descriptor writer{::open(file.c_str(), O_WRONLY)};
    if (::fallocate(writer.get(), FALLOC_FL_KEEP_SIZE, 0, much) != 0)
      GTEST_SKIP() << "it cannot be had here";
  }
  const auto frame = take(file, taken_, custody::moved);
  ASSERT_TRUE(frame);
  EXPECT_GE(*publish(*frame, to_), static_cast<std::uintmax_t>(much));
}

TEST_F(taken_frame_test, holes_take_no_bytes_and_are_not_filled_by_a_copy) {
  const auto file = write();
  fs::resize_file(file, std::uintmax_t{1} << 40);
  for (const auto how : {custody::copied, custody::moved}) {
    const auto frame = take(file, taken_, how);
    ASSERT_TRUE(frame) << (frame ? "" : frame.error().message);
    EXPECT_EQ(frame->size, std::uintmax_t{1} << 40);
    if (how == custody::copied) {
      struct stat facts {};
      ASSERT_EQ(::fstat(frame->file.get(), &facts), 0);
      EXPECT_LT(facts.st_blocks, 1000);
      drop(*frame);
      continue;
    }
    const auto bytes = publish(*frame, to_);
    ASSERT_TRUE(bytes);
    EXPECT_GE(*bytes, 5U);
    EXPECT_LT(*bytes, std::uintmax_t{1} << 20);
  }
}

class frame_of_another_user : public taken_frame_test {
protected:
  static constexpr uid_t user_ = 54321;

  void SetUp() override {
    if (::geteuid() != 0)
      GTEST_SKIP() << "only root can give files away";
    ASSERT_EQ(::chown(work_.c_str(), user_, user_), 0);
  }

  fs::path write_as(uid_t user) {
    const auto file = write();
    EXPECT_EQ(::chown(file.c_str(), user, user), 0);
    EXPECT_EQ(::chmod(file.c_str(), 0666), 0);
    return file;
  }

  static struct stat facts_of(const fs::path& path) {
    struct stat facts {};
    EXPECT_EQ(::lstat(path.c_str(), &facts), 0) << path;
    return facts;
  }
};

TEST_F(frame_of_another_user, becomes_ours) {
  const auto file = write_as(user_);
  const auto frame = take(file, taken_, custody::moved);
  ASSERT_TRUE(frame) << frame.error().message;
  EXPECT_EQ(frame->path, taken_ / "frame") << "it was moved";
  ASSERT_TRUE(publish(*frame, to_));
  EXPECT_EQ(facts_of(to_).st_uid, 0U);
  EXPECT_EQ(facts_of(to_).st_gid, 0U);
  EXPECT_EQ(facts_of(to_).st_mode & 07777U, 0664U);
}

TEST_F(frame_of_another_user, becomes_ours_by_a_copy) {
  const auto file = write_as(user_);
  fs::create_hard_link(file, work_ / "kept");
  const auto frame = take(file, taken_, custody::moved);
  ASSERT_TRUE(frame && publish(*frame, to_));
  EXPECT_EQ(facts_of(to_).st_uid, 0U);
  EXPECT_EQ(facts_of(work_ / "kept").st_uid, user_);
}

TEST_F(frame_of_another_user, is_not_a_link_to_a_file_of_a_third) {
  for (const uid_t owner : {uid_t{0}, uid_t{99}}) {
    const auto file = write_as(owner);
    for (const auto how : {custody::moved, custody::copied})
      EXPECT_EQ(take(file, taken_, how).error().code, errc::corrupt);
    EXPECT_EQ(facts_of(file).st_uid, owner);
  }
}

TEST_F(frame_of_another_user, goes_back_to_that_user) {
  const auto file = write_as(user_);
  {
    const auto frame = take(file, taken_, custody::moved);
    ASSERT_TRUE(frame);
  }
  put_back(taken_, work_);
  EXPECT_EQ(facts_of(file).st_uid, user_);
  EXPECT_TRUE(take(file, taken_, custody::moved));
}

} // namespace
} // namespace kiln::executor
