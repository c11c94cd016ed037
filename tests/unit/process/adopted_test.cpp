// SPDX-License-Identifier: Apache-2.0
// A process that is not our child: the grandchild of a process that has gone, as after a crash of the daemon.
#include "aio/task_group.hpp"
#include "base/scope_exit.hpp"
#include "process/adopted.hpp"
#include "process/process_table.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <boost/asio/post.hpp>

#include <csignal>
#include <fstream>
#include <future>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kiln::process {
namespace {

constexpr std::chrono::milliseconds grace{5000}, short_grace{50};

class adopted_test : public tests::loop_test {
protected:
  static void SetUpTestSuite() { ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0), 0); }

  aio::task<result<std::unique_ptr<adopted>>> find(std::chrono::milliseconds grace, std::string more = {}) {
    return adopted::find(executor(), pool_, work_.path(), mark_ + more, grace);
  }

  aio::task<result<std::unique_ptr<adopted>>> hold(std::string identity) {
    return adopted::hold(executor(), pool_, std::move(identity), work_.path(), mark_,
                         std::chrono::seconds{5});
  }

  /// Stops it, and waits for its end.
  aio::task<> stop(adopted& one) {
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    const auto watch = [&]() -> aio::task<> { (void)co_await one.watch(); };
    group.spawn(watch());
    one.stop();
    co_await group.join();
  }

  /// Runs a shell script in its own group and directory; its parent has ended.
  pid_t start(const std::string& script) {
    int pipe_ends[2];
    EXPECT_EQ(::pipe(pipe_ends), 0);
    const pid_t middle = ::fork();
    if (middle == 0) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::setpgid(0, 0);
        if (::chdir(work_.path().c_str()) != 0)
          ::_exit(1);
        ::close(pipe_ends[0]);
        ::close(pipe_ends[1]);
        const auto mark = mark_;
        const char* const environment[] = {mark.c_str(), "PATH=/usr/bin:/bin", nullptr};
        ::execle("/bin/sh", "sh", "-c", script.c_str(), nullptr, environment);
        ::_exit(127);
      }
      ::setpgid(child, child);
      (void)!::write(pipe_ends[1], &child, sizeof child);
      ::_exit(0);
    }
    ::waitpid(middle, nullptr, 0);
    pid_t pid = 0;
    EXPECT_EQ(::read(pipe_ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    while (working_directory_of(pid) != work_.path() || !has_variable(pid, mark_)) {
    }
    return pid;
  }

  bool is_alive(pid_t pid) {
    const auto facts = facts_of(pid);
    return facts && !facts->is_zombie;
  }

  /// Waits for the end of a process, 30 s at most; one that lives on is ended, and does not hold up the test.
  bool dies(pid_t pid) {
    const auto deadline = aio::clock::now() + std::chrono::seconds{30};
    while (is_alive(pid) && aio::clock::now() < deadline) {
    }
    const bool has_died = !is_alive(pid);
    ::kill(pid, SIGKILL);
    return has_died;
  }

  tests::temp_directory work_;
  std::string mark_ = "TMPDIR=" + (work_ / "tmp").native();
  aio::blocking_pool pool_{1};
};

TEST_F(adopted_test, its_end_is_seen_and_its_status_is_not) {
  const pid_t pid = start("while [ ! -e go ]; do sleep 0.01; done; exit 3");
  run([&]() -> aio::task<> {
    const auto found = co_await find(grace);
    EXPECT_TRUE(found);
    EXPECT_EQ((*found)->pid(), pid);
    work_.write("go", "");
    const auto end = co_await (*found)->watch();
    EXPECT_FALSE(end.left);
    EXPECT_FALSE(end.exit);
    EXPECT_FALSE(is_alive(pid));
  });
}

TEST_F(adopted_test, can_be_stopped_by_the_ladder) {
  const pid_t pid = start("trap '' TERM; touch ready; while :; do sleep 0.01; done");
  while (!std::filesystem::exists(work_ / "ready")) {
  }
  run([&]() -> aio::task<> {
    const auto found = co_await find(short_grace);
    co_await stop(**found);
    EXPECT_FALSE(is_alive(pid));
  });
}

TEST_F(adopted_test, what_it_leaves_in_its_group_is_ended) {
  const pid_t pid = start("sleep 1000 & echo $! > child; while [ ! -e go ]; do sleep 0.01; done");
  run([&]() -> aio::task<> {
    const auto found = co_await find(grace);
    work_.write("go", "");
    (void)co_await (*found)->watch();
    const pid_t left = std::stoi(work_.read("child"));
    EXPECT_TRUE(dies(left));
    EXPECT_FALSE(is_alive(pid));
  });
}

TEST_F(adopted_test, what_it_leaves_elsewhere_is_ended_as_well) {
  start("(cd /; exec sleep 1000) & echo $! > child; while [ ! -e go ]; do sleep 0.01; done");
  run([&]() -> aio::task<> {
    const auto found = co_await find(grace);
    while (working_directory_of(std::stoi("0" + work_.read("child"))) != "/") {
    }
    work_.write("go", "");
    (void)co_await (*found)->watch();
    const pid_t left = std::stoi(work_.read("child"));
    EXPECT_TRUE(dies(left));
  });
}

TEST_F(adopted_test, can_be_left) {
  const pid_t pid = start("sleep 1000");
  run([&]() -> aio::task<> {
    const auto found = co_await find(grace);
    aio::task_group group{executor(), [](std::exception_ptr e) { std::rethrow_exception(e); }};
    process_end end;
    const auto watch = [&]() -> aio::task<> { end = co_await (*found)->watch(); };
    group.spawn(watch());
    (*found)->leave();
    co_await group.join();
    EXPECT_TRUE(end.left);
    EXPECT_TRUE(is_alive(pid));
  });
  ::kill(-pid, SIGKILL);
}

TEST_F(adopted_test, a_stranger_in_the_directory_is_not_taken_for_it) {
  const pid_t pid = start("sleep 1000");
  run([&]() -> aio::task<> {
    std::string more = "2";
    const auto other = co_await find(grace, std::move(more));
    EXPECT_EQ(other.error().code, errc::not_found);
  });
  ::kill(-pid, SIGKILL);
}

TEST_F(adopted_test, is_held_by_what_it_cannot_change) {
  // start() has to see it in its directory first.
  const pid_t pid = start("while [ ! -e go ]; do sleep 0.01; done; cd /; touch " +
                          (work_ / "ready").native() + "; while :; do sleep 0.01; done");
  std::ofstream{work_ / "go"};
  while (!std::filesystem::exists(work_ / "ready")) {
  }
  const auto identity = identity_of(pid);
  ASSERT_TRUE(identity);
  EXPECT_EQ(find_process(*identity), pid);
  run([&]() -> aio::task<> {
    const auto elsewhere = co_await find(grace);
    EXPECT_FALSE(elsewhere) << "it works elsewhere";
    const auto found = co_await hold(*identity);
    EXPECT_TRUE(found);
    co_await stop(**found);
    EXPECT_FALSE(is_alive(pid));
    EXPECT_FALSE(find_process(*identity));
    const auto gone = co_await hold(*identity);
    EXPECT_EQ(gone.error().code, errc::not_found);
  });
  const auto own = *identity_of(::getpid());
  EXPECT_FALSE(find_process(own.substr(0, own.find(' ')) + " 1" + own.substr(own.rfind(' '))));
  EXPECT_FALSE(find_process(own + "0"));
  for (const char* bad : {"", "x", "-1 1 1", "0 0 0"})
    EXPECT_FALSE(find_process(bad)) << bad;
}

TEST_F(adopted_test, without_descriptors_it_is_not_said_to_be_gone) {
  const auto pid = start("sleep 60");
  const auto identity = identity_of(pid);
  ASSERT_TRUE(identity);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const scope_exit restore{[&before] { ::setrlimit(RLIMIT_NOFILE, &before); }};
  run([&]() -> aio::task<> {
    const auto first = co_await hold(*identity);
    EXPECT_TRUE(first) << "from here on the loop has the descriptors that it needs";
    const int next = ::dup(STDIN_FILENO);
    ::close(next);
    for (int spare = 0; spare < 4; ++spare) {
      auto few = before;
      few.rlim_cur = static_cast<rlim_t>(next + spare);
      EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
      const auto held = co_await hold(*identity);
      const auto found = co_await find(grace);
      EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
      EXPECT_TRUE(held || is_passing(held.error().code)) << spare << held.error().message;
      EXPECT_TRUE(found || is_passing(found.error().code)) << spare << found.error().message;
    }
    const auto found = co_await hold(*identity);
    EXPECT_TRUE(found);
    if (found)
      co_await stop(**found);
  });
}

TEST_F(adopted_test, nothing_is_found_where_nothing_runs) {
  run([&]() -> aio::task<> {
    const auto found = co_await find(grace);
    EXPECT_EQ(found.error().code, errc::not_found);
  });
}

TEST_F(adopted_test, the_loop_runs_while_processes_are_searched) {
  run([&]() -> aio::task<> {
    std::promise<bool> may_search;
    const auto occupy = [&, may = may_search.get_future().share()]() -> aio::task<> {
      const auto wait_here = [may] { return may.get(); };
      (void)co_await pool_.run(wait_here);
    };
    bool is_over = false;
    const auto search = [&]() -> aio::task<> {
      const auto found = co_await find(grace);
      EXPECT_EQ(found.error().code, errc::not_found);
      is_over = true;
    };
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    group.spawn(occupy());
    group.spawn(search());
    for (int turn = 0; turn < 100; ++turn)
      co_await aio::asio::post(executor(), aio::use_task);
    EXPECT_FALSE(is_over) << "the only thread of the pool is occupied";
    may_search.set_value(true);
    co_await group.join();
    EXPECT_TRUE(is_over);
  });
}

TEST_F(adopted_test, the_loop_runs_while_the_rest_of_its_group_is_searched) {
  const pid_t pid = start("sleep 1000 & echo $! > child; while [ ! -e go ]; do sleep 0.01; done");
  run([&]() -> aio::task<> {
    const auto found = co_await find(grace);
    std::promise<bool> may_search;
    const auto occupy = [&, may = may_search.get_future().share()]() -> aio::task<> {
      const auto wait_here = [may] { return may.get(); };
      (void)co_await pool_.run(wait_here);
    };
    bool is_over = false;
    const auto watch = [&]() -> aio::task<> {
      (void)co_await (*found)->watch();
      is_over = true;
    };
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    group.spawn(occupy());
    group.spawn(watch());
    work_.write("go", "");
    while (is_alive(pid)) {
    }
    for (int turn = 0; turn < 100; ++turn)
      co_await aio::asio::post(executor(), aio::use_task);
    const pid_t left = std::stoi(work_.read("child"));
    EXPECT_FALSE(is_over) << "the only thread of the pool is occupied";
    EXPECT_TRUE(is_alive(left));
    may_search.set_value(true);
    co_await group.join();
    EXPECT_TRUE(dies(left));
  });
}

TEST_F(adopted_test, the_table_knows_ourselves) {
  const auto self = facts_of(::getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->group, ::getpgrp());
  EXPECT_FALSE(self->is_zombie);
  EXPECT_FALSE(facts_of(-1));
  EXPECT_FALSE(facts_of(4194304 + 1)); // above the kernel's highest pid
  EXPECT_TRUE(working_directory_of(4194304 + 1).empty());
  volatile double work = 1;
  while (cpu_ticks_of_group(::getpgrp()) == self->cpu_ticks)
    for (int i = 0; i < 1'000'000; ++i)
      work = work * 1.0000001;
}

} // namespace
} // namespace kiln::process
