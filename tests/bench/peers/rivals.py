# SPDX-License-Identifier: MIT
"""The servers of `make bench-peers`, Anteroom among them: each begins with an empty store and ends with its block.

They lie in one directory, and so on one file system. What Debian's packages run by themselves as services is not touched: these
are processes of ours, on sockets in that directory or on ports of loopback that the system gives."""
import collections
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess

import kit
from harness import Anteroom, Process, wait_until

PROGRAMS = kit.BENCH / "peers"
HERE = pathlib.Path(__file__).resolve().parent
# at: a URL, or the path of a socket; pids: its processes, without their children; count(): how many jobs it has.
Server = collections.namedtuple("Server", "at pids count")
QUEUES = {"vm": {"capacity": "none", "callback_base": "http://127.0.0.1:65535/"}}
DATA = '{"instances":[{"VCPU":1,"Memory":1,"Disk":1}],"project":"project id"}'


@contextlib.contextmanager
def running(name, argv, directory, ready, how=signal.SIGTERM, **popen):
    """A server from the moment it is ready: ready(log) says so. It has ended afterwards, whatever happens."""
    log = directory / f"{name}.log"
    log.unlink(missing_ok=True)
    server = Process(name, argv, directory, log, {**os.environ, "LC_ALL": "C.UTF-8"}, **popen)

    def is_ready():
        if not server.alive():
            raise SystemExit(f"{name} ended with {server.popen.returncode}:\n{server.log()}")
        return ready(server.log())

    try:
        wait_until(is_ready, what=name)
        yield server
    finally:
        server.stop(how, timeout=60)


def fresh(directory):
    """An empty directory."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def talk(path, words):
    """The answer's first piece to one command on a unix socket."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        s.sendall(words)
        return s.recv(65536).decode()


def rows(path):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        return db.execute("SELECT count(*) FROM jobs").fetchone()[0]


@contextlib.contextmanager
def anteroom(directory):
    """nginx and anteroom.fcgi."""
    a = Anteroom(fresh(directory / "anteroom"), {"queues": QUEUES, "max_queued": 100000000, "log_level": "warn"})
    try:
        a.start(nginx_extra=("access_log off;", ""))
        yield Server(f"http://127.0.0.1:{a.port}/v1/vm/", (a.nginx.pid, a.fcgi.pid), lambda: rows(a.db_path))
    finally:
        a.stop()


@contextlib.contextmanager
def go(directory):
    """service.go, without a web server in front."""
    where = fresh(directory / "go")
    database = where / "jobs.db"
    with running("service", [PROGRAMS / "service", database], where, lambda log: log.endswith("\n")) as server:
        yield Server(f"http://{server.log().strip()}/v1/vm/", (server.pid,), lambda: rows(database))


@contextlib.contextmanager
def beanstalkd(directory):
    """-f0: fsync at every write of the log."""
    where = fresh(directory / "beanstalkd")
    path = where / "socket"
    with running("beanstalkd", ["beanstalkd", "-l", f"unix:{path}", "-b", where, "-f0"], where, lambda log: path.exists()) as server:
        yield Server(path, (server.pid,), lambda: int(re.search(r"^current-jobs-ready: (\d+)", talk(path, b"stats\r\n"), re.M)[1]))


@contextlib.contextmanager
def redis(directory):
    """Every answer after the fsync of what it is about; no snapshots and no rewriting of the log, which would take time from it."""
    where = fresh(directory / "redis")
    path = where / "socket"
    argv = ["redis-server", "--port", "0", "--unixsocket", path, "--dir", where, "--appendonly", "yes", "--appendfsync", "always",
            "--save", "", "--auto-aof-rewrite-percentage", "0"]
    with running("redis", argv, where, lambda log: path.exists() and "ready to accept connections" in log) as server:
        yield Server(path, (server.pid,), lambda: int(talk(path, b"LLEN jobs\r\n")[1:]))


class Postgres:
    """A cluster of our own, made once; a table of its own each time. As the user postgres where we are root, which it refuses."""

    def __init__(self, directory):
        self.dir = directory / "postgres"
        self.dir.mkdir()
        self.bin = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
        self.who = {}
        if os.getuid() == 0:
            self.who = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self.dir, "postgres", "postgres")
        self.run("initdb", "-D", self.dir / "data", "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale", **self.who)

    def run(self, program, *args, **popen):
        done = subprocess.run([self.bin / program, *map(str, args)], cwd=self.dir, capture_output=True, text=True, check=False, **popen)
        if done.returncode:
            raise SystemExit(f"{program} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def client(self, program, *args):
        return self.run(program, "-h", self.dir, "-U", "bench", "-d", "postgres", *args)

    def sql(self, *args):
        return self.client("psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", *args)

    @contextlib.contextmanager
    def serving(self):
        argv = [self.bin / "postgres", "-D", self.dir / "data", "-k", self.dir, "-c", "listen_addresses=", "-c", "fsync=on",
                "-c", "synchronous_commit=on"]
        with running("postgres", argv, self.dir, lambda log: "ready to accept connections" in log,
                     signal.SIGINT, **self.who) as server:
            self.sql("-f", HERE / "table.sql")
            yield Server(self.dir, (server.pid,), lambda: int(self.sql("-c", "SELECT count(*) FROM jobs")))

    def load(self, clients, seconds, run):
        """pgbench: (transactions, transactions a second). It ends by itself at the first error."""
        said = self.client("pgbench", "-n", "-M", "prepared", "-c", clients, "-j", min(clients, 2), "-T", seconds,
                           "-f", HERE / "insert.sql", "-D", f"n={run * 10**9}", "-D", f"data={DATA}")
        done, rate = (re.search(line, said, re.M) for line in (r"^number of transactions actually processed: (\d+)", r"^tps = ([\d.]+)"))
        if not done or not rate:
            raise SystemExit(f"pgbench: {said}")
        return int(done[1]), float(rate[1])
