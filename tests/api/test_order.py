# SPDX-License-Identifier: MIT
"""The order of a queue: by priorities as clients compute them, and by moves on the server."""
import pytest

from contract import SAFE_MAX, is_done, is_ok, is_refused, nothing_changes, order, randomness


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def queue(a, type, names, **members):
    is_ok(a.post(f"/v1/{type}/", [a.job(name, type, **members) for name in names]), 201)


def change(a, type, name, **body):
    is_done(a.post(f"/v1/{type}/{name}", body))


def priorities(a, type):
    return {job["RequestID"]: job["Priority"] for job in is_ok(a.get(f"/v1/{type}/"))}


# By priority ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, shown", [("83334", 83334), ("83334.0", 83334), ("83334.000", 83334), ("8.33340e4", 83334), ("-83334.0", -83334)])
def test_a_whole_priority_may_be_written_with_a_point(a, text, shown):
    queue(a, "whole" + text, ["a"])
    is_done(a.post(f"/v1/whole{text}/a", f'{{"priority": {text}}}'))
    assert priorities(a, "whole" + text) == {"a": shown}


@pytest.mark.parametrize("low, high, mean", [
    ("83334", "83335", "83334.5"), ("83334", "83336", "83335.0"), ("-1", "0", "-0.5"), ("0", "1", "5e-1"), ("-83335", "-83334", "-83334.5"),
    (str(SAFE_MAX - 1), str(SAFE_MAX), f"{SAFE_MAX - 1}.5"), (str(-SAFE_MAX), str(1 - SAFE_MAX), f"{1 - SAFE_MAX}.5"),
    ("1", "2", "1.00000000000000000000000000000000000001"), ("1", "2", "1.99999999999999999999999"),
])
def test_a_mean_sorts_between_the_two_that_it_was_made_from(a, low, high, mean):
    type = f"mean{low}{mean}"
    for name, priority in (("p", low), ("r", high), ("q", "7"), ("first", str(-SAFE_MAX)), ("last", str(SAFE_MAX))):
        body = f'{{"request_id": "{name}", "owner_id": "o", "callback": "{type}{name}", "data": {{}}, "priority": {priority}}}'
        is_ok(a.post(f"/v1/{type}/", body), 201)
    before = [name for name in order(a, f"/v1/{type}/") if name != "q"]
    is_done(a.post(f"/v1/{type}/q", f'{{"priority": {mean}}}'))
    after = order(a, f"/v1/{type}/")
    assert after.index("p") < after.index("q") < after.index("r")
    assert [name for name in after if name != "q"] == before
    assert all(isinstance(p, int) and abs(p) <= SAFE_MAX for p in priorities(a, type).values())


def halve(a, type, rounds, choose, create=False):
    """Puts one job after the other between two neighbours, by the mean of their priorities as they are then."""
    client = a.client()
    expected = ["l", "r"]
    queue(a, type, expected)
    for i in range(rounds):
        at = choose(len(expected))  # between expected[at] and expected[at + 1]
        left, right = (is_ok(client.get(f"/v1/{type}/{name}"))["Priority"] for name in expected[at:at + 2])
        assert left < right
        mean = (left + right) / 2
        is_ok(client.post(f"/v1/{type}/", a.job(str(i), type, priority=mean if create else None)), 201)
        if not create:
            is_done(client.post(f"/v1/{type}/{i}", {"priority": mean}))
        expected.insert(at + 1, str(i))
        if i % 30 == 29 or i == rounds - 1:
            jobs = is_ok(client.get(f"/v1/{type}/"))
            assert [job["RequestID"] for job in jobs] == expected
    return jobs


@pytest.mark.parametrize("name, choose", [
    ("behind the first", lambda n: 0), ("before the last", lambda n: n - 2), ("in the middle", lambda n: (n - 1) // 2),
], ids=["left", "right", "middle"])
def test_300_halvings_keep_the_order_exactly(a, name, choose):
    jobs = halve(a, name.replace(" ", "-"), 300, choose)
    assert all(isinstance(job["Priority"], int) for job in jobs)


def test_300_halvings_anywhere_keep_the_order_exactly(a):
    random = randomness()
    halve(a, "anywhere", 300, lambda n: random.randrange(n - 1))


def test_100_halvings_at_create_keep_the_order_exactly(a):
    halve(a, "at-create", 100, lambda n: 0, create=True)


def test_one_job_moved_to_and_fro_by_means_keeps_the_order_of_all_others(a):
    random = randomness()
    expected = [str(i) for i in range(12)]
    queue(a, "to-and-fro", expected)
    for name, p in zip(expected, range(12)):
        change(a, "to-and-fro", name, priority=p)  # without a gap
    for _ in range(150):
        name = random.choice(expected)
        expected.remove(name)
        now = priorities(a, "to-and-fro")
        at = random.randrange(len(expected) + 1)
        if at == 0:
            new = now[expected[0]] - 1
        elif at == len(expected):
            new = now[expected[-1]] + 1
        else:
            new = (now[expected[at - 1]] + now[expected[at]]) / 2
        change(a, "to-and-fro", name, priority=new)
        expected.insert(at, name)
        assert order(a, "/v1/to-and-fro/") == expected


@pytest.mark.parametrize("text", [
    str(2**53), str(-2**53), "9007199254740991.5", "1e400", "-1e400", "1e16", str(2**63), str(2**64), "1" + "0" * 100,
])
def test_a_priority_beyond_what_javascript_sees_exactly_is_refused(a, text):
    a.post("/v1/beyond/", a.job("a", "beyond"))
    with nothing_changes(a, "/v1/beyond/"):
        is_refused(a.post("/v1/beyond/a", f'{{"priority": {text}}}'), "invalid", "/priority")


@pytest.mark.parametrize("value", ["1", "", None, True, [], {}, [1]])
def test_a_priority_of_another_kind_is_refused(a, value):
    a.post("/v1/beyond/", a.job("a", "beyond"))
    with nothing_changes(a, "/v1/beyond/"):
        is_refused(a.post("/v1/beyond/a", {"priority": value}), "invalid", "/priority")


# By move --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, move, expected", [
    ("c", "front", "cabde"), ("a", "front", "abcde"), ("c", "back", "abdec"), ("e", "back", "abcde"),
    ("d", {"before": "b"}, "adbce"), ("a", {"before": "b"}, "abcde"), ("e", {"before": "a"}, "eabcd"), ("a", {"before": "e"}, "bcdae"),
    ("a", {"after": "c"}, "bcade"), ("b", {"after": "a"}, "abcde"), ("a", {"after": "e"}, "bcdea"), ("e", {"after": "a"}, "aebcd"),
])
@pytest.mark.parametrize("priority", [None, 5, SAFE_MAX, -SAFE_MAX], ids=["default", "all-equal", "at-the-upper-end", "at-the-lower-end"])
def test_a_move_puts_the_job_where_it_says(a, name, move, expected, priority):
    type = f"m{priority}{name}{move}".translate(str.maketrans("{}': ", "-----"))
    queue(a, type, "abcde", **({} if priority is None else {"priority": priority}))
    assert order(a, f"/v1/{type}/") == list("abcde")
    change(a, type, name, move=move)
    assert order(a, f"/v1/{type}/") == list(expected)


def test_moves_keep_the_order_of_a_reference_for_long(a):
    random = randomness()
    expected = [str(i) for i in range(15)]
    queue(a, "reference", expected, priority=0)
    client = a.client()
    for _ in range(300):
        name = random.choice(expected)
        expected.remove(name)
        at = random.randrange(len(expected) + 1)
        ways = [{"before": expected[at]}] if at < len(expected) else ["back"]
        ways += [{"after": expected[at - 1]}] if at > 0 else ["front"]
        is_done(client.post(f"/v1/reference/{name}", {"move": random.choice(ways)}))
        expected.insert(at, name)
        assert [job["RequestID"] for job in client.get("/v1/reference/").data] == expected


def test_the_only_job_may_move_to_both_ends(a):
    queue(a, "alone", "a")
    change(a, "alone", "a", move="front")
    change(a, "alone", "a", move="back")
    assert order(a, "/v1/alone/") == ["a"]


@pytest.mark.parametrize("move, pointer", [
    ("top", "/move"), ("", "/move"), ("Front", "/move"), (1, "/move"), (None, "/move"), (True, "/move"), ([], "/move"), (["front"], "/move"),
    ({}, "/move"), ({"beside": "b"}, "/move"), ({"before": "b", "after": "c"}, "/move"), ({"before": "b", "x": 1}, "/move"),
    ({"before": 1}, "/move/before"), ({"after": None}, "/move/after"), ({"before": ""}, "/move/before"), ({"after": "x" * 256}, "/move/after"),
    ({"before": "nobody"}, "/move/before"), ({"after": "nobody"}, "/move/after"), ({"before": "a"}, "/move/before"), ({"after": "a"}, "/move/after"),
    ({"before": "of-vm"}, "/move/before"), ({"after": "deleted"}, "/move/after"),
])
def test_a_wrong_move_is_refused(a, move, pointer):
    a.post("/v1/wrong/", [a.job(name, "wrong") for name in ("a", "b", "c", "deleted")])
    a.post("/v1/vm/", a.job("of-vm"))
    a.delete("/v1/wrong/deleted")
    with nothing_changes(a, "/v1/wrong/"):
        is_refused(a.post("/v1/wrong/a", {"move": move}), "invalid", pointer)


def test_priority_and_move_together_are_refused(a):
    queue(a, "both", "ab")
    with nothing_changes(a, "/v1/both/"):
        is_refused(a.post("/v1/both/a", {"priority": 1, "move": "back"}), "invalid", "/move")


def test_a_change_of_order_changes_only_order_and_time(a):
    queue(a, "only", "ab")
    before = is_ok(a.get("/v1/only/a"))
    change(a, "only", "a", move="back")
    after = is_ok(a.get("/v1/only/a"))
    assert {k for k in after if after[k] != before[k]} == {"Priority", "UpdatedAt"}
    assert after["UpdatedAt"] > before["UpdatedAt"]


def test_a_job_that_moves_beside_anothers_and_wakes_waits_as_its_owners(a):
    a.create("mine", "owners")
    a.create("other", "owners", owner_id="somebody else")
    change(a, "owners", "mine", status="held")
    change(a, "owners", "mine", move={"before": "other"}, status="queued")
    db = a.database()
    found = db.execute("SELECT j.owner_id, g.owner_id FROM jobs j JOIN groups g ON g.id = j.group_id WHERE j.type = 'owners'").fetchall()
    db.close()
    assert sorted(found) == [("somebody else", "somebody else"), ("y", "y")]
