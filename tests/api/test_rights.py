# SPDX-License-Identifier: MIT
"""Who may do what: every route, by everybody, with his own job, another's and none, in one table; and what each sees of the rest."""
import itertools
import subprocess

import pytest

from contract import is_done, is_ok, is_refused
from harness import BIN, wait_until

# Nobody who is known, then who has a token: an administrator, a reader, the owner A, the owner B, an owner of both.
#   R…: the route as `anteroom.fcgi --routes` has it, and what is asked of it (CASES). "a", "b": a job of A, of B; "-": none.
TABLE = """
                                        nothing wrong expired revoked  admin reader    A   B  both
GET    /healthz             health          200   200     200     200    200    200  200 200   200
GET    /openapi.json        document        200   200     200     200    200    200  200 200   200
GET    /v1/{}               list            401   401     401     401    200    200  200 200   200
GET    /v1/{}               list of a       401   401     401     401    200    200  200 200   200
POST   /v1/{}               create for a    401   401     401     401    201    403  201 403   201
POST   /v1/{}               create for b    401   401     401     401    201    403  403 201   201
POST   /v1/{}               two for a and b 401   401     401     401    201    403  403 403   201
POST   /v1/{}               first for a     401   401     401     401    201    403  403 403   403
POST   /v1/{}               last for a      401   401     401     401    201    403  201 403   201
POST   /v1/{}               far for a       401   401     401     401    201    403  403 403   403
POST   /v1/{}               no body         401   401     401     401    400    403  400 400   400
GET    /v1/{}/{}            show a          401   401     401     401    200    200  200 404   200
GET    /v1/{}/{}            show b          401   401     401     401    200    200  404 200   200
GET    /v1/{}/{}            show -          401   401     401     401    404    404  404 404   404
POST   /v1/{}/{}            hold a          401   401     401     401    200    403  200 404   200
POST   /v1/{}/{}            hold b          401   401     401     401    200    403  404 200   200
POST   /v1/{}/{}            hold -          401   401     401     401    404    403  404 404   404
POST   /v1/{}/{}            run a           401   401     401     401    200    403  403 404   403
POST   /v1/{}/{}            run -           401   401     401     401    404    403  404 404   404
POST   /v1/{}/{}            front a         401   401     401     401    200    403  403 404   403
POST   /v1/{}/{}            back a          401   401     401     401    200    403  200 404   200
POST   /v1/{}/{}            smaller a       401   401     401     401    200    403  403 404   403
POST   /v1/{}/{}            larger a        401   401     401     401    200    403  200 404   200
POST   /v1/{}/{}            far a           401   401     401     401    200    403  403 404   403
POST   /v1/{}/{}            a before b      401   401     401     401    200    403  422 404   200
POST   /v1/{}/{}            a after b       401   401     401     401    200    403  422 404   200
POST   /v1/{}/{}            a before a      401   401     401     401    200    403  200 404   200
POST   /v1/{}/{}            a after a       401   401     401     401    200    403  200 404   200
POST   /v1/{}/{}            a before -      401   401     401     401    422    403  422 404   422
POST   /v1/{}/{}            no body         401   401     401     401    400    403  400 400   400
DELETE /v1/{}/{}            delete a        401   401     401     401    200    403  200 404   200
DELETE /v1/{}/{}            delete b        401   401     401     401    200    403  404 200   200
DELETE /v1/{}/{}            delete -        401   401     401     401    404    403  404 404   404
GET    /v1/{}/{}/deliveries tries of a      401   401     401     401    200    200  200 404   200
GET    /v1/{}/{}/deliveries tries of -      401   401     401     401    404    404  404 404   404
POST   /v1/{}/{}/deliveries send a again    401   401     401     401    409    403  409 404   409
POST   /v1/{}/{}/deliveries send - again    401   401     401     401    404    403  404 404   404
GET    /v1/{}/{}/wait       why a waits     401   401     401     401    200    200  200 404   200
GET    /v1/{}/{}/wait       why - waits     401   401     401     401    404    404  404 404   404
GET    /v1/{}/{}/events     events of a     401   401     401     401    200    200  200 404   200
GET    /v1/{}/{}/events     events of -     401   401     401     401    404    404  404 404   404
GET    /queues              queues          401   401     401     401    200    200  200 200   200
GET    /queues/{}           queue           401   401     401     401    200    200  200 200   200
GET    /metrics             numbers         401   401     401     401    200    200  403 403   403
GET    /queues/{}/capacity  capacity        401   401     401     401    200    200  403 403   403
POST   /queues/{}           pause           401   401     401     401    200    403  403 403   403
"""
FAR = 10**12  # of microseconds: days


def last(a):
    return a.get("/v1/t/", headers=a.who["admin"]).data[-1]["Priority"]


def change(**body):
    """A member that is a function is asked for the moment's value."""
    return lambda a, job: (f"/v1/t/{job('a')}", {k: v(a) if callable(v) else v for k, v in body.items()})


def beside(where, of):
    def ask(a, job):
        other = job(of) if of != "-" else "nobody"
        return f"/v1/t/{job('a')}", {"move": {where: other}}
    return ask


def at(path, body=None):
    """path: "a", "b" or "-" in braces is a job of A's, of B's, or none."""
    return lambda a, job: (path.format(**{"a": job("a"), "b": job("b"), "-": "nobody"}), body)


def new(*owners, **members):
    def ask(a, job):
        now = {k: v(a) if callable(v) else v for k, v in members.items()}
        bodies = [a.job(job.name(), "t", owner_id=owner, **now) for owner in owners]
        return "/v1/t/", bodies if len(bodies) > 1 else bodies[0]
    return ask


CASES = {
    "health": at("/healthz"), "document": at("/openapi.json"), "list": at("/v1/t/"), "list of a": at("/v1/t/?owner_id=a"),
    "create for a": new("a"), "create for b": new("b"), "two for a and b": new("a", "b"),
    "first for a": new("a", priority=-1), "last for a": new("a", priority=lambda a: last(a) + 1),
    "far for a": new("a", priority=lambda a: last(a) + FAR),
    "show a": at("/v1/t/{a}"), "show b": at("/v1/t/{b}"), "show -": at("/v1/t/{-}"),
    "hold a": at("/v1/t/{a}", {"status": "held"}), "hold b": at("/v1/t/{b}", {"status": "held"}),
    "hold -": at("/v1/t/{-}", {"status": "held"}),
    "run a": change(status="running"), "run -": at("/v1/t/{-}", {"status": "running"}),
    "front a": change(move="front"), "back a": change(move="back"), "smaller a": change(priority=1),
    "larger a": change(priority=lambda a: last(a) + 1), "far a": change(priority=lambda a: last(a) + FAR), "a before b": beside("before", "b"), "a after b": beside("after", "b"),
    "a before a": beside("before", "a"), "a after a": beside("after", "a"), "a before -": beside("before", "-"),
    "delete a": at("/v1/t/{a}"), "delete b": at("/v1/t/{b}"), "delete -": at("/v1/t/{-}"),
    "tries of a": at("/v1/t/{a}/deliveries"), "tries of -": at("/v1/t/{-}/deliveries"),
    "why a waits": at("/v1/t/{a}/wait"), "why - waits": at("/v1/t/{-}/wait"),
    "send a again": at("/v1/t/{a}/deliveries", ""), "send - again": at("/v1/t/{-}/deliveries", ""),
    "events of a": at("/v1/t/{a}/events"), "events of -": at("/v1/t/{-}/events"),
    "numbers": at("/metrics"), "queues": at("/queues/"), "queue": at("/queues/t"), "capacity": at("/queues/t/capacity"), "pause": at("/queues/t", {"paused": False}),
}


def read_table():
    head, *lines = TABLE.strip("\n").split("\n")
    roles = head.split()
    for line in lines:
        method, path = line[:27].split()
        *_, = words = line[28:].split()
        case, expected = " ".join(words[:-len(roles)]), words[-len(roles):]
        yield f"{method} {path}", case, dict(zip(roles, map(int, expected)))


ROWS = list(read_table())


def routes():
    """What this version has: {"GET /v1/{}": "read"}."""
    printed = subprocess.run([BIN / "anteroom.fcgi", "--routes"], capture_output=True, text=True, check=True).stdout
    return {f"{method} {path}": need for method, path, need, *_ in map(str.split, printed.splitlines())}


class Jobs:
    """Fresh jobs for one request."""

    numbers = itertools.count()

    def __init__(self, a):
        self.a = a

    def name(self):
        return f"j{next(self.numbers)}"

    def __call__(self, owner):
        return self.a.create_as("admin", self.name(), owner)


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom({"auth": "tokens"})
    a.who = {"nothing": {}, "wrong": {"Authorization": "Bearer ant_1_" + "A" * 43},
             "expired": a.token("expired", "admin", expires="500ms"), "revoked": a.token("revoked", "admin"),
             "admin": a.token("boss", "admin"), "reader": a.token("reader", "reader"), "A": a.token("a", "owner", "a"),
             "B": a.token("b", "owner", "b"), "both": a.token("both", "owner", "b", "a")}
    a.command("token", "revoke", "revoked")

    def create_as(who, request_id, owner, type="t", **members):
        answer = a.post(f"/v1/{type}/", a.job(request_id, type, owner_id=owner, **members), headers=a.who[who])
        assert answer.status == 201, answer
        return request_id

    a.create_as = create_as
    create_as("admin", "of-a-stranger", "c")
    wait_until(lambda: a.get("/v1/t/", headers=a.who["expired"]).status == 401, what="the end of a token")
    return a


def ask(a, route, case, headers):
    path, body = (CASES.get(case) or at("/v1/t/{a}" if route.endswith("/{}/{}") else "/v1/t/", ""))(a, Jobs(a))
    return a.request(route.split()[0], path, body, headers=headers)


def test_every_route_stands_in_the_table_and_every_row_has_its_route():
    known = {route for route, _, _ in ROWS}
    assert set(routes()) - known == set(), "routes that the table does not have"
    assert known - set(routes()) == set(), "rows without a route"


@pytest.mark.parametrize("route, case, expected", ROWS, ids=[f"{route.split()[0]} {case}" for route, case, _ in ROWS])
def test_who_may_do_what(a, route, case, expected):
    got = {role: ask(a, route, case, a.who[role]) for role in expected}
    assert {role: answer.status for role, answer in got.items()} == expected
    for role, answer in got.items():
        if answer.status in (401, 403):
            is_refused(answer, {401: "unauthorized", 403: "forbidden"}[answer.status])
            assert (answer.headers["WWW-Authenticate"] is not None) == (answer.status == 401)
        if route.startswith("GET"):
            path, _ = CASES[case](a, Jobs(a))
            head = a.head(path, headers=a.who[role])
            assert (head.status, head.body) == (answer.status, b"")


@pytest.mark.parametrize("route, case", [(r, c) for r, c, _ in ROWS if " a" in c and r.count("{}") == 2 and "for" not in c])
def test_anothers_job_is_answered_like_none(a, route, case):
    """The same status, headers and bytes, whatever is asked."""
    job, jobs = CASES[case], Jobs(a)
    path, body = job(a, jobs)
    name = path.split("/")[3]
    method = route.split()[0]
    theirs = a.request(method, path, body, headers=a.who["B"])
    nobodys = a.request(method, path.replace(name, "none" + name[1:]), body, headers=a.who["B"])
    assert theirs.status == nobodys.status == 404
    assert theirs.body == nobodys.body

    def fixed(answer):
        return {k: v for k, v in answer.headers.items() if k not in ("X-Request-Id", "Date")}

    assert fixed(theirs) == fixed(nobodys)


def test_a_strangers_job_named_in_a_move_is_answered_like_none(a):
    own, other = a.create_as("admin", "own-m", "a"), a.create_as("admin", "other-m", "b")
    answers = [a.post(f"/v1/t/{own}", {"move": {where: name}}, headers=a.who["A"])
               for name in (other, "nobody") for where in ("before", "after")]
    assert {x.status for x in answers} == {422}
    assert answers[0].body == answers[2].body and answers[1].body == answers[3].body


# What is seen --------------------------------------------------------------------------------------------------------------


def names(a, path, who):
    return [job["RequestID"] for job in is_ok(a.get(path, headers=a.who[who]))]


def pages(a, path, who):
    after, sep = "", "&" if "?" in path else "?"
    while True:
        answer = a.get(f"{path}{sep}limit=3{after}", headers=a.who[who])
        yield from [job["RequestID"] for job in is_ok(answer)]
        if "next" not in answer.json:
            return
        after = "&after=" + answer.json["next"]


def test_a_list_shows_ones_own_in_serving_order_also_page_by_page(a):
    a.who["none"] = a.token("none-of-them", "owner", "z")
    owners = ["a", "b", "c", "b", "a", "c", "c", "a", "b", "a", "a", "b", "b", "c", "a"]
    for i, owner in enumerate(owners):
        a.create_as("admin", f"{owner}{i}", owner, "seen", priority=i // 2)  # pairs of equal priorities
    a.post("/v1/seen/a4", {"status": "held"}, headers=a.who["A"])
    everything = [f"{owner}{i}" for i, owner in enumerate(owners)]
    expected = {"admin": everything, "reader": everything, "A": [n for n in everything if n[0] == "a"],
                "B": [n for n in everything if n[0] == "b"], "both": [n for n in everything if n[0] in "ab"], "none": []}
    for who, mine in expected.items():
        assert names(a, "/v1/seen/", who) == mine
        assert list(pages(a, "/v1/seen/", who)) == mine
        assert names(a, "/v1/seen/?status=queued", who) == [n for n in mine if n != "a4"]
        assert list(pages(a, "/v1/seen/?status=held,running", who)) == [n for n in mine if n == "a4"]
        for owner in "abcz":
            of_owner = [n for n in mine if n[0] == owner]
            assert names(a, f"/v1/seen/?owner_id={owner}", who) == of_owner
            assert list(pages(a, f"/v1/seen/?owner_id={owner}", who)) == of_owner


def test_a_list_says_to_everybody_that_its_queue_is_paused(a):
    a.create_as("admin", "waits", "a", "stopped")
    is_done(a.post("/queues/stopped", {"paused": True}, headers=a.who["admin"]))
    for who in ("admin", "reader", "A", "both"):
        [listed] = is_ok(a.get("/v1/stopped/", headers=a.who[who]))
        assert listed == is_ok(a.get("/v1/stopped/waits", headers=a.who[who]))
        assert listed["Reason"] == "QueuePaused"


def test_a_cursor_of_one_is_none_for_another_or_for_another_list(a):
    for i in range(3):
        a.create_as("admin", f"c{i}", "a", "cursors")
        a.create_as("admin", f"c{i}", "a", "cursors2")
    cursors = {who: a.get("/v1/cursors/?limit=1", headers=a.who[who]).json["next"] for who in ("admin", "reader", "A", "both")}
    sees = {"admin": "all", "reader": "all", "A": "a", "both": "ab", "B": "b"}
    for (of, cursor), who in itertools.product(cursors.items(), sees):
        answer = a.get(f"/v1/cursors/?limit=1&after={cursor}", headers=a.who[who])
        if sees[of] == sees[who]:
            assert [j["RequestID"] for j in is_ok(answer)] == ["c1"]
        else:
            is_refused(answer, "invalid_cursor")
    for path in ("/v1/cursors2/?", "/v1/cursors/?status=queued&", "/v1/cursors/?owner_id=a&"):
        is_refused(a.get(f"{path}after={cursors['admin']}", headers=a.who["admin"]), "invalid_cursor")


def test_an_etag_of_one_is_none_for_another(a):
    a.create_as("admin", "e", "a", "tags")
    tags = {who: a.get("/v1/tags/", headers=a.who[who]).headers["ETag"] for who in ("admin", "reader", "A", "B", "both")}
    assert tags["admin"] == tags["reader"]
    assert len(set(tags.values())) == 4
    for of, who in itertools.product(tags, tags):
        answer = a.get("/v1/tags/", headers={**a.who[who], "If-None-Match": tags[of]})
        assert answer.status == (304 if tags[of] == tags[who] else 200)
        answer = a.post("/v1/tags/", a.job(f"{of}-{who}", "tags", owner_id="nobody's"), headers={**a.who[who], "If-Match": tags[of]})
        assert answer.status == (412 if tags[of] != tags[who] and who != "reader" else 403 if who != "admin" else 201), (of, who)
        tags = {w: a.get("/v1/tags/", headers=a.who[w]).headers["ETag"] for w in tags}


def test_an_idempotency_key_of_one_says_nothing_to_another(a):
    def post(who, request_id, owner):
        return a.post("/v1/keys/", a.job(request_id, "keys", owner_id=owner), headers={**a.who[who], "Idempotency-Key": "k"})

    first = {who: post(who, f"of-{who}", owner) for who, owner in (("A", "a"), ("B", "b"), ("both", "a"), ("admin", "c"))}
    assert {x.status for x in first.values()} == {201}
    for who, owner in (("A", "a"), ("B", "b"), ("both", "a"), ("admin", "c")):
        assert post(who, f"of-{who}", owner).body == first[who].body
        is_refused(post(who, "another", owner), "idempotency_mismatch")


def test_who_created_a_job_is_written_down(a):
    a.create_as("A", "written", "a", "by")
    with a.database() as db:
        assert db.execute("SELECT created_by FROM jobs WHERE request_id = 'written'").fetchall() == [("token:a",)]


# The order -----------------------------------------------------------------------------------------------------------------


def test_an_owner_moves_his_jobs_among_their_own_places(a):
    for i, owner in enumerate("axaxxabx"):
        a.create_as("admin", f"{owner}{i}", owner, "moves")

    def move(name, how, who="A"):
        is_done(a.post(f"/v1/moves/{name}", {"move": how}, headers=a.who[who]))
        return names(a, "/v1/moves/", "admin")

    assert move("a5", {"before": "a0"}) == ["a5", "x1", "a0", "x3", "x4", "a2", "b6", "x7"]
    assert move("a2", {"after": "a5"}) == ["a5", "x1", "a2", "x3", "x4", "a0", "b6", "x7"]
    assert move("a2", {"after": "a5"}) == ["a5", "x1", "a2", "x3", "x4", "a0", "b6", "x7"]
    assert move("a5", {"after": "a2"}) == ["x1", "a2", "a5", "x3", "x4", "a0", "b6", "x7"]
    assert move("b6", {"before": "a5"}, "both") == ["x1", "a2", "b6", "x3", "x4", "a5", "a0", "x7"]
    assert move("a2", "back") == ["x1", "b6", "x3", "x4", "a5", "a0", "x7", "a2"]


def test_whose_place_is_passed_on_reads_it_in_his_events(a):
    jobs = [a.create_as("admin", f"p{i}", "a", "passes") for i in range(3)]
    places = [job["Priority"] for job in is_ok(a.get("/v1/passes/", headers=a.who["A"]))]
    is_done(a.post("/v1/passes/p2", {"move": {"before": "p0"}}, headers=a.who["A"]))
    for job, was, now in zip(jobs, (0, 1, 2), (1, 2, 0)):
        _, event = is_ok(a.get(f"/v1/passes/{job}/events", headers=a.who["A"]))
        del event["At"]
        assert event == {"N": 1, "Who": "token:a", "Event": "order", "FromPriority": places[was], "ToPriority": places[now]}


def test_a_job_that_had_its_turn_gives_its_place_to_no_other(a):
    """Else whoever was served once would be served first ever after."""
    for i, owner in enumerate("aaxa"):
        a.create_as("admin", f"{owner}{i}", owner, "turns")
    for name, status in (("a0", "running"), ("a1", "cancelled")):
        is_done(a.post(f"/v1/turns/{name}", {"status": status}, headers=a.who["admin"]))
    for name in ("a0", "a1"):
        is_refused(a.post("/v1/turns/a3", {"move": {"before": name}}, headers=a.who["A"]), "forbidden", pointer="/move/before")
        is_done(a.post("/v1/turns/a3", {"move": {"after": name}}, headers=a.who["A"]))
        assert names(a, "/v1/turns/", "admin") == ["a0", "a1", "x2", "a3"]
    is_done(a.post("/v1/turns/a3", {"move": {"before": "a0"}}, headers=a.who["admin"]))
    assert names(a, "/v1/turns/", "admin") == ["a3", "a0", "a1", "x2"]


def test_more_jobs_than_a_move_may_shift_are_refused(a):
    for part in range(2):
        is_ok(a.post("/v1/many/", [a.job(f"{part}-{i}", "many", owner_id="a") for i in range(600)], headers=a.who["A"]), 201)
    is_refused(a.post("/v1/many/1-599", {"move": {"before": "0-0"}}, headers=a.who["A"]), "no_room")
    is_done(a.post("/v1/many/1-599", {"move": {"before": "0-300"}}, headers=a.who["A"]))


def test_what_no_state_allows_is_409_whoever_asks(a):
    a.create_as("A", "kept-out", "a")
    is_done(a.post("/v1/t/kept-out", {"status": "held"}, headers=a.who["A"]))
    for who in ("admin", "A", "both"):
        for status in ("running", "failed"):
            answer = a.post("/v1/t/kept-out", {"status": status}, headers=a.who[who])
            is_refused(answer, "invalid_transition", "/status")
            assert answer.json["error"] == f"a job that is held cannot become {status}"
    is_done(a.post("/v1/t/kept-out", {"status": "queued"}, headers=a.who["A"]))
    is_refused(a.post("/v1/t/kept-out", {"status": "running"}, headers=a.who["A"]), "forbidden", "/status")


# Limits --------------------------------------------------------------------------------------------------------------------


def owners(a):
    with a.database() as db:
        return dict(db.execute("SELECT owner_id, waiting FROM owners"))


def test_how_many_jobs_of_an_owner_may_wait(anteroom):
    a = anteroom({"auth": "tokens", "owner": {"queued": 2}})
    boss, mine = a.token("boss", "admin"), a.token("a", "owner", "a")

    def post(name, owner="a", who=mine, type="t"):
        return a.post(f"/v1/{type}/", a.job(name, type, owner_id=owner), headers=who)

    assert [post("1").status, post("2", type="u").status] == [201, 201]
    for refused in (post("3"), post("3", who=boss)):
        is_refused(refused, "too_many_requests")
        assert int(refused.headers["Retry-After"]) >= 1
    assert post("b", "b", boss).status == 201
    assert owners(a) == {"a": 2, "b": 1}
    is_refused(a.post("/v1/t/", [a.job("x", "t", owner_id="b"), a.job("y", "t", owner_id="b")], headers=boss), "too_many_requests")
    assert owners(a) == {"a": 2, "b": 1}
    is_done(a.post("/v1/t/1", {"status": "held"}, headers=mine))
    is_refused(post("3"), "too_many_requests")
    is_refused(post("1"), "duplicate_request_id", "/request_id")
    is_refused(post("b"), "duplicate_request_id", "/request_id")
    is_refused(a.post("/v1/t/", [a.job("z", "t", owner_id="b"), a.job("1", "t", owner_id="a")], headers=boss), "duplicate_request_id", "/1/request_id")
    # What he may not do comes before all of it.
    is_refused(post("1", "b"), "forbidden", "/owner_id")
    is_refused(a.post("/v1/t/", a.job("b", "t", owner_id="a", priority=-1), headers=mine), "forbidden", "/priority")
    is_done(a.delete("/v1/t/1", headers=mine))
    assert owners(a) == {"a": 1, "b": 1}
    assert post("3").status == 201
    is_done(a.delete("/v1/t/b", headers=boss))
    assert owners(a) == {"a": 2}


@pytest.mark.parametrize("limit", [{"owner": {"queued": 1}}, {"max_queued": 1}], ids=["owner", "queue"])
def test_what_failed_is_tried_again_as_far_as_one_more_may_wait(anteroom, limit):
    a = anteroom(limit)
    for name in "12":
        a.create(name)
        a.dispatch()
        assert a.status(name) == "running"
    is_done(a.post("/v1/vm/1", {"status": "failed"}))
    a.create("3")
    is_refused(a.post("/v1/vm/1", {"status": "queued"}), "too_many_requests")
    assert (a.status("1"), owners(a)) == ("failed", {"y": 1})
    is_done(a.post("/v1/vm/2", {"status": "queued"}))  # what it holds must be freed, whatever the limit
    assert owners(a) == {"y": 2}
    for name in "23":
        is_done(a.delete(f"/v1/vm/{name}"))
    is_done(a.post("/v1/vm/1", {"status": "queued"}))
    assert owners(a) == {"y": 1}


def test_the_count_of_those_who_wait_follows_every_change_of_state(anteroom):
    a = anteroom()
    for i in range(3):
        a.create(str(i))
    assert owners(a) == {"y": 3}
    a.dispatch()
    assert owners(a) == {}
    is_done(a.post("/v1/vm/0", {"status": "queued"}))
    assert owners(a) == {"y": 1}


def test_requests_a_minute(anteroom):
    a = anteroom({"auth": "tokens", "owner": {"requests": 3}})
    boss, mine, both = a.token("boss", "admin"), a.token("a", "owner", "a"), a.token("ab", "owner", "a", "b")
    other, reader = a.token("b", "owner", "b"), a.token("r", "reader")
    statuses = [a.get("/v1/t/", headers=mine).status for _ in range(3)]
    refused = a.get("/v1/t/", headers=mine)
    assert statuses == [200, 200, 200]
    is_refused(refused, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    is_refused(a.get("/v1/t/", headers=both), "too_many_requests")  # it counts for each of its owners, and for none when refused
    assert [a.get("/v1/t/", headers=other).status for _ in range(3)] == [200, 200, 200]
    is_refused(a.post("/v1/t/", "no JSON", headers=other), "too_many_requests")
    assert {a.get("/v1/t/", headers=who).status for who in (boss, reader) for _ in range(10)} == {200}
    assert {a.get("/healthz").status for _ in range(10)} == {200}
