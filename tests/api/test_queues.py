# SPDX-License-Identifier: MIT
"""GET /queues/ and /queues/{type}: counts, waits, passes and sources, for everybody who looks; and tags that hold while nothing
happens."""
import collections

import pytest

from cloud import change, create, lab, queue, show, states
from contract import has_envelope, is_done, is_ok, is_refused, nothing_changes
from harness import wait_until
from sources import Program, queues
from test_not_before import ahead, at

HOSTS = {"n": {"gpu": 2}}
STATUSES = ["queued", "held", "admitted", "running", "finished", "failed", "cancelled", "expired"]
MEMBERS = ["Type", "Paused", "Jobs", "OldestWait", "Throughput", "Policy", "LastPass", "Source"]


def see(a, type="lab", **kw):
    return is_ok(a.get(f"/queues/{type}", **kw))


def jobs(**count):
    return {**dict.fromkeys(STATUSES, 0), **count}


def counted(a):
    """How many there are of each status, by the queue and by its list."""
    seen = see(a)["Jobs"]
    assert list(seen) == STATUSES and seen == jobs(**collections.Counter(states(a).values()))
    return {status: n for status, n in seen.items() if n}


# ---- what is told ----------------------------------------------------------------------------------------------------------


def test_counts_follow_jobs_through_their_lives(anteroom):
    a = anteroom({"retention": {"jobs": "10d"}, **lab(HOSTS)})
    for name in ("a", "b", "c", "d"):
        create(a, name, 1)
    create(a, "ends", 1, valid_until=at(3600))
    create(a, "sleeps", 1, not_before=at(7200))
    assert counted(a) == {"queued": 6}
    change(a, "d", status="held")
    assert counted(a) == {"queued": 5, "held": 1}
    a.dispatch()
    assert counted(a) == {"queued": 3, "held": 1, "running": 2}
    change(a, "a", status="finished")
    change(a, "b", status="failed")
    change(a, "d", status="cancelled")
    assert counted(a) == {"queued": 3, "finished": 1, "failed": 1, "cancelled": 1}
    change(a, "b", status="queued")
    is_refused(a.post("/v1/lab/a", {"status": "queued"}), "invalid_transition")
    is_done(a.delete("/v1/lab/c"))
    a.dispatch(env=ahead(3700))
    assert counted(a) == {"queued": 1, "running": 1, "finished": 1, "cancelled": 1, "expired": 1}
    is_done(a.delete("/v1/lab/b"))
    is_done(a.delete("/v1/lab/ends"))
    assert counted(a) == {"queued": 1, "finished": 1, "cancelled": 1}
    a.dispatch(env=ahead(11 * 86400))
    assert counted(a) == {"running": 1}


def test_an_admitted_job_is_counted_as_such(anteroom, receiver):
    a = anteroom({"callback": {"retry": [0, "30s"]}, **lab(HOSTS)})
    receiver.script("cb", [500])
    create(a, "j", 1, callback=receiver.url("cb"))
    a.dispatch()
    assert counted(a) == {"admitted": 1}


def test_the_oldest_wait_is_that_of_who_could_start(anteroom):
    a = anteroom(lab(HOSTS))
    assert see(a)["OldestWait"] is None
    create(a, "sleeps", 1, not_before=at(3600))
    assert see(a)["OldestWait"] is None
    made = {name: create(a, name, 1, priority=i)["CreatedAt"] for name, i in (("old", 3), ("young", 2), ("last", 1))}
    assert see(a)["OldestWait"] == made["old"]
    change(a, "old", status="held")
    assert see(a)["OldestWait"] == made["young"]
    a.create("other", "shop", data={}, callback="http://c.example/")
    assert see(a)["OldestWait"] == made["young"]
    a.dispatch()
    assert states(a) == {"last": "running", "young": "running", "old": "held", "sleeps": "queued"}
    assert see(a)["OldestWait"] is None


def test_the_policy_is_the_configurations(anteroom):
    a = anteroom({"queues": {"a": queue(HOSTS, overtake="90m", run_limit=3, fit="spread"), "b": queue(HOSTS, overtake="forever"),
                             "c": {"capacity": "none", "overtake": 0}}})
    assert [q["Policy"] for q in is_ok(a.get("/queues/"))] == [
        {"Capacity": "static", "Fit": "spread", "Overtake": "90m", "RunLimit": 3},
        {"Capacity": "static", "Fit": "pack", "Overtake": "forever", "RunLimit": None},
        {"Capacity": "none", "Fit": "pack", "Overtake": "0s", "RunLimit": None}]


def test_what_the_last_pass_did_and_who_was_admitted_lately(anteroom):
    a = anteroom(lab(HOSTS))
    before = see(a)
    assert list(before) == MEMBERS and before["LastPass"] is None
    assert before["Throughput"] == {"LastMinute": 0, "LastHour": 0, "LastDay": 0}
    for i in range(3):
        create(a, f"j{i}", 1)
    create(a, "big", 3)
    a.dispatch()
    seen = see(a)
    assert {k: v for k, v in seen["LastPass"].items() if k not in ("At", "Ms")} == {"Admitted": 2, "Groups": 2, "Reasons": 2}
    assert seen["LastPass"]["At"] >= show(a, "big")["CreatedAt"] and seen["LastPass"]["Ms"] > 0
    assert seen["Throughput"]["LastDay"] == 2
    assert see(a, "shop")["Throughput"]["LastDay"] == 0


def test_a_source_that_fails_says_so_and_keeps_what_it_said(anteroom, tmp_path):
    program = Program(tmp_path)
    a = anteroom(queues(lab=program.queue()))
    assert see(a)["Source"] == {"Kind": "exec", "TriedAt": None, "ReadAt": None, "Ms": None, "Error": None, "About": None,
                                "Pools": None, "Hosts": None}
    create(a, "j", 5)
    program.says({"n1": {"gpu": 2}, "n2": {"gpu": 2}})
    a.dispatch()
    good = see(a)["Source"]
    assert (good["Error"], good["Pools"], good["Hosts"]) == (None, 1, 2) and good["TriedAt"] and good["ReadAt"] and good["Ms"] > 0
    program.writes("nothing of use")
    a.dispatch()
    bad = see(a)["Source"]
    assert bad["Error"] and bad["TriedAt"] > good["TriedAt"]
    assert {k: bad[k] for k in ("ReadAt", "About", "Pools", "Hosts")} == {k: good[k] for k in ("ReadAt", "About", "Pools", "Hosts")}


# ---- which ones ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(shared_anteroom):
    """Types that are configured, used, paused, or were."""
    a = shared_anteroom({"queues": {"lab": queue(HOSTS), "shop": {"capacity": "none"}, "*": queue(HOSTS)}})
    for type in ("a%2Fb", "%E4%BD%A0", "gone"):
        a.create("j", type, data={}, callback=f"http://c.example/{type}")
    is_done(a.post("/queues/paused", {"paused": True}))
    is_done(a.post("/queues/was", {"paused": True}))
    is_done(a.post("/queues/was", {"paused": False}))
    is_done(a.delete("/v1/gone/j"))
    return a


def names(answer):
    return [q["Type"] for q in is_ok(answer)]


def test_all_that_are_configured_used_or_paused(many):
    answer = many.get("/queues/")
    assert names(answer) == ["a/b", "lab", "paused", "shop", "你"] and "next" not in answer.json
    assert [q["Paused"] for q in answer.data] == [False, False, True, False, False]
    assert all(list(q) == MEMBERS for q in answer.data)
    assert names(many.get("/queues")) == names(answer)


def test_pages(many):
    seen, path = [], "/queues/?limit=2"
    for more in (True, True, False):
        answer = many.get(path)
        seen += names(answer)
        assert ("next" in answer.json) == more
        path = f"/queues/?limit=2&after={answer.json.get('next')}"
    assert seen == ["a/b", "lab", "paused", "shop", "你"]
    assert "next" not in many.get("/queues/?limit=5").json
    assert names(many.get("/queues/?limit=10000")) == seen
    assert names(many.get("/queues/?after=b")) == ["lab", "paused", "shop", "你"]


@pytest.mark.parametrize("query, code", [("limit=0", "bad_request"), ("limit=x", "bad_request"), ("after=", "invalid_cursor"),
                                         ("after=a%00b", "bad_request"), ("status=queued", "unknown_parameter")])
def test_a_query_that_says_something_else_is_refused(many, query, code):
    is_refused(many.get("/queues/?" + query), code)
    is_refused(many.get("/queues/lab?" + query), "bad_request" if "%00" in query else "unknown_parameter")


def test_every_type_has_a_queue(many):
    for type, name in (("never", "never"), ("%20x", " x"), ("a%2Fb/", "a/b"), ("x" * 255, "x" * 255)):
        assert see(many, type)["Type"] == name
    for type in ("%ff", "a%0a", "x" * 256):  # dots are resolved by the web server, and lead to the console
        is_refused(many.get(f"/queues/{type}"), "bad_request")


# ---- tags ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/queues/", "/queues/lab", "/queues/?limit=1"])
def test_a_head_is_the_get_without_its_body(many, path):
    get, head = many.get(path), many.head(path)
    assert head.status == 200 and head.body == b""
    assert all(head.headers[h] == get.headers[h] for h in ("ETag", "Content-Length", "Cache-Control", "Content-Type"))
    assert get.headers["Cache-Control"] == "no-cache"
    assert many.head(path, headers={"If-None-Match": get.headers["ETag"]}).status == 304


def test_nothing_is_new_while_nothing_happens_and_everything_that_happens_is(anteroom):
    a = anteroom(lab(HOSTS))
    a.start_dispatcher()
    create(a, "waits", 3)
    wait_until(lambda: see(a)["LastPass"] and see(a)["LastPass"]["Groups"] == 1, what="a pass")
    tags = {}

    def unchanged(path):
        return a.get(path, headers={"If-None-Match": tags[path]}).status == 304

    def settle():
        tags.update({path: a.get(path).headers["ETag"] for path in ("/queues/", "/queues/lab", "/queues/lab?")})
        return all(unchanged(path) for _ in range(20) for path in tags)

    def run():
        create(a, "runs", 1)
        a.wait_status("runs", "running", "lab")

    for happens in (lambda: change(a, "waits", status="held"), lambda: is_done(a.post("/queues/lab", {"paused": True})),
                    lambda: is_done(a.post("/queues/lab", {"paused": False})), run, lambda: change(a, "runs", status="finished"),
                    lambda: is_done(a.delete("/v1/lab/runs"))):
        wait_until(settle, what="quiet")
        happens()
        assert not any(unchanged(path) for path in tags)


def test_the_tag_tells_a_page_that_ends_from_one_that_goes_on(anteroom):
    a = anteroom({"queues": {"a": {"capacity": "none"}, "*": {"capacity": "none"}}})
    page = a.get("/queues/?limit=1")
    a.create("j", "b", data={}, callback="http://c.example/")
    longer = a.get("/queues/?limit=1", headers={"If-None-Match": page.headers["ETag"]})
    assert longer.status == 200 and longer.data == page.data and longer.json["next"] == "a"


def test_a_change_takes_the_tag_that_a_look_gave(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "j", 1)
    tag = a.get("/queues/lab").headers["ETag"]
    is_done(a.post("/queues/lab", {"paused": True}, headers={"If-Match": f'"x", {tag}'}))
    with nothing_changes(a, "/v1/lab/"):
        for wrong in (tag, "W/" + a.get("/queues/lab").headers["ETag"], a.get("/queues/").headers["ETag"], a.get("/v1/lab/").headers["ETag"]):
            is_refused(a.post("/queues/lab", {"paused": False}, headers={"If-Match": wrong}), "precondition_failed")
        is_refused(a.get("/queues/lab", headers={"If-Match": tag}), "precondition_failed")
    assert see(a)["Paused"] is True
    is_done(a.post("/queues/lab", {"paused": False}, headers={"If-Match": a.get("/queues/lab").headers["ETag"]}))
    is_done(a.post("/queues/new", {"paused": True}, headers={"If-Match": a.get("/queues/new").headers["ETag"]}))


def test_as_plain_cgi_too(many):
    status, headers, body = many.cgi("GET", "/queues/lab")
    assert status == 200 and body == many.get("/queues/lab").body and headers["ETag"] == many.get("/queues/lab").headers["ETag"]
    assert many.cgi("GET", "/queues/lab", headers={"If-None-Match": headers["ETag"]})[0] == 304


# ---- owners ----------------------------------------------------------------------------------------------------------------


def test_an_owner_sees_his_own(anteroom, tmp_path):
    program = Program(tmp_path)
    program.writes("nothing of use")
    a = anteroom({"auth": "tokens", **queues(lab=program.queue(), **{"*": {"capacity": "none"}})}, start=False)
    a.start_nginx()
    a.write_config()
    admin, his, both = a.token("admin", "admin"), a.token("his", "owner", "x"), a.token("both", "owner", "x", "y")
    a.start_fcgi()
    made = {}
    for i, (owner, type) in enumerate([("y", "lab"), ("x", "lab"), ("x", "lab"), ("x", "mine"), ("y", "theirs")]):
        body = a.job(f"j{i}", type, owner_id=owner, data={"instances": [{"gpu": 1}]}, callback=f"http://c.example/{i}")
        made[f"j{i}"] = is_ok(a.post(f"/v1/{type}/", body, headers=admin), 201)["CreatedAt"]
    is_done(a.post("/v1/lab/j2", {"status": "held"}, headers=his))
    a.dispatch()
    whole, own = see(a, headers=admin), see(a, headers=his)
    assert whole["Jobs"] == jobs(queued=2, held=1) and own["Jobs"] == jobs(queued=1, held=1)
    assert see(a, headers=both)["Jobs"] == jobs(queued=2, held=1)
    assert whole["OldestWait"] == made["j0"] and own["OldestWait"] == made["j1"] and see(a, headers=both)["OldestWait"] == made["j0"]
    assert own["Throughput"] is None and own["Policy"] == whole["Policy"]
    assert own["LastPass"] == {**whole["LastPass"], "Admitted": None, "Groups": None, "Reasons": None}
    assert str(tmp_path) in whole["Source"]["Error"] or "JSON" in whole["Source"]["Error"]
    assert own["Source"] == {**whole["Source"], "Ms": None, "Error": "the last try to read it failed"}
    said = {who: a.get("/v1/lab/j1", headers=headers).data["Message"] for who, headers in (("admin", admin), ("owner", his))}
    assert said["owner"] == "the source of capacity could not be read" and said["admin"] == f"{said['owner']}: {whole['Source']['Error']}"
    assert [job["Message"] for job in a.get("/v1/lab/", headers=his).data if job["RequestID"] == "j1"] == [said["owner"]]
    assert [job["Message"] for job in a.get("/v1/lab/", headers=both).data if job["RequestID"] == "j1"] == [said["owner"]]
    for who, types in ((admin, ["lab", "mine", "theirs"]), (his, ["lab", "mine"]), (both, ["lab", "mine", "theirs"])):
        assert names(a.get("/queues/", headers=who)) == types
    tag = a.get("/queues/lab", headers=his).headers["ETag"]
    is_done(a.post("/v1/lab/j0", {"status": "held"}, headers=admin))  # somebody else's: nothing that he sees
    assert a.get("/queues/lab", headers={**his, "If-None-Match": tag}).status == 304
    is_done(a.delete("/v1/mine/j3", headers=his))
    assert names(a.get("/queues/", headers=his)) == ["lab"] and see(a, "mine", headers=his)["Jobs"] == jobs()
    has_envelope(a.get("/queues/lab", headers=his))
