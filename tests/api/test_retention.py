# SPDX-License-Identifier: MIT
"""What is over goes after its time, a little at a time beside all other work, and the file gets shorter by it."""
import contextlib
import os
import sqlite3
import threading

from cloud import ask, change, create, is_sound, lab, reason, show, states
from contract import randomness
from harness import SLOW, wait_until
from test_not_before import ahead, at

HOSTS = {"n": {"gpu": 100_000}}
DAY = 86400
KEPT = {"retention": {"jobs": "10d", "events": "5d", "deliveries": "2d"}}


def write(a, *statements):
    with contextlib.closing(sqlite3.connect(a.db_path, timeout=30)) as db, db:
        for statement in statements:
            db.execute(statement)


def add_events(a, job, count, days):
    """Old ones, of about a KiB each."""
    first = ask(a, "SELECT coalesce(max(n), 0) FROM events WHERE job_id = ?", job)[0][0]
    write(a, "INSERT INTO events (job_id, n, at, who, event, message) "
             f"WITH RECURSIVE c(n) AS (SELECT {first + 1} UNION ALL SELECT n + 1 FROM c WHERE n < {first + count}) "
             f"SELECT {job}, n, (strftime('%s') - {days * DAY}) * 1000000000 + n, 'w', 'changed', hex(randomblob(500)) FROM c")


def over(a, names, type="lab"):
    """Jobs that are over, with a KiB of data each."""
    jobs = [{"request_id": n, "owner_id": "o", "callback": f"cb-{n}", "data": {"note": "x" * 1000}} for n in names]
    for i in range(0, len(jobs), 500):
        assert a.post(f"/v1/{type}/", jobs[i:i + 500]).status == 201
    write(a, "UPDATE jobs SET status = 'finished', group_id = NULL, finished_at = created_at WHERE status = 'queued'",
          "UPDATE queues SET finished = finished + queued, waiting = held, queued = 0",  # the books, as the programs keep them
          "UPDATE owners SET waiting = (SELECT count(*) FROM jobs j WHERE j.owner_id = owners.owner_id AND j.status = 'held')",
          "DELETE FROM owners WHERE waiting = 0")


def count(a, table="jobs"):
    return ask(a, f"SELECT count(*) FROM {table}")[0][0]


@contextlib.contextmanager
def dispatcher_ahead(a, days):
    """A dispatcher that stays, whose clock is ahead of everybody else's."""
    before, a.env = a.env, {**a.env, **ahead(days * DAY)}
    try:
        a.start_dispatcher()
        yield
    finally:
        a.env = before


def test_a_pass_takes_away_what_is_over_long_enough(anteroom):
    a = anteroom({**KEPT, **lab(HOSTS)})
    for name in ("waits", "runs", "over", "deleted"):
        create(a, name, 1 if name != "waits" else 200_000)
    a.dispatch()
    add_events(a, show(a, "runs")["ID"], 3, 0)
    change(a, "over", status="finished")
    assert a.delete("/v1/lab/deleted").status == 200
    a.dispatch(env=ahead(4 * DAY))
    assert states(a).keys() == {"waits", "runs", "over"} and count(a, "events") >= 3
    a.dispatch(env=ahead(6 * DAY))
    assert count(a, "events") == 0 and count(a) == 4
    assert "event=purge jobs=2" in a.dispatch(env=ahead(11 * DAY)).stderr
    assert states(a) == {"waits": "queued", "runs": "running"} and count(a) == 2
    assert "event=purge" not in a.dispatch(env=ahead(11 * DAY)).stderr
    is_sound(a)


def test_a_failed_job_that_is_tried_again_is_over_no_more(anteroom):
    a = anteroom({**KEPT, **lab(HOSTS)})
    create(a, "j", 1)
    a.dispatch()
    change(a, "j", status="failed")
    change(a, "j", status="queued")
    a.dispatch(env=ahead(20 * DAY))
    assert states(a) == {"j": "running"}


def test_a_name_that_was_purged_is_free_and_an_id_is_not(anteroom):
    a = anteroom({**KEPT, **lab(HOSTS)})
    job = create(a, "j", 1)
    change(a, "j", status="cancelled")
    a.dispatch(env=ahead(11 * DAY))
    again = create(a, "j", 1)
    assert again["ID"] > job["ID"] and again["Priority"] > job["Priority"]


def test_one_pass_takes_a_part_of_much(anteroom):
    a = anteroom({**KEPT, **lab(HOSTS)})
    job = create(a, "waits", 200_000)["ID"]
    add_events(a, job, 40_000, 6)
    a.dispatch()
    assert 0 < count(a, "events") < 40_000
    left = count(a, "events")
    a.dispatch()
    assert count(a, "events") < left


def test_the_file_gets_shorter_while_all_go_on(anteroom):
    """Readers, writers, passes and callbacks beside a purge of all that there is; none of them fails, and at the end the file is
    a fraction of what it was."""
    much, jobs = 20_000 // SLOW, 5000 // SLOW
    a = anteroom({**KEPT, **lab(HOSTS)})
    over(a, [f"old-{i}" for i in range(jobs)])
    add_events(a, 1, much, 6)
    assert a.cgi("GET", "/healthz")[0] == 200
    stop, faults, done = threading.Event(), [], []

    def work(number):
        client = a.client()
        while not stop.is_set():
            name = f"t{number}-{len(done)}"
            body = {"request_id": name, "owner_id": "o", "callback": f"cb-{name}", "data": {"instances": [{"gpu": 1}]}}
            answers = [client.post("/v1/lab/", body), client.get("/v1/lab/?limit=5"), client.get(f"/v1/lab/{name}")]
            faults.extend(x for x in answers if x.status not in (200, 201))
            done.append(name)

    a.restart_fcgi()  # whoever leaves last folds the WAL into the file
    full = os.path.getsize(a.db_path)
    assert full > much * 1000
    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    with dispatcher_ahead(a, 20):
        for thread in threads:
            thread.start()
        wait_until(lambda: os.path.getsize(a.db_path) < full / 4, timeout=120, what="a shorter file")
        stop.set()
        for thread in threads:
            thread.join()
        assert faults == [] and done
        wait_until(lambda: set(states(a).values()) == {"running"}, timeout=60, what="the start of all that came")
    assert set(states(a)) == set(done)
    wait_until(lambda: f"event=purge jobs={jobs}" in a.dispatcher.log(), timeout=60, what="the end of the purge")
    assert "event=purge code=" not in a.dispatcher.log()
    is_sound(a)


def test_killed_while_it_purges_it_goes_on_with_the_rest(anteroom):
    a = anteroom({**KEPT, **lab(HOSTS)})
    random = randomness()
    over(a, [f"old-{i}" for i in range(3000)])
    for job in range(1, 1000, 7):
        add_events(a, job, 8, 1)
    create(a, "stays", 200_000)
    kept, left = show(a, "stays"), count(a)
    for _ in range(6):
        with dispatcher_ahead(a, 20):
            least = max(1, left - random.randrange(1, 700))
            wait_until(lambda: count(a) <= least, timeout=60, what="a part of the purge")
            a.kill_dispatcher()
        is_sound(a)
        assert count(a) <= left
        left = count(a)
        assert ask(a, "SELECT count(*) FROM events WHERE job_id NOT IN (SELECT id FROM jobs)") == [(0,)]
    with dispatcher_ahead(a, 20):
        wait_until(lambda: count(a) == 1 and count(a, "events") == 0, timeout=60, what="the end of the purge")
    assert {**show(a, "stays"), "Reason": 0, "Message": 0} == {**kept, "Reason": 0, "Message": 0}
    is_sound(a)


# The life of a job by the clock, where it meets the rest -------------------------------------------------------------------


def test_a_job_that_comes_back_after_its_valid_until_expires(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "j", 1, valid_until=at(3600))
    a.dispatch()
    a.dispatch(env=ahead(7200))
    assert states(a) == {"j": "running"}
    change(a, "j", status="queued")
    a.dispatch(env=ahead(7200))
    assert states(a) == {"j": "expired"} and reason(a, "j")[0] == "Expired"


def test_an_admitted_job_cannot_be_held_and_its_times_are_fixed(anteroom, receiver):
    a = anteroom(lab(HOSTS))
    receiver.script("no", [500])
    create(a, "j", 1, callback=receiver.url("no"))
    a.dispatch()
    assert states(a) == {"j": "admitted"}
    for body, code in (({"status": "held"}, "invalid_transition"), ({"not_before": at(60)}, "not_waiting"),
                       ({"valid_until": at(60)}, "not_waiting")):
        answer = a.post("/v1/lab/j", body)
        assert (answer.status, answer.code) == (409, code)


def test_who_expires_lets_those_behind_go_in_the_same_pass(anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}, overtake=0))
    create(a, "runs", 2)
    a.dispatch()
    create(a, "big", 4, valid_until=at(3600))  # holds the line
    create(a, "behind", 1)
    a.dispatch()
    assert states(a) == {"runs": "running", "big": "queued", "behind": "queued"}
    a.dispatch(env=ahead(3700))
    assert states(a) == {"runs": "running", "big": "expired", "behind": "running"}


def test_a_waiting_job_can_be_put_to_sleep_and_expires_asleep(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}))
    create(a, "runs", 1)
    a.dispatch()
    create(a, "j", 1, valid_until=at(7200))
    create(a, "k", 1)
    for name in ("j", "k"):
        change(a, name, not_before=at(3600))
        assert reason(a, name)[0] == "NotBefore"
    change(a, "runs", status="finished")
    a.dispatch()
    assert states(a) == {"runs": "finished", "j": "queued", "k": "queued"}
    a.dispatch(env=ahead(7300))
    assert states(a) == {"runs": "finished", "j": "expired", "k": "running"}


def test_a_held_job_that_sleeps_goes_on_sleeping(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "j", 1, not_before=at(3600))
    change(a, "j", status="held")
    a.dispatch(env=ahead(3700))
    assert states(a) == {"j": "held"}
    change(a, "j", status="queued")
    assert reason(a, "j")[0] == "NotBefore"
    a.dispatch(env=ahead(3700))
    assert states(a) == {"j": "running"}
