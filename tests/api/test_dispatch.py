# SPDX-License-Identifier: MIT
"""The dispatcher as a program: one pass, many, a rehearsal; alone, stopped, and started again."""
import re
import signal
import threading
import time

from cloud import ask, books_balance, change, create, held, lab, reason, show, states
from contract import rows
from harness import SLOW, wait_until
from receiver import HANG

HOSTS = {"n": {"gpu": 4}}
KNOCKED = 25 / SLOW  # a pass that nobody wanted comes after 30 seconds


def test_one_pass_admits_calls_and_leaves_with_one_summary_line(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "a", 3)
    create(a, "b", 3)
    done = a.dispatch()
    assert done.stdout == ""
    assert states(a) == {"a": "running", "b": "queued"}
    line, = [x for x in done.stderr.splitlines() if "event=pass" in x]
    assert re.search(r"admitted=1 placed=0 groups=\d+ reasons=\d+ asked=0 woken=0 expired=0 lapsed=0 tried=1 accepted=1 requeued=0 failed=0 ms=\d+$", line)


def test_one_pass_with_nothing_to_do(anteroom):
    a = anteroom(lab(HOSTS), start=False)
    a.write_config()
    for _ in range(2):  # the first one makes the database
        assert "admitted=0" in a.dispatch().stderr
    assert ask(a, "SELECT count(*) FROM jobs") == [(0,)]


def test_watching_it_is_woken_by_every_new_job(anteroom):
    """A pass without a knock comes only after 30 seconds, and then for all at once: twenty in a row must have knocked."""
    a = anteroom(lab({"n": {"gpu": 100}}))
    a.start_dispatcher()
    for i in range(20):
        create(a, f"j{i}", 1)
        a.wait_status(f"j{i}", "running", "lab", timeout=KNOCKED)


def test_watching_it_is_woken_by_whoever_leaves(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}))
    a.start_dispatcher()
    for i in range(10):
        create(a, f"j{i}", 1)
    for i in range(9):
        a.wait_status(f"j{i}", "running", "lab", timeout=KNOCKED)
        change(a, f"j{i}", status="finished")
    a.wait_status("j9", "running", "lab", timeout=KNOCKED)


def test_for_some_seconds_it_keeps_passing_and_ends_by_itself(anteroom):
    a = anteroom(lab({"n": {"gpu": 100}}))
    a.start_dispatcher("--for", "60")
    for i in range(3):
        create(a, f"j{i}", 1)
        a.wait_status(f"j{i}", "running", "lab")
    assert a.dispatcher.stop() == 0
    a.start_dispatcher("--for", "1")
    assert a.dispatcher.wait() == 0


def test_at_the_end_of_its_time_a_callback_under_way_is_left_to_the_next_one(anteroom, receiver):
    a = anteroom({"callback": {"timeout": "1h"}, **lab(HOSTS)})
    receiver.script("cb", [HANG, 204])
    create(a, "j", 1, callback=receiver.url("cb"))
    a.start_dispatcher("--for", "6")
    receiver.wait(1)
    assert a.dispatcher.wait() == 0
    assert states(a) == {"j": "admitted"} and ask(a, "SELECT attempts FROM jobs") == [(0,)]
    a.dispatch()
    assert states(a) == {"j": "running"} and len(receiver.requests) == 2


def test_no_callback_is_begun_that_the_end_of_its_time_could_cut(anteroom, receiver):
    """One job is called again as soon as its call has timed out, others are created as soon as the one before was called: all the time
    there is something to call. All that was begun is written; what comes too late is admitted, and called by the next one."""
    a = anteroom({"callback": {"timeout": "2s", "retry": [0] * 20, "pause_after": 1000}, **lab({"n": {"gpu": 1_000_000}})})
    receiver.script("hangs", [HANG])
    create(a, "hangs", 1, callback=receiver.url("hangs"))
    client, turn = a.client(), threading.Lock()  # a job may be called before its creator has the answer

    def next_one(received):
        if received.path.startswith("/j"):
            name = f"j{int(received.path[2:]) + 1}"
            with turn:
                client.post("/v1/lab/", a.job(name, "lab", data={"instances": [{"gpu": 1}]}, callback=receiver.url(name)))

    receiver.then = next_one
    create(a, "j0", 1, callback=receiver.url("j0"))
    a.start_dispatcher("--for", "12")
    assert a.dispatcher.wait() == 0
    ended = time.monotonic()
    assert ended - receiver.requests[-1].time > 2  # as long as a call may take
    tries = ask(a, "SELECT count(*) FROM deliveries JOIN jobs ON jobs.id = job_id WHERE request_id = 'hangs'")
    assert tries == [(len(receiver.at("hangs")),)]
    late, = [name for name, status in states(a).items() if name != "hangs" and status != "running"]
    assert states(a)[late] == "admitted" and receiver.at(late) == []
    receiver.then = lambda received: None
    receiver.script("hangs", [204])
    a.dispatch()
    assert set(states(a).values()) == {"running"}


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(anteroom):
    a = anteroom(lab({"n": {"gpu": 10}}, overtake=0))
    byhand = create(a, "by-hand", 1)["ID"]
    change(a, "by-hand", status="running")
    small = create(a, "small", {"gpu": 2, "count": 2})["ID"]
    big = create(a, "big", 8)["ID"]
    last = create(a, "last", 1)["ID"]
    never = create(a, "never", 11)["ID"]
    files = {p.name: p.read_bytes() for p in a.dir.iterdir() if p.name in ("anteroom.db", "anteroom.db-wal")}
    before = rows(a)
    done = a.dispatch("--dry-run")
    assert rows(a) == before
    assert {p.name: p.read_bytes() for p in a.dir.iterdir() if p.name in files} == files
    assert done.stderr == "" and sorted(done.stdout.splitlines()) == sorted([
        f'place {byhand} {{"n":1}}',
        f'admit {small} {{"n":2}}',
        f"wait {big} WaitingForCapacity: needs 8 gpu; 5 of 10 are free on its 1 host",
        f"wait {last} BlockedByOlder: job {big} came first, does not fit yet, and holds the line",
        f"wait {never} NeverFits: needs 11 gpu; its 1 host has 10 in all",
    ])
    a.dispatch()
    assert states(a) == {"by-hand": "running", "small": "running", "big": "queued", "last": "queued", "never": "queued"}


def test_a_dry_run_beside_a_dispatcher_is_no_second_one(anteroom):
    a = anteroom(lab(HOSTS))
    a.start_dispatcher()
    create(a, "j", 5)
    wait_until(lambda: reason(a, "j")[0] == "NeverFits")
    assert "NeverFits" in a.dispatch("--dry-run").stdout
    assert "ok" in a.dispatch("--check").stdout


def test_a_second_dispatcher_leaves_at_once_and_the_next_after_the_first(anteroom):
    a = anteroom(lab(HOSTS))
    a.start_dispatcher()
    for args in ([], ["--watch"], ["--for", "100"]):
        done = a.dispatch(*args)
        assert "event=busy" in done.stderr and "event=pass" not in done.stderr
    a.kill_dispatcher()
    create(a, "j", 1)
    a.dispatch()
    assert states(a) == {"j": "running"}


def test_dispatchers_started_at_the_same_moment_admit_nobody_twice(anteroom, receiver):
    a = anteroom(lab({"n": {"gpu": 30}}))
    for i in range(30):
        create(a, f"j{i}", 1, callback=receiver.url(f"j{i}"))
    a.start_dispatcher()
    for _ in range(8):
        a.dispatch()
    wait_until(lambda: set(states(a).values()) == {"running"}, 60, "all")
    assert len(receiver.requests) == 30 and ask(a, "SELECT DISTINCT admissions FROM jobs") == [(1,)]
    books_balance(a, {"n": {"gpu": 30}})


def test_asked_to_stop_while_a_callback_hangs_it_leaves_and_loses_nothing(anteroom, receiver):
    a = anteroom({"callback": {"timeout": "1h", "hold": "2h"}, **lab(HOSTS)})
    receiver.script("cb", [HANG, 204])
    create(a, "j", 4, callback=receiver.url("cb"))
    a.start_dispatcher()
    receiver.wait(1)
    create(a, "next", 1)
    wait_until(lambda: reason(a, "next")[1].startswith("needs"), what="a pass")
    assert a.dispatcher.stop() == 0
    assert states(a) == {"j": "admitted", "next": "queued"} and held(a) == {"n": {"gpu": 4}}
    a.start_dispatcher()
    a.wait_status("j", "running", "lab")
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] and first.body == second.body
    books_balance(a, HOSTS)


def test_sigint_stops_it_as_well(anteroom):
    a = anteroom(lab(HOSTS))
    a.start_dispatcher()
    assert a.dispatcher.stop(signal.SIGINT) == 0


def test_what_ended_before_the_stop_is_written(anteroom, receiver):
    """One callback hangs, another is answered just as the stop comes: that answer counts."""
    a = anteroom({"callback": {"timeout": "1h"}, **lab(HOSTS)})
    receiver.script("hangs", [HANG])
    create(a, "hangs", 1, callback=receiver.url("hangs"))
    create(a, "good", 1, callback=receiver.url("good"))
    a.start_dispatcher()
    receiver.wait(2)
    assert a.dispatcher.stop() == 0
    assert states(a) == {"hangs": "admitted", "good": "running"}


def test_all_of_it_survives_a_restart(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "runs", 4)
    create(a, "waits", 1)
    create(a, "kept-out", 1)
    change(a, "kept-out", status="held")
    a.start_dispatcher()
    a.wait_status("runs", "running", "lab")
    wait_until(lambda: reason(a, "waits")[1].startswith("needs"), what="a pass")
    assert a.dispatcher.stop() == 0
    before = a.get("/v1/lab/").data
    a.restart_fcgi()
    assert a.get("/v1/lab/").data == before
    a.start_dispatcher()
    change(a, "runs", status="finished")
    a.wait_status("waits", "running", "lab")
    assert show(a, "kept-out")["Status"] == "held"
