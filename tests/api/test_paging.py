# SPDX-License-Identifier: MIT
"""GET /v1/{type}/?limit=N&after=<cursor>: a list page by page, while jobs come and go."""
import re

import pytest

from contract import SAFE_MAX, is_done, is_ok, is_refused, randomness


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom()
    fill(a, "ten", 10)
    return a


def fill(a, type, count, **members):
    is_ok(a.post(f"/v1/{type}/", [a.job(str(i), type, **members) for i in range(count)]), 201)


def page(a, type, limit, after=None, more=""):
    answer = a.get(f"/v1/{type}/?limit={limit}{'&after=' + after if after else ''}{more}")
    is_ok(answer)
    return [job["RequestID"] for job in answer.data], answer.json.get("next")


def pages(a, type, limit, more=""):
    """All of them, one after the other."""
    after = None
    while True:
        names, after = page(a, type, limit, after, more)
        yield names
        if after is None:
            return


@pytest.mark.parametrize("limit, sizes", [(1, [1] * 10), (3, [3, 3, 3, 1]), (5, [5, 5]), (9, [9, 1]), (10, [10]), (11, [10]), (10000, [10])])
def test_pages_hold_the_whole_list_and_the_last_one_names_no_next(a, limit, sizes):
    all_pages = list(pages(a, "ten", limit))
    assert [len(p) for p in all_pages] == sizes
    assert sum(all_pages, []) == [str(i) for i in range(10)]


def test_without_a_limit_there_is_no_next_but_after_still_counts(a):
    assert "next" not in a.get("/v1/ten/").json
    _, after = page(a, "ten", 4)
    rest = a.get(f"/v1/ten/?after={after}")
    assert [job["RequestID"] for job in is_ok(rest)] == [str(i) for i in range(4, 10)]
    assert "next" not in rest.json


def test_a_cursor_can_stand_in_a_url_as_it_is(a):
    _, after = page(a, "ten", 4)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", after)


def test_an_empty_list_has_one_page(a):
    assert page(a, "empty", 5) == ([], None)


@pytest.mark.parametrize("limit", ["0", "-1", "10001", "1.0", "1e1", "", "all", "+1", "%201", "0x10", str(2**64), "1%00"])
def test_a_wrong_limit_is_refused(a, limit):
    is_refused(a.get(f"/v1/ten/?limit={limit}"), "bad_request")


def test_a_cursor_that_is_not_ours_is_refused(a):
    _, after = page(a, "ten", 4)
    changed = ("B" if after[0] == "A" else "A") + after[1:]
    for wrong in ("", "x", "0", "4", after[:-1], after + "A", changed, "A" * 1000, after.swapcase()):
        is_refused(a.get(f"/v1/ten/?limit=2&after={wrong}"), "invalid_cursor")


def test_filters_and_pages_work_together(a):
    fill(a, "mixed", 30)
    for i in range(0, 30, 3):
        is_done(a.post(f"/v1/mixed/{i}", {"status": "held"}))
    found = list(pages(a, "mixed", 4, "&status=held&owner_id=y"))
    assert [len(p) for p in found] == [4, 4, 2]
    assert sum(found, []) == [str(i) for i in range(0, 30, 3)]


def test_many_equal_priorities_are_paged_by_id(a):
    fill(a, "equal", 50, priority=7)
    assert sum(pages(a, "equal", 7), []) == [str(i) for i in range(50)]


def test_the_ends_of_the_numbers_are_paged(a):
    for i, priority in enumerate([-SAFE_MAX, -SAFE_MAX, -1, 0, 1, SAFE_MAX, SAFE_MAX]):
        a.create(str(i), "ends", priority=priority)
    assert sum(pages(a, "ends", 1), []) == [str(i) for i in range(7)]


def test_a_cursor_stays_valid_when_the_job_that_it_was_made_from_is_gone(a):
    fill(a, "gone", 6)
    names, after = page(a, "gone", 3)
    is_done(a.delete(f"/v1/gone/{names[-1]}"))
    assert page(a, "gone", 3, after) == (["3", "4", "5"], None)


def test_jobs_that_stay_are_seen_exactly_once_while_others_come_go_and_move(a):
    random = randomness()
    fill(a, "churn", 60)
    stays = {str(i) for i in range(0, 60, 2)}
    movers = {str(i) for i in range(1, 60, 2)}
    seen, after, come = [], None, 0
    while True:
        names, after = page(a, "churn", 7, after)
        seen += names
        if after is None:
            break
        for _ in range(4):
            come += 1
            a.create(f"new{come}", "churn", priority=random.choice([-come, come, SAFE_MAX - come]))
        for name in random.sample(sorted(movers), 3):
            movers.discard(name)
            is_done(a.delete(f"/v1/churn/{name}"))
        for name in random.sample(sorted(movers), 3):
            is_done(a.post(f"/v1/churn/{name}", {"move": random.choice(["front", "back", {"before": "0"}])}))
    assert [name for name in seen if name in stays] == sorted(stays, key=int)
