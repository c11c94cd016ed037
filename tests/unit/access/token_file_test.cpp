// SPDX-License-Identifier: Apache-2.0
#include "access/token_file.hpp"
#include "support/temp_directory.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kiln::access {
namespace {

namespace fs = std::filesystem;

class token_file : public testing::Test {
protected:
  std::string refusal() {
    const auto read = read_token_file(file_);
    return read ? std::string{} : read.error().message;
  }
  void write(const std::string& text, mode_t mode = 0600) {
    std::ofstream{file_} << text;
    ::chmod(file_.c_str(), mode);
  }
  static result<void> add(const fs::path& file, const std::string& name) {
    return change_token_file(file, [&](std::vector<token>& all) -> result<void> {
      all.push_back({name, role::read, "2026-11-24T20:16:22Z", digest_of(name)});
      return {};
    });
  }
  mode_t mode() {
    struct stat facts {};
    ::stat(file_.c_str(), &facts);
    return facts.st_mode & 07777;
  }

  tests::temp_directory directory_;
  fs::path file_ = directory_ / "tokens";
};

TEST_F(token_file, is_made_for_its_owner_alone) {
  ::umask(0);
  ASSERT_TRUE(add(file_, "a"));
  ::umask(022);
  EXPECT_EQ(mode(), 0600U);
  ASSERT_TRUE(add(file_, "b"));
  const auto read = read_token_file(file_);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[1].name, "b");
  EXPECT_FALSE(fs::exists(file_.native() + ".new"));
}

TEST_F(token_file, one_that_is_not_there_is_told_apart) {
  EXPECT_EQ(read_token_file(file_).error().code, errc::not_found);
  EXPECT_NE(refusal().find("kilnd token add"), std::string::npos);
}

TEST_F(token_file, what_others_can_read_or_change_is_refused) {
  for (const mode_t bad : {0604, 0602, 0620, 0610, 0644, 0666, 0777}) {
    write("", bad);
    EXPECT_NE(refusal().find("chmod 600"), std::string::npos) << bad;
    EXPECT_FALSE(add(file_, "a")) << bad;
    EXPECT_EQ(mode(), bad);
  }
  for (const mode_t good : {0600, 0400, 0640}) {
    write("", good);
    EXPECT_EQ(refusal(), "") << good;
    EXPECT_TRUE(add(file_, "a"));
    EXPECT_EQ(mode(), good) << "it stays as its owner wants it";
  }
}

TEST_F(token_file, what_is_no_file_of_tokens_is_refused_and_left_alone) {
  for (const auto& bad : {std::string{"nonsense"}, std::string(2 << 20, '#'), std::string("\0\1\2", 3)}) {
    write(bad);
    EXPECT_NE(refusal().find(file_.native()), std::string::npos);
    EXPECT_FALSE(add(file_, "a"));
    EXPECT_EQ(fs::file_size(file_), bad.size());
  }
  fs::remove(file_);
  fs::create_directory(file_);
  EXPECT_NE(refusal(), "");
  EXPECT_FALSE(add(file_, "a"));
  fs::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_NE(refusal(), "") << "and does not wait for a writer";
  fs::remove(file_);
  fs::create_symlink("/dev/zero", file_);
  EXPECT_NE(refusal(), "");
}

TEST_F(token_file, a_refused_change_changes_nothing) {
  ASSERT_TRUE(add(file_, "a"));
  const auto refused = change_token_file(file_, [](std::vector<token>& all) -> result<void> {
    all.clear();
    return error{errc::conflict, "no"};
  });
  EXPECT_EQ(refused.error().message, "no");
  EXPECT_EQ(read_token_file(file_)->size(), 1U);
}

TEST_F(token_file, a_link_stays_one) {
  fs::create_directory(directory_ / "real");
  fs::create_symlink("real/tokens", file_);
  ASSERT_TRUE(add(directory_ / "real/tokens", "a"));
  ASSERT_TRUE(add(file_, "b"));
  EXPECT_TRUE(fs::is_symlink(file_));
  EXPECT_EQ(read_token_file(directory_ / "real/tokens")->size(), 2U);
}

TEST_F(token_file, who_changes_it_at_the_same_time_loses_nothing) {
  constexpr int each = 20, writers = 4;
  for (int w = 0; w < writers; ++w)
    if (::fork() == 0) {
      bool all = true;
      for (int i = 0; i < each; ++i)
        all = add(file_, fmt::format("w{}-{}", w, i)).has_value() && all;
      ::_exit(all ? 0 : 1);
    }
  for (int w = 0; w < writers; ++w) {
    int status = 0;
    ASSERT_GT(::wait(&status), 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(read_token_file(file_)->size(), std::size_t{each * writers});
}

TEST_F(token_file, makes_the_directory_it_belongs_to) {
  ASSERT_TRUE(add(directory_ / "a/b/tokens", "x"));
  EXPECT_EQ(read_token_file(directory_ / "a/b/tokens")->size(), 1U);
}

} // namespace
} // namespace kiln::access
