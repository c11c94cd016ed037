// SPDX-License-Identifier: Apache-2.0
#include "blender/setup_script.hpp"
#include "executor/workspace.hpp"
#include "output/results.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

namespace kiln::executor {
namespace {

namespace fs = std::filesystem;
using domain::failure_kind;

class workspace_test : public testing::Test {
protected:
  tests::temp_directory dir_;
  attempt_paths paths_ = paths_of({*job_id::parse("j0123456789abcdefgh"), 1}, dir_ / "out", dir_ / "state");
};

TEST_F(workspace_test, an_attempt_has_paths_of_its_own) {
  EXPECT_EQ(paths_.workspace, dir_ / "out/.kiln/j0123456789abcdefgh-1");
  EXPECT_EQ(paths_.final_dir, dir_ / "out/j0123456789abcdefgh");
  EXPECT_EQ(paths_.log, dir_ / "state/logs/j0123456789abcdefgh-1.log");
}

TEST_F(workspace_test, prepare_makes_empty_directories) {
  const auto blend = dir_.write("a.blend", "BLENDER-v304");
  fs::create_directories(paths_.workspace);
  dir_.write("out/.kiln/j0123456789abcdefgh-1/old", "x");
  EXPECT_FALSE(prepare(paths_, blend));
  auto made = output::list_files(paths_.workspace);
  std::ranges::sort(made);
  std::vector<std::string> wanted{"tmp"};
  for (const auto& script : blender::setup_scripts)
    wanted.emplace_back(script.name);
  std::ranges::sort(wanted);
  EXPECT_EQ(made, wanted);
  EXPECT_TRUE(fs::is_directory(paths_.final_dir));
}

TEST_F(workspace_test, a_session_directory_is_found_by_what_was_kept_and_not_by_names_in_it) {
  const attempt_id id{*job_id::parse("j0123456789abcdefgh"), 1};
  const auto find = [&] { return find_paths(id, dir_ / "out", dir_ / "state").workspace; };
  fs::create_directories(dir_ / "out/.kiln/session-evil1" / id.str());
  EXPECT_EQ(find(), paths_.workspace);
  const auto own = paths_in_session(id, dir_ / "out/.kiln/session-a", dir_ / "out", dir_ / "state");
  const auto blend = dir_.write("a.blend", "BLENDER-v304");
  ASSERT_FALSE(prepare(own, blend));
  EXPECT_EQ(find(), dir_ / "out/.kiln/session-a" / id.str());
  const auto next = paths_in_session(id, dir_ / "out/.kiln/session-b", dir_ / "out", dir_ / "state");
  ASSERT_FALSE(prepare(next, blend));
  EXPECT_EQ(find(), dir_ / "out/.kiln/session-b" / id.str());
  remove(next);
  EXPECT_EQ(find(), paths_.workspace);
  ASSERT_TRUE(keep_session(own.place, "../elsewhere"));
  EXPECT_EQ(find(), paths_.workspace) << "a broken entry";
  forget_other_places({}, dir_ / "state");
  EXPECT_TRUE(output::list_files(dir_ / "state/attempts").empty());
}

TEST_F(workspace_test, a_blend_that_cannot_be_read_is_named) {
  const auto fifo = dir_ / "fifo.blend";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const auto& blend : {dir_ / "nowhere.blend", dir_.path(), fifo, dir_.write("empty.blend", ""),
                            dir_.write("junk.blend", "not a blend")}) {
    const auto bad = check_blend(blend);
    ASSERT_TRUE(bad) << blend;
    EXPECT_EQ(bad->kind, failure_kind::blend_unreadable);
    EXPECT_NE(bad->message.find(blend.native()), std::string::npos) << bad->message;
  }
}

TEST_F(workspace_test, an_output_that_cannot_be_made_is_named) {
  const auto blend = dir_.write("a.blend", "BLENDER-v304");
  dir_.write("out", "a file in its place");
  const auto bad = prepare(paths_, blend);
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->kind, failure_kind::output_unwritable);
  EXPECT_NE(bad->message.find((dir_ / "out").native()), std::string::npos) << bad->message;
}

TEST_F(workspace_test, remove_keeps_what_was_published) {
  const auto blend = dir_.write("a.blend", "BLENDER-v304");
  ASSERT_FALSE(prepare(paths_, blend));
  dir_.write("out/j0123456789abcdefgh/blender-render_0001.png", "x");
  remove(paths_);
  EXPECT_FALSE(fs::exists(paths_.workspace));
  EXPECT_TRUE(fs::exists(paths_.final_dir / "blender-render_0001.png"));
  fs::remove(paths_.final_dir / "blender-render_0001.png");
  remove(paths_);
  EXPECT_FALSE(fs::exists(paths_.final_dir)) << "nothing was published";
}

TEST_F(workspace_test, only_the_user_of_its_blender_can_use_it) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can give files away";
  const process::credentials user{.user = 54321, .group = 54321, .groups = {}, .name = "artist", .home = "/"};
  const auto blend = dir_.write("a.blend", "BLENDER-v304");
  const auto expect_given = [&](const attempt_paths& paths) {
    struct stat facts {};
    ASSERT_EQ(::stat(paths.workspace.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_uid, user.user);
    EXPECT_EQ(facts.st_mode & 07777U, 0700U);
    for (const auto& path : {paths.taken, paths.final_dir, paths.workspace.parent_path()}) {
      ASSERT_EQ(::stat(path.c_str(), &facts), 0);
      EXPECT_EQ(facts.st_uid, 0U) << path;
      EXPECT_EQ(facts.st_mode & 0022U, 0U) << path;
    }
  };
  ASSERT_FALSE(prepare(paths_, blend, open_anywhere, &user));
  expect_given(paths_);
  struct stat facts {};
  for (const auto& path : {paths_.temp, paths_.script}) {
    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_uid, user.user) << path;
  }
  ASSERT_FALSE(prepare(paths_, blend, open_anywhere, &user)) << "again";
  expect_given(paths_);

  // In the directory of a session, which is the user's, a link can stand in the way.
  const attempt_id id{*job_id::parse("j0123456789abcdefgh"), 2};
  const auto in = paths_in_session(id, dir_ / "out/.kiln/session-a", dir_ / "out", dir_ / "state");
  fs::create_directories(in.directory / "elsewhere");
  ASSERT_FALSE(prepare(in, blend, open_anywhere, &user));
  ASSERT_EQ(::stat(in.workspace.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_uid, user.user);
  remove(in);
  fs::create_directory_symlink(dir_ / "state", in.workspace);
  EXPECT_FALSE(process::give_directory(in.workspace, &user));
  ASSERT_EQ(::stat((dir_ / "state").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_uid, 0U);
}

TEST(write_failure, a_full_disk_is_told_apart) {
  EXPECT_EQ(write_failure(system_error(ENOSPC, "x")).kind, failure_kind::disk_full);
  EXPECT_EQ(write_failure(system_error(EDQUOT, "x")).kind, failure_kind::disk_full);
  EXPECT_EQ(write_failure(system_error(EACCES, "x")).kind, failure_kind::output_unwritable);
}

} // namespace
} // namespace kiln::executor
