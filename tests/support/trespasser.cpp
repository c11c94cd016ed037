// SPDX-License-Identifier: Apache-2.0
//
// Tries deeds that a sandbox should prevent, one for each pair of arguments, and prints a line for each:
// "DEED WHAT: done", or the system's error message. Always exits with 0.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

bool open_as(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  char byte = 0;
  const bool done =
      fd >= 0 && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_DIRECTORY) != 0 || ::read(fd, &byte, 1) >= 0);
  if (fd >= 0)
    ::close(fd);
  return done;
}

/// Connects or sends to a port of 127.0.0.1.
bool reach(int type, const std::string& port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  const auto* address = reinterpret_cast<const sockaddr*>(&to);
  if (type == SOCK_STREAM)
    return ::connect(fd, address, sizeof to) == 0;
  return ::sendto(fd, "x", 1, 0, address, sizeof to) == 1;
}

/// A name that begins with '@' is abstract.
bool reach_local(const std::string& name) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, name.c_str(), name.size());
  if (name.front() == '@')
    to.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&to), size) == 0;
}

/// Inserts a byte into a terminal's input.
bool type_into(const std::string& terminal) {
  const int fd = ::open(terminal.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  return fd >= 0 && ::ioctl(fd, TIOCSTI, "x") == 0;
}

bool control(const std::string& path, unsigned long request) {
  std::array<char, 256> space{};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  return fd >= 0 && ::ioctl(fd, request, space.data()) == 0;
}

/// Sends to a local socket by its name, through an end of a pair.
bool reach_through_pair(int type, const std::string& name) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, name.c_str(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  int ends[2];
  return ::socketpair(AF_UNIX, type, 0, ends) == 0 &&
         ::sendto(ends[0], "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), size) == 1;
}

bool make_pair(int type) {
  int ends[2];
  char byte = 'x';
  return ::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0 && ::write(ends[0], &byte, 1) == 1 &&
         ::read(ends[1], &byte, 1) == 1;
}

// System calls that are newer than the headers. Their numbers are those of all processors.
constexpr long fchmodat2_number = 452, setxattrat_number = 463, file_setattr_number = 469;

bool set_attribute_at(const std::string& path) {
  struct {
    std::uint64_t value;
    std::uint32_t size;
    std::uint32_t flags;
  } arguments{reinterpret_cast<std::uint64_t>("x"), 1, 0};
  return ::syscall(setxattrat_number, AT_FDCWD, path.c_str(), 0, "user.kiln", &arguments, sizeof arguments) ==
         0;
}

bool set_file_attributes(const std::string& path) {
  std::array<std::uint32_t, 8> attributes{}; // of struct file_attr: none of the flags
  return ::syscall(file_setattr_number, AT_FDCWD, path.c_str(), attributes.data(), 24, 0) == 0;
}

bool set_flags(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int flags = 0;
  if (fd < 0 || ::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
    return false;
  flags |= FS_NOATIME_FL | FS_NODUMP_FL;
  return ::ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

bool set_flags_as_on_xfs(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  fsxattr attributes{};
  if (fd < 0 || ::ioctl(fd, FS_IOC_FSGETXATTR, &attributes) != 0)
    return false;
  return ::ioctl(fd, FS_IOC_FSSETXATTR, &attributes) == 0;
}

bool take_lease(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  return fd >= 0 && ::fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
}

/// What programs do to pipes of their own.
bool make_pipe_nonblocking() {
  int ends[2];
  return ::pipe2(ends, O_CLOEXEC) == 0 && ::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
         (::fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0;
}

/// Of the log, by descriptor. Each would let a program rewrite what it has said.
bool unlock_log(const std::string& how) {
  constexpr int no_append = 0x20; // RWF_NOAPPEND
  if (how == "flags")
    return ::fcntl(STDOUT_FILENO, F_SETFL, 0) == 0;
  if (how == "cut")
    return ::ftruncate(STDERR_FILENO, 0) == 0;
  if (how == "hole")
    return ::fallocate(STDOUT_FILENO, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1) == 0;
  iovec word{const_cast<char*>("X"), 1};
  return ::pwritev2(STDOUT_FILENO, &word, 1, 0, no_append) == 1;
}

pid_t number(const std::string& text) {
  return static_cast<pid_t>(std::stol(text));
}

bool limit_descriptors(pid_t of) {
  const rlimit few{3, 3};
  return ::prlimit(of, RLIMIT_NOFILE, &few, nullptr) == 0;
}

/// Goes on in a session of its own, out of reach of signals to the group.
bool leave_group() {
  return ::setsid() >= 0 || (errno != EPERM && ::setpgid(0, 0) == 0);
}

/// The test checks whether the signal was sent: the program gets no result.
bool signal_by_file(pid_t of) {
  int ends[2];
  return ::pipe2(ends, O_CLOEXEC) == 0 && ::fcntl(ends[0], F_SETOWN, of) == 0 &&
         ::fcntl(ends[0], F_SETSIG, SIGKILL) == 0 && ::fcntl(ends[0], F_SETFL, O_ASYNC) == 0 &&
         ::write(ends[1], "x", 1) == 1;
}

const std::map<std::string, std::function<bool(const std::string&)>> deeds{
    {"read", [](const std::string& p) { return open_as(p, O_RDONLY); }},
    {"list", [](const std::string& p) { return open_as(p, O_RDONLY | O_DIRECTORY); }},
    {"write", [](const std::string& p) { return open_as(p, O_WRONLY | O_CREAT); }},
    {"open_to_write", [](const std::string& p) { return open_as(p, O_WRONLY); }},
    {"empty", [](const std::string& p) { return ::truncate(p.c_str(), 0) == 0; }},
    {"empty_by_reading", [](const std::string& p) { return open_as(p, O_RDONLY | O_TRUNC); }},
    {"empty_by_nothing", [](const std::string& p) { return open_as(p, O_ACCMODE | O_TRUNC); }},
    {"remove", [](const std::string& p) { return ::unlink(p.c_str()) == 0; }},
    {"make_directory", [](const std::string& p) { return ::mkdir(p.c_str(), 0700) == 0; }},
    {"link_here", [](const std::string& p) { return ::link(p.c_str(), "linked") == 0; }},
    {"rename_here", [](const std::string& p) { return ::rename(p.c_str(), "renamed") == 0; }},
    {"chmod", [](const std::string& p) { return ::chmod(p.c_str(), 0666) == 0; }},
    {"chown", [](const std::string& p) { return ::chown(p.c_str(), ::getuid(), ::getgid()) == 0; }},
    {"touch", [](const std::string& p) { return ::utimensat(AT_FDCWD, p.c_str(), nullptr, 0) == 0; }},
    {"tcp", [](const std::string& p) { return reach(SOCK_STREAM, p); }},
    {"udp", [](const std::string& p) { return reach(SOCK_DGRAM, p); }},
    {"local", reach_local},
    {"type_into", type_into},
    {"type", [](const std::string& p) { return control(p, TIOCSTI); }},
    {"console", [](const std::string& p) { return control(p, TIOCLINUX); }},
    {"take_terminal", [](const std::string& p) { return control(p, TIOCSCTTY); }},
    {"line_discipline", [](const std::string& p) { return control(p, TIOCSETD); }},
    {"is_terminal", [](const std::string& p) { return control(p, TCGETS); }},
    {"datagram_pair", [](const std::string& p) { return reach_through_pair(SOCK_DGRAM, p); }},
    {"raw_pair", [](const std::string& p) { return reach_through_pair(SOCK_RAW, p); }}, // made a datagram one
    {"stream_pair", [](const std::string&) { return make_pair(SOCK_STREAM); }},
    {"packet_pair", [](const std::string&) { return make_pair(SOCK_SEQPACKET); }},
    {"chmod_at",
     [](const std::string& p) { return ::syscall(fchmodat2_number, AT_FDCWD, p.c_str(), 0666, 0) == 0; }},
    {"set_attribute_at", set_attribute_at},
    {"set_file_attributes", set_file_attributes},
    {"set_flags", set_flags},
    {"set_flags_as_on_xfs", set_flags_as_on_xfs},
    {"lease", take_lease},
    {"nonblocking", [](const std::string&) { return make_pipe_nonblocking(); }},
    {"unlock_log", unlock_log},
    {"call",
     [](const std::string& p) {
       return ::syscall(std::stol(p), -1, nullptr, 0, 0, 0, 0) == 0 || errno != ENOSYS;
     }},
    {"signal", [](const std::string& p) { return ::kill(number(p), 0) == 0; }},
    {"signal_by_file", [](const std::string& p) { return signal_by_file(number(p)); }},
    {"ptrace",
     [](const std::string& p) { return ::ptrace(PTRACE_ATTACH, number(p), nullptr, nullptr) == 0; }},
    {"limit", [](const std::string& p) { return limit_descriptors(number(p)); }},
    {"slow_down",
     [](const std::string& p) { return ::setpriority(PRIO_PROCESS, static_cast<id_t>(number(p)), 19) == 0; }},
    {"see", [](const std::string& p) { return open_as("/proc/" + p + "/cmdline", O_RDONLY); }},
    {"setsid",
     [](const std::string&) {
       // A leader of a group may not: its child may.
       const pid_t pid = ::vfork();
       if (pid == 0)
         ::_exit(leave_group() ? 0 : errno);
       siginfo_t end{};
       ::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED);
       errno = end.si_status;
       return end.si_status == 0;
     }},
    {"new_user", [](const std::string&) { return ::unshare(CLONE_NEWUSER) == 0; }},
    {"ring",
     [](const std::string&) {
       io_uring_params parameters{};
       return ::syscall(SYS_io_uring_setup, 1, &parameters) >= 0;
     }},
    {"shared_memory", [](const std::string&) { return ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) >= 0; }},
    {"raise", [](const std::string&) { return ::kill(::getpid(), 0) == 0 && ::raise(SIGCHLD) == 0; }},
    {"die", [](const std::string& p) { return ::raise(number(p)) == 0; }},
    {"exit",
     [](const std::string& p) {
       std::_Exit(number(p));
       return true;
     }},
};

} // namespace

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string deed = argv[i];
    const std::string what = argv[i + 1];
    errno = 0;
    const bool done = deeds.at(deed)(what);
    std::cout << deed << ' ' << what << ": " << (done ? "done" : std::strerror(errno)) << std::endl;
  }
  return 0;
}
