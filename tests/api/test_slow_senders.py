# SPDX-License-Identifier: MIT
"""Behind a web server that passes on how slowly a client sends: a request without an end changes nothing and stops nobody else."""
import contextlib
import json

import pytest

from contract import FastCGI, is_ok
from harness import wait_until

WORKERS = 4


def half(stack, a, *args, **kw):
    """A request without its end."""
    sender = stack.enter_context(FastCGI(a))
    sender.begin(*args, **kw)
    return sender


def is_closed(sender):
    sender.socket.setblocking(False)
    try:
        assert sender.socket.recv(1) == b"", "half a request was answered"
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize("how", ["a-body-that-nobody-wants", "a-whole-body-without-its-end"])
def test_a_change_whose_request_does_not_end_is_none(anteroom, how):
    """Found by review: it was carried out, and then a worker waited for the end, be there a lane or not: four of them stopped all."""
    a = anteroom({"workers": WORKERS})
    names = [f"j{i}" for i in range(WORKERS)]
    with contextlib.ExitStack() as stack:
        if how == "a-body-that-nobody-wants":
            is_ok(a.post("/v1/vm/", [a.job(n, "vm") for n in names]), 201)
            senders = [half(stack, a, "DELETE", f"/v1/vm/{n}/", length=500) for n in names]
        else:
            senders = [half(stack, a, "POST", "/v1/vm/", json.dumps(a.job(n, "vm")).encode()) for n in names]
        wait_until(lambda: a.get("/healthz").status == 200 and all(map(is_closed, senders)), what="they are closed")
    assert len(is_ok(a.get("/v1/vm/"))) == (WORKERS if how == "a-body-that-nobody-wants" else 0)


@pytest.mark.parametrize("workers", [2, 4])
def test_slow_senders_and_slow_readers_together_leave_a_worker(anteroom, workers):
    """Found by review: each kind had half of the workers for itself, and both together had all."""
    a = anteroom({"workers": workers})
    for part in range(4):
        is_ok(a.post("/v1/long/", [a.job(f"{part}-{i}", "long", data={"note": "x" * 60_000}) for i in range(15)]), 201)
    with contextlib.ExitStack() as stack:
        senders = [half(stack, a, "POST", "/v1/vm/", length=500) for _ in range(workers // 2)]
        for _ in range(workers // 2):
            half(stack, a, "GET", "/v1/long/").send(FastCGI.STDIN, b"")

        def is_cut():
            for s in senders:  # they go on, and so keep their lanes
                s.send(FastCGI.STDIN, b" ")
            return "lane=none_left" in a.fcgi.log()

        wait_until(is_cut, what="a reader for whom there is no lane is cut")
        assert a.get("/healthz").status == 200
        assert not any(map(is_closed, senders))
        assert a.fcgi.log().count("event=slow_reader") == 1


def test_a_single_worker_waits_for_one_of_each_kind(anteroom):
    a = anteroom({"workers": 1})
    body = json.dumps([a.job(n, "vm", data={"note": "x" * 50_000}) for n in "ab"]).encode()
    is_ok(a.post("/v1/long/", [a.job(str(i), "long", data={"note": "x" * 60_000}) for i in range(15)]), 201)
    with contextlib.ExitStack() as stack:
        reader = half(stack, a, "GET", "/v1/long/")
        reader.send(FastCGI.STDIN, b"")
        reader.stream.peek(1)
        sender = half(stack, a, "POST", "/v1/vm/", body[:10_000], length=len(body))
        assert len(reader.answer().data) == 15
        for part in body[10_000:60_000], body[60_000:], b"":
            sender.send(FastCGI.STDIN, part)
        assert sender.answer().status == 201
