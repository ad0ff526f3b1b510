# SPDX-License-Identifier: MIT
"""The measure of the other files here: a test that did fewer rounds than it says would show nothing."""
import pytest

import soak


@pytest.fixture(autouse=True)
def own_clock(monkeypatch, tmp_path):
    monkeypatch.setattr(soak, "clock", dict(soak.clock))
    monkeypatch.setattr(soak, "FIGURES", tmp_path / "figures.txt")
    monkeypatch.setattr(soak, "shown", [])


def test_a_short_form_is_as_long_as_it_says(monkeypatch):
    monkeypatch.delenv("ANTEROOM_SOAK", raising=False)
    assert list(soak.rounds(3, 5)) == [0, 1, 2]


def test_a_long_form_ends_with_its_rounds_or_with_its_time_and_has_one_at_least(monkeypatch):
    monkeypatch.setenv("ANTEROOM_SOAK", "1000")
    assert list(soak.rounds(3, 5)) == [0, 1, 2, 3, 4]
    soak.figure("All", "5 of 5")
    times = iter([0.0, 999.9, 1000.1, 1000.2, 1000.3])
    monkeypatch.setattr(soak.time, "monotonic", lambda: next(times))
    soak.begin()
    assert list(soak.rounds(3, 5)) == [0, 1]
    assert list(soak.rounds(3, 5)) == [0]  # the time is the test's, not each loop's
    soak.figure("Some", "3 of 10")
    assert soak.shown == ["All: 5 of 5", "Some: 3 of 10; then the time was up"]
    assert soak.FIGURES.read_text().splitlines() == soak.shown


def test_a_long_form_has_a_seed_of_its_own_that_its_figure_says_and_that_repeats_it(monkeypatch, capsys):
    monkeypatch.delenv("ANTEROOM_SEED", raising=False)
    monkeypatch.setenv("ANTEROOM_SOAK", "1000")
    seeds = set()
    for _ in range(3):
        soak.begin()
        seeds.add(soak.seed())
        assert soak.seed() in seeds  # one for all of a test
    assert len(seeds) == 3
    soak.figure("Some", "3 of 10")
    said = f"ANTEROOM_SEED={soak.seed()}"
    assert soak.shown == [f"Some: 3 of 10; {said}"] and said in capsys.readouterr().out.splitlines()
    monkeypatch.setenv("ANTEROOM_SEED", "77")
    soak.begin()
    assert soak.seed() == 77


def test_short_forms_are_the_same_each_time(monkeypatch):
    monkeypatch.delenv("ANTEROOM_SEED", raising=False)
    monkeypatch.delenv("ANTEROOM_SOAK", raising=False)
    seeds = set()
    for _ in range(2):
        soak.begin()
        seeds.add(soak.seed())
    soak.figure("Some", "all")
    assert len(seeds) == 1 and soak.shown == ["Some: all"]
