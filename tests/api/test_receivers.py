# SPDX-License-Identifier: MIT
"""Receivers that fail again and again are paused, for their own jobs only; jobs whose callback is not accepted wait again."""
import contextlib

import pytest

from cloud import ask, books_balance, create, lab, queue, reason, show, states
from harness import wait_until
from reading import write
from receiver import CLOSE, Receiver, closed_port

HOSTS = {"n": {"gpu": 100}}
PAUSED = ("its receiver {} failed 3 times in a row or more, and is tried once in a while until it answers; the last: {}")


def conf(callback=None, **members):
    callback = {"retry": [0] + ["1s"] * 9, "pause_after": 3, "pause": "1m", "per_host": 1, **(callback or {})}
    return {"callback": callback, **lab(HOSTS, **members)}


def after(seconds):
    return {"ANTEROOM_CLOCK_OFFSET": str(seconds)}


def test_paused_tried_once_and_back_over_separate_runs(anteroom, receiver):
    a = anteroom(conf())
    names = [f"j{i}" for i in range(6)]
    with contextlib.closing(Receiver()) as bad:
        for n in names:
            bad.script(n, [500])
            create(a, n, 1, callback=bad.url(n))
        create(a, "good", 1, callback=receiver.url("good"))
        done = a.dispatch()
        assert [r.path for r in bad.requests] == ["/j0", "/j1", "/j2"] and len(receiver.requests) == 1
        assert states(a) == {**{n: "admitted" for n in names}, "good": "running"}
        line, = [x for x in done.stderr.splitlines() if "event=receiver-paused" in x]
        assert f'receiver="http://127.0.0.1:{bad.port}" failures=3 seconds=60 error="try 1 of 10: the receiver answered 500"' in line
        assert {reason(a, n) for n in names} == {("ReceiverPaused", PAUSED.format(bad.url("").rstrip("/"), "it answered 500"))}
        before = [show(a, n) for n in names]

        create(a, "late", 1, callback=bad.url("late"))  # it is admitted, and says the same
        a.dispatch(env=after(30))
        assert reason(a, "late") == reason(a, "j0") and [show(a, n) for n in names] == before
        assert len(bad.requests) == 3

        done = a.dispatch(env=after(65))  # one try, and the pause is twice as long
        assert len(bad.requests) == 4 and "failures=4 seconds=120" in done.stderr
        a.dispatch(env=after(65 + 110))
        assert len(bad.requests) == 4

        for n in names:
            bad.script(n, [204])
        done = a.dispatch(env=after(65 + 125))
        assert f'event=receiver-back receiver="http://127.0.0.1:{bad.port}" failures=4' in done.stderr
        assert set(states(a).values()) == {"running"} and bad.most_under_way == 1
        assert len(bad.requests) == 4 + 7 and ask(a, "SELECT * FROM receivers") == []


def test_what_the_jobs_said_is_taken_back(anteroom, receiver):
    """The receiver is back, and answers one job with 404: it lives. The others are not called yet, and say what they said before."""
    a = anteroom(conf({"retry": [0, "1h"], "hold": "1d"}))
    for n in ("a", "b", "c"):
        receiver.script(n, [500])
        create(a, n, 1, callback=receiver.url(n))
    create(a, "d", 1, callback=receiver.url("d"))
    a.dispatch()
    assert {reason(a, n)[0] for n in "abcd"} == {"ReceiverPaused"} and len(receiver.requests) == 3
    a.dispatch(env=after(70))
    assert states(a)["d"] == "running"
    for n in ("a", "b", "c"):
        assert reason(a, n) == ("CallbackFailed", "try 1 of 2: the receiver answered 500")


def test_an_answer_below_500_shows_that_it_lives(anteroom, receiver):
    a = anteroom(conf({"retry": [0]}))
    for i in range(12):
        receiver.script(f"j{i}", [404 if i % 3 == 2 else 500])
        create(a, f"j{i}", 1, callback=receiver.url(f"j{i}"))
    a.dispatch()
    assert len(receiver.requests) == 12 and set(states(a).values()) == {"failed"}
    assert ask(a, "SELECT * FROM receivers") == []


@pytest.mark.parametrize("kind", ["refuses", "drops"])
def test_connecting_in_vain_counts_as_well(anteroom, receiver, kind):
    a = anteroom(conf({"retry": [0]}))
    closed, port = closed_port()
    with closed:
        base = f"http://127.0.0.1:{port}/" if kind == "refuses" else receiver.url("")
        for i in range(5):
            receiver.script(f"j{i}", [CLOSE])
            create(a, f"j{i}", 1, callback=f"{base}j{i}")
        a.dispatch()
    assert list(states(a).values()).count("failed") == 3 and reason(a, "j4")[0] == "ReceiverPaused"


def test_one_that_an_older_version_took_for_the_base_is_to_blame_alone(anteroom, receiver):
    """A callback that keeps nothing of callback_base but the scheme; a database of version 2 does not say so."""
    a = anteroom(conf({"pause_after": 1}, base=receiver.url("")))
    closed, port = closed_port()
    with closed:
        create(a, "j", 1, callback=f"//127.0.0.1:{port}/j")
        write(a, ("UPDATE jobs SET receiver = '/lab'",))
        create(a, "of-the-base", 1, callback="x")
        a.dispatch()
    assert ask(a, "SELECT origin FROM receivers") == [(f"http://127.0.0.1:{port}",)]
    assert states(a) == {"j": "admitted", "of-the-base": "running"}


def test_holds_run_out_meanwhile(anteroom, receiver):
    a = anteroom(conf({"hold": "10m", "pause": "1h", "retry": [0, "30s"]}))
    for n in ("a", "b", "c", "d"):
        receiver.script(n, [500])
        create(a, n, 1, callback=receiver.url(n))
    a.dispatch()
    a.dispatch(env=after(590))
    assert set(states(a).values()) == {"admitted"}
    a.dispatch(env=after(601))
    assert len(receiver.requests) == 3 and set(states(a).values()) == {"failed"}
    assert {reason(a, n) for n in "abcd"} == {("CallbackFailed", "its hold ran out while its receiver was paused")}
    books_balance(a, HOSTS)


def test_who_waits_again_then_has_not_failed(anteroom, receiver):
    a = anteroom(conf({"hold": "10m", "pause": "1h", "retry": [0, "30s"], "requeue": 1, "pause_after": 1}))
    receiver.script("a", [500])
    for n in ("a", "b", "c"):
        create(a, n, 1, callback=receiver.url(n))
    a.dispatch()
    assert "requeued=3 failed=0" in a.dispatch(env=after(601)).stderr and set(states(a).values()) == {"queued"}


def test_while_the_dispatcher_stays(anteroom, receiver):
    """Pauses of a tenth of a second: each ends with one try, until it answers; then all are called."""
    a = anteroom(conf({"pause": "100ms", "per_host": 8, "retry": [0] + ["10ms"] * 31}))
    names = [f"j{i}" for i in range(40)]
    closed, port = closed_port()
    for n in names:
        create(a, n, 1, callback=f"http://127.0.0.1:{port}/{n}")
    a.start_dispatcher()
    wait_until(lambda: a.dispatcher.log().count("event=receiver-paused") >= 3, what="three pauses")
    assert set(states(a).values()) == {"admitted"}
    wait_until(lambda: {reason(a, n)[0] for n in names} == {"ReceiverPaused"}, what="all say so")
    with contextlib.closing(Receiver(bound=closed)) as back:
        wait_until(lambda: set(states(a).values()) == {"running"}, what="all")
        assert len(back.requests) == 40
    assert a.dispatcher.log().count("event=receiver-back") == 1
    books_balance(a, HOSTS)


def test_what_somebody_asks_for_goes_to_a_paused_receiver(anteroom, receiver):
    a = anteroom(conf({"pause": "1h", "hold": "1d"}))
    for n in ("a", "b", "c", "d", "e"):
        receiver.script(n, [500, 204])
        create(a, n, 1, callback=receiver.url(n))
    a.dispatch()
    assert len(receiver.requests) == 3
    assert a.post("/v1/lab/e/deliveries").status == 200
    a.dispatch()
    assert [r.path for r in receiver.requests[3:]] == ["/e"]  # it fails as well: nobody else is called
    assert a.post("/v1/lab/c/deliveries").status == 200
    a.dispatch()
    assert [r.path for r in receiver.requests[4:]][0] == "/c"  # it answers: the receiver is back
    assert states(a)["c"] == "running" and ask(a, "SELECT * FROM receivers WHERE paused_until IS NOT NULL") == []


def test_two_origins_of_one_machine_are_two_receivers(anteroom, receiver):
    with contextlib.closing(Receiver()) as other:
        a = anteroom({"callback": {"pause_after": 2, "retry": [0], "per_host": 1},
                      "queues": {"one": queue(HOSTS, base=receiver.url("/")), "two": queue(HOSTS, base=other.url("/"))}})
        for i in range(4):
            receiver.script(f"j{i}", [500])
            create(a, f"j{i}", 1, type="one", callback=f"j{i}")
            create(a, f"j{i}", 1, type="two", callback=f"k{i}")
        a.dispatch()
        assert len(receiver.requests) == 2 and len(other.requests) == 4


# Not accepted ---------------------------------------------------------------------------------------------------------


def test_it_waits_again_in_its_place_so_many_times(anteroom, receiver):
    a = anteroom({"callback": {"requeue": 2, "retry": [0]}, **lab({"n": {"gpu": 1}})})
    receiver.script("a", [500])
    create(a, "a", 1, callback=receiver.url("a"))
    create(a, "b", 1, callback=receiver.url("b"))
    first = show(a, "a")
    for turn in (1, 2):
        a.dispatch()
        assert states(a) == {"a": "queued", "b": "queued"} and len(receiver.requests) == turn
        job = show(a, "a")
        assert (job["Priority"], job["Reason"]) == (first["Priority"], "WaitingForCapacity") and "AdmittedAt" not in job
        assert job["Message"].startswith(f"waits again ({turn} of 2 times): the callback was not accepted in 1 try; the last: "
                                         "the receiver answered 500; ")
        books_balance(a, {"n": {"gpu": 1}})
    a.dispatch()
    assert states(a) == {"a": "failed", "b": "queued"}
    assert reason(a, "a") == ("CallbackFailed", "the callback was not accepted in 1 try; the last: the receiver answered 500")
    a.dispatch()
    assert states(a)["b"] == "running" and [r.path for r in receiver.requests] == ["/a"] * 3 + ["/b"]
    assert len({r.headers["webhook-id"] for r in receiver.at("a")}) == 3  # each admission is another message
    assert ask(a, "SELECT outcome FROM deliveries WHERE job_id = 1 ORDER BY n") == [("requeued",), ("requeued",), ("failed",)]


def test_410_is_the_end_all_the_same(anteroom, receiver):
    a = anteroom({"callback": {"requeue": 2}, **lab({"n": {"gpu": 1}})})
    receiver.script("a", [410])
    create(a, "a", 1, callback=receiver.url("a"))
    a.dispatch()
    assert states(a) == {"a": "failed"} and reason(a, "a")[0] == "CallbackGone"


def test_the_dispatcher_that_stays_admits_it_again_at_once(anteroom, receiver):
    a = anteroom({"callback": {"requeue": 1, "retry": [0]}, **lab({"n": {"gpu": 1}})})
    receiver.script("a", [500, 204])
    create(a, "a", 1, callback=receiver.url("a"))
    a.start_dispatcher()
    a.wait_status("a", "running", "lab")
    assert len(receiver.requests) == 2 and ask(a, "SELECT requeues, admissions FROM jobs") == [(0, 2)]
