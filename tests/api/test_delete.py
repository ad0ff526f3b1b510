# SPDX-License-Identifier: MIT
"""DELETE /v1/{type}/{request_id}: cancels and removes, and frees what the job had."""
import contextlib

import pytest

from contract import is_done, is_refused, nothing_changes, order


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_deleted_job_is_neither_shown_nor_listed(a, slash):
    for name in "pqr":
        a.create(name)
    is_done(a.delete(f"/v1/vm/q{slash}"))
    assert order(a) == ["p", "r"]
    is_refused(a.get("/v1/vm/q"), "not_found")
    for name in "pr":
        is_done(a.delete(f"/v1/vm/{name}"))


def test_its_request_id_and_its_callback_are_free_again(a):
    first = a.create("again", callback="the-callback")
    is_done(a.delete("/v1/vm/again"))
    second = a.create("again", callback="the-callback")
    assert second["ID"] > first["ID"]
    is_done(a.delete("/v1/vm/again"))
    other = a.create("other", callback="the-callback")
    assert other["Callback"] == "the-callback"


def test_it_is_kept_softly_as_cancelled(a):
    job = a.create("soft")
    is_done(a.delete("/v1/vm/soft"))
    with contextlib.closing(a.database()) as db:
        status, deleted = db.execute("SELECT status, deleted_at FROM jobs WHERE id = ?", (job["ID"],)).fetchone()
    assert status == "cancelled" and deleted > 0


def test_a_finished_job_stays_finished_when_it_is_deleted(a):
    job = a.create("done")
    for status in ("running", "finished"):
        is_done(a.post("/v1/vm/done", {"status": status}))
    is_done(a.delete("/v1/vm/done"))
    with contextlib.closing(a.database()) as db:
        assert db.execute("SELECT status FROM jobs WHERE id = ?", (job["ID"],)).fetchone() == ("finished",)


@pytest.mark.parametrize("path", ["/v1/vm/nobody", "/v1/never-heard-of/1", "/v1/vm/twice"])
def test_what_is_not_there_cannot_be_deleted(a, path):
    a.create("twice")
    is_done(a.delete("/v1/vm/twice"))
    with nothing_changes(a):
        is_refused(a.delete(path), "not_found")


def test_nothing_can_be_done_with_a_deleted_job(a):
    a.create("over")
    is_done(a.delete("/v1/vm/over"))
    with nothing_changes(a):
        for body in ({"priority": 1}, {"status": "queued"}, {"move": "front"}):
            is_refused(a.post("/v1/vm/over", body), "not_found")
        is_refused(a.delete("/v1/vm/over"), "not_found")


@pytest.mark.parametrize("body", [b"", b"{}", b"no JSON", b'{"priority": 1}'])
def test_a_body_is_not_looked_at(a, body):
    a.create("body")
    is_done(a.delete("/v1/vm/body", body=body))


def test_a_queue_cannot_be_deleted(a):
    a.create("stays")
    with nothing_changes(a):
        answer = a.delete("/v1/vm/")
        is_refused(answer, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


def test_deleting_takes_no_query_parameters(a):
    a.create("query")
    with nothing_changes(a):
        is_refused(a.delete("/v1/vm/query?force=1"), "unknown_parameter")
