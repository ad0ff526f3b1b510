# SPDX-License-Identifier: MIT
"""Fixtures: a real OpenStack for the whole run, clean for each test, and an Anteroom whose capacity it is."""
import json
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "api")]
pytest.register_assert_rewrite("bed", "harness", "portal", "receiver")

import bed as bed_module  # noqa: E402
import harness  # noqa: E402
import openapi  # noqa: E402
import portal as portal_module  # noqa: E402
import receiver as receiver_module  # noqa: E402


def pytest_report_header():
    return f"binaries: {os.path.relpath(harness.BIN, harness.ROOT)}"


@pytest.fixture(autouse=True)
def as_documented():
    """Whatever was answered meanwhile, and every callback, is as fcgi/openapi.json says."""
    yield
    openapi.check()


@pytest.fixture(scope="session")
def stack():
    """Started once; ANTEROOM_OPENSTACK names the directory of one that is up already (stack.py up)."""
    runs = bed_module.Runs(os.environ.get("ANTEROOM_OPENSTACK"))
    yield runs.bed
    runs.end()


@pytest.fixture
def bed(stack):
    stack.clean()
    return stack


@pytest.fixture
def anteroom(tmp_path_factory, bed):
    """anteroom(cloud="capacity", env={}, dispatcher=True, **members of the queue vm) -> harness.Anteroom"""
    made = []
    with harness.factory(tmp_path_factory) as make:
        def queue_of(cloud="capacity", env=None, dispatcher=True, **members):
            queue = {"capacity": "openstack", "poll": "1s", **({"cloud": cloud} if cloud else {}), **members}
            made.append(make({"queues": {"vm": queue}}, dispatcher, bed.environment() if env is None else env))
            return made[-1]

        yield queue_of
    for a in made:
        keeps_secrets(a, bed.secrets())


def keeps_secrets(a, secrets):
    """Passwords are in no file that it wrote, and tokens in none but their own, which is private."""
    files = {path: path.read_bytes() for path in a.dir.rglob("*") if path.is_file()}
    kept = {path for path in files if path.name.startswith("keystone-")}
    secrets = secrets + [json.loads(files[path])["token"] for path in kept]
    for path, content in files.items():
        assert path not in kept or path.stat().st_mode & 0o777 == 0o600, f"others may read {path}"
        for secret in secrets:
            assert path in kept or secret.encode() not in content, f"{path} has a secret in it"


@pytest.fixture
def receiver():
    r = receiver_module.Receiver()
    yield r
    r.close()


@pytest.fixture
def portal(receiver, bed):
    """portal(anteroom, boots=True): a client that boots servers when it is called."""
    made = []

    def make(anteroom, boots=True):
        made.append(portal_module.Portal(anteroom, receiver, bed, boots))
        return made[-1]

    yield make
    for p in made:
        p.close()
