# SPDX-License-Identifier: MIT
"""The Nth call fails in a whole program: the service's start and stop, a new connection of it, a request by plain CGI, a pass of the
dispatcher with its callback, the subcommands of anteroom. Each of them does its work or says why it did not; none is ended by a
signal; afterwards all is as if it had been asked once."""
import json
import os
import select
import signal
import subprocess
import time

import pytest

import harness
import soak
from cloud import LAB, ask, books_balance, create, is_sound, lab, queue
from contract import FastCGI
from failing import SPARES, Failing
from harness import BIN, SLOW, Process, wait_until
from nth import is_left_well, sweep

pytestmark = pytest.mark.ordinary

PROMISE = "An error answer never lies"
# OpenSSL 3.0 crashes by itself when it gets no memory for what it loads at its first use (EVP_MD_fetch). Of the other allocations most
# are SQLite's.
OURS = f"{SPARES}:libcrypto:libssl:libsqlite3"
THEIRS = f"{SPARES}:libcrypto:libssl"

# kind, errno, for ever, which libraries are spared, each so many-th in the short form
START = [("memory", "ENOMEM", False, OURS, 97), ("memory", "ENOMEM", True, OURS, 397), ("memory", "ENOMEM", False, THEIRS, 1201),
         ("open", "EMFILE", False, OURS, 6), ("read", "EIO", False, OURS, 9), ("map", "ENOMEM", False, OURS, 1),
         ("name", "EIO", False, OURS, 29), ("lock", "ENOLCK", False, OURS, 17), ("socket", "EMFILE", False, OURS, 1),
         ("descriptor", "EMFILE", False, OURS, 3), ("wait", "EINTR", False, OURS, 3), ("thread", "EAGAIN", False, OURS, 1),
         ("thread", "EAGAIN", True, OURS, 3)]
# Of a service that makes its database: one that finds it writes nothing.
FIRST_START = [("read", "EIO", False, OURS, 31), ("write", "ENOSPC", True, OURS, 5), ("write", "EIO", False, OURS, 5),
               ("length", "ENOSPC", False, OURS, 1), ("sync", "EIO", False, OURS, 3), ("sync", "EIO", True, OURS, 4),
               ("lock", "ENOLCK", False, OURS, 23), ("name", "EIO", True, OURS, 37)]
# Of a run that opens the database, and of one that writes into it, too.
READ = [("memory", "ENOMEM", False, OURS, 151), ("memory", "ENOMEM", True, OURS, 499), ("memory", "ENOMEM", False, THEIRS, 1501),
        ("open", "EMFILE", False, OURS, 5), ("open", "EMFILE", True, OURS, 5), ("read", "EIO", False, OURS, 15),
        ("read", "EIO", True, OURS, 29), ("write", "ENOSPC", True, OURS, 29), ("length", "ENOSPC", False, OURS, 1),
        ("map", "ENOMEM", False, OURS, 1), ("name", "EIO", False, OURS, 29), ("name", "EIO", True, OURS, 37),
        ("lock", "ENOLCK", False, OURS, 17)]
# A lock that cannot be had is asked for for seconds.
LOCK = [("lock", "ENOLCK", True, OURS, 37)]
READ += LOCK if soak.seconds() else []
WRITE = READ + [("sync", "EIO", False, OURS, 2), ("sync", "EIO", True, OURS, 3)]
# Beside files only a source of random bytes is read by all but a pass, which calls somebody back.
CGI = WRITE + [("receive", "EIO", False, OURS, 1)] + (LOCK if not soak.seconds() else [])
PASS = WRITE + [("descriptor", "EMFILE", False, OURS, 1), ("socket", "EMFILE", False, OURS, 1), ("socket", "EMFILE", True, OURS, 1),
                ("receive", "ECONNRESET", False, OURS, 1), ("receive", "ECONNRESET", True, OURS, 3), ("send", "EPIPE", False, OURS, 1),
                ("send", "EPIPE", True, OURS, 1), ("wait", "EINTR", False, OURS, 2), ("thread", "EAGAIN", False, OURS, 1),
                ("thread", "EAGAIN", True, OURS, 1)]


def name(v):
    return "" if isinstance(v, str) and "libfcgi" in v else str(v)


@pytest.fixture
def failing(tmp_path):
    f = Failing(tmp_path / "failing")
    yield f
    f.close()


def env(a, failing, spares=OURS):
    return {**a.env, **failing.env, "ANTEROOM_FAIL_SPARES": spares}


# The service ----------------------------------------------------------------------------------------------------------


def start(a, failing, spares, listen="second.sock"):
    """A second service beside the one that the test has: the process, once it is ready or has ended."""
    log = a.dir / "log/second.log"
    log.write_text("")
    p = Process("anteroom.fcgi", [BIN / "anteroom.fcgi", "--config", a.config_path, "--listen", f"unix:{listen}"], a.dir, log,
                env(a, failing, spares))
    wait_until(lambda: "event=ready" in p.log() or not p.alive(), what="a start or an end")
    return p


def is_ended_well(p, codes):
    code = p.wait()
    assert code in codes, f"it ended with {code}:\n{p.log()}"
    assert code == 0 or p.log(), f"it ended with {code}, and not a word"


@pytest.mark.parametrize("kind, error, forever, spares, short", START, ids=name)
def test_a_service_whose_start_fails_says_why_or_serves(anteroom, failing, kind, error, forever, spares, short):
    a = anteroom(lab({"n": {"gpu": 4}}))
    create(a, "j", 1)

    def attempt(nth):
        failing.arm(kind, nth, error, forever)
        p = start(a, failing, spares)
        fired = failing.fired
        failing.disarm()
        if "event=ready" in p.log():
            p.send(signal.SIGTERM)
        is_ended_well(p, (0, 1, 78))
        return fired

    number = sweep(f"start: {kind} {error}", attempt, short)
    p = start(a, failing, spares)
    assert p.stop() == 0
    is_sound(a)
    soak.figure(PROMISE, f"start of the service: {kind} {error} {'for ever' if forever else 'once'}: {number} failed")


@pytest.mark.parametrize("kind, error, forever, spares, short", FIRST_START, ids=name)
def test_a_first_start_that_fails_is_made_good_by_the_next(anteroom, failing, kind, error, forever, spares, short):
    a = anteroom(lab({"n": {"gpu": 4}}), start=False)
    a.write_config()

    def attempt(nth):
        for path in a.dir.glob("anteroom.db*"):
            path.unlink()
        failing.arm(kind, nth, error, forever)
        p = start(a, failing, spares)
        fired = failing.fired
        failing.disarm()
        if "event=ready" in p.log():
            p.send(signal.SIGTERM)
        is_ended_well(p, (0, 1))
        p = start(a, failing, spares)
        assert "event=ready" in p.log(), p.log()
        assert p.stop() == 0
        is_sound(a)
        return fired

    number = sweep(f"first start: {kind} {error}", attempt, short)
    soak.figure(PROMISE, f"first start of the service: {kind} {error} {'for ever' if forever else 'once'}: {number} failed")


@pytest.mark.parametrize("kind, error, forever", [("memory", "ENOMEM", False), ("memory", "ENOMEM", True), ("thread", "EAGAIN", True),
                                                  ("receive", "EINTR", False), ("send", "EPIPE", False), ("send", "EPIPE", True),
                                                  ("name", "EIO", False), ("name", "EIO", True), ("wait", "EINTR", False)], ids=str)
def test_a_service_that_is_stopped_leaves_whatever_fails(anteroom, failing, kind, error, forever):
    a = anteroom(lab({"n": {"gpu": 4}}))

    def attempt(nth):
        p = start(a, failing, SPARES)
        return stop_while(p, failing, kind, nth, error, forever)

    sweep(f"stop: {kind} {error}", attempt, 2)
    is_sound(a)


@pytest.mark.parametrize("kind, error, forever, short", [("write", "ENOSPC", True, 5), ("write", "EIO", False, 5), ("sync", "EIO", True, 1),
                                                         ("sync", "EIO", False, 1), ("read", "EIO", False, 7), ("lock", "ENOLCK", False, 2),
                                                         ("length", "ENOSPC", False, 1)], ids=str)
def test_a_service_that_is_stopped_and_cannot_tidy_its_files_up_leaves_and_loses_nothing(anteroom, failing, kind, error, forever, short):
    """It is alone, so that it brings the log into the file when it leaves."""
    a = anteroom(lab({"n": {"gpu": 4}}))
    assert a.fcgi.stop() == 0
    made = []

    def attempt(nth):
        p = start(a, failing, SPARES, "fcgi.sock")
        for _ in range(3):
            made.append(f"j{len(made)}")
            create(a, made[-1], 1)
        fired = stop_while(p, failing, kind, nth, error, forever)
        assert [name for (name,) in ask(a, "SELECT request_id FROM jobs ORDER BY id")] == made
        return fired

    number = sweep(f"stop: {kind} {error}", attempt, short)
    is_sound(a)
    soak.figure(PROMISE, f"stop of the service: {kind} {error} {'for ever' if forever else 'once'}: {number} failed")


def stop_while(p, failing, kind, nth, error, forever):
    """SIGTERM while the nth call fails. How many failed."""
    failing.arm(kind, nth, error, forever)
    begun = time.monotonic()
    p.send(signal.SIGTERM)
    is_ended_well(p, (0, 1))
    assert time.monotonic() - begun < 10 * SLOW
    fired = failing.fired
    failing.disarm()
    return fired


@pytest.mark.parametrize("kind, error, forever", [("socket", "EMFILE", False), ("socket", "EMFILE", True), ("socket", "ECONNABORTED", False),
                                                  ("socket", "EINTR", False), ("descriptor", "ENOMEM", False),
                                                  ("descriptor", "ENOSPC", True), ("memory", "ENOMEM", False),
                                                  ("receive", "ECONNRESET", False)], ids=str)
def test_a_connection_that_cannot_be_taken_costs_no_other(anteroom, failing, kind, error, forever):
    """It is closed without an answer, or answered within a second or so of there being room again; no descriptor stays."""
    a = anteroom(lab({"n": {"gpu": 4}}), start=False)
    a.start_nginx()
    a.env = env(a, failing)
    a.write_config()
    a.start_fcgi()
    wait_until(lambda: "event=ready" in a.fcgi.log(), what="ready")

    def descriptors():
        return len(os.listdir(f"/proc/{a.fcgi.pid}/fd"))

    assert a.get(LAB).status == 200
    before = descriptors()

    def attempt(nth):
        failing.arm(kind, nth, error, forever)
        try:
            with FastCGI(a) as c:  # it may be closed as soon as it is there
                c.begin("GET", LAB)
                c.send(c.STDIN, b"")
                if forever:
                    wait_until(lambda: failing.fired or select.select([c.socket], [], [], 0)[0], what="a failure or an answer")
                    failing.disarm()
                assert c.answer().status in (200, 500)
        except (OSError, AssertionError) as fault:
            assert isinstance(fault, OSError) or "the connection ended" in str(fault), fault
        fired = failing.fired
        failing.disarm()
        assert a.get(LAB).status == 200
        return fired

    sweep(f"connection: {kind} {error}", attempt)
    wait_until(lambda: descriptors() <= before, what="descriptors given back")
    assert a.get(LAB).status == 200


# Plain CGI ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, error, forever, spares, short", CGI, ids=name)
def test_a_request_by_cgi_is_refused_or_done(anteroom, failing, kind, error, forever, spares, short):
    a = anteroom(lab({"n": {"gpu": 4}}), start=False)
    a.write_config()
    assert a.cgi("GET", LAB)[0] == 200
    plain = a.env

    def cgi(name, with_env):
        a.env = with_env
        body = json.dumps(a.job(name, "lab", data={"instances": [{"gpu": 1}]})).encode()
        variables = {**a.env, "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST", "REQUEST_URI": LAB, "PATH_INFO": LAB,
                     "QUERY_STRING": "", "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1",
                     "HTTP_IDEMPOTENCY_KEY": name, "ANTEROOM_CONFIG": str(a.config_path)}
        done = subprocess.run([BIN / "anteroom.fcgi"], cwd=a.dir, env=variables, input=body, capture_output=True, timeout=60 * SLOW)
        a.env = plain
        return done

    def attempt(nth):
        job = f"j{nth}"
        failing.arm(kind, nth, error, forever)
        done = cgi(job, env(a, failing, spares))
        fired = failing.fired
        failing.disarm()
        is_left_well(done)
        status = int(done.stdout.split()[1]) if done.stdout.startswith(b"Status: ") else 0
        assert status in (0, 201, 500, 503, 507), done.stdout
        assert status != 0 or done.returncode != 0, "there is no answer, and exit code 0"
        if status == 201:
            assert ask(a, "SELECT count(*) FROM jobs WHERE request_id = ?", job) == [(1,)]
        assert cgi(job, plain).stdout.startswith(b"Status: 201 "), nth
        assert ask(a, "SELECT count(*) FROM jobs WHERE request_id = ?", job) == [(1,)]
        return fired

    number = sweep(f"cgi: {kind} {error}", attempt, short)
    is_sound(a)
    soak.figure(PROMISE, f"plain CGI: {kind} {error} {'for ever' if forever else 'once'}: {number} failed")


# The dispatcher -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, error, forever, spares, short", PASS, ids=name)
def test_a_pass_that_fails_is_made_good_by_the_next(anteroom, receiver, failing, kind, error, forever, spares, short):
    hosts = {"n": {"gpu": 100_000}}
    # Only a name has to be looked up, which a thread does.
    base = receiver.url().replace("127.0.0.1", "localhost") if kind == "thread" else receiver.url()
    a = anteroom({"queues": {"lab": queue(hosts, base=base)}}, start=False)
    a.write_config()
    a.command("token", "list")  # makes the database

    def attempt(nth):
        job = f"j{nth}"
        a.command("submit", "lab", "--request-id", job, "--owner", "y", "--callback", job, "--data", '{"instances": [{"gpu": 1}]}')
        failing.arm(kind, nth, error, forever)
        done = subprocess.run([BIN / "anteroom-dispatch", "--config", a.config_path], cwd=a.dir, env=env(a, failing, spares),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60 * SLOW)
        fired = failing.fired
        failing.disarm()
        is_left_well(done)
        a.dispatch()
        # A try that failed is due again after five seconds.
        if ask(a, "SELECT status FROM jobs WHERE request_id = ?", job) != [("running",)]:
            a.command("resend", "lab", job)
            a.dispatch()
        assert ask(a, "SELECT status FROM jobs WHERE request_id = ?", job) == [("running",)], done.stderr
        calls = receiver.at(job)
        assert 1 <= len(calls) <= 2 and len({c.headers["webhook-id"] for c in calls}) == 1
        assert calls[0].json["data"]["RequestID"] == job
        return fired

    number = sweep(f"pass: {kind} {error}", attempt, short)
    books_balance(a, hosts)
    is_sound(a)
    soak.figure(PROMISE, f"a pass: {kind} {error} {'for ever' if forever else 'once'}: {number} failed")


# The operator's command -----------------------------------------------------------------------------------------------


COMMANDS = ["list lab", "why lab one", "check", "backup", "submit", "token add"]
MORE = ["show lab one", "queues", "capacity", "token list"] if soak.seconds() else []


@pytest.mark.parametrize("words", COMMANDS + MORE, ids=lambda w: w.replace(" ", "-"))
def test_a_command_that_fails_says_so_and_prints_nothing_wrong(anteroom, failing, words):
    a = anteroom(lab({"n": {"gpu": 100_000}}), start=False)
    a.write_config()
    submit = ["--owner", "y", "--data", '{"instances": [{"gpu": 1}]}']
    a.command("submit", "lab", "--request-id", "one", "--callback", "one", *submit)
    a.dispatch()
    good = None if words in ("backup", "submit", "token add", "check", "show lab one") else a.command(*words.split())
    copy = a.dir / "copy.db"

    def attempt_of(kind, error, forever, spares):
        def attempt(nth):
            job = f"j{kind}{error}{forever}{nth}"
            args = {"submit": ["submit", "lab", "--request-id", job, "--callback", job, *submit], "backup": ["backup", copy],
                    "token add": ["token", "add", job, "--role", "reader"]}.get(words, words.split())
            failing.arm(kind, nth, error, forever)
            done = subprocess.run([BIN / "anteroom", "--config", a.config_path, *args], cwd=a.dir, env=env(a, failing, spares),
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60 * SLOW)
            fired = failing.fired
            failing.disarm()
            if words == "check":  # it says on standard output what it has found
                assert kind != "memory" or "NOT SOUND" not in done.stdout, done.stdout
                done.stderr += done.stdout
            is_left_well(done, f"{args} {kind} {nth}: {done.stdout}")
            if done.returncode == 0 and good:
                assert shape(done.stdout) == shape(good.stdout), (kind, nth)
            if words == "backup":
                assert copy.exists() or done.returncode != 0
                if copy.exists():
                    a.command("check", copy)
                copy.unlink(missing_ok=True)
                # One that could not even be looked at may stay, empty, and is the next one's.
                assert not [f for f in a.dir.glob("copy.db*") if f.stat().st_size > 0 or kind != "name"], (kind, nth)
            if words == "submit":
                count = ask(a, "SELECT count(*) FROM jobs WHERE request_id = ?", job)[0][0]
                assert count == 1 if done.returncode == 0 else count in (0, 1)
            if words == "token add":
                assert (job in a.command("token", "list").stdout) >= (done.returncode == 0)
            return fired
        return attempt

    number = 0
    for kind, error, forever, spares, short in WRITE if words in ("backup", "submit", "token add") else READ:
        number += sweep(f"{words}: {kind} {error}", attempt_of(kind, error, forever, spares), 4 * short)
    is_sound(a)
    soak.figure(PROMISE, f"anteroom {words}: {number} failed")


def shape(text):
    """The words of an output without its numbers and times, which go on."""
    return ["".join(c for c in word if not c.isdigit()) for word in text.split() if any(c.isalpha() for c in word)
            and not word.endswith(("ago", "now", "s", "m", "ms"))]
