// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"
#include "process/child.hpp"
#include "process/launcher.hpp"
#include "process/process_table.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <array>
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

namespace kiln::process {
namespace {

using domain::process_exit;
using namespace std::chrono_literals;

class child_test : public tests::loop_test {
protected:
  static void SetUpTestSuite() { become_subreaper(); }
  void TearDown() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left, dead or alive";
  }

  std::unique_ptr<child> launch(const std::string& script, std::chrono::milliseconds grace = 5s) {
    const launch_request request{.executable = "/bin/sh",
                                 .arguments = {"-c", script},
                                 .environment = {"PATH=/usr/bin:/bin"},
                                 .working_directory = dir_.path(),
                                 .log_file = dir_ / "log"};
    return child::launch(executor(), request, grace).value();
  }

  /// Until the child has written `text` to its log.
  aio::task<> logged(std::string text) {
    while (dir_.read("log").find(text) == std::string::npos) {
      aio::timer t{executor(), 2ms};
      co_await t.async_wait(aio::use_task);
    }
  }

  aio::task<> stop_when_logged(child& c, std::string text) {
    co_await logged(std::move(text));
    c.stop();
  }

  static bool is_running(pid_t pid) { return ::kill(pid, 0) == 0; }

  tests::temp_directory dir_;
};

TEST_F(child_test, memory_is_that_of_all_its_processes) {
  run([&]() -> aio::task<> {
    const auto started = launch("(head -c 50000000 /dev/zero; exec sleep 100) | tail -c 50000000");
    for (int looks = 0; looks < 5000 && resident_memory_of(started->pid()) < 50'000'000; ++looks) {
      aio::timer t{executor(), 2ms};
      co_await t.async_wait(aio::use_task);
    }
    EXPECT_GE(resident_memory_of(started->pid()), 50'000'000U);
    EXPECT_LT(resident_memory_of(started->pid()), 500'000'000U);
    started->stop();
    (void)co_await started->wait();
    EXPECT_EQ(resident_memory_of(started->pid()), 0U);
  });
}

TEST_F(child_test, exit_and_death_by_signal_are_told_apart) {
  run([&]() -> aio::task<> {
    for (int status : {0, 1, 9, 255}) {
      const auto c = launch("exit " + std::to_string(status));
      EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::exited, status}));
    }
    for (int signal : {SIGTERM, SIGKILL, SIGABRT, SIGHUP}) {
      const auto c = launch("kill -" + std::to_string(signal) + " $$");
      EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::signaled, signal}));
    }
  });
}

TEST_F(child_test, the_exit_is_unknown_when_other_code_has_reaped_the_child) {
  for (const char* script : {"exit 3", "sleep 100 & exit 3"})
    run([&]() -> aio::task<> {
      const auto c = launch(script);
      EXPECT_EQ(::waitpid(c->pid(), nullptr, 0), c->pid());
      const auto end = co_await c->watch();
      EXPECT_FALSE(end.left);
      EXPECT_EQ(end.exit, std::nullopt);
      EXPECT_FALSE(is_running(-c->pid()));
    });
}

TEST_F(child_test, stop_asks_first) {
  run([&]() -> aio::task<> {
    const auto c = launch("trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(stop_when_logged(*c, "ready"));
    EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::exited, 7}));
    co_await group.join();
    EXPECT_NE(dir_.read("log").find("asked"), std::string::npos);
  });
}

TEST_F(child_test, what_ignores_the_request_is_killed_after_the_grace) {
  run([&]() -> aio::task<> {
    const auto c = launch("trap '' TERM; echo ready; while :; do sleep 0.01; done", 50ms);
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(stop_when_logged(*c, "ready"));
    EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::signaled, SIGKILL}));
    co_await group.join();
  });
}

TEST_F(child_test, a_process_that_is_suspended_can_be_stopped) {
  run([&]() -> aio::task<> {
    const auto c = launch("echo ready; kill -STOP $$; sleep 1000", 1h);
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(stop_when_logged(*c, "ready"));
    EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::signaled, SIGTERM}));
    co_await group.join();
  });
}

TEST_F(child_test, a_kill_does_not_wait_for_the_grace) {
  run([&]() -> aio::task<> {
    const auto c = launch("trap '' TERM; echo ready; while :; do sleep 0.01; done", 1h);
    co_await logged("ready");
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(stop_when_logged(*c, "ready"));
    const auto kill_it = [&]() -> aio::task<> {
      c->kill();
      co_return;
    };
    group.spawn(kill_it());
    EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::signaled, SIGKILL}));
    co_await group.join();
  });
}

TEST_F(child_test, what_has_left_the_group_is_reaped_when_the_next_one_ends) {
  run([&]() -> aio::task<> {
    const auto unseen = launch("exit 7"); // ours: its status is kept
    const auto leaver = launch("setsid sh -c 'echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done' & "
                               "while [ ! -s pid ]; do sleep 0.01; done");
    EXPECT_TRUE((co_await leaver->wait()).is_success());
    const pid_t stranger = std::stoi(dir_.read("pid"));
    EXPECT_TRUE(is_running(stranger));
    dir_.write("go", "");
    while (!facts_of(stranger)->is_zombie || !facts_of(unseen->pid())->is_zombie) {
    }
    const auto next = launch("exit 0");
    EXPECT_TRUE((co_await next->wait()).is_success());
    EXPECT_FALSE(is_running(stranger)) << "a zombie is left";
    EXPECT_EQ(co_await unseen->wait(), (process_exit{process_exit::how::exited, 7}));
  });
}

TEST_F(child_test, one_that_is_left_before_it_is_watched_is_not_waited_for) {
  run([&]() -> aio::task<> {
    const auto c = launch("exec sleep 1000");
    c->leave();
    const auto end = co_await c->watch();
    EXPECT_TRUE(end.left);
    EXPECT_FALSE(end.exit);
    EXPECT_TRUE(is_running(c->pid()));
    c->kill();
    ::waitpid(c->pid(), nullptr, 0);
  });
}

TEST_F(child_test, it_is_over_only_when_the_group_is_empty) {
  run([&]() -> aio::task<> {
    // A grandchild that ignores SIGTERM and outlives its parent.
    const auto c =
        launch("(trap '' TERM; echo $(exec sh -c 'echo $PPID') >pid; while :; do sleep 0.01; done) & "
               "while [ ! -s pid ]; do sleep 0.01; done; exit 3",
               50ms);
    EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::exited, 3}));
    const auto grandchild = std::stoi(dir_.read("pid"));
    EXPECT_FALSE(is_running(grandchild));
    EXPECT_EQ(::kill(-c->pid(), 0), -1) << "the group is gone";
  });
}

TEST_F(child_test, stop_reaches_the_whole_group) {
  run([&]() -> aio::task<> {
    const auto c = launch("sleep 1000 & sleep 1000 & (sleep 1000 & sleep 1000) & echo ready; wait");
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(stop_when_logged(*c, "ready"));
    EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::signaled, SIGTERM}));
    co_await group.join();
    EXPECT_EQ(::kill(-c->pid(), 0), -1);
  });
}

TEST_F(child_test, a_stop_after_the_end_does_nothing) {
  run([&]() -> aio::task<> {
    const auto c = launch("true");
    (void)co_await c->wait();
    c->stop(); // the number may belong to somebody else by now
    c->stop();
  });
}

TEST_F(child_test, a_child_that_goes_leaves_its_process_alone) {
  pid_t pid = 0;
  run([&]() -> aio::task<> {
    const auto c = launch("exec sleep 1000");
    pid = c->pid();
    co_return;
  });
  EXPECT_TRUE(is_running(pid));
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST_F(child_test, a_cancelled_wait_loses_nothing) {
  run([&]() -> aio::task<> {
    const auto c = launch("while [ ! -e go ]; do sleep 0.01; done; exit 5");
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    const auto wait_once = [](child& which) -> aio::task<> { (void)co_await which.wait(); };
    group.spawn(wait_once(*c));
    aio::timer t{executor(), 5ms};
    co_await t.async_wait(aio::use_task);
    group.cancel();
    co_await group.join();
    dir_.write("go", "");
    EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::exited, 5}));
  });
}

aio::task<> expect_exit(std::unique_ptr<child> c, int status, int& seen) {
  EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::exited, status}));
  ++seen;
}

TEST_F(child_test, no_exit_is_lost_among_200_at_once) {
  int seen = 0;
  run(
      [&]() -> aio::task<> {
        aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
        for (int i = 0; i < 200; ++i)
          group.spawn(expect_exit(launch("while [ ! -e go ]; do sleep 0.05; done; exit " + std::to_string(i)),
                                  i, seen));
        dir_.write("go", "");
        co_await group.join();
      },
      120s);
  EXPECT_EQ(seen, 200);
}

TEST_F(child_test, no_exit_is_lost_among_1000_in_a_row) {
  int seen = 0;
  run(
      [&]() -> aio::task<> {
        for (int i = 0; i < 1000; ++i) {
          const launch_request request{.executable = "/bin/true",
                                       .arguments = {},
                                       .environment = {},
                                       .working_directory = "/",
                                       .log_file = dir_ / "log"};
          co_await expect_exit(child::launch(executor(), request, 1s).value(), 0, seen);
        }
      },
      120s);
  EXPECT_EQ(seen, 1000);
}

using pipe_end = boost::asio::posix::basic_stream_descriptor<aio::executor_type>;

/// Readiness that was meant for a descriptor which is closed by now, delivered to the pidfd that took over
/// its place in the reactor: two pipes are ready in one turn of the loop; the one served first closes the
/// other and starts the process. Boost 1.81 then blocks the loop in waitpid until the process ends, which it
/// never would here: only the loop itself lets it go on.
class stale_readiness_test : public child_test {
protected:
  aio::task<> close_other_and_start(std::array<pipe_end, 2>& ends, std::size_t mine) {
    const auto [ec] = co_await ends[mine].async_wait(pipe_end::wait_read, aio::asio::as_tuple(aio::use_task));
    if (ec)
      co_return; // closed by the other
    ends[1 - mine].close();
    const auto c = launch("while [ ! -e go ]; do sleep 0.01; done; exit 6");
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(let_go());
    EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::exited, 6}));
    EXPECT_TRUE(std::filesystem::exists(dir_ / "go")) << "seen before it happened";
    co_await group.join();
    ++ended_;
  }

  aio::task<> let_go() {
    aio::timer t{executor(), 20ms};
    co_await t.async_wait(aio::use_task);
    dir_.write("go", "");
  }

  int ended_ = 0;
};

TEST_F(stale_readiness_test, does_not_block_the_loop) {
  for (int round = 1; round <= 10; ++round) {
    std::filesystem::remove(dir_ / "go");
    std::array<std::array<int, 2>, 2> pipes{};
    for (auto& p : pipes) {
      ASSERT_EQ(::pipe(p.data()), 0);
      ASSERT_EQ(::write(p[1], "x", 1), 1);
    }
    std::array<pipe_end, 2> ends{pipe_end{executor(), pipes[0][0]}, pipe_end{executor(), pipes[1][0]}};
    run([&]() -> aio::task<> {
      aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
      group.spawn(close_other_and_start(ends, 0));
      group.spawn(close_other_and_start(ends, 1));
      co_await group.join();
    });
    EXPECT_EQ(ended_, round);
    for (auto& p : pipes)
      ::close(p[1]);
  }
}

} // namespace
} // namespace kiln::process
