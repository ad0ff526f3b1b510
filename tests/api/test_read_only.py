# SPDX-License-Identifier: MIT
"""A database that may be read and not written: one clear sentence from whoever wants to write, and nothing is changed."""
import os
import subprocess

import pytest

from cloud import create, lab
from harness import BIN, SLOW

SENTENCE = "is read-only for this user"
# root may write whatever the mode says, unless he gives up just that.
AS_ANYBODY = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.getuid() == 0 else []


@pytest.fixture
def run(anteroom):
    """run(program, *args, env={}): with a database of one job that is read-only."""
    a = anteroom(lab({"n": {"gpu": 1}}))
    create(a, "job", 1)
    a.fcgi.stop()
    a.ended.append((a.fcgi, 0))
    a.fcgi = None
    a.db_path.chmod(0o440)
    before = a.db_path.read_bytes()

    def run(program, *args, env=None):
        return subprocess.run([*AS_ANYBODY, BIN / program, "--config", a.config_path, *args], cwd=a.dir,
                              env={**a.env, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30 * SLOW)

    run.a = a
    yield run
    assert a.db_path.read_bytes() == before


@pytest.mark.parametrize("program, args", [
    ("anteroom.fcgi", ["--listen", "unix:fcgi.sock"]), ("anteroom.fcgi", ["--check"]),
    ("anteroom-dispatch", []), ("anteroom-dispatch", ["--watch"]), ("anteroom-dispatch", ["--check"]),
], ids=lambda x: x if isinstance(x, str) else " ".join(x) or "one pass")
def test_a_program_says_so_and_leaves(run, program, args):
    done = run(program, *args)
    assert done.returncode == 1
    assert SENTENCE in done.stdout + done.stderr
    assert not (run.a.dir / "fcgi.sock").exists()


@pytest.mark.parametrize("method, uri", [("GET", "/v1/lab/"), ("DELETE", "/v1/lab/job")])
def test_by_cgi_it_is_503(run, method, uri):
    done = run("anteroom.fcgi", env={"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method, "REQUEST_URI": uri,
                                    "REMOTE_ADDR": "127.0.0.1"})
    assert done.stdout.startswith("Status: 503 ") and '"code":"unavailable"' in done.stdout
    assert SENTENCE in done.stderr
