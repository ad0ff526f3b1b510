# SPDX-License-Identifier: MIT
"""The database missing, foreign, newer, locked, grown, and its disk nearly full."""
import contextlib
import fcntl
import os
import signal
import sqlite3
import subprocess
import threading

import pytest

from cloud import LAB, change, create, is_sound, lab, states
from contract import is_refused
from harness import BIN, SLOW, wait_until

CONF = lab({"n": {"gpu": 4}})


def is_unavailable(answer):
    assert answer.status == 503 and answer.code == "unavailable" and answer.headers["Retry-After"] == "1", answer
    assert answer.headers["Content-Type"] == "application/json" and answer.json["error"]


# Before the start -----------------------------------------------------------------------------------------------------


def no_directory(path):
    path.parent.rmdir()


def a_directory(path):
    path.mkdir()


def no_database(path):
    path.write_bytes(b"This is no database, and it is mine.\n" * 100)


def newer(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA user_version = 99")
        db.execute("PRAGMA application_id = 0x416e7465")


def foreign(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE jobs (mine TEXT)")


def a_lock_file_that_is_a_directory(path):
    path.with_name(path.name + ".lock").mkdir()


FAULTS = [
    (no_directory, "No such file or directory"), (a_directory, "cannot open"), (no_database, "file is not a database"),
    (newer, "newer Anteroom"), (foreign, "none of Anteroom's"), (a_lock_file_that_is_a_directory, "lock file"),
]


@pytest.mark.parametrize("fault, words", FAULTS, ids=[f.__name__ for f, _ in FAULTS])
def test_a_database_that_cannot_be_used_is_one_clear_sentence_and_left_alone(anteroom, fault, words):
    a = anteroom(CONF, start=False)
    a.db_path = a.dir / "state" / "anteroom.db"
    a.db_path.parent.mkdir()
    fault(a.db_path)
    before = a.db_path.read_bytes() if a.db_path.is_file() else None
    a.write_config()
    for program, args in (("anteroom.fcgi", ["--listen", "unix:fcgi.sock"]), ("anteroom.fcgi", ["--check"]),
                          ("anteroom-dispatch", []), ("anteroom-dispatch", ["--watch"])):
        done = subprocess.run([BIN / program, "--config", a.config_path, *args], cwd=a.dir, env=a.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30 * SLOW)
        if fault is a_lock_file_that_is_a_directory and args == ["--check"]:
            assert done.returncode == 0  # it makes neither, and so does not meet it
            continue
        assert done.returncode == 1, done
        line = next(x for x in done.stderr.splitlines() if words in x)
        assert str(a.db_path) in line or "level=error" in line
    assert (a.db_path.read_bytes() if a.db_path.is_file() else None) in (before, before or b"")
    assert a.cgi("GET", "/v1/lab/")[0] == 503
    assert not (a.dir / "fcgi.sock").exists()


def test_a_database_that_is_damaged_is_not_taken_for_a_good_one(anteroom):
    a = anteroom(CONF)
    for i in range(50):
        create(a, f"j{i}", 1)
    a.fcgi.stop()
    a.ended.append((a.fcgi, 0))
    a.fcgi = None
    size = a.db_path.stat().st_size
    with open(a.db_path, "r+b") as f:  # the header stays, what follows does not
        f.seek(100)
        f.write(b"\xff" * (size - 100))
    a.db_path.with_name(a.db_path.name + "-wal").unlink(missing_ok=True)
    done = a.dispatch(code=1)
    assert "level=error" in done.stderr


# While it runs --------------------------------------------------------------------------------------------------------


def test_locked_by_another_program_writes_are_refused_in_time_and_reads_go_on(anteroom):
    a = anteroom(CONF)
    create(a, "j", 1)
    other = sqlite3.connect(a.db_path, isolation_level=None, timeout=60)
    with contextlib.closing(other):
        other.execute("BEGIN IMMEDIATE")
        answers = []
        threads = [threading.Thread(target=lambda i=i: answers.append(a.post(LAB, a.job(f"k{i}", "lab")))) for i in range(4)]
        threads += [threading.Thread(target=lambda: answers.append(a.post("/v1/lab/j", {"priority": 1}))),
                    threading.Thread(target=lambda: answers.append(a.delete("/v1/lab/j")))]
        for t in threads:
            t.start()
        while any(t.is_alive() for t in threads):
            assert a.get(LAB).status == 200 and a.get("/v1/lab/j").status == 200
        assert len(answers) == 6
        for answer in answers:
            is_unavailable(answer)
        assert a.get("/healthz").status == 200
        other.execute("ROLLBACK")
    assert states(a) == {"j": "queued"}
    create(a, "k0", 1)
    change(a, "j", priority=1)
    a.dispatch()
    assert states(a) == {"j": "running", "k0": "running"}


def test_locked_by_one_who_holds_our_lock_file_writes_are_refused_in_time(anteroom):
    a = anteroom(CONF)
    create(a, "j", 1)
    with open(str(a.db_path) + ".lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_unavailable(a.post(LAB, a.job("k", "lab")))
        assert states(a) == {"j": "queued"}
        status, fields, _ = a.cgi("GET", "/v1/lab/")
        assert status == 200
    create(a, "k", 1)


def test_large_changes_that_wait_for_the_disk_are_bounded(anteroom):
    """24 MB of bodies while nothing can be written: what is more than 16 MiB is refused before it takes memory."""
    a = anteroom(CONF)
    answers = []

    def post(number):
        jobs = [a.job(f"{number}-{i}", "lab", data={"note": "x" * 65000}) for i in range(15)]
        answers.append((number, a.client().post(LAB, jobs)))

    threads = [threading.Thread(target=post, args=(number,)) for number in range(24)]
    with open(str(a.db_path) + ".lock", "rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for t in threads:
            t.start()
        wait_until(lambda: any("too many large" in answer.json.get("error", "") for _, answer in answers), what="a refusal")
    for t in threads:
        t.join()
    for _, answer in answers:
        assert answer.status == 201 or is_unavailable(answer) is None
    made = {f"{number}-{i}" for number, answer in answers if answer.status == 201 for i in range(15)}
    assert set(states(a)) == made
    create(a, "after", 1)


def test_a_dispatcher_whose_database_is_locked_waits_and_goes_on(anteroom):
    a = anteroom(CONF)
    a.start_dispatcher()
    create(a, "first", 1)
    a.wait_status("first", "running", "lab")
    create(a, "j", 4)
    wait_until(lambda: "needs" in a.get("/v1/lab/j").data["Message"], what="a pass")
    other = sqlite3.connect(a.db_path, isolation_level=None, timeout=60)
    with contextlib.closing(other):
        change(a, "first", status="finished")  # wakes it; it may have got in before the lock
        other.execute("BEGIN IMMEDIATE")
        done = states(a)["j"] == "running" or wait_until(lambda: "level=error" in a.dispatcher.log(), what="its complaint")
        other.execute("ROLLBACK")
    assert done
    a.wait_status("j", "running", "lab")
    assert a.dispatcher.stop() == 0


def set_version(a, version):
    with contextlib.closing(sqlite3.connect(a.db_path, timeout=60)) as db:
        was = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {version}")
    return was


def stands_still(a):
    """The dispatcher, and without the lock of all who write."""
    a.dispatcher.send(signal.SIGSTOP)
    with open(str(a.db_path) + ".lock", "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            a.dispatcher.send(signal.SIGCONT)
            return False
    return True


def test_brought_up_by_a_newer_program_while_these_run_they_write_nothing_any_more(anteroom):
    a = anteroom(CONF)
    a.start_dispatcher()
    create(a, "first", 1)
    create(a, "j", 4)
    a.wait_status("first", "running", "lab")
    wait_until(lambda: "needs" in a.get("/v1/lab/j").data["Message"], what="a pass")
    wait_until(lambda: stands_still(a), what="a dispatcher that does not write")
    change(a, "first", status="finished")
    known = set_version(a, 1000)
    answer = a.post(LAB, a.job("k", "lab"))
    is_unavailable(answer)
    assert "version 1000" in answer.json["error"] and "restart" in answer.json["error"]
    for answer in (a.post("/v1/lab/j", {"priority": 1}), a.delete("/v1/lab/j"), a.get("/healthz")):
        is_unavailable(answer)
    a.dispatcher.send(signal.SIGCONT)
    assert a.dispatcher.wait(30) == 1 and "version 1000" in a.dispatcher.log()
    a.dispatcher.expected_codes = (1,)
    assert states(a) == {"first": "finished", "j": "queued"}, "lists are still read"
    set_version(a, known)
    a.dispatch()
    assert states(a)["j"] == "running"


def test_the_wal_stays_within_bounds(anteroom):
    """100 MiB of jobs go through it, and come to the file itself."""
    a = anteroom(CONF)
    wal = a.db_path.with_name(a.db_path.name + "-wal")
    most = 0
    for i in range(100):
        jobs = [a.job(f"j{i}-{k}", "lab", data={"note": "x" * 50_000}) for k in range(20)]
        assert a.post(LAB, jobs).status == 201
        most = max(most, wal.stat().st_size)
    assert most < 56 << 20 and a.db_path.stat().st_size > 40 << 20, (most, a.db_path.stat().st_size)
    with contextlib.closing(a.database()) as db:
        assert db.execute("SELECT count(*) FROM jobs").fetchone() == (2000,)
    is_sound(a)


def test_a_disk_nearly_full_takes_no_new_jobs_but_every_change(anteroom):
    a = anteroom(CONF)
    create(a, "j", 1)
    create(a, "k", 1)
    disk = os.statvfs(a.dir)
    assert disk.f_bavail * disk.f_frsize < 1 << 40, "this test wants a disk with less than 1 TiB free"
    a.write_config({"low_water": "1024G", **CONF})
    a.restart_fcgi()
    for body in (a.job("new", "lab"), [a.job("new", "lab")]):
        answer = a.post(LAB, body)
        assert answer.status == 507 and answer.code == "storage_full" and answer.headers["Content-Type"] == "application/json"
    assert a.get("/v1/lab/new").status == 404
    for body, at in ((a.job("j", "lab"), ""), ([a.job("j", "lab")], "/0")):
        is_refused(a.post(LAB, body), "duplicate_request_id", f"{at}/request_id")  # its client may have had no answer
    change(a, "j", move="back")
    change(a, "j", status="held")
    change(a, "j", status="queued")
    a.dispatch()
    assert states(a) == {"k": "running", "j": "running"}
    assert a.delete("/v1/lab/j").status == 200
    a.write_config(CONF)
    a.restart_fcgi()
    create(a, "new", 1)


GET = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "REQUEST_URI": "/v1/lab/", "REMOTE_ADDR": "127.0.0.1"}


def test_programs_that_start_at_once_on_a_new_database_wait_for_each_other(tmp_path):
    """As `make run` starts them: who comes second must not be told that the database is locked."""
    config = tmp_path / "anteroom.yaml"
    for i in range(20):
        config.write_text(f"database: {tmp_path}/{i}.db\n")
        started = [subprocess.Popen([BIN / "anteroom.fcgi", "--config", config], env={**os.environ, **GET}, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(6)]
        said = [p.communicate()[0] for p in started]
        assert all("Status: 200" in x for x in said), said
