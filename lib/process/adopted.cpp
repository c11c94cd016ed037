// SPDX-License-Identifier: Apache-2.0
#include "process/adopted.hpp"

#include "aio/unique_descriptor.hpp"
#include "base/paths.hpp"
#include "policy/stop_ladder.hpp"
#include "process/process_table.hpp"

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

} // namespace

struct adopted::state : std::enable_shared_from_this<state> {
  state(aio::executor_type loop, pid_t p, std::filesystem::path where, std::string variable,
        std::chrono::milliseconds g)
      : pid(p), directory(std::move(where)), mark(std::move(variable)), exit_seen(loop), grace_over(loop),
        grace(g) {}

  pid_t pid;
  std::filesystem::path directory;
  std::string mark;
  pidfd_descriptor exit_seen;
  aio::timer grace_over;
  std::chrono::milliseconds grace;
  policy::stop_ladder ladder;
  bool leaving = false;

  void carry_out(policy::stop_ladder::action action);
  [[nodiscard]] bool has_members() const;
};

/// Once the leader is gone, its group id can be reused: a process of that group is a member only if it works
/// in the directory or was started with the mark. A member that has left the directory and lacks the mark is
/// not found.
bool adopted::state::has_members() const {
  return std::ranges::any_of(members_of(pid), [this](const process_facts& member) {
    return is_at_or_below(working_directory_of(member.pid), directory) || has_variable(member.pid, mark);
  });
}

void adopted::state::carry_out(policy::stop_ladder::action action) {
  using enum policy::stop_ladder::action;
  // While the leader lives, its group id cannot be reused, wherever it works.
  if (action == none || (has_exited(exit_seen.native_handle()) && !has_members()))
    return;
  if (action == terminate) {
    ::kill(-pid, SIGTERM);
    ::kill(-pid, SIGCONT);
    grace_over.expires_after(grace);
    grace_over.async_wait([self = shared_from_this()](boost::system::error_code ec) {
      if (!ec)
        self->carry_out(self->ladder.on_grace_over());
    });
  } else if (action == kill) {
    grace_over.cancel();
    ::kill(-pid, SIGKILL);
  }
}

adopted::adopted(std::shared_ptr<state> s) : state_(std::move(s)) {}

adopted::~adopted() {
  state_->grace_over.cancel();
}

result<std::unique_ptr<adopted>> adopted::find(aio::executor_type loop,
                                               const std::filesystem::path& directory,
                                               const std::string& variable, std::chrono::milliseconds grace) {
  if (const auto able = check_descriptors(); !able)
    return able.error();
  for (const auto& candidate : processes_in(directory)) {
    if (candidate.pid != candidate.group || !has_variable(candidate.pid, variable))
      continue;
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, candidate.pid, 0));
    if (pidfd < 0 && errno == ESRCH)
      continue;
    if (pidfd < 0)
      return system_error(errno, "watch process " + std::to_string(candidate.pid));
    auto s = std::make_shared<state>(loop, candidate.pid, directory, variable, grace);
    s->exit_seen.assign(pidfd);
    // From here on the pid is held by the pidfd; it may have become another's before.
    if (working_directory_of(candidate.pid) == directory)
      return std::unique_ptr<adopted>{new adopted(std::move(s))};
  }
  return error{errc::not_found, "no process runs in " + directory.native()};
}

result<std::unique_ptr<adopted>> adopted::hold(aio::executor_type loop, const std::string& identity,
                                               const std::filesystem::path& directory,
                                               const std::string& variable, std::chrono::milliseconds grace) {
  if (const auto able = check_descriptors(); !able)
    return able.error();
  const auto pid = find_process(identity);
  if (!pid)
    return error{errc::not_found, "the process of " + directory.native() + " runs no more"};
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0));
  if (pidfd < 0 && errno != ESRCH)
    return system_error(errno, "watch process " + std::to_string(*pid));
  auto s = std::make_shared<state>(loop, *pid, directory, variable, grace);
  if (pidfd >= 0)
    s->exit_seen.assign(pidfd);
  if (const auto able = check_descriptors(); !able)
    return able.error();
  // From here on the pid is held by the pidfd; it may have become another's before.
  if (pidfd < 0 || find_process(identity) != pid)
    return error{errc::not_found, "the process of " + directory.native() + " has just ended"};
  return std::unique_ptr<adopted>{new adopted(std::move(s))};
}

pid_t adopted::pid() const noexcept {
  return state_->pid;
}

aio::task<process_end> adopted::watch() {
  const auto s = state_;
  boost::system::error_code ec;
  while (!s->leaving && !has_exited(s->exit_seen.native_handle()))
    co_await s->exit_seen.async_wait(descriptor_base::wait_read,
                                     aio::asio::redirect_error(aio::use_task, ec));
  s->grace_over.cancel();
  process_end end;
  end.left = s->leaving;
  if (!s->leaving && s->has_members())
    ::kill(-s->pid, SIGKILL); // members it left behind; their end cannot be awaited here
  co_return end;
}

void adopted::stop() {
  state_->carry_out(state_->ladder.on_stop());
}

void adopted::kill() {
  state_->carry_out(state_->ladder.on_kill());
}

void adopted::leave() {
  state_->leaving = true;
  boost::system::error_code ignored;
  state_->exit_seen.cancel(ignored);
}

} // namespace kiln::process
