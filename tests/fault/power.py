# SPDX-License-Identifier: MIT
"""Programs whose disk forgets what was not flushed (pre_power.c), and disks as they may be found after a power cut
(power_cut.c).

The programs go on with their files as ever; the log has what they did, in one order. So one run of a load gives as many power
cuts as one likes: each place in the log is the moment of a cut, at which all processes are gone at once."""
import contextlib
import mmap
import os
import shutil
import struct
import subprocess

from harness import BIN, wait_until

PRELOAD = BIN / "fault" / "pre_power.so"
DATA = 16384  # where the log's records begin (power_log.h)
RECORD = struct.Struct("IIqQ")
CREATE, FOUND, WRITE = 1, 2, 3  # enum power_kind
WAL_HEAD = 32  # bytes
NOTHING, EVERYTHING, IN_ORDER, WHOLE, TORN, GARBAGE = range(6)  # enum how of power_cut.c
ANY = -1
NOTED = (".db", ".db-wal", ".db-journal", ".db.mark", ".db.part", ".db.part-journal")  # as kind_of_name of pre_power.c


def environment(directory, log=None, flush=0, kill=0, full=0):
    """What a program is started with so that it is watched in that directory. See pre_power.c."""
    env = {"LD_PRELOAD": str(PRELOAD), "ANTEROOM_POWER_DIR": str(directory)}
    env.update({"ANTEROOM_POWER_LOG": str(log)} if log else {})
    numbers = {"FLUSH": flush, "KILL": kill, "FULL": full}
    env.update({f"ANTEROOM_POWER_{name}": str(n) for name, n in numbers.items() if n})
    return env


class Log:
    """The log of programs that run."""

    def __init__(self, path):
        wait_until(lambda: path.exists() and path.stat().st_size > DATA, what="the log")
        with open(path, "rb") as f:
            self._map = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)

    def place(self):
        """Where the log is now: what was done by now is before it."""
        return struct.unpack_from("Q", self._map)[0]

    def steps(self):
        """How many operations there were, those included that are only counted."""
        return struct.unpack_from("Q", self._map, 8)[0]

    def _records(self):
        """(kind, file, offset, length, where it begins, where it ends) of every record."""
        at, end = DATA, self.place()
        while at < end:
            kind, file, offset, length = RECORD.unpack_from(self._map, at)
            begin, at = at, at + RECORD.size + (length + 7 & ~7)
            yield kind, file, offset, length, begin, at

    def places(self):
        """The end of every record."""
        return [end for *_, end in self._records()]

    def begun_anew(self, wal):
        """Where the head of the WAL with that name was just written, and is not yet flushed."""
        name, places, known = wal.encode() + b"\0", [], set()
        for kind, file, offset, length, begin, end in self._records():
            if kind in (CREATE, FOUND) and self._map[begin + RECORD.size:begin + RECORD.size + length] == name:
                known.add(file)
            if kind == WRITE and file in known and (offset, length) == (0, WAL_HEAD):
                places.append(end)
        return places

    def close(self):
        self._map.close()


class Cuts:
    """Power cuts of one log. base: the files that were there when the log began."""

    def __init__(self, log, base):
        self._argv = [BIN / "fault" / "power_cut", log, base]
        self._begin()

    def _begin(self):
        self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._place = 0

    def cut(self, place, directory, seed, how=ANY):
        """Puts the disk as it may be found into the directory, in place of what is watched there. What was found of what."""
        if place < self._place:  # power_cut goes through the log in its order
            self.close()
            self._begin()
        self._place = place
        clear(directory)
        self._process.stdin.write(f"{place} {how} {seed} {directory}\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline().strip()
        assert said, "power_cut has ended"
        return said

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(60) == 0


@contextlib.contextmanager
def cuts(log, base):
    made = Cuts(log, base)
    try:
        yield made
    finally:
        made.close()


def clear(directory):
    """Takes databases away, with all that lies beside them."""
    for file in directory.glob("*.db*"):
        file.unlink()


def noted(directory):
    """The files that are noted in a log."""
    return [f for f in directory.glob("*.db*") if f.name.endswith(NOTED)]


def copy(files, directory):
    for file in files:
        shutil.copy(file, directory)


def spoil_head(random, database):
    """After a cut where the WAL's head was being written: it is neither the old one nor the new one."""
    with contextlib.suppress(FileNotFoundError), open(f"{database}-wal", "r+b") as f:
        f.write(random.randbytes(WAL_HEAD))


def spoil(random, database):
    """What nobody flushes may be there in any state, or not at all: counts of statistics, SQLite's index of the WAL."""
    for name, length in (("stats", random.randrange(1 << 21)), ("lock", 0), ("dispatch", 0)):
        if random.random() < 0.3:
            with open(f"{database}.{name}", "wb") as f:
                f.truncate(length)
    if random.random() < 0.3:
        with open(f"{database}-shm", "wb") as f:
            f.write(random.randbytes(os.path.getsize(f.name) or 32768))
