// SPDX-License-Identifier: Apache-2.0
#include "process/syscall_filter.hpp"

#include "aio/unique_descriptor.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kiln::process {
namespace {

using context = std::unique_ptr<void, decltype(&seccomp_release)>;

/// Never needed by a renderer, and each reaches beyond it: to other processes, to kernel settings, or to
/// parts of the kernel with many past vulnerabilities.
constexpr std::array refused{
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
    // leaving the group, which is ended as a whole
    "setsid", "setpgid",
    // modes, owners, times and attributes, which Landlock does not cover
    "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "utimensat",
    "futimesat", "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
    // past the names of files
    "open_by_handle_at", "name_to_handle_at", "mknod", "mknodat", "chroot", "pivot_root", "mount", "umount2",
    "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "quotactl",
    "quotactl_fd", "fanotify_init", "swapon", "swapoff", "acct",
    // other namespaces
    "unshare", "setns",
    // memory and messages shared with all processes of the user
    "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv",
    "msgctl", "mq_open", "mq_unlink",
    // the kernel
    "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "init_module",
    "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "iopl", "ioperm", "syslog",
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "vhangup",
    "lookup_dcookie"};

/// Reported as missing in the kernel: a filter cannot see what they do, and the C library can fall back.
constexpr std::array absent{"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"};

/// The newest system call that the lists above have been compared with: set_mempolicy_home_node, of Linux
/// 5.17. Newer numbers are the same for all processors. To raise it, judge each call up to the new number.
constexpr int newest_judged = 450;

/// Numbers from here on are those of the x32 table, which libseccomp's part of the program refuses.
constexpr unsigned x32_numbers = 0x4000'0000;

constexpr std::uint64_t low_word = 0xffff'ffff; // of an argument that the kernel takes for an int

class rule_list {
public:
  explicit rule_list(scmp_filter_ctx to) : to_(to) {}

  template<class... Compare>
  void refuse(const char* call, int error_number, Compare... when) {
    const int number = seccomp_syscall_resolve_name(call);
    if (number == __NR_SCMP_ERROR || failed_ != 0)
      return; // newer than the library, and so above newest_known()
    const std::array<scmp_arg_cmp, sizeof...(when)> all{when...};
    failed_ = seccomp_rule_add_array(to_, SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error_number)), number,
                                     static_cast<unsigned>(all.size()), all.data());
  }

  /// 0, or an error number.
  [[nodiscard]] int failure() const noexcept { return -failed_; }

private:
  scmp_filter_ctx to_;
  int failed_ = 0;
};

scmp_arg_cmp differs(unsigned argument, std::uint64_t from) {
  return {argument, SCMP_CMP_NE, from, 0};
}

scmp_arg_cmp is(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, low_word, value};
}

scmp_arg_cmp has_bits(unsigned argument, std::uint64_t mask, std::uint64_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, bits};
}

constexpr std::uint64_t socket_type_mask = 0xf; // above it: SOCK_NONBLOCK, SOCK_CLOEXEC

void refuse_sockets(rule_list& rules, sockets talk) {
  if (talk == sockets::any)
    return;
  if (talk == sockets::local)
    rules.refuse("socket", EACCES, differs(0, AF_UNIX));
  else
    rules.refuse("socket", EACCES);
  rules.refuse("socketpair", EACCES, differs(0, AF_UNIX));
  // A datagram can be sent to any name, also through one of a pair. The kernel makes a raw one a datagram
  // one.
  for (std::uint64_t type = 0; type <= socket_type_mask; ++type)
    if (type != SOCK_STREAM && type != SOCK_SEQPACKET)
      for (const char* call : {"socket", "socketpair"})
        rules.refuse(call, EACCES, has_bits(1, socket_type_mask, type));
}

/// Attributes that the owner of a file may change without write permission. The families of file systems
/// (ioctl_iflags(2), ioctl_xfs_*(2), btrfs-ioctl(2)) are refused as a whole, as by a file system without
/// them.
void refuse_attributes(rule_list& rules) {
  constexpr std::uint64_t family = 0xff00;
  constexpr std::array<std::uint64_t, 4> letters{'f', 'v', 'X', 0x94};
  for (const auto letter : letters)
    rules.refuse("ioctl", ENOTTY, has_bits(1, family, letter << 8U));
}

/// A lease delays each process that opens the file, or makes it fail. It only needs read permission.
void refuse_leases(rule_list& rules) {
  rules.refuse("fcntl", EPERM, is(1, F_SETLEASE));
}

/// The log is append-only. The filter sees a descriptor's number but not its file, so a program that first
/// duplicates the log's descriptor can still rewrite it.
void refuse_rewriting_the_log(rule_list& rules) {
  for (const std::uint64_t log : {STDOUT_FILENO, STDERR_FILENO}) {
    rules.refuse("fcntl", EPERM, is(0, log), is(1, F_SETFL), has_bits(2, O_APPEND, 0));
    rules.refuse("ftruncate", EPERM, is(0, log));
    rules.refuse("fallocate", EPERM, is(0, log));
  }
  constexpr std::uint64_t no_append = 0x20; // RWF_NOAPPEND, of Linux 6.9
  rules.refuse("pwritev2", EOPNOTSUPP, has_bits(5, no_append, no_append));
}

/// The user is the same inside and outside, so the kernel alone would allow all of these.
void refuse_others_settings(rule_list& rules) {
  rules.refuse("prlimit64", EPERM, differs(0, 0));
  rules.refuse("setpriority", EPERM, differs(0, PRIO_PROCESS));
  rules.refuse("setpriority", EPERM, differs(1, 0));
  constexpr int ioprio_who_process = 1;
  rules.refuse("ioprio_set", EPERM, differs(0, ioprio_who_process));
  rules.refuse("ioprio_set", EPERM, differs(1, 0));
  for (const char* call : {"sched_setscheduler", "sched_setparam", "sched_setattr"})
    rules.refuse(call, EPERM, differs(0, 0));
}

void refuse_signals(rule_list& rules) {
  for (const char* call : {"kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"})
    rules.refuse(call, EPERM, differs(0, own_pid_placeholder));
  for (const char* call : {"tkill", "pidfd_open", "pidfd_send_signal"})
    rules.refuse(call, EPERM);
  // A file can be set to signal a process on input.
  for (const int command : {F_SETOWN, F_SETOWN_EX})
    rules.refuse("fcntl", EPERM, is(1, static_cast<std::uint64_t>(command)));
  for (const int command : {FIOSETOWN, SIOCSPGRP})
    rules.refuse("ioctl", EPERM, is(1, static_cast<std::uint64_t>(command)));
}

/// Requests that inject input into a terminal (TIOCSTI; TIOCLINUX by pasting), make a terminal the
/// controlling one, or select a line discipline, a part of the kernel with many vulnerabilities.
void refuse_terminals(rule_list& rules) {
  for (const int command : {TIOCSTI, TIOCLINUX, TIOCSCTTY, TIOCSETD})
    rules.refuse("ioctl", EPERM, is(1, static_cast<std::uint64_t>(command)));
}

void refuse_truncation(rule_list& rules) {
  rules.refuse("truncate", EACCES);
  rules.refuse("openat2", ENOSYS);               // its flags lie in memory
  for (const int mode : {O_RDONLY, O_ACCMODE}) { // the latter opens a file without a right to anything
    const auto bits = static_cast<std::uint64_t>(O_TRUNC | mode);
    rules.refuse("open", EACCES, has_bits(1, O_ACCMODE | O_TRUNC, bits));
    rules.refuse("openat", EACCES, has_bits(2, O_ACCMODE | O_TRUNC, bits));
  }
}

/// The newest number both judged here and known to the library by name.
int newest_known() {
  int number = newest_judged;
  for (; number > 0; --number)
    if (const std::unique_ptr<char, decltype(&std::free)> name{
            seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), std::free})
      break;
  return number;
}

/// Precedes libseccomp's part, which has no ranges: calls newer than the lists are reported as missing.
/// Programs then behave as on older kernels.
std::vector<sock_filter> refuse_newer_than(int newest) {
  return {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
          BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_numbers, 2, 0),
          BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, static_cast<unsigned>(newest), 0, 1),
          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS)};
}

result<std::vector<sock_filter>> program_of(scmp_filter_ctx from) {
  const aio::unique_descriptor file{::memfd_create("filter", MFD_CLOEXEC)};
  if (!file.is_open())
    return system_error(errno, "make a system call filter");
  if (const int failed = seccomp_export_bpf(from, file.get()); failed != 0)
    return system_error(-failed, "make a system call filter");
  const auto size = ::lseek(file.get(), 0, SEEK_END);
  auto program = refuse_newer_than(newest_known());
  const auto ahead = program.size();
  program.resize(ahead + static_cast<std::size_t>(size) / sizeof(sock_filter));
  if (::pread(file.get(), program.data() + ahead, static_cast<std::size_t>(size), 0) != size)
    return error{errc::internal, "a system call filter could not be read back"};
  return program;
}

} // namespace

result<std::vector<sock_filter>> make_syscall_filter(const filter_needs& needs) {
  const context made{seccomp_init(SCMP_ACT_ALLOW), seccomp_release};
  if (!made)
    return error{errc::unsupported, "libseccomp does not know this machine's processor"};
  seccomp_attr_set(made.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS); // another table of calls
  rule_list rules{made.get()};
  for (const char* call : refused)
    rules.refuse(call, EPERM);
  for (const char* call : absent)
    rules.refuse(call, ENOSYS);
  for (const std::uint64_t kind :
       {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP})
    rules.refuse("clone", EPERM, has_bits(0, kind, kind));
  refuse_sockets(rules, needs.talk);
  refuse_others_settings(rules);
  refuse_terminals(rules);
  refuse_attributes(rules);
  refuse_leases(rules);
  refuse_rewriting_the_log(rules);
  if (needs.signals)
    refuse_signals(rules);
  if (needs.truncation)
    refuse_truncation(rules);
  if (rules.failure() != 0)
    return system_error(rules.failure(), "make a system call filter");
  return program_of(made.get());
}

void put_own_pid(sock_filter* filter, std::size_t size) noexcept {
  const auto pid = static_cast<unsigned>(::getpid());
  for (std::size_t i = 0; i < size; ++i)
    if (BPF_CLASS(filter[i].code) == BPF_JMP && filter[i].k == own_pid_placeholder)
      filter[i].k = pid;
}

bool enter_syscall_filter(sock_filter* filter, std::size_t size) noexcept {
  const sock_fprog program{static_cast<unsigned short>(size), filter};
  // Without the flag, kernels before 5.16 switch speculation off, and renders are slower.
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0;
}

} // namespace kiln::process
