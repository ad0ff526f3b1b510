# SPDX-License-Identifier: MIT
"""The fixtures of tests/api, for the tests that break what the programs stand on."""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "api")]
pytest.register_assert_rewrite("contract", "cloud", "harness", "receiver", "soak")

import harness  # noqa: E402
import openapi  # noqa: E402
import receiver as receiver_module  # noqa: E402
import soak  # noqa: E402


def pytest_sessionstart():
    for name in ("anteroom.fcgi", "anteroom-dispatch", "anteroom", "fault"):
        if not (harness.BIN / name).exists():
            pytest.exit(f"{harness.BIN / name} is missing: build it first (make bins faults)", returncode=2)


def pytest_terminal_summary(terminalreporter):
    if soak.shown:
        terminalreporter.section("figures")
        for line in soak.shown:
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def as_documented():
    """Whatever was answered meanwhile, and every callback, is as fcgi/openapi.json says. And the test's time begins."""
    soak.begin()
    yield
    openapi.check()


@pytest.fixture
def anteroom(tmp_path_factory):
    """A factory: a = anteroom(); a.get("/v1/vm/"). See tests/api/harness.py."""
    with harness.factory(tmp_path_factory) as make:
        yield make


@pytest.fixture
def receiver():
    """A web server to be called back. See tests/api/receiver.py."""
    r = receiver_module.Receiver()
    yield r
    r.close()
