# SPDX-License-Identifier: MIT
"""auth: keystone, where Keystone misbehaves or is not there. What a real one says is in tests/openstack/test_auth.py."""
import collections
import http.server
import json
import threading
import time

import pytest

from contract import is_refused
from harness import wait_until

GOOD = {"user": {"id": "u1", "name": "n"}, "project": {"id": "p1", "name": "n"}, "roles": [{"id": "r", "name": "member"}],
        "expires_at": "2100-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z", "methods": ["password"]}


class Keystone:
    """`says[token]` is a dict for the member token of a 200, a status, or a function of the handler. `hold()`: who asks waits
    until `let_go()`."""

    def __init__(self):
        self.says = {}
        self.asked = collections.Counter()
        self.paths = set()
        self.free = threading.Event()
        self.free.set()
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def _handler(keystone):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                token = self.headers["X-Subject-Token"]
                with keystone.lock:
                    keystone.asked[token] += 1
                    keystone.paths.add(self.path)
                    assert self.headers["X-Auth-Token"] == token
                keystone.free.wait(60)
                say = keystone.says.get(token, 401)
                try:
                    say(self) if callable(say) else answer(self, say)
                except OSError:
                    pass

        return Handler

    def hold(self):
        self.free.clear()

    def let_go(self):
        self.free.set()

    def waiting(self):
        return sum(self.asked.values())

    def close(self):
        self.let_go()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def answer(handler, say, status=200):
    if isinstance(say, int):
        status, body = say, b'{"error": {"message": "no"}}'
    else:
        body = say if isinstance(say, bytes) else json.dumps({"token": say}).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def keystone():
    k = Keystone()
    yield k
    k.close()


@pytest.fixture
def door(anteroom, keystone):
    """door(cache=…, timeout=…, workers=…) -> an Anteroom that asks the fake Keystone."""
    def make(workers=4, path="", **members):
        return anteroom({"auth": "keystone", "workers": workers, "keystone": {"url": keystone.url + path, **members}})
    return make


def get(a, token, path="/v1/vm/"):
    return a.get(path, headers={"X-Auth-Token": token})


def is_unknown(reply, *words):
    assert (reply.status, reply.code) == (503, "unavailable"), reply
    assert int(reply.headers["Retry-After"]) >= 1
    assert all(word in reply.json["error"] for word in ("it is not known who asks", *words)), reply


@pytest.mark.parametrize("path", ["", "/", "/v3", "/v3/"])
def test_the_url_may_have_the_version_or_not(door, keystone, path):
    keystone.says["t"] = GOOD
    assert get(door(path=path), "t").status == 200
    assert keystone.paths == {"/v3/auth/tokens?nocatalog"}


def test_an_answer_is_believed_for_a_while_by_all_workers(door, keystone):
    keystone.says["t"] = GOOD
    a = door(cache="1h")
    assert {get(a, "t").status for _ in range(50)} == {200}
    assert keystone.asked == {"t": 1}


def test_without_a_cache_every_request_is_asked_about(door, keystone):
    keystone.says["t"] = GOOD
    a = door(cache=0)
    assert [get(a, "t").status for _ in range(3)] == [200] * 3
    assert keystone.asked == {"t": 3}


def test_a_refused_token_is_not_asked_about_again_at_once(door, keystone):
    a = door()
    assert {get(a, "wrong").status for _ in range(3)} == {401}
    assert keystone.asked["wrong"] <= 2  # it is remembered for seconds; a slow machine may take longer


def test_a_token_is_not_believed_beyond_its_end(door, keystone):
    a = door(cache="1h")
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
    keystone.says["t"] = {**GOOD, "expires_at": end}
    assert get(a, "t").status == 200
    keystone.says["t"] = 401
    wait_until(lambda: get(a, "t").status == 401, what="the end of the token")


@pytest.mark.parametrize("status", [202, 300, 302, 400, 403, 429, 500, 503])
def test_any_other_answer_leaves_it_unknown(door, keystone, status):
    keystone.says["t"] = status
    a = door()
    is_unknown(get(a, "t"), f"Keystone answered {status}")
    keystone.says["t"] = GOOD
    assert get(a, "t").status == 200


def cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(json.dumps({"token": GOOD}).encode())
    handler.close_connection = True


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b" " * 65536)


def silent(handler):
    handler.close_connection = True


def without(*names):
    return {k: v for k, v in GOOD.items() if k not in names}


@pytest.mark.parametrize("say", [
    b"", b"<html>", b"[]", b"{}", b'{"token": null}', b'{"token": []}', b'{"token": {"user": {"id": 5}}}', b"\xff", cut, endless, silent,
    without("user"), without("expires_at"), {**GOOD, "user": {"name": "n"}}, {**GOOD, "user": {"id": ""}}, {**GOOD, "user": {"id": "a\nb"}},
    {**GOOD, "user": {"id": "u" * 300}}, {**GOOD, "user": "u1"}, {**GOOD, "project": {"name": "n"}}, {**GOOD, "project": {"id": ""}},
    {**GOOD, "project": {"id": "p" * 300}}, {**GOOD, "project": {"id": "a\u0000b"}}, {**GOOD, "roles": {"name": "admin"}},
    {**GOOD, "roles": ["admin"]}, {**GOOD, "expires_at": "tomorrow"}, {**GOOD, "expires_at": 5}, [GOOD], "admin",
], ids=lambda say: getattr(say, "__name__", str(say)))
def test_an_answer_that_cannot_be_used_leaves_it_unknown(door, keystone, say):
    keystone.says["t"] = say
    a = door()
    is_unknown(get(a, "t"))
    assert a.get("/healthz").status == 200


@pytest.mark.parametrize("token, status", [
    ({**GOOD, "roles": []}, 403), (without("roles"), 403), (without("project"), 403), ({**GOOD, "roles": None, "project": None}, 403),
    ({**without("project"), "domain": {"id": "d"}}, 403), ({**without("project"), "system": {"all": True}}, 403),
    ({**without("project"), "system": {"all": False}, "roles": [{"name": "reader"}]}, 403),
    ({**without("project"), "system": {"all": True}, "roles": [{"name": "reader"}]}, 200),
    ({**without("project"), "roles": [{"name": "admin"}]}, 200), ({**GOOD, "roles": [{"name": "reader"}]}, 200), (GOOD, 200),
])
def test_who_may_read(door, keystone, token, status):
    keystone.says["t"] = token
    a = door()
    assert [get(a, "t").status for _ in range(2)] == [status] * 2


def test_the_names_of_the_roles_are_the_operators(door, keystone):
    a = door(admin_roles=["boss", "chief"], reader_roles=["look", "see"])

    def may(*roles):
        token = "+".join(roles)
        keystone.says[token] = {**GOOD, "roles": [{"name": r} for r in roles]}
        headers = {"X-Auth-Token": token}
        posts = [a.post("/v1/t/", a.job(f"{token}-{owner}", "t", owner_id=owner), headers=headers).status for owner in ("p1", "other")]
        return [get(a, token).status, *posts, get(a, token, "/queues/t/capacity").status]

    assert may("chief") == may("look", "boss") == [200, 201, 201, 200]
    assert may("look") == may("see", "look") == [200, 403, 403, 403]
    assert may("admin") == may("reader") == may("look", "x") == [200, 201, 403, 403]


MACHINE = {"instances": [{"VCPU": 1}]}


@pytest.mark.parametrize("type, data, status", [
    ("vm", {**MACHINE, "project": "p1"}, 201),
    ("vm", {**MACHINE, "project": "p2"}, 403),
    ("vm", MACHINE, 422),
    ("vm", {**MACHINE, "host_aggregate": "kept for p2"}, 403),
    ("vm", {**MACHINE, "host_aggregate": "any", "project": "p1"}, 201),
    ("vm", {}, 201),
    ("lab", {"instances": [{"gpu": 1}], "pool": "p2"}, 201),
], ids=["own", "another", "none", "only-a-pool", "own-in-a-pool", "nothing-asked", "no-machine"])
def test_machines_are_asked_for_by_their_project(door, keystone, type, data, status):
    """Else an owner would hold what is kept for others, and read their quotas."""
    a = door()
    keystone.says["t"], keystone.says["root"] = GOOD, {**GOOD, "roles": [{"id": "r", "name": "admin"}]}
    mine, root = {"X-Auth-Token": "t"}, {"X-Auth-Token": "root"}
    made = a.post(f"/v1/{type}/", a.job("j", data=data, owner_id="p1"), headers=mine)
    assert made.status == status
    if status == 403:
        assert made.json["errors"][0]["pointer"] == "/data/project"
        assert a.post(f"/v1/{type}/", a.job("j", data=data, owner_id="p1"), headers=root).status == 201
    a.post(f"/v1/{type}/", a.job("other", data={}, owner_id="p1"), headers=mine)
    assert a.post(f"/v1/{type}/other", {"data": data}, headers=mine).status == (200 if status == 201 else status)


def side_by_side(a, tokens):
    """Asks with each token at once; the answers come in later."""
    answers = [None] * len(tokens)

    def one(i):
        answers[i] = get(a, tokens[i])

    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(tokens))]
    for t in threads:
        t.start()
    return threads, answers


def test_one_question_at_a_time_about_a_token(door, keystone):
    keystone.says["t"] = GOOD
    a = door(workers=8, timeout="60s")
    keystone.hold()
    threads, answers = side_by_side(a, ["t"] * 7)
    wait_until(lambda: keystone.asked["t"] == 1, what="the question")
    keystone.let_go()
    for t in threads:
        t.join()
    assert {x.status for x in answers} == {200}
    assert keystone.asked == {"t": 1}


def test_a_dead_keystone_stops_nobody_who_is_known(door, keystone):
    keystone.says.update({name: GOOD for name in ("known", "t0", "t1", "t2", "t3", "late")})
    a = door(workers=4, timeout="60s", cache="1h")
    assert get(a, "known").status == 200
    keystone.hold()
    threads, answers = side_by_side(a, ["t0", "t1", "t2"])
    wait_until(lambda: keystone.waiting() == 4, what="three workers waiting for Keystone")
    is_unknown(get(a, "late"), "others wait")
    is_unknown(get(a, "t0"), "others wait")
    assert {get(a, "known").status for _ in range(20)} == {200}
    assert a.post("/v1/t/", a.job("j", "t", owner_id="p1"), headers={"X-Auth-Token": "known"}).status == 201
    assert a.get("/healthz").status == 200
    keystone.let_go()
    for t in threads:
        t.join()
    assert {x.status for x in answers} == {200}
    assert get(a, "late").status == 200


def test_a_keystone_that_does_not_answer_in_time_leaves_it_unknown(door, keystone):
    a = door(timeout="500ms")
    keystone.hold()
    is_unknown(get(a, "t"))


def test_a_keystone_that_is_not_there_leaves_it_unknown(anteroom):
    a = anteroom({"auth": "keystone", "keystone": {"url": "http://127.0.0.1:1"}})
    is_unknown(get(a, "t"), "Keystone does not answer")
    is_refused(a.get("/v1/vm/"), "unauthorized")
    assert a.get("/healthz").status == 200


def test_a_stop_waits_for_no_keystone(door, keystone):
    a = door(timeout="60s")
    keystone.hold()
    threads, answers = side_by_side(a, ["t", "u", "t"])
    wait_until(lambda: keystone.waiting() == 2, what="the questions")
    assert a.fcgi.stop() == 0
    a.fcgi = None
    for t in threads:
        t.join()
    # Who shares a question may not have been here yet when the service went.
    asked = [reply for reply in answers if "anteroom.fcgi does not answer" not in reply.json["error"]]
    assert len(asked) >= 2
    for reply in asked:
        is_unknown(reply)
    assert [reply.status for reply in answers] == [503] * 3


def test_what_cannot_be_a_token_is_not_sent_to_keystone(door, keystone):
    a = door()
    for token in ("a b", "a\tb", "\u00fc".encode().decode("latin-1"), "x" * 7000 + " y"):
        is_refused(get(a, token), "unauthorized")
    assert keystone.asked == {}


def test_as_plain_cgi_too(door, keystone):
    keystone.says["t"] = GOOD
    a = door()
    assert a.cgi("GET", "/v1/vm/", headers={"X-Auth-Token": "t"})[0] == 200
    assert a.cgi("GET", "/v1/vm/", headers={"X-Auth-Token": "wrong"})[0] == 401
    keystone.says["t"] = 500
    assert a.cgi("GET", "/v1/vm/", headers={"Authorization": "Bearer t"})[0] == 503


def test_tokens_are_in_no_file(door, keystone):
    token = "gAAAAA-very-secret"
    keystone.says[token] = 500
    a = door()
    get(a, token)
    keystone.says[token] = GOOD
    assert a.post("/v1/t/", a.job("j", "t", owner_id="p1"), headers={"X-Auth-Token": token}).status == 201
    assert get(a, token + "x").status == 401
    for path in a.dir.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes(), path
