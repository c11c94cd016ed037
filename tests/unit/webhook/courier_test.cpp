// SPDX-License-Identifier: Apache-2.0
// The real store, and a sender that a test controls.
#include "store/database.hpp"
#include "store/sqlite_webhook_store.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"
#include "webhook/courier.hpp"
#include "webhook/signature.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <deque>
#include <map>

namespace kiln::webhook {
namespace {

constexpr const char* secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

class fake_sender final : public sender {
public:
  explicit fake_sender(aio::executor_type loop) : changed(loop) {}

  aio::task<sent> send(letter what) override {
    letters.push_back(what);
    now.insert(what.url);
    most_at_once = std::max(most_at_once, now.size());
    changed.notify_all();
    while (held.contains(what.url) && !is_aborted)
      co_await changed.wait();
    now.erase(what.url);
    auto& waiting = answers[what.url];
    sent out{.status = 200};
    if (is_aborted)
      out = {.status = {}, .error = "aborted"};
    else if (!waiting.empty()) {
      out = waiting.front();
      waiting.pop_front();
    }
    changed.notify_all();
    co_return out;
  }

  void abort() override {
    is_aborted = true;
    changed.notify_all();
  }

  aio::notification changed;
  std::vector<letter> letters;
  std::map<std::string, std::deque<sent>> answers; ///< by URL; 200 if none is left
  std::set<std::string> held;                      ///< URLs that do not answer
  std::multiset<std::string> now;                  ///< under way
  std::size_t most_at_once = 0;
  bool is_aborted = false;
};

sent failure(int status) {
  return {.status = status, .error = "it answered " + std::to_string(status)};
}

std::string field(const letter& of, std::string_view name) {
  for (const auto& [known, value] : of.fields)
    if (known == name)
      return value;
  return {};
}

class courier_test : public tests::loop_test {
protected:
  courier_test()
      : log_("test", std::make_shared<spdlog::sinks::null_sink_st>()),
        store_(*store::database::open(executor(), directory_ / "kiln.db")), sender_(executor()) {
    settings_.waits = {wait{1}, wait{2}};
    settings_.after_trouble = wait{1};
  }

  aio::task<webhook_id> add(std::string url) {
    store::webhook_record made;
    made.id = webhook_id::make(std::chrono::milliseconds{++made_}, 0);
    made.url = std::move(url);
    made.events = {domain::webhook_event::job_failed};
    made.secret = secret;
    const auto id = made.id;
    EXPECT_TRUE(co_await store_.add(std::move(made)));
    co_return id;
  }

  /// Only pings can be queued without a job; they are tried once.
  aio::task<> ping(webhook_id to) {
    auto name = "m" + std::to_string(++queued_);
    EXPECT_TRUE(co_await store_.queue_ping(to, std::move(name), "{}", store::time_point{}));
  }

  /// As the end of a job queues it.
  void queue(const webhook_id& to, int number) {
    SQLite::Database direct{(directory_ / "kiln.db").native(), SQLite::OPEN_READWRITE, 5000};
    direct.exec("INSERT INTO delivery (id, webhook, event, payload, tries, due_ms) VALUES ('d" +
                std::to_string(number) + "', '" + to.str() + "', 'job.failed', '{}', 0, " +
                std::to_string(number) + ")");
  }

  aio::task<store::webhook_record> look(webhook_id id) { co_return **co_await store_.find(std::move(id)); }

  aio::task<> until(std::function<bool()> condition) {
    while (!condition())
      co_await sender_.changed.wait();
  }

  /// Until the store has nothing left.
  aio::task<> until_empty() {
    for (;;) {
      const auto left = co_await store_.next();
      if (left->empty())
        co_return;
      aio::timer t{executor(), std::chrono::milliseconds{1}};
      co_await t.async_wait(aio::use_task);
    }
  }

  tests::temp_directory directory_;
  spdlog::logger log_;
  store::sqlite_webhook_store store_;
  fake_sender sender_;
  courier_settings settings_;
  int made_ = 0, queued_ = 0;
};

TEST_F(courier_test, delivers_signed_what_an_earlier_life_has_left) {
  run([&]() -> aio::task<> {
    const auto id = co_await add("http://a/");
    queue(id, 1);
    courier c{executor(), store_, sender_, settings_, log_};
    c.start();
    co_await until_empty();
    co_await c.stop(std::chrono::seconds{1});
    EXPECT_EQ(sender_.letters.size(), 1U);
    const auto& sent = sender_.letters.at(0);
    EXPECT_EQ(sent.body, "{}");
    EXPECT_EQ(field(sent, "webhook-id"), "d1");
    const auto seconds = std::stoll(field(sent, "webhook-timestamp"));
    EXPECT_EQ(field(sent, "webhook-signature"), sign(*key_of_secret(secret), "d1", seconds, "{}"));
    const auto now = co_await look(id);
    EXPECT_EQ(now.last->status, 200);
    EXPECT_EQ(now.last->error, std::nullopt);
    EXPECT_EQ(now.succeeded, now.last->at);
    EXPECT_EQ(now.pending, 0U);
  });
}

TEST_F(courier_test, tries_again_under_the_same_id_and_gives_up_in_the_end) {
  run([&]() -> aio::task<> {
    const auto id = co_await add("http://a/");
    queue(id, 1);
    sender_.answers["http://a/"] = {failure(500), failure(503), failure(404), failure(500)};
    courier c{executor(), store_, sender_, settings_, log_};
    c.start();
    co_await until_empty();
    co_await c.stop(std::chrono::seconds{1});
    EXPECT_EQ(sender_.letters.size(), 3U) << "once, and once for each wait";
    for (const auto& one : sender_.letters)
      EXPECT_EQ(field(one, "webhook-id"), "d1");
    const auto now = co_await look(id);
    EXPECT_EQ(now.last->status, 404);
    EXPECT_EQ(now.given_up, 1U);
    EXPECT_FALSE(now.disabled);
    EXPECT_FALSE(now.succeeded);
  });
}

TEST_F(courier_test, gone_disables_and_takes_along_what_waits) {
  run([&]() -> aio::task<> {
    const auto id = co_await add("http://a/");
    queue(id, 1);
    queue(id, 2);
    sender_.answers["http://a/"] = {failure(410)};
    courier c{executor(), store_, sender_, settings_, log_};
    c.start();
    co_await until_empty();
    EXPECT_EQ(sender_.letters.size(), 1U);
    auto now = co_await look(id);
    EXPECT_TRUE(now.disabled);
    EXPECT_EQ(now.disabled_why, "it answered 410");
    co_await ping(id);
    c.wake();
    co_await until_empty();
    now = co_await look(id);
    EXPECT_FALSE(now.disabled) << "its test was taken";
    co_await c.stop(std::chrono::seconds{1});
  });
}

TEST_F(courier_test, dead_receivers_hold_up_no_other_and_each_hears_one_at_a_time) {
  run([&]() -> aio::task<> {
    int number = 0;
    for (const char* dead : {"http://d1/", "http://d2/", "http://d3/"}) {
      const auto id = co_await add(dead);
      sender_.held.insert(dead);
      for (int i = 0; i < 3; ++i)
        queue(id, ++number);
    }
    const auto good = co_await add("http://good/");
    for (int i = 0; i < 5; ++i)
      queue(good, ++number);
    courier c{executor(), store_, sender_, settings_, log_};
    c.start();
    co_await until([&] { return sender_.letters.size() == 8 && sender_.now.size() == 3; });
    EXPECT_EQ(sender_.most_at_once, 4U);
    for (const char* dead : {"http://d1/", "http://d2/", "http://d3/"})
      EXPECT_EQ(sender_.now.count(dead), 1U);
    sender_.held.clear();
    sender_.changed.notify_all();
    co_await until_empty();
    EXPECT_EQ(sender_.letters.size(), 14U);
    co_await c.stop(std::chrono::seconds{1});
  });
}

TEST_F(courier_test, more_dead_receivers_than_room_still_leave_the_others_their_turn) {
  settings_.at_once = 2;
  settings_.waits = {std::chrono::hours{1}};
  run([&]() -> aio::task<> {
    int number = 0;
    for (const char* dead : {"http://d1/", "http://d2/", "http://d3/", "http://d4/"}) {
      const auto id = co_await add(dead);
      sender_.answers[dead].assign(100, failure(500));
      for (int i = 0; i < 30; ++i)
        queue(id, ++number);
    }
    const auto good = co_await add("http://good/");
    queue(good, ++number); // the last in every order but that of its turn
    courier c{executor(), store_, sender_, settings_, log_};
    c.start();
    const auto told = [&] {
      return std::ranges::any_of(sender_.letters, [](const letter& l) { return l.url == "http://good/"; });
    };
    co_await until(told);
    EXPECT_LE(sender_.letters.size(), 10U);
    co_await c.stop(std::chrono::seconds{1});
  });
}

TEST_F(courier_test, what_a_stop_cuts_short_is_not_counted_and_waits_for_the_next_start) {
  run([&]() -> aio::task<> {
    const auto id = co_await add("http://a/");
    queue(id, 1);
    sender_.held.insert("http://a/");
    {
      courier c{executor(), store_, sender_, settings_, log_};
      c.start();
      co_await until([&] { return sender_.now.size() == 1; });
      co_await c.stop(std::chrono::milliseconds{1});
    }
    const auto left = co_await store_.next();
    EXPECT_EQ(left->size(), 1U);
    EXPECT_EQ(left->at(0).tries, 0);
    EXPECT_FALSE((co_await look(id)).last);
    sender_.held.clear();
    sender_.is_aborted = false;
    courier c{executor(), store_, sender_, settings_, log_};
    c.start();
    co_await until_empty();
    co_await c.stop(std::chrono::seconds{1});
    EXPECT_EQ(field(sender_.letters.at(0), "webhook-id"), field(sender_.letters.at(1), "webhook-id"));
  });
}

TEST_F(courier_test, a_webhook_that_is_removed_meanwhile_is_no_trouble) {
  run([&]() -> aio::task<> {
    const auto id = co_await add("http://a/");
    queue(id, 1);
    sender_.held.insert("http://a/");
    courier c{executor(), store_, sender_, settings_, log_};
    c.start();
    co_await until([&] { return sender_.now.size() == 1; });
    EXPECT_TRUE(co_await store_.remove(id));
    sender_.held.clear();
    sender_.changed.notify_all();
    co_await until([&] { return sender_.now.empty(); });
    const auto other = co_await add("http://b/");
    co_await ping(other);
    c.wake();
    co_await until_empty();
    co_await c.stop(std::chrono::seconds{1});
    EXPECT_EQ(sender_.letters.size(), 2U);
  });
}

} // namespace
} // namespace kiln::webhook
