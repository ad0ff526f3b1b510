# SPDX-License-Identifier: MIT
"""A disk that is full: new jobs are refused with 507, everything else goes on, and all is as before within a second of there being
room. First by the low-water mark, which refuses early; then full to the last byte by somebody else's file, also in the middle of a
checkpoint, a backup, a migration, a call; and the other ways in which a file may not grow."""
import contextlib
import itertools
import os
import resource
import sqlite3
import subprocess
import threading
import time

import pytest

import soak
from cloud import LAB, ask, books_balance, change, create, held, is_sound, lab, queue, reason, show, states
from failing import Failing
from harness import BIN, ROOT, SLOW, wait_until
from nth import Service
from receiver import Reply
from small_disk import MB, mounted, mounts

pytestmark = pytest.mark.alone

PROMISE = "Survives a full disk"
HOSTS = {"n": {"gpu": 1000}}


@contextlib.contextmanager
def anteroom_on_small_disk(anteroom, conf, size=24 * MB):
    """The state of an installation on a disk of its own, which must outlive its programs."""
    a = anteroom(conf, start=False)
    with mounted(a.dir / "disk", size) as disk:
        a.db_path = disk.path / "anteroom.db"
        try:
            yield a, disk
        finally:
            a.stop()


def is_full(answer):
    assert answer.status == 507 and answer.code == "storage_full" and "disk" in answer.json["error"], answer


def is_normal_within_a_second(a, since, name):
    """A new job is taken again, a second after there was room at the latest; half a second more is the test's own, and the machine's."""
    wait_until(lambda: a.post(LAB, a.job(name, "lab", data={"instances": [{"gpu": 1}]})).status == 201, what="a new job")
    took = time.monotonic() - since
    soak.figure(PROMISE, f"a new job is taken {took * 1000:.0f} ms after there is room again")
    assert took < 1.5 * SLOW, took


@mounts
def test_at_the_low_water_mark_new_jobs_are_refused_and_all_else_goes_on(request, anteroom, receiver):
    conf = {"low_water": "8M", "queues": {"lab": queue(HOSTS, base=receiver.url())}}
    with anteroom_on_small_disk(anteroom, conf) as (a, disk):
        a.start(dispatcher=True)
        for i in range(20):
            create(a, f"j{i}", 1)
        for i in range(10):
            create(a, f"big{i}", HOSTS["n"]["gpu"])  # waits while the last ten of the others run
        disk.fill(leave=6 * MB)
        early = (a.job(f"early{i}", "lab", not_before="2100-01-01T00:00:00Z") for i in itertools.count())  # they need no place
        wait_until(lambda: a.post(LAB, next(early)).status == 507, what="a refusal")
        for i in range(10):
            is_full(a.post(LAB, a.job("new", "lab")))
            is_full(a.post(LAB, [a.job("new", "lab"), a.job("new2", "lab")]))
            a.wait_status(f"j{i}", "running", "lab")
            change(a, f"j{i}", status="finished")
            change(a, f"big{i}", status="cancelled")
            assert a.delete(f"/v1/lab/big{i}").status == 200
        since = time.monotonic()
        disk.empty()
        is_normal_within_a_second(a, since, "after")
        a.wait_status("after", "running", "lab")
        books_balance(a, HOSTS)
        is_sound(a)


@mounts
def test_full_to_the_last_byte_reads_and_changes_go_on_and_the_dispatcher_calls(request, anteroom, receiver):
    """Nobody but the reserve has room: 100 changes of state, admissions, a callback that was under way, and what it leads to."""
    answered = threading.Event()
    receiver.script("cb-j0", [Reply(before=answered)])
    conf = {"low_water": "1M", "queues": {"lab": queue({"n": {"gpu": 30}}, base=receiver.url())}}
    with anteroom_on_small_disk(anteroom, conf) as (a, disk):
        a.start(dispatcher=True)
        for i in range(62):
            create(a, f"j{i}", 1)
        receiver.wait(1, path="cb-j0")  # this call is under way when the disk is full
        for i in range(1, 30):
            a.wait_status(f"j{i}", "running", "lab")
        for i in range(30, 62):  # told why they wait: nobody writes any more
            wait_until(lambda: reason(a, f"j{i}")[1].startswith("needs"), what=f"the reason of j{i}")
        disk.fill()
        is_full(a.post(LAB, a.job("new", "lab")))
        answered.set()
        a.wait_status("j0", "running", "lab")
        for i in range(10):
            change(a, f"j{i}", status="finished")
            a.wait_status(f"j{i + 30}", "running", "lab")  # what it held is given to the next, who is called
            assert receiver.at(f"cb-j{i + 30}")
        for i in range(40, 60):
            change(a, f"j{i}", status="held")
            assert a.get(LAB).status == a.get(f"/v1/lab/j{i}/events").status == a.get("/metrics").status == 200
            change(a, f"j{i}", status="queued")
            change(a, f"j{i}", priority=i, data={"instances": [{"gpu": 2}]})
            change(a, f"j{i}", move="back")
            if i % 2:
                change(a, f"j{i}", status="cancelled")
                assert show(a, f"j{i}")["Status"] == "cancelled"
            assert a.delete(f"/v1/lab/j{i}").status == 200
            is_full(a.post(LAB, a.job("new", "lab")))
        a.command("cancel", "lab", "j60")
        assert a.cgi("DELETE", "/v1/lab/j61")[0] == 200
        before = held(a)["n"]["gpu"]
        assert a.delete("/v1/lab/j14").status == 200  # one that runs gives back what it holds
        assert held(a)["n"]["gpu"] == before - 1
        assert a.post("/queues/lab", {"paused": True}).status == a.post("/queues/lab", {"paused": False}).status == 200
        assert a.fcgi.alive() and a.dispatcher.alive()
        since = time.monotonic()
        disk.empty()
        is_normal_within_a_second(a, since, "after")
        change(a, "j12", status="finished")
        a.wait_status("after", "running", "lab")
        books_balance(a, {"n": {"gpu": 30}})
        is_sound(a)
        # The reserve is whole again, for the next time.
        wait_until(lambda: change(a, "j13", priority=1) is None and (disk.path / "anteroom.db.room").stat().st_size == 4 * MB, what="it")


@mounts
def test_full_in_the_middle_of_a_checkpoint_nothing_is_lost(request, anteroom):
    """The log is longer than what is left of the disk, and has to be folded into the file again and again."""
    for _ in soak.rounds(1, 30):  # each on a new disk: deleted jobs stay in the file until retention takes them
        with anteroom_on_small_disk(anteroom, {**lab(HOSTS), "low_water": "1M"}, 40 * MB) as (a, disk):
            a.start()
            made = {}
            for round in range(3):
                fill_in_the_middle(a, disk, made, round)
            is_sound(a)


def fill_in_the_middle(a, disk, made, round):
    """`made`: which jobs there are, by name; True: they are there."""
    for i in range(10):
        name = f"j{round}-{i}"
        answer = a.post(LAB, [a.job(f"{name}-{k}", "lab", data={"note": "x" * 20_000}) for k in range(10)])
        assert answer.status == 201 or is_full(answer) is None
        made.update({f"{name}-{k}": answer.status == 201 for k in range(10)})
    disk.fill()
    for name in [name for name, there in made.items() if there][:40]:
        change(a, name, status="held")
        assert a.delete(f"/v1/lab/{name}").status == 200
        made[name] = False
    assert set(states(a)) == {name for name, there in made.items() if there}
    disk.empty()
    is_normal_within_a_second(a, time.monotonic(), f"room{round}")
    made[f"room{round}"] = True


@mounts
def test_full_a_backup_fails_clearly_leaves_nothing_and_hurts_nobody(request, anteroom):
    with anteroom_on_small_disk(anteroom, {**lab(HOSTS), "low_water": "1M"}) as (a, disk):
        a.start()
        for i in range(40):
            create(a, f"j{i}", 1)
        disk.fill()
        done = a.command("backup", disk.path / "copy.db", code=1)
        assert "full" in done.stderr or "no room" in done.stderr, done
        assert not list(disk.path.glob("copy*"))
        a.command("backup", a.dir / "elsewhere.db")  # reading needs no room
        a.command("check", a.dir / "elsewhere.db")
        disk.empty()
        # Also one that fills up half-way: the room is there when it begins.
        full = threading.Thread(target=disk.crowd)
        full.start()
        done = subprocess.run([BIN / "anteroom", "--config", a.config_path, "backup", disk.path / "copy.db"], env=a.env, cwd=a.dir,
                              capture_output=True, text=True, timeout=60 * SLOW)
        full.join()
        assert done.returncode in (0, 1) and (done.returncode == 0 or done.stderr), done
        assert [f.name for f in disk.path.glob("copy*")] == (["copy.db"] if done.returncode == 0 else [])
        assert a.delete("/v1/lab/j1").status == 200
        disk.empty()
        is_sound(a)


@mounts
def test_full_a_migration_is_refused_and_made_once_there_is_room(request, anteroom):
    with anteroom_on_small_disk(anteroom, lab(HOSTS)) as (a, disk):
        steps = sorted((ROOT / "common/schema").glob("*.sql"))
        with contextlib.closing(sqlite3.connect(a.db_path, isolation_level=None)) as db:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(steps[0].read_text())
            db.execute("PRAGMA user_version = 1")
            db.execute(f"PRAGMA application_id = {0x416e7465}")
        a.write_config()
        disk.fill()
        before = a.db_path.read_bytes()
        for program, args in (("anteroom.fcgi", ["--check"]), ("anteroom-dispatch", [])):
            done = subprocess.run([BIN / program, "--config", a.config_path, *args], env=a.env, cwd=a.dir, capture_output=True,
                                  text=True, timeout=60 * SLOW)
            assert done.returncode == 1 and ("full" in done.stderr or "disk" in done.stderr), done
        assert a.db_path.read_bytes() == before
        disk.empty()
        assert ask(a, "PRAGMA user_version") == [(1,)]
        a.dispatch()
        assert ask(a, "PRAGMA user_version") == [(len(steps),)]
        is_sound(a)


@mounts
def test_full_is_the_disk_of_the_log_and_nothing_else_stops(request, anteroom, receiver):
    a = anteroom({"queues": {"lab": queue(HOSTS, base=receiver.url())}}, start=False)
    with mounted(a.dir / "disk", MB) as disk:
        (a.dir / "anteroom.log").symlink_to(disk.path / "anteroom.log")
        a.config = {**a.config, "log_file": str(a.dir / "anteroom.log")}
        a.start(dispatcher=True)
        disk.fill()
        for i in range(20):
            create(a, f"j{i}", 1)
            a.wait_status(f"j{i}", "running", "lab")
            assert a.delete(f"/v1/lab/j{i}").status == 200
        disk.empty()
        assert a.get("/v1/lab/none").status == 404
        a.stop()
        assert "event=stopped" in (disk.path / "anteroom.log").read_text()


def test_a_limit_on_the_size_of_files_is_a_full_disk_and_no_signal_ends_the_service(anteroom):
    a = anteroom({**lab(HOSTS), "low_water": "1M"})
    for i in range(30):
        create(a, f"j{i}", 1)
    resource.prlimit(a.fcgi.pid, resource.RLIMIT_FSIZE, (2 * MB, 2 * MB))
    taken = 0
    for i in range(200):
        answer = a.post(LAB, a.job(f"n{i}", "lab", data={"note": "x" * 30_000}))
        if answer.status != 201:
            is_full(answer)
            break
        taken += 1
    assert taken < 200
    for i in range(30):  # the log begins anew
        answer = a.delete(f"/v1/lab/j{i}")
        if answer.status != 200:
            is_full(answer)
            assert a.delete(f"/v1/lab/j{i}").status == 200
    assert a.fcgi.alive() and len(a.get(LAB).data) == taken
    is_sound(a)


@pytest.mark.ordinary
def test_a_quota_that_is_used_up_is_a_full_disk(anteroom, tmp_path_factory, tmp_path):
    """A quota cannot be had everywhere: what the system says then is said by pre_fail."""
    with contextlib.ExitStack() as stack:
        s = Service(anteroom, tmp_path)
        stack.callback(s.close)
        name = s.create("j")
        s.failing.arm("write", 1, "EDQUOT", forever=True)
        for _ in range(3):
            is_full(s.ask("POST", LAB, s.body("new")))
            is_full(s.ask("DELETE", LAB + name))
            assert s.ask("GET", LAB + name).status == 200
        s.failing.disarm()
        assert s.ask("POST", LAB, s.body("new")).status in (201, 507)
        s.again("DELETE", LAB + name)
        is_normal_within_a_second(s.a, time.monotonic(), "after")
        assert s.ended == 0
