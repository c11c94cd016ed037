// SPDX-License-Identifier: Apache-2.0
// A kilnd that starts while it lacks descriptors: it waits, and adopts the attempts of its predecessor.
#include "image/structural_image_check.hpp"
#include "local/local_executor.hpp"
#include "process/child.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <csignal>
#include <functional>
#include <list>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace kiln::local {
namespace {

struct seen_adoption final : executor::attempt_observer {
  void on_adopted(const attempt_id&, pid_t pid) override {
    adopted = pid;
    if (when_adopted)
      when_adopted();
  }
  void on_progress(const attempt_id&, const blender::frame_progress&) override {}
  void on_output(const attempt_id&, std::string_view) override {}
  void on_report(const attempt_id&, const blender::scene_report&) override {}
  void on_published(const attempt_id&, const executor::published_frame& frame) override {
    published.push_back(frame.frame);
  }
  void on_end(const attempt_id&, const domain::attempt_facts& f) override { facts = f; }
  std::optional<pid_t> adopted;
  std::function<void()> when_adopted = {};
  std::vector<int> published;
  std::optional<domain::attempt_facts> facts;
};

/// All descriptors that this process may still open.
class taken_descriptors {
public:
  taken_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 256;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    for (;;)
      if (!held_.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC)).is_open())
        break;
    EXPECT_EQ(errno, EMFILE);
  }
  taken_descriptors(const taken_descriptors&) = delete;
  taken_descriptors& operator=(const taken_descriptors&) = delete;
  ~taken_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
  std::list<aio::unique_descriptor> held_;
};

class adoption_test : public tests::loop_test {
protected:
  static void SetUpTestSuite() { process::become_subreaper(); }

  adoption_test() {
    asked_.id = {*job_id::parse("j0123456789abcdefgh"), 1};
    asked_.spec.blend = dir_.write("scene.blend", "BLENDER-v304\nwait_file " + (dir_ / "go").native() + "\n");
    asked_.spec.frames = asked_.frames = *domain::frame_set::range(1, 3);
  }

  void TearDown() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left, dead or alive";
  }

  local_executor make() {
    const std::vector<blender::install> all{{"default", FAKE_BLENDER, "Blender 3.4.1"}};
    return {executor(),
            {.blenders = std::make_shared<installs>(executor(), all),
             .output = dir_ / "out",
             .state = dir_ / "state",
             .environment = {},
             .stop_grace = std::chrono::seconds{5}},
            pool_,
            images_};
  }

  aio::task<> until(std::function<bool()> condition) {
    const auto deadline = aio::clock::now() + std::chrono::seconds{20};
    while (!condition() && aio::clock::now() < deadline) {
      aio::timer t{executor(), std::chrono::milliseconds{1}};
      co_await t.async_wait(aio::use_task);
    }
    EXPECT_TRUE(condition()) << "not in time";
  }

  /// A Blender that renders without a kilnd.
  pid_t leave_one() {
    seen_adoption seen;
    auto attempts = make();
    pid_t pid = 0;
    run([&]() -> aio::task<> {
      auto asked = asked_;
      pid = (co_await attempts.start(std::move(asked), seen)).value_or(0);
      attempts.leave();
      co_await attempts.join();
    });
    EXPECT_GT(pid, 0);
    EXPECT_FALSE(seen.facts);
    return pid;
  }

  /// The next kilnd, which starts without descriptors; `meanwhile` runs while it waits for them.
  seen_adoption take_up(const std::function<void(local_executor&)>& meanwhile) {
    seen_adoption seen;
    if (goes_on_)
      seen.when_adopted = [this] { dir_.write("go", ""); };
    auto attempts = make();
    run([&]() -> aio::task<> {
      {
        const taken_descriptors none_left;
        std::vector<executor::attempt_request> known(1, asked_);
        co_await attempts.recover(std::move(known), seen);
        const auto nothing = [] { return true; };
        for (int i = 0; i < 5; ++i) // the pool has one thread: earlier work is done
          (void)co_await pool_.run(nothing);
        EXPECT_FALSE(seen.adopted || seen.facts) << "it was taken for gone";
        EXPECT_TRUE(std::filesystem::exists(workspace())) << "under a Blender that runs";
        meanwhile(attempts);
      }
      co_await attempts.join();
    });
    return seen;
  }

  [[nodiscard]] std::filesystem::path workspace() const {
    return executor::paths_of(asked_.id, dir_ / "out", dir_ / "state").workspace;
  }

  static void reap(pid_t pid) { EXPECT_EQ(::waitpid(pid, nullptr, 0), pid); }

  tests::temp_directory dir_;
  aio::blocking_pool pool_{1};
  image::structural_image_check images_{pool_};
  executor::attempt_request asked_;
  bool goes_on_ = false; ///< its Blender, once it is taken up
};

TEST_F(adoption_test, a_blender_that_runs_is_taken_up_once_there_are_descriptors) {
  const pid_t pid = leave_one();
  goes_on_ = true;
  const auto seen = take_up([](local_executor&) {});
  EXPECT_EQ(seen.adopted, pid);
  ASSERT_TRUE(seen.facts);
  EXPECT_EQ(seen.published.size(), 3U);
  EXPECT_TRUE(seen.facts->lost && seen.facts->complaints.empty());
  reap(pid);
}

TEST_F(adoption_test, a_stop_meanwhile_ends_it_then) {
  const pid_t pid = leave_one();
  const auto seen =
      take_up([this](local_executor& attempts) { attempts.stop(asked_.id, domain::stop_reason::cancel); });
  ASSERT_TRUE(seen.facts);
  EXPECT_EQ(seen.facts->stopped, domain::stop_reason::cancel);
  EXPECT_TRUE(seen.published.empty());
  reap(pid);
}

TEST_F(adoption_test, it_can_be_left_again_meanwhile) {
  const pid_t pid = leave_one();
  const auto seen = take_up([](local_executor& attempts) { attempts.leave(); });
  EXPECT_FALSE(seen.adopted || seen.facts);
  EXPECT_TRUE(std::filesystem::exists(workspace()));
  EXPECT_EQ(::kill(pid, SIGKILL), 0);
  reap(pid);
}

} // namespace
} // namespace kiln::local
