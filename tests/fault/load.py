# SPDX-License-Identifier: MIT
"""Clients that keep Anteroom busy and know exactly what they were told.

Each of them has jobs of its own, so that nobody else's request changes them: it posts single jobs and arrays, with and without an
Idempotency-Key, holds, resumes, changes, moves, finishes, cancels and deletes them. What got no answer, or 503, is unknown: it is
sent again until it is known (with the same key, where it had one), and only then the client goes on. So a load that is paused
has no request under way and knows of every job what must have become of it."""
import contextlib
import http.client
import json
import random
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from client import Client
from harness import SLOW

LIVE_MOST = 8  # jobs of one client that are not deleted
UNKNOWN_MOST = 60  # seconds until a request that is sent again and again must be known
KEPT = 60  # seconds for which what is over is surely kept: the least that the configuration's `retention` takes

# What the dispatcher may have made of a job since its client last knew.
FOLLOWS = {"queued": {"queued", "admitted", "running"}, "admitted": {"admitted", "running"}, "running": {"running"}}
OVER = ("finished", "cancelled")


@dataclass
class Job:
    """A job as its client knows it."""

    name: str
    id: int
    status: str = "queued"
    note: int = 0
    deleted: bool = False
    ended: float = 0  # monotonic: when it was first asked to be over, and is
    answer: bytes = b""  # of the request that created it, where that had a key
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    def may_be(self):
        return FOLLOWS.get(self.status, {self.status})


class Load:
    """with Load(a) as load: … load.pause() … load.check() … load.resume()"""

    def __init__(self, a, clients=16, type="lab", seed=0, live_most=LIVE_MOST):
        self.a, self.type, self.live_most = a, type, live_most
        self.path = f"/v1/{type}/"
        self.jobs = {}  # by name; a dict may be added to by several threads
        self.answers = Counter()  # (status, code), of every answer
        self.unknown = 0  # requests that had to be sent again, since nobody knew what had become of them
        self.slowest = 0.0  # seconds until an answer
        self.cut = []  # what requests met that got no answer at all
        self.faults = []
        self.known = 0  # requests whose fate is known
        self._over = threading.Event()
        self._turn = threading.Condition()
        self._paused = False
        self._resting = 0
        self._clients = [_Client(self, n, random.Random(f"{seed}-{n}")) for n in range(clients)]

    def __enter__(self):
        for client in self._clients:
            client.thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.resume()
        for client in self._clients:
            client.thread.join()

    def over(self):
        return self._over.is_set()

    def breathe(self):
        """A moment, before something is sent again."""
        threading.Event().wait(0.02)

    def rest(self):
        """Called by a client between two requests: waits while the load is paused."""
        with self._turn:
            self._resting += 1
            self._turn.notify_all()
            self._turn.wait_for(lambda: not self._paused)
            self._resting -= 1

    def pause(self):
        """Returns once every client knows what became of all that it has sent."""
        with self._turn:
            self._paused = True
            quiet = self._turn.wait_for(lambda: self._resting == len(self._clients) or self.faults, (UNKNOWN_MOST + 10) * SLOW)
        assert quiet, "the clients did not come to rest"
        assert not self.faults, self.faults[:3]

    def resume(self):
        with self._turn:
            self._paused = False
            self._turn.notify_all()

    def check(self):
        """While it is paused: every job is there exactly once, as its client knows it or as the dispatcher may have made it since,
        and nothing else is there."""
        with contextlib.closing(sqlite3.connect(f"file:{self.a.db_path}?mode=ro", uri=True, timeout=10)) as db:
            rows = db.execute("SELECT id, request_id, status, deleted_at IS NOT NULL, data FROM jobs WHERE type = ?",
                              (self.type,)).fetchall()
        found = {}
        for row in rows:
            assert row[1] not in found, f"{row[1]} is there twice: {row}, {found[row[1]]}"
            found[row[1]] = row
        strangers = found.keys() - self.jobs.keys()
        assert not strangers, f"nobody was told of {sorted(strangers)[:5]}"
        now = time.monotonic()
        for job in list(self.jobs.values()):
            row = found.get(job.name)
            if row is None and job.ended and now > job.ended + KEPT:
                del self.jobs[job.name]  # it is over, and was kept as long as it had to be
                continue
            assert row, f"{job} was acknowledged, and is gone"
            assert row[0] == job.id and bool(row[3]) == job.deleted, f"{row} is not {job}"
            assert job.deleted or row[2] in job.may_be(), f"{row} is not {job}"
            assert json.loads(row[4])["note"] == job.note, f"{row} is not {job}"

    def same_first_answers(self, most=3):
        """While it is paused: who repeats a request with its key gets its first answer again, byte for byte."""
        some = [job for job in list(self.jobs.values())[-200:] if job.headers][-most:]
        client = self._clients[0]
        for job in some:
            answer = client.until_known("POST", self.path, job.body, job.headers)
            assert (answer.status, answer.body) == (201, job.answer), f"{job} was answered {answer} when it was repeated"
        return len(some)


class _Client:
    def __init__(self, load, number, random):
        self.load, self.number, self.random = load, number, random
        self.count = 0
        self.live = []
        self.connection = Client("127.0.0.1", load.a.port, timeout=UNKNOWN_MOST)
        self.connection.record = lambda *_: None  # thousands of the same few answers
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            while not self.load.over():
                self.load.rest()
                if self.load.over():
                    break
                self.step()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the test has to hear of it
            self.load.faults.append(fault)
        finally:
            self.connection.close()

    # Requests ---------------------------------------------------------------------------------------------------------

    def send(self, method, path, body=None, headers=None):
        """One request. Its answer, or None: nobody knows what became of it."""
        start = time.monotonic()
        self.connection.port = self.load.a.port  # another one where nginx has been started anew
        try:
            answer = self.connection.request(method, path, body, headers)
        except (OSError, http.client.HTTPException) as fault:
            self.load.cut.append(fault)
            return None
        self.load.slowest = max(self.load.slowest, time.monotonic() - start)
        code = answer.json.get("code") if answer.status >= 400 else ""
        self.load.answers[answer.status, code] += 1
        if answer.status in (429, 503):
            assert int(answer.headers["Retry-After"]) >= 1, answer.headers.items()
            return None
        assert answer.status in (200, 201, 404, 409), f"{method} {path} {body}: {answer}"
        return answer

    def until_known(self, method, path, body=None, headers=None):
        """Sends it until there is an answer. self.again: it was sent more than once."""
        end = time.monotonic() + UNKNOWN_MOST * SLOW
        self.again = False
        while True:
            answer = self.send(method, path, body, headers)
            if answer is not None:
                self.load.known += 1
                return answer
            self.load.unknown += not self.again
            self.again = True
            assert time.monotonic() < end, f"{method} {path} got no answer for {UNKNOWN_MOST} s"
            self.load.breathe()

    def show(self, job):
        answer = self.until_known("GET", self.load.path + job.name)
        assert answer.status == 200, f"{job}: {answer}"
        return answer.data

    # What a client does -----------------------------------------------------------------------------------------------

    def step(self):
        if len(self.live) < self.load.live_most and self.random.random() < 0.5:
            self.create(self.random.choice((1, 1, 1, 2, 4)))
        elif self.live:
            job = self.random.choice(self.live)
            if job.ended and time.monotonic() > job.ended + KEPT / 2:
                self.live.remove(job)  # it goes by itself, perhaps while it is asked for
                return
            getattr(self, self.random.choice(("hold", "write", "move", "finish", "finish", "cancel", "delete", "delete")))(job)

    def create(self, n):
        names = [f"c{self.number}-{self.count + i}" for i in range(n)]
        self.count += n
        bodies = [{"request_id": name, "owner_id": f"o{self.number}", "callback": f"cb-{name}",
                   "data": {"instances": [{"gpu": 1 + self.count % 2}], "note": 0}} for name in names]
        body = json.dumps(bodies[0] if n == 1 else bodies).encode()
        headers = {"Idempotency-Key": f"k-{names[0]}"} if self.random.random() < 0.6 else {}
        answer = self.until_known("POST", self.load.path, body, headers)
        if answer.status == 409 and self.again and not headers:  # it had been made, and the answer was lost
            made = [self.show(Job(name, 0)) for name in names]
            headers = {}
        else:
            assert answer.status == 201, f"{names}: {answer}"
            made = answer.data if n > 1 else [answer.data]
        assert [job["RequestID"] for job in made] == names
        for job in made:
            known = Job(job["RequestID"], job["ID"], answer=answer.body, headers=headers, body=body)
            self.load.jobs[known.name] = known
            self.live.append(known)

    def become(self, job, status):
        """Asks for a status; True when it has it."""
        asked = time.monotonic()
        answer = self.until_known("POST", self.load.path + job.name, {"status": status})
        if answer.status == 409:
            again, shown = self.again, self.show(job)["Status"]
            assert shown in job.may_be() | (FOLLOWS.get(status, {status}) if again else set()), f"{job} could not become {status}, and is {shown}"
            job.status = shown
        else:
            assert answer.status == 200, f"{job} to {status}: {answer}"
            job.status = status
        if job.status in OVER and not job.ended:
            job.ended = asked
        return job.status == status

    def hold(self, job):
        if job.status == "held":
            self.become(job, "queued")
        elif job.status == "queued":
            self.become(job, "held")

    def write(self, job):
        """Changes what the job says, which only a job that waits lets be done."""
        if job.status == "queued" and not self.become(job, "held"):
            return
        if job.status == "held":
            note = job.note + 1
            gpus = 1 + note % 2
            answer = self.until_known("POST", self.load.path + job.name, {"data": {"instances": [{"gpu": gpus}], "note": note}})
            assert answer.status == 200, f"{job}: {answer}"
            job.note = note

    def move(self, job):
        if job.status in ("queued", "held"):
            answer = self.until_known("POST", self.load.path + job.name, {"move": self.random.choice(("front", "back"))})
            assert answer.status in (200, 409), f"{job}: {answer}"  # 409: it no longer waits

    def finish(self, job):
        if job.status not in OVER and self.show(job)["Status"] == "running":
            job.status = "running"
            self.become(job, "finished")

    def cancel(self, job):
        if job.status in ("queued", "held"):
            self.become(job, "cancelled")

    def delete(self, job):
        asked = time.monotonic()
        answer = self.until_known("DELETE", self.load.path + job.name)
        assert answer.status == 200 or (answer.status == 404 and self.again), f"{job}: {answer}"
        job.deleted = True
        job.ended = job.ended or asked
        self.live.remove(job)
