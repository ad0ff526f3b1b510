# SPDX-License-Identifier: MIT
"""The dispatcher neither stalls nor spins, whatever its sources do: turns and passes are counted, no time is measured."""
import fcntl
import os
import pathlib
import re
import signal

import pytest

import cloud
from harness import SLOW, wait_until
from receiver import HANG
from sources import Program, queues


def create(a, request_id, type="lab", licences=1, callback=None):
    return a.create(request_id, type, data={"instances": [{"licence": licences}]}, callback=callback or f"cb-{type}-{request_id}")


def turns(pid):
    """How many times a process has called read() or the like: the loop does so in every turn. None: it is gone."""
    try:
        return int(re.search(r"syscr: (\d+)", pathlib.Path(f"/proc/{pid}/io").read_text())[1])
    except (FileNotFoundError, ProcessLookupError, TypeError):
        return None


def turns_until_end(process, first):
    last = first
    while process.alive() and (now := turns(process.pid)) is not None:
        last = now
    return last - first


@pytest.fixture
def program(tmp_path):
    p = Program(tmp_path)
    p.says({"lm": {"licence": 1}})
    return p


def test_a_reading_that_comes_while_it_stops_makes_it_no_busier(anteroom, receiver, tmp_path):
    """It waits for the callback that hangs, and not in a loop."""
    gate = tmp_path / "gate"
    program = Program(tmp_path, before=f"while [ -e {gate} ]; do sleep 0.05; done")
    program.says({"lm": {"licence": 1}})
    receiver.script("a", [HANG])
    a = anteroom(queues(lab=program.queue(timeout="1m")))
    create(a, "a", callback=receiver.url("a"))
    a.start_dispatcher()
    wait_until(lambda: receiver.under_way, what="the callback")
    gate.touch()
    before = program.counted()
    create(a, "b")
    wait_until(lambda: program.counted() > before, what="the program's start")
    first = turns(a.dispatcher.pid)
    a.dispatcher.send(signal.SIGTERM)
    wait_until(lambda: "event=stopping" in a.dispatcher.log(), what="the stop")
    gate.unlink()
    assert turns_until_end(a.dispatcher, first) < 1000
    assert a.dispatcher.wait() == 0


def test_a_run_ends_while_a_source_hangs_and_leaves_no_child(anteroom, tmp_path):
    pid_file = tmp_path / "pid"
    slow = Program(tmp_path, "slow", before=f"echo $$ >{pid_file}; exec sleep 3600")
    a = anteroom(queues(lab=slow.queue(timeout="10m")))
    create(a, "a")
    a.dispatch("--for", str(5 * SLOW))  # in which the program has long been started
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert a.status("a", "lab") == "queued"


@pytest.mark.parametrize("text", ["no JSON", ""])
def test_a_source_that_always_fails_is_asked_no_more_often_than_one_that_does_not(anteroom, program, text):
    program.writes(text)
    a = anteroom({"log_level": "debug", **queues(lab=program.queue(poll="1s"))})
    create(a, "a")
    log = a.dispatch("--for", str(4 * SLOW)).stderr
    assert cloud.reason(a, "a")[0] == "SourceUnavailable"
    assert 1 <= program.counted() <= 4 * SLOW + 2  # every second, and at the start
    assert 1 <= log.count("event=pass ") <= 3 * (4 * SLOW + 1)
    assert log.count("event=source ") == 1


def test_many_queues_of_one_source_promise_nothing_twice_and_end(anteroom, program):
    names = [f"q{i:02}" for i in range(60)]
    program.says({"lm": {"licence": 5}})
    a = anteroom({"log_level": "debug", **queues(**{name: program.queue() for name in names})})
    for name in names:
        create(a, "a", name)
    log = a.dispatch(timeout=120).stderr
    called = [name for name in names if a.status("a", name) == "running"]
    assert len(called) == 5
    assert log.count("event=pass ") <= 4 * len(names)


def test_a_single_run_reads_its_sources_when_that_is_wanted_and_not_by_the_clock(anteroom, tmp_path):
    """Of many there was always one that was being read, and the run did not end."""
    quick, slow = Program(tmp_path, "quick"), Program(tmp_path, "slow", before="sleep 1")
    for program in quick, slow:
        program.says({"lm": {"licence": 0}})
    names = [f"q{i}" for i in range(8)]
    a = anteroom(queues(slow=slow.queue(), **{name: quick.queue(poll="100ms") for name in names}))
    for name in ["slow", *names]:
        create(a, "a", name)
    a.dispatch()
    assert len(names) <= quick.counted() <= 2 * len(names) and 1 <= slow.counted() <= 2


def test_a_source_that_says_too_much_keeps_no_other_queue_waiting(anteroom, program):
    """A table of so many hosts and resources has no room in a pass: that is a failed reading, not a failed pass."""
    program.says({f"h{i}": {f"r{i}": 1} for i in range(20000)})
    a = anteroom(queues(lab=program.queue(), vm=cloud.queue({"n": {"VCPU": 4}})))
    create(a, "a")
    a.dispatch()
    assert cloud.reason(a, "a")[0] == "SourceUnavailable"


def test_readings_that_a_locked_database_spoiled_are_made_again(anteroom, program):
    program.says({"lm": {"licence": (1, 1)}})
    a = anteroom(queues(lab=program.queue()))
    create(a, "a")
    a.start_dispatcher()
    wait_until(lambda: "0 of 1 are free" in (cloud.reason(a, "a")[1] or ""), what="the reason")
    with open(f"{a.db_path}.lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        program.says({"lm": {"licence": 1}})
        wait_until(lambda: "event=pass code=" in a.dispatcher.log(), timeout=30, what="the fault")
        first, runs = turns(a.dispatcher.pid), program.counted()
    a.wait_status("a", "running", "lab")
    assert program.counted() > runs
    assert turns(a.dispatcher.pid) - first < 1000
