# SPDX-License-Identifier: MIT
"""Slow and dead receivers delay nobody else; never more tries at once than may be, overall, to one host and for one owner."""
import contextlib
import json
import resource
import socket
import threading

import pytest

from cloud import ask, books_balance, lab, states
from harness import wait_until
from receiver import Receiver, Reply

HOLES = 1000
PATIENT = {"timeout": "1h", "connect_timeout": "1h", "hold": "2h"}
HOSTS = {"n": {"gpu": 100_000}}


def conf(callback=None, **members):
    return {"callback": {**PATIENT, **(callback or {})}, **lab(HOSTS, **members)}


def post(a, jobs):
    """[(request_id, owner, callback)]"""
    answer = a.post("/v1/lab/", [{"request_id": n, "owner_id": o, "data": {"instances": [{"gpu": 1}]}, "callback": c} for n, o, c in jobs])
    assert answer.status == 201, answer


class Hole:
    """A socket on all addresses of this machine's loopback. What connects to it is taken, or left in the queue, and never
    answered."""

    def __init__(self, accepts):
        self.socket = socket.socket()
        self.socket.bind(("0.0.0.0", 0))
        self.socket.listen(2048)
        self.port = self.socket.getsockname()[1]
        self.taken = []
        self.thread = threading.Thread(target=self._take, daemon=True)
        if accepts:
            self.thread.start()

    def _take(self):
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self.socket.accept()[0])

    def url(self, n):
        return f"http://127.{1 + n // 60000}.{n // 250 % 250}.{1 + n % 250}:{self.port}/hole"

    def open(self):
        """How many of those that connected are still there."""
        count = 0
        for c in self.taken:
            c.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    data = c.recv(65536)
                    assert data, "a try ended that should hang"
            count += 1
        return count

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        if self.thread.ident:
            self.thread.join()
        for c in self.taken:
            c.close()


@pytest.fixture
def hole(request):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # for those that are taken here; the dispatcher sees to its own
    h = Hole(request.param)
    yield h
    h.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("hole", [True, False], ids=["taken", "never-taken"], indirect=True)
@pytest.mark.parametrize("owner", ["another", "holes"])
def test_the_good_are_called_while_1000_black_holes_hang(anteroom, receiver, hole, owner):
    a = anteroom(conf())
    post(a, [(f"hole{i}", "holes", hole.url(i)) for i in range(HOLES)])
    a.start_dispatcher()
    if hole.thread.ident:
        wait_until(lambda: len(hole.taken) == HOLES, what="all holes are called")
    good = [f"good{i}" for i in range(10)]
    post(a, [(n, owner, receiver.url(n)) for n in good])
    wait_until(lambda: list(states(a).values()).count("running") == 10, what="the good")
    assert len(receiver.requests) == 10
    assert sorted(states(a).values()) == ["admitted"] * HOLES + ["running"] * 10
    assert ask(a, "SELECT outcome, count(*) FROM deliveries GROUP BY 1") == [("accepted", 10)]
    if hole.thread.ident:
        assert hole.open() == HOLES


@pytest.mark.parametrize("hole", [True], ids=["taken"], indirect=True)
def test_2000_at_once(anteroom, hole):
    a = anteroom(conf({"per_owner": 2000}))
    for part in range(3):
        post(a, [(f"hole{i}", "o", hole.url(i)) for i in range(700 * part, 700 * part + 700)])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # What a shell or cron gives is often not enough.
    a.start_dispatcher(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
    wait_until(lambda: len(hole.taken) == 2000, what="2,000 at once")
    post(a, [("one", "p", hole.url(5000))])
    wait_until(lambda: states(a)["one"] == "admitted", what="a pass")
    assert hole.open() == 2000


def test_fewer_at_once_where_there_are_not_enough_descriptors(anteroom, receiver):
    a = anteroom(conf({"concurrency": 10_000}))
    post(a, [(f"j{i}", "o", receiver.url(f"j{i}")) for i in range(300)])
    done = a.dispatch(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 400)))
    assert "concurrency=200 configured=10000 open_files=400" in done.stderr
    assert set(states(a).values()) == {"running"} and len(receiver.requests) == 300


class Gate(Receiver):
    """Answers nobody until it is opened."""

    def __init__(self):
        self.go = threading.Event()
        super().__init__()

    def _next_reply(self, received):
        super()._next_reply(received)
        return Reply(before=self.go)

    def owners(self):
        return [json.loads(r.body)["data"]["OwnerID"] for r in list(self.requests)]


def test_no_limit_is_ever_exceeded(anteroom):
    """At first nobody is answered: what is under way is exactly what may be. Then all goes on, and stays within the limits."""
    with contextlib.ExitStack() as stack:
        gates = [stack.enter_context(contextlib.closing(Gate())) for _ in range(4)]
        a = anteroom(conf({"concurrency": 9, "per_host": 3, "per_owner": 4}))
        jobs = [(f"j{h}-{o}-{i}", f"o{o}", gates[h].url(f"{o}-{i}")) for i in range(6) for h in range(4) for o in range(3)]
        post(a, jobs)
        a.start_dispatcher()
        wait_until(lambda: sum(len(g.requests) for g in gates) == 9, what="as many as may be")
        post(a, [("more", "o0", gates[0].url("more"))])
        wait_until(lambda: states(a)["more"] == "admitted", what="a pass")
        owners = sum((g.owners() for g in gates), [])
        assert len(owners) == 9 and max(len(g.requests) for g in gates) <= 3
        assert max(owners.count(f"o{o}") for o in range(3)) <= 4
        for g in gates:
            g.go.set()
        wait_until(lambda: set(states(a).values()) == {"running"}, what="all")
        assert sum(len(g.requests) for g in gates) == len(jobs) + 1
        for g in gates:
            assert g.most_under_way <= 3
    # As written down: a try is under way from `at` for `ns`.
    rows = ask(a, "SELECT d.at, d.ns, j.owner_id, d.url FROM deliveries d JOIN jobs j ON j.id = d.job_id")
    for key, limit in ((lambda r: 0, 9), (lambda r: r[2], 4), (lambda r: r[3].split("/")[2], 3)):
        for group in {key(r) for r in rows}:
            mine = [r for r in rows if key(r) == group]
            for at, *_ in mine:
                assert sum(begin <= at < begin + ns for begin, ns, *_ in mine) <= limit
    books_balance(a, HOSTS)


def test_a_host_is_an_origin_whatever_it_is_called(anteroom):
    """Relative and absolute, of two queues: all go to the same host, which gets two at a time."""
    with contextlib.closing(Gate()) as g:
        base = g.url("/base/")
        queues = {name: {"capacity": "static", "callback_base": base, "pools": {"main": {"hosts": HOSTS}}} for name in ("lab", "other")}
        a = anteroom({"callback": {**PATIENT, "per_host": 2}, "queues": queues})
        for type, name, callback in (("lab", "1", "rel1"), ("other", "2", "rel2"), ("lab", "3", g.url("abs3")), ("other", "4", g.url("abs4")),
                                     ("lab", "5", g.url("abs5").replace("http://", "HTTP://"))):
            a.create(name, type, data={"instances": [{"gpu": 1}]}, callback=callback)
        a.start_dispatcher()
        g.wait(2)
        a.create("6", "lab", data={"instances": [{"gpu": 1}]}, callback="rel6")
        a.wait_status("6", "admitted", "lab")
        assert len(g.requests) == 2
        g.go.set()
        g.wait(6)
        wait_until(lambda: {*states(a).values(), *states(a, "other").values()} == {"running"}, what="all")


def test_the_oldest_of_a_lane_comes_first(anteroom, receiver):
    a = anteroom(conf({"per_host": 1}))
    names = [f"j{i}" for i in range(20)]
    post(a, [(n, "o", receiver.url(n)) for n in names])
    a.dispatch()
    assert [r.path for r in receiver.requests] == ["/" + n for n in names]


def test_lanes_take_turns(anteroom, receiver):
    """Whoever has 30 callbacks does not go before who has one."""
    a = anteroom(conf({"per_host": 1}))
    post(a, [(f"many{i}", "many", receiver.url(f"many{i}")) for i in range(30)] + [("one", "one", receiver.url("one"))])
    a.dispatch()
    assert len(receiver.requests) == 31
    assert "/one" in [r.path for r in receiver.requests[:2]]
