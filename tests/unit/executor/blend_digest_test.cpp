// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"
#include "digest/sha256.hpp"
#include "executor/blend_digest.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

namespace kiln::executor {
namespace {

class blend_digest_test : public tests::loop_test {
protected:
  tests::temp_directory dir_;
  aio::blocking_pool pool_{1};
  blend_digests digests_{executor(), pool_};
};

TEST_F(blend_digest_test, follows_the_content) {
  run([&]() -> aio::task<> {
    const auto file = dir_.write("a.blend", "abc");
    EXPECT_EQ(co_await digests_.of(file), digest::sha256("abc"));
    EXPECT_EQ(co_await digests_.of(file), digest::sha256("abc"));
    dir_.write("a.blend", "abcd");
    EXPECT_EQ(co_await digests_.of(file), digest::sha256("abcd"));
    EXPECT_EQ(co_await digests_.of(dir_.write("b.blend", "abc")), digest::sha256("abc"));
    for (int i = 0; i < 100; ++i)
      EXPECT_TRUE(co_await digests_.of(dir_.write("c" + std::to_string(i), "x")));
    EXPECT_EQ(co_await digests_.of(file), digest::sha256("abcd")) << "it was forgotten meanwhile";
  });
}

TEST_F(blend_digest_test, what_cannot_be_read_has_none) {
  run([&]() -> aio::task<> {
    EXPECT_FALSE(co_await digests_.of(dir_ / "nowhere"));
    EXPECT_FALSE(co_await digests_.of(dir_.path()));
    EXPECT_FALSE(co_await digests_.of("/dev/zero"));
  });
}

TEST_F(blend_digest_test, a_reading_that_takes_long_can_be_stopped) {
  const auto file = dir_.write("big.blend", "BLENDER");
  std::filesystem::resize_file(file, std::uintmax_t{1} << 42); // sparse: hours
  for (const bool all : {false, true})
    run([&]() -> aio::task<> {
      const auto reading = std::make_shared<blend_reading>();
      const auto stop_when_it_reads = [&]() -> aio::task<> {
        while (reading->bytes == 0) {
          aio::timer t{executor(), std::chrono::milliseconds{1}};
          co_await t.async_wait(aio::use_task);
        }
        if (all)
          digests_.stop();
        else
          reading->is_stopped = true;
      };
      aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
      group.spawn(stop_when_it_reads());
      EXPECT_FALSE(co_await digests_.of(file, reading));
      co_await group.join();
    });
}

TEST_F(blend_digest_test, callers_share_a_reading_and_other_files_have_their_turns) {
  const auto big = dir_.write("big.blend", "BLENDER");
  std::filesystem::resize_file(big, std::uintmax_t{1} << 42); // sparse: hours
  const auto small = dir_.write("small.blend", "abc");
  run([&]() -> aio::task<> {
    const auto first = std::make_shared<blend_reading>(), second = std::make_shared<blend_reading>();
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    int given_up = 0;
    const auto wait_for_big = [&](std::shared_ptr<blend_reading> by) -> aio::task<> {
      const auto none = co_await digests_.of(big, by);
      EXPECT_FALSE(none);
      ++given_up;
    };
    group.spawn(wait_for_big(first));
    group.spawn(wait_for_big(second));
    EXPECT_EQ(co_await digests_.of(small), digest::sha256("abc"));
    first->is_stopped = true;
    const auto before = second->bytes;
    while (second->bytes == before) { // the other one still wants it
      aio::timer t{executor(), std::chrono::milliseconds{1}};
      co_await t.async_wait(aio::use_task);
    }
    EXPECT_LE(second->bytes, first->bytes) << "the file was read once for both";
    EXPECT_EQ(given_up, 0);
    second->is_stopped = true;
    co_await group.join();
    EXPECT_EQ(given_up, 2);
  });
}

TEST_F(blend_digest_test, a_long_reading_leaves_the_pool_free) {
  const auto big = dir_.write("big.blend", "BLENDER");
  std::filesystem::resize_file(big, std::uintmax_t{1} << 42);
  run([&]() -> aio::task<> {
    const auto reading = std::make_shared<blend_reading>();
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    const auto wait_for_big = [&]() -> aio::task<> { (void)co_await digests_.of(big, reading); };
    group.spawn(wait_for_big());
    while (reading->bytes == 0) {
      aio::timer t{executor(), std::chrono::milliseconds{1}};
      co_await t.async_wait(aio::use_task);
    }
    EXPECT_TRUE(co_await pool_.run([] { return true; })) << "its only thread";
    reading->is_stopped = true;
    co_await group.join();
  });
}

} // namespace
} // namespace kiln::executor
