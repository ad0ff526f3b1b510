# SPDX-License-Identifier: MIT
"""Clients, an operator and a receiver of callbacks, who note for each of their doings at which place of the log (power.py) they
began it and at which they had been told that it is done."""
import contextlib
import queue
import random as random_module
import socketserver
import threading
from dataclasses import dataclass, field

from cloud import LAB
from client import Client

NEVER = 1 << 62


@dataclass
class Step:
    """Something that was asked for."""
    what: str  # "create", "finish", "delete"
    sent: int
    done: int = NEVER  # it was answered that it is done; NEVER: no such answer came
    refused: bool = False  # it was answered that it is not


@dataclass
class Job:
    name: str
    body: object = None  # that created it, and others in the same request
    key: str = ""
    id: int = 0
    steps: list = field(default_factory=list)
    called: int = NEVER
    webhook_ids: set = field(default_factory=set)
    again: set = field(default_factory=set)  # the webhook-ids of calls after the cut

    def happened(self, what, place):
        """Has it surely happened by then?"""
        return any(s.what == what and s.done <= place for s in self.steps)

    def may_have(self, what, place):
        return any(s.what == what and s.sent <= place and not s.refused for s in self.steps)


@dataclass
class Backup:
    before: list  # names of the jobs that were acknowledged when it began
    done: int = NEVER


class Receiver:
    """Is called back, and accepts. calls: of each name of a job (the callback's path)."""

    def __init__(self, on_call):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while line := self.rfile.readline():
                    headers = {}
                    while (field := self.rfile.readline()) not in (b"\r\n", b""):
                        key, _, value = field.decode().partition(":")
                        headers[key.lower()] = value.strip()
                    self.rfile.read(int(headers.get("content-length", 0)))
                    on_call(line.split()[1].decode().lstrip("/"), headers["webhook-id"])
                    with contextlib.suppress(OSError):  # one who was killed does not wait for it
                        self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 1024

            def handle_error(self, request, client_address):
                pass  # a connection that was reset by one who was killed

        self._server = Server(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Load:
    """Threads that work until `jobs` jobs were asked for. prefix: names differ from run to run. heavy: half of what they do
    are changes of one job of their own, of many pages each."""

    CLIENTS = 8

    def __init__(self, a, log, prefix, seed, jobs, heavy):
        self.a, self.log, self.prefix, self.target, self.heavy = a, log, prefix, jobs, heavy
        self.changes = {}  # steps, by the name of the job that is changed
        self.jobs, self.backups = {}, []
        self.faults = []
        self.ended = False  # what is called from now on is not the load's
        self._lock = threading.Lock()
        self._number = 0
        self._ready = queue.SimpleQueue()  # jobs that were called, for whoever finishes them
        self._threads = [threading.Thread(target=self._guard, args=(self._client, random_module.Random(seed + i)))
                         for i in range(self.CLIENTS)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def over(self):
        return self._number >= self.target

    def join(self):
        for thread in self._threads:
            thread.join()
        assert not self.faults, self.faults[0]

    def called(self, name, webhook_id):
        job = self.jobs.get(name)
        if job and self.ended:
            job.again.add(webhook_id)
        elif job:
            job.called = min(job.called, self.log.place())
            job.webhook_ids.add(webhook_id)
            self._ready.put(job)

    def acknowledged(self):
        """Names of the jobs that are there for certain."""
        with self._lock:
            return [j.name for j in self.jobs.values() if j.happened("create", NEVER - 1) and not j.may_have("delete", NEVER)]

    def backup(self, operate):
        b = Backup(self.acknowledged())
        self.backups.append(b)
        operate()
        b.done = self.log.place()

    def submit(self, operate):
        """By the operator's command. operate(name, data) returns when it has ended well."""
        job = self._new_jobs(1)[0]
        job.body = None
        step = self._begin([job], "create")
        operate(job.name)
        step.done = self.log.place()

    def _guard(self, work, random):
        try:
            work(random)
        except Exception as fault:  # the test fails with it
            self.faults.append(fault)

    def _new_jobs(self, count):
        with self._lock:
            jobs = [Job(f"{self.prefix}-{self._number + i}") for i in range(count)]
            self._number += count
            self.jobs.update({j.name: j for j in jobs})
        return jobs

    def _begin(self, jobs, what):
        step = Step(what, self.log.place())
        for job in jobs:
            job.steps.append(step)
        return step

    def _ask(self, client, step, good, method, path, body=None, headers=None):
        """Makes the step. The answer's data, or None."""
        try:
            answer = client.request(method, path, body, headers)
        except OSError:
            return None
        if answer.status == good:
            step.done = self.log.place()
            return answer.data
        step.refused = answer.status != 503
        assert answer.status in (409, 404, 503), answer
        return None

    def _create(self, client, random):
        jobs = self._new_jobs(random.choice((1, 1, 1, 1, 1, 25)))
        bodies = [{"request_id": j.name, "owner_id": f"o{random.randrange(5)}", "callback": j.name,
                   "data": {"instances": [{"gpu": random.choice((1, 1, 2)), "count": random.choice((1, 2))}],
                            "note": "x" * random.choice((0, 0, 300, 3000))}} for j in jobs]
        body = bodies[0] if len(jobs) == 1 else bodies
        for job in jobs:
            job.body, job.key = body, jobs[0].name
        data = self._ask(client, self._begin(jobs, "create"), 201, "POST", LAB, body, {"Idempotency-Key": jobs[0].name})
        for job, said in zip(jobs, data if isinstance(data, list) else [data] if data else []):
            job.id = said["ID"]
        return jobs

    @staticmethod
    def note(n):
        """A long text that differs from change to change, in each of its pages."""
        return "".join(f"{n}.{i} " for i in range(5000))

    def _change(self, client, changes, name):
        """One too large for every host, so that it waits for ever."""
        step = Step("change", self.log.place())
        changes.append(step)
        data = {"instances": [{"gpu": 1000}], "n": len(changes) - 1, "note": self.note(len(changes) - 1)}
        if len(changes) == 1:
            body = {"request_id": name, "owner_id": "o", "callback": name, "data": data}
            self._ask(client, step, 201, "POST", LAB, body)
        else:
            self._ask(client, step, 200, "POST", LAB + name, {"data": data})

    def _client(self, random):
        client = Client("127.0.0.1", self.a.port)
        client.record = lambda *_: None  # thousands of answers that others hold against the document
        mine, changes = [], []
        changed = f"{self.prefix}-changed-{threading.get_ident()}"
        if self.heavy:
            self.changes[changed] = changes
        while not self.over():
            for _ in range(3 if self.heavy else 0):
                self._change(client, changes, changed)
            mine += self._create(client, random)
            with contextlib.suppress(queue.Empty):
                while random.random() < 0.8:
                    job = self._ready.get_nowait()
                    self._ask(client, self._begin([job], "finish"), 200, "POST", LAB + job.name, {"status": "finished"})
            if random.random() < 0.3:
                job = mine.pop(random.randrange(len(mine)))
                self._ask(client, self._begin([job], "delete"), 200, "DELETE", LAB + job.name)
            if random.random() < 0.2:
                self._ask(client, Step("move", 0), 200, "POST", LAB + random.choice(mine).name, {"move": "front"}) if mine else None
        client.close()


