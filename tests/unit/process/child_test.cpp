// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"
#include "process/child.hpp"
#include "process/launcher.hpp"
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

TEST_F(child_test, a_second_stop_does_not_wait_for_the_grace) {
  run([&]() -> aio::task<> {
    const auto c = launch("trap '' TERM; echo ready; while :; do sleep 0.01; done", 1h);
    co_await logged("ready");
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(stop_when_logged(*c, "ready"));
    group.spawn(stop_when_logged(*c, "ready"));
    EXPECT_EQ(co_await c->wait(), (process_exit{process_exit::how::signaled, SIGKILL}));
    co_await group.join();
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
    const auto c = launch("sleep 1000");
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

/// Readiness that was meant for a descriptor which is closed by now, delivered to the pidfd that took over
/// its place in the reactor: two pipes are ready in one turn of the loop; the handler of the first closes the
/// second and starts the process. Boost 1.81 then blocks the loop in waitpid until the process ends; it never
/// would here, since only the loop itself lets the process go on.
TEST_F(child_test, stale_readiness_does_not_block_the_loop) {
  using pipe_end = boost::asio::posix::basic_stream_descriptor<aio::executor_type>;
  for (int round = 0; round < 10; ++round) {
    std::filesystem::remove(dir_ / "go");
    context_.restart();
    std::array<std::array<int, 2>, 2> pipes{};
    for (auto& p : pipes) {
      ASSERT_EQ(::pipe(p.data()), 0);
      ASSERT_EQ(::write(p[1], "x", 1), 1);
    }
    std::array<pipe_end, 2> ends{pipe_end{executor(), pipes[0][0]}, pipe_end{executor(), pipes[1][0]}};
    std::unique_ptr<child> c;
    bool ended = false;
    aio::timer let_go{executor()};
    const auto on_ready = [&](std::size_t other) {
      if (c)
        return;
      ends[other].close();
      c = launch("while [ ! -e go ]; do sleep 0.01; done");
      aio::asio::co_spawn(executor(), c->wait(), [&](std::exception_ptr, process_exit) { ended = true; });
      let_go.expires_after(20ms);
      let_go.async_wait([&](boost::system::error_code) {
        EXPECT_FALSE(ended);
        dir_.write("go", "");
      });
    };
    for (std::size_t i : {std::size_t{0}, std::size_t{1}})
      ends[i].async_wait(pipe_end::wait_read, [&, i](boost::system::error_code ec) {
        if (!ec)
          on_ready(1 - i);
      });
    context_.run_for(30s);
    EXPECT_TRUE(ended) << "round " << round;
    for (auto& p : pipes)
      ::close(p[1]);
  }
}

} // namespace
} // namespace kiln::process
