# SPDX-License-Identifier: MIT
"""What jobs hold follows the configuration: a queue whose accounting is another one now, or that has a source now."""
import pytest

from cloud import ask, change, create, held, show, states
from sources import Program, queues

LEDGER, OBSERVED = {"accounting": "ledger"}, {"accounting": "observed", "settle": "0s"}
DAY = {"ANTEROOM_CLOCK_OFFSET": "86400"}


@pytest.fixture
def program(tmp_path):
    p = Program(tmp_path)
    p.says({"n": {"gpu": 3}})
    return p


def running(a):
    return [name for name, status in sorted(states(a).items()) if status == "running"]


def restart_with(a, queue):
    a.write_config(queues(lab=queue))
    a.restart_fcgi()


def everything(a):
    return [ask(a, sql) for sql in ("SELECT * FROM jobs ORDER BY id", "SELECT * FROM holds ORDER BY 1, 2, 3, 4, 5",
                                    "SELECT * FROM events ORDER BY 1, 2")]


def run_two(a, program):
    """Two of the three gpus of n are used: a's, and that of b, which an operator set running."""
    create(a, "a", 1)
    create(a, "b", 1)
    change(a, "b", status="running")
    a.dispatch()
    assert running(a) == ["a", "b"]


@pytest.mark.parametrize("gone", [False, True], ids=["with-its-rows", "purged"])
def test_what_was_observed_is_held_in_a_ledger_until_it_ends(anteroom, program, gone):
    a = anteroom(queues(lab=program.queue(**OBSERVED)))
    run_two(a, program)
    if gone:
        a.env.update(DAY)
        a.dispatch()
        assert held(a) == {}
    restart_with(a, program.queue(**LEDGER))
    create(a, "c", 1)
    create(a, "d", 1)
    a.dispatch()
    assert running(a) == ["a", "b", "c"] and show(a, "a")["Hosts"] == show(a, "b")["Hosts"] == {"n": 1}
    assert held(a)["n"]["gpu"] == 3
    assert ask(a, "SELECT sum(amount) FROM holds WHERE until IS NULL") == [(3,)]
    for name in "ab":
        change(a, name, status="finished")
    a.dispatch()
    assert running(a) == ["c", "d"]


def test_who_has_not_settled_yet_counts_once_in_a_ledger(anteroom, program):
    """Found by review: whom an operator had set running counted twice until its hold had ended."""
    a = anteroom(queues(lab=program.queue(accounting="observed", settle="1h")))
    run_two(a, program)
    restart_with(a, program.queue(**LEDGER))
    create(a, "c", 1)
    a.dispatch()
    assert running(a) == ["a", "b", "c"] and held(a) == {"n": {"gpu": 3}}


def test_what_was_held_in_a_ledger_is_believed_when_it_is_observed(anteroom, program):
    """Else it would count twice, and as long as it runs: as a hold, and as what the source says is used."""
    a = anteroom(queues(lab=program.queue(**LEDGER)))
    run_two(a, program)
    restart_with(a, program.queue(**OBSERVED))
    program.says({"n": {"gpu": (3, 2)}})
    create(a, "c", 1)
    create(a, "d", 1)
    a.dispatch()
    assert running(a) == ["a", "b", "c"]
    program.says({"n": {"gpu": (3, 3)}})
    a.dispatch()
    assert running(a) == ["a", "b", "c"]


def test_what_has_not_settled_yet_still_counts_when_it_is_observed(anteroom, program):
    a = anteroom(queues(lab=program.queue(**LEDGER)))
    run_two(a, program)
    change(a, "a", status="running")  # its owner's word: it is used, and can be seen
    restart_with(a, program.queue(accounting="observed", settle="1h"))
    program.says({"n": {"gpu": (3, 1)}})
    create(a, "c", 1)
    create(a, "d", 1)
    a.dispatch()
    assert running(a) == ["a", "b", "c"]  # b's counts beside what is seen


@pytest.mark.parametrize("before", [False, True], ids=["never", "once"])
def test_who_was_set_running_without_a_source_is_counted_once_there_is_one(anteroom, program, before):
    a = anteroom(queues(lab=program.queue() if before else {"capacity": "none", "callback_base": "http://127.0.0.1:@PORT@/"}))
    a.dispatch()
    if before:
        restart_with(a, {"capacity": "none", "callback_base": "http://127.0.0.1:@PORT@/"})
    for name in "ab":
        create(a, name, 1)
        change(a, name, status="running")
    a.dispatch()
    assert show(a, "a")["Hosts"] == {} and held(a) == {}
    restart_with(a, program.queue())
    create(a, "c", 2)
    create(a, "d", 1)
    a.dispatch()
    assert running(a) == ["a", "b", "d"] and show(a, "a")["Hosts"] == {"n": 1} and held(a) == {"n": {"gpu": 3}}


@pytest.mark.parametrize("accounting", [LEDGER, OBSERVED], ids=["ledger", "observed"])
def test_a_start_with_the_same_configuration_changes_nothing(anteroom, program, accounting):
    """Nor is anybody placed again who holds nothing: who asks for nothing, or for what there is nowhere."""
    a = anteroom(queues(lab=program.queue(**accounting), bare={"capacity": "none"}))
    run_two(a, program)
    create(a, "nothing", {"gpu": 0})
    for name, instance, members in (("nowhere", {"qubit": 1}, {}), ("elsewhere", 1, {"pool": "p"}), ("zero", {"gpu": 0}, {})):
        create(a, name, instance, **members)
        change(a, name, status="running")
    create(a, "bare", 1, type="bare", callback="http://127.0.0.1:@PORT@/bare".replace("@PORT@", str(a.port)))
    change(a, "bare", type="bare", status="running")
    a.dispatch()
    a.dispatch()
    before = everything(a)
    a.dispatch()
    assert everything(a) == before
