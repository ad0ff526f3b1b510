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
