# SPDX-License-Identifier: MIT
"""/v1/{type}/{request_id}/deliveries: every try of a job's callback, page by page; POST sends it again now."""
import re
import threading
import time

import pytest

from cloud import ask, change, create, lab, show
from contract import is_done, is_ok, is_refused, nothing_changes
from harness import SLOW, wait_until
from reading import write
from receiver import Reply

TRY = ("INSERT INTO deliveries (job_id, n, admission, at, ns, url, address, status, error, answer, outcome, next_try)"
       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",)
SECOND = 10**9
LATER = 2**62  # a time that nobody waits for


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def tries(a, name, type="vm", query=""):
    return is_ok(a.get(f"/v1/{type}/{name}/deliveries{query}"))


def next_try(a, name, type="vm"):
    return ask(a, "SELECT next_try FROM jobs WHERE type = ? AND request_id = ? AND deleted_at IS NULL", type, name)[0][0]


def write_tries(a, job, count, first=1):
    write(a, (*TRY, *[(job["ID"], n, 1, n * SECOND, 5_000_000, "http://x.example/", None, None, "refused", None, "again", LATER)
                      for n in range(first, first + count)]))


# What is shown --------------------------------------------------------------------------------------------------------


def test_a_job_that_nobody_was_called_for_has_none(a):
    a.create("none")
    assert tries(a, "none") == []


def test_every_member_is_shown_and_what_is_not_set_is_left_out(a):
    job, other = a.create("all"), a.create("other")
    instance = ask(a, "SELECT name FROM instance")[0][0]
    write(a, (*TRY,
              (job["ID"], 3, 2, 1535340428_564319181, 12_499_999, "http://x.example/cb?a=\"b\"", "192.0.2.7", 503, "the receiver answered 503",
               "\x01<\u20ac\"", "again", 1535340430 * SECOND),
              (job["ID"], 4, 2, 1535340430_000000000, 12_500_000, "http://x.example/", None, None, "connection refused", None, "failed", None),
              (job["ID"], 5, 3, 1535340431_000000000, 0, "http://x.example/", "2001:db8::1", 204, None, "", "accepted", None),
              (other["ID"], 1, 1, 1, 1, "http://x.example/", None, None, None, None, "void", None)))
    first, second, third = tries(a, "all")
    assert list(first) == ["N", "WebhookID", "At", "DurationMs", "URL", "Address", "Status", "Error", "Answer", "Outcome", "NextTry"]
    assert {k: v for k, v in first.items() if k not in ("At", "NextTry")} == {
        "N": 3, "WebhookID": f"msg_{instance}_{job['ID']}_2", "DurationMs": 12, "URL": "http://x.example/cb?a=\"b\"", "Address": "192.0.2.7",
        "Status": 503, "Error": "the receiver answered 503", "Answer": "\x01<\u20ac\"", "Outcome": "again"}
    assert ".564319181" in first["At"] and len(first["NextTry"]) == len(first["At"])
    assert {k: v for k, v in second.items() if k != "At"} == {
        "N": 4, "WebhookID": f"msg_{instance}_{job['ID']}_2", "DurationMs": 13, "URL": "http://x.example/", "Error": "connection refused",
        "Outcome": "failed"}
    assert third["WebhookID"].endswith("_3") and (third["Answer"], third["DurationMs"]) == ("", 0) and "Error" not in third
    assert [row["Outcome"] for row in tries(a, "other")] == ["void"]


def test_pages_go_on_where_the_last_one_ended_while_tries_come_and_go(a):
    job = a.create("pages")
    path, seen, after = "/v1/vm/pages/deliveries", [], None
    write_tries(a, job, 10)
    for turn in range(3):
        answer = a.get(f"{path}?limit=3{'&after=' + after if after else ''}")
        seen += [row["N"] for row in is_ok(answer)]
        after = answer.json["next"]
        write_tries(a, job, 1, 11 + turn)
        write(a, ("DELETE FROM deliveries WHERE job_id = ? AND n <= ?", (job["ID"], 3 * (turn + 1))))
    answer = a.get(f"{path}?after={after}")
    assert seen + [row["N"] for row in is_ok(answer)] == list(range(1, 14)) and "next" not in answer.json
    for other in ("/v1/vm/pages/events", "/v1/vm/", "/v1/vm/none/deliveries"):
        a.post("/v1/vm/", a.job("none"))
        is_refused(a.get(f"{other}?after={after}"), "invalid_cursor")
    is_refused(a.get(f"{path}?limit=0"), "bad_request")
    is_refused(a.get(f"{path}?status=200"), "unknown_parameter")


def test_the_tag_changes_with_every_try(a):
    job = a.create("tag")
    path = "/v1/vm/tag/deliveries"
    seen = []
    for n in range(3):
        tag = a.get(path).headers["ETag"]
        assert tag not in seen and a.head(path).headers["ETag"] == tag
        assert a.get(path, headers={"If-None-Match": tag}).status == 304
        seen.append(tag)
        write_tries(a, job, 1, n + 1)
    write(a, ("DELETE FROM deliveries WHERE job_id = ? AND n = 1", (job["ID"],)))
    assert a.get(path).headers["ETag"] not in seen


def test_what_is_not_there_is_404(a):
    a.create("gone")
    is_done(a.delete("/v1/vm/gone"))
    for name in ("nobody", "gone"):
        is_refused(a.get(f"/v1/vm/{name}/deliveries"), "not_found")
        is_refused(a.post(f"/v1/vm/{name}/deliveries"), "not_found")


# Sending again --------------------------------------------------------------------------------------------------------


def test_a_callback_that_backs_off_is_due_at_once(anteroom, receiver):
    a = anteroom({"callback": {"retry": [0, "1h"], "hold": "1d"}, **lab({"n": {"gpu": 1}})})
    receiver.script("j", [500, 200])
    create(a, "j", 1, callback=receiver.url("j"))
    a.dispatch()
    old = show(a, "j")
    assert old["Status"] == "admitted" and next_try(a, "j", "lab") > (time.time() + 600) * SECOND
    is_done(a.post("/v1/lab/j/deliveries"))
    new = show(a, "j")
    assert next_try(a, "j", "lab") < 0  # it was asked for
    assert {**new, "UpdatedAt": 0} == {**old, "UpdatedAt": 0} and new["UpdatedAt"] > old["UpdatedAt"]
    last = is_ok(a.get("/v1/lab/j/events"))[-1]
    assert (last["Event"], last["At"]) == ("resend", new["UpdatedAt"]) and last["Who"] != "dispatcher"
    a.dispatch()
    assert show(a, "j")["Status"] == "running"
    first, second = receiver.at("j")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_a_dispatcher_that_stays_is_woken_for_it(anteroom, receiver):
    a = anteroom({"callback": {"retry": [0, "1h"], "hold": "1d"}, **lab({"n": {"gpu": 1}})}, dispatcher=True)
    receiver.script("j", [500, 200])
    create(a, "j", 1, callback=receiver.url("j"))
    wait_until(lambda: show(a, "j")["Status"] == "admitted" and next_try(a, "j", "lab") > (time.time() + 600) * SECOND, what="the first try")
    is_done(a.post("/v1/lab/j/deliveries", {}))
    a.wait_status("j", "running", "lab", timeout=25 / SLOW)  # without a knock it looks after 30 seconds
    assert len(receiver.at("j")) == 2


def test_a_running_job_is_called_once_more_with_the_same_id(anteroom, receiver):
    a = anteroom(lab({"n": {"gpu": 1}}), dispatcher=True)
    create(a, "j", 1, callback=receiver.url("j"))
    a.wait_status("j", "running", "lab")
    started = show(a, "j")["StartedAt"]
    is_done(a.post("/v1/lab/j/deliveries"))
    first, second = receiver.wait(2, "j")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    wait_until(lambda: next_try(a, "j", "lab") is None, what="the end of it")
    assert (show(a, "j")["Status"], show(a, "j")["StartedAt"]) == ("running", started)
    rows = tries(a, "j", "lab")
    assert [(row["N"], row["WebhookID"], row["Outcome"]) for row in rows] == [(n, first.headers["webhook-id"], "accepted") for n in (1, 2)]
    create(a, "next", 0, callback=receiver.url("next"))  # once it was called, all that was due before has been
    receiver.wait(1, "next")
    assert len(receiver.at("j")) == 2
    assert [row["Event"] for row in is_ok(a.get("/v1/lab/j/events"))] == ["created", "status", "status", "resend"]


def test_who_asks_during_the_last_try_gets_one_more(anteroom, receiver):
    a = anteroom({"callback": {"retry": [0]}, **lab({"n": {"gpu": 1}})}, dispatcher=True)
    asked = threading.Event()
    receiver.script("j", [Reply(500, before=asked), 500])
    create(a, "j", 1, callback=receiver.url("j"))
    receiver.wait(1, "j")
    is_done(a.post("/v1/lab/j/deliveries"))
    asked.set()
    first, second = receiver.wait(2, "j")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    a.wait_status("j", "failed", "lab")
    assert [row["Outcome"] for row in tries(a, "j", "lab")] == ["again", "failed"]
    log = [line for line in a.dispatcher.log().splitlines() if "event=callback " in line]
    assert ["outcome=again" in line for line in log] == [True, False] and "outcome=failed" in log[1]
    assert a.dispatcher.stop() == 0
    assert sum(int(n) for n in re.findall(r" failed=(\d+) ms=", a.dispatcher.log())) == 1


@pytest.mark.parametrize("status, way", [("queued", []), ("held", ["held"]), ("finished", ["running", "finished"]), ("failed", ["running", "failed"]),
                                         ("cancelled", ["cancelled"])])
def test_only_who_is_called_can_be_called_again(a, status, way):
    a.create(f"in-{status}")
    for step in way:
        is_done(a.post(f"/v1/vm/in-{status}", {"status": step}))
    with nothing_changes(a):
        answer = a.post(f"/v1/vm/in-{status}/deliveries")
        is_refused(answer, "invalid_transition")
        assert status in answer.json["error"]


@pytest.fixture
def running(a):
    """A running job's path; it is deleted afterwards."""
    a.create("running")
    change(a, "running", "vm", status="running")
    yield "/v1/vm/running"
    is_done(a.delete("/v1/vm/running"))


@pytest.mark.parametrize("body", [None, "", "{}", " { } "])
def test_there_is_nothing_to_say(a, running, body):
    is_done(a.post(running + "/deliveries", body))
    assert next_try(a, "running") < 0  # it was asked for


@pytest.mark.parametrize("body, code, pointer", [('{"now": true}', "unknown_member", "/now"), ('{"priority": 1}', "unknown_member", "/priority"),
                                                 ("[]", "invalid", None), ("null", "invalid", None), ("1", "invalid", None),
                                                 ("{", "malformed_json", None), (" ", "malformed_json", None)])
def test_whatever_else_is_said_is_refused(a, running, body, code, pointer):
    with nothing_changes(a):
        is_refused(a.post(running + "/deliveries", body), code, pointer)


def test_if_match_may_name_the_job_or_its_deliveries(a, running):
    path = running + "/deliveries"
    for of in (running, path):
        old = a.get(of).headers["ETag"]
        is_done(a.post(path, headers={"If-Match": f'"x", {old}'}))
        with nothing_changes(a):
            is_refused(a.post(path, headers={"If-Match": old}), "precondition_failed")
    is_done(a.post(path, headers={"If-Match": "*"}))
    with nothing_changes(a):
        for wrong in ('"x"', "x", "", "W/" + a.get(running).headers["ETag"], "W/" + a.get(path).headers["ETag"]):
            is_refused(a.post(path, headers={"If-Match": wrong}), "precondition_failed")
        is_refused(a.post(path, headers={"If-None-Match": "*"}), "bad_request")
    is_refused(a.post("/v1/vm/nobody/deliveries", headers={"If-Match": "*"}), "not_found")


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_other_methods_are_told_the_right_ones(a, running, method):
    answer = a.request(method, running + "/deliveries")
    is_refused(answer, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"
