// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"
#include "watch/directory_watch.hpp"

#include <fstream>

namespace kiln::watch {
namespace {

using names = std::vector<std::string>;

class directory_watch_test : public tests::loop_test {
protected:
  directory_watch open() { return directory_watch::open(executor(), dir_.path()).value(); }

  aio::task<> collect(directory_watch& watch, names& seen, bool& rescan) {
    while (const auto closed = co_await watch.next()) {
      seen.insert(seen.end(), closed->names.begin(), closed->names.end());
      rescan = rescan || closed->rescan;
    }
  }

  static void fail(const std::exception_ptr&) { ADD_FAILURE(); }

  tests::temp_directory dir_;
};

TEST_F(directory_watch_test, tells_of_files_that_were_closed_or_moved_in) {
  names seen;
  bool rescan = false;
  const auto elsewhere = dir_.write("before", "x");
  std::filesystem::create_directory(dir_ / "below");
  auto watch = open();
  run([&]() -> aio::task<> {
    aio::task_group group{executor(), fail};
    group.spawn(collect(watch, seen, rescan));
    aio::timer later{executor(), std::chrono::milliseconds{5}}; // so that it waits by now
    co_await later.async_wait(aio::use_task);
    dir_.write("a.png", "x");
    dir_.write("below/c.png", "x");
    std::filesystem::rename(elsewhere, dir_ / "b.png");
    while (seen.size() < 2) {
      aio::timer t{executor(), std::chrono::milliseconds{1}};
      co_await t.async_wait(aio::use_task);
    }
    watch.finish();
    co_await group.join();
  });
  EXPECT_EQ(seen, (names{"a.png", "b.png"}));
  EXPECT_FALSE(rescan);
}

TEST_F(directory_watch_test, a_file_that_is_still_open_is_no_news) {
  names seen;
  bool rescan = false;
  auto watch = open();
  std::ofstream open_file{dir_ / "open"};
  open_file << "x" << std::flush;
  run([&]() -> aio::task<> {
    watch.finish();
    co_await collect(watch, seen, rescan);
  });
  EXPECT_EQ(seen, names{});
}

TEST_F(directory_watch_test, finish_loses_nothing_that_happened_before) {
  names seen;
  bool rescan = false;
  names expected;
  auto watch = open();
  for (int i = 0; i < 2000; ++i) {
    expected.push_back("frame" + std::to_string(i));
    dir_.write(expected.back(), "");
  }
  run([&]() -> aio::task<> {
    watch.finish();
    co_await collect(watch, seen, rescan);
  });
  EXPECT_EQ(seen, expected);
}

TEST_F(directory_watch_test, a_queue_that_overflows_asks_for_a_rescan) {
  int limit = 0;
  std::ifstream{"/proc/sys/fs/inotify/max_queued_events"} >> limit;
  ASSERT_GT(limit, 0);
  names seen;
  bool rescan = false;
  auto watch = open();
  const auto one = dir_ / "one";
  const auto two = dir_ / "two"; // events that repeat the one before are merged: take turns
  for (int i = 0; i <= limit / 2; ++i) {
    std::ofstream{one};
    std::ofstream{two};
  }
  run([&]() -> aio::task<> {
    watch.finish();
    co_await collect(watch, seen, rescan);
  });
  EXPECT_TRUE(rescan);
}

TEST_F(directory_watch_test, a_name_that_comes_again_and_again_is_told_once) {
  names seen;
  bool rescan = false;
  auto watch = open();
  for (int i = 0; i < 500; ++i) {
    std::ofstream{dir_ / "one"};
    std::ofstream{dir_ / "two"}; // the kernel merges only what repeats the event before
  }
  run([&]() -> aio::task<> {
    watch.finish();
    co_await collect(watch, seen, rescan);
  });
  EXPECT_EQ(seen, (names{"one", "two"}));
  EXPECT_FALSE(rescan);
}

TEST_F(directory_watch_test, very_many_names_ask_for_a_rescan) {
  names seen;
  bool rescan = false;
  auto watch = open();
  for (int i = 0; i < 10'010; ++i)
    std::ofstream{dir_ / ("frame" + std::to_string(i))};
  run([&]() -> aio::task<> {
    watch.finish();
    co_await collect(watch, seen, rescan);
  });
  EXPECT_TRUE(rescan);
  EXPECT_LE(seen.size(), 10'000U);
}

TEST_F(directory_watch_test, what_cannot_be_watched_is_named) {
  const auto file = dir_.write("file", "");
  std::filesystem::create_directory_symlink(dir_.path(), dir_ / "link");
  for (const auto& path : {dir_ / "nowhere", file, dir_ / "link"}) {
    const auto watch = directory_watch::open(executor(), path);
    ASSERT_FALSE(watch) << path;
    EXPECT_NE(watch.error().message.find(path.native()), std::string::npos) << watch.error().message;
  }
}

} // namespace
} // namespace kiln::watch
