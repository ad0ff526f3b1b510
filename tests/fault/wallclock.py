# SPDX-License-Identifier: MIT
"""A wall clock that a test sets while the programs run, as `date -s`, NTP or a start of the machine do (pre_clock.c)."""
import datetime
import mmap
import struct
import time

from harness import BIN

NS = 10**9
DAY = 86400
UTC = datetime.timezone.utc


class WallClock:
    """`env`: what the programs need to go by it."""

    def __init__(self, directory):
        path = directory / "clock"
        path.write_bytes(bytes(16))
        self._file = open(path, "r+b")
        self._map = mmap.mmap(self._file.fileno(), 16)
        self._boot = 0
        self.env = {"LD_PRELOAD": str(BIN / "fault/pre_clock.so"), "CLOCK_FILE": str(path)}

    def _write(self, ahead):
        self._map[:8] = struct.pack("=q", ahead)  # one store: nobody sees half of it

    def ahead(self):
        return struct.unpack("=q", self._map[:8])[0]

    def now(self):
        """ns since 1970."""
        return time.time_ns() + self.ahead()

    def step(self, seconds):
        self._write(self.ahead() + int(seconds * NS))

    def set(self, when):
        """when: RFC 3339."""
        moment = datetime.datetime.fromisoformat(when.replace("Z", "+00:00"))
        self._write((moment - datetime.datetime(1970, 1, 1, tzinfo=UTC)) // datetime.timedelta(microseconds=1) * 1000 - time.time_ns())

    def close(self):
        self._map.close()
        self._file.close()

    def right(self):
        self._write(0)

    def boot(self):
        """The machine is started again. Between two lives of the programs."""
        self._boot += 1
        self._map[8:] = struct.pack("=q", self._boot)

    def text(self, seconds=0):
        """So long from now, as RFC 3339."""
        moment = datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(microseconds=self.now() // 1000)
        return (moment + datetime.timedelta(seconds=seconds)).isoformat()


def parse(text):
    """ns since 1970 of a time of the API's; and its offset in seconds."""
    moment = datetime.datetime.fromisoformat(text[:19] + (text[29:].replace("Z", "+00:00")))
    return int(moment.timestamp()) * NS + int(text[20:29]), int(moment.utcoffset().total_seconds())
