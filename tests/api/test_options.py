# SPDX-License-Identifier: MIT
"""The command lines of both programs, and how a wrong configuration is named."""
import contextlib
import os
import resource
import socket
import struct
import subprocess
import sys

import pytest

from cloud import lab
from harness import BIN, SLOW, free_port, wait_until

PROGRAMS = ["anteroom.fcgi", "anteroom-dispatch"]
both = pytest.mark.parametrize("program", PROGRAMS)


@pytest.fixture
def run(anteroom):
    """run(program, *args, env={}) -> what it came to: returncode, stdout, stderr. The configuration is good."""
    a = anteroom(lab({"n": {"gpu": 1}}), start=False)
    a.write_config()

    def run(program, *args, env=None):
        return subprocess.run([BIN / program, *map(str, args)], cwd=a.dir, env={**a.env, **(env or {})}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30 * SLOW)

    run.a = a
    return run


@contextlib.contextmanager
def serving(run, *args, before=(), **popen):
    """anteroom.fcgi, which must end in order when it is told to."""
    argv = [*before, BIN / "anteroom.fcgi", "--config", run.a.config_path, *args]
    child = subprocess.Popen(argv, cwd=run.a.dir, stdin=subprocess.DEVNULL, **{"env": run.a.env, **popen})
    try:
        yield child
    finally:
        child.terminate()
        assert child.wait(30 * SLOW) == 0


def connect(host, port):
    """A connection to the port, as soon as somebody listens there."""
    made = []

    def can():
        with contextlib.suppress(ConnectionRefusedError):
            made.append(socket.create_connection((host.strip("[]"), port), timeout=30 * SLOW))
        return made

    wait_until(can, what="somebody who listens")
    return made[0]


def healthy(s):
    """By FastCGI, whose last record must have come."""
    params = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/healthz", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1"}
    pairs = b"".join(bytes([len(k), len(v)]) + k.encode() + v.encode() for k, v in params.items())
    records = ((1, struct.pack("!HB5x", 1, 0)), (4, pairs), (4, b""), (5, b""))
    s.sendall(b"".join(struct.pack("!BBHHBx", 1, kind, 1, len(content), 0) + content for kind, content in records))
    said = b"".join(iter(lambda: s.recv(65536), b""))
    return b"Status: 200" in said


@both
def test_help_says_what_there_is(run, program):
    done = run(program, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {program} ")
    assert all(option in done.stdout for option in ("--config", "--check", "--help", "--version", "78"))
    assert max(map(len, done.stdout.splitlines())) <= 100


@both
def test_version(run, program):
    done = run(program, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    name, version = done.stdout.split()
    assert name == program and version[0].isdigit()


@both
@pytest.mark.parametrize("args", [["--no-such"], ["-x"], ["word"], ["--config"], ["--check", "word"]])
def test_wrong_usage_is_2(run, program, args):
    done = run(program, *args)
    assert (done.returncode, done.stdout) == (2, "") and program in done.stderr


@pytest.mark.parametrize("args", [
    ["--for"], ["--for", "0"], ["--for", "-1"], ["--for", "x"], ["--for", "1.5"], ["--for", ""], ["--for", "9" * 30],
    ["--watch", "--for", "1"], ["--dry-run", "--check"], ["--watch", "--watch"],
    ["--watch", "--json"], ["--json"], ["--type", "vm"],
])
def test_a_dispatcher_with_wrong_modes_is_2(run, args):
    done = run("anteroom-dispatch", *args)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr


def test_anteroom_fcgi_without_a_socket_and_without_cgi_says_so(run):
    done = run("anteroom.fcgi", "--config", run.a.config_path)
    assert done.returncode == 2 and "--listen" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("where", ["unix:", "unix:" + "x" * 200, "nonsense", "127.0.0.1:", "127.0.0.1:99999", "192.0.2.1:80", "[::1:80", "unix:no/such/dir/sock"])
def test_a_place_where_nobody_can_listen_is_one_sentence(run, where):
    done = run("anteroom.fcgi", "--config", run.a.config_path, "--listen", where)
    assert done.returncode == 1 and done.stderr.startswith("anteroom.fcgi: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_a_web_server_may_be_on_another_host(run, host):
    port = free_port()
    with serving(run, "--listen", f"{host}:{port}"), connect(host, port) as s:
        assert healthy(s)


def test_systemd_may_have_opened_the_socket(run):
    """Descriptor 3 is it where the variables are of this very process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hand_over = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid());"
                     " os.execv(sys.argv[2], sys.argv[2:])")
        before = [sys.executable, "-c", hand_over, str(listener.fileno())]
        with serving(run, before=before, pass_fds=[listener.fileno()], env={**run.a.env, "LISTEN_FDS": "1"}), \
                connect("127.0.0.1", listener.getsockname()[1]) as s:
            assert healthy(s)


def test_it_takes_as_many_descriptors_as_it_may_have(run):
    port = free_port()

    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 400))

    with serving(run, "--listen", f"127.0.0.1:{port}", preexec_fn=few) as child, connect("127.0.0.1", port) as s:
        assert healthy(s)
        assert resource.prlimit(child.pid, resource.RLIMIT_NOFILE) == (400, 400)


def test_a_socket_in_use_and_a_file_in_its_place_are_left_alone(anteroom, run):
    a = anteroom()
    done = run("anteroom.fcgi", "--config", run.a.config_path, "--listen", f"unix:../{a.dir.name}/fcgi.sock")
    assert done.returncode == 1 and "another server listens on" in done.stderr
    assert a.get("/healthz").status == 200
    (run.a.dir / "file").write_text("mine")
    done = run("anteroom.fcgi", "--config", run.a.config_path, "--listen", "unix:file")
    assert done.returncode == 1 and "is no socket" in done.stderr and (run.a.dir / "file").read_text() == "mine"


def test_config_keys_lists_every_key_with_type_default_range_and_meaning(run):
    done = run("anteroom-dispatch", "--config-keys")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert all(len(row) == 5 and all(row) for row in rows)
    keys = {row[0]: row[1:] for row in rows}
    assert len(keys) == len(rows)
    assert {"database", "callback.retry", "queues", "queues.<type>.overtake", "queues.<type>.pools.<name>.hosts"} <= set(keys)
    assert keys["queues.<type>.overtake"][:2] == ["duration", "1h"]


@both
def test_check_of_a_good_configuration(run, program):
    assert run("anteroom-dispatch", "--config", run.a.config_path).returncode == 0  # makes the database
    done = run(program, "--config", run.a.config_path, "--check")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert str(run.a.config_path) in done.stdout and str(run.a.db_path) in done.stdout


def test_the_services_check_makes_nothing_and_migrates_nothing(run):
    """Found by review: it made the database, root's where root asked, and brought one up that another version was at work on."""
    def check():
        done = run("anteroom.fcgi", "--config", run.a.config_path, "--check")
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    assert f"ok: database {run.a.db_path}: none yet\n" in check()
    run.a.db_path.touch()  # it was made, and nothing written to it
    assert f"ok: database {run.a.db_path}: none yet\n" in check()
    assert run.a.db_path.stat().st_size == 0 and not run.a.db_path.with_name(run.a.db_path.name + ".lock").exists()
    assert run("anteroom-dispatch", "--config", run.a.config_path).returncode == 0
    version = "PRAGMA user_version"
    with contextlib.closing(run.a.database()) as db:
        older = db.execute(version).fetchone()[0] - 1
    run.a.edit(f"{version} = {older}")
    assert f"ok: database {run.a.db_path}\n" in check()
    with contextlib.closing(run.a.database()) as db:
        assert db.execute(version).fetchone() == (older,)
    lock = run.a.db_path.with_name(run.a.db_path.name + ".lock")  # which a copy that was put in its place has not
    lock.unlink()
    owner = 12345 if os.geteuid() == 0 else os.geteuid()
    os.chown(run.a.db_path, owner, -1)
    check()
    assert lock.stat().st_uid == owner


def test_the_dispatchers_check_asks_every_source_and_writes_nothing(run):
    done = run("anteroom-dispatch", "--config", run.a.config_path, "--check")
    assert done.returncode == 0 and f"database {run.a.db_path}: none yet" in done.stdout, done
    assert not run.a.db_path.exists()  # --check does not make it
    assert run("anteroom-dispatch", "--config", run.a.config_path).returncode == 0
    done = run("anteroom-dispatch", "--config", run.a.config_path, "--check")
    assert done.stdout.splitlines()[-2:] == ["queue lab: static: ok, hosts 1, pools 1", "queue *: no source of capacity"]
    run.a.write_config('database: new.db\nqueues: {"*": {capacity: none}}\n')  # in the working directory
    assert "database new.db: none yet" in run("anteroom-dispatch", "--config", run.a.config_path, "--check").stdout
    run.a.write_config('database: new.db\nqueues: {vm: {capacity: openstack}}\n')
    done = run("anteroom-dispatch", "--config", run.a.config_path, "--check")
    assert done.returncode == 1 and "queue vm: openstack: " in done.stdout and "nor OS_AUTH_URL is set" in done.stdout, done
    missing = run.a.dir / "none/anteroom.db"
    run.a.write_config(f"database: {missing}\n")
    done = run("anteroom-dispatch", "--config", run.a.config_path, "--check")
    assert done.returncode == 1 and f"database: {missing} cannot be made: No such file" in done.stdout, done


@both
@pytest.mark.parametrize("text, line, key", [
    ("database: x\nworkers: 0\n", 2, "workers"),
    ("database: x\nworkers: four\n", 2, "workers"),
    ("database: x\n\n\nworkesr: 4\n", 4, "workesr"),
    ("database: x\ncallback:\n  timeout: 10 parsecs\n", 3, "callback.timeout"),
    ("database: x\ncallback:\n  retry: [0, -1]\n", 3, "callback.retry"),
    ("database: x\nauth: maybe\n", 2, "auth"),
    ("database: x\nqueues:\n  vm:\n    capacity: exec\n", 4, "queues.vm"),
    ("database: x\nqueues:\n  vm:\n    pools:\n      p:\n        hosts:\n          n: {VCPU: -1}\n", 7, "queues.vm.pools.p.hosts.n.VCPU"),
    ("database: x\nqueues:\n  vm:\n    pools:\n      p: {hosts: {n: {}}}\n", 5, "queues.vm.pools.p.hosts.n"),
    ("database: x\nqueues:\n  vm: {overtake: never}\n", 3, "queues.vm.overtake"),
    ("database: x\ndatabase: y\n", 2, ""),
    ("database: [x\n", 2, ""),
    ("- a\n- b\n", 1, ""),
], ids=["range", "type", "unknown", "unit", "negative", "no-such-auth", "no-program", "amount", "no-amount", "word", "twice", "cut-off", "list"])
def test_a_wrong_configuration_is_78_and_names_file_line_and_key(run, program, text, line, key):
    run.a.config_path.write_text(text)
    for args in (["--check"], []):
        done = run(program, "--config", run.a.config_path, *args)
        assert (done.returncode, done.stdout) == (78, "")
        assert done.stderr.count("\n") == 1
        place = f"{program}: {run.a.config_path}:{line}: "
        assert done.stderr.startswith(place), done.stderr
        assert done.stderr[len(place):].startswith(f"{key}: " if key else ""), done.stderr
    assert not run.a.db_path.exists()


@both
@pytest.mark.parametrize("what", ["missing", "directory"])
def test_a_configuration_that_cannot_be_read_is_78(run, program, what):
    path = run.a.dir / "none"
    if what == "directory":
        path.mkdir()
    done = run(program, "--config", path, "--check")
    assert done.returncode == 78 and str(path) in done.stderr and done.stderr.count("\n") == 1


@both
def test_the_option_goes_before_the_environment(run, program):
    bad = run.a.dir / "bad.yaml"
    bad.write_text("nonsense: 1\n")
    run("anteroom-dispatch", "--config", run.a.config_path)
    env = {"ANTEROOM_CONFIG": str(bad)}
    assert run(program, "--check", "--config", run.a.config_path, env=env).returncode == 0
    done = run(program, "--check", env=env)
    assert done.returncode == 78 and f"{bad}:1: nonsense: " in done.stderr
    assert run(program, "--check", env={"ANTEROOM_CONFIG": str(run.a.config_path)}).returncode == 0


@pytest.mark.parametrize("argv", [["anteroom.fcgi", "--listen", "unix:closed.sock"], ["anteroom-dispatch", "--watch"]],
                         ids=PROGRAMS)
def test_started_without_standard_descriptors_it_opens_nothing_of_its_own_there(run, argv):
    a = run.a

    def close():
        for fd in range(3):
            os.close(fd)

    def opened():
        """What its descriptors are; one may be closed while we look."""
        links = {}
        for fd in os.listdir(f"/proc/{child.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                links[int(fd)] = os.readlink(f"/proc/{child.pid}/fd/{fd}")
        return links

    child = subprocess.Popen([BIN / argv[0], "--config", a.config_path, *argv[1:]], cwd=a.dir, env=a.env, preexec_fn=close)
    try:
        wait_until(lambda: any(path.startswith(str(a.db_path)) for path in opened().values()), what="an open database")
        assert {opened()[fd] for fd in range(3)} == {"/dev/null"}
    finally:
        child.terminate()
        assert child.wait(30 * SLOW) == 0
