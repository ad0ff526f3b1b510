# SPDX-License-Identifier: MIT
"""The tests' side of pre_fail.c: programs whose Nth call of one kind fails."""
import contextlib
import errno
import mmap
import struct

from harness import BIN

# In the order of enum kind in pre_fail.c, and what such a call may say.
KINDS = {
    "nothing": (), "memory": ("ENOMEM",), "open": ("EIO", "EMFILE", "ENOSPC"), "read": ("EIO",), "write": ("EIO", "ENOSPC", "EDQUOT"),
    "length": ("EIO", "ENOSPC"), "sync": ("EIO", "ENOSPC"), "map": ("ENOMEM",), "name": ("EIO",), "lock": ("ENOLCK", "EINTR"),
    "socket": ("EMFILE", "ENOBUFS"), "receive": ("ECONNRESET", "EINTR", "EAGAIN"), "send": ("EPIPE", "ECONNRESET"),
    "descriptor": ("EMFILE", "ENOMEM"), "wait": ("EINTR", "ENOMEM"), "thread": ("EAGAIN",),
}
ORDER = list(KINDS)
LAYOUT = struct.Struct("=7q")  # struct control

# libfcgi ends the process when it gets no memory: it asserts that malloc gave some.
SPARES = "libfcgi"


class Failing:
    """What is to fail in the programs that are started with its environment."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(mmap.PAGESIZE))
        with path.open("r+b") as f:
            self.map = mmap.mmap(f.fileno(), mmap.PAGESIZE)
        self.env = {"LD_PRELOAD": str(BIN / "fault/pre_fail.so"), "ANTEROOM_FAIL": str(path), "ANTEROOM_FAIL_SPARES": SPARES}

    def close(self):
        self.map.close()

    def _number(self, i):
        return struct.unpack_from("=q", self.map, 8 * i)[0]

    @property
    def calls(self):
        """How many calls of the kind there were since it was armed."""
        return self._number(4)

    @property
    def fired(self):
        """How many of them failed."""
        return self._number(5)

    @property
    def live(self):
        """Allocations of the process that were not given back, but for SQLite's."""
        return self._number(6)

    def arm(self, kind, nth, error=None, forever=False):
        """The nth call from now on fails (0: none does, they are counted), with this errno or the first of the kind's."""
        number = getattr(errno, error or KINDS[kind][0])
        self.disarm()
        struct.pack_into("=5q", self.map, 8, number, nth, forever, 0, 0)
        struct.pack_into("=q", self.map, 0, ORDER.index(kind))

    def disarm(self):
        struct.pack_into("=q", self.map, 0, 0)

    @contextlib.contextmanager
    def armed(self, *args, **kw):
        self.arm(*args, **kw)
        try:
            yield
        finally:
            self.disarm()
