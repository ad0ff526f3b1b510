# SPDX-License-Identifier: MIT
"""Receivers that mean no good, one in each row of a table: what becomes of their job, what is written down, and that the next
one's is called all the same."""
import contextlib
import fcntl
import gzip
import pathlib
import socket
import ssl
import struct
import termios
import threading

import pytest

from authority import Authority
from cloud import ask, create, lab, reason, states
from harness import SLOW, wait_until

# For those that never end; nothing else runs into a limit, be the machine as slow as it likes.
SHORT = {"timeout": "3s", "connect_timeout": "3s"}
LONG = {"timeout": "1h", "connect_timeout": "1h", "hold": "2h"}
OK = b"HTTP/1.1 200 OK\r\n"
DONE = OK + b"Content-Length: 2\r\n\r\nok"


class Hostile:
    """A server that does with each connection what it is told to, in a thread of its own."""

    def __init__(self, behave, context=None):
        self.behave, self.context = behave, context
        self.stop = threading.Event()
        self.connections = 0
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(64)
        self.threads = [threading.Thread(target=self._serve, daemon=True)]
        self.threads[0].start()

    def url(self):
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.socket.getsockname()[1]}/cb"

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                c = self.socket.accept()[0]
                self.connections += 1
                self.threads.append(threading.Thread(target=self._talk, args=(c,), daemon=True))
                self.threads[-1].start()

    def _talk(self, c):
        with contextlib.suppress(OSError, ssl.SSLError), c:
            c.settimeout(60)
            if not self.context:
                self.behave(self, c)
                return
            with self.context.wrap_socket(c, server_side=True) as tls:
                self.behave(self, tls)

    def close(self):
        self.stop.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for t in self.threads:
            t.join(10)


def request(c):
    """Reads one request; its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = c.recv(65536)
        if not more:
            raise OSError("the caller has gone")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += c.recv(65536)
    return body


def reset(c):
    """Ends the connection with RST."""
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()


def answer(data):
    def behave(server, c):
        request(c)
        c.sendall(data)
        c.shutdown(socket.SHUT_WR)
        server.stop.wait()

    return behave


def drop(server, c):
    c.close()


def reset_at_once(server, c):
    reset(c)


def reset_when_asked(server, c):
    request(c)
    reset(c)


def silent(server, c):
    server.stop.wait()


def silent_when_asked(server, c):
    request(c)
    server.stop.wait()


def drip(server, c):
    request(c)
    for byte in DONE * 1000:
        c.sendall(bytes([byte]))
        if server.stop.wait(1):
            return


def forever(head, more):
    def behave(server, c):
        request(c)
        c.sendall(head)
        while not server.stop.is_set():
            c.sendall(more)

    return behave


def half_then_reset(server, c):
    request(c)
    c.sendall(OK + b"Content-Length: 10\r\n\r\nhalf")
    unsent = struct.pack("i", 1)
    while struct.unpack("i", unsent)[0]:  # what the other side's kernel has not taken yet
        unsent = fcntl.ioctl(c, termios.TIOCOUTQ, unsent)
    reset(c)


def no_http(server, c):
    c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    server.stop.wait()


BOMB = gzip.compress(b"\0" * (64 << 20))

# name, what it does, the job's end, words of the try's error or None for a whole answer.
ROWS = [
    ("drops", drop, "failed", ""),
    ("resets", reset_at_once, "failed", ""),
    ("resets-when-asked", reset_when_asked, "failed", ""),
    ("silent", silent, "failed", "timed out"),
    ("silent-when-asked", silent_when_asked, "failed", "timed out"),
    ("one-byte-a-second", drip, "failed", "timed out"),
    ("endless-100-continue", forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "failed", "head"),
    ("endless-head", forever(OK, b"X-Y: z\r\n"), "failed", "head"),
    ("endless-header-line", forever(OK + b"X-Y: ", b"z" * 1000), "failed", ""),
    ("5000-headers", answer(OK + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"Content-Length: 0\r\n\r\n"), "running", None),
    ("endless-chunks", forever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n"), "running", None),
    ("endless-chunks-503", forever(b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n"), "failed", None),
    ("endless-chunk-size", forever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"), "failed", ""),
    ("gzip-bomb", answer(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB), "running", None),
    ("huge-length", answer(OK + b"Content-Length: 99999999999999999999\r\n\r\n"), "running", None),
    ("negative-length", answer(OK + b"Content-Length: -1\r\n\r\n"), "failed", ""),
    ("200-and-half-of-it-then-reset", half_then_reset, "failed", ""),
    ("another-protocol", no_http, "failed", ""),
    ("status-0", answer(b"HTTP/1.1 000 No\r\n\r\n"), "failed", ""),
    ("status-999", answer(b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n"), "failed", None),
    ("http-0.9", answer(b"just text\n"), "failed", ""),
]


@pytest.mark.parametrize("behave, end, error", [pytest.param(*row[1:], id=row[0]) for row in ROWS])
def test_a_hostile_receiver(anteroom, receiver, behave, end, error):
    a = anteroom({"callback": {**(SHORT if error == "timed out" else LONG), "retry": [0]}, **lab({"n": {"gpu": 9}})})
    with contextlib.closing(Hostile(behave)) as h:
        create(a, "bad", 1, callback=h.url())
        create(a, "good", 1, callback=receiver.url("good"))
        a.start_dispatcher()
        a.wait_status("good", "running", "lab")
        wait_until(lambda: states(a)["bad"] == end, 60, f"{end}: {states(a)}, {reason(a, 'bad')}")
        assert 1 <= h.connections <= 2  # libcurl asks once more where a kept connection was dead
    (outcome, status, words, answer, address), = ask(
        a, "SELECT outcome, d.status, error, answer, address FROM deliveries d JOIN jobs j ON j.id = d.job_id WHERE request_id = 'bad'")
    assert outcome == ("accepted" if end == "running" else "failed")
    assert behave is reset_at_once or address.startswith("127.0.0.1:")  # a reset may come before we know that we are connected
    assert (status is None and error in words.lower()) if error is not None else (status is not None and words is None)
    assert answer is None or len(answer) <= 1024
    assert a.dispatcher.alive() and len(receiver.requests) == 1
    peak, = [int(line.split()[1]) for line in pathlib.Path(f"/proc/{a.dispatcher.pid}/status").read_text().splitlines() if line[:6] == "VmHWM:"]
    assert peak < 60 << 10 or SLOW > 1, f"it took {peak} KiB of memory"  # a sanitizer has its own


@pytest.mark.parametrize("how", ["closed-late", "reset-meanwhile"])
def test_a_connection_that_is_not_kept_after_all(anteroom, how):
    """200, and then: the server closes what it said it would keep, at the moment at which the next request comes; or resets it."""
    answered, over = [], threading.Event()

    def behave(server, c):
        request(c)
        c.sendall(DONE)
        answered.append(1)
        if len(answered) > 1:
            server.stop.wait()
        elif how == "closed-late":
            c.recv(1)  # the next request has begun to come
        else:
            over.wait(60)
            reset(c)

    a = anteroom({"callback": {"retry": [0, "10ms", "10ms"]}, **lab({"n": {"gpu": 9}})})
    with contextlib.closing(Hostile(behave)) as h:
        create(a, "one", 1, callback=h.url() + "1")
        a.start_dispatcher()
        a.wait_status("one", "running", "lab")
        over.set()
        create(a, "two", 1, callback=h.url() + "2")
        a.wait_status("two", "running", "lab")
        assert len(answered) == 2
    assert ask(a, "SELECT outcome FROM deliveries WHERE job_id = 1") == [("accepted",)]


def tls_server(authority, name="IP:127.0.0.1", days=2):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("cb", "subjectAltName=" + name, days))
    return context


@pytest.mark.parametrize("kind, why", [("unknown-authority", "certificate"), ("another-name", "127.0.0.1"), ("expired", "expired"),
                                       ("no-tls", "SSL")])
def test_tls_that_is_not_right_is_no_receiver(anteroom, receiver, tmp_path, kind, why):
    seen = []

    def behave(server, c):
        seen.append(c.recv(65536))

    authority = Authority(tmp_path)
    context = {"unknown-authority": lambda: tls_server(authority), "another-name": lambda: tls_server(authority, "DNS:other.example"),
               "expired": lambda: tls_server(authority, days=-1), "no-tls": lambda: None}[kind]()
    known = {} if kind == "unknown-authority" else {"ca_file": str(authority.ca)}
    a = anteroom({"callback": {**LONG, **known, "retry": [0]}, **lab({"n": {"gpu": 9}})})
    with contextlib.closing(Hostile(behave, context)) as h:
        create(a, "bad", 1, callback=h.url().replace("http:", "https:"))
        create(a, "good", 1, callback=receiver.url("good"))
        a.start_dispatcher()
        a.wait_status("good", "running", "lab")
        a.wait_status("bad", "failed", "lab", 60)
    assert reason(a, "bad")[0] == "CallbackFailed" and why in reason(a, "bad")[1]
    assert b"webhook" not in b"".join(seen), "the message went to somebody who is not who he should be"
    assert ask(a, "SELECT status FROM deliveries WHERE outcome = 'failed'") == [(None,)]


def test_tls_of_a_known_authority_is_called(anteroom, tmp_path):
    """What the refusals above are measured by."""
    def behave(server, c):
        c.recv(65536)
        c.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    authority = Authority(tmp_path)
    a = anteroom({"callback": {**LONG, "ca_file": str(authority.ca), "retry": [0]}, **lab({"n": {"gpu": 9}})})
    with contextlib.closing(Hostile(behave, tls_server(authority))) as h:
        create(a, "good", 1, callback=h.url().replace("http:", "https:"))
        a.start_dispatcher()
        a.wait_status("good", "running", "lab")


def test_authorities_that_cannot_be_read_stop_the_dispatcher_and_not_the_callbacks(anteroom, tmp_path):
    a = anteroom({"callback": {"ca_file": str(tmp_path / "none.pem")}, **lab({"n": {"gpu": 9}})})
    create(a, "a", 1)
    assert "callback.ca_file" in a.dispatch(code=1).stderr
    assert a.status("a", "lab") == "queued"
