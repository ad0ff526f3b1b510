# SPDX-License-Identifier: MIT
"""The life of a job: every pair of states, as the contract's table has it."""
import pytest

from contract import is_done, is_ok, is_refused, nothing_changes

STATES = ["queued", "held", "admitted", "running", "finished", "failed", "cancelled", "expired"]

# What a client may ask for. `admitted` and `expired` are the dispatcher's to give.
MAY_BECOME = {
    "queued": {"held", "running", "cancelled"},
    "held": {"queued", "cancelled"},
    "admitted": {"running", "queued", "failed", "cancelled"},
    "running": {"running", "finished", "failed", "queued"},
    "finished": set(),
    "failed": {"queued"},
    "cancelled": set(),
    "expired": set(),
}
PAIRS = [(old, new) for old in STATES for new in STATES]
WAY = {"queued": [], "held": ["held"], "running": ["running"], "finished": ["running", "finished"], "failed": ["running", "failed"],
       "cancelled": ["cancelled"]}


def bring(a, name, state):
    for step in WAY[state]:
        is_done(a.post(f"/v1/vm/{name}", {"status": step}))


@pytest.fixture(scope="module")
def a(shared_anteroom):
    """A job for each pair, in the first state of the pair."""
    a = shared_anteroom()
    nowhere = f"http://127.0.0.1:{a.port}/nowhere/"  # answers 404: tried again later, so that the job stays admitted
    for new in STATES + ["deleted"]:
        a.create(f"admitted-{new}", callback=nowhere + new)
        a.create(f"expired-{new}", valid_until="2000-01-01T00:00:00Z")
    a.dispatch()
    for old, new in PAIRS + [(old, "deleted") for old in STATES]:
        name = f"{old}-{new}"
        if old in WAY:
            a.create(name)
            bring(a, name, old)
        assert a.status(name) == old
    return a


@pytest.mark.parametrize("old, new", PAIRS)
def test_a_state_may_become(a, old, new):
    name = f"{old}-{new}"
    if new in MAY_BECOME[old]:
        is_done(a.post(f"/v1/vm/{name}", {"status": new}))
        assert a.status(name) == new
        return
    with nothing_changes(a):
        answer = a.post(f"/v1/vm/{name}", {"status": new})
        is_refused(answer, "invalid_transition", "/status")
    assert old in answer.json["error"] and new in answer.json["error"]


@pytest.mark.parametrize("old", STATES)
def test_a_job_of_any_state_can_be_deleted(a, old):
    name = f"{old}-deleted"
    is_done(a.delete(f"/v1/vm/{name}"))
    is_refused(a.get(f"/v1/vm/{name}"), "not_found")


@pytest.mark.parametrize("word", ["", "Queued", "QUEUED", "queue", "deleted", " queued", "nothing"])
def test_a_word_that_is_no_state_is_refused_and_the_words_are_named(a, word):
    a.post("/v1/vm/", a.job("word"))
    with nothing_changes(a):
        answer = a.post("/v1/vm/word", {"status": word})
        is_refused(answer, "invalid", "/status")
    assert all(state in answer.json["error"] for state in STATES)


@pytest.mark.parametrize("value", [None, 1, True, [], {}, ["held"]])
def test_a_state_of_another_kind_is_refused(a, value):
    a.post("/v1/vm/", a.job("word"))
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/word", {"status": value}), "invalid", "/status")


def test_times_tell_what_has_happened(a):
    job = a.create("times")
    assert not {"AdmittedAt", "StartedAt", "FinishedAt", "Hosts"} & set(job)
    bring(a, "times", "running")
    job = is_ok(a.get("/v1/vm/times"))
    assert job["StartedAt"] >= job["CreatedAt"] and "FinishedAt" not in job and "Reason" not in job
    is_done(a.post("/v1/vm/times", {"status": "finished"}))
    job = is_ok(a.get("/v1/vm/times"))
    assert job["FinishedAt"] >= job["StartedAt"]


def test_a_job_that_comes_back_keeps_its_place_and_loses_its_times(a):
    before = a.create("back")
    a.create("behind")
    bring(a, "back", "running")
    is_done(a.post("/v1/vm/back", {"status": "queued"}))
    after = is_ok(a.get("/v1/vm/back"))
    assert after["Priority"] == before["Priority"] and after["Status"] == "queued"
    assert not {"AdmittedAt", "StartedAt", "FinishedAt", "Hosts"} & set(after)
    assert after["Reason"]


def test_an_admitted_job_says_where_and_its_hold_ends_when_it_is_cancelled(anteroom):
    a = anteroom()
    whole = {"project": "project id", "instances": [{"VCPU": 64}]}
    a.create("first", data=whole, callback=f"http://127.0.0.1:{a.port}/nowhere")
    a.create("second", data=whole)
    a.dispatch()
    first = is_ok(a.get("/v1/vm/first"))
    assert first["Status"] == "admitted" and first["Hosts"] == {"node01": 1} and first["AdmittedAt"]
    assert a.status("second") == "queued"
    is_done(a.post("/v1/vm/first", {"status": "cancelled"}))
    a.dispatch()
    assert a.status("second") == "running"


@pytest.mark.parametrize("way", ["finished", "failed", "queued", "deleted"])
def test_what_a_running_job_holds_is_free_when_it_ends(anteroom, way):
    a = anteroom()
    whole = {"project": "project id", "instances": [{"VCPU": 64}]}
    a.create("first", data=whole)
    a.create("second", data=whole, priority=1 if way == "queued" else None)
    is_done(a.post("/v1/vm/second", {"status": "held"}))
    a.dispatch()
    assert a.status("first") == "running"
    is_done(a.post("/v1/vm/second", {"status": "queued"}))
    a.dispatch()
    assert a.status("second") == "queued"
    is_done(a.delete("/v1/vm/first") if way == "deleted" else a.post("/v1/vm/first", {"status": way}))
    a.dispatch()
    assert a.status("second") == "running"
