# SPDX-License-Identifier: MIT
"""POST /v1/{type}/{request_id}: any members together, all or nothing."""
import json

import pytest

from contract import is_done, is_ok, is_refused, nothing_changes, order

DATA = {"instances": [{"VCPU": 2, "note": "n"}], "project": "project id"}


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


@pytest.fixture
def job(a):
    """A job that waits, alone in its queue but for two others; deleted afterwards."""
    for name in ("first", "job", "last"):
        a.create(name, "vm", callback=name)
    yield is_ok(a.get("/v1/vm/job"))
    for name in ("first", "job", "last"):
        is_done(a.delete(f"/v1/vm/{name}"))


def show(a):
    return is_ok(a.get("/v1/vm/job"))


@pytest.mark.parametrize("body, shown", [
    ({"callback": "new"}, {"Callback": "new"}),
    ({"callback": "https://example.org/x"}, {"Callback": "https://example.org/x"}),
    ({"data": DATA}, {"Data": '{"host_aggregate":"host1","instances":[{"VCPU":2,"note":"n"}],"project":"project id"}'}),
    ({"data": {}}, {"Data": "{}"}),
    ({"priority": 7}, {"Priority": 7}),
    ({"not_before": "2040-01-01T00:00:00Z"}, {"Reason": "NotBefore"}),
    ({"status": "held"}, {"Status": "held"}),
    ({"status": "cancelled"}, {"Status": "cancelled"}),
    ({"data": {"project": "nobody's", "instances": [{"VCPU": 1}]}}, {"Reason": "NoPool"}),
    ({"callback": "new", "data": {}, "priority": 7, "status": "held", "not_before": None, "valid_until": None},
     {"Callback": "new", "Data": "{}", "Priority": 7, "Status": "held"}),
], ids=lambda x: json.dumps(x)[:40])
def test_a_change_is_answered_by_these_very_bytes_and_is_seen_at_once(a, job, body, shown):
    is_done(a.post("/v1/vm/job", body))
    after = show(a)
    assert {k: after[k] for k in shown} == shown
    same = ("ID", "CreatedAt", "DeletedAt", "RequestID", "Type", "OwnerID")
    assert {k: after[k] for k in same} == {k: job[k] for k in same}
    assert after["UpdatedAt"] > job["UpdatedAt"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_change_works_with_and_without_the_last_slash(a, job, slash):
    is_done(a.post(f"/v1/vm/job{slash}", {"priority": 1}))
    assert order(a) == ["job", "first", "last"]


@pytest.mark.parametrize("member, shown", [("not_before", "NotBefore"), ("valid_until", "ValidUntil")])
def test_null_takes_a_time_away(a, job, member, shown):
    is_done(a.post("/v1/vm/job", {member: "2040-01-01T00:00:00Z"}))
    assert show(a)[shown].startswith("20")
    is_done(a.post("/v1/vm/job", {member: None}))
    assert shown not in show(a)
    assert show(a)["Reason"] == "WaitingForCapacity"


@pytest.mark.parametrize("bad, code, pointer", [
    ({"callback": "first"}, "duplicate_callback", "/callback"),
    ({"callback": "ftp://example.org/"}, "invalid", "/callback"),
    ({"status": "finished"}, "invalid_transition", "/status"),
    ({"status": "nonsense"}, "invalid", "/status"),
    ({"data": {"instances": [{"VCPU": -1}], "project": "p"}}, "invalid", "/data/instances/0/VCPU"),
    ({"data": []}, "invalid", "/data"),
    ({"not_before": "tomorrow"}, "invalid", "/not_before"),
    ({"valid_until": 5}, "invalid", "/valid_until"),
    ({"not_before": "2040-01-01T00:00:00Z", "valid_until": "2040-01-01T00:00:00Z"}, "invalid", "/valid_until"),
    ({"move": {"before": "nobody"}, "priority": None}, "invalid", "/priority"),
    ({"colour": "red"}, "unknown_member", "/colour"),
])
@pytest.mark.parametrize("good", [{}, {"priority": 1}, {"callback": "good", "priority": -5, "data": {}, "status": "held"}], ids=["alone", "with-one", "with-many"])
def test_a_change_with_one_bad_member_changes_nothing(a, job, good, bad, code, pointer):
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/job", {**good, **bad}), code, pointer)


@pytest.mark.parametrize("body", ["{}", "[]", "null", "1", '"front"', "true", '[{"priority": 1}]'])
def test_a_change_that_is_no_object_with_members_is_refused(a, job, body):
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/job", body), "invalid", "")


@pytest.mark.parametrize("member", ["request_id", "owner_id", "ID", "Priority", "Status", "type", "DeletedAt", ""])
def test_what_cannot_be_changed_is_an_unknown_member(a, job, member):
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/job", {"priority": 1, member: "x"}), "unknown_member", f"/{member}")


def test_the_own_callback_may_be_given_again(a, job):
    is_done(a.post("/v1/vm/job", {"callback": "job"}))


def test_two_jobs_change_callbacks_by_way_of_a_third(a, job):
    is_done(a.post("/v1/vm/job", {"callback": "third"}))
    is_done(a.post("/v1/vm/first", {"callback": "job"}))
    is_done(a.post("/v1/vm/job", {"callback": "first"}))
    assert [j["Callback"] for j in is_ok(a.get("/v1/vm/"))] == ["job", "first", "last"]


@pytest.mark.parametrize("state", ["running", "cancelled"])
@pytest.mark.parametrize("body", [{"callback": "new"}, {"data": {}}, {"not_before": None}, {"valid_until": "2040-01-01T00:00:00Z"}],
                         ids=lambda body: next(iter(body)))
def test_what_the_wait_needs_changes_only_while_the_job_waits(a, job, state, body):
    is_done(a.post("/v1/vm/job", {"status": state}))
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/job", body), "not_waiting")
    is_done(a.post("/v1/vm/job", {"priority": 5}))


def test_a_held_job_still_waits_and_may_change(a, job):
    is_done(a.post("/v1/vm/job", {"status": "held"}))
    is_done(a.post("/v1/vm/job", {"callback": "new", "data": {}, "not_before": "2040-01-01T00:00:00Z"}))
    assert (show(a)["Callback"], show(a)["Status"]) == ("new", "held")


@pytest.mark.parametrize("path", ["/v1/vm/nobody", "/v1/never-heard-of/job", "/v1/kube/job"])
def test_a_change_of_a_job_that_is_not_there_is_not_found(a, job, path):
    with nothing_changes(a):
        is_refused(a.post(path, {"priority": 1}), "not_found")


def test_a_new_demand_finds_its_place_when_the_dispatcher_comes(anteroom):
    a = anteroom()
    a.create("big", data={"project": "project id", "instances": [{"VCPU": 65}]})
    a.dispatch()
    assert a.status("big") == "queued"
    is_done(a.post("/v1/vm/big", {"data": {"project": "project id", "instances": [{"VCPU": 64}]}}))
    a.dispatch()
    assert a.status("big") == "running"
