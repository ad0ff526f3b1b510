# SPDX-License-Identifier: MIT
"""A 201 is on disk: kill -9 of the service, of the dispatcher and of both at random moments, under load.

After each of the rounds every job that was acknowledged is there exactly once, in the state that was acknowledged or one that
follows from it, nothing else is there, what is held is what was promised, and `anteroom check` finds nothing: it asks SQLite's
integrity_check and foreign_key_check and more than twenty questions of its own."""
import os
import pathlib
import signal
import threading

import soak
from cloud import books_balance, lab
from harness import BIN, SLOW, Process, wait_until
from load import Load

HOSTS = {f"n{i}": {"gpu": 12} for i in range(4)}
CONF = {"retention": {"jobs": "1m", "events": "1m", "deliveries": "1m"}, **lab(HOSTS)}
VICTIMS = ("service", "dispatcher", "both")


def start_dispatcher(a):
    """Without a wait until it is ready: it may be killed before."""
    argv = [BIN / "anteroom-dispatch", "--config", a.config_path, "--watch"]
    a.dispatcher = Process("anteroom-dispatch", argv, a.dir, a.dir / "log/dispatch.log", a.env)


def kill(a, victim, random):
    if victim != "dispatcher":
        a.kill_fcgi()
    if victim != "service":
        a.kill_dispatcher()
    if random.random() < 0.2:  # and once more while they start
        if victim != "dispatcher":
            a.start_fcgi(wait=False)
        if victim != "service":
            start_dispatcher(a)
        threading.Event().wait(random.random() * 0.03)
        if victim != "dispatcher":
            a.kill_fcgi()
        if victim != "service":
            a.kill_dispatcher()
    if victim != "dispatcher":
        a.start_fcgi(wait=False)  # the clients ask until it answers
    if victim != "service":
        start_dispatcher(a)


def test_what_was_acknowledged_is_there_exactly_once_after_each_kill(anteroom):
    a = anteroom(CONF, dispatcher=True)
    random = soak.randomness()
    rounds = repeated = 0
    with Load(a, seed=random.random()) as load:
        for _ in soak.rounds(200 // SLOW, 10_000):
            threading.Event().wait(random.random() * 0.15)
            kill(a, random.choice(VICTIMS), random)
            load.pause()
            load.check()
            repeated += load.same_first_answers()
            books_balance(a, HOSTS)
            a.command("check")
            load.resume()
            rounds += 1
        load.pause()
    assert load.unknown > rounds // 4, "hardly any request was under way when its server was killed"
    soak.figure("A 201 is on disk", f"{rounds} rounds of kill -9 under 16 clients, {load.known} requests, {load.unknown} of them"
                f" with an answer that was lost, {repeated} first answers asked for again: nothing lost, nothing twice")


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_that_nginx_is_killed_is_none_of_our_business(anteroom):
    """Regression, seen by ThreadSanitizer: a connection was closed while the thread that had parked it was still at it."""
    a = anteroom(CONF, dispatcher=True)
    pid = a.fcgi.pid
    with Load(a) as load:
        wait_until(lambda: load.known > 200 or load.faults, 60, "some load")
        workers = children(a.nginx.pid)
        a.nginx.kill()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        a.start_nginx()
        start = load.known
        wait_until(lambda: load.known > start + 200 or load.faults, 60, "some load")
        load.pause()
        load.check()
    assert load.cut and a.fcgi.alive() and a.fcgi.pid == pid
    books_balance(a, HOSTS)
    a.command("check")
