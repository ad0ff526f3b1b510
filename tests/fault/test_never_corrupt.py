# SPDX-License-Identifier: MIT
"""Two writers, two that checkpoint and two that read, each a process of its own, with delays before every write, flush, change of
length and lock: nothing that was committed is lost, nobody sees what was not committed or is not as it was made, and the file is
sound."""
import sqlite3
import subprocess

import pytest

import soak
from cloud import ask, is_sound, lab
from harness import BIN, SLOW

ROLES = [("write", "a"), ("write", "b"), ("checkpoint", "-"), ("checkpoint", "-"), ("read", "-"), ("read", "-")]


def crowd(a, seconds, seed, **env):
    """[(what it said, its errors)] of each role."""
    env = {**a.env, "LD_PRELOAD": str(BIN / "fault/pre_delay.so"), **env}
    started = [subprocess.Popen([BIN / "fault/crowd", a.config_path, role, str(seconds), name], cwd=a.dir,
                                env={**env, "DELAY_SEED": str(seed * 10 + n)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True) for n, (role, name) in enumerate(ROLES)]
    return [(p.communicate(timeout=(seconds + 60) * SLOW), p.returncode) for p in started]


def fresh(a):
    for path in a.db_path.parent.glob(f"{a.db_path.name}*"):
        path.unlink()
    a.write_config()
    a.command("list", "lab")  # makes it


def is_all_there(a, done):
    """Nobody met anything wrong, and of each writer every job is there, in its order. What each role counted."""
    assert all(code == 0 and errors == "" for (_, errors), code in done), done
    said = [int(out) for (out, _), _ in done]
    for name, jobs in zip("ab", said):
        there = ask(a, f"SELECT request_id FROM jobs WHERE request_id LIKE '{name}-%' ORDER BY id")
        assert there == [(f"{name}-{i}",) for i in range(jobs)]
    is_sound(a)
    a.command("check")
    return said


def test_nothing_is_lost_and_the_file_is_sound_whatever_comes_between(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}), start=False)
    seed = soak.seed()
    jobs = checkpoints = lists = 0
    for n in soak.rounds(2, 10000):
        fresh(a)
        print(f"seed {seed + n}")
        said = is_all_there(a, crowd(a, 4, seed + n))
        jobs, checkpoints, lists = jobs + said[0] + said[1], checkpoints + said[2] + said[3], lists + said[4] + said[5]
    assert jobs > 20 and checkpoints > 5 and lists > 5
    soak.figure("never corrupt: delays at every write, flush and lock", f"{jobs} jobs by two writers, {checkpoints} checkpoints by two "
                f"more, {lists} lists: nothing lost, all sound")


@pytest.mark.ordinary  # a sanitizer would speak of what is meant to happen
def test_it_is_found_when_the_locks_of_writers_mean_nothing(anteroom):
    """The test of the test: two write at once then, and the one above must not be content with that."""
    a = anteroom(lab({"n": {"gpu": 1}}), start=False)
    for seed in range(3):  # the first one nearly always finds it
        fresh(a)
        done = crowd(a, 2, seed, DELAY_NO_LOCKS="1")
        try:
            is_all_there(a, done)
        except (AssertionError, sqlite3.DatabaseError):
            return
    raise AssertionError("nobody was missed, and nothing is wrong")
