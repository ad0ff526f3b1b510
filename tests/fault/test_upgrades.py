# SPDX-License-Identifier: MIT
"""Databases of every earlier version come up to this one with all that is in them, wherever the migration is ended: by kill -9
before any of its operations, by a power cut after any of them, by a disk that is full from any of them on, by another program
that begins the same."""
import collections
import concurrent.futures
import contextlib
import itertools
import random as random_module
import shutil
import sqlite3
import subprocess
import threading

import pytest

import old_database
import power
import soak
from harness import BIN, SLOW, wait_until

OLD = range(1, old_database.NEWEST)
QUEUES = {"queues": {type: {"capacity": "none", "callback_base": "http://127.0.0.1:@PORT@/demo/callback/"} for type in ("lab", "vm")}}
KILLED = -9


class Place:
    """A directory with an old database, whose programs are run. No web server is needed for that."""

    def __init__(self, make, path, version, seed, **kw):
        self.a = make(QUEUES, start=False)
        self.a.write_config()
        self.old = path / "old"
        old_database.make(self.old, version, random_module.Random(seed), **kw)
        self.reset()

    def reset(self):
        power.clear(self.a.dir)
        power.copy(self.old.iterdir(), self.a.dir)

    def cgi(self, **watch):
        """The service as a plain CGI program, which is asked for a list and brings the database up for that. Its exit code, or
        a negative signal; its output is in self.said."""
        env = {**self.a.env, "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "REQUEST_URI": "/v1/lab/",
               "REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1", "ANTEROOM_CONFIG": str(self.a.config_path)}
        return self._run([BIN / "anteroom.fcgi"], env, watch)

    def dispatch(self, **watch):
        return self._run([BIN / "anteroom-dispatch", "--config", self.a.config_path], self.a.env, watch)

    def command(self, *args, **watch):
        return self._run([BIN / "anteroom", "--config", self.a.config_path, *args], self.a.env, watch)

    def service(self):
        """anteroom.fcgi as a server, which must end by itself."""
        return self._run([BIN / "anteroom.fcgi", "--config", self.a.config_path, "--listen", "unix:fcgi.sock"], self.a.env, {})

    def _run(self, argv, env, watch):
        env = {**env, **(power.environment(self.a.dir, **watch) if watch else {})}
        done = subprocess.run(argv, env=env, cwd=self.a.dir, stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * SLOW)
        self.said = (done.stdout + done.stderr).decode(errors="replace")
        return done.returncode

    def dump(self):
        return old_database.dump(self.a.db_path)

    def is_up(self):
        """It is brought up by a program that nobody disturbs, and sound. What is in it then."""
        assert self.cgi() == 0 and '"ok":true' in self.said, self.said
        return self.dump()

    def is_sound(self):
        assert self.command("check") == 0 and "sound" in self.said, self.said


@pytest.fixture
def place(anteroom, tmp_path):
    made = []

    def make(version, seed=1, **kw):
        path = tmp_path / str(len(made))
        path.mkdir()
        made.append(Place(anteroom, path, version, seed, **kw))
        return made[-1]

    return make


def shapes(version):
    """How a database of that version may lie there: in use or as a backup, with a form that can give space back or not."""
    return [{"wal": wal, "shrinks": shrinks, "seed": version * 10 + wal} for wal in (True, False) for shrinks in (False, True)]


def two_shapes(version):
    """In the short form: one that is in use and one that is a backup, each of which must be made so that it can give space
    back."""
    return shapes(version) if soak.seconds() else shapes(version)[::2]


def some(steps, short):
    """`short` of them, the first and the last among them; in the long form all in any order, as many as its time is long enough for."""
    steps = list(steps)
    few = sorted({steps[round(i * (len(steps) - 1) / (short - 1))] for i in range(short)})
    order = soak.randomness().sample(steps, len(steps)) if soak.seconds() else few
    return (order[n] for n in soak.rounds(len(few), len(steps)))


# All that is in it -----------------------------------------------------------------------------------------------------


def same_rows(table, old, new, but=()):
    """Every row is there once, and says the same in the columns that both versions have."""
    shared = [c for c in (old[0] if old else {}) if c in (new[0] if new else {}) and c not in but]
    rows = [collections.Counter(repr([row[c] for c in shared]) for row in side) for side in (old, new)]
    assert rows[0] == rows[1], f"{table}: lost {list((rows[0] - rows[1]))[:2]}, new {list((rows[1] - rows[0]))[:2]}"


def holds_all(old, new):
    for table, rows in old.items():
        if table == "sqlite_sequence":
            assert [r["seq"] for r in rows if r["name"] == "jobs"] == [r["seq"] for r in new[table] if r["name"] == "jobs"]
        elif table == "groups":
            owned = {(g["type"], g["scope"], g["shape"]): (g["reason"], g["message"]) for g in rows}
            assert owned == {(g["type"], g["scope"], g["shape"]): (g["reason"], g["message"]) for g in new[table]}
        elif table == "jobs":
            same_rows(table, rows, new[table], but=("group_id", "reason", "message"))
            shape = [{j["id"]: (g["shape"], g["scope"], g["type"]) for j in side["jobs"] for g in side["groups"]
                      if g["id"] == j["group_id"]} for side in (old, new)]
            assert shape[0] == shape[1]
            assert {j["id"]: j["reason"] for j in rows if j["reason"]}.items() <= {j["id"]: j["reason"] for j in new[table]}.items()
        else:
            # What a reading of version 1 was made of differs, and a failed one had no time of a good one before it.
            same_rows(table, rows, new[table], but=("digest", "read_at") if table == "readings" else ())


@pytest.mark.parametrize("version", OLD)
def test_a_database_of_version(place, version):
    for n, shape in enumerate(shapes(version)):
        p = place(version, **shape)
        old = p.dump()
        p.reset()
        new = p.is_up()
        holds_all(old, new)
        p.is_sound()
        p.reset()
        assert p.dispatch() == 0, p.said
        p.is_sound()
        assert [(j["id"], j["status"]) for j in p.dump()["jobs"]] == [(j["id"], j["status"]) for j in old["jobs"]]
        p.reset()
        assert p.command("pause", "lab") == 0, p.said
        p.is_sound()


# What ends it ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", OLD)
def test_killed_before_any_operation(place, version):
    done = 0
    for shape in two_shapes(version):
        p = place(version, **shape)
        expected = p.is_up()
        p.reset()
        assert p.cgi(log=p.old.parent / "log") == 0
        steps = power.Log(p.old.parent / "log").steps()
        assert steps > 50
        for n in some(range(1, steps + 1), 8):
            p.reset()
            assert p.cgi(kill=n) == KILLED, f"operation {n} of {steps}: {p.said}"
            if n % 2:  # and again, on the way up
                assert p.cgi(kill=1 + n // 2) in (KILLED, 0)
            assert p.is_up() == expected, f"killed at operation {n} of {steps}"
            if n % 5 == 0:
                p.is_sound()
            done += 1
        p.reset()
        assert p.dispatch(kill=steps // 2) == KILLED  # where the same migration is under way
        p.is_up()
        p.is_sound()
    soak.figure("Upgrades are safe", f"version {version} killed at {done} operations")


@pytest.mark.parametrize("version", OLD)
def test_power_cut_after_any_operation(place, version):
    done, random = 0, soak.randomness()
    for shape in two_shapes(version):
        p = place(version, **shape)
        expected = p.is_up()
        p.reset()
        assert p.cgi(log=p.old.parent / "log") == 0
        log = power.Log(p.old.parent / "log")
        anew = log.begun_anew(p.a.db_path.name + "-wal")
        with power.cuts(p.old.parent / "log", p.old) as cuts:
            for at in itertools.chain(anew[-3:], some(log.places(), 8)):
                said = cuts.cut(at, p.a.dir, random.getrandbits(60))
                if at in anew:
                    power.spoil_head(random, p.a.db_path)
                assert p.is_up() == expected, f"cut at {at}: {said}"
                if done % 5 == 0:
                    p.is_sound()
                done += 1
    soak.figure("Upgrades are safe", f"version {version} with {done} power cuts")


def test_power_cut_while_the_database_is_made(place):
    """It is made at the next start, as if nothing had been there, or is there."""
    p, random, log = place(0), soak.randomness(), None
    assert p.cgi(log=p.old.parent / "log") == 0 and '"ok":true' in p.said
    log = power.Log(p.old.parent / "log")
    with power.cuts(p.old.parent / "log", p.old) as cuts:
        for at in some(log.places(), 25):
            said = cuts.cut(at, p.a.dir, random.getrandbits(60))
            assert p.cgi() == 0 and '"ok":true' in p.said, f"cut at {at}: {said}\n{p.said}"
            p.is_sound()


@pytest.mark.parametrize("version", OLD)
def test_a_disk_that_is_full_from_any_operation_on(place, version):
    for shape in two_shapes(version):
        p = place(version, **shape)
        expected = p.is_up()
        p.reset()
        assert p.cgi(log=p.old.parent / "log") == 0
        steps = power.Log(p.old.parent / "log").steps()
        for n in some(range(1, steps + 1), 6):
            p.reset()
            p.cgi(full=n)
            assert '"ok":true' in p.said or "507" in p.said or "503" in p.said, f"full at operation {n}: {p.said}"
            assert p.is_up() == expected, f"full at operation {n} of {steps}"
        p.is_sound()


def at_once(programs):
    with concurrent.futures.ThreadPoolExecutor(len(programs)) as pool:
        return list(pool.map(lambda run: run(), programs))


@pytest.mark.parametrize("version", OLD)
def test_programs_that_begin_at_once(place, version):
    for shape in two_shapes(version):
        p = place(version, **shape)
        expected = p.is_up()
        for _ in soak.rounds(1, 20):
            p.reset()
            assert at_once([p.cgi] * 5) == [0] * 5, p.said
            assert p.dump() == expected
            p.reset()
            assert at_once([p.cgi, p.dispatch, lambda: p.command("pause", "lab"), p.cgi]) == [0] * 4, p.said
            statuses = [[(j["id"], j["status"]) for j in content["jobs"]] for content in (p.dump(), expected)]
            assert sorted(statuses[0]) == sorted(statuses[1])
        p.is_sound()


# What is no upgrade ----------------------------------------------------------------------------------------------------


def content(directory):
    """SQLite makes an empty WAL to look at a file that has none."""
    return {f.name: f.read_bytes() for f in power.noted(directory) if f.stat().st_size}


@pytest.mark.parametrize("wal", [True, False])
def test_a_newer_version_is_refused_by_all_three_and_left_as_it_is(place, wal):
    p = place(old_database.NEWEST, wal=wal)
    newer = old_database.NEWEST + 1
    with contextlib.closing(sqlite3.connect(p.a.db_path)) as db:
        db.execute(f"PRAGMA user_version = {newer}")
    before = content(p.a.dir)
    sentence = f"the database has version {newer} and this program knows {old_database.NEWEST}: it was made by a newer"
    for run in (p.dispatch, lambda: p.command("pause", "lab"), lambda: p.command("list", "lab"), p.service):
        assert run() not in (0, KILLED), p.said
        assert sentence in p.said, p.said
        assert content(p.a.dir) == before
    assert p.cgi() == 0 and "503" in p.said.split("\n", 1)[0], p.said
    assert content(p.a.dir) == before


def test_a_backup_taken_under_load_is_restored(anteroom):
    """On a place of its own, and over the database that it was taken of, as INSTALL and anteroom(8) say."""
    a, fresh = anteroom({"queues": QUEUES["queues"]}), anteroom(QUEUES, start=False)
    created, stop = [], threading.Event()

    def load(number):
        client = a.client()
        client.record = lambda *_: None
        for n in range(100_000):
            if stop.is_set():
                return
            assert client.post("/v1/lab/", a.job(f"{number}-{n}", "lab")).status == 201
            created.append(f"{number}-{n}")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        threads = [pool.submit(load, number) for number in range(4)]
        try:
            wait_until(lambda: len(created) > 200 or any(t.done() for t in threads), what="load")
            before = set(created)
            a.command("backup", "copy.db")
            done = len(created)
            wait_until(lambda: len(created) > done + 50 or any(t.done() for t in threads), what="load after the backup")
        finally:
            stop.set()
        for t in threads:
            t.result()
    shutil.copy(a.dir / "copy.db", fresh.db_path)
    fresh.start()
    a.ended.append((a.fcgi, a.fcgi.stop()))
    for file in ("anteroom.db-wal", "anteroom.db-shm"):
        (a.dir / file).unlink(missing_ok=True)
    shutil.copy(a.dir / "copy.db", a.db_path)
    a.start_fcgi()
    for restored in (fresh, a):
        names = [j["RequestID"] for j in restored.get("/v1/lab/").data]
        assert before <= set(names) <= set(created) and len(set(names)) == len(names)
        restored.create("new", "lab")
        restored.dispatch()
        assert "sound" in restored.command("check").stdout
