# SPDX-License-Identifier: MIT
"""Fair writers: 16 threads of a service and four programs want to commit, the lock is taken nearly four fifths of the time, and
nobody waits for a second. See writers.c."""
import json
import subprocess

import pytest

import soak
from cloud import is_sound, lab
from harness import BIN, SLOW

pytestmark = pytest.mark.alone

PROCESSES = 4
LONGEST = 1000  # ms, as it is promised
# More than 0.74 to 0.82 is not to be had: handing it on takes time; more with a sanitizer, or where the machine has other things to do.
BUSY_LEAST = 0.7 if SLOW == 1 and soak.seconds() else 0.5
SECONDS = 30 if soak.seconds() else 8  # of one round


def write(a):
    """One round: (what part of the time the lock was taken, what each program said)."""
    kinds = ["group"] + ["process"] * PROCESSES
    argv = [[BIN / "fault/writers", a.config_path, kind, str(SECONDS)] for kind in kinds]
    running = [subprocess.Popen(words, cwd=a.dir, env=a.env, stdout=subprocess.PIPE, text=True) for words in argv]
    said = [p.communicate(timeout=(SECONDS + 60) * SLOW)[0] for p in running]
    assert [p.returncode for p in running] == [0] * len(running)
    figures = [json.loads(line) for line in said]
    assert not any(f["failed"] for f in figures) and all(f["commits"] for f in figures), figures
    return sum(f["held"] for f in figures), figures


def test_nobody_waits_a_second_for_a_commit(anteroom):
    """A machine that stands still for a moment makes everybody wait: no round may have a wait that is longer than the promised second
    and the longest commit together, and one of three must keep the second itself; in the long form three of four."""
    a = anteroom(lab({"n": {"gpu": 1}}))
    assert a.fcgi.stop() == 0  # the database is there now, and nobody uses it
    seen = []
    for _ in soak.rounds(3, 10_000):
        busy, figures = write(a)
        longest, stall, p99 = (max(f[what] for f in figures) for what in ("longest", "stall", "p99"))
        seen.append({"busy": busy, "longest": longest, "stall": stall, "p99": p99, "commits": sum(f["commits"] for f in figures),
                     "kept": longest < LONGEST and busy >= BUSY_LEAST})
        assert longest < LONGEST + stall, figures
        if seen[-1]["kept"] and not soak.seconds():
            break
    kept = [s for s in seen if s["kept"]]
    worst = {what: max(s[what] for s in seen) for what in ("longest", "stall", "p99")}
    missed = f"; {len(seen) - len(kept)} of {len(seen)} rounds did not keep it" if len(kept) < len(seen) else ""
    soak.figure("Fair writers", f"16 threads and {PROCESSES} processes, the lock taken {min(s['busy'] for s in seen):.0%} of"
                f" {SECONDS * len(seen)} s: {sum(s['commits'] for s in seen) / SECONDS / len(seen):.0f} changes/s on disk, the longest wait"
                f" {worst['longest']:.0f} ms, the longest commit {worst['stall']:.0f} ms, 99 % within {worst['p99']:.0f} ms{missed}")
    assert len(kept) >= (0.75 * len(seen) if soak.seconds() else 1), seen
    is_sound(a)
