// SPDX-License-Identifier: Apache-2.0
//
// What a process costs the loop: starting one, and hearing of its end, with 1, 50 and 200 children alive and
// with 1 GB of memory in use; against the launcher of Boost.Process v2 and against waiting by SIGCHLD. All in
// one run. With the argument "walls" the sandbox's cost alone.
#include "aio/task_group.hpp"
#include "local/blender_walls.hpp"
#include "process/child.hpp"
#include "process/confinement.hpp"
#include "process/launcher.hpp"

#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/process/v2/process.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <vector>

#include <sys/wait.h>

namespace {

using namespace kiln;
using namespace std::chrono_literals;
namespace bp = boost::process::v2;
using signal_set = aio::asio::basic_signal_set<aio::executor_type>;
using clock_type = std::chrono::steady_clock;

constexpr int repeats = 200;

const process::launch_request& sleeper() {
  static const process::launch_request request{.executable = "/bin/sleep",
                                               .arguments = {"1000"},
                                               .environment = {},
                                               .working_directory = "/",
                                               .log_file = "/dev/null"};
  return request;
}

struct samples {
  std::vector<double> milliseconds;
  void add(clock_type::duration d) {
    milliseconds.push_back(std::chrono::duration<double, std::milli>(d).count());
  }
  std::string text() {
    if (milliseconds.empty())
      return "-";
    std::ranges::sort(milliseconds);
    const auto at = [&](double part) {
      return milliseconds[static_cast<std::size_t>(part * static_cast<double>(milliseconds.size() - 1))];
    };
    return fmt::format("{:.3f} / {:.3f}", at(.5), at(.95));
  }
};

struct ended {
  clock_type::time_point when;
  int count = 0;
};

aio::task<> wait_gated(std::unique_ptr<process::child> c, ended& news) {
  (void)co_await c->wait();
  news.when = clock_type::now();
  ++news.count;
}

/// What Boost's SIGCHLD flavour does: every waiter looks at its own child at every SIGCHLD.
aio::task<> wait_by_sigchld(aio::executor_type loop, pid_t pid, ended& news) {
  signal_set signals{loop, SIGCHLD};
  while (::waitpid(pid, nullptr, WNOHANG) == 0)
    co_await signals.async_wait(aio::use_task);
  news.when = clock_type::now();
  ++news.count;
}

enum class flavour { gated_pidfd, sigchld };

struct row {
  samples spawn, exit;
};

aio::task<> pause(aio::executor_type loop, std::chrono::milliseconds time) {
  aio::timer t{loop, time};
  co_await t.async_wait(aio::use_task);
}

/// One child at a time is started and killed while `others` live.
aio::task<> measure(aio::executor_type loop, flavour how, int others, row& out) {
  aio::task_group group{loop, [](std::exception_ptr e) { std::rethrow_exception(e); }};
  ended news;
  std::vector<pid_t> pids;
  const auto start = [&] {
    const auto before = clock_type::now();
    if (how == flavour::gated_pidfd) {
      auto c = process::child::launch(loop, sleeper(), 1s).value();
      out.spawn.add(clock_type::now() - before);
      pids.push_back(c->pid());
      group.spawn(wait_gated(std::move(c), news));
    } else {
      const auto pid = process::spawn(sleeper()).value();
      out.spawn.add(clock_type::now() - before);
      pids.push_back(pid);
      group.spawn(wait_by_sigchld(loop, pid, news));
    }
  };
  for (int i = 0; i < others; ++i)
    start();
  co_await pause(loop, 50ms);
  out.spawn = {};
  for (int i = 0; i < repeats; ++i) {
    start();
    co_await pause(loop, 1ms);
    const int before = news.count;
    const auto killed = clock_type::now();
    ::kill(pids.back(), SIGKILL);
    pids.pop_back();
    while (news.count == before)
      co_await pause(loop, 1ms);
    out.exit.add(news.when - killed);
  }
  for (const pid_t pid : pids)
    ::kill(pid, SIGKILL);
  co_await group.join();
}

/// Boost's own launcher: fork.
samples spawn_by_boost(aio::asio::io_context& context) {
  const std::vector<std::string> no_arguments;
  samples out;
  for (int i = 0; i < repeats / 4; ++i) {
    const auto before = clock_type::now();
    bp::basic_process<aio::executor_type> p{context.get_executor(), "/bin/true", no_arguments};
    out.add(clock_type::now() - before);
    p.wait();
  }
  return out;
}

struct walls_row {
  samples build, spawn, whole;
};

/// What the walls cost: building them (on a pool, in kilnd), starting /bin/true behind them, and all of its
/// life.
walls_row spawn_behind(process::mechanism how, const local::installation& here,
                       const std::filesystem::path& workspace) {
  walls_row out;
  auto around = local::walls_around_blender(here);
  around.write.push_back(workspace);
  for (int i = 0; i < repeats; ++i) {
    auto request = sleeper();
    request.executable = "/bin/true";
    request.arguments.clear();
    request.working_directory = workspace;
    const auto before = clock_type::now();
    request.sandbox = process::confine(how, around).value();
    const auto built = clock_type::now();
    const auto pid = process::spawn(request).value();
    const auto spawned = clock_type::now();
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0)
      throw std::runtime_error("/bin/true does not run behind these walls");
    out.build.add(built - before);
    out.spawn.add(spawned - built);
    out.whole.add(clock_type::now() - built);
  }
  return out;
}

void measure_walls() {
  auto name = (std::filesystem::temp_directory_path() / "kiln-walls-XXXXXX").native();
  if (!::mkdtemp(name.data()))
    throw std::runtime_error("mkdtemp");
  const std::filesystem::path workspace{name};
  const local::installation here{
      .project_roots = {"/usr/share"}, .output = workspace / "output", .state = workspace / "state"};
  fmt::print("\nwalls, for /bin/true\n{:28} {:>18} {:>18} {:>18}\n", "how", "building", "spawn",
             "spawn to end");
  for (const auto how :
       {process::mechanism::off, process::mechanism::landlock, process::mechanism::bubblewrap}) {
    if (!process::confine(how, {})) {
      fmt::print("{:28} not on this machine\n", process::to_string(how));
      continue;
    }
    auto r = spawn_behind(how, here, workspace);
    fmt::print("{:28} {:>18} {:>18} {:>18}\n", process::to_string(how), r.build.text(), r.spawn.text(),
               r.whole.text());
  }
  std::filesystem::remove_all(workspace);
}

void run(aio::asio::io_context& context, aio::task<> work) {
  context.restart();
  aio::asio::co_spawn(context.get_executor(), std::move(work), [](std::exception_ptr e) {
    if (e)
      std::rethrow_exception(e);
  });
  context.run();
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view{argv[1]} == "walls") {
    measure_walls();
    return 0;
  }
  process::become_subreaper();
  aio::asio::io_context context{1};
  const auto loop = context.get_executor();
  fmt::print("milliseconds, median / 95th percentile\n\n{:28} {:>9} {:>18} {:>18}\n", "how", "children",
             "spawn", "exit to answer");
  for (const int children : {1, 50, 200}) {
    for (const auto how : {flavour::gated_pidfd, flavour::sigchld}) {
      row r;
      run(context, measure(loop, how, children - 1, r));
      fmt::print("{:28} {:>9} {:>18} {:>18}\n",
                 how == flavour::gated_pidfd ? "Kiln (gated pidfd)" : "SIGCHLD flavour", children,
                 r.spawn.text(), r.exit.text());
    }
  }
  fmt::print("{:28} {:>9} {:>18}\n", "Boost's launcher (fork)", 1, spawn_by_boost(context).text());

  constexpr std::size_t gigabyte = std::size_t{1} << 30;
  const auto memory = std::make_unique_for_overwrite<char[]>(gigabyte);
  std::memset(memory.get(), 1, gigabyte);
  row r;
  run(context, measure(loop, flavour::gated_pidfd, 0, r));
  fmt::print("\nwith 1 GB of memory in use\n{:28} {:>9} {:>18} {:>18}\n", "Kiln (gated pidfd)", 1,
             r.spawn.text(), r.exit.text());
  fmt::print("{:28} {:>9} {:>18}\n", "Boost's launcher (fork)", 1, spawn_by_boost(context).text());
  measure_walls();
  return memory[gigabyte / 2] == 1 ? 0 : 1;
}
