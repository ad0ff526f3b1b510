# SPDX-License-Identifier: MIT
"""The measure of the other files here: a test that did fewer rounds than it says would show nothing."""
import soak


def test_a_short_form_is_as_long_as_it_says(monkeypatch):
    monkeypatch.delenv("ANTEROOM_SOAK", raising=False)
    assert list(soak.rounds(3, 5)) == [0, 1, 2]


def test_a_long_form_ends_with_its_rounds_or_with_its_time_and_has_one_at_least(monkeypatch):
    monkeypatch.setenv("ANTEROOM_SOAK", "1000")
    assert list(soak.rounds(3, 5)) == [0, 1, 2, 3, 4]
    times = iter([0.0, 999.9, 1000.1, 1000.2, 1000.3])
    monkeypatch.setattr(soak.time, "monotonic", lambda: next(times))
    soak.begin()
    assert list(soak.rounds(3, 5)) == [0, 1]
    assert list(soak.rounds(3, 5)) == [0]  # the time is the test's, not each loop's
