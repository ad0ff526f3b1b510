# SPDX-License-Identifier: MIT
"""kill -9 of the dispatcher between each two steps of a delivery, again and again.

The receiver itself kills: when it was connected to, when it has read the request, when it has begun to answer, when it has
answered; or it is a moment by chance, from before the admission until after all is written. ANTEROOM_ROUNDS says how often:
200 times unless it does, and fewer in a sanitizer's build."""
import collections
import contextlib
import json
import os
import socket
import threading

from cloud import ask, books_balance, create, is_sound, lab, states
from contract import randomness
from harness import BIN, SLOW, Process, wait_until

HOSTS = {"n": {"gpu": 100_000}}
ROUNDS = int(os.environ.get("ANTEROOM_ROUNDS", 0)) or (200 if SLOW == 1 else 25)
STEPS = ["connected", "read", "half-answered", "answered", "by-chance"]


class Killer:
    """A receiver that remembers every request, and kills the dispatcher at a step of the n-th connection of a round."""

    def __init__(self, random):
        self.random = random
        self.lock = threading.Condition()
        self.requests = []  # (round, job), in the order in which they came
        self.calling = collections.Counter()
        self.overlaps = []
        self.round = 0
        self.kill, self.step, self.count = None, None, 0
        self.under_way = 0
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(1024)
        self.port = self.socket.getsockname()[1]
        self.threads = [threading.Thread(target=self._serve, daemon=True)]
        self.threads[0].start()

    def arm(self, kill, step, count):
        with self.lock:
            self.round += 1
            self.kill, self.step, self.count = kill, step, count

    def disarm(self):
        """Has it killed?"""
        with self.lock:
            killed, self.kill = self.kill is None, None
        return killed

    def _at(self, step):
        with self.lock:
            if self.kill and step == self.step:
                self.count -= 1
                if self.count <= 0:
                    kill, self.kill = self.kill, None
                    kill()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                c = self.socket.accept()[0]
                with self.lock:
                    self.under_way += 1
                self.threads.append(threading.Thread(target=self._talk, args=(c,), daemon=True))
                self.threads[-1].start()

    def _talk(self, c):
        try:
            with contextlib.suppress(OSError), c:
                self._at("connected")
                while self._one(c):
                    pass
        finally:
            with self.lock:
                self.under_way -= 1
                self.lock.notify_all()

    def _one(self, c):
        data = b""
        while b"\r\n\r\n" not in data:
            more = c.recv(65536)
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length"))
        while len(body) < length:
            more = c.recv(65536)
            if not more:
                return False
            body += more
        job = json.loads(body)["data"]["ID"]
        with self.lock:
            self.requests.append((self.round, job))
            self.calling[job] += 1
            if self.calling[job] > 1:
                self.overlaps.append(job)
        try:
            self._at("read")
            c.sendall(b"HTTP/1.1 %d Indeed\r\nContent-" % self.random.choice([200, 200, 500]))
            self._at("half-answered")
            with self.lock:  # over before the caller can know that it is
                self.calling[job] -= 1
            c.sendall(b"Length: 2\r\n\r\nok")
            self._at("answered")
        except OSError:
            with self.lock:
                self.calling[job] = 0
            return False
        return True

    def quiet(self):
        """Waits until nobody is connected any more."""
        with self.lock:
            assert self.lock.wait_for(lambda: self.under_way == 0, 30)
            self.calling.clear()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def done(a):
    """How many have been accepted."""
    return ask(a, "SELECT count(*) FROM deliveries WHERE outcome = 'accepted'")[0][0]


def written(a):
    """{job: the outcomes of its tries that are written down}"""
    rows = {}
    for job, outcome in ask(a, "SELECT job_id, outcome FROM deliveries ORDER BY job_id, n"):
        rows.setdefault(job, []).append(outcome)
    return rows


def check_round(a, killer, number, before):
    """What was called in this round and is not written down was being called when the dispatcher was killed: one call of a job.
    Nobody was called again once his 200 had been written."""
    after = written(a)
    called = collections.Counter(job for r, job in killer.requests if r == number)
    for job, times in called.items():
        assert "accepted" not in before.get(job, []), f"job {job} was called again in round {number} after {before[job]}"
    for job in {*called, *after}:
        old, new = before.get(job, []), after.get(job, [])
        assert new[:len(old)] == old and "accepted" not in new[:-1]
        unwritten = called[job] - (len(new) - len(old))
        assert unwritten in (0, 1), f"job {job} was called {called[job]} times in round {number}: {old}, then {new}"
    return after


def start(a):
    """Without a wait until it is ready: it may be killed before."""
    argv = [BIN / "anteroom-dispatch", "--config", a.config_path, "--watch"]
    a.dispatcher = Process("anteroom-dispatch", argv, a.dir, a.dir / "log/dispatch.log", a.env)


def one_round(a, killer, random, step, jobs, more):
    """Until it is killed at that step; or, where that was never reached, since a connection was kept, once all is done."""
    most = 2 if step == "connected" else jobs - done(a)  # connections are kept: there are few
    killer.arm(lambda: a.dispatcher.popen.kill(), step, random.randrange(1, most + 1))
    start(a)
    more()
    if step == "by-chance":
        threading.Event().wait(random.random() * 0.06 * SLOW)
        a.dispatcher.popen.kill()
    wait_until(lambda: a.dispatcher.popen.poll() is not None or done(a) == jobs, what="a kill")
    killed = killer.disarm() or step == "by-chance"
    a.kill_dispatcher()
    killer.quiet()
    return killed


def test_every_job_is_called_and_again_only_where_the_answer_was_not_written(anteroom):
    a = anteroom({"callback": {"timeout": "1h", "hold": "2h", "retry": [0] * 32, "pause_after": 1000, "per_host": 3}, **lab(HOSTS)})
    random = randomness()
    rows, jobs, kills = {}, [], collections.Counter()

    def post():
        jobs.append(create(a, f"j{len(jobs)}", 1, callback=f"http://127.0.0.1:{killer.port}/{len(jobs)}")["ID"])

    with contextlib.closing(Killer(random)) as killer:
        for number in range(1, ROUNDS + 1):
            step = STEPS[number % len(STEPS)]
            for _ in range(random.randrange(1, 4)):
                post()
            kills[step] += one_round(a, killer, random, step, len(jobs) + 1, post)
            is_sound(a)
            books_balance(a, HOSTS)
            rows = check_round(a, killer, number, rows)
        killer.arm(None, None, 0)
        a.start_dispatcher()
        wait_until(lambda: set(states(a).values()) == {"running"}, what="all")
        a.dispatcher.stop()
        check_round(a, killer, ROUNDS + 1, rows)
    assert killer.overlaps == []
    assert {job for _, job in killer.requests} == set(jobs)
    assert {job: tries[-1] for job, tries in written(a).items()} == {job: "accepted" for job in jobs}
    assert ask(a, "SELECT DISTINCT admissions FROM jobs") == [(1,)]
    assert all(kills[step] > (ROUNDS // 20 if SLOW == 1 else 0) for step in STEPS), kills
    print(f"{ROUNDS} rounds, {dict(kills)} kills, {len(jobs)} jobs, {len(killer.requests) - len(jobs)} calls that were made again")
