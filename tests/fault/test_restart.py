# SPDX-License-Identifier: MIT
"""Stop and restart lose nothing: the service is stopped and started every two seconds under load, and the dispatcher with it."""
import threading
import time

import pytest

import soak
from cloud import books_balance, lab
from load import Load

pytestmark = pytest.mark.alone

HOSTS = {f"n{i}": {"gpu": 12} for i in range(4)}
CONF = {"retention": {"jobs": "1m", "events": "1m", "deliveries": "1m"}, **lab(HOSTS)}
EVERY = 2  # seconds
STOP_MOST = 5  # seconds that a stop may take, as it is promised


def timed_stop(process):
    start = time.monotonic()
    assert process.stop() == 0
    return time.monotonic() - start


def restart(a, turn):
    """How long the stops took. The dispatcher goes before the service, after it, or stays."""
    took = []
    if turn % 3 == 0:
        took.append(timed_stop(a.dispatcher))
    took.append(timed_stop(a.fcgi))
    assert "event=stop step=" not in a.fcgi.log(), "a connection had to be cut"
    a.start_fcgi()
    if turn % 3 == 1:
        took.append(timed_stop(a.dispatcher))
    if turn % 3 != 2:
        a.start_dispatcher()
    return took


def only_unavailable(load):
    """Besides good answers there was 503 with Retry-After, which the load looks at, and every request got an answer."""
    others = {key for key in load.answers if key[0] not in (200, 201)}
    assert others <= {(409, "invalid_transition"), (409, "not_waiting"), (409, "duplicate_request_id"), (409, "duplicate_callback"),
                      (404, "not_found"), (503, "unavailable")}, others
    assert not load.cut, load.cut[:3]


def test_every_two_seconds_under_load(anteroom):
    a = anteroom(CONF, dispatcher=True)
    random = soak.randomness()
    took, again = [], 0
    with Load(a, seed=random.random()) as load:
        for turn in soak.rounds(10, 300):
            threading.Event().wait(EVERY - 0.2 + 0.4 * random.random())
            took += restart(a, turn)
            if turn % 5 == 4:
                load.pause()
                load.check()
                books_balance(a, HOSTS)
                again += load.same_first_answers()
                a.command("check")
                load.resume()
        load.pause()
        load.check()
    only_unavailable(load)
    assert max(took) <= STOP_MOST
    soak.figure("Stop and restart lose nothing",
                f"{turn + 1} restarts, every {EVERY} s, under 16 clients: {load.known} requests, {load.answers[503, 'unavailable']} 503s"
                f" with Retry-After, no other fault, nothing lost; the longest stop took {max(took):.2f} s")
