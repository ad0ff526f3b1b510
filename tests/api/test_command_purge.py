# SPDX-License-Identifier: MIT
"""anteroom purge: what retention takes, at once; told before, told after; on a terminal, how far it is."""
import json

import pytest

from cloud import ask, change, create, lab
from terminal import terminal
from test_retention import add_events, count, over, write


@pytest.fixture
def a(anteroom):
    return anteroom({**lab({"n": {"gpu": 4}}), "retention": {"jobs": "10d", "events": "5d", "deliveries": "2d"}})


def age(a, days):
    """All that is over was so many days ago."""
    write(a, f"UPDATE jobs SET finished_at = finished_at - {days} * 86400 * 1000000000 WHERE finished_at IS NOT NULL")


def dry(a, *args):
    return json.loads(a.command("purge", "--dry-run", "--json", *args).stdout)


def test_what_is_told_before_is_what_goes(a):
    over(a, [f"j{i}" for i in range(700)])
    create(a, "lives", 1)
    add_events(a, 1, 30, days=1)
    add_events(a, 701, 20, days=6)
    age(a, 11)
    told = dry(a)
    assert told == {"Jobs": 700, "Events": 50, "Deliveries": 0, "Answers": 0, "Holds": 0, "Receivers": 0}
    assert "       700 jobs that are over\n" in a.command("purge", "--dry-run").stdout
    assert count(a) == 701
    gone = json.loads(a.command("purge", "--json").stdout)
    assert gone["Jobs"] == 700 and gone["Rows"] == 750
    assert count(a) == 1 and a.status("lives", "lab") == "queued" and count(a, "events") == 0
    assert a.command("purge").stdout == "0 jobs, 0 rows in all; 0 pages given back\n"
    assert "sound" in a.command("check").stdout


def test_older_than_takes_the_place_of_the_configuration(a):
    over(a, ["a", "b"])
    create(a, "lives", 1)
    age(a, 3)
    assert dry(a)["Jobs"] == 0 and dry(a, "--older-than", "2d")["Jobs"] == 2 and dry(a, "--older-than", "4d")["Jobs"] == 0
    assert json.loads(a.command("purge", "--older-than=2d", "--json").stdout)["Jobs"] == 2
    assert count(a) == 1


def test_the_file_gets_shorter(a):
    over(a, [f"j{i}" for i in range(1000)])
    for job in range(1, 6):
        add_events(a, job, 1000, days=20)
    age(a, 11)
    [(before,)] = ask(a, "PRAGMA page_count")
    assert json.loads(a.command("purge", "--json").stdout)["Pages"] > 0
    a.stop()  # brings the log into the file
    assert a.db_path.stat().st_size < before * 4096 / 2


@pytest.mark.parametrize("args", [["--older-than", "x"], ["--older-than", "59s"], ["--older-than"], ["x"], ["--x"]])
def test_wrong_usage(a, args):
    assert a.command("purge", *args, code=2).stderr


def test_on_a_terminal_what_is_done_sooner_than_in_a_second_draws_nothing(a):
    """What takes longer is drawn: tests/unit/test_progress.c."""
    with terminal(a, "purge") as t:
        assert t.end("back\r\n") == 0
        assert t.output == "0 jobs, 0 rows in all; 0 pages given back\r\n"


def test_in_a_pipe_nothing_of_it_is_seen(a):
    change(a, create(a, "j", 1)["RequestID"], status="cancelled")
    done = a.command("purge")
    assert done.stderr == "" and "\x1b" not in done.stdout
