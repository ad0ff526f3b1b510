# SPDX-License-Identifier: MIT
"""anteroom queues, capacity, pause, unpause: what the API says, on the host."""
import json
import re

import pytest

from cloud import create, lab, queue, reason, states
from harness import wait_until


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom({"queues": {"lab": queue({"n1": {"gpu": 4}, "n2": {"gpu": 4, "cpu": 8}}), "idle": {"capacity": "none"},
                                    "shop": queue({"n": {"gpu": 1}})}})
    for i in range(6):
        create(a, f"j{i}", 2)
    create(a, "s", 1, type="shop", callback="cb-s")
    a.dispatch()
    return a


def rows(text):
    """Of a table: {first cell: the others}."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}


def test_queues_are_those_of_the_api(a):
    assert json.loads(a.command("queues", "--json").stdout) == a.get("/queues/").data
    table = rows(a.command("queues").stdout)
    assert table["TYPE"][:5] == ["QUEUED", "HELD", "ADMITTED", "RUNNING", "OVER"]
    assert table["lab"][:5] == ["2", "0", "0", "4", "0"] and table["lab"][-2:] == ["static", "ok"]
    assert table["shop"][:5] == ["0", "0", "0", "1", "0"]
    assert table["idle"][-4:] == ["no", "source", "of", "capacity"]


def test_capacity_is_that_of_the_api(a):
    assert json.loads(a.command("capacity", "lab", "--json").stdout) == a.get("/queues/lab/capacity").data
    assert json.loads(a.command("capacity", "--json").stdout) == [a.get(f"/queues/{t}/capacity").data for t in ("lab", "shop")]
    assert json.loads(a.command("capacity", "other", "--json").stdout) == a.get("/queues/other/capacity").data


def test_capacity_by_pool_and_by_host(a):
    said = a.command("capacity").stdout
    assert said.splitlines()[0] == "lab: static" and "\n\nshop: static\n" in said
    lines = [line.split() for line in a.command("capacity", "lab").stdout.splitlines()]
    assert lines == [["lab:", "static"], ["POOL", "HOSTS", "RESOURCE", "TOTAL", "USED", "HELD", "FREE"],
                     ["main", "2", "cpu", "8", "0", "0", "8"], ["main", "2", "gpu", "8", "0", "8", "0"]]
    lines = [line.split() for line in a.command("capacity", "lab", "--hosts").stdout.splitlines()]
    assert lines[1] == ["HOST", "POOLS", "RESOURCE", "TOTAL", "USED", "HELD", "FREE"]
    assert lines[2:] == [["n1", "main", "gpu", "4", "0", "4", "0"], ["n2", "main", "cpu", "8", "0", "0", "8"],
                         ["n2", "main", "gpu", "4", "0", "4", "0"]]
    assert a.command("capacity", "idle").stdout == "idle: none\n"


def test_a_source_that_fails_is_told_and_what_was_read_before_is_shown(anteroom):
    a = anteroom(start=False)
    a.config = {"queues": {"lab": {"capacity": "exec", "program": ["/bin/sh", "-c", "cat reading.json"]}}}
    (a.dir / "reading.json").write_text('{"hosts": {"n": {"total": {"gpu": 3}}}, "pools": {"p": {"hosts": ["n"]}, "q": {"hosts": ["n"]}}}')
    a.start()
    assert "not read yet" in a.command("capacity", "lab").stdout and "not read yet" in a.command("queues").stdout
    a.dispatch()
    said = a.command("capacity", "lab", "--hosts").stdout.splitlines()
    assert re.fullmatch("lab: exec, read (now|\\d+ s ago)", said[0]), said
    assert said[2].split() == ["n", "p,", "q", "gpu", "3", "0", "0", "3"]
    assert re.search("exec +read (now|\\d+ s ago)$", a.command("queues").stdout, re.M)
    (a.dir / "reading.json").write_text("nothing")
    a.dispatch()
    said = a.command("capacity", "lab").stdout
    assert "the last reading failed: " in said and "  3  " in said
    error = json.loads(a.command("queues", "--json").stdout)[0]["Source"]["Error"]
    assert error and re.search(f"exec +{re.escape(error[:20])}", a.command("queues").stdout)


def test_where_no_queue_has_a_source_there_is_no_capacity(anteroom):
    a = anteroom({"queues": {"vm": {"capacity": "none"}}})
    assert a.command("capacity").stdout == "no queue has a source of capacity\n"
    assert json.loads(a.command("capacity", "--json").stdout) == []


def test_a_paused_queue_waits_and_the_dispatcher_hears_when_it_goes_on(anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}))
    assert a.command("pause", "lab").stdout == "lab: paused\n"
    assert a.command("pause", "lab").stdout == "lab: already paused\n"
    create(a, "j", 1)
    assert reason(a, "j")[0] == "QueuePaused" and rows(a.command("queues").stdout)["lab"][-1] == "paused"
    a.start_dispatcher()
    assert states(a) == {"j": "queued"}
    assert json.loads(a.command("unpause", "lab", "--json").stdout) == {"Type": "lab", "Paused": False, "Changed": True}
    wait_until(lambda: states(a) == {"j": "running"}, what="an admission")
    assert a.command("unpause", "never").stdout == "never: already not paused\n"


def test_who_paused_a_queue_stands_in_the_log(anteroom):
    a = anteroom({**lab({"n": {"gpu": 4}}), "log_file": "all.log"}, start=False)
    a.write_config()
    a.command("pause", "lab")
    a.command("pause", "lab")
    a.command("unpause", "lab")
    lines = (a.dir / "all.log").read_text().splitlines()
    assert len(lines) == 2 and 'event=queue type="lab" paused=true who="operator:' in lines[0] and "paused=false" in lines[1]


@pytest.mark.parametrize("args", [["queues", "x"], ["queues", "--x"], ["capacity", "a", "b"], ["capacity", ".."], ["pause"],
                                  ["pause", "a", "b"], ["pause", ""], ["unpause", "a\nb"], ["top", "x"],
                                  ["top", "--interval", "x"], ["top", "--interval", "1ms"], ["top", "--interval", "2d"]])
def test_wrong_usage(a, args):
    assert f"anteroom {args[0]}: " in a.command(*args, code=2).stderr
