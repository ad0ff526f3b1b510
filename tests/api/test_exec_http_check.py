# SPDX-License-Identifier: MIT
"""Sources of the operator's own, a program and a URL, through --check: what they are handed, and how each way to fail is named."""
import contextlib
import datetime
import json
import re
import socket
import stat
import subprocess
import threading

import pytest

from harness import BIN, ROOT, SLOW
from receiver import closed_port

GOOD = {"hosts": {"b": {"total": {"gpu": 8, "x": 1}, "used": {"gpu": 1}}, "a": {"total": {"gpu": 4}}}}
OK_LINE = "ok, hosts 2, pools 1"


@pytest.fixture
def check(anteroom):
    """check(**members of the queue lab) -> (is it good, what is said of the queue)."""
    a = anteroom({"queues": {}}, start=False, env={"HOME": "/nowhere", "LD_LIBRARY_PATH": "/nowhere"})
    a.write_config()
    a.dispatch()  # makes the database

    def check(**queue):
        a.write_config({"queues": {"lab": {"timeout": f"{30 * SLOW}s", **queue}}})
        done = subprocess.run([BIN / "anteroom-dispatch", "--config", a.config_path, "--check"], cwd=a.dir, env=a.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * SLOW)
        assert done.returncode in (0, 1), done.stderr
        line = next(line for line in done.stdout.splitlines() if line.startswith("queue lab: "))
        kind, text = line.removeprefix("queue lab: ").split(": ", 1)
        assert kind == queue["capacity"]
        assert (done.returncode == 0) == text.startswith("ok, "), line
        return done.returncode == 0, re.sub(r", \d+ ms$", "", text)

    check.a = a
    return check


# ---- a program ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def program(check):
    """program(text of a shell script, *arguments, **members of the queue) -> what --check says of it, its path as PROGRAM."""
    path = check.a.dir / "program"

    def run(script, *args, mode=0o755, **queue):
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(mode)
        good, text = check(capacity="exec", program=[str(path), *args], **queue)
        return good, text.replace(str(path), "PROGRAM")

    run.dir = check.a.dir
    return run


def test_a_program_says_what_there_is(program):
    assert program(f"echo '{json.dumps(GOOD)}'") == (True, OK_LINE)


def test_a_program_is_handed_arguments_demand_and_a_clean_environment(program):
    program.dir.joinpath("out").mkdir()
    script = f'cd {program.dir}/out; printf "%s|" "$@" >args; cat >stdin; env | grep -v ^PWD= | sort >env; echo \'{{"hosts":{{}}}}\''
    assert program(script, "one", "two words", "$HOME") == (True, "ok, hosts 0, pools 1")
    out = {f.name: f.read_text() for f in (program.dir / "out").iterdir()}
    assert out["args"] == "one|two words|$HOME|"
    assert out["stdin"] == "{}"
    env = dict(line.split("=", 1) for line in out["env"].splitlines())
    # The shell adds some of its own.
    assert {k: v for k, v in env.items() if k not in ("OLDPWD", "_", "SHLVL")} == {
        "ANTEROOM_QUEUE": "lab", "HOME": "/nowhere", "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.mark.parametrize("script, text", [
    ("echo first >&2; echo '  no cluster: timed out' >&2; exit 1", "PROGRAM ended with status 1: no cluster: timed out"),
    ("echo '{\"hosts\":{}}'; exit 3", "PROGRAM ended with status 3"),
    ("kill -9 $$", "PROGRAM was ended by signal 9"),
    ("echo PARTITION AVAIL", "PROGRAM: the document cannot be read: a value is expected at byte 1"),
    ("exit 0", "PROGRAM: the document is empty"),
    ("printf '{\"hosts\":{\"a\":{'", "PROGRAM: the document cannot be read: a member's name in quotes is expected, "
                                    "but the text ends after 15 bytes"),
    ("echo '{\"hosts\":{\"a\":{\"total\":{\"gpu\":\"4\"}}}}'", "PROGRAM: /hosts/a/total/gpu must be a number, not a string"),
    ("echo '{\"hosts\":{},\"at\":\"2001-02-03T04:05:06Z\"}'",
     "PROGRAM: the reading is stale: it says 2001-02-03T04:05:06Z, which is more than 60 s ago"),
    ("head -c 70000000 /dev/zero", "the output of PROGRAM is larger than 67108864 bytes"),
])
def test_a_program_that_fails_is_named_with_the_reason(program, script, text):
    assert program(script) == (False, text)


def test_a_program_that_hangs_is_killed(program):
    good, text = program("sleep 10000 & sleep 10000", timeout="1s")
    assert not good and text.startswith("PROGRAM was killed after ") and text.endswith(" s")


def test_programs_that_cannot_be_run(check, program):
    assert program("exit 0", mode=0o644) == (False, "PROGRAM cannot be run: Permission denied")
    assert check(capacity="exec", program=["/nonexistent/program"]) == (
        False, "/nonexistent/program cannot be run: No such file or directory")
    assert check(capacity="exec", program=[str(check.a.dir)]) == (False, f"{check.a.dir} cannot be run: Permission denied")


# ---- a URL --------------------------------------------------------------------------------------------------------------


class Service:
    """Listens on 127.0.0.1, keeps the head of each request, and has `answer(connection)` say something; then it closes."""

    def __init__(self):
        self.heads, self.answer, self.stop = [], None, threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/capacity?of=lab"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while not self.stop.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += connection.recv(4096) or b"\r\n\r\n"
                self.heads.append(head.decode())
                self.answer(connection)

    def close(self):
        self.stop.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def service(check):
    """service(answer, **members of the queue) -> what --check says of it; the answer as bytes, or a function of the connection."""
    s = Service()

    def ask(answer, **queue):
        s.answer = answer if callable(answer) else lambda connection: connection.sendall(answer)
        return check(capacity="http", url=s.url, **queue)

    ask.of = s
    ask.dir = check.a.dir
    yield ask
    s.close()


def http(status, body, *headers, length=True):
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if length else []), "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_a_url_says_what_there_is(service):
    assert service(http("200 OK", json.dumps(GOOD), "Content-Type: application/json")) == (True, OK_LINE)
    first, *fields = service.of.heads[0].strip().split("\r\n")
    fields = {k.lower(): v for k, v in (field.split(": ", 1) for field in fields)}
    assert first == "GET /capacity?of=lab HTTP/1.1"
    assert fields["accept"] == "application/json" and fields["user-agent"] == "anteroom/0.1.0"
    assert "authorization" not in fields


def test_an_answer_without_a_length_ends_with_the_connection(service):
    assert service(http("200 OK", json.dumps(GOOD), length=False)) == (True, OK_LINE)


def test_the_tokens_first_line_is_the_bearer(service):
    service.dir.joinpath("token").write_text("  s3cret.token==\t\r\nsecond line\n")
    assert service(http("200 OK", json.dumps(GOOD)), token_file=f"{service.dir}/token") == (True, OK_LINE)
    assert "\r\nAuthorization: Bearer s3cret.token==\r\n" in service.of.heads[0]


@pytest.mark.parametrize("content, text", [
    (None, "token_file TOKEN cannot be read: No such file or directory"),
    ("", "the first line of token_file TOKEN is empty"),
    ("\nsecond\n", "the first line of token_file TOKEN is empty"),
    ("secret words", "the first line of token_file TOKEN is no token: it holds a blank or what is no ASCII"),
    ("secret\x1b", "the first line of token_file TOKEN is no token: it holds a blank or what is no ASCII"),
    ("secret" * 3000, "the first line of token_file TOKEN is longer than 16384 bytes"),
])
def test_a_token_that_is_none_is_not_sent_and_not_shown(service, content, text):
    path = service.dir / "token"
    if content is not None:
        path.write_text(content)
    good, said = service(http("200 OK", json.dumps(GOOD)), token_file=str(path))
    assert (good, said.replace(str(path), "TOKEN")) == (False, text)
    assert service.of.heads == []


HTML = "<!DOCTYPE html>\n<html><body><h1>Not here</h1></body></html>"


@pytest.mark.parametrize("answer, text", [
    (http("401 Unauthorized", '{"error": "no token"}'), 'the service answered 401: {"error": "no token"}'),
    (http("403 Forbidden", "not\x1b[31m\r\nyou\xff".encode("latin-1")), "the service answered 403: not [31m you?"),
    (http("404 Not Found", HTML), "the service answered 404"),
    (http("500 Oops", "x" * 500), "the service answered 500: " + "x" * 200),
    (http("503 Busy", "later", "Retry-After: 30"), "the service answered 503 (Retry-After: 30): later"),
    (http("302 Found", "", "Location: http://127.0.0.1:1/"), "the service answered 302, and redirects are not followed"),
    (http("204 No Content", "", length=False), "the service answered 204"),
    (http("200 OK", " \n" + HTML), "the service answered with HTML or XML, not with JSON"),
    (http("200 OK", ""), "the document is empty"),
    (http("200 OK", "null"), "the document must be an object, not null"),
    (http("200 OK", '{"hosts": {"a": {"total": {"gpu": -1}}}}'),
     "/hosts/a/total/gpu must be a whole number from 0 to 9007199254740991"),
    (http("200 OK", '{"hosts": {', length=False),
     "the document cannot be read: a member's name in quotes is expected, but the text ends after 11 bytes"),
])
def test_an_answer_that_is_none_is_named(service, answer, text):
    assert service(answer) == (False, text)


@pytest.mark.parametrize("answer", [
    http("200 OK", json.dumps(GOOD))[:-3], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"hos", b"", b"SSH-2.0-x\r\n"])
def test_an_answer_that_is_cut_is_named(service, answer):
    good, text = service(answer)
    assert not good and text.startswith("the service gave no whole answer: ")


def test_an_answer_without_end_is_given_up(service):
    def endless(connection):
        connection.sendall(http("200 OK", "", length=False))
        while not service.of.stop.is_set():
            connection.sendall(b" " * 65536)

    assert service(endless) == (False, "the answer is larger than 67108864 bytes")


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_silence_is_given_up(service, before):
    def silence(connection):
        connection.sendall(before)
        service.of.stop.wait()

    assert service(silence, timeout=f"{300 * SLOW}ms") == (False, "the service did not answer in time")


def test_nobody_who_listens(check):
    held, port = closed_port()
    with held:
        good, text = check(capacity="http", url=f"http://127.0.0.1:{port}/")
    assert not good and text.startswith("the service gave no whole answer: ") and "connect" in text.lower()


def test_a_token_that_comes_back_is_not_shown(service):
    """Nor when it is written in another way, or in a header, or where the text is cut."""
    service.dir.joinpath("token").write_text("s3cret/token")
    for token in ("s3cret/token", "s3cret\\/token", "s3cret%2Ftoken"):
        answer = http("401 Unauthorized", f"the token {token} has run out", f"Retry-After: {token}")
        assert service(answer, token_file=f"{service.dir}/token") == (
            False, "the service answered 401 (Retry-After: ***): the token *** has run out")
    answer = http("401 Unauthorized", "x" * 190 + " s3cret/token")
    assert service(answer, token_file=f"{service.dir}/token") == (False, f"the service answered 401: {'x' * 190} ***")


# ---- the examples that are shipped ----------------------------------------------------------------------------------------


@pytest.fixture
def example(check):
    """example(script, name of the program it asks, what that prints, *arguments) -> what --check says."""
    tools = check.a.dir / "tools"
    tools.mkdir()

    def run(script, tool, printed, *args):
        tools.joinpath(tool).write_text(f"#!/bin/sh\nprintf '%s\\n' \"$*\" >{tools}/asked\ncat <<'END'\n{printed}END\n")
        tools.joinpath(tool).chmod(0o755)
        path = ROOT / "cron/examples" / script
        assert path.stat().st_mode & stat.S_IXUSR
        # What the script writes, seen by Anteroom and by us.
        seen = f'{path} "$@" >{tools}/out || exit; cat {tools}/out'
        good, text = check(capacity="exec", accounting="observed",
                           program=["/usr/bin/env", f"PATH={tools}:/usr/bin:/bin", "sh", "-c", seen, "sh", *args])
        run.asked = tools.joinpath("asked").read_text()
        run.document = json.loads(tools.joinpath("out").read_text()) if good else None
        return good, text

    return run


def sinfo(*rows):
    """As `sinfo --Format` pads its columns."""
    return "".join("".join(v.ljust(n) for v, n in zip(row, (64, 16, 32, 16, 16))) + "\n" for row in rows)


def test_the_example_for_slurm(example):
    printed = sinfo(("node001", "mix", "16/48/0/64", "257000", "131072"), ("node002", "idle", "0/64/0/64", "257000", "0"),
                    ("node003", "alloc", "64/0/0/64", "257000", "257000"), ("node004", "down*", "0/0/64/64", "257000", "0"),
                    ("node005", "drng", "8/0/56/64", "257000", "1024"), ("node006", "resv", "0/64/0/64", "257000", "0"))
    assert example("slurm.sh", "sinfo", printed, "batch") == (True, "ok, hosts 6, pools 1")
    assert "--partition=batch " in example.asked
    hosts = example.document["hosts"]
    assert all(h["total"] == {"CPU": 64, "Memory": 257000} for h in hosts.values())
    assert {name: (h["used"]["CPU"], h["used"]["Memory"]) for name, h in hosts.items()} == {
        "node001": (16, 131072), "node002": (0, 0), "node003": (64, 257000), "node004": (64, 257000), "node005": (64, 257000),
        "node006": (64, 257000)}


def test_the_example_for_slurm_without_such_a_partition(example):
    good, text = example("slurm.sh", "sinfo", "", "batch")
    assert not good and text == "/usr/bin/env ended with status 1: sinfo shows no node of partition batch"


LMSTAT = """lmutil - Copyright (c) 1989-2019 Flexera. All Rights Reserved.
Flexible License Manager status on Tue 11/24/2026 13:50

License server status: 27000@licences
    License file(s) on licences: /opt/flexlm/license.dat:

  licences: license server UP (MASTER) v11.16.6

Vendor daemon status (on licences):

    cfdlmd: UP v11.16.6
Feature usage info:

Users of cfd_base:  (Total of 275 licenses issued;  Total of 19 licenses in use)

  "cfd_base" v2026.0506, vendor: cfdlmd, expiry: permanent(no expiration date)
  floating license

    ann node7 /dev/tty (v2026.0506) (licences/27000 1234), start Tue 11/24 9:12, 19 licenses

Users of cfd_solver:  (Total of 1 license issued;  Total of 1 license in use)

Users of viewer:  (Uncounted, node-locked)

"""


def test_the_example_for_flexlm(example):
    assert example("flexlm.sh", "lmutil", LMSTAT, "27000@licences", "cfd_base", "cfd_solver") == (True, "ok, hosts 1, pools 1")
    assert example.asked == "lmstat -a -c 27000@licences\n"
    assert example.document == {"hosts": {"licences": {"total": {"cfd_base": 275, "cfd_solver": 1},
                                                      "used": {"cfd_base": 19, "cfd_solver": 1}}}}


@pytest.mark.parametrize("printed, why", [
    (LMSTAT, ""),
    ("lmutil - Copyright (c) 1989-2019 Flexera. All Rights Reserved.\n\nError getting status: Cannot connect to license server "
     "system. (-15,570:111 \"Connection refused\")\n", "Error getting status: Cannot connect to license server system. "
                                                       "(-15,570:111 \"Connection refused\")"),
])
def test_the_example_for_flexlm_without_such_a_licence(example, printed, why):
    good, text = example("flexlm.sh", "lmutil", printed, "27000@licences", "viewer")
    assert not good
    assert text == f"/usr/bin/env ended with status 1: lmstat of 27000@licences does not show all of viewer: {why}".rstrip()


# ---- the manual page ------------------------------------------------------------------------------------------------------


def displays():
    """What stands between .Bd and .Ed in the manual page's section on sources of one's own."""
    section = (ROOT / "common/anteroom.yaml.5").read_text().split(".Sh A SOURCE OF YOUR OWN\n")[1].split("\n.Sh ")[0]
    return [part.split("\n", 1)[1].split("\n.Ed\n")[0] for part in section.split("\n.Bd ")[1:]]


def test_the_document_in_the_manual_page_is_read(program):
    document = json.loads(displays()[0])
    document["at"] = datetime.datetime.now(datetime.timezone.utc).isoformat()
    assert program(f"cat <<'END'\n{json.dumps(document)}\nEND") == (True, "ok, hosts 2, pools 2")


def test_the_configuration_in_the_manual_page_is_read(check):
    a = check.a
    a.write_config(f"database: '@DATABASE@'\n{displays()[1]}\n")
    done = subprocess.run([BIN / "anteroom-dispatch", "--config", a.config_path, "--check"], cwd=a.dir, env=a.env,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * SLOW)
    assert f"configuration {a.config_path}: ok" in done.stdout, done.stderr
    for script in ("slurm.sh", "flexlm.sh"):  # what it names is what `make install` puts there
        assert f"/usr/local/share/anteroom/examples/{script}" in displays()[1]
        assert (ROOT / "cron/examples" / script).exists()
