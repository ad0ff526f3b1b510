# SPDX-License-Identifier: MIT
"""The short and the long form of a test, and the figures that it leaves for the README.

ANTEROOM_SOAK says how many seconds a test may take in its long form; without it, or empty, it takes its short form (`make soak`).
ANTEROOM_SEED repeats what was random."""
import os
import random
import time

from harness import ROOT

FIGURES = ROOT / "build" / "figures.txt"
SEED = 20180726  # of the short forms


def seconds():
    """How long a long form may take; 0: the short form."""
    return int(os.environ.get("ANTEROOM_SOAK") or 0)


def begin():
    """A test begins."""
    clock.update(began=time.monotonic(), up=False, seed=None)


def rounds(short, long):
    """Yields 0, 1, 2, …: `short` of them; in the long form as many of `long` as begin within the test's time, and one in any case."""
    end = clock["began"] + seconds()
    for n in range(long if seconds() else short):
        if seconds() and n and time.monotonic() >= end:
            clock["up"] = True
            return
        yield n


def seed():
    """Of the test, for all that is random in it: the same in each run; in the long form another one each time, since one that is
    ended by its time would see the same beginning again and again. What is printed is shown with a failure."""
    if clock["seed"] is None:
        drawn = random.SystemRandom().randrange(1 << 32) if seconds() else SEED
        clock["seed"] = int(os.environ.get("ANTEROOM_SEED") or drawn)
        print(f"ANTEROOM_SEED={clock['seed']}")
    return clock["seed"]


def randomness():
    return random.Random(seed())


def figure(promise, text):
    """What a test has seen, in one line, whether there was more to see, and how the long form is repeated: shown at the end of the
    run and kept in build/figures.txt."""
    text += "; then the time was up" if clock["up"] else ""
    text += f"; ANTEROOM_SEED={clock['seed']}" if seconds() and clock["seed"] is not None else ""
    FIGURES.parent.mkdir(exist_ok=True)
    with FIGURES.open("a") as f:
        f.write(f"{promise}: {text}\n")
    shown.append(f"{promise}: {text}")


clock = {"began": 0.0, "up": False, "seed": None}
shown = []
