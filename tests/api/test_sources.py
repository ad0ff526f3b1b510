# SPDX-License-Identifier: MIT
"""Sources that ask somebody else, the whole way from a reading to a callback: by programs that the tests control."""
import json
import os
import pathlib
import re
import signal

import pytest

import cloud
from harness import wait_until
from sources import Program, queues


@pytest.fixture
def program(tmp_path):
    p = Program(tmp_path)
    p.says({"lm": {"licence": 2}})
    return p


def create(a, request_id, licences=1, type="lab", **data):
    instances = [{"licence": licences}]
    return a.create(request_id, type, data={"instances": instances, **data}, callback=f"cb-{type}-{request_id}")


def running(a, type="lab"):
    return sorted(r for r, status in cloud.states(a, type).items() if status == "running")


def test_a_job_waits_for_what_the_program_says_and_is_called_when_it_is_free(anteroom, program):
    program.says({"lm": {"licence": (2, 2)}})
    a = anteroom(queues(lab=program.queue()))
    create(a, "a")
    a.start_dispatcher()
    wait_until(lambda: "0 of 2 are free on its 1 host" in (cloud.reason(a, "a")[1] or ""), what="the reason")
    assert cloud.reason(a, "a")[0] == "WaitingForCapacity"
    program.says({"lm": {"licence": (2, 1)}})
    a.wait_status("a", "running", "lab")
    assert cloud.show(a, "a")["Hosts"] == {"lm": 1}


def test_a_single_pass_waits_for_its_sources(anteroom, program):
    a = anteroom(queues(lab=program.queue()))
    for name in "abc":
        create(a, name)
    done = a.dispatch()
    assert running(a) == ["a", "b"] and "admitted=2" in done.stderr
    assert program.counted() == 1


def test_a_document_without_hosts_serves_all_and_has_no_host(anteroom, program):
    program.says({})
    a = anteroom(queues(vm=program.queue()))
    a.create("j", data={"instances": [{"VCPU": 1}], "project": "blue"})
    a.dispatch()
    assert cloud.reason(a, "j", "vm") == ("NoPool", 'no pool of this queue that serves the project "blue" has a host')


def test_hosts_of_kube_take_110_pods_unless_the_document_says_how_many(anteroom, program):
    program.says({"n1": {"cpu": "200"}, "n2": {"cpu": 200, "pods": 5}})
    a = anteroom(queues(kube=program.queue()))
    for name, count in ("all", 115), ("more", 1):
        a.create(name, "kube", data={"namespace": "ns", "pods": [{"count": count, "requests": {"cpu": "500m"}}]})
    a.dispatch()
    assert cloud.show(a, "all", "kube")["Hosts"] == {"n1": 110, "n2": 5}
    assert cloud.reason(a, "more", "kube") == ("WaitingForCapacity", "needs 1 pods; 0 of 115 are free on its 2 hosts")


def test_a_source_that_hangs_delays_nobody_else_and_then_says_so(anteroom, tmp_path, program):
    slow = Program(tmp_path, "slow", before="exec sleep 3600")
    conf = {"lab": program.queue(), "slow": slow.queue(timeout="10m"), "vm": cloud.queue({"n": {"VCPU": 4}})}
    a = anteroom(queues(**conf))
    create(a, "stuck", type="slow")
    a.start_dispatcher()
    wait_until(slow.counted, what="the slow program's start")
    create(a, "a")
    a.wait_status("a", "running", "lab")
    assert cloud.reason(a, "stuck", "slow")[0] == "WaitingForCapacity"  # nobody knows better yet
    assert a.dispatcher.stop() == 0
    a.write_config(queues(**{**conf, "slow": slow.queue(timeout="1s")}))
    a.start_dispatcher()
    wait_until(lambda: cloud.reason(a, "stuck", "slow")[0] == "SourceUnavailable", what="the reason")
    assert re.search(r"slow\.sh was killed after [\d.]+ s$", cloud.reason(a, "stuck", "slow")[1])
    assert a.status("stuck", "slow") == "queued"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_while_a_source_hangs_and_leaves_no_child(anteroom, tmp_path, number):
    pid_file = tmp_path / "pid"
    slow = Program(tmp_path, "slow", before=f"echo $$ >{pid_file}; exec sleep 3600")
    a = anteroom(queues(lab=slow.queue(timeout="10m")))
    create(a, "a")
    a.start_dispatcher()
    pid = int(wait_until(lambda: pid_file.exists() and pid_file.read_text(), what="the program's start"))
    assert a.dispatcher.stop(number) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_source_that_fails_admits_nobody_and_comes_back(anteroom, program):
    a = anteroom(queues(lab=program.queue()))
    program.writes("no JSON")
    create(a, "a")
    a.start_dispatcher()
    wait_until(lambda: cloud.reason(a, "a")[0] == "SourceUnavailable", what="the reason")
    assert "the source of capacity could not be read" in cloud.reason(a, "a")[1]
    assert a.status("a", "lab") == "queued"
    program.says({"lm": {"licence": 1}})
    a.wait_status("a", "running", "lab")
    log = a.dispatcher.log()
    assert log.count("event=source queue=\"lab\" error=") == 1 and "event=source queue=\"lab\" state=good" in log


def test_what_is_too_old_admits_nobody(anteroom, program):
    program.says({"lm": {"licence": 5}}, at="2026-01-01T00:00:00Z")
    a = anteroom(queues(lab=program.queue(max_age="5m")))
    create(a, "a")
    a.dispatch()
    assert cloud.reason(a, "a")[0] == "SourceUnavailable" and "stale" in cloud.reason(a, "a")[1]


@pytest.mark.parametrize("hosts, word", [
    ({"lm": {"total": {"licence": -1}}}, "licence"),
    ({"lm": {"total": {"licence": 9007199254740993}}}, "licence"),
    ({"lm": {"total": {"licence": 1}, "used": {"seat": 1}}}, "seat"),
])
def test_what_cannot_be_is_no_reading(anteroom, program, hosts, word):
    program.writes(json.dumps({"hosts": hosts}))
    a = anteroom(queues(lab=program.queue()))
    create(a, "a")
    a.dispatch()
    assert cloud.reason(a, "a")[0] == "SourceUnavailable" and word in cloud.reason(a, "a")[1]


def test_the_program_is_handed_the_constraints_of_its_types_rules(anteroom, program):
    a = anteroom(queues(vm=program.queue()))
    a.create("j", data={"project": "p", "instances": [{"VCPU": 1, "traits": ["HW_X"]}]}, callback="cb-j")
    a.dispatch()
    assert json.loads(program.input.read_text())["waiting"][0]["instances"][0]["constraint"] == {"traits": ["HW_X"]}


def test_the_program_is_handed_what_waits(anteroom, program):
    a = anteroom(queues(lab=program.queue()))
    first = create(a, "a", 5)
    create(a, "b", 5)
    create(a, "c", 7, pool="p")
    a.dispatch()
    handed = json.loads(program.input.read_text())
    assert handed["queue"] == "lab" and handed["more"] is False
    groups = {g["scope"]: g for g in handed["waiting"]}
    assert groups[""]["first"] == first["ID"] and groups[""]["type"] == "lab" and groups[""]["since"] == first["CreatedAt"]
    assert groups[""]["instances"] == [{"count": 1, "resources": {"licence": 5}}]
    assert groups["pool:p"]["instances"] == [{"count": 1, "resources": {"licence": 7}}]


# Holds -----------------------------------------------------------------------------------------------------------------


def test_a_ledger_holds_until_the_job_ends(anteroom, program):
    a = anteroom(queues(lab=program.queue()))
    for name in "abc":
        create(a, name)
    a.dispatch()
    cloud.change(a, "a", status="running")  # a confirmation changes nothing here
    a.dispatch()
    assert running(a) == ["a", "b"]
    cloud.change(a, "a", status="finished")
    a.dispatch()
    assert running(a) == ["b", "c"]


def test_an_observed_source_is_believed_once_the_client_confirms(anteroom, program):
    """Until then the hold counts beside what the source says is used."""
    a = anteroom(queues(lab=program.queue(accounting="observed", settle="1h")))
    for name in "abc":
        create(a, name)
    a.dispatch()
    assert running(a) == ["a", "b"]
    a.dispatch()
    assert running(a) == ["a", "b"]
    program.says({"lm": {"licence": (2, 1)}})  # a's use is seen, and b's hold is still there
    cloud.change(a, "a", status="running")
    a.dispatch()
    assert running(a) == ["a", "b"]
    program.says({"lm": {"licence": (2, 0)}})  # a has given it back
    a.dispatch()
    assert running(a) == ["a", "b", "c"]


def test_an_observed_source_is_believed_after_it_has_settled(anteroom, program):
    a = anteroom(queues(lab=program.queue(accounting="observed", settle="300ms", poll="100ms")))
    for name in "abc":
        create(a, name)
    a.start_dispatcher()
    a.wait_status("c", "running", "lab")  # the source never saw what a and b use: it is the operator's to be right


def test_a_reading_that_was_begun_before_a_job_ended_does_not_free_it(anteroom, tmp_path):
    """The client says finished while the program is at work: what it then says may be older than the client's use."""
    gate = tmp_path / "gate"
    program = Program(tmp_path, before=f"while [ -e {gate} ]; do sleep 0.05; done")
    program.says({"lm": {"licence": 1}})
    a = anteroom(queues(lab=program.queue(accounting="observed", settle="1h", poll="1h")))
    create(a, "a")
    a.dispatch()
    assert running(a) == ["a"]
    create(a, "b")
    gate.touch()
    before = program.counted()
    a.start_dispatcher()
    wait_until(lambda: program.counted() > before, what="the program's start")
    cloud.change(a, "a", status="finished")
    gate.unlink()
    a.wait_status("b", "running", "lab")  # by the reading after it
    assert program.counted() >= before + 2


def test_two_queues_of_one_source_promise_nothing_twice(anteroom, program):
    a = anteroom(queues(lab=program.queue(), night=program.queue()))
    for name in "ab":
        create(a, name)
        create(a, name, type="night")
    a.dispatch()
    assert len(running(a) + running(a, "night")) == 2
    a.dispatch()
    assert len(running(a) + running(a, "night")) == 2
    for name in running(a):
        cloud.change(a, name, status="finished")
    a.dispatch()
    assert len(running(a) + running(a, "night")) == 2


def test_holds_follow_the_configuration(anteroom, program):
    """A queue that comes to share a source, and a type that gets an entry of its own, keep what their jobs hold."""
    a = anteroom(queues(lab=program.queue()))
    create(a, "a")
    a.dispatch()
    a.write_config(queues(lab=program.queue(), again=program.queue()))  # the account is now that of `again`
    a.restart_fcgi()
    create(a, "b", type="again")
    create(a, "c", type="again")
    a.dispatch()
    assert (running(a), len(running(a, "again"))) == (["a"], 1)


def test_holds_of_a_type_that_gets_an_entry_of_its_own_still_count(anteroom, program):
    a = anteroom(queues(**{"*": program.queue()}))
    create(a, "a", 2)
    a.dispatch()
    assert running(a) == ["a"]
    a.write_config(queues(lab=program.queue(), **{"*": {"capacity": "none"}}))
    a.restart_fcgi()
    create(a, "b", 1)
    a.dispatch()
    assert running(a) == ["a"]


# Quotas ----------------------------------------------------------------------------------------------------------------


def test_a_quota_is_a_second_gate(anteroom, program):
    program.says({"lm": {"licence": 10}}, quotas={"p": {"seats": {"limit": 3, "used": 1, "resource": "licence"}}})
    a = anteroom(queues(vm=program.queue()))

    def vm(name, project, licences=1):
        a.create(name, "vm", data={"project": project, "instances": [{"VCPU": 0, "LICENCE": licences}]}, callback=f"cb-{name}")

    program.says({"lm": {"LICENCE": 10}}, quotas={"p": {"seats": {"limit": 3, "used": 1, "resource": "LICENCE"}}})
    vm("a", "p")
    vm("big", "p", 4)
    vm("b", "p")
    vm("c", "p")
    vm("other", "q", 5)
    a.dispatch()
    assert running(a, "vm") == ["a", "b", "other"]  # two of p's three were left; q has no quota
    assert cloud.reason(a, "c", "vm") == ("QuotaExceeded", 'the quota of the project "p": seats: needs 1, and 0 of 3 are left')
    assert cloud.reason(a, "big", "vm")[0] == "QuotaExceeded"
    cloud.change(a, "a", "vm", status="finished")
    a.dispatch()
    assert running(a, "vm") == ["b", "c", "other"]


def test_a_large_job_gets_its_quota_in_the_end(anteroom, program):
    """Found by review: small jobs of the same project passed it for ever, whatever `overtake` said."""
    program.says({"lm": {"LICENCE": 10}}, quotas={"p": {"seats": {"limit": 4, "used": 0, "resource": "LICENCE"}}})
    a = anteroom(queues(vm=program.queue(overtake=0)))

    def vm(name, project, licences=1):
        a.create(name, "vm", data={"project": project, "instances": [{"VCPU": 0, "LICENCE": licences}]}, callback=f"cb-{name}")

    vm("a", "p")
    vm("large", "p", 4)
    vm("b", "p")
    vm("other", "q")
    a.dispatch()
    assert running(a, "vm") == ["a", "other"]
    assert cloud.reason(a, "large", "vm")[0] == "QuotaExceeded"
    assert cloud.reason(a, "b", "vm") == (
        "BlockedByOlder", "job 2 came first, cannot run yet, and is kept what it needs: seats of the project's quota")
    cloud.change(a, "a", "vm", status="finished")
    a.dispatch()
    assert running(a, "vm") == ["large", "other"]


def test_what_a_large_job_has_come_by_it_keeps_while_it_waits_for_the_rest(anteroom, program):
    """Found by review: its quota went to others while it waited for its hosts, and its hosts while it waited for its quota."""
    program.says({"n1": {"VCPU": 10}, "n2": {"VCPU": 10}}, pools={"p1": {"hosts": ["n1"]}, "p2": {"hosts": ["n2"]}},
                 quotas={"blue": {"cores": {"limit": 10, "resource": "VCPU"}}})
    a = anteroom(queues(vm=program.queue(overtake=0)))

    def vm(name, project, pool, cpus):
        a.create(name, "vm", callback=f"cb-{name}",
                 data={"project": project, "host_aggregate": pool, "instances": [{"VCPU": cpus}]})

    vm("green0", "green", "p1", 10)
    vm("blue0", "blue", "p2", 5)
    a.dispatch()
    vm("large", "blue", "p1", 10)
    for i in (1, 2):
        vm(f"green{i}", "green", "p1", 10)
        vm(f"blue{i}", "blue", "p2", 5)
    cloud.change(a, "green0", "vm", status="finished")
    a.dispatch()  # short of quota it holds no hosts
    assert running(a, "vm") == ["blue0", "green1"] and cloud.reason(a, "large", "vm")[0] == "QuotaExceeded"
    cloud.change(a, "blue0", "vm", status="finished")
    a.dispatch()
    assert running(a, "vm") == ["green1"] and cloud.reason(a, "large", "vm")[0] == "WaitingForCapacity"
    assert cloud.reason(a, "blue1", "vm")[1] == "job 3 came first, cannot run yet, and is kept what it needs: cores of the project's quota"
    cloud.change(a, "green1", "vm", status="finished")
    a.dispatch()
    assert running(a, "vm") == ["large"]


# Seeing it -------------------------------------------------------------------------------------------------------------


def test_capacity_as_a_table_and_as_json(anteroom, program):
    program.says({"a-host": {"licence": (8, 3)}, "b": {"licence": (1, 2), "seat": 4}},
                 pools={"p": {"hosts": ["a-host"], "projects": ["x"]}, "q": {"hosts": ["a-host", "b"]}})
    a = anteroom(queues(lab=program.queue()))
    create(a, "a", 2, pool="p")
    a.dispatch()
    lines = a.dispatch("--capacity").stdout.splitlines()
    assert lines[0] == "queue lab: exec, hosts 2, pools 2"
    assert [line.split() for line in lines[1:5]] == [
        ["POOLS", "HOST", "RESOURCE", "TOTAL", "USED", "HELD", "FREE"],
        ["p,q", "a-host", "licence", "8", "3", "2", "3"],
        ["q", "b", "licence", "1", "2", "0", "0"],
        ["q", "b", "seat", "4", "0", "0", "4"]]
    queue = json.loads(a.dispatch("--capacity", "--json").stdout)[0]
    assert (queue["Type"], queue["Source"], queue["Error"]) == ("lab", "exec", None)
    assert queue["Hosts"][0] == {"Name": "a-host", "Pools": ["p", "q"],
                                 "Resources": {"licence": {"Total": 8, "Used": 3, "Held": 2, "Free": 3}}}
    assert queue["Pools"][0] == {"Name": "p", "Open": False, "Projects": ["x"], "Hosts": 1, "Unread": 0}


def test_capacity_without_a_database_does_not_know_what_is_held(anteroom, program):
    a = anteroom(queues(lab=program.queue()), start=False)
    a.write_config()
    assert a.dispatch("--capacity").stdout.splitlines()[2].split() == ["all", "lm", "licence", "2", "0", "?", "2"]
    assert json.loads(a.dispatch("--capacity", "--json").stdout)[0]["Hosts"][0]["Resources"]["licence"]["Held"] is None


def test_a_host_of_many_pools_names_as_many_as_go_into_its_cell(anteroom, program):
    program.says({"h": {"licence": 1}}, pools={f"pool-{i:02}": {"hosts": ["h"]} for i in range(20)})
    a = anteroom(queues(lab=program.queue()))
    cell = a.dispatch("--capacity").stdout.splitlines()[2].split()[0]
    assert cell.startswith("pool-00,pool-01,") and cell.endswith(",...") and len(cell) < 64


def test_capacity_says_which_source_could_not_be_read(anteroom, program):
    program.writes("")
    a = anteroom(queues(lab=program.queue()))
    done = a.dispatch("--capacity", code=1)
    assert done.stdout.startswith("queue lab: exec: ") and "1 sources could not be read" in done.stderr
    assert json.loads(a.dispatch("--capacity", "--json", code=1).stdout)[0]["Error"]


def test_check_says_what_it_reached_and_how_long_it_took(anteroom, program):
    a = anteroom(queues(lab=program.queue()))
    lines = a.dispatch("--check").stdout.splitlines()
    assert any(line.startswith("queue lab: exec: ok, hosts 1, pools 1, ") and line.endswith(" ms") for line in lines)
    program.path.unlink()
    assert "No such file" in a.dispatch("--check", code=1).stdout


def test_a_rehearsal_reads_the_sources_and_writes_nothing(anteroom, program):
    a = anteroom(queues(lab=program.queue()))
    create(a, "a")
    create(a, "b", 9)
    lines = a.dispatch("--dry-run").stdout.splitlines()
    assert lines[0].startswith("admit ") and '{"lm":1}' in lines[0] and "NeverFits" in lines[1]
    assert cloud.states(a) == {"a": "queued", "b": "queued"}


def test_no_core_file_can_hold_a_secret(anteroom, program):
    a = anteroom(queues(lab=program.queue()), start=False)
    a.write_config()
    a.start_dispatcher()
    limits = pathlib.Path(f"/proc/{a.dispatcher.popen.pid}/limits").read_text()
    line, = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]
