# SPDX-License-Identifier: MIT
"""Every route of /openapi.json with every status that it has there, and every member of every answer: nothing is documented that does
not happen. (That nothing happens that is not documented, openapi.record sees to in all tests.)"""
import pytest

import openapi
from openapi import DOCUMENT, operations, parameters, resolve
from reading import write

TYPE, JOB = "t", "job"
LONG = b" " * (1024 * 1024 + 1)
# A full disk that refuses more than new jobs: by the unit tests of the database, which fail each write in turn.
ELSEWHERE = {(name, "507") for name in ("changeJob", "deleteJob", "sendAgain", "changeQueue")}
OPERATIONS = {op["operationId"]: (path, method, op) for path, method, op in operations()}
WRITES = [name for name, (_, method, _) in OPERATIONS.items() if method != "get"]
BODIES = {"createJobs": lambda a: a.job("new", TYPE), "changeJob": lambda a: {"move": "back"}, "sendAgain": lambda a: {},
          "changeQueue": lambda a: {"paused": False}}
LIMIT = ("limit_req_zone $http_x_slow zone=slow:1m rate=1r/m;", "limit_req zone=slow;")  # who has no such header is not counted


@pytest.fixture(scope="module")
def a(shared_anteroom):
    """With a job that waits, and one that is admitted: its receiver answers 404."""
    a = shared_anteroom({"auth": "tokens", "owner": {"requests": 1000}, "callback": {"retry": [0, "1h"], "hold": "1d"}}, nginx_extra=LIMIT)
    a.admin = a.token("boss", "admin")
    ask(a, "createJobs", body=a.job(JOB, TYPE))
    return a


@pytest.fixture(scope="module")
def closed(shared_anteroom):
    """Serves nobody who comes from here."""
    return shared_anteroom({"auth": "none", "open_to": ["192.0.2.0/24"]})


def has(name, key):
    return key in OPERATIONS[name][2]["responses"]


def those_with(key):
    return [name for name in OPERATIONS if has(name, key)]


def ask(a, name, job=JOB, query="", body=None, headers=None, known=True, type=TYPE):
    """One request, good unless something else is said. known: with the administrator's token."""
    path, method, _ = OPERATIONS[name]
    if body is None and name in BODIES:
        body = BODIES[name](a)
    token = getattr(a, "admin", {}) if known else {}
    path = path.replace("{type}", type).replace("{request_id}", job)
    return a.request(method.upper(), path + query, body, {**token, **(headers or {})})


done = set()  # (operationId, key of the document)
seen = set()  # identities of members' schemas


def answers(name, key, answer):
    """It is this answer of the document's, and no range."""
    assert openapi.documented(OPERATIONS[name][2], answer.status) == key, (name, answer)
    done.add((name, key))


@pytest.mark.parametrize("name", those_with("400"))
def test_400(a, name):
    answers(name, "400", ask(a, name, query="?color=red"))


@pytest.mark.parametrize("name", those_with("401"))
def test_401(a, name):
    answers(name, "401", ask(a, name, known=False))


@pytest.mark.parametrize("name", those_with("403"))
def test_403(closed, name):
    answers(name, "403", ask(closed, name))


@pytest.mark.parametrize("name", those_with("404"))
def test_404(a, name):
    answers(name, "404", ask(a, name, job="nobody"))


@pytest.mark.parametrize("name, body", [("createJobs", {"request_id": JOB, "owner_id": "o", "data": {}, "callback": "x"}),
                                        ("changeJob", {"status": "finished"}), ("sendAgain", None)])
def test_409(a, name, body):
    answers(name, "409", ask(a, name, body=body))


@pytest.mark.parametrize("name", those_with("412"))
def test_412(a, name):
    answers(name, "412", ask(a, name, headers={"If-Match": '"x"'}))


@pytest.mark.parametrize("name", [name for name, (path, _, op) in OPERATIONS.items() if {"If-Match", "If-None-Match"} & {p["name"] for p in parameters(path, op)}])
def test_the_headers_that_are_documented_are_heeded(a, name):
    names = {p["name"] for p in parameters(*OPERATIONS[name][::2])}
    assert has(name, "412") == ("If-Match" in names) and has(name, "304") == ("If-None-Match" in names)


@pytest.mark.parametrize("name", those_with("304"))
def test_304(a, name):
    tag = ask(a, name).headers["ETag"]
    answers(name, "304", ask(a, name, headers={"If-None-Match": tag}))


@pytest.mark.parametrize("name", those_with("413"))
def test_413(a, name):
    answers(name, "413", ask(a, name, body=LONG))


@pytest.mark.parametrize("name", those_with("422"))
def test_422(a, name):
    answers(name, "422", ask(a, name, body={"color": "red"}))


@pytest.mark.parametrize("name", those_with("429"))
def test_429(a, name):
    """The web server's; and the program's own, which is test_auth's."""
    asked = [ask(a, name, headers={"X-Slow": name}) for _ in range(2)]
    answers(name, "429", asked[-1])


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_method_that_is_not_here_is_405_with_the_methods_that_are(a, name):
    path, _, _ = OPERATIONS[name]
    methods = {method.upper() for method in DOCUMENT["paths"][path] if method in openapi.METHODS}
    answer = a.request("PATCH", path.replace("{type}", TYPE).replace("{request_id}", JOB), b"{}", a.admin)
    assert answer.status == 405 and answer.code == "method_not_allowed"
    assert set(answer.headers["Allow"].split(", ")) == methods | ({"HEAD"} if "GET" in methods else set())


def test_503_and_507(anteroom):
    a = anteroom({"low_water": "1024G"})
    answers("createJobs", "507", ask(a, "createJobs"))
    assert a.fcgi.stop() == 0
    for name in those_with("503"):
        answers(name, "503", ask(a, name))


# What is good, with every member --------------------------------------------------------------------------------------


def expand(schema):
    """The schema, and those that it is made of."""
    schema = resolve(schema)
    yield schema
    for word in ("anyOf", "allOf"):
        for part in schema.get(word, []):
            yield from expand(part)


def members(schema, at, found=None):
    """{identity of a member's schema: where it is} of all that an answer of this schema may have."""
    found = {} if found is None else found
    for part in expand(schema):
        for name, member in part.get("properties", {}).items():
            if id(member) not in found:
                found[id(member)] = f"{at}.{name}"
                members(member, f"{at}.{name}", found)
        for word in ("items", "additionalProperties"):
            if isinstance(part.get(word), dict):
                members(part[word], f"{at}[]", found)
    return found


def mark(schema, value):
    """Notes the members that this value has. A null says nothing where there may be something else."""
    for part in expand(schema):
        for name, v in value.items() if isinstance(value, dict) else ():
            member = part.get("properties", {}).get(name)
            if member is None:
                member = part.get("additionalProperties")
            elif v is not None or resolve(member).get("type") == "null":
                seen.add(id(member))
            if isinstance(member, dict):
                mark(member, v)
        for v in value if isinstance(value, list) and "items" in part else ():
            mark(part["items"], v)


def answer_schema(name):
    key = next(k for k in OPERATIONS[name][2]["responses"] if k.startswith("2"))
    return key, resolve(resolve(OPERATIONS[name][2]["responses"][key])["content"]).get("application/json", {}).get("schema")


@pytest.fixture(scope="module")
def busy(shared_anteroom):
    """A place where everything has happened to some job."""
    down = "http://127.0.0.1:@PORT@/nowhere/"
    base = {"callback_base": "http://127.0.0.1:@PORT@/demo/callback/"}
    pools = {"p": {"projects": ["project id"], "hosts": {"n": {"VCPU": 4, "Memory": 4, "Disk": 4}}}}
    a = shared_anteroom({"callback": {"retry": [0, "1h", "1h"], "hold": "1d"}, "queues": {
        "vm": {"capacity": "static", "run_limit": 10, "pools": pools, **base}, "other": {"capacity": "none"}, "*": {"capacity": "none", **base}}})
    later = {"not_before": "2100-01-01T00:00:00Z", "valid_until": "2101-01-01T00:00:00Z"}
    whole = {"instances": [{"VCPU": 4, "Memory": 4, "Disk": 4}], "project": "project id"}
    down = down.replace("@PORT@", str(a.port))
    a.create("running")
    a.create("admitted", callback=down + "x")
    for name in ("over", "failed"):
        a.create(name)
        assert a.post(f"/v1/vm/{name}", {"status": "running"}).status == 200
    assert a.post("/v1/vm/over", {"status": "finished"}).status == 200
    assert a.post("/v1/vm/failed", {"status": "failed"}).status == 200
    a.create("expired", valid_until="2000-01-01T00:00:00Z")
    a.dispatch()
    a.create("queued", data=whole, **later)
    assert a.post("/v1/vm/queued", {"priority": 1, "callback": "other", "valid_until": "2102-01-01T00:00:00Z"}).status == 200
    for name, change in [("held", {"status": "held"}), ("cancelled", {"status": "cancelled"}), ("first", {"not_before": None}), ("line", {"move": "back"})]:
        a.create(name, data=whole)
        assert a.post(f"/v1/vm/{name}", change).status == 200
    assert a.post("/v1/vm/admitted/deliveries").status == 200
    a.dispatch()
    known = a.get("/v1/vm/admitted").data["ID"]
    write(a, ("INSERT INTO deliveries (job_id, n, admission, at, ns, url, address, status, error, answer, outcome, next_try)"
              " VALUES (?, ?, 1, 1, 1, 'http://x.example/', '192.0.2.1:80', 500, 'e', 'a', ?, 1)",
              *[(known, 100 + i, word) for i, word in enumerate(("accepted", "again", "requeued", "failed", "void"))]),
          ("UPDATE readings SET about = 'a cloud', error = 'none' WHERE queue = 'vm'",))
    return a


# What is asked for beside the job "job" of the type "t".
LOOKS = {
    "createJobs": [{}], "listJobs": [{"type": "vm", "query": "?limit=7"}, {"type": "vm"}],
    "showJob": [{"job": name, "type": "vm"} for name in ("running", "queued", "admitted", "over", "failed", "held", "cancelled", "expired")],
    "changeJob": [{"job": "new"}], "deleteJob": [{"job": "new"}], "whyJobWaits": [{"job": name, "type": "vm"} for name in ("line", "first", "running")],
    "listEvents": [{"job": name, "type": "vm", "query": query} for name in ("running", "queued", "admitted", "over") for query in ("", "?limit=1")],
    "listDeliveries": [{"job": "admitted", "type": "vm", "query": query} for query in ("", "?limit=1")],
    "sendAgain": [{"job": "admitted", "type": "vm"}], "listQueues": [{}, {"query": "?limit=1"}], "showQueue": [{"type": "vm"}],
    "changeQueue": [{}], "showCapacity": [{"type": "vm"}], "health": [{}], "openapi": [{}], "metrics": [{}],
}
# Members that have no value here, each with the reason.
UNSEEN = {
    "DeletedAt": "a job that is deleted is not shown",
    "EstimatedStart": "it takes a history of starts: test_wait's", "Low": "of EstimatedStart", "High": "of EstimatedStart", "Samples": "of EstimatedStart",
    "Age": "what stands in the configuration does not age: test_capacity_view's",
}


def test_every_operation_is_looked_at():
    assert set(LOOKS) == set(OPERATIONS)


@pytest.mark.parametrize("name", LOOKS)
def test_2xx(busy, name):
    key, schema = answer_schema(name)
    for look in LOOKS[name]:
        answer = ask(busy, name, **look)
        answers(name, key, answer)
        if schema and name != "openapi":
            mark(schema, answer.json)


def test_jobs_in_every_state_are_seen(busy):
    assert {job["Status"] for job in busy.get("/v1/vm/").data} == set(DOCUMENT["components"]["schemas"]["Status"]["enum"])


def test_the_words_of_events_and_tries_are_all_seen(busy):
    for path, member, schema in (("events", "Event", "Event"), ("deliveries", "Outcome", "Delivery")):
        rows = [row for job in ("running", "queued", "admitted", "over") for row in busy.get(f"/v1/vm/{job}/{path}").data]
        assert {row[member] for row in rows} == set(DOCUMENT["components"]["schemas"][schema]["properties"][member]["enum"])


# By what the tests above have had: run the whole file.


def test_every_status_of_every_route_was_had():
    wanted = {(name, key) for name, (_, _, op) in OPERATIONS.items() for key in op["responses"] if "X" not in key}
    assert wanted - done == ELSEWHERE


def test_every_member_of_every_good_answer_was_had():
    unseen = {}
    for name in LOOKS:
        _, schema = answer_schema(name)
        unseen.update({at: where for at, where in members(schema, name).items() if at not in seen} if schema and name != "openapi" else {})
    assert {where.rpartition(".")[2] for where in unseen.values()} == set(UNSEEN), unseen
