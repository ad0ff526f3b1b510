# SPDX-License-Identifier: MIT
"""SIGTERM to anteroom.fcgi: what is under way is answered, nothing new is taken, nobody can hold it up."""
import os
import signal
import socket
import struct
import threading

import pytest

from cloud import LAB, create, is_sound, lab
from contract import FastCGI, connected
from harness import SLOW, wait_until

CONF = lab({"n": {"gpu": 1}})
WORKERS = 4  # as the configuration has it by default


def is_clean(a):
    """It ended by itself, and its guard had nothing to cut: that begins after 3 s, which a sanitizer's build may well need."""
    log = a.fcgi.log()
    assert "event=stopped status=0" in log and (SLOW > 1 or "event=stop step=" not in log), log


def stop(a):
    assert a.fcgi.stop() == 0
    is_clean(a)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_it_leaves_with_0(anteroom, number):
    a = anteroom(CONF)
    assert a.fcgi.stop(number) == 0
    is_clean(a)
    assert not (a.dir / "fcgi.sock").exists()


def test_under_load_every_request_gets_an_answer_and_a_201_is_on_disk(anteroom):
    a = anteroom(CONF)
    created, others, faults = [], [], []
    over = threading.Event()

    def post(thread):
        client = a.client()
        n = 0
        while not over.is_set():
            n += 1
            name = f"t{thread}-{n}"
            try:
                answer = client.post(LAB, a.job(name, "lab"))
            except OSError as fault:
                faults.append(fault)
                return
            if answer.status == 201:
                created.append(answer.data["RequestID"])
            else:
                others.append(answer)
                over.wait(0.005)

    threads = [threading.Thread(target=post, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for _ in range(3):
        seen = len(created)
        wait_until(lambda seen=seen: len(created) > seen + 50, what="some load")
        stop(a)
        a.start_fcgi()
    over.set()
    for t in threads:
        t.join()
    assert not faults, faults
    assert all(x.status == 503 and x.code == "unavailable" and x.headers["Retry-After"] for x in others), others[:3]
    listed = {job["RequestID"] for job in a.get(LAB).data}
    assert set(created) <= listed
    is_sound(a)


def test_kept_and_idle_connections_do_not_hold_it_up(anteroom):
    a = anteroom(CONF)
    kept = [FastCGI(a) for _ in range(20)]
    for k in kept:
        assert k.request("GET", "/v1/lab/").status == 200
    idle = [connected(a) for _ in range(20)]
    create(a, "j", 1)  # and one that nginx keeps
    stop(a)
    for k in kept:
        assert k.stream.read(1) == b""
        k.close()
    for s in idle:
        assert s.recv(1) == b""
        s.close()


HALF_HEADS = [b"\x01", b"\x01\x01\x00\x01\x00\x08", struct.pack("!BBHHBx", 1, 1, 1, 8, 0), struct.pack("!BBHHBxHB5x", 1, 1, 1, 8, 0, 1, 1),
              struct.pack("!BBHHBxHB5x", 1, 1, 1, 8, 0, 1, 1) + struct.pack("!BBHHBx", 1, 4, 1, 100, 0) + b"\x0e\x03REQUEST"]


def test_half_a_head_on_all_workers_but_one_keeps_nobody_out(anteroom):
    a = anteroom(CONF)
    half = [connected(a, HALF_HEADS[i]) for i in range(WORKERS - 1)]
    for i in range(20):
        create(a, f"j{i}", 1)
        assert a.get(f"/v1/lab/j{i}/").status == 200
    for s in half:
        s.close()
    stop(a)


def test_a_body_that_never_comes_on_all_workers_but_one_keeps_nobody_out(anteroom):
    a = anteroom(CONF)
    slow = [FastCGI(a) for _ in range(WORKERS - 1)]
    for s in slow:
        s.begin("POST", "/v1/lab/", b'{"request_id": ', length=500)
    for i in range(20):
        create(a, f"j{i}", 1)
    for s in slow:
        s.close()
    stop(a)


def test_32_halves_of_requests_do_not_keep_it_from_leaving(anteroom):
    a = anteroom(CONF)
    half = [connected(a, HALF_HEADS[i % len(HALF_HEADS)]) for i in range(16)]
    slow = [FastCGI(a) for _ in range(16)]
    for s in slow:
        s.begin("POST", "/v1/lab/", b'{"request_id": ', length=500)
    assert a.fcgi.stop() == 0
    for s in half + slow:
        s.close()


def test_a_reader_who_takes_nothing_does_not_pin_it(anteroom):
    a = anteroom(CONF)
    for i in range(4):
        jobs = [a.job(f"j{i}-{k}", "lab", data={"note": "x" * 900}) for k in range(1000)]
        assert a.post(LAB, jobs).status == 201
    lazy = [FastCGI(a) for _ in range(3)]
    for s in lazy:
        s.begin("GET", "/v1/lab/")
        s.send(FastCGI.STDIN, b"")
    wait_until(lambda: all(s.socket.recv(1, socket.MSG_PEEK) for s in lazy), what="the beginning of their answers")
    for i in range(20):
        create(a, f"k{i}", 1)
    a.fcgi.send(signal.SIGTERM)
    assert a.fcgi.wait() == 0
    for s in lazy:
        s.close()


def test_a_client_who_goes_away_in_the_middle_leaves_nothing_behind(anteroom):
    a = anteroom(CONF)
    for i in range(40):
        s = FastCGI(a)
        s.begin(*(("POST", "/v1/lab/", b'{"half": ') if i % 2 else ("GET", "/v1/lab/")), length=100 if i % 2 else None)
        s.close()
        connected(a, HALF_HEADS[i % len(HALF_HEADS)]).close()
    create(a, "j", 1)
    wait_until(lambda: sockets(a) <= 4, what="the end of dead connections")
    stop(a)


def sockets(a):
    """How many connections it has, its listening socket included."""
    links = []
    for fd in os.listdir(f"/proc/{a.fcgi.pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{a.fcgi.pid}/fd/{fd}"))
        except FileNotFoundError:
            pass
    return sum(link.startswith("socket:") for link in links)
