# SPDX-License-Identifier: MIT
"""The callback: what is sent, what each answer leads to, and what a receiver can do to others."""
import contextlib
import email.utils
import json
import re
import socket
import threading
import time

import pytest

from cloud import ask, books_balance, change, create, lab, queue, reason, show, states
from harness import SLOW, wait_until
from receiver import CLOSE, ENDLESS, HANG, Receiver, Reply, closed_port, redirect

HOSTS = {"n": {"gpu": 1000}}
QUICK = {"retry": [0, "10ms", "10ms"]}


def conf(callback=QUICK, hosts=None, **members):
    return {"callback": callback, **lab(hosts or HOSTS, **members)}


def after(seconds):
    return {"ANTEROOM_CLOCK_OFFSET": str(seconds)}


# What is sent ---------------------------------------------------------------------------------------------------------


def test_the_message_is_the_job_as_it_was_admitted(anteroom, receiver):
    a = anteroom(conf())
    create(a, "j", {"gpu": 2, "count": 3}, callback=receiver.url("cb?x=%20y"))
    before = time.time()
    a.dispatch()
    after_it = time.time()
    got, = receiver.requests
    assert (got.method, got.path) == ("POST", "/cb?x=%20y")
    assert got.headers.get_all("Content-Type") == ["application/json"]
    assert got.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["User-Agent"].startswith("anteroom/")
    assert got.headers["Content-Length"] == str(len(got.body)) and got.headers["Transfer-Encoding"] is None
    assert got.headers["Expect"] is None and got.headers["webhook-signature"] is None
    assert got.headers["webhook-id"] and before - 1 <= int(got.headers["webhook-timestamp"]) <= after_it
    job = show(a, "j")
    assert list(got.json) == ["type", "timestamp", "data"] and got.json["type"] == "job.admitted"
    assert got.json["timestamp"] == job["AdmittedAt"] == got.json["data"]["AdmittedAt"]
    assert got.json["data"]["Status"] == "admitted" and job["Status"] == "running"
    assert {**got.json["data"], "Status": 0, "UpdatedAt": 0, "StartedAt": 0} == {**job, "Status": 0, "UpdatedAt": 0, "StartedAt": 0}
    assert got.json["data"]["Hosts"] == {"n": 3}
    assert b" " not in got.body.split(b'"Data"')[0]


def test_the_id_is_the_same_on_every_try_and_another_for_every_admission(anteroom, receiver):
    a = anteroom(conf())
    receiver.script("a", [500, CLOSE, 200, 200])
    create(a, "a", 1, callback=receiver.url("a"))
    create(a, "b", 1, callback=receiver.url("b"))
    a.start_dispatcher()
    a.wait_status("a", "running", "lab")
    a.wait_status("b", "running", "lab")
    change(a, "a", status="queued")
    receiver.wait(4, "a")
    first, second, third, again = [r.headers["webhook-id"] for r in receiver.at("a")]
    assert first == second == third
    assert len({first, again, receiver.at("b")[0].headers["webhook-id"]}) == 3
    assert re.fullmatch(r"msg_[0-9a-f]{16}_\d+_\d+", first), "made of anything that a client wrote?"
    bodies = [r.json["data"] for r in receiver.at("a")]
    assert [b["Status"] for b in bodies] == ["admitted"] * 4
    assert bodies[0]["AdmittedAt"] == bodies[2]["AdmittedAt"] != bodies[3]["AdmittedAt"]


def test_two_installations_never_send_the_same_id(anteroom, receiver):
    for name in ("one", "two"):
        a = anteroom(conf())
        create(a, "j", 1, callback=receiver.url(name))
        a.dispatch()
    one, two = receiver.requests
    assert one.json["data"]["ID"] == two.json["data"]["ID"] and one.headers["webhook-id"] != two.headers["webhook-id"]


@pytest.mark.parametrize("callback, path", [
    ("abc", "/base/dir/abc"), ("/abc", "/abc"), ("../abc", "/base/abc"), ("./abc?x=1", "/base/dir/abc?x=1"), ("?x=1", "/base/dir/?x=1"),
    ("a/b%2Fc", "/base/dir/a/b%2Fc"), ("../../../../abc", "/abc"),
])
def test_a_relative_callback_resolves_against_the_base(anteroom, receiver, callback, path):
    a = anteroom(conf(base=receiver.url("/base/dir/")))
    create(a, "j", 1, callback=callback)
    a.dispatch()
    assert [r.path for r in receiver.requests] == [path]
    assert show(a, "j")["Callback"] == callback and receiver.requests[0].json["data"]["Callback"] == callback


def test_a_callback_without_a_scheme_keeps_the_scheme_of_the_base(anteroom, receiver):
    a = anteroom(conf())
    create(a, "j", 1, callback=f"//127.0.0.1:{receiver.port}/abc")
    a.dispatch()
    assert [r.path for r in receiver.requests] == ["/abc"]


def test_a_proxy_in_the_environment_gains_nothing(anteroom, receiver):
    with contextlib.closing(Receiver()) as proxy:
        names = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy")
        a = anteroom(conf(), env={name: proxy.url("/") for name in names})
        create(a, "j", 1, callback=receiver.url("cb"))
        a.dispatch()
        assert states(a) == {"j": "running"}
        assert len(receiver.requests) == 1 and proxy.requests == []


# What comes back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [200, 201, 202, 204, Reply(status=299, body=b"x" * 200_000), ENDLESS],
                         ids=["200", "201", "202", "204", "long", "endless"])
def test_2xx_is_accepted_whatever_comes_with_it(anteroom, receiver, reply):
    a = anteroom(conf())
    receiver.script("cb", [reply, 500])
    create(a, "j", 1, callback=receiver.url("cb"))
    a.dispatch()
    assert states(a) == {"j": "running"} and len(receiver.requests) == 1
    assert receiver.sent < 16 << 20, "an answer that does not end was read on and on"
    job = show(a, "j")
    assert job["StartedAt"] >= job["AdmittedAt"] and "Reason" not in job


@contextlib.contextmanager
def talker(data):
    """A server that answers every connection with these bytes, and counts them."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(64)
        count = []

        def serve():
            while True:
                try:
                    c, _ = s.accept()
                except OSError:
                    return
                with c, contextlib.suppress(OSError):
                    c.recv(65536)
                    count.append(1)
                    c.sendall(data)
                    c.shutdown(socket.SHUT_WR)
                    c.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{s.getsockname()[1]}/cb", count
        s.shutdown(socket.SHUT_RDWR)
        thread.join(10)


WRONG = [
    (500, "the receiver answered 500"), (404, "the receiver answered 404"), (304, "the receiver answered 304"), (CLOSE, ""),
    (Reply(status=200, headers={"X": "a" * 300_000}), ""),
]


@pytest.mark.parametrize("reply, text", WRONG, ids=["500", "404", "304", "closed", "huge-header"])
def test_what_is_no_2xx_is_tried_again_and_then_given_up(anteroom, receiver, reply, text):
    a = anteroom(conf(hosts={"n": {"gpu": 4}}))
    receiver.script("cb", [reply])
    create(a, "j", 4, callback=receiver.url("cb"))
    create(a, "next", 4, callback=receiver.url("next"))
    a.start_dispatcher()
    a.wait_status("j", "failed", "lab")
    assert len(receiver.at("cb")) == 3
    word, message = reason(a, "j")
    assert word == "CallbackFailed" and message.startswith("the callback was not accepted in 3 tries; the last: " + text)
    assert len(message) > len("the callback was not accepted in 3 tries; the last: ")
    a.wait_status("next", "running", "lab")
    job = show(a, "j")
    assert job["FinishedAt"] and "StartedAt" not in job
    books_balance(a, {"n": {"gpu": 4}})


@pytest.mark.parametrize("data", [
    b"\x00\xff\xfe garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
    b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 50_000) for i in range(200)),
], ids=["garbage", "no-status", "cut-off", "half-a-line", "headers-without-end"])
def test_an_answer_that_is_none_is_tried_again_and_then_given_up(anteroom, data):
    a = anteroom(conf())
    with talker(data) as (url, count):
        create(a, "j", 1, callback=url)
        a.start_dispatcher()
        a.wait_status("j", "failed", "lab")
        assert len(count) == 3 and reason(a, "j")[0] == "CallbackFailed"


def test_a_receiver_that_refuses_is_tried_again_until_it_is_there(anteroom):
    closed, port = closed_port()
    a = anteroom(conf({"retry": [0] + ["1s"] * 31}))
    create(a, "j", 1, callback=f"http://127.0.0.1:{port}/cb")
    a.start_dispatcher()
    wait_until(lambda: ask(a, "SELECT 1 FROM jobs WHERE attempts > 0"), what="a try")
    assert show(a, "j")["Status"] == "admitted"
    closed.settimeout(60)
    closed.listen()
    with closed, closed.accept()[0] as c:
        c.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        a.wait_status("j", "running", "lab")


def test_a_receiver_that_always_refuses_is_given_up(anteroom):
    closed, port = closed_port()
    with closed:
        a = anteroom(conf())
        create(a, "j", 1, callback=f"http://127.0.0.1:{port}/cb")
        a.start_dispatcher()
        a.wait_status("j", "failed", "lab")
    assert reason(a, "j")[0] == "CallbackFailed" and str(port) in reason(a, "j")[1]


def test_a_receiver_that_hangs_runs_into_the_time_limit(anteroom, receiver):
    a = anteroom(conf({"timeout": "1s", **QUICK}))
    receiver.script("cb", [HANG])
    create(a, "j", 1, callback=receiver.url("cb"))
    a.start_dispatcher()
    a.wait_status("j", "failed", "lab")
    assert reason(a, "j")[0] == "CallbackFailed" and len(receiver.wait(3, "cb")) == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(anteroom, receiver, status):
    a = anteroom(conf({"retry": [0]}))
    receiver.script("cb", [redirect(receiver.url("elsewhere"), status)])
    create(a, "j", 1, callback=receiver.url("cb"))
    a.dispatch()
    assert [r.path for r in receiver.requests] == ["/cb"]
    assert reason(a, "j") == ("CallbackFailed", f"the callback was not accepted in 1 try; the last: the receiver answered {status}")


def test_410_is_the_end_at_once(anteroom, receiver):
    a = anteroom(conf(hosts={"n": {"gpu": 1}}))
    receiver.script("cb", [410])
    create(a, "j", 1, callback=receiver.url("cb"))
    create(a, "next", 1, callback=receiver.url("next"))
    a.dispatch()
    assert len(receiver.requests) == 1 and states(a) == {"j": "failed", "next": "queued"}
    assert reason(a, "j") == ("CallbackGone", "the receiver answered 410: it does not want the callback any more")
    a.dispatch()
    assert states(a)["next"] == "running"


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(anteroom, receiver, status, form):
    a = anteroom(conf())
    value = "200" if form == "seconds" else email.utils.formatdate(time.time() + 200, usegmt=True)
    receiver.script("cb", [Reply(status=status, headers={"Retry-After": value}), 204])
    create(a, "j", 1, callback=receiver.url("cb"))
    a.dispatch()
    a.dispatch(env=after(100))
    assert len(receiver.requests) == 1 and states(a) == {"j": "admitted"}
    assert reason(a, "j")[1] == f"try 1 of 3: the receiver answered {status}"
    a.dispatch(env=after(210))
    assert len(receiver.requests) == 2 and states(a) == {"j": "running"}


@pytest.mark.parametrize("value", ["86400", "1000000000", "Fri, 31 Dec 2199 23:59:59 GMT"])
def test_retry_after_reaches_no_further_than_the_hold(anteroom, receiver, value):
    a = anteroom(conf({"hold": "10m", **QUICK}))
    receiver.script("cb", [Reply(status=503, headers={"Retry-After": value}), 204])
    create(a, "j", 1, callback=receiver.url("cb"))
    a.dispatch()
    a.dispatch(env=after(400))
    assert len(receiver.requests) == 1
    a.dispatch(env=after(601))
    assert len(receiver.requests) == 2 and states(a) == {"j": "running"}


@pytest.mark.parametrize("headers, status", [
    ({"Retry-After": "86400"}, 500), ({"Retry-After": "soon"}, 503), ({"Retry-After": "-1"}, 503), ({"Retry-After": "-1000000000"}, 429),
    ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 503), ({"Retry-After": "Fri, 32 Dec 2199 23:59:59 GMT"}, 503),
    ({"Retry-After": "9" * 300}, 429),
    ({"Retry-After": ""}, 429),
])
def test_retry_after_elsewhere_or_without_sense_is_nothing(anteroom, receiver, headers, status):
    a = anteroom(conf())
    receiver.script("cb", [Reply(status=status, headers=headers), 204])
    create(a, "j", 1, callback=receiver.url("cb"))
    a.dispatch()
    a.dispatch(env=after(10))
    assert len(receiver.requests) == 2 and states(a) == {"j": "running"}


# Side by side ---------------------------------------------------------------------------------------------------------


def post_many(a, bodies, type="lab"):
    answer = a.post(f"/v1/{type}/", bodies)
    assert answer.status == 201, answer


def bodies(receiver, names, path=None):
    return [{"request_id": n, "owner_id": "o", "data": {"instances": [{"gpu": 1}]}, "callback": receiver.url(path or n) + (f"?{n}" if path else "")}
            for n in names]


def test_the_good_are_called_while_200_slow_ones_hang(anteroom, receiver):
    a = anteroom(conf({"concurrency": 256, "per_host": 256, "timeout": "1h"}))
    go = threading.Event()
    slow = [f"slow{i}" for i in range(200)]
    for name in slow:
        receiver.script(name, [Reply(before=go)])
    a.start_dispatcher()
    post_many(a, bodies(receiver, slow))
    receiver.wait(200)
    good = [f"good{i}" for i in range(40)]
    post_many(a, bodies(receiver, good))
    wait_until(lambda: [states(a)[n] for n in good] == ["running"] * 40, 60, "the good")
    assert receiver.under_way == 200 and {states(a)[n] for n in slow} == {"admitted"}
    go.set()
    wait_until(lambda: set(states(a).values()) == {"running"}, 60, "the slow ones")
    assert len(receiver.requests) == 240


def test_no_more_tries_are_under_way_than_configured(anteroom, receiver):
    a = anteroom(conf({"concurrency": 5, "timeout": "1h"}))
    go = threading.Event()
    names = [f"j{i}" for i in range(40)]
    for name in names:
        receiver.script(name, [Reply(before=go)])
    post_many(a, bodies(receiver, names))
    a.start_dispatcher()
    receiver.wait(5)
    for i in range(3):  # passes go by, and start nothing
        post_many(a, bodies(receiver, [f"more{i}"]))
        wait_until(lambda i=i: states(a)[f"more{i}"] == "admitted", what="a pass")
    assert receiver.under_way == 5
    go.set()
    wait_until(lambda: set(states(a).values()) == {"running"}, 60, "all")
    assert receiver.most_under_way == 5 and len(receiver.requests) == 43


# Meanwhile the client does something ----------------------------------------------------------------------------------


@pytest.fixture
def under_way(anteroom, receiver):
    """(a, go): the callback of the job `j` is under way and is answered with 204 once `go` is set."""
    a = anteroom(conf({"timeout": "1h", **QUICK}, hosts={"n": {"gpu": 4}}))
    go = threading.Event()
    receiver.script("cb", [Reply(before=go), 204])
    create(a, "j", 4, callback=receiver.url("cb"))
    a.start_dispatcher()
    receiver.wait(1, "cb")
    assert states(a) == {"j": "admitted"}
    yield a, go
    go.set()


def settle(a, receiver):
    """After an answer has been dealt with: another job was admitted, called and took its place."""
    receiver.script("after", [204])
    create(a, "after", {"gpu": 0}, callback=receiver.url("after"))
    a.wait_status("after", "running", "lab")
    receiver.wait(1, "after")


def test_it_deletes_the_job(under_way, receiver):
    a, go = under_way
    assert a.delete("/v1/lab/j").status == 200
    create(a, "j", 4, callback=receiver.url("new"))  # its name and its room are free
    a.wait_status("j", "running", "lab")
    go.set()
    settle(a, receiver)
    assert ask(a, "SELECT status, deleted_at IS NULL FROM jobs ORDER BY id") == [("cancelled", 0), ("running", 1), ("running", 1)]
    assert len(receiver.at("cb")) == 1
    books_balance(a, {"n": {"gpu": 4}})


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_it_ends_the_job(under_way, receiver, status):
    a, go = under_way
    change(a, "j", status=status)
    create(a, "next", 4, callback=receiver.url("next"))
    a.wait_status("next", "running", "lab")
    go.set()
    settle(a, receiver)
    assert states(a)["j"] == status and len(receiver.at("cb")) == 1


def test_it_says_running_before_it_answers(under_way, receiver):
    a, go = under_way
    change(a, "j", status="running")
    started = show(a, "j")["StartedAt"]
    receiver.script("cb", [500])
    go.set()
    settle(a, receiver)
    assert states(a)["j"] == "running" and show(a, "j")["StartedAt"] == started and len(receiver.at("cb")) == 1
    books_balance(a, {"n": {"gpu": 4}})


def test_it_sends_the_job_back_and_is_called_again_only_when_the_first_call_is_over(under_way, receiver):
    a, go = under_way
    before = show(a, "j")["AdmittedAt"]
    change(a, "j", status="queued")
    wait_until(lambda: show(a, "j").get("AdmittedAt", before) != before, what="the second admission")
    settle(a, receiver)
    assert receiver.under_way == 1 and len(receiver.at("cb")) == 1 and states(a)["j"] == "admitted"
    go.set()
    a.wait_status("j", "running", "lab")
    first, second = receiver.at("cb")
    assert first.headers["webhook-id"] != second.headers["webhook-id"]
    assert second.json["data"]["AdmittedAt"] != before
    books_balance(a, {"n": {"gpu": 4}})


def test_it_sends_the_job_back_to_be_called_elsewhere(under_way, receiver):
    """The job has another receiver then, which is called as soon as the first call is over."""
    a, go = under_way
    before = show(a, "j")["AdmittedAt"]
    a.post("/queues/lab", {"paused": True})
    change(a, "j", status="queued")
    change(a, "j", callback=receiver.url("elsewhere").replace("127.0.0.1", "127.0.0.2"))
    a.post("/queues/lab", {"paused": False})
    wait_until(lambda: show(a, "j").get("AdmittedAt", before) != before, what="the second admission")
    settle(a, receiver)
    assert states(a)["j"] == "admitted" and len(receiver.at("cb")) == 1
    with contextlib.closing(Receiver("127.0.0.2", receiver.port)) as other:
        go.set()
        other.wait(1, "elsewhere", timeout=20 / SLOW)  # without being told it looks after 30 seconds
        a.wait_status("j", "running", "lab")
    assert len(receiver.at("cb")) == 1


def test_it_asks_for_another_call_before_the_first_one_fails(anteroom, receiver):
    a = anteroom(conf({"timeout": "1h", "retry": [0, "1h"], "hold": "1d"}))
    go = threading.Event()
    receiver.script("cb", [Reply(status=500, before=go), 204])
    create(a, "j", 4, callback=receiver.url("cb"))
    a.start_dispatcher()
    receiver.wait(1, "cb")
    try:
        assert a.post("/v1/lab/j/deliveries").status == 200
        settle(a, receiver)
        assert states(a)["j"] == "admitted" and len(receiver.at("cb")) == 1
    finally:
        go.set()
    a.wait_status("j", "running", "lab")
    assert len(receiver.at("cb")) == 2


def test_it_calls_us_from_within_the_callback(anteroom):
    """The receiver's own handler asks for the job and says that it runs, before it answers."""
    a = anteroom(conf({"timeout": "1h"}))

    class Asking(Receiver):
        seen = []

        def _next_reply(self, received):
            job = json.loads(received.body)["data"]
            self.seen.append(show(a, job["RequestID"])["Status"])
            change(a, job["RequestID"], status="running")
            return super()._next_reply(received)

    with contextlib.closing(Asking()) as r:
        create(a, "j", 1, callback=r.url("cb"))
        a.dispatch()
        assert r.seen == ["admitted"] and states(a) == {"j": "running"}


def test_what_cannot_be_called_at_all_is_given_up_without_a_try(anteroom, receiver):
    a = anteroom({"callback": {"requeue": 3}, **lab(HOSTS)})
    create(a, "j", 1, callback="rel")
    create(a, "other", 1, callback=receiver.url("other"))
    a.write_config({**a.config, **lab(HOSTS, base=None)})
    a.dispatch()
    assert states(a) == {"j": "failed", "other": "running"} and reason(a, "j")[0] == "CallbackFailed"
    assert ask(a, "SELECT url, outcome, status, address FROM deliveries WHERE job_id = 1") == [("rel", "failed", None, None)]


def test_each_queue_has_its_own_base(anteroom, receiver):
    with contextlib.closing(Receiver()) as other:
        a = anteroom({"queues": {"one": queue(HOSTS, base=receiver.url("/1/")), "two": queue(HOSTS, base=other.url("/2/"))}})
        for type in ("one", "two"):
            create(a, "j", 1, type=type, callback=f"cb-{type}")
        a.dispatch()
        assert [r.path for r in receiver.requests] == ["/1/cb-one"] and [r.path for r in other.requests] == ["/2/cb-two"]
