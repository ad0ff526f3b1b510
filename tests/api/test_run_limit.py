# SPDX-License-Identifier: MIT
"""Numbers of jobs: run_limit of a queue, and what an owner may hold at a time in all queues together."""
import threading

from cloud import ask, change, create, lab, queue, reason, states
from harness import wait_until

HOSTS = {"n": {"gpu": 100_000}}
HOLDING = "SELECT count(*) FROM jobs WHERE status IN ('admitted', 'running')"


def test_no_more_run_than_may_and_who_waits_knows_why(anteroom):
    a = anteroom(lab(HOSTS, run_limit=2))
    for i in range(4):
        create(a, f"j{i}", 1)
    a.dispatch()
    assert sorted(states(a).values()) == ["queued", "queued", "running", "running"]
    assert reason(a, "j2") == ("RunLimit", "2 of 2 jobs of this queue are admitted or running")
    tag = a.get("/v1/lab/j2").headers["ETag"]
    a.dispatch()
    assert a.get("/v1/lab/j2").headers["ETag"] == tag
    change(a, "j0", status="finished")
    change(a, "j1", status="queued")  # keeps its place: it is before j2
    a.dispatch()
    assert states(a) == {"j0": "finished", "j1": "running", "j2": "running", "j3": "queued"}


def test_a_place_that_becomes_free_is_given_at_once(anteroom):
    a = anteroom(lab(HOSTS, run_limit=1))
    a.start_dispatcher()
    for i in range(3):
        create(a, f"j{i}", 1)
    for i in range(3):
        a.wait_status(f"j{i}", "running", "lab")
        assert ask(a, HOLDING) == [(1,)]
        change(a, f"j{i}", status="finished")


def test_a_place_whose_job_could_not_be_called_is_given_at_once(anteroom, receiver):
    a = anteroom(lab(HOSTS, run_limit=1))
    receiver.script("gone", [410])
    a.start_dispatcher()
    create(a, "gone", 1, callback=receiver.url("gone"))
    create(a, "next", 1)
    a.wait_status("next", "running", "lab")
    assert a.status("gone", "lab") == "failed"


def test_an_owner_holds_so_many_in_all_queues(anteroom):
    queues = {name: queue(HOSTS) for name in ("lab", "shop", "*")}
    a = anteroom({"owner": {"holding": 3}, "queues": queues})
    for type in ("lab", "shop", "other"):
        for i in range(2):
            create(a, f"j{i}", 1, type=type, owner_id="greedy", callback=f"{type}-{i}")
        create(a, "modest", 1, type=type, owner_id=f"of-{type}", callback=f"{type}-m")
    a.dispatch()
    assert ask(a, HOLDING + " AND owner_id = 'greedy'") == [(3,)]
    assert ask(a, HOLDING + " AND owner_id <> 'greedy'") == [(3,)]
    waiting = next(t for t in queues if t != "*" and a.status("j1", t) == "queued")
    assert reason(a, "j1", waiting) == ("OwnerLimit", "3 of 3 jobs of this owner are admitted or running")


def test_jobs_that_ask_for_nothing_count(anteroom):
    a = anteroom(lab(HOSTS, run_limit=2))
    for i in range(3):
        a.create(f"j{i}", "lab", data={})
    a.dispatch()
    assert sorted(states(a).values()) == ["queued", "running", "running"]


def test_who_is_at_his_limit_holds_nobody_up(anteroom):
    a = anteroom({"owner": {"holding": 1}, **lab({"n": {"gpu": 4}}, overtake="0s")})
    create(a, "first", 1, owner_id="x")
    create(a, "big", 4, owner_id="x")  # does not fit, and is past any guard
    create(a, "other", 1, owner_id="y")
    a.dispatch()
    assert states(a) == {"first": "running", "big": "queued", "other": "running"}
    assert reason(a, "big")[0] == "OwnerLimit"


def test_a_dry_run_knows_the_limits(anteroom):
    a = anteroom(lab(HOSTS, run_limit=1))
    create(a, "a", 1)
    create(a, "b", 2)
    said = a.dispatch("--dry-run").stdout
    assert said.count("admit ") == 1 and "RunLimit: 1 of 1 jobs of this queue" in said


def test_admissions_never_pass_the_limit_while_jobs_come_and_go(anteroom):
    """Eight clients post to two queues, wait for their turn and end, as fast as they can."""
    limit = 5
    a = anteroom({"owner": {"holding": limit}, "queues": {"lab": queue(HOSTS), "shop": queue(HOSTS)}})
    a.start_dispatcher()
    faults, stop = [], threading.Event()

    def work(number):
        client = a.client()
        for i in range(40):
            type, name = ("lab", "shop")[i % 2], f"t{number}-{i}"
            body = {"request_id": name, "owner_id": "o", "callback": f"{type}-{name}", "data": {"instances": [{"gpu": 1}]}}
            answer = client.post(f"/v1/{type}/", body)
            if answer.status != 201:
                faults.append(answer)
                return
            while client.get(f"/v1/{type}/{name}").data["Status"] != "running" and not faults:
                pass
            if client.post(f"/v1/{type}/{name}", {"status": "finished"}).status != 200:
                faults.append(name)

    def watch():
        while not stop.is_set():
            (held,), = ask(a, HOLDING)
            if held > limit:
                faults.append(f"{held} at once")

    workers = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    watcher = threading.Thread(target=watch)
    for thread in [*workers, watcher]:
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    watcher.join()
    assert faults == []
    wait_until(lambda: set(states(a).values()) == {"finished"}, what="the end of all jobs")
