// SPDX-License-Identifier: Apache-2.0
#include "support/loop.hpp"
#include "support/temp_directory.hpp"
#include "watch/inotify.hpp"

#include <fstream>
#include <utility>

#include <sys/inotify.h>

namespace kiln::watch {
namespace {

using names = std::vector<std::string>;

class inotify_test : public tests::loop_test {
protected:
  std::unique_ptr<inotify> open(std::uint32_t mask) {
    return inotify::open(executor(), dir_.path(), mask).value();
  }

  /// All events so far, and whether they have ended.
  names rest_of(inotify& watch) {
    names seen;
    run([&]() -> aio::task<> {
      watch.finish();
      for (;;) {
        const auto news = co_await watch.next();
        seen.insert(seen.end(), news.names.begin(), news.names.end());
        if (news.ended)
          break;
      }
    });
    return seen;
  }

  static int instances() {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
      std::error_code ec;
      count += std::filesystem::read_symlink(entry, ec) == "anon_inode:inotify" ? 1 : 0;
    }
    return count;
  }

  tests::temp_directory dir_;
};

TEST_F(inotify_test, watches_of_one_directory_hear_each_what_they_asked_for) {
  const auto created = open(IN_CREATE);
  const auto closed = open(IN_CLOSE_WRITE);
  std::ofstream still_open{dir_ / "a"};
  dir_.write("b", "x");
  closed->finish();
  EXPECT_EQ(rest_of(*created), (names{"a", "b"}));
  EXPECT_EQ(rest_of(*closed), names{"b"});
}

TEST_F(inotify_test, one_that_goes_leaves_the_others) {
  auto first = open(IN_CLOSE_WRITE);
  const auto second = open(IN_CLOSE_WRITE);
  first.reset();
  dir_.write("a", "x");
  EXPECT_EQ(rest_of(*second), names{"a"});
}

TEST_F(inotify_test, a_new_one_hears_nothing_of_what_was_before) {
  auto first = open(IN_CLOSE_WRITE);
  dir_.write("a", "x");
  first.reset();
  const auto second = open(IN_CLOSE_WRITE);
  dir_.write("b", "x");
  EXPECT_EQ(rest_of(*second), names{"b"});
}

TEST_F(inotify_test, a_directory_that_is_deleted_ends_nothing_and_its_place_can_be_watched_again) {
  const auto below = dir_ / "below";
  std::filesystem::create_directory(below);
  auto gone = inotify::open(executor(), below, IN_CLOSE_WRITE).value();
  std::filesystem::remove(below);
  std::filesystem::create_directory(below);
  const auto again = inotify::open(executor(), below, IN_CLOSE_WRITE).value();
  gone.reset();
  dir_.write("below/a", "x");
  EXPECT_EQ(rest_of(*again), names{"a"});
}

TEST_F(inotify_test, all_share_one_instance) {
  const int before = instances();
  std::vector<std::unique_ptr<inotify>> many;
  for (int i = 0; i < 300; ++i) {
    const auto name = "d" + std::to_string(i);
    std::filesystem::create_directory(dir_ / name);
    many.push_back(inotify::open(executor(), dir_ / name, IN_CLOSE_WRITE).value());
  }
  EXPECT_EQ(instances(), before + 1);
  dir_.write("d299/a", "x");
  const auto last = std::move(many.back());
  many.clear();
  EXPECT_EQ(rest_of(*last), names{"a"});
}

TEST_F(inotify_test, a_loop_ends_though_there_were_watches) {
  auto watch = open(IN_CLOSE_WRITE);
  watch.reset();
  run([]() -> aio::task<> { co_return; }); // does not wait for events that cannot come
}

} // namespace
} // namespace kiln::watch
