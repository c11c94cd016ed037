// SPDX-License-Identifier: Apache-2.0
// One suite for the store and for its fake: both must behave alike.
#include "aio/task_group.hpp"
#include "store/sqlite_job_store.hpp"
#include "support/fake_job_store.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"
#include "unit/store/records.hpp"

#include <fmt/format.h>

namespace kiln::store {
namespace {

using domain::job_state;

class job_store_test : public tests::loop_test, public testing::WithParamInterface<const char*> {
protected:
  std::unique_ptr<job_store> open() {
    if (std::string_view{GetParam()} == "fake")
      return std::make_unique<tests::fake_job_store>();
    return std::move(*sqlite_job_store::open(executor(), directory_ / "kiln.db"));
  }

  aio::task<> must_add(job_record record) { EXPECT_TRUE(co_await store_->add(std::move(record))); }
  aio::task<> must_save(change c, durability how = durability::relaxed) {
    EXPECT_TRUE(co_await store_->save(std::move(c), how));
  }

  tests::temp_directory directory_;
  std::unique_ptr<job_store> store_ = open();
};

INSTANTIATE_TEST_SUITE_P(kinds, job_store_test, testing::Values("sqlite", "fake"),
                         [](const auto& kind) { return std::string{kind.param}; });

TEST_P(job_store_test, gives_back_what_it_got) {
  run([&]() -> aio::task<> {
    for (const auto& record : {job(1), full_job(2)}) {
      co_await must_add(record);
      const auto found = co_await store_->find(record.id);
      EXPECT_EQ(**found, record);
    }
    EXPECT_FALSE((co_await store_->find(id_of(3)))->has_value());
    EXPECT_EQ((co_await store_->add(job(1))).error().code, errc::conflict);
    EXPECT_EQ(*co_await store_->newest(), id_of(2));
  });
}

TEST_P(job_store_test, a_late_change_does_not_overwrite_a_newer_one) {
  run([&]() -> aio::task<> {
    co_await must_add(job(1));
    change newer{job(1)};
    newer.job.revision = 5;
    newer.job.state = job_state::canceled;
    newer.job.finished = newer.job.created;
    newer.frames = list_of(done(1));
    co_await must_save(newer, durability::durable);
    for (const std::uint64_t revision : {4, 5}) {
      change late{job(1)};
      late.job.revision = revision;
      late.frames = list_of(done(2));
      EXPECT_EQ((co_await store_->save(late, durability::relaxed)).error().code, errc::conflict);
    }
    EXPECT_EQ(**co_await store_->find(id_of(1)), newer.job);
    EXPECT_EQ((co_await store_->frames(id_of(1), -1, 10))->size(), 1U) << "all of a change, or nothing";
    change unknown{job(9)};
    unknown.job.revision = 9;
    EXPECT_EQ((co_await store_->save(unknown, durability::relaxed)).error().code, errc::conflict);
  });
}

TEST_P(job_store_test, frames_come_in_their_order_and_pending_ones_are_forgotten) {
  run([&]() -> aio::task<> {
    co_await must_add(job(1));
    change c{job(1)};
    c.job.revision = 2;
    const domain::failure why{
        .kind = domain::failure_kind::killed, .message = "x", .frame = 7, .exit_status = 1};
    const frame_record failed{.frame = 7, .now = frame_record::state::failed, .tries = 3, .failure = why};
    const frame_record tried{.frame = 5,
                             .now = frame_record::state::pending,
                             .tries = 1,
                             .failure = domain::failure{.kind = why.kind, .message = "y", .frame = 5}};
    c.frames = list_of(failed, done(2, 0.5), tried);
    co_await must_save(c);
    EXPECT_EQ(*co_await store_->frames(id_of(1), -1, 10), list_of(done(2, 0.5), tried, failed));
    EXPECT_EQ(*co_await store_->frames(id_of(1), 2, 1), list_of(tried));
    auto some = list_of(1, 2, 7);
    EXPECT_EQ(*co_await store_->frames_at(id_of(1), std::move(some)), list_of(done(2, 0.5), failed));
    const auto states = *co_await store_->states_of_frames(id_of(1));
    EXPECT_EQ(states.done, domain::frame_set::of({2}));
    EXPECT_EQ(states.failed, domain::frame_set::of({7}));
    EXPECT_EQ(states.seconds, list_of(std::pair{2, 0.5F}));
    c.job.revision = 3;
    c.frames = list_of(frame_record{.frame = 7}, done(5));
    co_await must_save(c);
    EXPECT_EQ(*co_await store_->frames(id_of(1), -1, 10), list_of(done(2, 0.5), done(5)));
    EXPECT_TRUE((co_await store_->frames(id_of(2), -1, 10))->empty());
  });
}

TEST_P(job_store_test, live_jobs_come_with_all_they_have) {
  run([&]() -> aio::task<> {
    for (int i = 1; i <= 4; ++i)
      co_await must_add(job(i));
    change running{job(2)};
    running.job.revision = 2;
    running.job.state = job_state::running;
    running.frames = list_of(done(1));
    const auto began = running.job.created;
    running.attempts = {
        attempt_record{.number = 1, .frames = *domain::frame_set::parse("1-10x3"), .began = began}};
    co_await must_save(running);
    running.job.revision = 3;
    running.attempts[0].pid = 77;
    running.attempts[0].ended = began + std::chrono::seconds{1};
    co_await must_save(running);
    change ended{job(3)};
    ended.job.revision = 2;
    ended.job.state = job_state::canceled;
    ended.job.finished = began;
    co_await must_save(ended);
    change paused{job(4)};
    paused.job.revision = 2;
    paused.job.state = job_state::paused;
    paused.job.wish = intent::pause;
    co_await must_save(paused);
    const auto live = co_await store_->load_live();
    EXPECT_EQ(live->size(), 3U);
    EXPECT_EQ((*live)[0].job, job(1));
    EXPECT_EQ((*live)[1].job, running.job);
    EXPECT_EQ((*live)[1].frames, list_of(done(1)));
    EXPECT_EQ((*live)[1].attempts, running.attempts);
    EXPECT_EQ((*live)[2].job.wish, intent::pause);
  });
}

TEST_P(job_store_test, a_pid_means_the_newest_attempt_that_had_it) {
  run([&]() -> aio::task<> {
    for (int i = 1; i <= 2; ++i) {
      co_await must_add(job(i));
      change c{job(i)};
      c.job.revision = 2;
      c.attempts = {
          attempt_record{.number = 1, .frames = c.job.spec.frames, .pid = 77, .began = c.job.created}};
      co_await must_save(c);
    }
    EXPECT_EQ((**co_await store_->find_by_pid(77)).id, id_of(2));
    EXPECT_FALSE((co_await store_->find_by_pid(78))->has_value());
  });
}

TEST_P(job_store_test, lists_the_newest_first_by_state_tag_and_page) {
  run([&]() -> aio::task<> {
    for (int i = 1; i <= 6; ++i) {
      auto record = job(i);
      record.spec.tags = {i % 2 == 0 ? "even" : "odd"};
      record.owner = i == 1 ? "" : i < 4 ? "ann" : "bob";
      if (i > 4) {
        record.state = job_state::canceled;
        record.finished = record.created;
      }
      co_await must_add(record);
    }
    const auto numbers = [&](job_filter filter) -> aio::task<std::vector<job_id>> {
      const auto found = co_await store_->list(std::move(filter));
      std::vector<job_id> ids;
      for (const auto& record : *found)
        ids.push_back(record.id);
      co_return ids;
    };
    job_filter all, page, odd, queued, both, anns, nobodys, bobs_even, bobs_queued, bobs_odd_canceled;
    page.cursor = id_of(4);
    page.limit = 2;
    odd.tag = "odd";
    queued.states = {job_state::queued};
    both.states = {job_state::canceled};
    both.tag = "even";
    anns.owner = "ann";
    nobodys.owner = "'' OR 1=1";
    bobs_even.owner = bobs_queued.owner = bobs_odd_canceled.owner = "bob";
    bobs_even.tag = "even";
    bobs_queued.states = {job_state::queued};
    bobs_odd_canceled.states = {job_state::canceled};
    bobs_odd_canceled.tag = "odd";
    EXPECT_EQ((co_await numbers(all)).size(), 6U);
    EXPECT_EQ(co_await numbers(page), list_of(id_of(3), id_of(2)));
    EXPECT_EQ(co_await numbers(odd), list_of(id_of(5), id_of(3), id_of(1)));
    EXPECT_EQ(co_await numbers(queued), list_of(id_of(4), id_of(3), id_of(2), id_of(1)));
    EXPECT_EQ(co_await numbers(both), list_of(id_of(6)));
    EXPECT_EQ(co_await numbers(anns), list_of(id_of(3), id_of(2)));
    EXPECT_TRUE((co_await numbers(nobodys)).empty());
    EXPECT_EQ(co_await numbers(bobs_even), list_of(id_of(6), id_of(4)));
    EXPECT_EQ(co_await numbers(bobs_queued), list_of(id_of(4)));
    EXPECT_EQ(co_await numbers(bobs_odd_canceled), list_of(id_of(5)));
  });
}

TEST_P(job_store_test, a_search_and_both_orders) {
  run([&]() -> aio::task<> {
    for (int i = 1; i <= 4; ++i) {
      auto record = job(i);
      record.spec.name = i == 1 ? "Shot_010" : i == 2 ? "100%" : "";
      record.spec.blend_name = "a.blend";
      record.spec.tags = {i == 3 ? "Shot" : "other"};
      record.owner = i == 4 ? "ann" : "bob";
      if (i > 2) {
        record.state = job_state::canceled;
        record.finished = record.created;
      }
      co_await must_add(record);
    }
    const auto numbers = [&](job_filter filter) -> aio::task<std::vector<job_id>> {
      const auto found = co_await store_->list(std::move(filter));
      std::vector<job_id> ids;
      for (const auto& record : *found)
        ids.push_back(record.id);
      co_return ids;
    };
    const auto of = [](std::string words) {
      job_filter f;
      f.words = std::move(words);
      return f;
    };
    auto shots = of("sHOT"), literal = of("t_0"), percent = of("%"), anns = of("ANN"), all = of("A.BLEND");
    auto apart = of("othera"), bobs = of("shot"), canceled = of("blend");
    bobs.owner = "bob";
    canceled.states = {job_state::canceled, job_state::failed};
    EXPECT_EQ(co_await numbers(shots), list_of(id_of(3), id_of(1)));
    EXPECT_EQ(co_await numbers(literal), list_of(id_of(1)));
    EXPECT_EQ(co_await numbers(percent), list_of(id_of(2)));
    EXPECT_EQ(co_await numbers(anns), list_of(id_of(4)));
    EXPECT_EQ((co_await numbers(all)).size(), 4U);
    EXPECT_TRUE((co_await numbers(apart)).empty());
    EXPECT_EQ(co_await numbers(bobs), list_of(id_of(3), id_of(1)));
    EXPECT_EQ(co_await numbers(canceled), list_of(id_of(4), id_of(3)));

    job_filter both, up;
    both.states = {job_state::canceled, job_state::queued};
    both.limit = 3;
    up = both;
    up.oldest_first = true;
    EXPECT_EQ(co_await numbers(both), list_of(id_of(4), id_of(3), id_of(2)));
    EXPECT_EQ(co_await numbers(up), list_of(id_of(1), id_of(2), id_of(3)));
    up.cursor = id_of(3);
    EXPECT_EQ(co_await numbers(up), list_of(id_of(4)));

    auto counted = *co_await store_->count("");
    EXPECT_EQ(counted[job_state::queued], 2U);
    EXPECT_EQ(counted[job_state::canceled], 2U);
    EXPECT_EQ(counted.size(), 2U);
    EXPECT_EQ((*co_await store_->count("ann"))[job_state::canceled], 1U);
    change again{job(1)};
    again.job.owner = "bob";
    again.job.revision = 2;
    again.job.state = job_state::running;
    again.job.spec.name = "other";
    again.has_new_words = true;
    co_await must_save(again);
    EXPECT_EQ((*co_await store_->count("bob"))[job_state::running], 1U);
    EXPECT_EQ((*co_await store_->count("bob"))[job_state::queued], 1U);
    EXPECT_TRUE((co_await numbers(literal)).empty());
    (void)co_await store_->remove(id_of(1));
    EXPECT_EQ((*co_await store_->count(""))[job_state::running], 0U);
  });
}

TEST_P(job_store_test, remove_takes_all_of_it) {
  run([&]() -> aio::task<> {
    auto record = job(1);
    record.spec.tags = {"t"};
    co_await must_add(record);
    change c{record};
    c.job.revision = 2;
    c.frames = list_of(done(1));
    c.attempts = {
        attempt_record{.number = 1, .frames = record.spec.frames, .pid = 5, .began = record.created}};
    co_await must_save(c);
    EXPECT_TRUE(co_await store_->remove(record.id));
    EXPECT_FALSE((co_await store_->find(record.id))->has_value());
    EXPECT_TRUE((co_await store_->frames(record.id, -1, 10))->empty());
    EXPECT_FALSE((co_await store_->find_by_pid(5))->has_value());
    EXPECT_EQ((co_await store_->remove(record.id)).error().code, errc::not_found);
    co_await must_add(record); // nothing of it is in the way
  });
}

TEST_P(job_store_test, the_first_to_end_is_told_with_what_its_frames_take) {
  run([&]() -> aio::task<> {
    EXPECT_FALSE((co_await store_->first_ended({}))->has_value());
    EXPECT_EQ(*co_await store_->frame_bytes(), 0U);
    const auto end_of = [](int number) { return job(number).created + std::chrono::hours{10 - number}; };
    for (const int number : {1, 2, 3}) { // the newest ends first, and the oldest goes on
      co_await must_add(job(number));
      change c{job(number)};
      c.job.revision = 2;
      c.job.state = number == 1 ? job_state::running : job_state::canceled;
      if (number != 1)
        c.job.finished = end_of(number);
      c.frames = list_of(done(number));
      c.frames.front().bytes = 100 * number;
      co_await must_save(c);
    }
    const auto first = co_await store_->first_ended({});
    EXPECT_EQ((*first)->id, id_of(3));
    EXPECT_EQ((*first)->finished, end_of(3));
    EXPECT_EQ((*first)->bytes, 300U);
    EXPECT_EQ(*co_await store_->frame_bytes(), 600U);
    EXPECT_TRUE(co_await store_->remove(id_of(3)));
    EXPECT_EQ((*co_await store_->first_ended({}))->id, id_of(2));
    EXPECT_EQ(*co_await store_->frame_bytes(), 300U);
    change again{job(1)}; // published again, and one that is rendered again
    again.job.revision = 3;
    again.job.state = job_state::running;
    again.frames = list_of(done(1), done(5));
    again.frames.front().bytes = 1000;
    again.frames.back().bytes = 7;
    co_await must_save(again);
    EXPECT_EQ(*co_await store_->frame_bytes(), 1207U);
    again.job.revision = 4;
    again.frames.back() = {.frame = 5};
    co_await must_save(again);
    EXPECT_EQ(*co_await store_->frame_bytes(), 1200U);
  });
}

TEST_P(job_store_test, a_key_is_used_once_and_is_known_with_its_answer) {
  run([&]() -> aio::task<> {
    auto now = job(1);
    now.created = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const request_key mine{.principal = "me", .key = "k'1", .digest = "d"};
    EXPECT_FALSE(*co_await store_->find_request("me", "k'1"));
    auto added = co_await store_->add_once(now, mine);
    EXPECT_TRUE(added) << added.error().message;
    auto second = job(2);
    second.created = now.created;
    EXPECT_EQ((co_await store_->add_once(second, mine)).error().code, errc::conflict);
    EXPECT_FALSE(*co_await store_->find(id_of(2))) << "all of it is kept, or nothing";
    EXPECT_FALSE(*co_await store_->find_request("you", "k'1"));
    const auto before = co_await store_->find_request("me", "k'1");
    EXPECT_EQ((*before)->answer, "");
    EXPECT_TRUE(co_await store_->keep_answer(mine, "{}"));
    EXPECT_TRUE(co_await store_->remove(id_of(1))) << "it need not be there any more";
    const auto kept = co_await store_->find_request("me", "k'1");
    EXPECT_EQ((*kept)->answer, "{}");
    EXPECT_EQ((*kept)->digest, "d");
    EXPECT_EQ((*kept)->job, id_of(1));
  });
}

TEST_P(job_store_test, history_is_by_key_and_the_newest_counts) {
  const std::string key(64, 'a');
  run([&]() -> aio::task<> {
    EXPECT_TRUE((co_await store_->history(key))->seconds.empty());
    co_await must_add(job(1));
    change c{job(1)};
    c.history_key = key;
    for (const double seconds : {1.0, 2.0}) {
      ++c.job.revision;
      c.frames = list_of(done(1, seconds), done(2, seconds));
      c.loading = seconds / 4;
      co_await must_save(c);
    }
    const auto known = co_await store_->history(key);
    EXPECT_EQ(known->seconds, (std::map<int, double>{{1, 2.0}, {2, 2.0}}));
    EXPECT_EQ(known->loading, 0.5);
    EXPECT_TRUE((co_await store_->history(std::string(64, 'b')))->seconds.empty());
  });
}

TEST_P(job_store_test, many_at_once_are_each_answered) {
  run([&]() -> aio::task<> {
    aio::task_group group{executor(), [](std::exception_ptr e) { std::rethrow_exception(e); }};
    int taken = 0, refused = 0;
    const auto add = [&](int number) -> aio::task<> {
      auto record = job(number);
      const auto added = co_await store_->add(std::move(record));
      ++(added ? taken : refused);
    };
    for (int i = 0; i < 200; ++i)
      group.spawn(add(i / 2)); // each twice
    co_await group.join();
    EXPECT_EQ(taken, 100);
    EXPECT_EQ(refused, 100) << "a refused change does not take its batch with it";
    EXPECT_EQ((co_await store_->load_live())->size(), 100U);
  });
}

} // namespace
} // namespace kiln::store
