# SPDX-License-Identifier: MIT
"""GET /v1/{type}/{request_id}: one job, as it is now."""
import pytest

from contract import MEMBERS, is_done, is_ok, is_refused


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def test_a_job_is_shown_as_it_was_created(a):
    made = a.create("shown")
    answer = a.get("/v1/vm/shown/")
    assert is_ok(answer) == made
    assert list(answer.data)[:11] == MEMBERS
    assert answer.json == {"data": made, "ok": True}


@pytest.mark.parametrize("path", ["/v1/vm/nobody", "/v1/vm/nobody/", "/v1/never-heard-of/1", "/v1/kube/only-vm", "/v1/VM/only-vm", "/v1/vm/ONLY-VM"])
def test_a_job_that_is_not_there_is_not_found(a, path):
    a.post("/v1/vm/", a.job("only-vm"))
    is_refused(a.get(path), "not_found")


def test_a_deleted_job_is_not_found(a):
    a.create("gone")
    is_done(a.delete("/v1/vm/gone"))
    is_refused(a.get("/v1/vm/gone"), "not_found")


def test_a_job_can_be_read_again_after_every_change_at_once(a):
    """Also when the reads before have gone to each of the workers: none may keep an old view."""
    a.create("fresh", "fresh")
    client = a.client()
    for i in range(60):
        assert client.get("/v1/fresh/fresh").data["Priority"] is not None
        is_done(client.post("/v1/fresh/fresh", {"priority": i}))
        assert client.get("/v1/fresh/fresh").data["Priority"] == i
        assert client.get("/v1/fresh/").data[0]["Priority"] == i


def test_readers_leave_no_snapshot_open_that_would_keep_the_log_from_being_folded(anteroom):
    """The log is folded into the database at 1,500 pages of 4 KiB, 6 MiB and what the last sixteen commits of a lone client add,
    unless somebody still reads from it."""
    a = anteroom()
    a.create("read")
    client = a.client()
    for _ in range(50):
        is_ok(client.get("/v1/vm/read"))
    written = 0
    for i in range(60):
        body = [{"request_id": f"{i}-{n}", "owner_id": "o", "callback": f"{i}-{n}", "data": {"note": "x" * 5000}} for n in range(200)]
        is_ok(client.post("/v1/bulk/", body), 201)
        written += 200 * 5000
    log = a.db_path.with_name(a.db_path.name + "-wal").stat().st_size
    assert written > 55 << 20 and log < 32 << 20


@pytest.mark.parametrize("query", ["limit=1", "x", "owner_id=y", "=", "status=queued"])
def test_showing_takes_no_query_parameters(a, query):
    a.post("/v1/vm/", a.job("plain"))
    is_refused(a.get(f"/v1/vm/plain?{query}"), "unknown_parameter")
