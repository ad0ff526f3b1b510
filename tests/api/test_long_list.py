# SPDX-License-Identifier: MIT
"""A list of 20,000 jobs is streamed: whole, page by page the same, in constant memory, and a slow reader stops nobody."""
import json
import pathlib
import socket

import pytest

from contract import is_ok
from harness import SLOW

JOBS = 20_000
ARRAY = 500
GROWTH_MAX = 16 * 1024  # KiB
NOTE = "\"quoted\" \\ 日本 " * 40  # so that the whole list is far larger than any buffer


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom()
    client = a.client()
    for start in range(0, JOBS, ARRAY):
        body = [{"request_id": f"{i:05}", "owner_id": str(i % 7), "callback": f"c{i}", "data": {"note": NOTE}} for i in range(start, start + ARRAY)]
        is_ok(client.post("/v1/long/", json.dumps(body, ensure_ascii=False)), 201)
    return a


def kib(a, name):
    """A figure of the service process: VmRSS, VmHWM."""
    status = pathlib.Path(f"/proc/{a.fcgi.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name + ":"))


def forget_the_peak(a):
    pathlib.Path(f"/proc/{a.fcgi.pid}/clear_refs").write_text("5")


def listing(a, path="/v1/long/"):
    """Asks for a list on a connection of its own, and reads no more of it than its beginning.

    What the system's own buffers take is a few MiB of some thirty."""
    s = socket.create_connection(("127.0.0.1", a.port), timeout=60 * SLOW)
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    first = s.recv(2000)
    assert first.startswith(b"HTTP/1.1 200")
    return s, first


def test_the_whole_list_is_all_pages_one_after_the_other(a):
    forget_the_peak(a)
    before = kib(a, "VmRSS")
    whole = a.get("/v1/long/")
    peak = kib(a, "VmHWM")
    jobs = is_ok(whole)
    assert [job["RequestID"] for job in jobs] == [f"{i:05}" for i in range(JOBS)]
    assert len(whole.body) > 1.5 * GROWTH_MAX * 1024
    assert "Content-Length" not in whole.headers and whole.headers["Transfer-Encoding"] == "chunked"
    if SLOW == 1:  # a sanitizer's memory is not ours
        assert peak - before < GROWTH_MAX, f"{before} KiB before, {peak} KiB at the peak"

    client, paged, after = a.client(), [], ""
    while after is not None:
        page = client.get(f"/v1/long/?limit=997{after and '&after=' + after}")
        paged += is_ok(page)
        after = page.json.get("next")
    assert paged == jobs


def test_a_filtered_long_list_has_what_the_filter_says(a):
    jobs = is_ok(a.get("/v1/long/?owner_id=3&status=queued"))
    assert [job["RequestID"] for job in jobs] == [f"{i:05}" for i in range(3, JOBS, 7)]
    assert is_ok(a.get("/v1/long/?owner_id=3&status=held,running")) == []


def whole(s, first):
    """The rest of what listing() began: the names of all jobs that came."""
    parts = [first]
    while not parts[-1].endswith(b"\r\n0\r\n\r\n"):
        parts.append(s.recv(1 << 20))
        assert parts[-1], "the list was cut"
        if len(parts[-1]) < 7:  # the end may come in pieces
            parts[-2:] = [parts[-2] + parts[-1]]
    s.close()
    text = b"".join(parts)
    chunks, at = [], text.index(b"\r\n\r\n") + 4
    while at < len(text):
        line = text.index(b"\r\n", at)
        size = int(text[at:line], 16)
        chunks.append(text[line + 2:line + 2 + size])
        at = line + 2 + size + 2
    return [job["RequestID"] for job in json.loads(b"".join(chunks))["data"]]


def test_the_first_rows_come_while_the_rest_is_not_taken_and_many_slow_readers_stop_nobody(a):
    slow = [listing(a) for _ in range(6)]  # more than there are workers
    for _, first in slow:
        assert b'{"data":[{"ID":1,' in first or first.endswith(b"\r\n\r\n")
    for i in range(20):
        a.create(f"meanwhile{i}")
        assert a.status(f"meanwhile{i}") == "queued"
    assert len(is_ok(a.get("/v1/long/?limit=10000"))) == 10000
    for s, _ in slow[1:]:
        s.close()
    assert whole(*slow[0]) == [f"{i:05}" for i in range(JOBS)]


def test_a_reader_who_hangs_up_in_the_middle_harms_nobody(a):
    for _ in range(20):
        listing(a)[0].close()
    assert len(is_ok(a.get("/v1/long/?limit=5"))) == 5
    a.create("after the hang-ups")


def test_a_list_is_a_snapshot_while_jobs_come_and_go(a):
    s, first = listing(a)
    assert a.delete("/v1/long/19999").status == 200
    a.create("19999", "long", callback="c19999", data={"note": NOTE}, owner_id=str(19999 % 7))
    assert whole(s, first) == [f"{i:05}" for i in range(JOBS)]


def test_the_head_of_a_long_list_comes_without_making_it(a):
    answer = a.head("/v1/long/")
    assert (answer.status, answer.body) == (200, b"") and "Content-Length" not in answer.headers


def test_an_array_larger_than_a_body_may_be_is_413_and_makes_nothing(a):
    body = [{"request_id": f"x{i}", "owner_id": "o", "callback": f"x{i}", "data": {"note": NOTE * 2}} for i in range(1000)]
    assert a.post("/v1/toolong/", json.dumps(body, ensure_ascii=False)).status == 413
    assert is_ok(a.get("/v1/toolong/")) == []
