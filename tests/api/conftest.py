# SPDX-License-Identifier: MIT
"""Fixtures: an Anteroom that runs, and somebody to be called back. Everything they start is stopped after the test."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
pytest.register_assert_rewrite("contract", "harness", "receiver")

import harness  # noqa: E402
import openapi  # noqa: E402
import receiver as receiver_module  # noqa: E402


def pytest_report_header():
    return f"binaries: {os.path.relpath(harness.BIN, harness.ROOT)}"


def pytest_sessionstart():
    for name in ("anteroom.fcgi", "anteroom-dispatch", "anteroom"):
        if not os.access(harness.BIN / name, os.X_OK):
            pytest.exit(f"{harness.BIN / name} is missing: build it first (make bins)", returncode=2)


@pytest.fixture(autouse=True)
def as_documented():
    """Whatever was answered meanwhile, and every callback, is as fcgi/openapi.json says."""
    yield
    openapi.check()


@pytest.fixture
def anteroom(tmp_path_factory):
    """A factory: a = anteroom(); a.get("/v1/vm/")."""
    with harness.factory(tmp_path_factory) as make:
        yield make


@pytest.fixture(scope="module")
def shared_anteroom(tmp_path_factory):
    """The same for a whole module: for tests that can live with each other's jobs."""
    with harness.factory(tmp_path_factory) as make:
        yield make


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """One browser for all tests of a module; use `browser`."""
    import browser  # only who uses it needs Selenium
    b = browser.Browser(tmp_path_factory.mktemp("chromium"))
    yield b
    b.close()


@pytest.fixture
def browser(chromium, anteroom):
    """A browser; what a page complains of in its console fails the test. See browser.py. It leaves before what it looks at."""
    yield chromium
    chromium.reset()


@pytest.fixture
def receiver():
    """A web server to be called back: receiver.url("path"), receiver.script("path", [500, 200]), receiver.wait(2)."""
    r = receiver_module.Receiver()
    yield r
    r.close()
