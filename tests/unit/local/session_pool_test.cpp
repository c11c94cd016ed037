// SPDX-License-Identifier: Apache-2.0
// Which Blender an attempt gets of those that stay, and which of them are ended.
#include "local/session_pool.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <vector>

namespace kiln::local {
namespace {

class session_pool_test : public tests::loop_test {
protected:
  session_pool_test() {
    settings_.output = dir_.path() / "out";
    settings_.state = dir_.path() / "state";
    settings_.sessions.idle = 2;
    key_.blender = "default";
    key_.program = "one";
    key_.blend = dir_.write("scene.blend", "BLENDER-v304\n");
  }

  session_key key(const std::string& digest) const {
    auto other = key_;
    other.digest = digest;
    return other;
  }

  /// One that waits, or a new one.
  aio::task<session_pool::session_ptr> taken(const session_key& of) {
    auto wanted = of;
    const auto found = co_await sessions_.take(std::move(wanted));
    co_return found.value();
  }

  /// One whose Blender runs.
  aio::task<session_pool::session_ptr> launched(const session_key& of) {
    const auto one = co_await taken(of);
    EXPECT_TRUE(sessions_.launch(one, by_, {}, one->directory() / "log"));
    co_return one;
  }

  /// Ends all, with nothing left of them on the disk.
  aio::task<> finish() {
    co_await sessions_.join();
    EXPECT_TRUE(std::filesystem::is_empty(settings_.output / ".kiln"));
    pool_.join();
  }

  const tests::temp_directory dir_;
  local_settings settings_;
  session_key key_;
  const blender::install by_{"default", FAKE_BLENDER, "Blender 3.4.1"};
  aio::blocking_pool pool_{1};
  session_pool sessions_{executor(), settings_, pool_};
};

TEST_F(session_pool_test, who_needs_the_same_gets_the_one_that_waits) {
  const auto a = key("a"), b = key("b");
  run([&]() -> aio::task<> {
    const auto one = co_await launched(a);
    sessions_.give_back(one, true);
    const auto other = co_await taken(b);
    EXPECT_NE(other, one);
    const auto same = co_await taken(a);
    EXPECT_EQ(same, one);
    const auto second = co_await taken(a);
    EXPECT_NE(second, one) << "it is taken";
    sessions_.give_back(other, true); // was never launched
    sessions_.give_back(same, true);
    sessions_.give_back(second, true);
    co_await finish();
  });
}

TEST_F(session_pool_test, each_part_of_the_key_keeps_them_apart) {
  auto owner = key_, device = key_, threads = key_, blend = key_, name = key_;
  owner.owner = "somebody";
  device.device = "CUDA";
  threads.threads = 3;
  blend.blend = "/elsewhere/scene.blend";
  name.blender = "lts";
  const std::vector<session_key> others{owner, device, threads, blend, name};
  run([&]() -> aio::task<> {
    const auto one = co_await launched(key_);
    sessions_.give_back(one, true);
    for (const auto& different : others) {
      const auto made = co_await taken(different);
      EXPECT_NE(made, one);
      sessions_.give_back(made, false);
    }
    EXPECT_TRUE(one->is_alive());
    co_await finish();
  });
}

TEST_F(session_pool_test, one_that_failed_is_ended) {
  run([&]() -> aio::task<> {
    const auto one = co_await launched(key_);
    sessions_.give_back(one, false);
    EXPECT_FALSE(one->is_alive());
    const auto next = co_await taken(key_);
    EXPECT_NE(next, one);
    sessions_.give_back(next, false);
    co_await finish();
  });
}

TEST_F(session_pool_test, of_too_many_the_one_used_the_longest_ago_goes) {
  const auto key_1 = key("1"), key_2 = key("2"), key_3 = key("3");
  run([&]() -> aio::task<> {
    const auto first = co_await launched(key_1);
    const auto second = co_await launched(key_2);
    const auto third = co_await launched(key_3);
    sessions_.give_back(second, true);
    sessions_.give_back(first, true);
    EXPECT_TRUE(second->is_alive());
    sessions_.give_back(third, true);
    EXPECT_FALSE(second->is_alive());
    EXPECT_TRUE(first->is_alive() && third->is_alive());
    co_await finish();
  });
}

TEST_F(session_pool_test, one_for_which_nothing_comes_is_ended) {
  settings_.sessions.idle_time = std::chrono::milliseconds{20};
  run([&]() -> aio::task<> {
    const auto one = co_await launched(key_);
    sessions_.give_back(one, true);
    aio::timer look{executor()};
    for (int i = 0; i < 3000 && one->is_alive(); ++i) {
      look.expires_after(std::chrono::milliseconds{5});
      co_await look.async_wait(aio::use_task);
    }
    EXPECT_FALSE(one->is_alive());
    co_await finish();
  });
}

TEST_F(session_pool_test, those_of_a_program_that_was_replaced_are_ended) {
  auto replaced = key_;
  replaced.program = "two";
  run([&]() -> aio::task<> {
    const auto old = co_await launched(key_);
    sessions_.give_back(old, true);
    const auto fresh = co_await taken(replaced);
    EXPECT_FALSE(old->is_alive());
    sessions_.give_back(fresh, false);
    co_await finish();
  });
}

TEST_F(session_pool_test, one_is_expected_once_and_waits_for_who_comes) {
  run([&]() -> aio::task<> {
    aio::task_group both{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    both.spawn(sessions_.expect(key_, by_));
    both.spawn(sessions_.expect(key_, by_));
    co_await both.join();
    const auto first = co_await taken(key_);
    EXPECT_TRUE(first->is_alive()) << "it was started before";
    const auto second = co_await taken(key_);
    EXPECT_FALSE(second->is_launched()) << "there was but one";
    sessions_.give_back(first, true);
    sessions_.give_back(second, false);
    co_await finish();
  });
}

TEST_F(session_pool_test, none_is_expected_where_another_would_have_to_go) {
  settings_.sessions.idle = 1;
  const auto key_1 = key("1"), key_2 = key("2");
  run([&]() -> aio::task<> {
    const auto one = co_await launched(key_1);
    sessions_.give_back(one, true);
    auto likely = key_2;
    auto by = by_;
    co_await sessions_.expect(std::move(likely), std::move(by));
    EXPECT_TRUE(one->is_alive());
    const auto other = co_await taken(key_2);
    EXPECT_FALSE(other->is_launched());
    sessions_.give_back(other, false);
    co_await finish();
  });
}

TEST_F(session_pool_test, those_that_are_left_go_on_with_their_files) {
  run([&]() -> aio::task<> {
    const auto one = co_await launched(key_);
    sessions_.give_back(one, true);
    sessions_.leave();
    co_await sessions_.join();
    EXPECT_TRUE(std::filesystem::exists(one->directory())) << "the next kilnd looks for it there";
    pool_.join();
  });
}

} // namespace
} // namespace kiln::local
