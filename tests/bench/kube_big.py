# SPDX-License-Identifier: MIT
"""A Kubernetes cluster of 5,000 nodes and 50,000 pods as an API server sends it: some 430 MB in pages of 500, written once into a
file, as whole HTTP answers in the chunks that kube-apiserver makes, and sent from there as fast as the system can, or as told."""
import json
import os
import pathlib
import random
import socket
import tempfile
import threading
import time
from urllib.parse import parse_qs, urlsplit

LISTS = pathlib.Path(__file__).resolve().parents[1] / "unit/kubernetes"
PAGE, CHUNK = 500, 4096
NODES, PODS = "/api/v1/nodes", "/api/v1/pods"
SMALL = {"/api/v1/resourcequotas": {"kind": "ResourceQuotaList", "apiVersion": "v1", "metadata": {}, "items": []},
         "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.2"}}


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def templates(name, bytes_each):
    """The objects of a recorded list that have about this size, as text."""
    objects = json.loads((LISTS / name).read_text())["items"]
    return [o for o in objects if abs(len(compact(o)) - bytes_each) < bytes_each / 4]


def copies(name, bytes_each, count, change):
    """`count` objects made of those, each changed by change(object, its number)."""
    rng, found = random.Random(7), templates(name, bytes_each)
    assert found, f"{name} has no object of {bytes_each} bytes"
    for i in range(count):
        o = json.loads(json.dumps(rng.choice(found)))
        change(o, i, rng)
        yield compact(o)


def node(o, i, rng):
    o["metadata"]["name"] = f"node-{i:05d}.example.internal"
    o["metadata"]["labels"]["kubernetes.io/hostname"] = f"node-{i:05d}"


def pod_on(nodes):
    def pod(o, i, rng):
        o["metadata"].update(name=f"app-{i:06d}-7d9c5b8f6-x2x4z", namespace=f"team-{i % 97:02d}")
        o["spec"]["nodeName"] = f"node-{rng.randrange(nodes):05d}.example.internal"

    return pod


def answer(body):
    """One HTTP answer in chunks."""
    out = [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"]
    for i in range(0, len(body), CHUNK):
        piece = body[i:i + CHUNK]
        out += [b"%x\r\n" % len(piece), piece, b"\r\n"]
    return b"".join(out) + b"0\r\n\r\n"


class Big:
    """Listens on 127.0.0.1. urls: those of all pages, in order; bytes: of all answers together; rate: bytes a second at the most,
    None: no limit."""

    def __init__(self, nodes=5000, pods=50000):
        self.file = tempfile.TemporaryFile()
        self.place = {}  # (path, token) -> where in the file its answer is, and how long
        self.urls, self.bytes, self.rate = [], 0, None
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._write(NODES, "NodeList", copies("nodes.json", 10000, nodes, node), nodes, "")
        self._write(PODS, "PodList", copies("pods.json", 8000, pods, pod_on(nodes)), pods,
                    "&fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed")
        for path, body in SMALL.items():
            self._keep(path, "", compact(body))
        threading.Thread(target=self._accept, daemon=True).start()

    def _write(self, path, kind, objects, count, query):
        for start in range(0, count, PAGE):
            metadata = {"resourceVersion": "707", **({"continue": f"t{start + PAGE}"} if start + PAGE < count else {})}
            head = compact({"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": []})[:-2]
            page = b",".join(next(objects) for _ in range(min(PAGE, count - start)))
            token = f"t{start}" if start else ""
            self._keep(path, token, head + page + b"]}\n")
            self.urls.append(f"{self.url}{path}?limit={PAGE}{query}" + (f"&continue={token}" if token else ""))

    def _keep(self, path, token, body):
        at, whole = self.file.tell(), answer(body)
        self.file.write(whole)
        self.file.flush()
        self.place[path, token] = at, len(whole)
        self.bytes += len(body)

    def _accept(self):
        while True:
            connection, _ = self.listening.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while line := lines.readline():
                while lines.readline() not in (b"\r\n", b""):
                    pass
                parts = urlsplit(line.split()[1].decode())
                at, left = self.place[parts.path, parse_qs(parts.query).get("continue", [""])[0]]
                start, done = time.monotonic(), 0
                while left:
                    sent = os.sendfile(connection.fileno(), self.file.fileno(), at, min(left, 1 << 18) if self.rate else left)
                    at, left, done = at + sent, left - sent, done + sent
                    if self.rate:
                        time.sleep(max(0, start + done / self.rate - time.monotonic()))
