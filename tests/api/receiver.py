# SPDX-License-Identifier: MIT
"""The client's side of a callback: a web server that answers as a test tells it to and remembers every request."""
import http.server
import json
import socket
import threading
import time
from dataclasses import dataclass, field

import openapi
from harness import SLOW


@dataclass
class Reply:
    """One answer. `before`: an event that is waited for before anything is sent, or "hang" to send nothing until the test ends;
    `close`: the connection is closed without an answer; `endless`: a chunked body that does not end."""

    status: int = 204
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    before: object = None
    close: bool = False
    endless: bool = False


HANG = Reply(before="hang")
CLOSE = Reply(close=True)
ENDLESS = Reply(status=200, endless=True)


def redirect(location, status=302):
    return Reply(status=status, headers={"Location": location})


@dataclass
class Received:
    method: str
    path: str
    headers: object
    body: bytes
    time: float  # monotonic, when the whole request had come

    @property
    def json(self):
        return json.loads(self.body)


class Receiver:
    """Listens on 127.0.0.1, or another address of this machine, or on a socket that closed_port() gave. script(path, replies): the
    answers for that path, one a request, the last one for all that follow; an int is a Reply of that status. Without a script: 204."""

    def __init__(self, address="127.0.0.1", port=0, bound=None):
        self.address = address
        self.requests = []
        self.under_way = 0
        self.most_under_way = 0
        self.sent = 0  # bytes of endless bodies that were taken
        self.then = lambda received: None  # what is done once a request has been answered, in a thread of the server
        self._scripts = {}
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._server = http.server.ThreadingHTTPServer((address, port), self._handler(), bind_and_activate=False)
        self._server.request_queue_size = 1024
        self._server.daemon_threads = True
        if bound:
            self._server.socket.close()
            self._server.socket, self._server.server_address = bound, bound.getsockname()
        else:
            self._server.server_bind()
        self._server.server_activate()
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def url(self, path="/"):
        return f"http://{self.address}:{self.port}/{path.lstrip('/')}"

    def script(self, path, replies):
        path = "/" + path.lstrip("/")
        with self._changed:
            self._scripts[path] = [r if isinstance(r, Reply) else Reply(status=r) for r in replies]

    def at(self, path):
        """The requests that came to this path, in order."""
        path = "/" + path.lstrip("/")
        with self._changed:
            return [r for r in self.requests if r.path == path]

    def wait(self, count=1, path=None, timeout=30):
        """Waits until `count` requests have come (to this path), and returns them."""

        def came():
            return [r for r in self.requests if path is None or r.path == "/" + path.lstrip("/")]

        with self._changed:
            in_time = self._changed.wait_for(lambda: len(came()) >= count, timeout * SLOW)
            assert in_time, f"{len(came())} of {count} requests came within {timeout * SLOW} s: {[r.path for r in self.requests]}"
            return came()

    def close(self):
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # Called in the threads of the server.

    def _next_reply(self, received):
        with self._changed:
            self.requests.append(received)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            replies = self._scripts.get(received.path, [Reply()])
            reply = replies[0]
            if len(replies) > 1:
                del replies[0]
            self._changed.notify_all()
        return reply

    def _done(self):
        with self._changed:
            self.under_way -= 1
            self._changed.notify_all()

    def _handler(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                received = Received(self.command, self.path, self.headers, body, time.monotonic())
                if self.headers.get("webhook-id"):
                    openapi.record_callback(self.headers, body)
                reply = receiver._next_reply(received)
                try:
                    self.send(reply)
                except OSError:
                    self.close_connection = True  # the caller has had enough
                receiver.then(received)

            def send(self, reply):
                if reply.before == "hang":
                    receiver._stop.wait()
                elif reply.before is not None:
                    reply.before.wait()
                receiver._done()  # before the caller can know: he may call again as soon as he has the answer
                if reply.close or reply.before == "hang":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                head = [f"HTTP/1.1 {reply.status} Scripted"] + [f"{k}: {v}" for k, v in reply.headers.items()]
                if reply.endless:
                    head.append("Transfer-Encoding: chunked")
                elif reply.status != 204:
                    head.append(f"Content-Length: {len(reply.body)}")
                self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n" + reply.body)
                while reply.endless and not receiver._stop.is_set():
                    self.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                    receiver.sent += 4096

            do_GET = do_POST = do_PUT = do_HEAD = answer

            def log_message(self, *args):
                pass

        return Handler


def closed_port():
    """A port of 127.0.0.1 that refuses connections for as long as the returned socket is open."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it, and a connection is refused
    return s, s.getsockname()[1]
