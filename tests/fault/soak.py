# SPDX-License-Identifier: MIT
"""The short and the long form of a test, and the figures that it leaves for the README.

ANTEROOM_SOAK says how many seconds a test may take in its long form; without it, or empty, it takes its short form (`make soak`)."""
import os
import time

from harness import ROOT

FIGURES = ROOT / "build" / "figures.txt"


def seconds():
    """How long a long form may take; 0: the short form."""
    return int(os.environ.get("ANTEROOM_SOAK") or 0)


def begin():
    """A test begins."""
    clock.update(began=time.monotonic(), up=False)


def rounds(short, long):
    """Yields 0, 1, 2, …: `short` of them; in the long form as many of `long` as begin within the test's time, and one in any case."""
    end = clock["began"] + seconds()
    for n in range(long if seconds() else short):
        if seconds() and n and time.monotonic() >= end:
            clock["up"] = True
            return
        yield n


def figure(promise, text):
    """What a test has seen, in one line, and whether there was more to see: shown at the end of the run and kept in build/figures.txt."""
    text += "; then the time was up" if clock["up"] else ""
    FIGURES.parent.mkdir(exist_ok=True)
    with FIGURES.open("a") as f:
        f.write(f"{promise}: {text}\n")
    shown.append(f"{promise}: {text}")


clock = {"began": 0.0, "up": False}
shown = []
