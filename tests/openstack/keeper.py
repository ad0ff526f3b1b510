# SPDX-License-Identifier: MIT
"""Processes of one test bed: ports that stay ours, programs that are started, recorded and ended by their process id."""
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

# A child gets SIGTERM when we die, however we die. (So each must be started by the main thread, which lives as long as we do.)
WITH_US = ["setpriv", "--pdeathsig", "TERM", "--"]


class Failed(Exception):
    """Something did not start or did not go through; in words for the person at the terminal."""


class Keeper:
    """Works in `directory`: log/<name>.log, run/<name>.pid."""

    def __init__(self, directory, env):
        self.dir = pathlib.Path(directory)
        self.env = env
        self.programs = {}  # name: how it is started
        self.running = {}  # name: Popen
        self._sockets = []
        self._guard = threading.Lock()  # of the two below
        self._passing = set()  # programs of run(), under way
        self._ending = False
        for name in ("log", "run"):
            (self.dir / name).mkdir(parents=True, exist_ok=True)

    # Ports ------------------------------------------------------------------------------------------------------------

    def reserve(self):
        """A free port of 127.0.0.1. It stays bound here, without listening, so that nobody else gets it for as long as we run:
        a server of ours, which sets SO_REUSEADDR as we do, may listen on it all the same; until it does, calls are refused."""
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
        self._sockets.append(s)
        return s.getsockname()[1]

    # Programs that end ------------------------------------------------------------------------------------------------

    def run(self, name, *argv, text=None, **env):
        """Runs a program to its end, from any thread; Failed unless it ends with 0. Its output goes to its log."""
        with self._guard:
            if self._ending:
                raise Failed(f"{name} is no longer wanted")
            with open(self._log(name), "ab") as out:
                child = subprocess.Popen([str(a) for a in argv], env={**self.env, **env}, stdin=subprocess.PIPE, stdout=out, stderr=out,
                                         cwd=self.dir, start_new_session=True)
            self._passing.add(child)
        child.communicate((text or "").encode())
        with self._guard:
            self._passing.remove(child)
        if child.returncode:
            raise Failed(f"{name} ended with {child.returncode}:\n{self._tail(name)}")

    # Programs that stay -----------------------------------------------------------------------------------------------

    def start(self, name, *argv, **env):
        """Starts a program, in a session and process group of its own."""
        self.programs[name] = (argv, env)
        with open(self._log(name), "ab") as out:
            child = subprocess.Popen([*WITH_US, *(str(a) for a in argv)], env={**self.env, **env},
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir, start_new_session=True)
        self.running[name] = child
        (self.dir / f"run/{name}.pid").write_text(f"{child.pid}\n")

    def again(self, name):
        """Starts one that was stopped, just as before."""
        argv, env = self.programs[name]
        self.start(name, *argv, **env)

    def wait(self, name, ready, timeout=120):
        """Waits until ready() is true; Failed when the program ends meanwhile, or takes too long."""
        deadline = time.monotonic() + timeout
        while not ready():
            if self.running[name].poll() is not None:
                raise Failed(f"{name} ended with {self.running[name].returncode}:\n{self._tail(name)}")
            if time.monotonic() > deadline:
                raise Failed(f"{name} was not ready within {timeout} s:\n{self._tail(name)}")
            time.sleep(0.05)

    def wait_port(self, name, port):
        self.wait(name, lambda: listens(port))

    def stop(self, *names, patience=5):
        """Ends these together: SIGTERM to the group of each, and SIGKILL to what is still there after `patience` seconds."""
        leaving = [(n, self.running.pop(n)) for n in names if n in self.running]
        for _, child in leaving:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        for name, child in leaving:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            end_group(child.pid)
            (self.dir / f"run/{name}.pid").unlink(missing_ok=True)

    def stop_all(self, *last):
        """Ends everything, those named at the end and in this order."""
        with self._guard:
            self._ending = True
            for child in self._passing:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
        self.stop(*(n for n in self.running if n not in last))
        for name in last:
            self.stop(name)
        for s in self._sockets:
            s.close()
        self._sockets.clear()

    def _log(self, name):
        return self.dir / f"log/{name}.log"

    def _tail(self, name):
        return self._log(name).read_text(errors="replace")[-3000:]


def end_group(group):
    """Kills what the leader of a group, which has just ended, has left behind in it."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False
