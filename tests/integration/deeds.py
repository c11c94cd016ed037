# SPDX-License-Identifier: Apache-2.0
"""What code in a scene tries, for docs/security.md and for the tests that run it in Blender (test_sandbox.py). Run by Blender,
after a .blend is loaded or as a session begins, it tries each deed in a process of its own and prints a line for it:
"deed NAME: done", or what kept it from that. deeds.json beside it says what to try them on. Run by hand it prints the table.

Each deed is harmless where it succeeds, for root too: it opens and does not write, sets what is set, or gives an argument that
the kernel refuses only after it has let the caller through. To be let through counts as done."""
import ctypes
import errno
import fcntl
import json
import os
import pathlib
import resource
import signal
import socket
import stat
import struct
import sys

# What keeps a deed from being done. Any other error comes from a kernel that would have done it with better arguments.
KEPT = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EROFS, errno.ENOENT, errno.ESRCH, errno.ENOTTY, errno.EXDEV, errno.EOPNOTSUPP}
# Numbers of x86-64; from 424 on they are those of every processor.
NUMBERS = {
    "semget": 64, "shmget": 29, "shmat": 30, "shmctl": 31, "semop": 65, "semctl": 66, "msgget": 68, "msgsnd": 69, "msgrcv": 70,
    "msgctl": 71, "semtimedop": 220, "clone": 56, "ptrace": 101, "syslog": 103, "mknod": 133, "vhangup": 153, "pivot_root": 155,
    "adjtimex": 159, "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169,
    "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176, "quotactl": 179,
    "tkill": 200, "io_setup": 206, "tgkill": 234, "mq_open": 240, "mq_unlink": 241, "kexec_load": 246, "add_key": 248,
    "request_key": 249, "keyctl": 250, "ioprio_set": 251, "migrate_pages": 256, "unshare": 272, "move_pages": 279,
    "rt_tgsigqueueinfo": 297, "rt_sigqueueinfo": 129, "perf_event_open": 298, "fanotify_init": 300, "name_to_handle_at": 303,
    "open_by_handle_at": 304, "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
    "finit_module": 313, "sched_setattr": 314, "renameat2": 316, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
    "pwritev2": 328, "clock_settime": 227, "capset": 126, "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426,
    "io_uring_register": 427, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443,
    "fchmodat2": 452, "statmount": 457, "listmount": 458, "setxattrat": 463, "removexattrat": 466, "open_tree_attr": 467,
    "file_getattr": 468, "file_setattr": 469}
AT_FDCWD = -100
BAD = ctypes.c_void_p(1)  # an address that cannot be read
targets = {}
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """A system call by its number: those that the C library does not have, and with arguments that it would not pass on."""
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    answer = libc.syscall(ctypes.c_long(NUMBERS[name]), *given)
    if answer < 0:
        raise OSError(ctypes.get_errno(), name)
    return answer


def calls(name, *arguments):
    return lambda: call(name, *arguments)


def target(name, *below):
    return pathlib.Path(targets[name], *below)


def reads(name, *below):
    return lambda: os.close(os.open(str(target(name, *below)), os.O_RDONLY))


def writes(name, *below):
    return lambda: os.close(os.open(str(target(name, *below)), os.O_WRONLY))


def reads_path(path):
    return lambda: os.close(os.open(path, os.O_RDONLY))


def writes_path(path):
    return lambda: os.close(os.open(path, os.O_WRONLY))


def creates(*where):
    """A file that is removed again. `where`: a path, or the name of a target."""
    def deed():
        directory = pathlib.Path(where[0]) if where[0].startswith("/") else target(where[0])
        new = directory / f"planted-{os.getpid()}"
        os.close(os.open(str(new), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        new.unlink()
    return deed


def own_file(name="own"):
    pathlib.Path(name).write_text("x")
    return name


def lists(name, *below, shows):
    """A directory whose content is somebody else's."""
    def deed():
        if shows not in os.listdir(str(target(name, *below))):
            raise FileNotFoundError(errno.ENOENT, "it is not shown")
    return deed


def through_link():
    os.symlink("/etc/shadow", "own_link")
    os.close(os.open("own_link", os.O_RDONLY))


def through_hard_link():
    os.link(str(target("project", "tiny.blend")), "own_hard_link")
    os.unlink("own_hard_link")


def create_without_name():
    os.close(os.open(str(target("project")), os.O_TMPFILE | os.O_WRONLY, 0o600))


def put_into_project(how):
    def deed():
        new = target("project", f"planted-{os.getpid()}")
        how(str(new))
        new.rmdir() if new.is_dir() and not new.is_symlink() else new.unlink()
    return deed


def move_into_project(new):
    os.rename(own_file("own_moved"), new)


def exchange_with_project():
    names = os.fsencode(own_file("own_exchanged")), os.fsencode(str(target("victim")))
    for _ in range(2):  # and back
        call("renameat2", AT_FDCWD, ctypes.c_char_p(names[0]), AT_FDCWD, ctypes.c_char_p(names[1]), 2)


def take_from_project():
    os.rename(str(target("victim")), "own_taken")
    os.rename("own_taken", str(target("victim")))


def remove_from_project():
    text = target("victim").read_text()
    target("victim").unlink()
    target("victim").write_text(text)


def set_flags(letter, number, size):
    """ioctl_iflags(2) and ioctl_xfs_fsgetxattr(2): gets what a file of the project has, and sets it again."""
    def deed():
        value = bytearray(size)
        with open(str(target("victim")), "rb") as file:
            fcntl.ioctl(file, 0x80000000 | size << 16 | ord(letter) << 8 | number, value)
            fcntl.ioctl(file, 0x40000000 | size << 16 | ord(letter) << 8 | number + 1, value)
    return deed


def lease(kind):
    def deed():
        with open(str(target("victim")), "rb") as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, kind)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return deed


def lock():
    with open(str(target("victim")), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def kilnd():
    return targets["kilnd"]


def trace():
    call("ptrace", 16, kilnd(), 0, 0)  # PTRACE_ATTACH
    os.waitpid(kilnd(), 0x40000000)  # __WALL: it has stopped
    call("ptrace", 17, kilnd(), 0, 0)  # and goes on


def open_process():
    return call("pidfd_open", kilnd(), 0)


def siginfo():
    return ctypes.create_string_buffer(struct.pack("iii", 0, 0, -1), 128)  # SI_QUEUE


def survive():
    """A process that outlives the job."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.setsid()
        except OSError as refused:
            os.write(writer, str(refused.errno).encode())
            os._exit(0)
        signal.alarm(0)
        os.write(writer, b"done")
        os.closerange(0, 1024)  # the log, and what tells of this deed
        signal.pause()
        os._exit(0)
    os.close(writer)
    said = os.read(reader, 200).decode()
    if said != "done":
        raise OSError(int(said), "setsid")


def clone(flags):
    def deed():
        if call("clone", flags | signal.SIGCHLD, 0, 0, 0, 0) == 0:
            os._exit(0)
    return deed


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.connect(address() if callable(address) else address)


def makes_socket(family, kind, protocol=0):
    return lambda: socket.socket(family, kind, protocol).close()


def send_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", ("127.0.0.1", targets["port"]))


def listen():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 0))
        s.listen()


def send_through_pair(kind):
    def deed():
        for end in socket.socketpair(socket.AF_UNIX, kind):
            with end:
                end.sendto(b"x", targets["service"])
    return deed


def terminal(command):
    """To be told that this is no terminal is to be let through."""
    def deed():
        try:
            fcntl.ioctl(1, command, struct.pack("q", 0))
        except OSError as refused:
            if refused.errno != errno.ENOTTY:
                raise
    return deed


def rewrite_log(file):
    """Without O_APPEND what was printed could be written over."""
    def deed():
        flags = fcntl.fcntl(1, fcntl.F_GETFL)
        fcntl.fcntl(file(), fcntl.F_SETFL, flags & ~os.O_APPEND)
        fcntl.fcntl(file(), fcntl.F_SETFL, flags)
    return deed


def write_without_append():
    text = ctypes.create_string_buffer(b"", 1)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(text), 0)
    call("pwritev2", 1, vector, 1, 0, 0, 0x20)  # RWF_NOAPPEND


def regain_capabilities():
    header = struct.pack("Ii", 0x20080522, 0)
    sets = struct.pack("IIIIII", *[1 << 21, 1 << 21, 0, 0, 0, 0])  # CAP_SYS_ADMIN
    call("capset", ctypes.c_char_p(header), ctypes.c_char_p(sets))


def become(how, number):
    def deed():
        try:
            how(number)
        except OSError as refused:
            raise PermissionError(errno.EPERM, "no such user in this namespace") if refused.errno == errno.EINVAL else refused
    return deed


def set_attribute(how):
    return lambda: how(str(target("victim")))


def same_times(path):
    found = os.stat(path)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def same_mode(path):
    os.chmod(path, stat.S_IMODE(os.stat(path).st_mode))


def same_mode_by_number(path):
    call("fchmodat2", AT_FDCWD, ctypes.c_char_p(os.fsencode(path)), stat.S_IMODE(os.stat(path).st_mode), 0)


def same_owner(path):
    os.chown(path, os.stat(path).st_uid, -1)


GROUPS = {
    "read files of others": {
        "shadow": reads_path("/etc/shadow"), "hostname": reads_path("/etc/hostname"), "machine_id": reads_path("/etc/machine-id"),
        "packages": reads_path("/var/lib/dpkg/status"), "home": reads("home", ".ssh", "id_ed25519"),
        "store": reads("state", "kiln.db"), "store_log": reads("state", "kiln.db-wal"), "logs": reads("state", "logs"),
        "state_listed": lists("state", shows="kiln.db"), "configuration": reads("configuration"), "upload": reads("upload"),
        "frame": reads("other_frame"), "workspace": reads("other_workspace", "blender-render_0001.png"),
        "workspace_listed": lists("other_workspace", shows="blender-render_0001.png"),
        "by_symbolic_link": through_link, "by_hard_link": through_hard_link,
        "by_root_of_process": reads_path("/proc/self/root/etc/shadow"),
        "by_directory_of_process": reads_path("/proc/self/cwd/../../../../../../../../../../etc/shadow"),
        "by_handle": calls("open_by_handle_at", -1, BAD, 0), "handle": calls("name_to_handle_at", -1, BAD, BAD, BAD, 0),
        "memory_of_machine": reads_path("/dev/mem"), "kernel_log": reads_path("/dev/kmsg"),
    },
    "write outside the workspace": {
        "outside": creates("outside"), "temporary": creates("/tmp"), "temporary_kept": creates("/var/tmp"),
        "shared_memory": creates("/dev/shm"), "run": creates("/run"), "usr": creates("/usr"), "cron": creates("/etc/cron.d"),
        "home_planted": creates("home"), "state_planted": creates("state"), "store_written": writes("state", "kiln.db"),
        "upload_written": writes("upload"), "frame_written": writes("other_frame"), "output_planted": creates("output"),
        "workspace_written": writes("other_workspace", "blender-render_0001.png"), "workspace_planted": creates("other_workspace"),
        "configuration_written": writes("configuration"), "project_planted": creates("project"), "scene_written": writes("project", "tiny.blend"),
        "project_without_name": create_without_name, "project_directory": put_into_project(os.mkdir),
        "project_link": put_into_project(lambda new: os.symlink("/etc/shadow", new)),
        "project_hard_link": put_into_project(lambda new: os.link(own_file("own_linked"), new)),
        "project_pipe": put_into_project(os.mkfifo), "project_moved_to": put_into_project(move_into_project),
        "project_exchanged": exchange_with_project, "project_taken": take_from_project, "project_removed": remove_from_project,
        "project_truncated": lambda: os.truncate(str(target("victim")), target("victim").stat().st_size),
        "device": lambda: os.mknod("own_device", stat.S_IFCHR | 0o600, os.makedev(1, 3)), "pipe": lambda: os.mkfifo("own_pipe"),
    },
    "change modes, owners, times and attributes": {
        "mode": set_attribute(same_mode), "mode_by_number": set_attribute(same_mode_by_number), "owner": set_attribute(same_owner),
        "times": set_attribute(same_times), "attribute": set_attribute(lambda path: os.setxattr(path, "user.kiln", b"x")),
        "attribute_removed": set_attribute(lambda path: os.removexattr(path, "user.kiln")),
        "attribute_by_number": calls("setxattrat", AT_FDCWD, BAD, 0, BAD, BAD, 0),
        "attribute_removed_by_number": calls("removexattrat", AT_FDCWD, BAD, 0, BAD),
        "file_attributes": calls("file_setattr", AT_FDCWD, BAD, BAD, 0, 0),
        "file_attributes_read": calls("file_getattr", AT_FDCWD, BAD, BAD, 0, 0),
        "flags": set_flags("f", 1, 8), "project_id": set_flags("X", 31, 28),
        "own_mode": lambda: os.chmod(own_file("own_mode"), 0o4755), "own_owner": lambda: os.chown(own_file("own_owner"), -1, 0),
        "read_lease": lease(fcntl.F_RDLCK), "write_lease": lease(fcntl.F_WRLCK), "lock": lock,
    },
    "rewrite the log of its attempt": {
        "log_flags": rewrite_log(lambda: 1), "log_flags_of_duplicate": rewrite_log(lambda: os.dup(1)),
        "log_truncated": lambda: os.ftruncate(1, os.fstat(1).st_size), "log_allocated": lambda: os.posix_fallocate(1, 0, 1),
        "log_without_append": write_without_append,
    },
    "reach other processes": {
        "trace": trace, "see": lambda: os.close(os.open(f"/proc/{kilnd()}/cmdline", os.O_RDONLY)),
        "environment": lambda: os.close(os.open(f"/proc/{kilnd()}/environ", os.O_RDONLY)),
        "memory": lambda: os.close(os.open(f"/proc/{kilnd()}/mem", os.O_RDONLY)),
        "maps": lambda: os.close(os.open(f"/proc/{kilnd()}/maps", os.O_RDONLY)),
        "descriptors": lambda: os.listdir(f"/proc/{kilnd()}/fd"), "root": lambda: os.listdir(f"/proc/{kilnd()}/root"),
        "oom_score": lambda: os.close(os.open(f"/proc/{kilnd()}/oom_score_adj", os.O_WRONLY)),
        "read_memory": lambda: call("process_vm_readv", kilnd(), BAD, 1, BAD, 1, 0),
        "write_memory": lambda: call("process_vm_writev", kilnd(), BAD, 1, BAD, 1, 0),
        "advise_memory": calls("process_madvise", -1, BAD, 1, 0, 0), "move_memory": lambda: call("move_pages", kilnd(), 0, 0, 0, 0, 0),
        "migrate_memory": lambda: call("migrate_pages", kilnd(), 0, 0, 0), "compare": lambda: call("kcmp", os.getpid(), kilnd(), 1, 0, 0),
        "signal": lambda: os.kill(kilnd(), 0), "signal_group": lambda: os.kill(-targets["group"], 0),
        "signal_thread": lambda: call("tkill", kilnd(), 0), "signal_thread_of_group": lambda: call("tgkill", kilnd(), kilnd(), 0),
        "signal_queued": lambda: call("rt_sigqueueinfo", kilnd(), 0, siginfo()),
        "signal_queued_to_thread": lambda: call("rt_tgsigqueueinfo", kilnd(), kilnd(), 0, siginfo()),
        "signal_opened": lambda: call("pidfd_send_signal", open_process(), 0, 0, 0),
        "take_descriptor": lambda: call("pidfd_getfd", open_process(), 0, 0),
        "priority": lambda: os.setpriority(os.PRIO_PROCESS, kilnd(), os.getpriority(os.PRIO_PROCESS, kilnd())),
        "priority_of_group": lambda: os.setpriority(os.PRIO_PGRP, 0, os.getpriority(os.PRIO_PGRP, 0)),
        "scheduler": lambda: os.sched_setscheduler(kilnd(), os.SCHED_OTHER, os.sched_param(0)),
        "scheduler_parameters": lambda: os.sched_setparam(kilnd(), os.sched_param(0)),
        "scheduler_attributes": lambda: call("sched_setattr", kilnd(), BAD, 0),
        "disk_priority": lambda: call("ioprio_set", 1, kilnd(), 0), "disk_priority_of_group": lambda: call("ioprio_set", 2, 0, 0),
        "limits": lambda: resource.prlimit(kilnd(), resource.RLIMIT_NOFILE),
        "processors": lambda: os.sched_setaffinity(kilnd(), os.sched_getaffinity(kilnd())),
        "leave_session": lambda: os.setsid(), "leave_group": lambda: os.setpgid(0, 0), "survive": survive,
    },
    "use the network and local services": {
        "tcp": lambda: connect(socket.AF_INET, ("127.0.0.1", targets["port"])), "tcp6": makes_socket(socket.AF_INET6, socket.SOCK_STREAM),
        "udp": send_datagram, "udp6": makes_socket(socket.AF_INET6, socket.SOCK_DGRAM), "listen": listen,
        "icmp": makes_socket(socket.AF_INET, socket.SOCK_DGRAM, 1), "raw": makes_socket(socket.AF_INET, socket.SOCK_RAW, 1),
        "multipath": makes_socket(socket.AF_INET, socket.SOCK_STREAM, 262), "local_service": lambda: connect(socket.AF_UNIX, targets["socket"]),
        "abstract_service": lambda: connect(socket.AF_UNIX, "\0" + targets["abstract"]),
        "local_datagram": makes_socket(socket.AF_UNIX, socket.SOCK_DGRAM), "local_packets": makes_socket(socket.AF_UNIX, socket.SOCK_SEQPACKET),
        "datagram_pair": send_through_pair(socket.SOCK_DGRAM), "raw_pair": send_through_pair(socket.SOCK_RAW),
        "netlink": makes_socket(16, socket.SOCK_RAW), "netlink_audit": makes_socket(16, socket.SOCK_RAW, 9),
        "packet": makes_socket(17, socket.SOCK_RAW), "crypto": makes_socket(38, socket.SOCK_SEQPACKET),
        "virtual_machine": makes_socket(40, socket.SOCK_STREAM), "bluetooth": makes_socket(31, socket.SOCK_RAW, 1),
        "can": makes_socket(29, socket.SOCK_RAW, 1), "rxrpc": makes_socket(33, socket.SOCK_DGRAM, 2), "xdp": makes_socket(44, socket.SOCK_RAW),
        "key_sockets": makes_socket(15, socket.SOCK_RAW, 2), "tipc": makes_socket(30, socket.SOCK_SEQPACKET),
    },
    "share memory and messages with other processes": {
        "shared_segment": calls("shmget", 0, 0, 0o1000), "shared_attached": calls("shmat", -1, 0, 0), "shared_controlled": calls("shmctl", -1, 0, 0),
        "semaphore": calls("semget", 0, -1, 0o1000), "semaphore_changed": calls("semop", -1, BAD, 1),
        "semaphore_changed_in_time": calls("semtimedop", -1, BAD, 1, 0), "semaphore_controlled": calls("semctl", -1, 0, 0, 0),
        "queue": lambda: call("msgctl", call("msgget", 0, 0o1600), 0, 0), "queue_sent": calls("msgsnd", -1, BAD, 0, 0),
        "queue_received": calls("msgrcv", -1, BAD, 0, 0, 0), "named_queue": calls("mq_open", BAD, 0, 0, 0), "named_queue_removed": calls("mq_unlink", BAD),
    },
    "make namespaces, mount, and change roots": {
        "user_namespace": calls("unshare", 0x10000000), "mount_namespace": calls("unshare", 0x20000), "pid_namespace": calls("unshare", 0x20000000),
        "net_namespace": calls("unshare", 0x40000000), "user_namespace_by_clone": clone(0x10000000), "mount_namespace_by_clone": clone(0x20000),
        "net_namespace_by_clone": clone(0x40000000), "pid_namespace_by_clone": clone(0x20000000), "clone_with_more": calls("clone3", BAD, 0),
        "enter_namespace": lambda: call("setns", os.open("/proc/self/ns/mnt", os.O_RDONLY), 0x40000000), "change_root": lambda: os.chroot("."),
        "exchange_root": calls("pivot_root", ctypes.c_char_p(b"."), ctypes.c_char_p(b".")),
        "mount": calls("mount", ctypes.c_char_p(b"none"), ctypes.c_char_p(b"."), ctypes.c_char_p(b"kiln-no-fs"), 0, 0),
        "unmount": calls("umount2", ctypes.c_char_p(b"."), 0), "open_tree": calls("open_tree", -1, BAD, 0),
        "open_tree_by_number": calls("open_tree_attr", -1, BAD, 0, BAD, 0), "move_mount": calls("move_mount", -1, BAD, -1, BAD, 0),
        "open_file_system": calls("fsopen", BAD, 0), "set_up_file_system": calls("fsconfig", -1, 0, BAD, BAD, 0), "mount_file_system": calls("fsmount", -1, 0, 0),
        "pick_file_system": calls("fspick", -1, BAD, 0), "mount_attributes": calls("mount_setattr", -1, BAD, 0, BAD, 0),
        "see_mount": calls("statmount", BAD, BAD, 0, 0), "list_mounts": calls("listmount", BAD, BAD, 0, 0),
        "quota": calls("quotactl", 0x7fffff00, BAD, 0, BAD), "quota_of_file": calls("quotactl_fd", -1, 0x7fffff00, 0, BAD),
        "watch_file_system": calls("fanotify_init", 0x7fffffff, 0), "swap_on": calls("swapon", BAD, 0), "swap_off": calls("swapoff", BAD), "accounting": calls("acct", BAD),
    },
    "change or attack the kernel": {
        "core_pattern": writes_path("/proc/sys/kernel/core_pattern"), "drop_caches": writes_path("/proc/sys/vm/drop_caches"),
        "sysrq": writes_path("/proc/sysrq-trigger"), "host_name_file": writes_path("/proc/sys/kernel/hostname"),
        "control_group": writes_path("/sys/fs/cgroup/cgroup.procs"), "huge_pages": writes_path("/sys/kernel/mm/transparent_hugepage/enabled"),
        "bpf": calls("bpf", -1, BAD, 0), "performance": calls("perf_event_open", BAD, 0, -1, -1, 0), "page_faults": calls("userfaultfd", 0),
        "key": calls("add_key", BAD, BAD, BAD, 0, 0), "key_request": calls("request_key", BAD, BAD, BAD, 0), "key_control": calls("keyctl", 0, -3, 0, 0, 0),
        "module": calls("init_module", BAD, 0, BAD), "module_of_file": calls("finit_module", -1, BAD, 0), "module_removed": calls("delete_module", BAD, 0),
        "other_kernel": calls("kexec_load", 0, 0, 0, 0x7fff), "other_kernel_of_file": calls("kexec_file_load", -1, -1, 0, BAD, 0x7fff),
        "reboot": calls("reboot", 0, 0, 0, 0), "ports": calls("iopl", 0), "port": calls("ioperm", 0, 0, 0), "kernel_messages": calls("syslog", 10, 0, 0),
        "time": calls("settimeofday", BAD, BAD), "clock": calls("clock_settime", 0, BAD), "clock_adjusted": calls("clock_adjtime", 0, BAD), "clock_tuned": calls("adjtimex", BAD),
        "host_name": calls("sethostname", BAD, -1), "domain_name": calls("setdomainname", BAD, -1), "hang_up": calls("vhangup"),
        "ring": calls("io_uring_setup", 1, BAD), "ring_entered": calls("io_uring_enter", -1, 0, 0, 0, 0, 0), "ring_registered": calls("io_uring_register", -1, 0, BAD, 0),
    },
    "use a terminal": {
        "type": terminal(0x5412), "paste": terminal(0x541C), "take_terminal": terminal(0x540E), "line_discipline": terminal(0x5423),
    },
    "gain privileges": {
        "capabilities": regain_capabilities, "another_user": become(os.setuid, os.getuid() + 1), "another_group": become(os.setgid, os.getgid() + 1), "groups": lambda: os.setgroups([0]),
    },
    "write to its workspace": {
        "own_file": lambda: own_file(), "own_directory": lambda: os.makedirs("own_directory"), "own_truncated": lambda: os.ftruncate(os.open(own_file("own_2"), os.O_WRONLY), 0),
        "own_moved": lambda: os.rename(own_file("own_4"), "own_5"),
    },
}
DEEDS = {name: deed for group in GROUPS.values() for name, deed in group.items()}
OWN = set(GROUPS["write to its workspace"])
# What a mechanism lets through; docs/security.md says why.
LET_THROUGH = {
    "landlock": OWN | {"lock", "log_flags_of_duplicate", "processors", "workspace_listed"},
    "bwrap": OWN | {"lock", "log_flags_of_duplicate"},
}
# The kernel's own rules keep these from root as well, which has no capabilities in a sandbox.
KEPT_FROM_ROOT = {"processors"}
# So many succeed without a sandbox for a user without privileges; the rest needs root, or parts of a kernel that it may lack.
NEED_NO_PRIVILEGE = 140
NEED_NO_RIGHTS = 85  # for one that owns nothing here (RUN_AS)


def try_one(name):
    """In a process of its own, which a deed may spoil."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        try:
            DEEDS[name]()
            said = "done"
        except OSError as refused:
            kept = refused.errno in KEPT
            said = f"{'kept' if kept else 'done, but for'} {errno.errorcode.get(refused.errno, refused.errno)}"
        except BaseException as wrong:
            said = f"failed {type(wrong).__name__}: {wrong}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as told:
        said = told.read(500).decode()
    os.waitpid(child, 0)
    return said or "failed: its process has ended"


def table():
    """Of docs/security.md."""
    lines = ["| code in a scene tries to | deeds | Landlock | bubblewrap |", "|---|---|---|---|"]

    def cell(group, mechanism):
        through = sorted(set(group) & LET_THROUGH[mechanism])
        if not through:
            return "all refused"
        return "all allowed" if len(through) == len(group) else "refused, but for " + ", ".join(f"`{name}`" for name in through)
    for title, group in GROUPS.items():
        lines.append(f"| {title} | {len(group)} | {cell(group, 'landlock')} | {cell(group, 'bwrap')} |")
    return "\n".join(lines) + "\n"


if "bpy" in sys.modules:
    targets = json.loads((pathlib.Path(__file__).parent / "deeds.json").read_text())
    for each in DEEDS:
        sys.stdout.write(f"\ndeed {each}: {try_one(each)}\n")
        sys.stdout.flush()
elif __name__ == "__main__":
    print(table(), end="")
