# SPDX-License-Identifier: MIT
"""GET /v1/{type}/{request_id}/wait: why a job waits, since when, where it stands; every reason in a situation of its own."""
import re

import pytest

from cloud import change, create, queue, show
from contract import is_done, is_ok, is_refused
from harness import wait_until
from harness import wait_until
from sources import Program

MEMBERS = ["Status", "Reason", "Message", "Since", "ReasonSince", "LookedAt", "Position", "PoolPosition", "Pools", "Needs", "Ahead",
           "PoolAhead", "EstimatedStart", "Estimate"]
LATER = "2200-01-01T00:00:00Z"


def why(a, request_id, type, **kw):
    data = is_ok(a.get(f"/v1/{type}/{request_id}/wait", **kw))
    assert list(data) == MEMBERS
    return data


def ahead(jobs, **resources):
    return {"Jobs": jobs, "Resources": resources}


# The queues of the table below.
ONE, TWO = {"n": {"gpu": 8}}, {"n1": {"gpu": 8}, "n2": {"gpu": 8}}


@pytest.fixture(scope="module")
def a(shared_anteroom, tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("quota"))
    program.says({"n": {"VCPU": 8}}, quotas={"small": {"cores": {"limit": 2, "used": 1, "resource": "VCPU"}}})
    queues = {"full": queue(ONE), "pieces": queue(TWO), "strict": queue(ONE, overtake=0), "limited": queue(ONE, run_limit=1),
              "none": {"capacity": "none"}, "broken": {"capacity": "exec", "program": ["/bin/false"]}, "vm": program.queue(),
              "paused": queue(ONE), "fresh": queue(ONE), "pools": queue(pools={"p": {"hosts": ONE}, "q": {"projects": ["x"], "hosts": {"m": {"gpu": 8}}}})}
    queues = {name: {"callback_base": "http://127.0.0.1:@PORT@/demo/callback/", **q} for name, q in queues.items()}
    a = shared_anteroom({"queues": {**queues, "*": {"capacity": "none"}}, "owner": {"holding": 3}})
    for name, gpus in (("full", [6]), ("pieces", [5, 5]), ("strict", [1]), ("limited", [1]), ("pools", [1, 1, 1])):
        for i, n in enumerate(gpus):
            create(a, f"taken{i}", n, type=name, owner_id=f"first of {name}", callback=f"{name}-{i}", pool="p" if name == "pools" else None)
    a.dispatch()
    for name, sizes in (("full", [4, 3]), ("pieces", [6]), ("strict", [8, 1]), ("limited", [2, 1]), ("broken", [1]), ("none", [1]),
                        ("paused", [1])):
        for i, n in enumerate(sizes):
            create(a, f"j{i}", n, type=name, owner_id=f"then {name}", callback=f"{name}-then-{i}")
    a.create("j0", "vm", data={"project": "small", "instances": [{"VCPU": 2}]}, owner_id="small")
    create(a, "never", 9, type="full", owner_id="never", callback="full-never")
    create(a, "lost", 1, type="pools", pool="gone", owner_id="lost", callback="pools-lost")
    create(a, "owner", 1, type="pools", pool="p", owner_id="first of pools", callback="pools-owner")
    create(a, "asleep", 1, type="full", not_before=LATER, owner_id="asleep", callback="full-asleep")
    create(a, "held", 2, type="full", owner_id="held", callback="full-held")
    change(a, "held", "full", status="held")
    is_done(a.post("/queues/paused", {"paused": True}))
    a.dispatch()
    return a


WHY = [
    ("full", "j0", "WaitingForCapacity", "needs 4 gpu; 2 of 8 are free on its 1 host", 1, ahead(0), ["main"]),
    ("full", "j1", "WaitingForCapacity", "needs 3 gpu; 2 of 8 are free on its 1 host", 2, ahead(1, gpu=4), ["main"]),
    ("full", "never", "NeverFits", "needs 9 gpu; its 1 host has 8 in all", 3, ahead(2, gpu=7), ["main"]),
    ("full", "held", "Held", "it is held, and keeps its place until it is resumed", None, None, ["main"]),
    ("full", "asleep", "NotBefore", "not before 2200-01-01T", None, None, ["main"]),
    ("pieces", "j0", "Fragmented", "needs 6 gpu on one host; the best has 3; the pool has 6 free in pieces", 1, ahead(0), ["main"]),
    ("strict", "j1", "BlockedByOlder", "came first, does not fit yet, and holds the line", 2, ahead(1, gpu=8), ["main"]),
    ("limited", "j1", "RunLimit", "1 of 1 jobs of this queue are admitted or running", 2, ahead(1, gpu=2), ["main"]),
    ("vm", "j0", "QuotaExceeded", 'the quota of the project "small": cores: needs 2, and 1 of 2 are left', 1, ahead(0), ["all"]),
    ("none", "j0", "NoSource", "no source of capacity is configured for this queue", 1, ahead(0), None),
    ("broken", "j0", "SourceUnavailable", "could not be read", 1, ahead(0), None),
    ("paused", "j0", "QueuePaused", "the queue is paused", 1, ahead(0), ["main"]),
    ("pools", "lost", "NoPool", 'this queue has no pool of the name "gone"', 1, ahead(0), []),
    ("pools", "owner", "OwnerLimit", "3 of 3 jobs of this owner are admitted or running", 2, ahead(1, gpu=1), ["p"]),
]


@pytest.mark.parametrize(("type", "name", "reason", "message", "position", "before", "pools"), WHY, ids=[row[2] + "-" + row[1] for row in WHY])
def test_every_reason_says_itself_with_numbers(a, type, name, reason, message, position, before, pools):
    got, job = why(a, name, type), show(a, name, type)
    assert (got["Status"], got["Reason"]) == (job["Status"], reason) == (job["Status"], job["Reason"])
    assert message in got["Message"] and got["Message"] == job["Message"]
    assert (got["Position"], got["Ahead"], got["Pools"]) == (position, before, pools)
    assert got["Needs"]["Instances"] == 1 and set(got["Needs"]["Resources"]) <= {"gpu", "VCPU"}
    assert got["LookedAt"] >= got["Since"] >= job["CreatedAt"]
    assert got["EstimatedStart"] is None and got["Estimate"]


def test_the_message_of_a_job_that_no_pass_has_looked_at_says_so(a):
    create(a, "new", 1, type="fresh", owner_id="new")
    got = why(a, "new", "fresh")
    assert (got["Reason"], got["Message"]) == ("WaitingForCapacity", "no pass has looked at it yet")
    assert got["LookedAt"] < got["Since"]
    assert (got["Position"], got["Ahead"], got["Estimate"]) == (1, ahead(0), "no pass has looked at it yet")


def test_who_does_not_wait_has_only_its_state(a):
    got = why(a, "taken0", "full")
    assert got["Status"] == "running" and got["Estimate"] == "it does not wait"
    assert [name for name in MEMBERS if got[name] is not None] == ["Status", "Estimate"]
    is_refused(a.get("/v1/full/nobody/wait"), "not_found")
    is_refused(a.get("/v1/full/j0/wait?limit=1"), "unknown_parameter")
    answer = a.get("/v1/full/j0/wait")
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers.get("ETag") is None
    assert a.head("/v1/full/j0/wait").status == 200


def test_a_pass_that_finds_nothing_new_writes_nothing_and_since_when_stays(a):
    before = {name: why(a, name, "full") for name in ("j0", "j1", "held")}
    tag = a.get("/v1/full/j0").headers["ETag"]
    a.dispatch()
    assert a.get("/v1/full/j0").headers["ETag"] == tag
    for name, was in before.items():
        now = why(a, name, "full")
        assert now["ReasonSince"] == was["ReasonSince"] is not None
        assert now["LookedAt"] > was["LookedAt"]
        by_clock = {"LookedAt": 0, "Estimate": ""}  # how many waited as long as this one depends on how long it has waited
        assert {**now, **by_clock} == {**was, **by_clock}


def test_an_owner_sees_how_much_is_ahead_and_not_whose(anteroom):
    a = anteroom({"auth": "tokens", "queues": {"lab": queue({"n": {"gpu": 1}})}})
    boss, mine = a.token("boss", "admin"), a.token("mine", "owner", "me")
    for name, owner in (("theirs", "them"), ("mine", "me")):
        is_ok(a.post("/v1/lab/", a.job(name, "lab", owner_id=owner, data={"resources": {"gpu": 1}}), headers=boss), 201)
    got = why(a, "mine", "lab", headers=mine)
    assert (got["Position"], got["Ahead"], got["PoolAhead"]) == (2, ahead(1, gpu=1), ahead(1, gpu=1))
    assert "them" not in str(got) and "theirs" not in str(got)
    is_refused(a.get("/v1/lab/theirs/wait", headers=mine), "not_found")
    assert why(a, "theirs", "lab", headers=boss)["Position"] == 1


def test_what_the_job_asks_for_is_summed_up_whatever_others_ask_for(anteroom):
    a = anteroom({"queues": {"lab": queue({"n": {"gpu": 1}})}})
    odd = [a.job(f"odd-{i}", "lab", data={"resources": {f"a{i}-{k}": 1 for k in range(20)}}) for i in range(4)]
    for job in (*odd, a.job("before", "lab", data={"resources": {"gpu": 3}}), a.job("mine", "lab", data={"resources": {"gpu": 1}})):
        is_ok(a.post("/v1/lab/", job), 201)
    got = why(a, "mine", "lab")
    for name in ("Ahead", "PoolAhead"):
        assert got[name]["Jobs"] == 5 and got[name]["Resources"]["gpu"] == 3 and len(got[name]["Resources"]) == 64
        assert list(got[name]["Resources"]) == sorted(got[name]["Resources"])


def test_a_paused_queue_says_so_at_once_and_no_longer_when_it_goes_on(anteroom):
    a = anteroom({"queues": {"lab": queue({"n": {"gpu": 1}})}})
    create(a, "one", 1)
    a.dispatch()
    create(a, "two", 1)
    a.dispatch()
    assert why(a, "two", "lab")["Reason"] == "WaitingForCapacity"
    is_done(a.post("/queues/lab", {"paused": True}))
    assert why(a, "two", "lab")["Reason"] == "QueuePaused"
    is_done(a.post("/queues/lab", {"paused": False}))
    assert why(a, "two", "lab")["Reason"] == "WaitingForCapacity"
    change(a, "two", move="front")
    assert why(a, "two", "lab")["Position"] == 1


def test_all_of_its_pools_are_named_in_order(anteroom):
    pools = {f"p{i:02}": {"hosts": {"n": {"gpu": 1}}} for i in range(20)}
    a = anteroom({"queues": {"lab": queue(pools=pools)}})
    create(a, "j", 1)
    assert why(a, "j", "lab")["Pools"] == list(pools)


def test_a_queue_that_is_served_tells_when(anteroom):
    a = anteroom({"queues": {"lab": queue({"n": {"gpu": 2}})}})
    a.start_dispatcher()
    for i in range(18):
        create(a, f"j{i}", 2)
    for i in range(15):
        a.wait_status(f"j{i}", "running", "lab")
        if i == 1:
            few = why(a, "j17", "lab")
            assert few["EstimatedStart"] is None and few["Estimate"].startswith("too little is known: ")
        change(a, f"j{i}", status="finished")
    a.wait_status("j15", "running", "lab")
    wait_until(lambda: why(a, "j17", "lab")["EstimatedStart"], what="an estimate")
    first, last = why(a, "j16", "lab"), why(a, "j17", "lab")
    for got in first, last:
        assert got["Since"] < got["EstimatedStart"]["Low"] <= got["EstimatedStart"]["High"]
        assert got["EstimatedStart"]["Samples"] >= 12 and got["Estimate"].startswith("most likely between the two")
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(.+?\)"
    page = a.command("why", "lab", "j17").stdout
    assert re.search(f"^Start +from {moment} to {moment}\n +most likely between the two", page, re.M), page
    assert first["PoolAhead"] == ahead(0) and last["PoolAhead"] == ahead(1, gpu=2)
    change(a, "j17", status="held")
    assert why(a, "j17", "lab")["EstimatedStart"] is None
