# SPDX-License-Identifier: MIT
"""What an admission sets aside, for how long, and that nothing is held for ever."""
from cloud import ask, books_balance, change, create, held, lab, reason, show, states
from harness import wait_until
from receiver import HANG, Reply, closed_port

HOSTS = {"n1": {"gpu": 4, "memory": 8}, "n2": {"gpu": 4, "memory": 8}}


def hold_of(a):
    (admitted, until), = ask(a, "SELECT admitted_at, hold_until FROM jobs WHERE status = 'admitted'")
    return (until - admitted) / 1e9


def test_an_admission_holds_host_by_host_while_its_callback_is_tried(anteroom, receiver):
    a = anteroom(lab(HOSTS))
    receiver.script("cb", [500])
    create(a, "j", {"gpu": 3, "memory": 1, "count": 2}, callback=receiver.url("cb"))
    a.dispatch()
    assert states(a) == {"j": "admitted"} and hold_of(a) == 900
    assert held(a) == {"n1": {"gpu": 3, "memory": 1}, "n2": {"gpu": 3, "memory": 1}}
    create(a, "next", 3)
    a.dispatch()
    assert states(a)["next"] == "queued"
    books_balance(a, HOSTS)


def test_who_is_not_reached_within_the_hold_is_given_up(anteroom, receiver):
    a = anteroom({"callback": {"hold": "1m", "retry": [0, "2m"]}, **lab(HOSTS)})
    receiver.script("cb", [500])
    create(a, "j", {"gpu": 4, "count": 2}, callback=receiver.url("cb"))
    create(a, "next", 1)
    a.dispatch()
    assert states(a) == {"j": "failed", "next": "queued"}
    assert reason(a, "j") == ("CallbackFailed", "the callback was not accepted in 1 try before its hold runs out; "
                                                "the last: the receiver answered 500")
    assert held(a) == {}
    a.dispatch()
    assert states(a)["next"] == "running"


def test_a_hold_that_ran_out_while_no_dispatcher_was_there_gets_its_call_and_ends(anteroom, receiver):
    a = anteroom({"callback": {"timeout": "1h"}, **lab(HOSTS)})
    receiver.script("cb", [HANG, Reply(status=500)])
    create(a, "j", {"gpu": 4, "count": 2}, callback=receiver.url("cb"))
    create(a, "next", 1)
    a.start_dispatcher()
    receiver.wait(1, "cb")
    a.kill_dispatcher()
    assert states(a) == {"j": "admitted", "next": "queued"}
    for _ in range(2):
        a.dispatch(env={"ANTEROOM_CLOCK_OFFSET": "7200"})
    assert states(a) == {"j": "failed", "next": "running"} and len(receiver.at("cb")) == 2
    books_balance(a, HOSTS)


def test_a_job_that_failed_is_admitted_anew_with_all_its_tries(anteroom, receiver):
    closed, port = closed_port()
    with closed:
        a = anteroom({"callback": {"retry": [0]}, **lab(HOSTS)})
        create(a, "j", 4, callback=f"http://127.0.0.1:{port}/")
        a.dispatch()
        assert states(a) == {"j": "failed"} and held(a) == {}
    change(a, "j", status="queued")
    change(a, "j", callback=receiver.url("cb"))
    a.dispatch()
    assert states(a) == {"j": "running"} and "Reason" not in show(a, "j")
    assert ask(a, "SELECT admissions, attempts FROM jobs") == [(2, 0)]
    books_balance(a, HOSTS)


def test_a_held_job_holds_nothing(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "j", 1)
    change(a, "j", status="held")
    a.dispatch()
    assert states(a) == {"j": "held"} and held(a) == {}


def test_jobs_come_and_go_and_the_books_balance(anteroom):
    a = anteroom(lab(HOSTS, overtake="forever"))
    a.start_dispatcher()
    ways = ["finished", "failed", "queued", None]
    for i in range(24):
        create(a, f"j{i}", {"gpu": 1 + i % 3, "memory": i % 5, "count": 1 + i % 2})
    for turn in range(6):
        wait_until(lambda: "running" in states(a).values(), what="somebody who runs")
        for i, (name, status) in enumerate(sorted(states(a).items())):
            way = ways[(i + turn) % 4]
            if status == "running" and way:
                change(a, name, status=way)
            elif status == "running":
                assert a.delete(f"/v1/lab/{name}").status == 200
        books_balance(a, HOSTS)
    assert a.dispatcher.stop() == 0
    for name, status in states(a).items():
        if status in ("queued", "running", "admitted"):
            assert a.delete(f"/v1/lab/{name}").status == 200
    assert held(a) == {}
    a.dispatcher = None
