# SPDX-License-Identifier: MIT
"""What holds when the Nth call of some kind fails in anteroom.fcgi, for every N: the table of requests, and the sweep over N.

After each of them: a success is really done, and shows what is there; any other answer is 5xx, since nothing is wrong with the
request, and it is the service's own, unless it was its connection that failed, or it left; when the same is asked again, with the same Idempotency-Key, it succeeds, and there is exactly one. The service goes on, or
it leaves with status 1 and a line that says why, and a new one goes on where it stopped."""
import contextlib
import http.client
import itertools
import json
import re
import sqlite3
import time

import openapi
import soak
from cloud import LAB, is_sound, lab
from failing import Failing
from harness import SLOW, wait_until

CONF = lab({"n": {"gpu": 100_000}})
CONF["queues"]["few"] = CONF["queues"]["lab"]
FEW = "/v1/few/"
CONNECTION = ("receive", "send", "wait")  # where such a call fails there may be no answer
NTH_MAX = 100_000  # an operation that has more calls than this does not end


class Service:
    """nginx and anteroom.fcgi with pre_fail.c, some jobs, and a look into the database."""

    def __init__(self, make, tmp_path, conf=CONF):
        self.a = make(conf, start=False)
        self.a.start_nginx()
        self.failing = Failing(tmp_path / "failing")
        self.a.env = {**self.a.env, **self.failing.env}
        self.a.write_config()
        self.start()
        self.client = self.a.client()
        self.names = map(str, itertools.count())
        self.ended = 0  # how often it has left
        self.db = sqlite3.connect(f"file:{self.a.db_path}?mode=ro", uri=True, timeout=10, isolation_level=None)

    def start(self):
        """It answers as soon as one of its threads does, and is ready a little later."""
        self.a.start_fcgi()
        wait_until(lambda: "event=ready" in self.a.fcgi.log(), what="the service's event=ready")

    def start_anew(self):
        """After one that has left."""
        self.a.fcgi.log_path.write_text("")
        self.start()

    def close(self):
        """And what must hold at the end, whatever has failed."""
        self.failing.disarm()
        is_sound(self.a)
        self.db.close()
        self.failing.close()

    def body(self, name, type="lab", **members):
        return self.a.job(name, type, data={"instances": [{"gpu": 1}]}, **members)

    def create(self, name):
        self.again("POST", LAB, self.body(name), status=201)
        return name

    def ask(self, *args, **kw):
        """The answer, or None where there was none or, self.cut, where it had begun and ended early."""
        self.cut = False
        try:
            return self.client.request(*args, **kw)
        except (http.client.HTTPException, ConnectionError) as fault:
            self.cut = isinstance(fault, http.client.IncompleteRead)
            return None

    def again(self, *args, status=200, **kw):
        """The same once more, as a client does that was told 503 or 507, until it is answered by something else."""
        deadline = time.monotonic() + 15 * SLOW
        while True:
            self.revive()
            answer = self.ask(*args, **kw)
            if answer is not None and answer.status not in (503, 507):
                assert answer.status == status, answer
                return answer
            assert time.monotonic() < deadline, answer

    def revive(self):
        """Where the service has left it must have said why; another one is started. Has it left?"""
        fcgi = self.a.fcgi
        if fcgi.alive() and "event=stopping" not in fcgi.log()[-2000:]:
            return False
        code = fcgi.wait()
        assert code == 1, f"anteroom.fcgi ended with {code}:\n{fcgi.log()[-3000:]}"
        assert "event=stopping reason=commit_unknown" in fcgi.log()[-3000:], fcgi.log()[-3000:]
        self.ended += 1
        self.start_anew()
        return True

    def version(self):
        """Another number after every commit."""
        return self.db.execute("PRAGMA data_version").fetchone()[0]

    def count(self, name):
        """How many jobs have this name that are not deleted."""
        return self.db.execute("SELECT count(*) FROM jobs WHERE request_id = ? AND deleted_at IS NULL", (name,)).fetchone()[0]


def is_own(answer):
    """An answer, whole, and anteroom.fcgi's: what nginx writes itself has blanks in its JSON."""
    return answer is not None and not answer.body.endswith(b'"ok": false}\n')


def is_fault(answer):
    """No answer, or one of ours or the web server's that says that something went wrong here."""
    if answer is None:
        return True
    assert answer.status in (500, 503, 507), answer
    assert answer.json["ok"] is False and answer.json["error"] and answer.json["code"], answer
    return True


# Requests -------------------------------------------------------------------------------------------------------------
# Each is a generator of a service: it yields what is to be asked, (method, path, body, headers), gets the answer, and looks at it.


def post(s):
    name = next(s.names)
    request = ("POST", LAB, s.body(name), {"Idempotency-Key": "key-" + name})
    answer = yield request
    if answer is not None and answer.status == 201:
        assert answer.data["RequestID"] == name and s.count(name) == 1, answer
    else:
        assert is_fault(answer)
    again = s.again(*request, status=201)
    assert again.data["RequestID"] == name and s.count(name) == 1
    if answer is not None and answer.status == 201:
        assert (again.body, again.headers["Location"], again.headers["ETag"]) == (
            answer.body, answer.headers["Location"], answer.headers["ETag"])
    assert json.loads(s.again("GET", LAB + name).data["Data"]) == {"instances": [{"gpu": 1}]}


def post_array(s):
    names = [next(s.names) for _ in range(5)]
    request = ("POST", LAB, [s.body(name) for name in names], {"Idempotency-Key": "key-" + names[0]})
    answer = yield request
    if answer is not None and answer.status == 201:
        assert [job["RequestID"] for job in answer.data] == names, answer
        assert [s.count(name) for name in names] == [1] * 5
    else:
        assert is_fault(answer)
        assert sum(s.count(name) for name in names) in (0, 5)
    again = s.again(*request, status=201)
    assert [s.count(name) for name in names] == [1] * 5
    assert answer is None or answer.status != 201 or answer.body == again.body


def answered_again(s):
    """A create whose first answer is there already."""
    name = next(s.names)
    request = ("POST", LAB, s.body(name), {"Idempotency-Key": "key-" + name})
    first = s.again(*request, status=201)
    answer = yield request
    assert is_same(answer, first)
    assert is_same(s.again(*request, status=201), first) and s.count(name) == 1


def taken(s):
    """A create whose request_id is another's."""
    name = s.create(next(s.names))
    answer = yield ("POST", LAB, s.body(name), {})
    assert answer is not None and (answer.status, answer.code) == (409, "duplicate_request_id") or is_fault(answer)
    assert s.count(name) == 1


def changed(s, body, sql, before, after):
    """A change that can be asked again: `sql` gives `before` or `after` of the job."""
    def look():
        return s.db.execute(f"SELECT {sql} FROM jobs WHERE request_id = ?", (name,)).fetchone()[0]

    name = s.create(next(s.names))
    old = look() if before is None else before
    assert look() == old
    answer = yield ("POST", LAB + name, body, {})
    if answer is not None and answer.status == 200:
        assert look() == after
    else:
        assert is_fault(answer)
        assert look() in (old, after)
    if look() != after:
        s.again("POST", LAB + name, body)
    assert look() == after


def change_priority(s):
    yield from changed(s, {"priority": -77}, "priority", None, -77)


def hold(s):
    yield from changed(s, {"status": "held"}, "status", "queued", "held")


def move_to_front(s):
    name = s.create(next(s.names))
    s.create(next(s.names))
    first = "SELECT request_id FROM jobs WHERE deleted_at IS NULL ORDER BY priority, id LIMIT 1"
    answer = yield ("POST", LAB + name, {"move": "front"}, {})
    done = s.db.execute(first).fetchone()[0] == name
    assert done if answer is not None and answer.status == 200 else is_fault(answer)
    s.again("POST", LAB + name, {"move": "front"})
    assert s.db.execute(first).fetchone()[0] == name


def delete(s):
    name = s.create(next(s.names))
    answer = yield ("DELETE", LAB + name, None, {})
    assert s.count(name) == 0 if answer is not None and answer.status == 200 else is_fault(answer)
    if s.count(name) == 1:
        s.again("DELETE", LAB + name)
    s.again("GET", LAB + name, status=404)


def pause(s):
    type = "type" + next(s.names)
    answer = yield ("POST", f"/queues/{type}", {"paused": True}, {})
    look = "SELECT count(*) FROM queues WHERE type = ? AND paused = 1"
    assert s.db.execute(look, (type,)).fetchone() == (1,) if answer is not None and answer.status == 200 else is_fault(answer)
    s.again("POST", f"/queues/{type}", {"paused": True})
    assert s.db.execute(look, (type,)).fetchone() == (1,)


def is_same(answer, good, shape=False):
    """The very same, or the same but for times and numbers, or a fault."""
    if answer is None or answer.status >= 500:
        return is_fault(answer)
    assert answer.status == good.status, answer
    if shape and good.headers["Content-Type"].startswith("text/plain"):
        assert "=\"\"" not in answer.text, [line for line in answer.text.splitlines() if "=\"\"" in line]
        assert answer.text.endswith("\n"), answer.text[-300:]
        return re.findall("^# .*$", answer.text, flags=re.M) == re.findall("^# .*$", good.text, flags=re.M)
    if shape:
        return openapi.structure(answer.json) == openapi.structure(good.json)
    return answer.body == good.body and all(answer.headers[h] == good.headers[h] for h in ("ETag", "Location", "Content-Type"))


def reads(path, shape=False, fresh=False, status=200):
    """GET: a success shows what is there, to the last byte. fresh: after a change of another's, so that pages are read again."""
    def read(s):
        if s.count("first") == 0:
            for name in ("first", "second"):
                s.again("POST", FEW, s.body(name, "few"), status=201)
        good = s.again("GET", path, status=status)
        if fresh:
            s.again("POST", FEW + "first", {"priority": int(next(s.names))})
        answer = yield ("GET", path, None, {})
        if fresh:
            good = s.again("GET", path, status=status)
        assert is_same(answer, good, shape), (answer, good)
        assert is_same(s.again("GET", path, status=status), good, shape)

    read.__name__ = "GET " + path
    return read


def prepared(change, prepare, words):
    """The same change, with something done just before it."""
    def steps(s):
        rest = change(s)
        what = next(rest)
        prepare(s)
        answer = yield what
        with contextlib.suppress(StopIteration):
            rest.send(answer)

    steps.__name__ = f"{change.__name__} {words}"
    return steps


def after_another(change):
    """Just after a commit of another program, so that the writer reads its pages again."""
    return prepared(change, lambda s: s.a.command("pause", next(s.names)), "after another")


def without_reserve(change):
    """When the file that keeps room on the disk is gone: it is made again."""
    return prepared(change, lambda s: s.a.db_path.with_name(f"{s.a.db_path.name}.room").unlink(missing_ok=True), "without reserve")


def first_document(s):
    """/openapi.json by a service that has not sent it yet: the buffer is kept, and no memory is asked for later."""
    good = s.again("GET", "/openapi.json")
    assert s.a.fcgi.stop() == 0
    s.start_anew()
    answer = yield ("GET", "/openapi.json", None, {})
    assert is_same(answer, good)
    assert is_same(s.again("GET", "/openapi.json"), good)


WRITES = [post, post_array, answered_again, taken, change_priority, hold, move_to_front, delete, pause]
READS = [reads(FEW), reads(FEW + "?limit=1"), reads(FEW + "first"), reads(FEW + "none", status=404),
         reads(FEW + "first/wait", shape=True), reads(FEW + "first/events"), reads(FEW + "first/deliveries"),
         reads("/queues/", shape=True), reads("/queues/few", shape=True), reads("/queues/few/capacity", shape=True),
         reads("/metrics", shape=True), reads("/healthz", shape=True)]


# The sweep ------------------------------------------------------------------------------------------------------------


def from_place(what, attempt, first, step):
    """How many attempts met a call that failed. It ends where two in a row did not: one alone may have had fewer calls by chance."""
    met = missed = 0
    for nth in range(first, NTH_MAX, step):
        try:
            if attempt(nth) > 0:
                met, missed = met + 1, 0
            else:
                missed += 1
        except BaseException:
            print(f"{what}: {nth}")
            raise
        if missed == 2:
            return met
    raise AssertionError(f"{what} has more than {NTH_MAX} calls")


def attempts(what, attempt, short=1):
    """attempt(nth), which returns how many calls failed, for every `short`-th nth until none does, from a place that the seed chooses; in
    the long form from each such place, as many as begin within its time: all of them are every nth. How many attempts met one."""
    places = soak.randomness().sample(range(1, short + 1), short)
    met = sum(from_place(what, attempt, places[n], short) for n in soak.rounds(1, short))
    if met == 0 and places[0] > 1:  # there are fewer than that: from the first one on, four of them or so
        met = from_place(what, attempt, 1, max(1, places[0] // 4))
    return met


def sweep(what, attempt, short=1):
    """The same, of something that surely has such calls."""
    met = attempts(what, attempt, short)
    assert met > 0, f"{what}: nothing failed, so nothing was tested"
    return met


def ask_while(s, request, kind, nth, error=None, forever=False):
    """One request while the nth call fails. How many calls failed."""
    steps = request(s)
    what = next(steps)
    version = s.version()
    s.failing.arm(kind, nth, error, forever)
    answer = s.ask(*what)
    fired = s.failing.fired
    s.failing.disarm()
    if not s.revive() and kind not in CONNECTION and not is_own(answer):
        # An answer that had begun can only be cut; a request that there is no memory to begin with is not begun, which nginx says.
        cut, not_begun = what[0] == "GET" and s.cut, kind == "memory" and answer is not None and s.version() == version
        assert cut or not_begun, f"the service goes on, and its answer is {answer}"
    with contextlib.suppress(StopIteration):
        steps.send(answer)
    s.revive()
    return fired


def sweep_request(s, request, kind, error=None, forever=False, short=1):
    what = f"{request.__name__}: {kind} {error or ''} {'for ever' if forever else 'once'}"
    return attempts(what, lambda nth: ask_while(s, request, kind, nth, error, forever), short)


def is_left_well(done, where=""):
    """A program that ended: not by a signal, and with a word about it where it failed."""
    assert done.returncode >= 0, f"{where} it was ended by signal {-done.returncode}:\n{done.stderr}"
    assert done.returncode == 0 or done.stderr, f"{where} exit code {done.returncode}, and not a word"
