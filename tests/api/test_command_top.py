# SPDX-License-Identifier: MIT
"""anteroom top: live on a terminal, which it gives back as it was; one frame everywhere else."""
import json
import pathlib
import re
import signal

import pytest

from cloud import create, lab
from harness import wait_until
from terminal import terminal

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom(lab({"n": {"gpu": 4}}))
    for i in range(9):
        create(a, f"j{i}", 2)
    a.dispatch()
    return a


def test_one_frame_for_a_pipe(a):
    said = a.command("top").stdout
    ages = r"\d+ s"  # which go on
    assert re.sub(ages, "", said) == re.sub(ages, "", a.command("top", "--once").stdout)
    assert re.search(r" j2 +\S+ +\d+ s +WaitingForCapacity ", said)
    assert "\x1b" not in said
    lines = [line.split() for line in said.splitlines()]
    assert lines[0][0] == "anteroom" and ["7", "waiting,", "0", "admitted,", "2", "running"] in lines
    assert [line[:2] for line in lines if "WaitingForCapacity" in line][0] == ["lab", "j2"]
    assert json.loads(a.command("top", "--json").stdout) == a.get("/queues/").data


def test_it_is_live_and_gives_the_terminal_back(a):
    with terminal(a, "top", "--interval", "100ms") as t:
        t.wait_for(ENTER)
        t.wait_for("7 waiting, 0 admitted, 2 running")
        create(a, "new", 2)
        t.wait_for("8 waiting, 0 admitted, 2 running")
        t.type("x")  # some key
        assert not t.is_as_it_was()
        t.type("q")
        assert t.end(LEAVE) == 0
        assert t.output.startswith(ENTER) and t.is_as_it_was()
    a.delete("/v1/lab/new")


def test_a_key_draws_it_anew_at_once(a):
    with terminal(a, "top", "--interval", "1h") as t:
        t.wait_for("7 waiting")
        create(a, "new", 2)
        t.type(" ")
        t.wait_for("8 waiting")
        t.type("q")
        assert t.end(LEAVE) == 0
    a.delete("/v1/lab/new")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(a, number):
    with terminal(a, "top", "--interval", "1h") as t:
        t.wait_for("running")
        t.popen.send_signal(number)
        assert t.end(LEAVE) == 0 and t.is_as_it_was()


def test_ctrl_c_is_typed(a):
    with terminal(a, "top", "--interval", "1h") as t:
        t.wait_for("running")
        t.type("\x03")
        assert t.end() == 0 and t.is_as_it_was()


def test_ctrl_z_gives_the_terminal_to_the_shell_for_a_while(a):
    def stopped():
        return pathlib.Path(f"/proc/{t.popen.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    with terminal(a, "top", "--interval", "1h") as t:
        t.wait_for("running")
        t.type("\x1a")
        wait_until(stopped, what="the stop")
        t.wait_for_last(LEAVE)
        assert t.is_as_it_was()
        t.output = ""
        t.popen.send_signal(signal.SIGCONT)
        t.wait_for("running")
        assert t.output.startswith(ENTER) and not t.is_as_it_was()
        t.type("q")
        assert t.end() == 0 and t.is_as_it_was()


def test_it_follows_the_size_of_the_terminal(a):
    with terminal(a, "top", "--interval", "1h", width=160, height=40) as t:
        t.wait_for("WaitingForCapacity")
        t.text()
        t.output = ""
        t.resize(70, 12)
        t.wait_for("NEXT")
        t.type("q")
        assert t.end(LEAVE) == 0
        lines = t.text().replace(LEAVE, "").split("\x1b[H\x1b[J")[-1].splitlines()
        assert len(lines) <= 12 and all(len(line) <= 70 for line in lines), lines
        assert "…" in lines[-1]


def test_a_terminal_that_is_far_too_small_is_no_failure(a):
    with terminal(a, "top", "--interval", "1h", width=40, height=5) as t:
        t.wait_for("running")
        t.type("q")
        assert t.end() == 0
