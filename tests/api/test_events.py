# SPDX-License-Identifier: MIT
"""GET /v1/{type}/{request_id}/events: every change of a job's state and order, who and when, page by page."""
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloud import ask, change, create, lab, show
from contract import is_done, is_ok, is_refused, nothing_changes
from receiver import Reply

KEPT = 1000


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def events(a, name, type="vm", query=""):
    return is_ok(a.get(f"/v1/{type}/{name}/events{query}"))


def page(a, path, limit, after=None):
    answer = a.get(f"{path}?limit={limit}{'&after=' + after if after else ''}")
    is_ok(answer)
    return [row["N"] for row in answer.data], answer.json.get("next")


def who_we_are(a):
    """The name of the API's changes, as they are made without a token."""
    a.create("who", "who", callback="http://127.0.0.1:8080/who")
    is_done(a.post("/v1/who/who", {"status": "held"}))
    row = events(a, "who", "who")[-1]
    is_done(a.delete("/v1/who/who"))
    assert row["Who"] and row["Who"] != "dispatcher"
    return row["Who"]


# What is noted --------------------------------------------------------------------------------------------------------


def test_the_whole_life_of_a_job_with_who_and_when(anteroom, receiver):
    a = anteroom(lab({"n": {"gpu": 1}}))
    us = who_we_are(a)
    receiver.script("j", [200])
    job = create(a, "j", 1, callback=receiver.url("j"))
    times = {}
    for status in ("held", "queued"):
        change(a, "j", status=status)
        times[status] = show(a, "j")["UpdatedAt"]
    a.dispatch()
    called = show(a, "j")
    for status in ("running", "finished"):
        change(a, "j", status=status)
        times[status] = show(a, "j")["UpdatedAt"]
    created, *rows = events(a, "j", "lab")
    assert created.pop("Who") in (None, us)
    assert created == {"N": 0, "At": job["CreatedAt"], "Event": "created"}
    assert rows == [
        {"N": n, "At": at, "Who": who, "Event": "status", "FromStatus": old, "ToStatus": new}
        for n, (at, who, old, new) in enumerate([
            (times["held"], us, "queued", "held"),
            (times["queued"], us, "held", "queued"),
            (called["AdmittedAt"], "dispatcher", "queued", "admitted"),
            (called["StartedAt"], "dispatcher", "admitted", "running"),
            (times["running"], us, "running", "running"),
            (times["finished"], us, "running", "finished"),
        ], 1)]
    assert [list(row) for row in rows] == [["N", "At", "Who", "Event", "FromStatus", "ToStatus"]] * 6
    assert show(a, "j")["FinishedAt"] == rows[-1]["At"]


def test_an_end_that_the_dispatcher_makes_says_why(anteroom, receiver):
    a = anteroom(lab({"n": {"gpu": 1}}))
    receiver.script("gone", [Reply(status=410)])
    create(a, "gone", 1, callback=receiver.url("gone"))
    create(a, "late", 2, valid_until="2000-01-01T00:00:00Z")
    a.dispatch()
    last = events(a, "gone", "lab")[-1]
    assert (last["Who"], last["FromStatus"], last["ToStatus"]) == ("dispatcher", "admitted", "failed")
    assert last["Message"] == show(a, "gone")["Message"] and "410" in last["Message"]
    last = events(a, "late", "lab")[-1]
    assert (last["Who"], last["FromStatus"], last["ToStatus"]) == ("dispatcher", "queued", "expired")
    assert last["Message"] == show(a, "late")["Message"]


def test_a_job_that_an_operator_sets_running_is_placed(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}))
    create(a, "j", 1)
    change(a, "j", status="running")
    a.dispatch()
    last = events(a, "j", "lab")[-1]
    assert (last["Who"], last["Event"], last["Message"]) == ("dispatcher", "changed", "hosts") and show(a, "j")["Hosts"] == {"n": 1}


def test_changes_of_order_say_from_where_to_where(a):
    for name in "abc":
        a.create(name, "order")
    old = {name: show(a, name, "order")["Priority"] for name in "abc"}
    change(a, "b", "order", priority=-7)
    change(a, "b", "order", move="back")
    moved = show(a, "b", "order")["Priority"]
    change(a, "b", "order", move="back")  # where it stands already
    change(a, "b", "order", priority=moved)
    first, second = events(a, "b", "order", "")[1:]
    assert {k: v for k, v in first.items() if k not in ("At", "Who")} == {"N": 1, "Event": "order", "FromPriority": old["b"], "ToPriority": -7}
    assert {k: v for k, v in second.items() if k not in ("At", "Who")} == {"N": 2, "Event": "order", "FromPriority": -7, "ToPriority": moved}


def test_who_only_makes_room_is_not_noted(a):
    for i, name in enumerate("abc"):
        a.create(name, "room", priority=i)
    change(a, "c", "room", move={"after": "a"})
    assert [show(a, name, "room")["Priority"] for name in "acb"] == [0, 1, 2]
    assert [len(events(a, name, "room")) for name in "abc"] == [1, 1, 2]


def test_changed_members_are_named(a):
    a.create("m", "members")
    change(a, "m", "members", data={"x": 1})
    change(a, "m", "members", callback="other", not_before=None, valid_until="2040-01-01T00:00:00Z")
    assert [(row["Event"], row["Message"]) for row in events(a, "m", "members")[1:]] == [
        ("changed", "data"), ("changed", "callback, not_before, valid_until")]


def test_one_change_is_noted_part_by_part_with_one_time(a):
    a.create("p", "parts")
    change(a, "p", "parts", status="held", priority=5, data={})
    rows = events(a, "p", "parts")[1:]
    assert [row["Event"] for row in rows] == ["order", "changed", "status"]
    assert {row["At"] for row in rows} == {show(a, "p", "parts")["UpdatedAt"]}


def test_what_is_refused_is_not_noted(a):
    a.create("r", "refused")
    with nothing_changes(a):
        is_refused(a.post("/v1/refused/r", {"priority": 1, "status": "finished"}), "invalid_transition")
        is_refused(a.post("/v1/refused/r", {"move": {"before": "nobody"}, "status": "held"}), "invalid")
    assert len(events(a, "r", "refused")) == 1


def test_a_job_changed_by_many_has_every_change_in_one_chain(a):
    clients, rounds = 8, 25
    a.create("shared", "many")
    start = show(a, "shared", "many")["Priority"]

    def work(number):
        client = a.client()
        for i in range(rounds):
            is_done(client.post("/v1/many/shared", {"priority": 1000 * number + i + 1}))

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(work, range(clients)))
    rows = events(a, "shared", "many")[1:]
    assert [row["N"] for row in rows] == list(range(1, clients * rounds + 1))
    assert [row["FromPriority"] for row in rows] == [start] + [row["ToPriority"] for row in rows[:-1]]
    assert rows[-1]["ToPriority"] == show(a, "shared", "many")["Priority"]
    assert sorted(row["ToPriority"] for row in rows) == sorted(1000 * n + i + 1 for n in range(clients) for i in range(rounds))
    assert [row["At"] for row in rows] == sorted(row["At"] for row in rows)


def test_a_deleted_job_has_no_events_and_the_next_of_its_name_has_its_own(a):
    first = a.create("again", "names")
    change(a, "again", "names", status="held")
    is_done(a.delete("/v1/names/again"))
    is_refused(a.get("/v1/names/again/events"), "not_found")
    us = who_we_are(a)
    assert ask(a, "SELECT n, who, event, from_status, to_status FROM events WHERE job_id = ? ORDER BY n", first["ID"]) == [
        (1, us, "status", "queued", "held"), (2, us, "status", "held", "cancelled"), (3, us, "deleted", None, None)]
    second = a.create("again", "names")
    assert [(row["N"], row["At"]) for row in events(a, "again", "names")] == [(0, second["CreatedAt"])]


# Pages ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nine(a):
    """A job with its creation and nine events."""
    a.create("nine", "pages")
    for i in range(9):
        change(a, "nine", "pages", priority=i)
    return "/v1/pages/nine/events"


@pytest.mark.parametrize("limit, sizes", [(1, [1] * 10), (3, [3, 3, 3, 1]), (5, [5, 5]), (9, [9, 1]), (10, [10]), (10000, [10])])
def test_pages_hold_all_events_and_the_last_one_names_no_next(a, nine, limit, sizes):
    found, after = [], None
    while True:
        numbers, after = page(a, nine, limit, after)
        found.append(numbers)
        if after is None:
            break
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", after)
    assert [len(p) for p in found] == sizes and sum(found, []) == list(range(10))


def test_without_a_limit_there_is_no_next_but_after_still_counts(a, nine):
    assert "next" not in a.get(nine).json
    _, after = page(a, nine, 4)
    assert [row["N"] for row in is_ok(a.get(f"{nine}?after={after}"))] == list(range(4, 10))


def test_every_event_is_seen_once_while_more_come(a):
    a.create("grows", "growing")
    path, seen, after, changes = "/v1/growing/grows/events", [], None, 0
    for _ in range(12):
        for _ in range(3):
            changes += 1
            change(a, "grows", "growing", priority=changes)
        numbers, after = page(a, path, 4, after) if after or not seen else ([], None)
        seen += numbers
        if after is None:
            break
    while after:
        numbers, after = page(a, path, 4, after)
        seen += numbers
    assert seen == list(range(changes + 1))


def test_the_newest_thousand_are_kept_and_a_cursor_outlives_its_row(a):
    a.create("long", "long")
    path, client = "/v1/long/long/events", a.client()
    is_done(client.post("/v1/long/long", {"priority": 1}))
    numbers, after = page(a, path, 1)
    assert numbers == [0]
    is_done(client.post("/v1/long/long", {"priority": 2}))
    numbers, after = page(a, path, 1, after)
    assert numbers == [1]
    for i in range(3, KEPT + 1):
        is_done(client.post("/v1/long/long", {"priority": i}))
    assert [row["N"] for row in is_ok(a.get(path))] == list(range(KEPT + 1))
    is_done(client.post("/v1/long/long", {"priority": -1}))
    assert [row["N"] for row in is_ok(a.get(path))] == [0, *range(2, KEPT + 2)]
    is_done(client.post("/v1/long/long", {"priority": -2}))
    rows = is_ok(a.get(f"{path}?after={after}"))
    assert [row["N"] for row in rows] == list(range(3, KEPT + 3)) and rows[-1]["ToPriority"] == -2


@pytest.mark.parametrize("limit", ["0", "-1", "10001", "", "1.5", "x"])
def test_a_limit_that_is_none_is_refused(a, nine, limit):
    is_refused(a.get(f"{nine}?limit={limit}"), "bad_request")


@pytest.mark.parametrize("query", ["status=queued", "owner_id=y", "before=1", "limit=1&x=2", "after"])
def test_an_unknown_parameter_is_refused_and_an_empty_cursor_too(a, nine, query):
    is_refused(a.get(f"{nine}?{query}"), "invalid_cursor" if query == "after" else "unknown_parameter")


def test_a_cursor_of_another_job_list_or_kind_is_refused(a, nine):
    a.create("ten", "pages")
    change(a, "ten", "pages", priority=77)
    of_job = page(a, "/v1/pages/ten/events", 1)[1]
    of_list = a.get("/v1/pages/?limit=1").json["next"]
    mine = page(a, nine, 1)[1]
    for path, cursor in [(nine, of_job), (nine, of_list), (nine, mine[:-1] + ("A" if mine[-1] != "A" else "B")), (nine, "x" * 28),
                         ("/v1/pages/nine/deliveries", mine), ("/v1/pages/", mine), ("/v1/pages/ten/events", mine)]:
        is_refused(a.get(f"{path}?after={cursor}"), "invalid_cursor")


# As every answer ------------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_404(a):
    is_refused(a.get("/v1/vm/nobody/events"), "not_found")
    is_refused(a.get("/v1/nothing/nobody/events?limit=1"), "not_found")


def test_the_tag_changes_with_every_event_and_differs_by_page(a):
    a.create("tag", "tags")
    path = "/v1/tags/tag/events"
    pages = [path, path + "?limit=1", path + "?limit=2", "/v1/tags/tag/deliveries", "/v1/tags/tag"]
    first = [a.get(p).headers["ETag"] for p in pages]
    assert len(set(first)) == len(pages)
    for p, tag in zip(pages, first):
        answer = a.get(p, headers={"If-None-Match": f'"x", W/{tag}'})
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
        is_ok(a.get(p, headers={"If-Match": tag}))
    assert [a.get(p).headers["ETag"] for p in pages] == first
    change(a, "tag", "tags", status="held")
    for p, tag in zip(pages, first):
        answer = a.get(p, headers={"If-None-Match": tag})
        is_ok(answer)
        assert answer.headers["ETag"] != tag
        is_refused(a.get(p, headers={"If-Match": tag}), "precondition_failed")


def test_head_is_get_without_the_body(a, nine):
    got, head = a.get(nine), a.head(nine)
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
        assert head.headers[name] == got.headers[name]
    assert a.head(nine, headers={"If-None-Match": got.headers["ETag"]}).status == 304
    assert a.head("/v1/pages/nobody/events").status == 404


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_nobody_writes_events(a, nine, method):
    answer = a.request(method, nine, "{}")
    is_refused(answer, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"
