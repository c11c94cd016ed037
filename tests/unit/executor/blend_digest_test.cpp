// SPDX-License-Identifier: Apache-2.0
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
  blend_digests digests_{pool_};
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

} // namespace
} // namespace kiln::executor
