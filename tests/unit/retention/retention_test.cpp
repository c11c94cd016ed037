// SPDX-License-Identifier: Apache-2.0
#include "retention/retention.hpp"
#include "store/database.hpp"
#include "store/sqlite_upload_store.hpp"
#include "support/fake_executor.hpp"
#include "support/fake_job_store.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace kiln::retention {
namespace {

using namespace std::chrono_literals;

class retention_test : public tests::loop_test {
protected:
  /// A job that has ended `ago`, with one frame of `bytes`.
  aio::task<job_id> add_ended(std::chrono::milliseconds ago, std::int64_t bytes = 10) {
    store::job_record made;
    made.id = job_id::make(1ms, ++number_);
    made.spec.blend = "/a.blend";
    made.spec.frames = *domain::frame_set::parse("1");
    auto copy = made;
    EXPECT_TRUE(co_await jobs_.add(std::move(copy)));
    made.state = domain::job_state::succeeded;
    made.finished = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now() - ago);
    made.revision = 2;
    store::change c{.job = made};
    store::frame_record frame;
    frame.frame = 1;
    frame.now = store::frame_record::state::done;
    frame.bytes = bytes;
    c.frames.push_back(frame);
    EXPECT_TRUE(co_await jobs_.save(std::move(c), store::durability::durable));
    co_return made.id;
  }

  static rules keep_an_hour(std::chrono::milliseconds after_trouble = 60s) {
    return {.keep_jobs = 1h, .after_trouble = after_trouble};
  }
  static rules quota(std::uintmax_t bytes) { return {.job_bytes = bytes}; }

  aio::task<> until_removed(std::size_t count) {
    while (attempts_.discarded.size() < count) {
      aio::timer pause{executor(), 1ms};
      co_await pause.async_wait(aio::use_task);
    }
  }

  tests::temp_directory dir_;
  aio::blocking_pool pool_{1};
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  tests::fake_executor attempts_{executor()};
  tests::fake_job_store jobs_;
  std::shared_ptr<store::database> shared_ = *store::database::open(executor(), dir_ / "kiln.db");
  store::sqlite_upload_store sent_{shared_};
  blends::uploads uploads_{executor(), dir_ / "blends", {}, sent_, pool_, log_};
  scheduler::scheduler scheduler_{executor(), attempts_, attempts_, jobs_, {}, log_};
  std::uint64_t number_ = 0;
};

TEST_F(retention_test, a_job_that_cannot_be_removed_does_not_keep_the_others) {
  run([&]() -> aio::task<> {
    const auto stuck = co_await add_ended(3h);
    const auto old = co_await add_ended(2h);
    const auto young = co_await add_ended(1min);
    attempts_.not_discardable.insert(stuck);
    retention tested{executor(), scheduler_, jobs_, uploads_, keep_an_hour(), log_};
    tested.start();
    co_await until_removed(1);
    co_await tested.stop();
    EXPECT_TRUE(co_await jobs_.find(stuck));
    EXPECT_EQ(attempts_.discarded.size(), 1U);
    EXPECT_EQ(attempts_.discarded.front(), old) << young.str() << " is to be kept";
  });
}

TEST_F(retention_test, a_job_that_could_not_be_removed_is_tried_again) {
  run([&]() -> aio::task<> {
    const auto stuck = co_await add_ended(3h);
    const auto old = co_await add_ended(2h);
    attempts_.not_discardable.insert(stuck);
    retention tested{executor(), scheduler_, jobs_, uploads_, keep_an_hour(1ms), log_};
    tested.start();
    co_await until_removed(1);
    attempts_.not_discardable.clear();
    co_await until_removed(2);
    co_await tested.stop();
    EXPECT_EQ(attempts_.discarded.front(), old);
    EXPECT_EQ(attempts_.discarded.back(), stuck);
  });
}

TEST_F(retention_test, over_the_quota_the_oldest_that_can_go_go) {
  run([&]() -> aio::task<> {
    const auto stuck = co_await add_ended(3h, 50);
    const auto old = co_await add_ended(2h, 50);
    (void)co_await add_ended(1h, 50);
    attempts_.not_discardable.insert(stuck);
    retention tested{executor(), scheduler_, jobs_, uploads_, quota(100), log_};
    tested.start();
    co_await until_removed(1);
    co_await tested.stop();
    EXPECT_EQ(*co_await jobs_.frame_bytes(), 100U);
  });
}

} // namespace
} // namespace kiln::retention
