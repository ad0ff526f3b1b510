# SPDX-License-Identifier: MIT
"""What exceeds every empty host is told so: by the pass, and from the first reading on when it is posted."""
import pytest

from cloud import change, create, lab, need, reason, show


@pytest.fixture
def read(anteroom):
    """After a first pass, which has left its reading in the database."""
    a = anteroom(lab(pools={"small": {"hosts": {"n1": {"gpu": 4, "memory": 8}, "n2": {"gpu": 8, "memory": 4}}},
                            "large": {"hosts": {"n3": {"gpu": 16, "memory": 16}}}}))
    a.dispatch()
    return a


@pytest.mark.parametrize("demand, pool", [
    ([17], None), ([{"gpu": 9}], "small"), ([{"gpu": 8, "memory": 8}], "small"), ([1, 1, 9], "small"), ([{"qubit": 1}], None),
])
def test_it_is_said_at_create(read, demand, pool):
    job = create(read, "j", *demand, pool=pool)
    assert (job["Status"], job["Reason"]) == ("queued", "NeverFits") and job["Message"]
    read.dispatch()
    assert reason(read, "j")[0] == "NeverFits" and show(read, "j")["Status"] == "queued"


@pytest.mark.parametrize("demand, pool", [([16], None), ([{"gpu": 8, "memory": 4}], "small"), ([{"gpu": 4, "memory": 8}], "small")])
def test_what_fits_an_empty_host_is_not_refused(read, demand, pool):
    assert create(read, "j", *demand, pool=pool)["Reason"] == "WaitingForCapacity"
    read.dispatch()
    assert show(read, "j")["Status"] == "running"


def test_many_that_fit_one_by_one_but_never_together_are_told_by_the_pass(read):
    create(read, "j", {"gpu": 16, "count": 2})
    read.dispatch()
    word, text = reason(read, "j")
    assert word == "NeverFits"
    assert text == "needs 32 gpu; its 3 hosts have 28 in all"


def test_before_the_first_pass_nothing_is_known_yet(anteroom):
    a = anteroom(lab({"n1": {"gpu": 4}}))
    assert create(a, "j", 5)["Reason"] == "WaitingForCapacity"
    a.dispatch()
    assert reason(a, "j") == ("NeverFits", "needs 5 gpu; its 1 host has 4 in all")


def test_it_is_judged_by_the_empty_hosts_and_not_by_what_is_free(read):
    create(read, "all", 16)
    read.dispatch()
    assert create(read, "next", 16)["Reason"] == "WaitingForCapacity"
    read.dispatch()
    assert reason(read, "next")[0] == "WaitingForCapacity"


def test_a_missing_resource_is_named(read):
    create(read, "j", {"gpu": 1, "qubit": 2})
    read.dispatch()
    assert reason(read, "j") == ("NeverFits", "needs qubit, which no host of this queue has")


def test_new_hosts_or_a_smaller_demand_end_it(read):
    create(read, "changed", 17)
    create(read, "grown", 20)
    read.dispatch()
    change(read, "changed", data=need({"gpu": 3, "memory": 1}))
    assert reason(read, "changed")[0] == "WaitingForCapacity"
    read.write_config(lab({"n3": {"gpu": 16, "memory": 16}, "n4": {"gpu": 20}}))
    read.restart_fcgi()
    read.dispatch()
    assert [show(read, n)["Status"] for n in ("changed", "grown")] == ["running", "running"]
    assert create(read, "next", 19)["Reason"] == "WaitingForCapacity"
