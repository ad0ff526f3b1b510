# SPDX-License-Identifier: MIT
"""Bounded: more than Anteroom can take does it no harm. What is too much gets 429 or 503 at once, all else is answered in time, and
memory, descriptors, threads and the WAL level off; clients that are slow, or never begin, or never end, cost the others nothing."""
import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import socketserver
import struct
import subprocess
import threading
import types

import pytest

import soak
from cloud import LAB, lab
from contract import FastCGI, connected
from harness import BIN, ROOT, SLOW, wait_until
from load import Load

pytestmark = pytest.mark.alone

HOSTS = {"n": {"gpu": 20}}
CONNS = 300  # that nginx hands on at once (max_conns in run.conf): what it takes
FLOOD_THREADS = 2  # of wrk
ANSWER_MOST = 30  # seconds within which every request must have its answer, on a machine that has other things to do as well
HELD = 10  # seconds for which half a request would hold a worker (fcgi/conn.c)
CONN_MAX = 4096  # fcgi/conn.h
SANITIZERS = int(BIN.name == "tsan")  # a thread of its own
THREADS_BESIDE_WORKERS = 3 + SANITIZERS  # main, the writer's, the doorkeeper's
CALLS = 64  # at once to one receiver (callback.per_host)
WAL_MOST = 20_000 * 4120  # CHECKPOINT_URGENT pages of common/db.c, with their frames' headers, and one try more
CROWD = 1500  # connections of each kind,
FEW = 40  # but so many where megabytes wait on each
BEGIN = struct.pack("!BBHHBxHB5x", 1, 1, 1, 8, 0, 1, 1)
HALF_HEADS = (b"\x01", BEGIN, BEGIN + struct.pack("!BBHHBx", 1, 4, 1, 100, 0) + b"\x0e\x03REQUEST")


@pytest.fixture(autouse=True)
def descriptors():
    """As many as there may be, for thousands of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def tcp(a, data=b""):
    s = socket.create_connection(("127.0.0.1", a.port), timeout=30 * SLOW)
    s.sendall(data)
    return s


def fcgi_body(a, body, length):
    """A request with a body that is longer than what comes of it."""
    s = FastCGI(a)
    s.socket.settimeout(None)  # with a limit Python asks for room first, and hears no long before there is none
    s.begin("POST", LAB, body, length=length)
    return s


def lazy(a):
    """Asks for a list of 2 MB, and takes nothing of it."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", a.port))
    s.sendall(b"GET /v1/long/ HTTP/1.1\r\nHost: a\r\n\r\n")
    return s


SLOW_BODY = b"POST /v1/lab/ HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{"
CROWDS = {
    "idle on nginx": (CROWD, lambda a, n: tcp(a)),
    "half a head on nginx": (CROWD, lambda a, n: tcp(a, b"GET /v1/lab/ HTTP/1.1\r\nHo")),
    "half a body on nginx": (CROWD, lambda a, n: tcp(a, SLOW_BODY)),
    "taking nothing of an answer of nginx": (FEW, lambda a, n: lazy(a)),
    "idle on anteroom.fcgi": (CROWD, lambda a, n: connected(a)),
    "half a head on anteroom.fcgi": (CROWD, lambda a, n: connected(a, HALF_HEADS[n % len(HALF_HEADS)])),
    "half a body on anteroom.fcgi": (CROWD, lambda a, n: fcgi_body(a, b'{"request_id": ', 500)),
    "half of 200 kB on anteroom.fcgi": (FEW, lambda a, n: fcgi_body(a, b" " * 100_000, 200_000)),
}


@contextlib.contextmanager
def crowd(a, kind, size=None):
    with contextlib.ExitStack() as all_of_them:
        for n in range(size or CROWDS[kind][0]):
            all_of_them.enter_context(contextlib.closing(CROWDS[kind][1](a, n)))
        yield


@contextlib.contextmanager
def others(a):
    """Eight clients who do a bit of everything. served(): they hear nothing but good answers; the slowest one, in ms."""
    with Load(a, clients=8) as load:
        def served(requests=240):
            load.slowest, start = 0.0, load.known
            load.resume()
            wait_until(lambda: load.known >= start + requests or load.faults, 60, "an answer for everybody")
            load.pause()
            load.check()
            assert load.unknown == 0 and not load.cut, (load.answers, load.cut[:3])
            assert load.slowest < HELD * (0.5 if SLOW == 1 else 0.9), load.slowest
            return load.slowest * 1000

        yield served


def test_idle_and_half_requests_by_the_thousand_cost_others_nothing(anteroom):
    config = lab(HOSTS)
    config["queues"]["long"] = {"capacity": "none", "callback_base": "http://127.0.0.1:@PORT@/demo/callback/"}
    a = anteroom(config)
    for i in range(2):
        assert a.post("/v1/long/", [a.job(f"{i}-{k}", "long", data={"note": "x" * 700}) for k in range(1000)]).status == 201
    with others(a) as served:
        slowest = {"nobody": served()}
        for kind in CROWDS:
            with crowd(a, kind):
                slowest[f"{CROWDS[kind][0]} {kind}"] = served()
    text = ", ".join(f"{kind} {ms:.0f}" for kind, ms in slowest.items())
    soak.figure("Bounded", f"the slowest answer of others, in ms, beside connections that hold on: {text}")


@pytest.mark.parametrize("kind", ["idle on anteroom.fcgi", "half a head on anteroom.fcgi"])
def test_more_connections_than_there_may_be_keep_nobody_out(anteroom, kind):
    """Each new one takes the place of the one on which nothing has happened for longest."""
    a = anteroom(lab(HOSTS))
    with crowd(a, kind, CONN_MAX + 500), others(a) as served:
        for _ in range(5):
            with contextlib.closing(FastCGI(a)) as new:
                assert new.request("GET", LAB).status == 200
        served()
        assert len(os.listdir(f"/proc/{a.fcgi.pid}/fd")) <= CONN_MAX + 64


def test_a_request_that_waits_is_not_cut_to_make_room(anteroom):
    """Found by review: it was carried out, and its answer went nowhere."""
    a = anteroom(lab(HOSTS))
    pid = a.fcgi.pid
    with contextlib.ExitStack() as stack:
        asking = [stack.enter_context(FastCGI(a)) for _ in range(18)]
        for c in asking:
            assert c.request("GET", LAB).status == 200
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        os.kill(pid, signal.SIGSTOP)
        try:  # it finds those that there is no descriptor for first, then the requests
            for _ in range(4):
                stack.enter_context(FastCGI(a))
            for n, c in enumerate(asking):
                c.begin("POST", LAB, json.dumps(a.job(f"j{n}", "lab")).encode())
                c.send(c.STDIN, b"")
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), before[1]))
        finally:
            os.kill(pid, signal.SIGCONT)
        assert [c.answer().status for c in asking] == [201] * len(asking)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        assert a.get(LAB).status == 200


# Twice the load -------------------------------------------------------------------------------------------------------

class Watch:
    """Looks every now and then: memory, descriptors and threads of the service and of the dispatcher, size of the WAL."""

    def __init__(self, a):
        self.a, self.seen = a, []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        wal = pathlib.Path(f"{self.a.db_path}-wal")
        while not self._over.wait(0.1):
            self.seen.append({"WAL": wal.stat().st_size, **self._process("", self.a.fcgi),
                              **self._process("dispatcher's ", self.a.dispatcher)})

    @staticmethod
    def _process(whose, process):
        proc = pathlib.Path(f"/proc/{process.pid}")
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        return {f"{whose}memory": int(status["VmRSS"].split()[0]), f"{whose}threads": int(status["Threads"]),
                f"{whose}descriptors": len(os.listdir(proc / "fd"))}

    def levels_off(self, what):
        """It is no larger in the last third than in the one before; a text that says so."""
        middle, last = self.most(what, 1), self.most(what, 2)
        assert last <= middle * 1.1 + 4096, f"{what} grows: {middle} kB, then {last} kB"
        return f"{middle // 1024} MB, then {last // 1024} MB"

    def most(self, what, part=None):
        """The largest value, of the whole or of one third (0, 1, 2)."""
        third = len(self.seen) // 3
        assert third >= 5
        return max(s[what] for s in (self.seen if part is None else self.seen[part * third:(part + 1) * third]))


def flood(a, clients, seconds, run, most=ANSWER_MOST):
    """wrk with so many clients that never rest for so long, and then `most` seconds at most until each has its answer. What flood.lua
    says."""
    words = ["wrk", f"-t{FLOOD_THREADS}", "-c", str(clients), "-d", f"{seconds + most}s", "--timeout", f"{most}s", "-s",
             ROOT / "tests/fault/flood.lua", f"http://127.0.0.1:{a.port}"]
    env = {**a.env, "RUN": run, "SECONDS": str(seconds)}
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as wrk:
        killer = threading.Timer(seconds + most + 60, wrk.kill)
        killer.start()
        answered, said = 0, None
        for line in wrk.stdout:
            answered += line == "ANSWERED\n"
            if answered == FLOOD_THREADS and said is None:
                wrk.send_signal(signal.SIGINT)  # it need not wait any longer
                answered = 0
            if line.startswith("FLOOD "):
                said = json.loads(line.partition(" ")[2])
        killer.cancel()
    assert wrk.returncode == 0 and said, wrk.returncode
    return said


class Silent(socketserver.StreamRequestHandler):
    """A web server that answers on every second connection, and on the others never."""

    def handle(self):
        with self.server.turn:
            self.server.taken += 1
            answers = self.server.taken % 2
        while data := self.connection.recv(65536):
            if answers:
                self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" * data.count(b"\r\n\r\n"))
            else:
                self.server.silent.add(self.client_address)


def test_the_flood_hears_of_every_request_that_is_never_answered():
    """Found by review: wrk says nothing of them."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Silent) as server:
        server.daemon_threads = True
        server.turn, server.taken, server.silent = threading.Lock(), 0, set()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = types.SimpleNamespace(port=server.server_address[1], env=os.environ)
        said = flood(where, 8, 1, "silent", most=2)
        server.shutdown()
    assert said["answers"]["200"] > 0 and len(server.silent) >= 3, said
    assert said["unanswered"] == len(server.silent), said


def per_second(said, *statuses):
    return sum(n for status, n in said["answers"].items() if status in statuses) / said["seconds"]


GOOD = ("200", "201", "404", "409")
QUIET = ("", "access_log off; error_log log/nginx.log crit;")  # an hour of it would be gigabytes


def test_at_twice_the_load_it_refuses_in_time_and_everything_levels_off(anteroom):
    retention = {"jobs": "1m", "events": "1m", "deliveries": "1m"}
    a = anteroom({"max_queued": 500, "retention": retention, **lab(HOSTS)}, dispatcher=True, nginx_extra=QUIET)
    alone = flood(a, 64, 3, "alone")
    with Watch(a) as watch:
        said = flood(a, 2 * CONNS, soak.seconds() or 12, "flood")
    assert set(said["answers"]) <= {*GOOD, "429", "503"}, said
    assert said["answers"].get("429") and said["answers"].get("503"), said
    assert said["without_retry_after"] == 0 and said["unanswered"] == 0, said
    assert watch.most("threads") == 4 + THREADS_BESIDE_WORKERS
    assert watch.most("descriptors") <= CONNS + 64
    assert watch.most("WAL") <= WAL_MOST
    theirs = watch.most("dispatcher's descriptors"), watch.most("dispatcher's threads")
    assert theirs[0] <= CALLS + 32 and theirs[1] <= 1 + SANITIZERS, theirs  # there is no name to look up
    levels = watch.levels_off("memory"), watch.levels_off("dispatcher's memory")
    assert a.fcgi.alive() and a.dispatcher.alive()
    soak.figure("Bounded", f"{2 * CONNS} clients that never rest for {said['seconds']:.0f} s, where {CONNS} are taken at once:"
                f" {per_second(said, *GOOD, '429'):.0f} answers/s (of 64 clients: {per_second(alone, *GOOD, '429'):.0f}),"
                f" {per_second(said, '429'):.0f} of them 429, and {per_second(said, '503'):.0f}/s 503; the longest took {said['longest_ms']} ms;"
                f" memory {levels[0]} (dispatcher {levels[1]}), {watch.most('descriptors')} descriptors,"
                f" {watch.most('threads')} threads (dispatcher {theirs[0]} and {theirs[1]}), WAL {watch.most('WAL') >> 20} MB")
    wait_until(lambda: a.get("/healthz").status == 200, what="health")
    a.command("check")
