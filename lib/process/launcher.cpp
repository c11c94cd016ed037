// SPDX-License-Identifier: Apache-2.0
#include "process/launcher.hpp"

#include "aio/unique_descriptor.hpp"
#include "process/confinement.hpp"
#include "process/control_group.hpp"
#include "process/credentials.hpp"
#include "process/landlock.hpp"
#include "process/syscall_filter.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kiln::process {
namespace {

/// Everything the child needs, prepared in advance: it shares our memory until exec, so it must not allocate.
struct child_plan {
  const char* executable;
  char* const* argv;
  char* const* envp;
  const char* directory;
  int input_fd;
  int log_fd;
  int ruleset_fd = -1;           ///< of Landlock
  sock_filter* filter = nullptr; ///< the child's own copy
  std::size_t filter_size = 0;
  int filter_fd = -1;                ///< the filter as a file, for a wrapper
  const credentials* user = nullptr; ///< null: the parent's
  int group_fd = -1;                 ///< of its control group
  const char* failed_step = nullptr; ///< written by the child
  int failed_errno = 0;
};

constexpr int wrapper_filter_fd = 3;
constexpr const char* step_of_directory = "enter";
constexpr const char* step_of_user = "change the user of";

/// Keeps only root's capability to bypass file modes, if there is one: scenes may belong to another user.
bool drop_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0)
    return false;
  const auto kept = sets[0].permitted & (1U << CAP_DAC_OVERRIDE);
  sets = {};
  sets[0] = {.effective = kept, .permitted = kept, .inheritable = 0};
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

/// Enforces the sandbox policy from here on.
bool enter_walls(const child_plan& plan) {
  if (plan.ruleset_fd < 0)
    return true;
  put_own_pid(plan.filter, plan.filter_size);
  return drop_capabilities() && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         allow_own_proc(plan.ruleset_fd) && enter_landlock(plan.ruleset_fd) &&
         enter_syscall_filter(plan.filter, plan.filter_size);
}

/// Runs in the child, on a stack of its own, while the parent waits: async-signal-safe calls only.
int run_child(void* argument) {
  auto& plan = *static_cast<child_plan*>(argument);
  const auto fail = [&plan](const char* step) {
    plan.failed_errno = errno;
    plan.failed_step = step;
    ::_exit(127); // never exit(): the handlers of the parent are not ours to run
  };
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal)
    ::sigaction(signal, &action, nullptr); // fails for KILL, STOP and those of the C library, which is fine
  if (plan.group_fd >= 0)
    (void)!::write(plan.group_fd, "0", 1); // its bounds are also looked at from outside
  // With a group of its own, and without the terminal that kilnd may have been started from.
  if (::setsid() < 0)
    fail("make a session for");
  if (::dup2(plan.input_fd, STDIN_FILENO) < 0 || ::dup2(plan.log_fd, STDOUT_FILENO) < 0 ||
      ::dup2(plan.log_fd, STDERR_FILENO) < 0)
    fail("connect the output of");
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    fail("close descriptors for");
  if (plan.filter_fd >= 0 && (::dup2(plan.filter_fd, wrapper_filter_fd) < 0 ||
                              ::fcntl(wrapper_filter_fd, F_SETFD, 0) != 0)) // dup2 to itself changes nothing
    fail("hand the system call filter to");
  // Before the sandbox, which takes the right to do so, and before the directory is entered, so that one
  // that the user cannot reach is an error here.
  if (plan.user && !become(*plan.user))
    fail(step_of_user);
  if (::chdir(plan.directory) != 0)
    fail(step_of_directory);
  if (!enter_walls(plan))
    fail("build the sandbox of");
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.executable, plan.argv, plan.envp);
  fail("execute");
  return 127;
}

/// Above 2, so that the child cannot replace it.
aio::unique_descriptor above_standard(int fd) {
  if (fd < 0 || fd > STDERR_FILENO)
    return aio::unique_descriptor{fd};
  const aio::unique_descriptor low{fd};
  return aio::unique_descriptor{::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
}

/// The pointers that execve wants; valid as long as `words` is.
std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (const auto& word : words)
    out.push_back(const_cast<char*>(word.c_str())); // execve takes char* for C's sake and writes nothing
  out.push_back(nullptr);
  return out;
}

/// A separate file for each wrapper, since they would share a file offset.
aio::unique_descriptor write_filter(const std::vector<sock_filter>& filter) {
  const auto bytes = filter.size() * sizeof(sock_filter);
  aio::unique_descriptor file{::memfd_create("filter", MFD_CLOEXEC)};
  if (file.is_open() && (::write(file.get(), filter.data(), bytes) != static_cast<ssize_t>(bytes) ||
                         ::lseek(file.get(), 0, SEEK_SET) != 0))
    return aio::unique_descriptor{};
  return above_standard(file.release());
}

/// The log can lie in a directory of the other user: a FIFO there must not hold us up, and a link must not
/// lead to a file of a third user.
aio::unique_descriptor open_log(const launch_request& request) {
  const int flags =
      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (request.run_as ? O_NONBLOCK : 0);
  auto log = above_standard(::open(request.log_file.c_str(), flags, S_IRUSR | S_IWUSR | S_IRGRP));
  struct stat facts {};
  if (!log.is_open() || !request.run_as || ::fstat(log.get(), &facts) != 0 ||
      (S_ISREG(facts.st_mode) && facts.st_nlink == 1))
    return log;
  errno = EINVAL;
  return aio::unique_descriptor{};
}

bool has_nul(const std::vector<std::string>& words) {
  for (const auto& word : words)
    if (word.find('\0') != std::string::npos)
      return true;
  return false;
}

} // namespace

result<pid_t> spawn(const launch_request& request) {
  const auto* sandbox = request.sandbox.get();
  std::vector<std::string> words;
  if (sandbox)
    words = sandbox->wrapper;
  const auto program = words.empty() ? request.executable : std::filesystem::path{words.front()};
  words.push_back(request.executable.native());
  words.insert(words.end(), request.arguments.begin(), request.arguments.end());
  if (has_nul(words) || has_nul(request.environment))
    return error{errc::invalid_input, "an argument of " + request.executable.native() + " holds a NUL byte"};
  const auto argv = pointers(words);
  const auto envp = pointers(request.environment);

  const auto input =
      above_standard(request.input < 0 ? ::open("/dev/null", O_RDONLY | O_CLOEXEC)
                                       : ::fcntl(request.input, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!input.is_open())
    return system_error(errno, "open the standard input of " + request.executable.native());
  const auto log = open_log(request);
  if (!log.is_open())
    return system_error(errno, "open " + request.log_file.native());

  auto filter = sandbox ? sandbox->filter : std::vector<sock_filter>{};
  const bool is_wrapped = sandbox && !sandbox->wrapper.empty();
  const auto filter_file = is_wrapped ? write_filter(filter) : aio::unique_descriptor{};
  if (is_wrapped && !filter_file.is_open())
    return system_error(errno, "write the system call filter of " + request.executable.native());

  child_plan plan{.executable = program.c_str(),
                  .argv = argv.data(),
                  .envp = envp.data(),
                  .directory = request.working_directory.c_str(),
                  .input_fd = input.get(),
                  .log_fd = log.get(),
                  .ruleset_fd = sandbox ? sandbox->ruleset.get() : -1,
                  .filter = filter.data(),
                  .filter_size = filter.size(),
                  .filter_fd = filter_file.get(),
                  .user = request.run_as.get(),
                  .group_fd = request.group ? request.group->door() : -1};
  constexpr std::size_t stack_size = 64 * 1024;
  const auto stack = std::make_unique_for_overwrite<std::byte[]>(stack_size);

  // None of our handlers may run in the child, which shares our memory: block signals until it has its own.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::clone(run_child, stack.get() + stack_size, CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
  const int clone_errno = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);

  if (pid < 0)
    return system_error(clone_errno, "start a process for " + request.executable.native());
  if (plan.failed_step) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    const bool is_directory = plan.failed_step == step_of_directory;
    auto what = std::string{plan.failed_step} + ' ' +
                (is_directory ? request.working_directory : request.executable).native();
    if (request.run_as)
      what += (plan.failed_step == step_of_user ? " to " : " as the user ") + request.run_as->name;
    return system_error(plan.failed_errno, what);
  }
  return pid;
}

} // namespace kiln::process
