# SPDX-License-Identifier: MIT
"""Who comes first, and who may pass a job that does not fit yet."""
import datetime

import pytest

from cloud import change, create, lab, reason, show, states
from harness import wait_until

HOUR = {"ANTEROOM_CLOCK_OFFSET": "3700"}
YEARS = {"ANTEROOM_CLOCK_OFFSET": "300000000"}


def full_house(a, **big):
    """4 gpus, of which one is taken; a job that needs all of them, and a small one behind it."""
    create(a, "one", 1)
    a.dispatch()
    create(a, "big", 4, **big)
    create(a, "small", 1)


def test_strict_order_lets_nobody_pass(anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}, overtake=0))
    full_house(a)
    a.dispatch()
    assert states(a) == {"one": "running", "big": "queued", "small": "queued"}
    assert reason(a, "big")[0] == "WaitingForCapacity"
    assert reason(a, "small") == ("BlockedByOlder", f"job {show(a, 'big')['ID']} came first, does not fit yet, and holds the line")
    change(a, "one", status="finished")
    a.dispatch()
    assert states(a) == {"one": "finished", "big": "running", "small": "queued"}
    change(a, "big", status="finished")
    a.dispatch()
    assert states(a)["small"] == "running"


@pytest.mark.parametrize("clock", [{}, YEARS], ids=["now", "after-years"])
def test_best_effort_lets_everybody_pass_for_ever(anteroom, clock):
    a = anteroom(lab({"n": {"gpu": 4}}, overtake="forever"))
    full_house(a)
    a.dispatch(env=clock)
    assert states(a) == {"one": "running", "big": "queued", "small": "running"}


def test_the_guard_lets_smaller_ones_pass_for_an_hour_and_then_holds_the_line(anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}))
    full_house(a)
    a.dispatch()
    assert states(a) == {"one": "running", "big": "queued", "small": "running"}
    create(a, "late", 1)
    a.dispatch(env=HOUR)
    assert states(a)["late"] == "queued" and reason(a, "late")[0] == "BlockedByOlder"
    change(a, "one", status="finished")
    a.dispatch(env=HOUR)
    assert states(a)["big"] == "queued" and states(a)["late"] == "queued"
    change(a, "small", status="finished")
    a.dispatch(env=HOUR)
    assert states(a)["big"] == "running"


def test_an_old_job_in_the_middle_of_its_group_holds_the_line_from_its_place_on(anteroom):
    """The head of the group is young, since it was moved to the front; the one that waits long stands behind it."""
    a = anteroom(lab({"n": {"gpu": 4}}, overtake="30m"))
    create(a, "one", 1)
    a.dispatch()
    create(a, "old", 4)
    create(a, "young", 4)
    change(a, "young", status="held")
    a.dispatch()
    ahead = {"ANTEROOM_CLOCK_OFFSET": "3600"}
    a.stop()
    a.env.update(ahead)
    a.start()
    change(a, "young", status="queued")  # its wait begins now, an hour later
    change(a, "young", move="front")
    create(a, "small", 1)
    a.dispatch()
    assert states(a) == {"one": "running", "old": "queued", "young": "queued", "small": "queued"}
    assert reason(a, "small")[0] == "BlockedByOlder" and f"job {show(a, 'old')['ID']} " in reason(a, "small")[1]
    change(a, "small", move={"before": "old"})
    a.dispatch()
    assert states(a) == {"one": "running", "old": "queued", "young": "queued", "small": "running"}


def test_a_line_is_held_only_for_those_who_compete_for_the_same_hosts(anteroom):
    pools = {"p1": {"hosts": {"n1": {"gpu": 4}}}, "p2": {"hosts": {"n2": {"gpu": 4}}}, "both": {"hosts": {"n1": {}, "n2": {}}}}
    a = anteroom(lab(pools=pools, overtake=0))
    create(a, "one", 1, pool="p1")
    a.dispatch()
    create(a, "big", 4, pool="p1")
    create(a, "same-pool", 1, pool="p1")
    create(a, "other-pool", 1, pool="p2")
    create(a, "meets-it", 1, pool="both")
    create(a, "anywhere", 1)
    a.dispatch()
    assert states(a) == {"one": "running", "big": "queued", "same-pool": "queued", "other-pool": "running",
                         "meets-it": "queued", "anywhere": "queued"}
    assert reason(a, "meets-it")[0] == reason(a, "anywhere")[0] == "BlockedByOlder"


def test_what_can_never_be_admitted_holds_nobody_up(anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}, overtake=0))
    create(a, "too-big", 5)
    create(a, "nowhere", 1, pool="no such pool")
    create(a, "strange", {"qubit": 1})
    create(a, "small", 1)
    a.dispatch()
    assert states(a) == {"too-big": "queued", "nowhere": "queued", "strange": "queued", "small": "running"}
    assert [reason(a, n)[0] for n in ("too-big", "nowhere", "strange")] == ["NeverFits", "NoPool", "NeverFits"]


def test_a_held_job_is_passed_and_comes_back_to_its_place(anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}, overtake=0))
    create(a, "one", 1)
    a.dispatch()
    create(a, "big", 4)
    change(a, "big", status="held")
    create(a, "small", 1)
    a.dispatch()
    assert states(a) == {"one": "running", "big": "held", "small": "running"}
    create(a, "next", 1)
    change(a, "big", status="queued")
    a.dispatch()
    assert states(a)["next"] == "queued" and reason(a, "next")[0] == "BlockedByOlder"


def test_a_sleeping_job_is_passed(anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}, overtake=0))
    later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat()
    full_house(a, not_before=later)
    a.dispatch()
    assert states(a) == {"one": "running", "big": "queued", "small": "running"}
    assert reason(a, "big")[0] == "NotBefore"


def test_a_job_that_wakes_begins_to_wait_then(anteroom):
    """The hour in which others may pass it is not over when it comes into the line."""
    a = anteroom(lab({"n": {"gpu": 4}}))
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    full_house(a, not_before=later.isoformat())
    create(a, "late", 1)
    assert "woken=1" in a.dispatch(env=HOUR).stderr
    assert states(a) == {"one": "running", "big": "queued", "small": "running", "late": "running"}
    assert a.get("/v1/lab/big/wait").data["Since"] == a.get("/queues/lab").data["OldestWait"] == show(a, "big")["NotBefore"]
    create(a, "last", 1)
    a.dispatch(env={"ANTEROOM_CLOCK_OFFSET": "7300"})
    assert states(a)["last"] == "queued" and reason(a, "last")[0] == "BlockedByOlder"


def test_jobs_are_called_in_serving_order(anteroom, receiver):
    a = anteroom(lab({"n": {"gpu": 1}}, base=receiver.url("/")))
    for name in "abcde":
        create(a, name, 1)
    change(a, "e", move="front")
    change(a, "a", move="back")
    change(a, "c", move={"before": "b"})
    change(a, "d", priority=show(a, "e")["Priority"] - 1)
    order = [job["RequestID"] for job in a.get("/v1/lab/").data]
    assert order == ["d", "e", "c", "b", "a"]
    a.start_dispatcher()
    for name in order:
        a.wait_status(name, "running", "lab")
        change(a, name, status="finished")
    assert [r.json["data"]["RequestID"] for r in receiver.requests] == order


def test_a_place_among_the_jobs_of_its_owner_is_kept_for_who_waits_for_hosts(anteroom):
    """Found by review: small jobs of the same owner took it in turns, for ever."""
    pools = {"p1": {"hosts": {"n1": {"gpu": 4}}}, "p2": {"hosts": {"n2": {"gpu": 4}}}}
    a = anteroom({"owner": {"holding": 1}, **lab(pools=pools, overtake=0)})
    create(a, "other", 4, pool="p1", owner_id="other")
    create(a, "first", 1, pool="p2")
    a.dispatch()
    create(a, "large", 4, pool="p1")
    create(a, "small", 1, pool="p2")
    change(a, "first", status="finished")
    a.dispatch()
    assert reason(a, "large")[0] == "WaitingForCapacity"
    assert reason(a, "small") == ("BlockedByOlder", f"job {show(a, 'large')['ID']} came first, cannot run yet, and is kept "
                                  "what it needs: a place among the jobs of this owner")
    change(a, "other", status="finished")
    a.dispatch()
    assert states(a) == {"other": "finished", "first": "finished", "large": "running", "small": "queued"}


def test_equal_priorities_are_served_by_id(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}))
    for name in "abc":
        create(a, name, 1, priority=7)
    for name in "abc":
        a.dispatch()
        assert states(a)[name] == "running"
        change(a, name, status="finished")


def test_a_smaller_priority_posted_later_is_served_first(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}))
    create(a, "default", 1)
    create(a, "urgent", 1, priority=-5)
    a.dispatch()
    assert states(a) == {"default": "queued", "urgent": "running"}
    wait_until(lambda: reason(a, "default")[0] == "WaitingForCapacity")
