# SPDX-License-Identifier: MIT
"""kill -9 of the dispatcher while there is work: what was begun is ended once. Under load: tests/fault/test_kill_rounds.py."""
from cloud import LAB, ask, books_balance, change, create, is_sound, lab, states
from contract import randomness
from harness import wait_until


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
        # On a busy machine a kill may come when all were called already.
        receiver.wait(min(seen + random.randrange(1, 60), jobs))
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
