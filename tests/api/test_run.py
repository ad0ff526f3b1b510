# SPDX-License-Identifier: MIT
"""`make run`, as a newcomer meets it: nginx/run.sh in a state directory of its own."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from client import Client
from harness import BIN, ROOT, SLOW, free_port, wait_until
from test_seed import EXAMPLE, FORM

NAMES = ["anteroom.fcgi", "anteroom-dispatch", "nginx"]


def processes_of(session_parent):
    """The processes below this one: {pid: command line}."""
    parents, lines = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
                lines[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it has just ended
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    below, more = set(), {session_parent}
    while more:
        below |= more
        more = {pid for pid, parent in parents.items() if parent in more} - below
    return {pid: lines[pid] for pid in below - {session_parent} if pid in lines}


def gone(pids):
    """Has every one of these ended (or is at most a zombie that somebody else has to reap)?"""
    for pid in pids:
        try:
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                return False
        except OSError:
            pass
    return True


class Run:
    def __init__(self, state, port, command=("nginx/run.sh",), **env):
        self.state, self.port = state, port
        self.popen = subprocess.Popen(
            [str(part).format(port=port, state=state) for part in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "STATE": str(state), "PORT": str(port), "ANTEROOM_BIN": str(BIN), **env},
            # A test run in the background has SIGINT ignored, and a shell can't trap a signal that it was started without.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def ready(self):
        """Waits for the line that says so, and returns it; what was said instead is the failure."""
        line = self.popen.stdout.readline()
        if not line:
            raise AssertionError("it ended: " + self.popen.communicate()[1])
        return line

    def children(self):
        return processes_of(self.popen.pid)

    def end(self, number):
        self.popen.send_signal(number)
        return self.finish()

    def finish(self):
        out, err = self.popen.communicate(timeout=60 * SLOW)
        return self.popen.returncode, out, err


@pytest.fixture
def run(tmp_path):
    """run(state=…, port=…) starts it; on a clash of ports the caller sees the sentence of the script."""
    started = []

    def start(state=tmp_path / "state", port=None, **env):
        started.append(Run(state, port or free_port(), **env))
        return started[-1]

    yield start
    for r in started:
        if r.popen.poll() is None:
            r.end(signal.SIGTERM)
        for stream in (r.popen.stdout, r.popen.stderr):
            stream.close()


def seed_runs(port):
    client = Client("127.0.0.1", port)
    try:
        assert client.post("/v1/vm/", EXAMPLE, headers=FORM).status == 201
        wait_until(lambda: client.get("/v1/vm/d/").data["Status"] == "running", what="running")
    finally:
        client.close()


def get(port, path):
    client = Client("127.0.0.1", port)
    try:
        return client.get(path)
    finally:
        client.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_it_starts_runs_the_seed_and_leaves_no_process_behind(run, number):
    r = run()
    assert r.ready() == f"anteroom is ready: http://127.0.0.1:{r.port}/\n"
    seed_runs(r.port)
    children = r.children()
    for name in NAMES:
        assert any(name in line for line in children.values()), children
    code, out, err = r.end(number)
    assert (code, out, err) == (0, "", "")
    assert gone(children)
    assert not list(r.state.glob("*.sock"))


def test_make_run_is_the_same_and_passes_the_signal_on(run):
    r = run(command=("make", "--no-print-directory", "run", "PORT={port}", "STATE={state}"))
    assert r.ready() == f"anteroom is ready: http://127.0.0.1:{r.port}/\n"
    children = r.children()
    r.end(signal.SIGTERM)
    assert len(children) >= 5 and gone(children)


def test_nothing_survives_when_the_script_itself_is_killed(run):
    r = run()
    r.ready()
    children = r.children()
    r.popen.kill()
    wait_until(lambda: gone(children), what="the end of all three")


def test_the_state_survives_a_restart_also_on_another_port(run, tmp_path):
    r = run()
    r.ready()
    seed_runs(r.port)
    r.end(signal.SIGTERM)
    again = run(port=free_port())
    again.ready()
    assert get(again.port, "/v1/vm/d/").data["Status"] == "running"
    assert f"127.0.0.1:{again.port}/" in (tmp_path / "state/anteroom.yaml").read_text()


def test_an_edited_configuration_is_left_alone(run, tmp_path):
    r = run()
    r.ready()
    r.end(signal.SIGTERM)
    path = tmp_path / "state/anteroom.yaml"
    edited = path.read_text() + "# mine\n"
    path.write_text(edited)
    again = run(port=free_port())
    again.ready()
    code, _, err = again.end(signal.SIGTERM)
    assert code == 0 and "was edited and is left alone" in err
    assert path.read_text() == edited


def test_a_state_directory_with_a_deep_and_strange_path_works(run, tmp_path):
    state = tmp_path / ("deep " * 20) / "it's [a] $HOME {x}; *" / ("d" * 100)
    r = run(state=state)
    r.ready()
    seed_runs(r.port)
    console = Client("127.0.0.1", r.port)
    assert console.get("/").body == (ROOT / "nginx/www/index.html").read_bytes()
    console.close()
    assert r.end(signal.SIGTERM)[0] == 0


def test_a_port_in_use_is_one_clear_sentence(run):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        code, out, err = run(port=port).finish()
    assert (code, out) == (1, "")
    assert err == f"anteroom: port {port} is in use: choose another one, as in: make run PORT=8081\n"


def test_a_state_directory_in_use_is_one_clear_sentence(run):
    r = run()
    r.ready()
    code, out, err = run(state=r.state).finish()
    assert (code, out) == (1, "")
    assert err.startswith(f"anteroom: STATE={r.state} is in use by another instance") and err.count("\n") == 1


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8080 "])
def test_a_wrong_port_is_one_clear_sentence(run, port):
    assert run(port=port).finish() == (1, "", f"anteroom: PORT={port} is not a port (1 to 65535).\n")


def test_a_state_directory_that_cannot_be_is_one_clear_sentence(run, tmp_path):
    (tmp_path / "file").write_text("")
    state = tmp_path / "file" / "state"
    assert run(state=state).finish() == (1, "", f"anteroom: STATE={state} cannot be created.\n")


@pytest.mark.parametrize("name", NAMES)
def test_when_one_dies_it_says_which_and_stops_the_others(run, name):
    r = run()
    r.ready()
    children = r.children()
    victim = min(pid for pid, line in children.items() if name in line and "worker" not in line)
    os.kill(victim, signal.SIGKILL)
    code, _, err = r.finish()
    assert code == 1
    assert f"anteroom: {name} has ended. Its log, {r.state}/log/" in err
    assert all(other + " has ended" not in err for other in NAMES if other != name)
    wait_until(lambda: gone(children), what="the end of the others")


def test_a_missing_program_is_one_clear_sentence(run, tmp_path):
    """Without apt-get and nginx on the path, on a system that is no Debian."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "sh", "dirname", "cc", "make", "pkg-config", "curl", "flock", "setsid", "setpriv", "python3"):
        if shutil.which(name):
            (tools / name).symlink_to(shutil.which(name))
    # run.sh adds the sbin directories, and nginx stands there: the check is the one of deps.sh alone.
    script = (ROOT / "tests/deps.sh").read_text().replace("PATH=$PATH:/usr/sbin:/sbin\n", "")
    done = subprocess.run(["/bin/sh", "-s", "run"], input=script, env={"PATH": str(tools)}, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("anteroom: missing on this system: nginx")
