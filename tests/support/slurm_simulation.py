# SPDX-License-Identifier: Apache-2.0
"""A simulated Slurm for tests: as many nodes as wanted, tasks that are real processes of this machine, and whatever a
site does wrong. kilnd talks to it by tests/support/slurm/{sbatch,squeue,scancel,scontrol}.

It knows what Kiln uses of Slurm and no more; that the real one behaves so is for tests/cluster."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

from daemon import WITH_TEST

PROGRAMS = pathlib.Path(__file__).parent / "slurm"
KILL_WAIT = 1  # seconds; Slurm's KillWait
OVER = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED")


class Task:
    def __init__(self, array, index, job):
        self.array, self.index, self.job = array, index, job
        self.state, self.reason, self.node, self.restarts = "PENDING", "None", "", 0
        self.process = None
        self.wanted = None  # the state that it gets once its process has ended
        self.kill_at = None

    @property
    def is_over(self):
        return self.state in OVER


class Array:
    def __init__(self, ident, options, script, arguments, directory, environment):
        self.id, self.options, self.script = ident, options, script
        self.arguments, self.directory, self.environment = arguments, directory, environment
        self.name = options.get("--job-name", pathlib.Path(script).name)
        self.comment = options.get("--comment", "(null)")
        spec = re.fullmatch(r"1-(\d+)(?:%(\d+))?", options["--array"])
        self.size, self.limit = int(spec[1]), int(spec[2] or 10**9)
        self.tasks = {}


class Simulation:
    """Nodes run one task each. Faults are switched on and off by a test, as attributes."""

    def __init__(self, directory, nodes=1, max_array=1001):
        self.socket_path = str(pathlib.Path(directory) / "slurm.sock")
        self.lock = threading.RLock()
        self.nodes = {f"n{i}": None for i in range(1, nodes + 1)}
        self.max_array = max_array
        self.arrays, self.next_id = {}, 1
        self.is_down = False          # no answer from slurmctld
        self.refuse = None            # sbatch's message instead of accepting a job
        self.refuse_update = None     # scontrol's message instead of changing a job
        self.loses_answer = False     # sbatch takes the job and then says nothing
        self.is_held = False          # nothing starts
        self.forgets_ends = 0         # the number of tasks whose end goes unnoticed
        self.squeue_seconds = 0       # before it looks
        self.wrap = lambda program, text: text  # a site's wrapper, which changes an answer
        self.asked = []               # (program, arguments)
        self.unseen = []              # processes of runs that go on though their task was requeued
        self.submit_limit = None      # tasks of a user, pending and running
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.socket_path)
        self.server.listen(64)
        self.open = True
        self.threads = [threading.Thread(target=self._serve, daemon=True), threading.Thread(target=self._run, daemon=True)]
        for t in self.threads:
            t.start()

    @property
    def environment(self):
        return {"SLURM_SIMULATION": self.socket_path, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}

    def close(self):
        self.open = False
        with self.lock:
            for task in self._tasks():
                self._kill(task, signal.SIGKILL)
            for process in self.unseen:
                self._kill_group(process)
        self.server.close()
        os.unlink(self.socket_path)

    def _tasks(self):
        return [t for a in self.arrays.values() for t in a.tasks.values()]

    def count(self, state):
        with self.lock:
            return sum(t.state == state for t in self._tasks())

    # --- changes of the cluster by a test
    def end(self, task, state, sent=signal.SIGTERM):
        """A task is ended by Slurm, for instance with TIMEOUT."""
        with self.lock:
            if task.process:
                task.wanted = state
                task.kill_at = time.monotonic() + KILL_WAIT
                self._kill(task, sent)
            else:
                task.state = state
                if self.nodes.get(task.node) is task:
                    self.nodes[task.node] = None

    def running(self):
        with self.lock:
            return [t for t in self._tasks() if t.state == "RUNNING"]

    def requeue(self, task, kill=True):
        """Its node was lost: the task waits again. Without kill the run that was lost goes on, unseen."""
        with self.lock:
            if kill:
                self._kill(task, signal.SIGKILL)
            else:
                self.unseen.append(task.process)
            self.nodes[task.node] = None
            task.process, task.node, task.wanted = None, "", None
            task.state, task.reason = "PENDING", "BeginTime"
            task.restarts += 1

    def forget(self):
        """As after MinJobAge: ended jobs are no longer listed."""
        with self.lock:
            for a in self.arrays.values():
                a.tasks = {i: t for i, t in a.tasks.items() if not t.is_over}

    # --- nodes
    def _kill(self, task, sent):
        if task.process and task.process.poll() is None:
            self._kill_group(task.process, sent)

    @staticmethod
    def _kill_group(process, sent=signal.SIGKILL):
        try:
            os.killpg(process.pid, sent)
        except ProcessLookupError:
            pass

    def _run(self):
        while self.open:
            with self.lock:
                self._step()
            time.sleep(0.01)

    def _step(self):
        for name, task in self.nodes.items():
            if task and task.wanted and time.monotonic() >= task.kill_at:
                self._kill(task, signal.SIGKILL)
            if task and task.process and (status := task.process.poll()) is not None:
                self._kill_group(task.process)  # its children end with it
                if self.forgets_ends:
                    self.forgets_ends, task.process = self.forgets_ends - 1, None
                    continue
                task.state = task.wanted or ("COMPLETED" if status == 0 else "FAILED")
                task.process, self.nodes[name] = None, None
        if self.is_held:
            return
        for name in [n for n, t in self.nodes.items() if t is None]:
            task = self._next()
            if not task:
                return
            self.nodes[name], task.node = task, name
            self._start(task)

    def _next(self):
        for a in self.arrays.values():
            if sum(t.state == "RUNNING" for t in a.tasks.values()) >= a.limit:
                continue
            for t in a.tasks.values():
                if t.state == "PENDING" and "eld" not in t.reason:
                    return t
        return None

    def _start(self, task):
        a = task.array
        environment = {**a.environment, "SLURM_ARRAY_JOB_ID": str(a.id), "SLURM_ARRAY_TASK_ID": str(task.index),
                       "SLURM_JOB_ID": str(task.job), "SLURM_CPUS_ON_NODE": "1", "SLURMD_NODENAME": task.node}
        if task.restarts:
            environment["SLURM_RESTART_COUNT"] = str(task.restarts)
        output = pathlib.Path(a.directory) / a.options["--output"].replace("%a", str(task.index))
        task.state, task.reason = "RUNNING", "None"
        try:
            with open(output, "wb") as log:
                task.process = subprocess.Popen([*WITH_TEST, "bash", a.script_copy, *a.arguments], cwd=a.directory, env=environment,
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        except OSError:
            task.state, self.nodes[task.node] = "FAILED", None

    # --- slurmctld
    def _serve(self):
        while self.open:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection:
            received = b""
            while piece := connection.recv(1 << 16):
                received += piece
            asked = json.loads(received)
            program, arguments = asked["program"], asked["arguments"]
            if program == "squeue":
                time.sleep(self.squeue_seconds)
            with self.lock:
                self.asked.append((program, arguments))
                if self.is_down:
                    status, output, errors = 1, "", f"{program}: error: Unable to contact slurm controller (connect failure)\n"
                else:
                    status, output, errors = getattr(self, "_" + program)(arguments, asked)
            answer = {"status": status, "output": self.wrap(program, output), "errors": errors}
            if program == "sbatch" and self.loses_answer and status == 0:
                return
            try:
                connection.sendall(json.dumps(answer).encode())
            except OSError:
                pass  # its kilnd was killed, and it with it

    def _sbatch(self, arguments, asked):
        options = {}
        rest = list(arguments)
        while rest and rest[0].startswith("--"):
            name, _, value = rest.pop(0).partition("=")
            options[name] = value
        if self.refuse:
            return 1, "", f"sbatch: error: Batch job submission failed: {self.refuse}\n"
        a = Array(self.next_id, options, rest[0], rest[1:], options["--chdir"], asked["environment"])
        if a.size >= self.max_array:
            return 1, "", "sbatch: error: Batch job submission failed: Invalid job array specification\n"
        if self.submit_limit is not None and sum(not t.is_over for t in self._tasks()) + a.size > self.submit_limit:
            return 1, "", ("sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job "
                           "violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n")
        a.script_copy = self.socket_path + f".{a.id}.sh"  # Slurm keeps a copy, too
        pathlib.Path(a.script_copy).write_text(pathlib.Path(a.script).read_text())
        for i in range(1, a.size + 1):
            a.tasks[i] = Task(a, i, self.next_id)
            self.next_id += 1
        self.arrays[a.id] = a
        return 0, f"{a.id}\n", ""

    def _squeue(self, arguments, _):
        if "-o" not in arguments:
            return 1, "", "squeue: error: the simulation needs -o\n"
        lines = ["kiln|ARRAY_JOB_ID|ARRAY_TASK_ID|STATE|START_TIME|NODELIST|NAME|COMMENT|REASON"]
        for a in self.arrays.values():
            full = all(self.nodes.values())
            for t in a.tasks.values():
                reason = "Resources" if t.state == "PENDING" and t.reason == "None" and full else t.reason
                lines.append(f"kiln|{a.id}|{t.index}|{t.state}|N/A|{t.node}|{a.name}|{a.comment}|{reason}")
        return 0, "\n".join(lines) + "\n", ""

    def _scancel(self, arguments, _):
        waiting_only = "--state=PENDING" in arguments
        for what in arguments:
            if what.startswith("--"):
                continue
            ident, _, index = what.partition("_")
            a = self.arrays.get(int(ident))
            for t in list(a.tasks.values()) if a else []:
                if t.is_over or (index and t.index != int(index)) or (waiting_only and t.state != "PENDING"):
                    continue
                self.end(t, "CANCELLED")
        return 0, "", ""

    def _scontrol(self, arguments, _):
        if arguments[0] == "update" and self.refuse_update:
            return 1, "", f"scontrol: error: {self.refuse_update}\n"
        if arguments[0] == "release":
            ident, _, index = arguments[1].partition("_")
            for t in self.arrays[int(ident)].tasks.values():
                if not index or t.index == int(index):
                    t.reason = "None"
        return 0, "", ""
