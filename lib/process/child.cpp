// SPDX-License-Identifier: Apache-2.0
#include "process/child.hpp"

#include "aio/unique_descriptor.hpp"
#include "process/bubblewrap.hpp"
#include "process/confinement.hpp"
#include "process/control_group.hpp"
#include "process/launcher.hpp"
#include "process/process_table.hpp"
#include "process/stop_sequence.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/system/system_error.hpp>

#include <cerrno>
#include <csignal>
#include <optional>
#include <set>
#include <string>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kiln::process {
namespace {

using aio::asio::posix::descriptor_base;
using pidfd_descriptor = aio::asio::posix::basic_stream_descriptor<aio::executor_type>;
using signal_set = aio::asio::basic_signal_set<aio::executor_type>;

domain::process_exit exit_of(int native_code, bool is_wrapped) {
  using how = domain::process_exit::how;
  if (WIFSIGNALED(native_code))
    return {how::signaled, WTERMSIG(native_code)};
  if (const int signal = is_wrapped ? signal_of_status(WEXITSTATUS(native_code)) : 0)
    return {how::signaled, signal};
  return {how::exited, WEXITSTATUS(native_code)};
}

enum class seen { running, exited, reaped };

/// Checks a child without reaping it or blocking. `reaped`: it is gone with its status, since SIGCHLD is
/// ignored or other code has waited for it.
seen look_at(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    return errno == ECHILD ? seen::reaped : seen::running;
  return info.si_pid == pid ? seen::exited : seen::running;
}

/// Whether the group has a member, dead or alive, that is our child: only then does its id belong to it.
bool has_members(pid_t group) {
  siginfo_t info{};
  return ::waitid(P_PGID, static_cast<id_t>(group), &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
         errno != ECHILD;
}

/// Reaps dead members of the group. Returns true if none is left.
bool reap_group(pid_t group) {
  for (;;) {
    const pid_t reaped = ::waitpid(-group, nullptr, WNOHANG);
    if (reaped == 0)
      return false;
    if (reaped < 0 && errno != EINTR)
      return errno == ECHILD;
  }
}

/// The groups of all children of a loop. A process that has left its group (setsid(2)) and lost its parent
/// also becomes a child of kilnd, which no code waits for.
class groups final : public aio::asio::execution_context::service {
public:
  using key_type = groups;
  static aio::asio::execution_context::id id;

  explicit groups(aio::asio::execution_context& loop) : service(loop) {}

  void add(pid_t group) { known_.insert(group); }
  void remove(pid_t group) { known_.erase(known_.find(group)); }

  /// Reaps dead processes outside of the groups.
  void reap_strangers() const {
    for (const auto pid : children_of(::getpid()))
      if (const auto facts = facts_of(pid); facts && facts->is_zombie && !known_.contains(facts->group))
        ::waitpid(pid, nullptr, WNOHANG);
  }

private:
  void shutdown() noexcept override {}

  std::multiset<pid_t> known_; ///< an id may be reused before its child object is gone
};

aio::asio::execution_context::id groups::id;

} // namespace

struct child::state final : stop_sequence {
  state(aio::executor_type loop, boost::process::v2::basic_process<aio::executor_type> p,
        const launch_request& request, std::chrono::milliseconds grace)
      : stop_sequence(loop, p.id(), grace), process(std::move(p)), sandbox(request.sandbox),
        bounds(request.group),
        proc(sandbox ? ::open(("/proc/" + std::to_string(pid())).c_str(), O_PATH | O_CLOEXEC) : -1),
        exit_seen(loop), child_signal(loop), siblings(aio::asio::use_service<groups>(loop.context())) {}

  boost::process::v2::basic_process<aio::executor_type> process;
  std::shared_ptr<const confinement> sandbox; ///< null: none
  control_group_ptr bounds;                   ///< null: none
  /// Its directory in /proc, which a rule on this inode allows it to read. If the kernel dropped the inode
  /// (memory is scarce while scenes load), a later lookup would create another one.
  aio::unique_descriptor proc;
  pidfd_descriptor exit_seen;
  signal_set child_signal;
  groups& siblings;
  std::optional<domain::process_exit> exit; ///< of the leader, once it is reaped
  bool leaving = false;
  bool reaping = false; ///< from here on, the group's id is only ours while it has members

  [[nodiscard]] bool is_ours() override { return !reaping || has_members(pid()); }
  void check_leaving() const;
};

/// leave() ends current waits; this is for waits that begin afterwards.
void child::state::check_leaving() const {
  if (leaving)
    throw boost::system::system_error(aio::asio::error::operation_aborted);
}

void become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    throw boost::system::system_error(errno, boost::system::system_category(), "PR_SET_CHILD_SUBREAPER");
}

child::child(std::shared_ptr<state> s) : state_(std::move(s)) {
  state_->siblings.add(state_->pid());
}

child::~child() {
  // On destruction basic_process kills a running process, and a finished one by its pid, which may be reused
  // by then.
  (void)state_->process.detach();
  state_->cancel_grace();
  state_->siblings.remove(state_->pid());
}

result<std::unique_ptr<child>> child::launch(aio::executor_type loop, const launch_request& request,
                                             std::chrono::milliseconds grace) {
  auto process = group_launcher{}(loop, request);
  if (!process)
    return process.error();
  std::unique_ptr<child> made{new child(std::make_shared<state>(loop, std::move(*process), request, grace))};
  auto& s = *made->state_;
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, s.pid(), 0)); // CLOEXEC by itself
  boost::system::error_code ec;
  if (pidfd < 0)
    ec.assign(errno, boost::system::system_category());
  else
    s.exit_seen.assign(pidfd, ec);
  if (ec) {
    // Out of descriptors: a process that cannot be observed must not run.
    ::kill(-s.pid(), SIGKILL);
    ::waitpid(s.pid(), nullptr, 0);
    return error{ec, "watch the process of " + request.executable.native() + ": " + ec.message()};
  }
  return made;
}

pid_t child::pid() const noexcept {
  return state_->pid();
}

std::shared_ptr<const control_group> child::group() const {
  return state_->bounds;
}

aio::task<domain::process_exit> child::wait() {
  auto& s = *state_;
  if (!s.exit) {
    // Boost 1.81 takes a readable pidfd for an exit and then blocks in waitpid; readiness can be stale, so
    // check first.
    auto leader = look_at(s.pid());
    for (; leader == seen::running; leader = look_at(s.pid())) {
      s.check_leaving();
      co_await s.exit_seen.async_wait(descriptor_base::wait_read, aio::use_task);
    }
    s.reaping = true;
    if (leader == seen::exited)
      co_await s.process.async_wait(aio::use_task);
    s.exit = leader == seen::exited
                 ? exit_of(s.process.native_exit_code(), s.sandbox && s.sandbox->how == mechanism::bubblewrap)
                 : unknown_exit;
    s.exit_seen.close();
  }
  s.child_signal.add(SIGCHLD); // before the check, so that no exit is missed
  while (!reap_group(s.pid())) {
    s.end_remainder();
    s.check_leaving();
    co_await s.child_signal.async_wait(aio::use_task);
  }
  s.child_signal.clear();
  s.set_empty();
  if (s.bounds)
    s.bounds->end(); // what has left the process group
  s.cancel_grace();
  s.siblings.reap_strangers();
  co_return *s.exit;
}

aio::task<process_end> child::watch() {
  const auto s = state_;
  process_end end;
  try {
    const auto exit = co_await wait();
    if (exit != unknown_exit)
      end.exit = exit;
  } catch (const boost::system::system_error&) {
    if (!s->leaving)
      throw;
    end.left = true;
  }
  co_return end;
}

void child::leave() {
  state_->leaving = true;
  boost::system::error_code ignored;
  state_->exit_seen.cancel(ignored);
  state_->child_signal.cancel(ignored);
}

void child::stop() {
  state_->stop();
}

void child::kill() {
  state_->kill();
}

} // namespace kiln::process
