# SPDX-License-Identifier: MIT
"""kill -9 of each process while there is work: what was answered is there, and what was begun is ended once."""
import os
import pathlib
import signal
import threading

from cloud import LAB, ask, books_balance, change, create, is_sound, lab, states
from contract import randomness
from harness import wait_until

THREADS = 8


class Load:
    """Threads that post jobs until they are told to stop. A request that got no answer is not sent again."""

    def __init__(self, a, threads=THREADS):
        self.a = a
        self.created, self.refused, self.unanswered = [], [], []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._post, args=(t,)) for t in range(threads)]
        for thread in self._threads:
            thread.start()

    def _post(self, number):
        client = self.a.client()
        n = 0
        while not self._stop.is_set():
            n += 1
            name = f"t{number}-{n}"
            body = {"request_id": name, "owner_id": "o", "callback": f"cb-{name}", "data": {"instances": [{"gpu": 1}]}}
            try:
                answer = client.post(LAB, body)
            except OSError:
                self.unanswered.append(name)
                self._stop.wait(0.01)
                continue
            if answer.status == 201:
                assert answer.data["RequestID"] == name
                self.created.append(name)
            else:
                self.refused.append((name, answer))
                self._stop.wait(0.01)

    def wait_for(self, more):
        start = len(self.created)
        wait_until(lambda: len(self.created) >= start + more, timeout=60, what=f"{more} more jobs")

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def all_are_there(a, load, also=()):
    """Every 201 is in the list once; what else is there was sent, and its answer got lost."""
    listed = [job["RequestID"] for job in a.get(LAB).data]
    assert len(set(listed)) == len(listed)
    missing = set(load.created) - set(listed)
    assert not missing, f"{len(missing)} jobs were answered with 201 and are gone: {sorted(missing)[:5]}"
    sent = set(load.created) | {name for name, _ in load.refused} | set(load.unanswered) | set(also)
    assert set(listed) <= sent
    for _, answer in load.refused:
        assert answer.status == 503 and answer.code == "unavailable", answer
    is_sound(a)


def test_of_anteroom_fcgi_loses_no_201(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}))
    random = randomness()
    load = Load(a)
    try:
        for _ in range(4):
            load.wait_for(random.randrange(1, 200))
            a.kill_fcgi()
            a.start_fcgi()
        load.wait_for(20)
    finally:
        load.end()
    all_are_there(a, load)
    a.kill_fcgi()
    a.start_fcgi()
    all_are_there(a, load)


def test_of_the_dispatcher_admits_nobody_twice_and_forgets_nobody(anteroom, receiver):
    hosts = {f"n{i}": {"gpu": 100} for i in range(3)}
    a = anteroom({"callback": {"concurrency": 20}, **lab(hosts)})
    random = randomness()
    jobs = 300
    bodies = [{"request_id": f"j{i}", "owner_id": "o", "callback": receiver.url(f"j{i}"),
               "data": {"instances": [{"gpu": 1 + (i % 3 == 0), "count": 1 + (i % 2)}]}} for i in range(jobs)]
    demand = sum(i["gpu"] * i["count"] for b in bodies for i in b["data"]["instances"])
    hosts = {name: {"gpu": demand} for name in hosts}
    a.write_config({"callback": {"concurrency": 20}, **lab(hosts)})
    for _ in range(4):
        seen = len(receiver.requests)
        a.start_dispatcher()
        if bodies:
            assert a.post(LAB, bodies).status == 201
            bodies = None
        receiver.wait(seen + random.randrange(1, 60))
        a.kill_dispatcher()
        books_balance(a, hosts)
        is_sound(a)
    a.start_dispatcher()
    wait_until(lambda: set(states(a).values()) == {"running"}, 60, "all jobs running")
    assert ask(a, "SELECT admissions, count(*) FROM jobs GROUP BY 1") == [(1, jobs)]
    for i in range(jobs):
        tries = receiver.at(f"j{i}")
        assert tries and len({r.headers["webhook-id"] for r in tries}) == 1
    books_balance(a, hosts)


def test_of_the_dispatcher_while_jobs_come_and_go_in_a_full_house(anteroom, receiver):
    hosts = {"n1": {"gpu": 6}, "n2": {"gpu": 6}}
    a = anteroom(lab(hosts, overtake="forever"))
    random = randomness()
    for i in range(60):
        create(a, f"j{i}", 1 + i % 4, callback=receiver.url(f"j{i}"))
    a.start_dispatcher()
    kills = sorted(random.sample(range(5, 55), 3))
    while "queued" in states(a).values() or "admitted" in states(a).values():
        for name, status in states(a).items():
            if status == "running":
                change(a, name, status="finished")
        books_balance(a, hosts)
        if kills and len(receiver.requests) >= kills[0]:
            kills.pop(0)
            a.kill_dispatcher()
            books_balance(a, hosts)
            a.start_dispatcher()
    assert kills == [] and set(states(a).values()) <= {"finished", "running"}
    assert ask(a, "SELECT DISTINCT admissions FROM jobs") == [(1,)]
    is_sound(a)


def test_of_both_at_once_under_load(anteroom):
    a = anteroom(lab({"n": {"gpu": 100_000}}))
    random = randomness()
    a.start_dispatcher()
    load = Load(a)
    try:
        for _ in range(2):
            load.wait_for(random.randrange(20, 150))
            a.kill_dispatcher()
            a.kill_fcgi()
            a.start_fcgi()
            a.start_dispatcher()
        load.wait_for(20)
    finally:
        load.end()
    all_are_there(a, load)
    wait_until(lambda: set(states(a).values()) == {"running"}, 60, "all jobs running")
    books_balance(a, {"n": {"gpu": 100_000}})


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_of_nginx_is_none_of_our_business(anteroom):
    a = anteroom(lab({"n": {"gpu": 100_000}}))
    load = Load(a)
    load.wait_for(50)
    workers = children(a.nginx.pid)
    a.nginx.kill()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    load.end()
    pid = a.fcgi.pid
    a.start_nginx()
    assert a.fcgi.alive() and a.fcgi.pid == pid
    assert a.get("/healthz").status == 200
    create(a, "after", 1)
    all_are_there(a, load, also=["after"])
