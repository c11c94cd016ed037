// SPDX-License-Identifier: Apache-2.0
#include "store/database.hpp"
#include "store/sqlite_job_store.hpp"
#include "store/sqlite_webhook_store.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <SQLiteCpp/Database.h>

namespace kiln::store {
namespace {

using domain::job_state;
using domain::webhook_event;
using std::chrono::milliseconds;

constexpr time_point when{milliseconds{1'800'000'000'000}};

job_record told_job(int number) {
  job_record made;
  made.id = job_id::make(milliseconds{number}, 7);
  made.spec.blend = "/p/a.blend";
  made.spec.blend_name = "a.blend";
  made.spec.frames = *domain::frame_set::parse("1");
  made.created = when;
  return made;
}

webhook_record webhook(int number) {
  webhook_record made;
  made.id = webhook_id::make(milliseconds{number}, 7);
  made.url = "https://example.com/" + std::to_string(number);
  made.events = {webhook_event::job_failed, webhook_event::job_succeeded};
  made.secret = "whsec_x";
  made.created = when;
  return made;
}

/// The facts that a test states about a delivery: receiver, event, time.
std::string format(const job_record& of, webhook_event event, time_point at) {
  return '"' + of.id.str() + ' ' + std::string{to_string(event)} + ' ' + std::to_string((at - when).count()) +
         '"';
}

class webhook_store_test : public tests::loop_test {
protected:
  webhook_store_test() : jobs_(shared_), store_(shared_) {
    jobs_.announce(format, [this] { ++queued_; });
  }

  aio::task<> must_add(webhook_record made) { EXPECT_TRUE(co_await store_.add(std::move(made))); }

  aio::task<> add_job(int number) { EXPECT_TRUE(co_await jobs_.add(told_job(number))); }

  /// As the scheduler does.
  aio::task<result<void>> change_job(int number, job_state to, std::uint64_t revision) {
    change c{told_job(number)};
    c.job.state = to;
    c.job.revision = revision;
    c.job.started = when + milliseconds{1};
    if (domain::is_final(to))
      c.job.finished = when + milliseconds{2};
    if (to == job_state::succeeded)
      c.job.frames_done = 1; // all of them
    if (to == job_state::failed)
      c.job.failure = domain::failure{.message = "x"};
    co_return co_await jobs_.save(std::move(c), durability::durable);
  }

  /// What waits, as payloads; and each is taken.
  aio::task<std::vector<std::string>> take_all() {
    std::vector<std::string> payloads;
    for (;;) {
      const auto heads = co_await store_.next();
      if (heads->empty())
        co_return payloads;
      payloads.push_back(heads->front().payload);
      co_await settle(heads->front(), 200);
    }
  }

  aio::task<> settle(delivery what, int status, std::optional<time_point> again = {}, bool disable = false) {
    delivery_outcome out{.id = what.id, .to = what.to, .report = {}, .again = again, .disable = disable};
    out.report = {.at = when, .event = what.event, .status = status};
    if (status != 200)
      out.report.error = "no";
    EXPECT_TRUE(co_await store_.settle(std::move(out)));
  }

  tests::temp_directory directory_;
  std::shared_ptr<database> shared_ = *database::open(executor(), directory_ / "kiln.db");
  sqlite_job_store jobs_;
  sqlite_webhook_store store_;
  int queued_ = 0;
};

TEST_F(webhook_store_test, gives_back_what_it_got) {
  run([&]() -> aio::task<> {
    for (const int number : {2, 1})
      co_await must_add(webhook(number));
    EXPECT_EQ(**co_await store_.find(webhook(1).id), webhook(1));
    const auto all = co_await store_.list();
    EXPECT_EQ(all->size(), 2U);
    EXPECT_EQ(all->at(1), webhook(2));
    EXPECT_EQ((co_await store_.add(webhook(1))).error().code, errc::conflict);
    EXPECT_FALSE((co_await store_.find(webhook(3).id))->has_value());
    EXPECT_TRUE(co_await store_.remove(webhook(1).id));
    EXPECT_EQ((co_await store_.remove(webhook(1).id)).error().code, errc::not_found);
    EXPECT_EQ((co_await store_.list())->size(), 1U);
  });
}

TEST_F(webhook_store_test, holds_a_hundred) {
  run([&]() -> aio::task<> {
    for (int i = 0; i < static_cast<int>(webhook_store::most_webhooks); ++i)
      co_await must_add(webhook(i));
    EXPECT_EQ((co_await store_.add(webhook(1000))).error().code, errc::conflict);
  });
}

TEST_F(webhook_store_test, an_end_is_queued_with_the_change_that_makes_it) {
  run([&]() -> aio::task<> {
    co_await must_add(webhook(1));
    co_await add_job(1);
    EXPECT_TRUE(co_await change_job(1, job_state::running, 2));
    EXPECT_TRUE((co_await store_.next())->empty()) << "nobody wants to hear of starts";
    EXPECT_TRUE(co_await change_job(1, job_state::failed, 3));
    EXPECT_EQ(queued_, 1);
    const auto heads = co_await store_.next();
    EXPECT_EQ(heads->size(), 1U);
    const auto& head = heads->at(0);
    EXPECT_EQ(head.id, webhook(1).id.str() + "-" + told_job(1).id.str() + "-3-failed");
    EXPECT_EQ(head.to, webhook(1).id);
    EXPECT_EQ(head.url, webhook(1).url);
    EXPECT_EQ(head.secret, webhook(1).secret);
    EXPECT_EQ(head.event, webhook_event::job_failed);
    EXPECT_EQ(head.payload, '"' + told_job(1).id.str() + " job.failed 2\"");
    EXPECT_EQ(head.due, when + milliseconds{2});
    const auto seen = **co_await store_.find(webhook(1).id);
    EXPECT_EQ(seen.pending, 1U);
    EXPECT_EQ(seen.next_try, head.due);
    EXPECT_EQ((co_await change_job(1, job_state::failed, 3)).error().code, errc::conflict);
    EXPECT_TRUE(co_await change_job(1, job_state::failed, 4));
    EXPECT_EQ((co_await take_all()).size(), 1U) << "one end, one event";
    EXPECT_TRUE(co_await change_job(1, job_state::queued, 5)); // it is tried again
    EXPECT_TRUE(co_await change_job(1, job_state::succeeded, 6));
    EXPECT_EQ((co_await take_all()).size(), 1U) << "another end";
  });
}

TEST_F(webhook_store_test, each_hears_what_it_asked_for) {
  run([&]() -> aio::task<> {
    co_await must_add(webhook(1));
    auto second = webhook(2);
    second.events = {webhook_event::job_started, webhook_event::job_canceled, webhook_event::job_succeeded};
    co_await must_add(second);
    int number = 0;
    for (const auto end : {job_state::succeeded, job_state::canceled, job_state::failed}) {
      co_await add_job(++number);
      EXPECT_TRUE(co_await change_job(number, job_state::running, 2));
      EXPECT_TRUE(co_await change_job(number, end, 3));
    }
    EXPECT_EQ((**co_await store_.find(webhook(1).id)).pending, 2U);
    EXPECT_EQ((**co_await store_.find(webhook(2).id)).pending, 5U);
    EXPECT_TRUE(co_await jobs_.remove(told_job(1).id));
    EXPECT_EQ((co_await take_all()).size(), 7U) << "events outlive their job";
  });
}

TEST_F(webhook_store_test, nothing_is_queued_for_nobody) {
  run([&]() -> aio::task<> {
    co_await add_job(1);
    EXPECT_TRUE(co_await change_job(1, job_state::canceled, 2));
    co_await must_add(webhook(1));
    EXPECT_TRUE((co_await store_.next())->empty());
    EXPECT_EQ(queued_, 0);
  });
}

TEST_F(webhook_store_test, the_earliest_of_each_and_the_longest_untried_first) {
  run([&]() -> aio::task<> {
    for (const int number : {1, 2})
      co_await must_add(webhook(number));
    for (const int number : {1, 2}) {
      co_await add_job(number);
      EXPECT_TRUE(co_await change_job(number, job_state::succeeded, 2));
    }
    auto heads = *co_await store_.next();
    EXPECT_EQ(heads.size(), 2U);
    EXPECT_EQ(heads[0].to, webhook(1).id);
    const auto again = when + std::chrono::hours{1};
    co_await settle(heads[0], 500, again);
    const auto first = heads[0].id;
    heads = *co_await store_.next();
    EXPECT_EQ(heads[0].to, webhook(2).id);
    EXPECT_EQ(heads[1].to, webhook(1).id);
    EXPECT_NE(heads[1].id, first) << "one that failed does not hold up the next";
    co_await settle(heads[1], 200);
    heads = *co_await store_.next();
    EXPECT_EQ(heads[1].id, first);
    EXPECT_EQ(heads[1].tries, 1);
    EXPECT_EQ(heads[1].due, again);
    co_await settle(heads[1], 500);
    const auto seen = **co_await store_.find(webhook(1).id);
    EXPECT_EQ(seen.given_up, 1U);
    EXPECT_EQ(seen.pending, 0U);
    EXPECT_EQ(seen.last->error, "no");
    EXPECT_EQ(seen.succeeded, when);
  });
}

TEST_F(webhook_store_test, one_that_is_gone_is_left_alone_until_a_test_is_taken) {
  run([&]() -> aio::task<> {
    co_await must_add(webhook(1));
    for (const int number : {1, 2}) {
      co_await add_job(number);
      EXPECT_TRUE(co_await change_job(number, job_state::succeeded, 2));
    }
    const auto heads = co_await store_.next();
    co_await settle(heads->at(0), 410, {}, true);
    EXPECT_TRUE((co_await store_.next())->empty()) << "what waits goes as well";
    auto seen = **co_await store_.find(webhook(1).id);
    EXPECT_EQ(seen.disabled, when);
    EXPECT_EQ(seen.disabled_why, "no");
    co_await add_job(3);
    EXPECT_TRUE(co_await change_job(3, job_state::succeeded, 2));
    EXPECT_TRUE((co_await store_.next())->empty());
    for (int twice = 0; twice < 2; ++twice)
      EXPECT_TRUE(co_await store_.queue_ping(webhook(1).id, "p" + std::to_string(twice), "{}", when));
    EXPECT_EQ((co_await take_all()).size(), 1U) << "one test at a time";
    seen = **co_await store_.find(webhook(1).id);
    EXPECT_FALSE(seen.disabled);
    EXPECT_EQ((co_await store_.queue_ping(webhook(9).id, "p", "{}", when)).error().code, errc::not_found);
  });
}

TEST_F(webhook_store_test, what_became_of_a_webhook_that_is_gone_is_no_error) {
  run([&]() -> aio::task<> {
    co_await must_add(webhook(1));
    EXPECT_TRUE(co_await store_.queue_ping(webhook(1).id, "p", "{}", when));
    const auto heads = co_await store_.next();
    EXPECT_TRUE(co_await store_.remove(webhook(1).id));
    EXPECT_TRUE((co_await store_.next())->empty());
    co_await settle(heads->at(0), 410, {}, true);
    EXPECT_TRUE((co_await store_.list())->empty());
  });
}

TEST_F(webhook_store_test, a_read_that_has_ended_does_not_keep_the_wal) {
  run([&]() -> aio::task<> {
    co_await must_add(webhook(1));
    EXPECT_TRUE((co_await store_.find(webhook(1).id))->has_value());
    SQLite::Database other{(directory_ / "kiln.db").native(), SQLite::OPEN_READWRITE};
    SQLite::Statement checkpoint{other, "PRAGMA wal_checkpoint(TRUNCATE)"};
    EXPECT_TRUE(checkpoint.executeStep());
    EXPECT_EQ(checkpoint.getColumn(0).getInt(), 0) << "busy";
  });
}

} // namespace
} // namespace kiln::store
