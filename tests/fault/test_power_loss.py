# SPDX-License-Identifier: MIT
"""The power fails: what was answered is on the disk, whatever of the rest the disk has kept, dropped, torn or mixed up.

Clients, the operator and the receiver of callbacks work with the real nginx, service and dispatcher, above a disk that forgets
(power.py). Each round is a power cut at some moment of that, often right after an answer; the real service and dispatcher are
started on what is left, and are held to all that had been said by then: jobs, their ends and their deletions, callbacks,
backups."""
import collections
import contextlib
import json
import random as random_module
import sqlite3
import time

import pytest

import power
import soak
from cloud import LAB, books_balance
from harness import SLOW
from load import FOLLOWS
from power_load import NEVER, Load, Receiver

HOSTS = {"n1": {"gpu": 30}, "n2": {"gpu": 30}}
CUTS = 40  # of one load
JOBS = 700


class World:
    """Anteroom, whose disk forgets while there is load; and what is in it when a load begins."""

    def __init__(self, make, path, seed):
        self.random = random_module.Random(seed)
        self.base, self.image = path / "base", path / "image"
        self.base.mkdir()
        self.image.mkdir()
        self.known = {}  # {name: status} at the beginning
        self.load = None
        self.receiver = Receiver(lambda *call: self.load and self.load.called(*call))
        self.a = make(start=False)
        self.a.start_nginx()
        self.a.write_config({"queues": {"lab": {"capacity": "static", "callback_base": self.receiver.base,
                                                "pools": {"main": {"hosts": HOSTS}}}}})
        self.plain = self.a.env
        self.log = path / "log"

    def begin(self, number, heavy):
        """A load from what is there, to its end, when all are killed. heavy: one that fills the WAL until it is folded
        in, with nobody else who would do so."""
        power.clear(self.base)
        power.copy(power.noted(self.a.dir), self.base)
        self.log.unlink(missing_ok=True)
        self.a.env = {**self.plain, **power.environment(self.a.dir, self.log, flush=self.random.choice((100, 500, 2000)))}
        self.a.start_fcgi()
        self.a.start_dispatcher()
        log = power.Log(self.log)
        self.load = Load(self.a, log, f"r{number}", self.random.random(), JOBS, heavy)
        self.load.start()
        try:
            if not heavy:
                self.operate()
        finally:
            self.load.join()
            self.a.kill_dispatcher()
            self.a.kill_fcgi()
            self.a.env = self.plain
        self.load.ended = True
        return log

    def operate(self):
        """What goes on beside the load: the operator's commands, restarts in order and without."""
        a, load, n = self.a, self.load, 0
        while not load.over() and not load.faults:
            n += 1
            load.submit(lambda name: a.command("submit", "lab", "--request-id", name, "--owner", "o", "--callback", name,
                                               "--data", '{"instances": [{"gpu": 1}]}'))
            if n % 3 == 1:
                load.backup(lambda: a.command("backup", "copy.db", "--force"))
            elif n % 3 == 2:
                a.dispatcher.stop()
                a.start_dispatcher()
            elif self.random.random() < 0.5:
                a.fcgi.stop()
                a.start_fcgi()

    def places(self, log, count):
        """(place, whether the WAL was just begun anew) of cuts: some anywhere, most right after somebody was told something, and
        some where the WAL's head was just written: what its mark said of the old one must be gone by then."""
        told = [s.done for j in self.load.jobs.values() for s in j.steps if s.done < NEVER]
        told += [j.called for j in self.load.jobs.values() if j.called < NEVER]
        told += [b.done for b in self.load.backups if b.done < NEVER]
        ends, anew = log.places(), log.begun_anew(self.a.db_path.name + "-wal")
        places = [(self.random.choice(told if self.random.random() < 0.6 else ends), False) for _ in range(count)]
        places[:len(anew[-count // 8:])] = [(place, True) for place in anew[-count // 8:]]
        return sorted(places)

    def close(self):
        self.receiver.close()


# What is found after a cut at `place` ----------------------------------------------------------------------------------


def jobs_are_there(world, place):
    listed = world.a.get(LAB).data
    status = {job["RequestID"]: job["Status"] for job in listed}
    assert len(status) == len(listed), collections.Counter(j["RequestID"] for j in listed).most_common(3)
    load = world.load
    for name, was in world.known.items():
        assert name in status, f"{name}, of before this load, is lost"
        assert status[name] in FOLLOWS.get(was, {was}), f"{name}, of before this load, was {was} and is {status[name]}"
    unknown = set(status) - set(world.known) - set(load.changes) - {j.name for j in load.jobs.values() if j.may_have("create", place)}
    assert not unknown, f"nobody has asked for these yet: {unknown}"
    for job in load.jobs.values():
        if job.happened("delete", place):
            assert job.name not in status, f"{job.name} was deleted and is there again"
        elif job.happened("create", place) and not job.may_have("delete", place):
            assert job.name in status, f"{job.name} was acknowledged and is lost"
        if job.happened("finish", place) and job.name in status and not job.may_have("delete", place):
            assert status[job.name] == "finished", f"{job.name} was finished and is {status[job.name]}"
        if job.called <= place and job.name in status:
            assert status[job.name] != "queued", f"{job.name} was called, and nobody knows any more that it was admitted"
    return status


def changes_are_there(world, place):
    """Of a job that is changed again and again, nothing older is found than what was acknowledged, and nothing that was not
    yet asked for; and it is whole."""
    for name, changes in world.load.changes.items():
        least = max((n for n, step in enumerate(changes) if step.done <= place), default=0)
        most = max((n for n, step in enumerate(changes) if step.sent <= place), default=0)
        answer = world.a.get(LAB + name)
        if answer.status == 404:
            assert least == 0
            continue
        data = json.loads(answer.data["Data"])
        assert least <= data["n"] <= most and data["note"] == world.load.note(data["n"]), (name, least, data["n"], most)


def retries_make_one(world, place, status):
    """A request that is sent again, with its key: the first answer where there was one, and one job in any case."""
    known = [j for j in world.load.jobs.values() if j.body and not j.may_have("delete", NEVER) and j.may_have("create", place)]
    answered = [j for j in known if j.id and j.happened("create", place)]
    unanswered = [j for j in known if not j.happened("create", place) and isinstance(j.body, dict)]
    for job in world.random.sample(answered, min(2, len(answered))) + unanswered[:2]:
        answer = world.a.post(LAB, job.body, headers={"Idempotency-Key": job.key})
        assert answer.status == 201, (job.name, answer)
        if job in answered:
            ids = [j["ID"] for j in (answer.data if isinstance(answer.data, list) else [answer.data])]
            assert job.id in ids, f"{job.name} had the ID {job.id} and now one of {ids}"
    names = [j["RequestID"] for j in world.a.get(LAB).data]
    assert len(set(names)) == len(names) and set(status) | {j.name for j in unanswered[:2]} == set(names)


def backups_are_there(world, place):
    file = world.a.dir / "copy.db"
    done = [b for b in world.load.backups if b.done <= place]
    if not file.exists():
        assert not done, "a backup was done and is lost"
        return
    assert "sound" in world.a.command("check", file).stdout
    with contextlib.closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as db:
        names = {name for name, in db.execute("SELECT request_id FROM jobs")}
    lost = set(done[-1].before if done else ()) - names
    assert not lost, f"the backup has not all that was there before: {lost}"


def file_is_sound(world):
    said = world.a.command("check").stdout
    assert "sound" in said, said
    with contextlib.closing(world.a.database()) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def holds(world, place):
    """Starts all on the disk that was left, and holds it to what was said."""
    a = world.a
    a.start_fcgi()
    try:
        status = jobs_are_there(world, place)
        books_balance(a, HOSTS)
        changes_are_there(world, place)
        retries_make_one(world, place, status)
        for job in world.load.jobs.values():
            job.again.clear()
        a.dispatch()
        for job in world.load.jobs.values():
            same = job.called > place or job.name not in status or job.again <= job.webhook_ids
            assert same, f"{job.name} was called as {job.webhook_ids}, and after the cut as {job.again}"
        books_balance(a, HOSTS)
        world.found = {j["RequestID"]: j["Status"] for j in a.get(LAB).data}
    finally:
        a.kill_fcgi()
    backups_are_there(world, place)
    file_is_sound(world)


@pytest.fixture
def world(anteroom, tmp_path):
    made = World(anteroom, tmp_path, soak.randomness().random())
    yield made
    made.close()


def test_what_was_answered_survives_a_power_cut(world):
    rounds, modes, begun = soak.rounds(200 // SLOW, 2000), collections.Counter(), time.monotonic()
    answers = done = loads = marks = heads = 0
    number = next(rounds, None)
    while number is not None:
        log = world.begin(number, loads % 2 == 1)
        loads += 1
        answers += sum(s.done < NEVER for j in world.load.jobs.values() for s in j.steps)
        with power.cuts(world.log, world.base) as cuts:
            for place, anew in world.places(log, CUTS):
                seed = world.random.getrandbits(60)
                said = cuts.cut(place, world.a.dir, seed)
                power.spoil(world.random, world.a.db_path)
                if anew:
                    power.spoil_head(world.random, world.a.db_path)
                    heads += 1
                try:
                    holds(world, place)
                except BaseException:
                    print(f"round {number}, cut at {place} with seed {seed}{' and garbage as the head' * anew}: {said}")
                    raise
                modes[said.split(" of the writes")[0]] += 1
                marks += "anteroom.db.mark: 0 pending" not in said and "anteroom.db.mark: " in said
                done += 1
                number = next(rounds, None)
                if number is None:
                    break
        log.close()
        world.known = world.found
        if world.random.random() < 0.5:  # the next load begins with nothing
            power.clear(world.a.dir)
            world.known = {}
    assert len(modes) == 6 or done < 100  # of six kinds of disks, in a long form of a short time
    assert marks > done // 2, f"of {done} cuts only {marks} had anything of the mark to lose"
    assert heads or done < 100
    soak.figure("A 201 is on disk also when power fails",
                f"{done} power cuts, {heads} of them as the WAL was begun anew, {answers} answers, {time.monotonic() - begun:.0f} s; of the"
                f" writes was found: {dict(modes)}")
