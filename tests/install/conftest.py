# SPDX-License-Identifier: MIT
"""Fixtures: throw-away machines, and the Debian package."""
import contextlib
import os
import pathlib
import shutil
import subprocess

import pytest

from machine import ROOT, Machine

pytest.register_assert_rewrite("visitor")


def pytest_sessionstart():
    for name in ("anteroom.fcgi", "anteroom-dispatch", "anteroom"):
        if not os.access(ROOT / "build" / name, os.X_OK):
            pytest.exit(f"build/{name} is missing: build it first (make bins)", returncode=2)
    if os.getuid() != 0:
        pytest.exit("only root can make throw-away machines: sudo make test-install", returncode=2)


def host():
    """What of this machine itself must be the same afterwards."""
    nodes = {name: os.stat(f"/dev/{name}")[:6] for name in ("null", "zero", "full", "random", "urandom", "tty", "console") if os.path.exists(f"/dev/{name}")}
    texts = [pathlib.Path(name).read_bytes() for name in ("/etc/passwd", "/etc/group", "/etc/hosts", "/proc/self/mountinfo", "/proc/sys/kernel/hostname")]
    lists = [sorted(os.listdir(name)) for name in ("/usr/local/bin", "/etc/systemd/system")]
    return nodes, texts, lists


@pytest.fixture(scope="session", autouse=True)
def the_machine_itself_stays_as_it_is():
    before = host()
    yield
    assert host() == before


@pytest.fixture(scope="module")
def machine():
    """machine(): one that has booted; machine("none"): one without systemd."""
    made = []

    def make(init="systemd"):
        made.append(Machine(init))
        return made[-1]

    yield make
    for m in made:
        m.close()


@pytest.fixture(scope="session", autouse=True)
def begun_with_cron(request):
    """The two machines on which cron starts the dispatcher, begun before the first test of all: a minute passes meanwhile."""
    if not any("with_cron" in item.fixturenames for item in request.session.items):
        yield None
        return
    import test_with_cron as t
    machines = {}
    with contextlib.ExitStack() as stack:
        try:
            for name, begin in (("machine", t.begin_without_systemd), ("shared host", t.begin_on_a_shared_host)):
                machines[name] = Machine("none")
                stack.callback(machines[name].close)
                begin(machines[name])
        except AssertionError as fault:
            machines = fault
        yield machines


@pytest.fixture
def with_cron(begun_with_cron):
    if isinstance(begun_with_cron, AssertionError):
        raise begun_with_cron
    return begun_with_cron


@pytest.fixture(scope="session")
def deb():
    """The Debian package, as `make deb` leaves it."""
    subprocess.run(["make", "-s", "deb"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found = list(pathlib.Path(ROOT / "build/deb").glob("*.deb"))
    assert len(found) == 1
    return found[0]


@pytest.fixture
def scratch(tmp_path):
    yield tmp_path
    shutil.rmtree(tmp_path)
