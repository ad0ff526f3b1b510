# SPDX-License-Identifier: MIT
"""A program on a terminal of its own: what it draws, and what is typed."""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

from harness import SLOW, wait_until


class Terminal:
    """The program's standard input, output and error are one terminal, `width` columns wide."""

    def __init__(self, argv, cwd, env, width=100, height=30):
        self.master, slave = pty.openpty()
        self.resize(width, height)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.output = ""
        self.popen = subprocess.Popen([str(a) for a in argv], cwd=cwd, env={**env, "TERM": "xterm"}, stdin=slave, stdout=slave,
                                      stderr=slave, start_new_session=True, preexec_fn=self._own)

    @staticmethod
    def _own():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self):
        """All that was drawn so far."""
        while select.select([self.master], [], [], 0)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # nobody has the other side open any more
                break
            if not data:
                break
            self.output += data.decode(errors="replace")
        return self.output

    def text(self):
        """The same without its colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.read())

    def wait_for(self, text):
        wait_until(lambda: text in self.text(), what=f"{text!r} on the terminal")

    def wait_for_last(self, text):
        """What is written comes by and by, also when the program has ended."""
        wait_until(lambda: self.read().endswith(text), what=f"{text!r} at the end of what is drawn")

    def end(self, last=None):
        """Its exit code, once it has ended by itself, having drawn this last."""
        def over():
            self.read()
            return self.popen.poll() is not None
        wait_until(over, 60, "the end of the program")
        if last is not None:
            self.wait_for_last(last)
        return self.popen.returncode

    def is_as_it_was(self):
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGKILL)
            self.popen.wait(15 * SLOW)
        os.close(self.slave)
        os.close(self.master)


@contextlib.contextmanager
def terminal(anteroom, *args, **kw):
    """The operator's command on a terminal."""
    from harness import BIN
    t = Terminal([BIN / "anteroom", "--config", anteroom.config_path, *args], anteroom.dir, anteroom.env, **kw)
    try:
        yield t
    finally:
        t.close()
