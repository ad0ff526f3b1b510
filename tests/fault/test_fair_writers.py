# SPDX-License-Identifier: MIT
"""Fair writers: 16 threads of a service and four programs want to commit, the lock is taken four fifths of the time, and nobody
waits for a second. See writers.c."""
import json
import subprocess

import soak
from cloud import is_sound, lab
from harness import BIN, SLOW

PROCESSES = 4
LONGEST = 1000  # ms, as it is promised: beyond the one commit for which the disk itself took longest
BUSY_LEAST = 0.5  # below that the lock was hardly wanted, and the test would show nothing


def test_nobody_waits_a_second_for_a_commit(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}))
    assert a.fcgi.stop() == 0  # the database is there now, and nobody uses it
    seconds = soak.seconds() or 8
    kinds = ["group"] + ["process"] * PROCESSES
    argv = [[BIN / "fault/writers", a.config_path, kind, str(seconds)] for kind in kinds]
    running = [subprocess.Popen(words, cwd=a.dir, env=a.env, stdout=subprocess.PIPE, text=True) for words in argv]
    said = [p.communicate(timeout=(seconds + 60) * SLOW)[0] for p in running]
    assert [p.returncode for p in running] == [0] * len(running)
    figures = [json.loads(line) for line in said]
    busy = sum(f["held"] for f in figures)
    longest, stall = (max(f[what] for f in figures) for what in ("longest", "stall"))
    commits = [f["commits"] for f in figures]
    text = (f"16 threads and {PROCESSES} processes, the lock taken {busy:.0%} of {seconds} s: {sum(commits) / seconds:.0f} changes/s on"
            f" disk, the longest wait {longest:.0f} ms, the longest commit {stall:.0f} ms, 99 % within {max(f['p99'] for f in figures):.0f} ms")
    soak.figure("Fair writers", text)
    assert not any(f["failed"] for f in figures), figures
    assert busy >= BUSY_LEAST and all(commits), figures
    assert longest < LONGEST + stall, figures
    is_sound(a)
