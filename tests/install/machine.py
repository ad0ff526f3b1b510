# SPDX-License-Identifier: MIT
"""A throw-away copy of this machine: its files under a layer of memory, with processes, network and host name of its own.

What is installed, configured and started in it is gone with it; the machine it is a copy of sees nothing of that. With systemd its
first process is the real one. Needs root, and a kernel that lets root make namespaces.
"""
import contextlib
import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = "/mnt/anteroom"  # where the machine sees ROOT
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What package managers, systemd and the like write down for themselves.
NOISE = re.compile("/(mnt|etc/(machine-id|hosts|systemd/system|ld.so.cache|[g]?shadow-?|passwd-?|group-?|sub[ug]id-?|[.]pwd[.]lock)|root/.local"
                   "|var/(log|cache|mail|backups|spool/cron|lib/(dpkg|apt|systemd|private|logrotate|nginx|apache2)))(/|$)")



def wait_until(predicate, timeout=60, what="it"):
    """Asks until the answer is true, and returns that; a failure of the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not happen within {timeout} s"
        time.sleep(0.05)


def own_cgroup():
    """A new cgroup of ours, in which a systemd may be the first."""
    mounts = [line.split() for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    mount = next((f[4] for f in mounts if f[f.index("-") + 1] == "cgroup2"), None)
    assert mount, "no throw-away machine can be made here: cgroups of version 2 are needed"
    ours = next(line[3:] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    return pathlib.Path(tempfile.mkdtemp(prefix="anteroom-test-", dir=mount + ours))



class Machine:
    def __init__(self, init="systemd"):
        self.started = []
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="anteroom-machine-"))
        self.cgroup = own_cgroup()
        argv = ["setpriv", "--pdeathsig", "KILL", "unshare", "-m", "-p", "-C", "-n", "-u", "-i", "--fork", "--kill-child",
                ROOT / "tests/install/machine.sh", self.dir, ROOT, init]
        with open(self.dir.with_suffix(".log"), "wb") as log:
            self.popen = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                          preexec_fn=lambda: (self.cgroup / "cgroup.procs").write_text("0"))
        self.pid = None
        try:
            self.pid = wait_until(self._first_process, what="the first process of a throw-away machine")
            ready = "systemctl is-active --quiet sysinit.target" if init == "systemd" else "true"
            wait_until(lambda: self.run(ready, code=None).returncode == 0, what="its boot")
        except BaseException:
            self.close()
            raise

    def _first_process(self):
        """Its process id, once it has become what it is to be."""
        said = self.dir.with_suffix(".log").read_text()
        assert self.popen.poll() is None, f"no throw-away machine can be made here (root and namespaces are needed):\n{said}"
        children = pathlib.Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text().split()
        name = pathlib.Path(f"/proc/{children[0]}/comm").read_text().strip() if children else ""
        return int(children[0]) if name in ("systemd", "sleep") else None

    def close(self):
        for pid in (self.pid, self.popen.pid):
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for process in [self.popen, *self.started]:
            process.wait()
        # Its cgroups are empty a moment after its processes have gone.
        wait_until(self._remove_cgroup, what="the end of its processes")
        self.dir.with_suffix(".log").unlink()
        self.dir.rmdir()

    def _remove_cgroup(self):
        for path, _, _ in os.walk(self.cgroup, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(path)
        return not self.cgroup.exists()

    def argv(self, command, user=None):
        """What runs a shell command in it, as root or as somebody else."""
        enter = ["nsenter", "-t", self.pid, "-m", "-p", "-C", "-n", "-u", "-i", "/usr/bin/env", "-i", f"PATH={PATH}", "LC_ALL=C.UTF-8",
                 "DEBIAN_FRONTEND=noninteractive", f"HOME={'/root' if user is None else '/srv/' + user}"]
        become = [] if user is None else ["setpriv", "--reuid", user, "--regid", user, "--init-groups"]
        return [str(a) for a in enter + become + ["sh", "-c", "set -e\n" + command]]

    def run(self, command, user=None, code=0, timeout=120):
        """A shell script in it, in /. What it came to; it must end with the exit code `code` (None: any)."""
        # Files rather than pipes: what is started in the background keeps them open.
        with tempfile.TemporaryFile("w+", errors="replace") as out, tempfile.TemporaryFile("w+", errors="replace") as err:
            done = subprocess.run(self.argv(command, user), stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=timeout)
            out.seek(0)
            err.seek(0)
            done.stdout, done.stderr = out.read(), err.read()
        assert code in (None, done.returncode), f"exit code {done.returncode}, not {code}, of:\n{command}\n{done.stdout}{done.stderr}"
        return done

    def start(self, command):
        """A program that runs in it until its end."""
        self.started.append(subprocess.Popen(self.argv(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def out(self, command, **kw):
        return self.run(command, **kw).stdout.strip()

    def read(self, path):
        return self.out(f"cat {shlex.quote(path)}")

    def write(self, path, text):
        subprocess.run(self.argv(f"cat >{shlex.quote(path)}"), input=text, text=True, check=True)

    def copy(self, source, path):
        subprocess.run(self.argv(f"cat >{shlex.quote(path)}"), input=source.read_bytes(), check=True)

    def files(self):
        """What differs from the machine it is a copy of, without noise: the paths of files, and of folders that are new."""
        listed = self.out("find /mnt/upper -mindepth 1 ! -type c -printf '%y/%P\\n'").split("\n")
        return {p[1:] for p in listed if not NOISE.match(p[1:]) and not (p[0] == "d" and os.path.lexists(p[1:]))}
