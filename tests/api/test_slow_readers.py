# SPDX-License-Identifier: MIT
"""Behind a web server that passes on how slowly a client reads: as many slow readers as there are workers stop nobody else."""
import contextlib
import json

import pytest

from contract import FastCGI, has_envelope, is_done, is_ok
from harness import wait_until

WORKERS = 4
LANES = WORKERS // 2


@pytest.fixture
def a(anteroom):
    """With a list that is far larger than what fits into a socket."""
    a = anteroom({"workers": WORKERS})
    for part in range(4):
        is_ok(a.post("/v1/long/", [a.job(f"{part}-{i}", "long", data={"note": "x" * 60_000}) for i in range(15)]), 201)
    return a


def ask(stack, a, path):
    reader = stack.enter_context(FastCGI(a))
    reader.begin("GET", path)
    reader.send(reader.STDIN, b"")
    return reader


def ends_well(reader):
    """Is the answer whole? If not, it must be seen that it is not."""
    try:
        answer = reader.answer()
    except AssertionError as e:
        assert "the connection ended" in str(e)
        return False
    assert answer.status == 200 and len(answer.data) == 60
    return True


def is_refused(answer):
    has_envelope(answer)
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "10")


def cut(a):
    return a.fcgi.log().count("event=slow_reader")


def test_readers_who_take_nothing_do_not_hold_all_workers(a):
    with contextlib.ExitStack() as stack:
        readers = [ask(stack, a, "/v1/long/") for _ in range(WORKERS)]
        wait_until(lambda: cut(a) == WORKERS - LANES, what="those for whom there is no lane are cut")
        assert a.get("/healthz").status == 200
        a.create("more", "other")
        assert len(is_ok(a.get("/v1/long/?limit=1"))) == 1
        is_refused(a.get("/v1/long/"))
        assert sorted(map(ends_well, readers)) == [False] * (WORKERS - LANES) + [True] * LANES
    wait_until(lambda: a.get("/v1/long/").status == 200, what="the lanes are free again")
    assert cut(a) == WORKERS - LANES


def test_whoever_leaves_gives_his_lane_back(a):
    with contextlib.ExitStack() as stack:
        for _ in range(WORKERS):
            ask(stack, a, "/v1/long/")
        wait_until(lambda: cut(a) == WORKERS - LANES, what="those for whom there is no lane are cut")
        is_refused(a.get("/v1/long/"))
    wait_until(lambda: a.get("/v1/long/").status == 200, what="the lanes are free again")


def test_what_fits_into_a_socket_is_answered_also_where_no_lane_is_left(a):
    for i in range(600):  # a page of some 180 KB, which is not streamed
        is_done(a.post(f"/queues/{i}", {"paused": True}))
    with contextlib.ExitStack() as stack:
        for _ in range(WORKERS):
            ask(stack, a, "/v1/long/")
        wait_until(lambda: cut(a) == WORKERS - LANES, what="those for whom there is no lane are cut")
        for path, status in (("/v1/long/?limit=1", 200), ("/v1/long/?limit=2", 200), ("/v1/long/?limit=3", 503), ("/queues/?limit=100", 200),
                             ("/queues/", 503)):
            assert a.get(path).status == status, path
        assert a.head("/queues/").status == 200
        answer = a.post("/v1/long/", [a.job(f"new-{i}", "long", data={"note": "x" * 60_000}) for i in range(5)])
        assert [json.loads(j["Data"])["note"] for j in is_ok(answer, 201)] == ["x" * 60_000] * 5
    wait_until(lambda: a.get("/queues/").status == 200, what="the lanes are free again")
