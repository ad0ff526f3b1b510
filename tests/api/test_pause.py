# SPDX-License-Identifier: MIT
"""POST /queues/{type}: a paused queue admits nobody, says so at once, and goes on as if nothing had been."""
import pytest

from cloud import change, create, lab, queue, reason, show, states
from contract import is_done, is_refused, nothing_changes
from test_not_before import ahead, at

HOSTS = {"n": {"gpu": 4}}
PAUSED = ("QueuePaused", "the queue is paused")


def pause(a, paused=True, type="lab"):
    is_done(a.post(f"/queues/{type}", {"paused": paused}))


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom(lab(HOSTS))


def test_nobody_is_admitted_while_it_is_paused_and_all_are_afterwards(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "before", 1)
    pause(a)
    assert reason(a, "before") == PAUSED
    assert create(a, "after", 1)["Reason"] == "QueuePaused"
    a.dispatch()
    assert states(a) == {"before": "queued", "after": "queued"} and reason(a, "after") == PAUSED
    pause(a, False)
    assert reason(a, "before")[0] == "WaitingForCapacity"
    a.dispatch()
    assert states(a) == {"before": "running", "after": "running"}


def test_the_dispatcher_hears_of_it_at_once(anteroom):
    a = anteroom({"queues": {type: queue(HOSTS) for type in ("lab", "shop")}})
    a.start_dispatcher()
    pause(a)
    create(a, "j", 1)
    create(a, "j", 1, type="shop", callback="cb-shop")
    a.wait_status("j", "running", "shop")  # a pass has gone by
    assert states(a) == {"j": "queued"}
    pause(a, False)
    a.wait_status("j", "running", "lab")
    assert a.fcgi.log().count('event=queue type="lab" paused=true') == 1
    assert a.fcgi.log().count('event=queue type="lab" paused=false') == 1


def test_who_is_admitted_already_is_called_all_the_same(anteroom, receiver):
    a = anteroom({"callback": {"retry": [0, "5s"]}, **lab(HOSTS)})
    receiver.script("cb", [500, 204])
    create(a, "j", 1, callback=receiver.url("cb"))
    a.dispatch()
    assert states(a) == {"j": "admitted"}
    pause(a)
    assert reason(a, "j")[0] != "QueuePaused"
    a.dispatch(env=ahead(10))
    assert states(a) == {"j": "running"}


def test_each_type_is_paused_by_itself(anteroom):
    a = anteroom({"queues": {"*": queue(HOSTS)}})
    for type in ("lab", "other"):
        create(a, "j", 1, type=type, callback=f"cb-{type}")
    pause(a)
    a.dispatch()
    assert a.status("j", "lab") == "queued" and a.status("j", "other") == "running"


def test_a_sleeper_that_wakes_in_a_paused_queue_waits_on(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "sleeps", 1, not_before=at(3600))
    pause(a)
    assert reason(a, "sleeps")[0] == "NotBefore"
    a.dispatch(env=ahead(3700))
    assert states(a) == {"sleeps": "queued"} and reason(a, "sleeps") == PAUSED
    pause(a, False)
    a.dispatch(env=ahead(3700))
    assert states(a) == {"sleeps": "running"}


def test_a_wait_ends_in_a_paused_queue_too_and_an_operator_may_pass_it(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "ends", 1, valid_until=at(3600))
    create(a, "by-hand", 1)
    pause(a)
    change(a, "by-hand", status="running")
    a.dispatch(env=ahead(3700))
    assert states(a) == {"ends": "expired", "by-hand": "running"} and show(a, "by-hand")["Hosts"] == {"n": 1}


def test_every_tag_changes_with_it(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "j", 1)
    paths = ["/v1/lab/", "/v1/lab/?status=queued", "/v1/lab/j"]
    before = {p: a.get(p).headers["ETag"] for p in paths}
    pause(a)
    during = {p: a.get(p).headers["ETag"] for p in paths}
    assert all(before[p] != during[p] for p in paths)
    assert all(a.get(p, headers={"If-None-Match": during[p]}).status == 304 for p in paths)
    pause(a, False)
    after = {p: a.get(p).headers["ETag"] for p in paths}
    assert all(during[p] != after[p] for p in paths)
    change(a, "j", priority=5)  # with the tag that a paused queue shows, too
    pause(a)
    tag = a.get("/v1/lab/j").headers["ETag"]
    is_done(a.post("/v1/lab/j", {"priority": 6}, headers={"If-Match": tag}))
    is_refused(a.post("/v1/lab/j", {"priority": 7}, headers={"If-Match": tag}), "precondition_failed")


def test_saying_it_twice_is_saying_it_once(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "j", 1)
    pause(a)
    tag = a.get("/v1/lab/").headers["ETag"]
    pause(a)
    assert a.get("/v1/lab/").headers["ETag"] == tag
    assert a.fcgi.log().count("event=queue") == 1


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_type_that_never_had_a_job_can_be_paused(a, slash):
    is_done(a.post(f"/queues/new%2Ftype{slash}", {"paused": True}))
    assert a.create(f"j{len(slash)}", "new%2Ftype", data={}, callback=f"http://c.example/{len(slash)}")["Reason"] == "QueuePaused"
    is_done(a.post("/queues/never", {"paused": False}))


@pytest.mark.parametrize("body, code, pointer", [
    ({}, "invalid", "/paused"), ({"paused": None}, "invalid", "/paused"), ({"paused": 1}, "invalid", "/paused"),
    ({"paused": "true"}, "invalid", "/paused"), ({"paused": [True]}, "invalid", "/paused"),
    ({"paused": True, "x": 1}, "unknown_member", "/x"), ({"Paused": True}, "unknown_member", "/Paused"),
    ([], "invalid", None), (["paused"], "invalid", None), ("true", "invalid", None), ("null", "invalid", None),
    ("", "malformed_json", None), ("{", "malformed_json", None)])
def test_a_body_that_says_something_else_is_refused(a, body, code, pointer):
    with nothing_changes(a):
        is_refused(a.post("/queues/lab", body), code, pointer)


def test_a_precondition_is_met_or_refused(a):
    with nothing_changes(a):
        is_refused(a.post("/queues/lab", {"paused": True}, headers={"If-Match": '"1.2.3"'}), "precondition_failed")
        is_refused(a.post("/queues/lab", {"paused": True}, headers={"If-None-Match": "*"}), "bad_request")
        is_refused(a.post("/queues/lab?x=1", {"paused": True}), "unknown_parameter")
    is_done(a.post("/queues/starred", {"paused": True}, headers={"If-Match": "*"}))


@pytest.mark.parametrize("method, path, allow", [
    ("DELETE", "/queues/lab", "GET, HEAD, POST"), ("PUT", "/queues/lab/", "GET, HEAD, POST"), ("POST", "/queues/", "GET, HEAD"),
    ("POST", "/queues/lab/capacity", "GET, HEAD")])
def test_other_methods_are_405(a, method, path, allow):
    answer = a.request(method, path)
    assert answer.status == 405 and answer.headers["Allow"] == allow
