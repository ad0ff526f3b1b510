# SPDX-License-Identifier: MIT
"""From the POST to the callback: capacity is free, the dispatcher watches, one job after another.

The receiver is a socket of this process: one system call beside what is measured. BENCH_CALLS (500): jobs of a round."""
import json
import os
import pathlib
import socket
import tempfile
import threading
import time

import kit
import room

CALLS = int(os.environ.get("BENCH_CALLS", "200" if kit.SECONDS < 5 else "500"))
HOST = {"VCPU": 10 ** 6, "Memory": 10 ** 6, "Disk": 10 ** 6}


class Receiver:
    """Answers at once, and remembers when the first bytes of each request came. One connection at a time is read by a thread."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.came, self.changed = {}, threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.listening.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        data = b""
        while more := connection.recv(65536):
            now = time.monotonic()
            data += more
            head, end, body = data.partition(b"\r\n\r\n")
            if not end or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
                continue
            data = b""
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            with self.changed:
                self.came.setdefault(head.split()[1].decode(), []).append(now)
                self.changed.notify_all()

    def wait(self, path):
        with self.changed:
            if not self.changed.wait_for(lambda: path in self.came, 30):
                raise SystemExit(f"no callback for {path}")
            return self.came[path][0]


def main():
    part = kit.Part("latency", "POST to callback")
    receiver = Receiver()
    with tempfile.TemporaryDirectory(prefix="anteroom-bench-") as name:
        a = room.start(pathlib.Path(name) / "latency", {"capacity": "static", "pools": {"host1": {"hosts": {"node1": HOST}}}})
        a.start_dispatcher()
        client, number = a.client(), 0

        def measure():
            nonlocal number
            answered, called = [], []
            for _ in range(CALLS):
                number += 1
                body = json.dumps(a.job(f"j{number}", callback=f"http://127.0.0.1:{receiver.port}/{number}"))
                began = time.monotonic()
                room.expect("created", client.post("/v1/vm/", body).status, 201)
                answered.append(time.monotonic() - began)
                called.append(receiver.wait(f"/{number}") - began)
            return {"answered": sorted(answered), "called": sorted(called)}

        try:
            measure()
            receiver.came.clear()
            seen = kit.interleave({"one": measure})["one"]
            room.wait_until(lambda: not a.get("/v1/vm/?status=admitted&limit=1").data, what="all run")
            room.expect("callbacks for each job", {len(times) for times in receiver.came.values()}, {1})
        finally:
            a.stop()

    def at(what, share):
        return kit.median([s[what][int(len(s[what]) * share)] for s in seen]) * 1000

    part.row("POST to callback received, p50", at("called", 0.5), "ms", aim=("≤", 5),
             note=f"of it until the 201 {at('answered', 0.5):.1f} ms; --watch, one job at a time")
    part.row("… p99", at("called", 0.99), "ms", aim=("≤", 25), note=f"until the 201 {at('answered', 0.99):.1f} ms")
    part.save()


if __name__ == "__main__":
    main()
