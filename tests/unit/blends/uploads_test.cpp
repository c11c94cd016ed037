// SPDX-License-Identifier: Apache-2.0
#include "blends/uploads.hpp"
#include "store/database.hpp"
#include "store/sqlite_job_store.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

namespace kiln::blends {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::string small = "BLENDER-v304 and so on";

class uploads_test : public tests::loop_test {
protected:
  std::unique_ptr<uploads> make(upload_rules rules = {}) {
    return std::make_unique<uploads>(executor(), dir_ / "blends", rules, store_, pool_, log_);
  }

  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator{dir_ / "blends"}, {}));
  }

  aio::task<result<uploads::outcome>> send(uploads& to, std::string bytes,
                                           std::optional<std::string> digest = {},
                                           access::principal_ptr by = anybody) {
    auto begun = co_await to.begin(bytes.size());
    if (!begun)
      co_return begun.error();
    if (const auto added = co_await to.add(**begun, bytes); !added) {
      co_await to.give_up(std::move(*begun));
      co_return added.error();
    }
    co_return co_await to.finish(std::move(*begun), by->name + "a.blend", std::move(digest), by);
  }

  static inline const access::principal_ptr anybody = std::make_shared<access::principal>();
  static access::principal_ptr caller(std::string name, access::role rank = access::role::submit) {
    return std::make_shared<access::principal>(std::move(name), rank);
  }

  /// A job of an upload.
  aio::task<store::job_record> add_job(const std::string& digits) {
    store::job_record made;
    made.id = job_id::make(1ms, next_++);
    made.spec.blend = "/x";
    made.spec.blend_name = format_upload_id(digits);
    made.spec.frames = *domain::frame_set::parse("1");
    made.created = store::time_point{1ms};
    auto copy = made;
    EXPECT_TRUE(co_await jobs_.add(std::move(copy)));
    co_return made;
  }

  aio::task<> end(store::job_record job, store::time_point when) {
    job.state = domain::job_state::canceled;
    job.finished = when;
    ++job.revision;
    store::change c{std::move(job)};
    EXPECT_TRUE(co_await jobs_.save(std::move(c), store::durability::durable));
  }

  static store::time_point now() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }

  tests::temp_directory dir_;
  aio::blocking_pool pool_{2};
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  std::shared_ptr<store::database> shared_ = *store::database::open(executor(), dir_ / "kiln.db");
  store::sqlite_upload_store store_{shared_};
  store::sqlite_job_store jobs_{shared_};
  std::uint64_t next_ = 1;
  const std::optional<std::int64_t> first_page;
  const std::optional<std::string> no_digest;
};

TEST_F(uploads_test, ids_are_written_in_one_way) {
  const auto digits = std::string(64, 'a');
  EXPECT_EQ(parse_upload_id("sha256:" + digits), digits);
  EXPECT_EQ(format_upload_id(digits), "sha256:" + digits);
  for (const auto& bad : {digits, "sha256:" + digits + "a", "sha256:" + digits.substr(1), "SHA256:" + digits,
                          "sha256:" + std::string(64, 'A'), "sha256:" + std::string(64, '/'), std::string{}})
    EXPECT_FALSE(parse_upload_id(bad)) << bad;
}

TEST_F(uploads_test, the_same_content_is_kept_once) {
  run([&]() -> aio::task<> {
    const auto all = make();
    EXPECT_TRUE(co_await all->recover());
    const auto first = co_await send(*all, small);
    const auto second = co_await send(*all, small);
    EXPECT_TRUE(first->is_new);
    EXPECT_FALSE(second->is_new);
    EXPECT_EQ(first->upload.digest, digest::sha256(small));
    EXPECT_EQ(first->upload.number, second->upload.number);
    EXPECT_EQ(files(), 1U);
    EXPECT_EQ((co_await all->list(first_page, 10, anybody))->size(), 1U);
  });
}

TEST_F(uploads_test, who_has_not_sent_it_does_not_see_it) {
  run([&]() -> aio::task<> {
    const auto all = make();
    EXPECT_TRUE(co_await all->recover());
    const auto ann = caller("ann"), bob = caller("bob"), root = caller("root", access::role::admin);
    const auto first = co_await send(*all, small, no_digest, ann);
    const auto digits = first->upload.digest;
    EXPECT_EQ((co_await all->find(digits, bob)).error().code, errc::not_found);
    EXPECT_EQ((co_await all->use(digits, bob)).error().code, errc::not_found);
    EXPECT_TRUE((co_await all->list(first_page, 10, bob))->empty());
    for (const auto& by : {ann, root, anybody}) {
      EXPECT_EQ((co_await all->find(digits, by))->name, "anna.blend");
      EXPECT_TRUE(co_await all->use(digits, by));
      EXPECT_EQ((co_await all->list(first_page, 10, by))->size(), 1U);
    }
    const auto second = co_await send(*all, small, no_digest, bob);
    EXPECT_TRUE(second->is_new) << "that somebody else has the same file is not told";
    EXPECT_EQ(second->upload.name, "boba.blend");
    EXPECT_FALSE((co_await send(*all, small, no_digest, bob))->is_new);
    EXPECT_TRUE(co_await all->use(digits, bob));
    EXPECT_EQ(files(), 1U);
    EXPECT_EQ((co_await all->find(digits, ann))->name, "anna.blend");
    EXPECT_TRUE(co_await all->remove(digits));
    EXPECT_TRUE((co_await send(*all, small, no_digest, ann))->is_new);
    EXPECT_EQ((co_await all->find(digits, bob)).error().code, errc::not_found) << "its senders went with it";
  });
}

TEST_F(uploads_test, all_see_what_is_shared) {
  run([&]() -> aio::task<> {
    const auto all = make({.are_shared = true});
    EXPECT_TRUE(co_await all->recover());
    const auto ann = caller("ann"), bob = caller("bob"), eve = caller("eve", access::role::read);
    const auto digits = (co_await send(*all, small, no_digest, ann))->upload.digest;
    EXPECT_FALSE((co_await send(*all, small, no_digest, bob))->is_new);
    EXPECT_TRUE(co_await all->use(digits, eve));
  });
}

TEST_F(uploads_test, what_is_refused_leaves_nothing) {
  run([&]() -> aio::task<> {
    const auto all = make({.file_bytes = 1000, .all_bytes = 1500});
    EXPECT_TRUE(co_await all->recover());
    EXPECT_EQ((co_await send(*all, "text")).error().code, errc::corrupt);
    EXPECT_EQ((co_await send(*all, "")).error().code, errc::corrupt);
    EXPECT_EQ((co_await send(*all, small, std::string(64, '0'))).error().code, errc::invalid_input);
    EXPECT_EQ((co_await send(*all, small + std::string(1000, 'x'))).error().code, errc::too_large);
    EXPECT_EQ(files(), 0U);
    EXPECT_TRUE(co_await send(*all, small + std::string(800, 'x')));
    EXPECT_EQ((co_await send(*all, small + std::string(800, 'y'))).error().code, errc::no_room);
    EXPECT_TRUE(co_await send(*all, small)) << "what was refused holds no room";
    EXPECT_EQ(files(), 2U);
  });
}

TEST_F(uploads_test, a_reserve_of_the_disk_stays_free) {
  run([&]() -> aio::task<> {
    const auto all = make({.disk_reserve = std::uintmax_t{1} << 60});
    EXPECT_TRUE(co_await all->recover());
    EXPECT_EQ((co_await send(*all, small)).error().code, errc::no_room);
    EXPECT_EQ(files(), 0U);
  });
}

TEST_F(uploads_test, one_that_is_leased_or_needed_stays) {
  run([&]() -> aio::task<> {
    const auto all = make();
    EXPECT_TRUE(co_await all->recover());
    const auto digits = (co_await send(*all, small))->upload.digest;
    {
      const auto lease = co_await all->use(digits, anybody);
      EXPECT_EQ(lease->file, fs::canonical(dir_ / "blends") / digits / "upload.blend");
      EXPECT_EQ((co_await all->remove(digits)).error().code, errc::conflict);
      EXPECT_TRUE((co_await all->expire(now() + 1h))->has_value());
      EXPECT_EQ(files(), 1U);
    }
    const auto job = co_await add_job(digits);
    EXPECT_EQ((co_await all->remove(digits)).error().code, errc::conflict);
    EXPECT_TRUE((co_await all->expire(now() + 1h))->has_value());
    co_await end(job, now());
    EXPECT_TRUE(co_await all->remove(digits));
    EXPECT_EQ((co_await all->remove(digits)).error().code, errc::not_found);
    EXPECT_EQ((co_await all->use(digits, anybody)).error().code, errc::not_found);
    EXPECT_EQ(files(), 0U);
  });
}

TEST_F(uploads_test, what_was_used_long_ago_goes_first) {
  run([&]() -> aio::task<> {
    const auto all = make();
    EXPECT_TRUE(co_await all->recover());
    const auto old = (co_await send(*all, small + "old"))->upload.digest;
    const auto used = (co_await send(*all, small + "used"))->upload.digest;
    const auto later = now() + 1h;
    co_await end(co_await add_job(used), later);
    EXPECT_EQ(*co_await all->expire(later), later) << "the next one to go was used last when its job ended";
    EXPECT_EQ((co_await all->find(old, anybody)).error().code, errc::not_found);
    EXPECT_TRUE(co_await all->find(used, anybody));
    EXPECT_EQ(*co_await all->expire(later), later) << "not before its time";
    EXPECT_EQ(*co_await all->expire(later + 1ms), std::nullopt);
    EXPECT_EQ(files(), 0U);
  });
}

TEST_F(uploads_test, files_and_rows_come_together) {
  run([&]() -> aio::task<> {
    std::string kept, lost;
    {
      const auto all = make();
      EXPECT_TRUE(co_await all->recover());
      kept = (co_await send(*all, small + "kept"))->upload.digest;
      lost = (co_await send(*all, small + "lost"))->upload.digest;
    }
    fs::remove_all(dir_ / "blends" / lost);
    fs::create_directory(dir_ / "blends" / "incoming-abc");
    dir_.write("blends/incoming-abc/upload.blend", small);
    EXPECT_TRUE(co_await store_.remove(kept));
    const auto all = make({.all_bytes = small.size() + 4});
    EXPECT_TRUE(co_await all->recover());
    EXPECT_EQ((co_await all->find(kept, anybody))->bytes, small.size() + 4);
    EXPECT_EQ((co_await all->find(lost, anybody)).error().code, errc::not_found);
    EXPECT_EQ(files(), 1U);
    EXPECT_EQ((co_await send(*all, small)).error().code, errc::no_room) << "what was found counts";
  });
}

} // namespace
} // namespace kiln::blends
