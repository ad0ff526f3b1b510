# SPDX-License-Identifier: MIT
"""Whoever takes his time to read what is printed (a pager, a terminal that is stopped) keeps no old snapshot of the database open:
its write-ahead log would grow all the while."""
import contextlib
import fcntl
import os
import sqlite3
import subprocess
import termios

import pytest

from cloud import create, lab
from harness import BIN, wait_until

PIPE = 4096  # bytes that a pipe takes while nobody reads it: the least there is


@pytest.fixture(scope="module")
def a(shared_anteroom):
    config = lab({f"{i:02}-{'h' * 100}": {"gpu": 4} for i in range(60)})
    config["queues"]["*"] = {"capacity": "none", "callback_base": "http://127.0.0.1:@PORT@/demo/callback/"}
    a = shared_anteroom(config)
    for i in range(60):
        create(a, f"job-{i}", 1, type=f"{i:02}-{'q' * 100}")
    a.dispatch()
    return a


def is_full(fd):
    room = bytearray(4)
    fcntl.ioctl(fd, termios.FIONREAD, room)
    return int.from_bytes(room, "little") >= PIPE


@pytest.mark.parametrize("args", [["queues"], ["top", "--once"], ["capacity", "--hosts"]], ids=lambda args: args[0])
def test_nobody_waits_in_a_snapshot_for_a_reader(a, args):
    read_fd, write_fd = os.pipe()
    fcntl.fcntl(write_fd, fcntl.F_SETPIPE_SZ, PIPE)
    process = subprocess.Popen([BIN / "anteroom", "--config", a.config_path, *args], cwd=a.dir, env=a.env, stdin=subprocess.DEVNULL,
                               stdout=write_fd, stderr=subprocess.PIPE)
    os.close(write_fd)
    with process, os.fdopen(read_fd, "rb") as out:  # the reader goes first, or the program waits for him
        wait_until(lambda: is_full(read_fd) or process.poll() is not None, what="output")
        assert process.poll() is None  # it has more to say
        for pause in ("pause", "unpause"):  # nobody reads what was before, so all of the log goes into the file
            a.command(pause, f"00-{'q' * 100}")
        assert a.db_path.with_name(f"{a.db_path.name}-wal").stat().st_size == 0
        assert len(out.read()) > PIPE
        assert process.wait(60) == 0, process.stderr.read()


def test_a_job_with_a_long_history_is_shown_from_its_beginning(a):
    with contextlib.closing(sqlite3.connect(a.db_path, timeout=30)) as db, db:
        db.execute("INSERT INTO events (job_id, n, at, who, event, message) WITH RECURSIVE c(n) AS (SELECT 1000 UNION ALL "
                   "SELECT n + 1 FROM c WHERE n < 2500) SELECT (SELECT id FROM jobs WHERE request_id = 'job-0'), n, 1, 'w', "
                   "'changed', hex(zeroblob(50)) FROM c")
    page = a.command("show", f"00-{'q' * 100}", "job-0").stdout
    assert page.startswith("00-q") and page.index("\nOwner ") < page.index("\nEvents\nWHEN ")
    assert page.count(" changed ") == 1501
