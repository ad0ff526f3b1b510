# SPDX-License-Identifier: MIT
"""A single run of the dispatcher in which something fails: who was admitted is called, what was answered is written, and it ends."""
import fcntl
import threading

import pytest

from cloud import LAB, ask, create, lab, states
from harness import BIN, Process, wait_until
from reading import write
from receiver import Reply
from sources import Program, queues

HOSTS = {"n": {"gpu": 2000}}


@pytest.fixture
def single(request):
    """single(a) starts a single run in the background."""

    def start(a):
        run = Process("anteroom-dispatch", [BIN / "anteroom-dispatch", "--config", a.config_path], a.dir, a.dir / "log/single.log", a.env)
        request.addfinalizer(lambda: run.alive() and run.kill())
        return run

    return start


def fail_when(a, event, when):
    """From now on the database refuses that."""
    write(a, (f"CREATE TRIGGER refuse BEFORE {event} WHEN {when} BEGIN SELECT RAISE(ABORT, 'refused'); END",))


def test_who_was_admitted_before_the_fault_of_a_pass_is_called(anteroom, receiver):
    a = anteroom({"callback": {"per_host": 64, "per_owner": 64, "concurrency": 64}, **lab(HOSTS)})
    jobs = [a.job(f"j{i}", "lab", data={"instances": [{"gpu": 1}]}, callback=receiver.url(f"j{i}")) for i in range(1000)]
    assert a.post(LAB, jobs).status == 201
    create(a, "last", 1, callback=receiver.url("last"))  # alone in the pass's second transaction
    fail_when(a, "UPDATE OF status ON jobs", "NEW.request_id = 'last'")
    done = a.dispatch(code=1)
    assert "event=pass code=internal" in done.stderr and "admitted=1000" in done.stderr
    assert states(a) == {**{job["request_id"]: "running" for job in jobs}, "last": "queued"}
    assert len(receiver.requests) == 1000
    write(a, ("DROP TRIGGER refuse",))
    a.dispatch()
    assert states(a)["last"] == "running" and len(receiver.requests) == 1001


def test_its_summary_is_of_all_its_passes(anteroom, receiver, tmp_path):
    """Found by review: it was of the last one, in which the source that answers last admits nobody."""
    called = tmp_path / "called"
    quick, slow = Program(tmp_path, "quick"), Program(tmp_path, "slow", f"while ! [ -e {called} ]; do sleep 0.02; done")
    quick.says({"n": {"gpu": 3}})
    slow.says({"n": {"gpu": 1}})
    a = anteroom(queues(lab=quick.queue(), other=slow.queue()))
    create(a, "j", 1, callback=receiver.url("j"))
    create(a, "large", 2, type="other", callback=receiver.url("large"))
    answering = threading.Thread(target=lambda: (receiver.wait(1), called.touch()))
    answering.start()
    done = a.dispatch()
    answering.join()
    assert "admitted=1" in done.stderr and "accepted=1" in done.stderr and "groups=1" in done.stderr


def test_what_was_answered_is_written_once_the_database_can_be(anteroom, receiver, single):
    a = anteroom(lab(HOSTS))
    answer = threading.Event()
    receiver.script("j", [Reply(204, before=answer)])
    create(a, "j", 1, callback=receiver.url("j"))
    run = single(a)
    receiver.wait(1)
    with open(str(a.db_path) + ".lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer.set()
        wait_until(lambda: "event=callbacks code=unavailable" in run.log(), what="its complaint")
    assert run.wait() == 1
    assert states(a) == {"j": "running"} and len(receiver.requests) == 1


def test_it_ends_when_what_was_answered_can_never_be_written(anteroom, receiver):
    a = anteroom(lab(HOSTS))
    create(a, "j", 1, callback=receiver.url("j"))
    fail_when(a, "INSERT ON deliveries", "1")
    done = a.dispatch(code=1)
    assert done.stderr.count("event=callbacks code=internal") == 3
    assert states(a) == {"j": "admitted"} and len(receiver.requests) == 1
    write(a, ("DROP TRIGGER refuse",))
    a.dispatch()  # it is not known what was answered
    assert states(a) == {"j": "running"} and len(receiver.requests) == 2
    assert ask(a, "SELECT n, outcome FROM deliveries") == [(1, "accepted")]


def test_after_a_fault_nothing_is_purged_and_it_says_that_it_failed(anteroom):
    a = anteroom({"retention": {"jobs": "1m"}, **lab(HOSTS)})
    create(a, "over", 1)
    assert a.delete("/v1/lab/over").status == 200
    create(a, "j", 1)
    fail_when(a, "DELETE ON jobs", "1")
    later = {"ANTEROOM_CLOCK_OFFSET": "120"}
    done = a.dispatch(code=1, env=later)
    assert done.stderr.count("event=purge code=internal") == 1 and states(a) == {"j": "running"}
    write(a, ("DROP TRIGGER refuse",))
    a.dispatch(env=later)
    assert ask(a, "SELECT count(*) FROM jobs") == [(1,)]


MANY_LANES = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    INSERT INTO jobs (type, request_id, owner_id, data, callback, priority, status, created_at, updated_at, queued_at, scope,
                      next_try, hold_until, admissions, receiver)
    SELECT 'lab', 'later' || i, 'y', '{}', 'http://h' || i || '.example/', i, 'admitted', 1, 1, 1, '', 1 << 62, 1 << 62, 1,
           'http://h' || i || '.example'
    FROM n"""


def test_who_was_admitted_while_the_lanes_were_not_looked_at_is_called(anteroom, tmp_path):
    """Found by CI: a look at many lanes is followed by a time without one, in which the source may answer."""
    program = Program(tmp_path)
    program.says({"n": {"gpu": 3}})
    a = anteroom(queues(lab=program.queue()))
    write(a, (MANY_LANES,))
    create(a, "now", 1)
    assert "admitted=1" in a.dispatch().stderr
    assert ask(a, "SELECT status FROM jobs WHERE request_id = 'now'") == [("running",)]
