# SPDX-License-Identifier: MIT
"""A file system of its own that is small enough to be filled to its last byte."""
import contextlib
import ctypes
import functools
import os
import subprocess
import sys

import pytest

MB = 1 << 20


class Disk:
    def __init__(self, path):
        self.path = path
        self.filler = path / "filler"

    def free(self):
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize

    def crowd(self, leave=0):
        """Somebody else's file takes what is free but for `leave` bytes. Others may give room back meanwhile."""
        with open(self.filler, "ab", buffering=0) as f:
            for size in (64 << 10, 4096, 1):
                with contextlib.suppress(OSError):
                    while self.free() - size >= leave or (leave == 0 and size == 1):
                        f.write(b"x" * size)

    def fill(self, leave=0):
        """The same, until nobody gives back any more: then it is full."""
        for _ in range(100):
            self.crowd(leave)
            if self.free() <= leave + 4096:
                break
        assert self.free() <= leave + 4096

    def empty(self):
        self.filler.unlink()


@contextlib.contextmanager
def mounted(path, size):
    """A Disk of `size` bytes at path."""
    path.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "anteroom-test", path], capture_output=True, text=True)
    assert done.returncode == 0, f"no small file system can be mounted: {done.stderr.strip()}"
    try:
        yield Disk(path)
    finally:
        # A process that was just killed may have it in use for a moment yet: it goes when nobody has any more.
        ctypes.CDLL(None, use_errno=True).umount2(str(path).encode(), 2)


def mounts(test):
    """The test mounts file systems. Root may; anybody else runs it in a name space of his own, where he is root."""
    @functools.wraps(test)
    def run(request, *args, **kw):
        if os.geteuid() == 0:
            return test(request, *args, **kw)
        done = subprocess.run(["unshare", "-Urm", sys.executable, "-B", "-m", "pytest", "-q", "-c", request.config.inipath,
                               f"{request.path}::{request.node.name}"], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.fail("this test mounts a small file system, as root or in a name space of one's own (unshare -Urm):\n"
                        + done.stdout + done.stderr)

    return run
