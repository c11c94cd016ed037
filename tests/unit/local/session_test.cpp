// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"
#include "local/session.hpp"
#include "local/session_directory.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <csignal>

#include <fcntl.h>

namespace kiln::local {
namespace {

struct idle_user final : session_user {
  void on_frame_begun(int) override {}
  void on_frame_saved(int) override {}
  void on_hungry() override {}
  void on_trouble(const std::string&) override {}
};

class session_test : public tests::loop_test {};

TEST_F(session_test, an_attempt_that_begins_after_the_end_of_its_blender_is_not_taken_up) {
  const tests::temp_directory dir;
  local_settings settings;
  const blender::install by{"default", FAKE_BLENDER, "Blender 3.4.1"};
  settings.output = dir.path() / "out";
  settings.state = dir.path() / "state";
  session_key key;
  key.blender = "default";
  key.blend = dir.write("scene.blend", "BLENDER-v304\nwait_file " + (dir / "never").native() + "\n");
  const auto directory = make_session_directory(settings.output, nullptr);
  ASSERT_TRUE(directory);
  const auto one = std::make_shared<session>(executor(), settings, key, *directory);
  const blender::session_order order{
      .blend = key.blend, .settings = {}, .workspace = *directory, .frames = {1}, .open = true};
  const aio::unique_descriptor log{
      ::open((*directory / "log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  idle_user user;
  run([&]() -> aio::task<> {
    EXPECT_TRUE(one->launch(by, {}, *directory / "log"));
    aio::task_group lives{executor(), [](const std::exception_ptr&) {}};
    lives.spawn(one->live());
    {
      const auto held = one->begin(order, log.get(), user);
      EXPECT_TRUE(co_await one->takes_up());
      EXPECT_EQ(one->wear().frames, 0);
      EXPECT_GT(one->memory(), 100'000U) << "what it has loaded counts before its first frame";
      ::kill(-held->pid(), SIGKILL);
    }
    co_await lives.join();
    const auto late = one->begin(order, log.get(), user);
    EXPECT_FALSE(co_await one->takes_up());
    const auto end = co_await late->watch();
    EXPECT_TRUE(end.exit && !end.exit->is_success());
  });
}

} // namespace
} // namespace kiln::local
