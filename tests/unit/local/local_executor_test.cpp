// SPDX-License-Identifier: Apache-2.0
// With real processes: fake_blender plays a script. What a client sees of it is in tests/contract.
#include "digest/sha256.hpp"
#include "image/structural_image_check.hpp"
#include "local/local_executor.hpp"
#include "output/results.hpp"
#include "process/child.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <future>

#include <sys/wait.h>

namespace kiln::local {
namespace {

using domain::failure_kind;
using domain::process_exit;

struct seen_attempt final : executor::attempt_observer {
  void on_adopted(const attempt_id&, pid_t pid) override { adopted = pid; }
  void on_progress(const attempt_id&, const blender::frame_progress& now) override {
    progress.emplace_back(now.frame, now.fraction.value_or(0));
  }
  void on_output(const attempt_id&, std::string_view text) override { output += text; }
  void on_report(const attempt_id&, const blender::scene_report& r) override { report = r; }
  void on_published(const attempt_id&, const executor::published_frame& frame) override {
    published.push_back(frame.frame);
  }
  void on_end(const attempt_id&, const domain::attempt_facts& f) override {
    ++ends;
    facts = f;
  }
  std::vector<std::pair<int, double>> progress;
  std::vector<int> published;
  std::string output;
  int ends = 0;
  std::optional<pid_t> adopted;
  std::optional<blender::scene_report> report;
  domain::attempt_facts facts;
};

class local_executor_test : public tests::loop_test {
protected:
  static void SetUpTestSuite() { process::become_subreaper(); }
  void TearDown() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left, dead or alive";
    EXPECT_TRUE(output::list_files(dir_ / "out/.kiln").empty()) << "a workspace is left";
  }

  std::shared_ptr<installs> one_blender() {
    const std::vector<blender::install> all{{"default", blender_, "Blender 3.4.1"}};
    return std::make_shared<installs>(executor(), all);
  }

  local_executor make() {
    return {executor(),
            {.blenders = one_blender(),
             .output = dir_ / "out",
             .state = dir_ / "state",
             .environment = {},
             .stop_grace = std::chrono::milliseconds{200},
             .frame_grace = std::chrono::milliseconds{100},
             .sessions = {.idle = idle_},
             .open_blend = open_blend_},
            pool_,
            images_};
  }

  executor::attempt_request request(const std::string& script, int last = 3) {
    executor::attempt_request asked;
    asked.id = {*job_id::parse("j0123456789abcdefgh"), 1};
    asked.spec.blend = dir_.write("scene.blend", "BLENDER-v304\n" + script + "\n");
    asked.spec.frames = asked.frames = *domain::frame_set::range(1, last);
    return asked;
  }

  seen_attempt play(const std::string& script) {
    seen_attempt seen;
    auto attempts = make();
    run([&]() -> aio::task<> {
      (void)co_await attempts.start(request(script), seen);
      co_await attempts.join();
    });
    EXPECT_EQ(seen.ends, 1);
    return seen;
  }

  aio::task<> until(std::function<bool()> condition) {
    const auto deadline = aio::clock::now() + std::chrono::seconds{20};
    while (!condition() && aio::clock::now() < deadline) {
      aio::timer t{executor(), std::chrono::milliseconds{1}};
      co_await t.async_wait(aio::use_task);
    }
    EXPECT_TRUE(condition()) << "not in time";
  }

  /// Starts an attempt that comes to nothing by itself, and stops it by `reason` (timeout, stall: by its own
  /// timers) once it hangs.
  seen_attempt stop_before_it_renders(local_executor& attempts, executor::attempt_request asked,
                                      domain::stop_reason reason, std::function<bool()> hangs,
                                      std::function<void()> afterwards) {
    using enum domain::stop_reason;
    seen_attempt seen;
    if (reason == timeout)
      asked.time_left = std::chrono::milliseconds{300};
    if (reason == stall)
      asked.patience = std::chrono::milliseconds{300};
    run([&]() -> aio::task<> {
      if (preloads_) {
        attempts.expect(asked.spec, asked.owner);
        const auto is_loading = [&] {
          return std::filesystem::exists(asked.spec.blend.native() + ".loading");
        };
        co_await until(is_loading);
      }
      const auto start = [](local_executor& e, executor::attempt_request r, seen_attempt& o) -> aio::task<> {
        EXPECT_FALSE(co_await e.start(std::move(r), o));
      };
      aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
      group.spawn(start(attempts, asked, seen));
      co_await until(hangs);
      if (reason != timeout && reason != stall)
        attempts.stop(asked.id, reason);
      co_await until([&] { return seen.ends == 1; });
      afterwards();
      co_await group.join();
      co_await attempts.join();
    });
    EXPECT_EQ(seen.ends, 1);
    EXPECT_EQ(seen.facts.stopped, reason);
    EXPECT_FALSE(seen.facts.exit);
    EXPECT_TRUE(seen.published.empty());
    return seen;
  }

  static constexpr std::array reasons_{domain::stop_reason::cancel, domain::stop_reason::pause,
                                       domain::stop_reason::shutdown, domain::stop_reason::timeout,
                                       domain::stop_reason::stall};

  tests::temp_directory dir_;
  std::size_t idle_ = 0; ///< sessions that may wait
  bool preloads_ = false;
  executor::blend_opener open_blend_ = executor::open_anywhere;
  std::filesystem::path blender_ = FAKE_BLENDER;
  aio::blocking_pool pool_{2};
  image::structural_image_check images_{pool_};
};

TEST_F(local_executor_test, the_same_content_has_the_same_fingerprint_wherever_it_came_from) {
  auto attempts = make();
  run([&]() -> aio::task<> {
    domain::job_spec project, upload;
    project.blend = dir_.write("a.blend", "abc");
    project.blend_name = "a.blend";
    upload.blend = dir_ / "it-need-not-be-read";
    upload.blend_name = "sha256:" + digest::sha256("abc");
    const auto of_project = co_await attempts.fingerprint(project);
    EXPECT_TRUE(of_project);
    EXPECT_EQ(co_await attempts.fingerprint(upload), of_project);
    upload.blend_name = "sha256:" + digest::sha256("abcd");
    EXPECT_NE(co_await attempts.fingerprint(upload), of_project);
  });
}

TEST_F(local_executor_test, a_blend_that_may_not_be_opened_is_not_rendered) {
  seen_attempt seen;
  local_settings settings;
  settings.blenders = one_blender();
  settings.output = dir_ / "out";
  settings.state = dir_ / "state";
  settings.open_blend = [](const std::filesystem::path&) -> result<aio::unique_descriptor> {
    return error{errc::invalid_input, "it leads out"};
  };
  local_executor attempts{executor(), settings, pool_, images_};
  run([&]() -> aio::task<> {
    EXPECT_FALSE(co_await attempts.start(request("samples 1"), seen));
    co_await attempts.join();
  });
  ASSERT_TRUE(seen.facts.start_failure);
  EXPECT_EQ(seen.facts.start_failure->kind, domain::failure_kind::blend_unreadable);
  EXPECT_NE(seen.facts.start_failure->message.find("it leads out"), std::string::npos);
}

TEST_F(local_executor_test, a_good_attempt) {
  const auto seen = play("samples 2");
  EXPECT_EQ(seen.published, (std::vector{1, 2, 3}));
  EXPECT_EQ(seen.facts.exit, (process_exit{process_exit::how::exited, 0}));
  EXPECT_EQ(seen.facts.published, seen.facts.requested);
  EXPECT_TRUE(seen.facts.complaints.empty());
  EXPECT_EQ(seen.progress,
            (std::vector<std::pair<int, double>>{{1, .5}, {1, 1}, {2, .5}, {2, 1}, {3, .5}, {3, 1}}));
}

TEST_F(local_executor_test, placeholders_and_half_images) {
  EXPECT_TRUE(play("placeholders").facts.rejected.empty());
  const auto seen = play("half_frame 2");
  EXPECT_EQ(seen.published, (std::vector{1, 3}));
  ASSERT_EQ(seen.facts.rejected.size(), 1U);
  EXPECT_EQ(seen.facts.rejected[0].frame, 2);
  EXPECT_EQ(seen.facts.published.size(), 2U);
}

TEST_F(local_executor_test, complaints_are_kept_once_each) {
  const auto seen = play("print Info: Cannot find lib 'a'\nprint Info: Cannot find lib 'b'\nprint Error: "
                         "Cannot render, no camera\nexit 1");
  ASSERT_EQ(seen.facts.complaints.size(), 2U);
  EXPECT_EQ(seen.facts.complaints[0].kind, failure_kind::missing_files);
  EXPECT_EQ(seen.facts.complaints[1].kind, failure_kind::no_camera);
  EXPECT_EQ(seen.facts.exit, (process_exit{process_exit::how::exited, 1}));
}

TEST_F(local_executor_test, a_blender_that_cannot_be_started) {
  for (const auto& bad : {dir_ / "nowhere", dir_.path(), dir_.write("text", "x")}) {
    blender_ = bad;
    const auto seen = play("");
    ASSERT_TRUE(seen.facts.start_failure);
    EXPECT_EQ(seen.facts.start_failure->kind, failure_kind::blender_missing);
    EXPECT_NE(seen.facts.start_failure->message.find(bad.native()), std::string::npos);
    EXPECT_FALSE(seen.facts.exit);
  }
}

TEST_F(local_executor_test, stop_ends_a_render_and_what_ignores_it) {
  for (const char* script : {"hang", "ignore TERM\nhang", "fork\nhang"}) {
    seen_attempt seen;
    auto attempts = make();
    run([&]() -> aio::task<> {
      const auto asked = request(script);
      EXPECT_TRUE(co_await attempts.start(asked, seen));
      while (seen.published.size() < 3) {
        aio::timer t{executor(), std::chrono::milliseconds{1}};
        co_await t.async_wait(aio::use_task);
      }
      attempts.stop(asked.id, domain::stop_reason::cancel);
      co_await attempts.join();
    });
    EXPECT_EQ(seen.facts.stopped, domain::stop_reason::cancel);
    EXPECT_EQ(seen.facts.exit->kind, process_exit::how::signaled) << script;
    EXPECT_EQ(seen.published.size(), 3U) << "what was published stays so";
  }
}

TEST_F(local_executor_test, a_stop_before_the_process_runs_starts_none) {
  seen_attempt seen;
  auto attempts = make();
  run([&]() -> aio::task<> {
    const auto asked = request("hang");
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    const auto start = [](local_executor& e, executor::attempt_request r, seen_attempt& o) -> aio::task<> {
      EXPECT_FALSE(co_await e.start(r, o));
    };
    group.spawn(start(attempts, asked, seen));
    aio::timer t{executor(), std::chrono::nanoseconds{0}};
    co_await t.async_wait(aio::use_task); // it is being prepared on the pool
    attempts.stop(asked.id, domain::stop_reason::shutdown);
    co_await group.join();
    co_await attempts.join();
  });
  EXPECT_EQ(seen.ends, 1);
  EXPECT_FALSE(seen.facts.exit);
  EXPECT_EQ(seen.facts.stopped, domain::stop_reason::shutdown);
}

TEST_F(local_executor_test, every_stop_is_heard_while_a_session_loads) {
  idle_ = 1;
  preloads_ = true;
  for (const auto reason : reasons_) {
    auto attempts = make();
    const auto asked = request("hang_load");
    const auto hangs = [&] {
      return std::filesystem::exists(executor::paths_of(asked.id, dir_ / "out", dir_ / "state").printed);
    };
    stop_before_it_renders(attempts, asked, reason, hangs, [] {});
    std::filesystem::remove(asked.spec.blend.native() + ".loading");
    std::filesystem::remove(executor::paths_of(asked.id, dir_ / "out", dir_ / "state").printed);
  }
}

TEST_F(local_executor_test, every_stop_is_heard_while_the_blend_is_hashed) {
  idle_ = 1;
  for (const auto reason : reasons_) {
    if (reason == domain::stop_reason::stall)
      continue; // bytes that are read are signs of life
    auto attempts = make();
    const auto asked = request("samples 1");
    std::filesystem::resize_file(asked.spec.blend, std::uintmax_t{1} << 42); // sparse: hours
    stop_before_it_renders(
        attempts, asked, reason, [] { return true; }, [] {});
  }
}

TEST_F(local_executor_test, every_stop_is_heard_while_the_blend_cannot_be_opened_yet) {
  for (const std::size_t idle : {0, 1})
    for (const auto reason : reasons_) {
      idle_ = idle;
      std::atomic<bool> is_entered = false;
      std::promise<void> gate;
      auto opened = gate.get_future().share();
      open_blend_ = [&is_entered, opened](const std::filesystem::path& file) {
        is_entered = true;
        opened.wait();
        return executor::open_anywhere(file);
      };
      auto attempts = make();
      stop_before_it_renders(
          attempts, request("samples 1"), reason, [&] { return is_entered.load(); },
          [&] { gate.set_value(); });
    }
}

TEST(environment_for_blender, holds_nothing_that_is_meant_for_the_daemon) {
  EXPECT_EQ(environment_for_blender({"HOME=/h", "KILN_LISTEN=x", "NOTIFY_SOCKET=/n", "LISTEN_FDS=1",
                                     "WATCHDOG_USEC=1", "TMPDIR=/t", "TMP=/t", "TEMP=/t", "TMPX=1"}),
            (std::vector<std::string>{"HOME=/h", "TMPX=1"}));
}

} // namespace
} // namespace kiln::local
