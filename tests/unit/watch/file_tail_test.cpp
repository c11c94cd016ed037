// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"
#include "watch/file_tail.hpp"

#include <fstream>

#include <sys/stat.h>

namespace kiln::watch {
namespace {

class file_tail_test : public tests::loop_test {
protected:
  aio::task<> collect(file_tail& tail, std::string& seen) {
    for (;;) {
      const auto chunk = co_await tail.next();
      if (!chunk || chunk->empty()) {
        EXPECT_TRUE(chunk) << chunk.error().message;
        break;
      }
      EXPECT_LE(chunk->size(), 64u * 1024);
      seen += *chunk;
    }
  }

  aio::task<> until(const std::string& seen, std::string text) {
    while (seen != text) {
      aio::timer t{executor(), std::chrono::milliseconds{1}};
      co_await t.async_wait(aio::use_task);
    }
  }

  static void fail(const std::exception_ptr&) { ADD_FAILURE(); }

  tests::temp_directory dir_;
};

TEST_F(file_tail_test, reads_what_is_there_and_what_is_appended) {
  const auto file = dir_.write("log", "one\n");
  auto tail = file_tail::open(executor(), file).value();
  std::ofstream log{file, std::ios::app};
  std::string seen;
  run([&]() -> aio::task<> {
    aio::task_group group{executor(), fail};
    group.spawn(collect(tail, seen));
    co_await until(seen, "one\n");
    log << "tw" << std::flush;
    co_await until(seen, "one\ntw");
    log << "o\n" << std::flush;
    co_await until(seen, "one\ntwo\n");
    log << "last" << std::flush;
    tail.finish();
    co_await group.join();
  });
  EXPECT_EQ(seen, "one\ntwo\nlast");
}

TEST_F(file_tail_test, a_flood_is_read_in_pieces_and_leaves_room_for_others) {
  const std::string megabytes(std::size_t{8} << 20, 'x');
  auto tail = file_tail::open(executor(), dir_.write("log", megabytes)).value();
  std::string seen;
  std::size_t seen_in_between = 0;
  run([&]() -> aio::task<> {
    aio::task_group group{executor(), fail};
    tail.finish();
    group.spawn(collect(tail, seen));
    aio::timer t{executor(), std::chrono::nanoseconds{1}};
    co_await t.async_wait(aio::use_task);
    seen_in_between = seen.size();
    co_await group.join();
  });
  EXPECT_EQ(seen, megabytes);
  EXPECT_LT(seen_in_between, megabytes.size()) << "the loop was held until the end";
}

TEST_F(file_tail_test, a_file_that_was_cut_is_no_news) {
  const auto file = dir_.write("log", "abcdef");
  auto tail = file_tail::open(executor(), file).value();
  std::string seen;
  run([&]() -> aio::task<> {
    aio::task_group group{executor(), fail};
    group.spawn(collect(tail, seen));
    co_await until(seen, "abcdef");
    std::filesystem::resize_file(file, 2);
    tail.finish();
    co_await group.join();
  });
  EXPECT_EQ(seen, "abcdef");
}

TEST_F(file_tail_test, an_error_of_reading_is_told) {
  // A regular file; nothing is mapped at its beginning, which cannot be read (proc(5)).
  auto tail = file_tail::open(executor(), "/proc/self/mem").value();
  run([&]() -> aio::task<> {
    const auto chunk = co_await tail.next();
    EXPECT_FALSE(chunk);
    const auto said = chunk ? std::string{} : chunk.error().message;
    EXPECT_NE(said.find("/proc/self/mem"), std::string::npos) << said;
    tail.finish();
  });
}

TEST_F(file_tail_test, only_regular_files_are_followed) {
  const auto fifo = dir_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::filesystem::create_symlink(dir_.write("log", ""), dir_ / "link");
  for (const auto& path : {dir_ / "nowhere", fifo, dir_ / "link", dir_.path()}) {
    const auto tail = file_tail::open(executor(), path);
    ASSERT_FALSE(tail) << path;
    EXPECT_NE(tail.error().message.find(path.native()), std::string::npos) << tail.error().message;
  }
}

} // namespace
} // namespace kiln::watch
