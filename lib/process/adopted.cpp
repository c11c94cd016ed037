// SPDX-License-Identifier: Apache-2.0
#include "process/adopted.hpp"

#include "aio/unique_descriptor.hpp"
#include "base/paths.hpp"
#include "process/process_table.hpp"
#include "process/stop_sequence.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kiln::process {
namespace {

using aio::asio::posix::descriptor_base;
using pidfd_descriptor = aio::asio::posix::basic_stream_descriptor<aio::executor_type>;

/// Reported readiness can be stale, so poll.
bool has_exited(int pidfd) {
  pollfd asked{.fd = pidfd, .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) == 1;
}

/// A file that cannot be opened looks like a missing one: returns an error unless this process can open as
/// many files as a scan of processes needs at once.
result<void> check_descriptors() {
  const aio::unique_descriptor list{::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const aio::unique_descriptor entry{::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return entry.is_open() ? result<void>{} : last_error("open", "/proc");
}

/// The pidfd keeps the pid from being reused.
struct held_process {
  pid_t pid = 0;
  aio::unique_descriptor pidfd;
};

int open_pidfd(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

error watch_error(pid_t pid) {
  return system_error(errno, "watch process " + std::to_string(pid));
}

/// See adopted::find(). Blocks.
result<held_process> find_held(const std::filesystem::path& directory, const std::string& variable) {
  if (const auto able = check_descriptors(); !able)
    return able.error();
  for (const auto& candidate : processes_in(directory)) {
    if (candidate.pid != candidate.group || !has_variable(candidate.pid, variable))
      continue;
    held_process held{.pid = candidate.pid, .pidfd = aio::unique_descriptor{open_pidfd(candidate.pid)}};
    if (!held.pidfd.is_open() && errno == ESRCH)
      continue;
    if (!held.pidfd.is_open())
      return watch_error(candidate.pid);
    // Before the pidfd was opened, the pid may have become another's.
    if (working_directory_of(candidate.pid) == directory)
      return held;
  }
  return error{errc::not_found, "no process runs in " + directory.native()};
}

/// See adopted::hold(). Blocks.
result<held_process> hold_by(const std::string& identity, const std::filesystem::path& directory) {
  if (const auto able = check_descriptors(); !able)
    return able.error();
  const auto pid = find_process(identity);
  if (!pid)
    return error{errc::not_found, "the process of " + directory.native() + " runs no more"};
  held_process held{.pid = *pid, .pidfd = aio::unique_descriptor{open_pidfd(*pid)}};
  if (!held.pidfd.is_open() && errno != ESRCH)
    return watch_error(*pid);
  if (const auto able = check_descriptors(); !able)
    return able.error();
  // Before the pidfd was opened, the pid may have become another's.
  if (!held.pidfd.is_open() || find_process(identity) != pid)
    return error{errc::not_found, "the process of " + directory.native() + " has just ended"};
  return held;
}

/// The leader is gone, so its group id can be reused: a process of that group is a member only if it works in
/// the directory or was started with the mark. A member that has left the directory and lacks the mark is not
/// found. The end of members cannot be awaited. Blocks.
bool kill_remainder(pid_t group, const std::filesystem::path& directory, const std::string& mark) {
  const auto is_member = [&](const process_facts& one) {
    return is_at_or_below(working_directory_of(one.pid), directory) || has_variable(one.pid, mark);
  };
  return std::ranges::any_of(members_of(group), is_member) && ::kill(-group, SIGKILL) == 0;
}

} // namespace

struct adopted::state final : stop_sequence {
  state(aio::executor_type loop, aio::blocking_pool& p, held_process held, std::filesystem::path where,
        std::string variable, std::chrono::milliseconds grace)
      : stop_sequence(loop, held.pid, grace), pool(p), directory(std::move(where)), mark(std::move(variable)),
        exit_seen(loop) {
    exit_seen.assign(held.pidfd.release());
  }

  aio::blocking_pool& pool;
  std::filesystem::path directory;
  std::string mark;
  pidfd_descriptor exit_seen;
  bool leaving = false;

  /// While the leader lives, its group id cannot be reused, wherever it works. Afterwards watch() ends what
  /// is left of the group.
  [[nodiscard]] bool is_ours() override { return !has_exited(exit_seen.native_handle()); }
};

adopted::adopted(std::shared_ptr<state> s) : state_(std::move(s)) {}

adopted::~adopted() {
  state_->cancel_grace();
}

aio::task<result<std::unique_ptr<adopted>>> adopted::find(aio::executor_type loop, aio::blocking_pool& pool,
                                                          std::filesystem::path directory,
                                                          std::string variable,
                                                          std::chrono::milliseconds grace) {
  const auto find_here = [directory, variable] { return find_held(directory, variable); };
  auto held = co_await pool.run(find_here);
  if (!held)
    co_return held.error();
  co_return std::unique_ptr<adopted>{new adopted(std::make_shared<state>(
      loop, pool, std::move(*held), std::move(directory), std::move(variable), grace))};
}

aio::task<result<std::unique_ptr<adopted>>>
adopted::hold(aio::executor_type loop, aio::blocking_pool& pool, std::string identity,
              std::filesystem::path directory, std::string variable, std::chrono::milliseconds grace) {
  const auto hold_here = [identity = std::move(identity), directory] { return hold_by(identity, directory); };
  auto held = co_await pool.run(hold_here);
  if (!held)
    co_return held.error();
  co_return std::unique_ptr<adopted>{new adopted(std::make_shared<state>(
      loop, pool, std::move(*held), std::move(directory), std::move(variable), grace))};
}

pid_t adopted::pid() const noexcept {
  return state_->pid();
}

aio::task<process_end> adopted::watch() {
  const auto s = state_;
  boost::system::error_code ec;
  while (!s->leaving && !has_exited(s->exit_seen.native_handle()))
    co_await s->exit_seen.async_wait(descriptor_base::wait_read,
                                     aio::asio::redirect_error(aio::use_task, ec));
  s->cancel_grace();
  process_end end;
  end.left = s->leaving;
  if (!s->leaving) {
    const auto kill_here = [group = s->pid(), directory = s->directory, mark = s->mark] {
      return kill_remainder(group, directory, mark);
    };
    (void)co_await s->pool.run(kill_here);
  }
  co_return end;
}

void adopted::stop() {
  state_->stop();
}

void adopted::kill() {
  state_->kill();
}

void adopted::leave() {
  state_->leaving = true;
  boost::system::error_code ignored;
  state_->exit_seen.cancel(ignored);
}

} // namespace kiln::process
