# SPDX-License-Identifier: MIT
"""GET /v1/{type}/: the queue in serving order, and its filters."""
from urllib.parse import quote, quote_plus

import pytest

from contract import is_done, is_ok, is_refused, order, randomness

STATUSES = ["queued", "held", "running", "finished", "failed", "cancelled"]


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom()
    # Two owners, every status that a client can bring about.
    for owner in "xy":
        for status in STATUSES:
            name = f"{owner}-{status}"
            a.create(name, "life", owner_id=owner)
            way = {"queued": [], "finished": ["running", "finished"], "failed": ["running", "failed"]}.get(status, [status])
            for step in way:
                is_done(a.post(f"/v1/life/{name}", {"status": step}))
    return a


def names(a, query):
    return order(a, "/v1/life/" + query)


def test_jobs_of_all_states_are_listed_in_serving_order(a):
    assert names(a, "") == [f"{owner}-{status}" for owner in "xy" for status in STATUSES]


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_filters(a, status):
    assert names(a, f"?status={status}") == [f"x-{status}", f"y-{status}"]


@pytest.mark.parametrize("query, expected", [
    ("owner_id=x", [f"x-{s}" for s in STATUSES]),
    ("owner_id=nobody", []),
    ("owner_id=x&status=running", ["x-running"]),
    ("status=running&owner_id=x", ["x-running"]),
    ("status=failed,queued", ["x-queued", "x-failed", "y-queued", "y-failed"]),
    ("status=failed%2Cqueued&owner_id=y", ["y-queued", "y-failed"]),
    ("status=queued,queued", ["x-queued", "y-queued"]),
    ("status=admitted,expired", []),
    (f"status={','.join(STATUSES)},admitted,expired", [f"{o}-{s}" for o in "xy" for s in STATUSES]),
    ("&&owner_id=x&&status=held&", ["x-held"]),
])
def test_filters_work_together(a, query, expected):
    assert names(a, "?" + query) == expected


@pytest.mark.parametrize("query, code", [
    ("status=", "bad_request"), ("status=queue", "bad_request"), ("status=Queued", "bad_request"), ("status=queued,", "bad_request"),
    ("status=queued,nothing", "bad_request"), ("status=queued%00", "bad_request"),
    ("owner=x", "unknown_parameter"), ("Owner_id=x", "unknown_parameter"), ("x", "unknown_parameter"), ("=", "unknown_parameter"),
    ("request_id=1", "unknown_parameter"), ("callback=1", "unknown_parameter"),
    ("owner_id=x&owner_id=y", "bad_request"), ("status=held&status=held", "bad_request"),
    ("owner_id=%zz", "bad_request"), ("owner_id=%", "bad_request"), ("owner_id=%ff", "bad_request"), ("owner_id=%c0%af", "bad_request"),
    ("&".join(f"p{i}=1" for i in range(17)), "bad_request"),
])
def test_a_wrong_query_is_refused(a, query, code):
    is_refused(a.get("/v1/life/?" + query), code)


def test_a_refusal_names_the_unknown_parameter(a):
    assert '"colour"' in a.get("/v1/life/?colour=red").json["error"]


@pytest.mark.parametrize("owner", ["a b", "日本", "a+b", "a&b=c", "100%", "o'er", "\\", "/", "%2F", "x" * 255])
def test_an_owner_of_any_text_is_found(a, owner):
    name = quote(owner, safe="")[:250]
    a.create(name, "owners", owner_id=owner)
    assert order(a, "/v1/owners/?owner_id=" + quote(owner, safe="")) == [name]
    assert order(a, "/v1/owners/?owner_id=" + quote_plus(owner)) == [name]


def test_a_type_without_jobs_is_an_empty_list(a):
    answer = a.get("/v1/never-heard-of/")
    assert answer.body == b'{"data":[],"ok":true}' and answer.status == 200


def test_a_deleted_job_is_not_listed(a):
    for name in "123":
        a.create(name, "deleted")
    is_done(a.delete("/v1/deleted/2"))
    assert order(a, "/v1/deleted/") == ["1", "3"]


def test_the_order_is_by_priority_and_then_by_id(a):
    random = randomness()
    priorities = [random.randint(-5, 5) for _ in range(100)]
    body = [a.job(str(i), "order", priority=p) for i, p in enumerate(priorities)]
    is_ok(a.post("/v1/order/", body), 201)
    expected = sorted(range(100), key=lambda i: (priorities[i], i))
    assert order(a, "/v1/order/") == [str(i) for i in expected]


def test_types_and_owners_that_look_alike_are_apart(a):
    for type in ("t", "t ", "T", "tt", "t%", "t_", "é", "e\u0301"):
        is_ok(a.post(f"/v1/{quote(type, safe='')}/", a.job("1", type)), 201)
    for type in ("t", "t ", "T", "tt", "t%", "t_", "é", "e\u0301"):
        assert [job["Type"] for job in is_ok(a.get(f"/v1/{quote(type, safe='')}/"))] == [type]
