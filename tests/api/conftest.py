# SPDX-License-Identifier: MIT
"""Fixtures: an Anteroom that runs, and somebody to be called back. Everything they start is stopped after the test."""
import contextlib
import os
import pathlib
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
pytest.register_assert_rewrite("contract", "harness", "receiver")

import harness  # noqa: E402
import receiver as receiver_module  # noqa: E402


def pytest_report_header():
    return f"binaries: {os.path.relpath(harness.BIN, harness.ROOT)}"


def pytest_sessionstart():
    for name in ("anteroom.fcgi", "anteroom-dispatch"):
        if not os.access(harness.BIN / name, os.X_OK):
            pytest.exit(f"{harness.BIN / name} is missing: build it first (make bins)", returncode=2)


@contextlib.contextmanager
def factory(tmp_path_factory):
    """make(config=None, dispatcher=False, env=None, nginx_extra=("", ""), start=True) -> harness.Anteroom"""
    made = []

    def make(config=None, dispatcher=False, env=None, nginx_extra=("", ""), start=True):
        a = harness.Anteroom(pathlib.Path(tmp_path_factory.mktemp("anteroom")), config, env)
        made.append(a)
        if start:
            a.start(dispatcher, nginx_extra)
        return a

    yield make
    faults = []
    for a in made:
        try:
            a.stop()
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)


@pytest.fixture
def anteroom(tmp_path_factory):
    """A factory: a = anteroom(); a.get("/v1/vm/")."""
    with factory(tmp_path_factory) as make:
        yield make


@pytest.fixture(scope="module")
def shared_anteroom(tmp_path_factory):
    """The same for a whole module: for tests that can live with each other's jobs."""
    with factory(tmp_path_factory) as make:
        yield make


@pytest.fixture
def receiver():
    """A web server to be called back: receiver.url("path"), receiver.script("path", [500, 200]), receiver.wait(2)."""
    r = receiver_module.Receiver()
    yield r
    r.close()
