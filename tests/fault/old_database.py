# SPDX-License-Identifier: MIT
"""Databases of every version that there was: made by the numbered files of common/schema as that version made them, and filled
with rows of every kind, random from a seed. What a version does not know (a table, a column) is left out."""
import contextlib
import json
import shutil
import sqlite3
import tempfile
import time

from harness import ROOT

SCHEMA = sorted((ROOT / "common/schema").glob("[0-9]*.sql"))
NEWEST = len(SCHEMA)
APPLICATION_ID = 0x416E7465
BEGAN = time.time_ns() - 3600 * 10**9  # nothing is so old that it would be purged
LATER = 9_000_000_000_000_000_000  # not within a test's time
HOSTS = ("n1", "n2", "n3")


def columns(db, table):
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def add(db, table, **row):
    """A row, of the members that the table has; none where there is no such table."""
    known = columns(db, table)
    row = {k: v for k, v in row.items() if k in known}
    if row:
        db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def receiver_of(type, callback):
    """As url.h names it."""
    if callback.startswith("relative"):
        return "/" + type
    return "/".join(callback.lower().replace("?", "/").replace("#", "/").replace(":443/", "/").split("/")[:3])


class Filler:
    def __init__(self, db, random):
        self.db, self.random = db, random
        self.waiting, self.counts = {}, {}

    def text(self, longest=40):
        return "".join(self.random.choice("abcdefg 中é\"\\\n'") for _ in range(self.random.randrange(1, longest)))

    def group(self, type, owner, scope):
        """A group for a waiting job. Versions before 3 have one for the jobs of all owners."""
        shape = f'[{{"n":1,"r":{{"gpu":{self.random.randrange(1, 4)}}}}}]'
        own = {"owner_id": owner} if "owner_id" in columns(self.db, "groups") else {}
        key = {"type": type, "scope": scope, "shape": shape, **own}
        find = f"SELECT id FROM groups WHERE {' AND '.join(f'{k} = ?' for k in key)}"
        found = self.db.execute(find, list(key.values())).fetchone()
        if not found:
            add(self.db, "groups", **key, reason="WaitingForCapacity", message=self.text(), seq=self.random.randrange(9),
                reason_at=BEGAN + self.random.randrange(1000))
            found = self.db.execute("SELECT max(id) FROM groups").fetchone()
        return found[0]

    def job(self, id, type, status):
        random, at = self.random, BEGAN + self.random.randrange(10**12)
        owner, scope = f"o{random.randrange(4)}", random.choice(("", "pool:main", "project:p"))
        over = status in ("finished", "failed", "cancelled", "expired")
        began = status in ("admitted", "running") or (over and random.random() < 0.5)
        asleep = status == "queued" and random.random() < 0.2
        callback = random.choice((f"relative/{id}", f"https://a.example:443/{id}", f"http://B.example:8080?{id}",
                                  f"http://c.example#{id}"))
        row = {"id": id, "type": type, "request_id": f"r{id} {self.text(9)}", "owner_id": owner, "callback": callback,
               "data": json.dumps({"instances": [{"gpu": 1}], "note": self.text(3000)}, sort_keys=True),
               "priority": random.randrange(10**9), "status": status, "version": random.randrange(1, 9),
               "created_at": at, "updated_at": at + 5, "queued_at": at, "scope": scope,
               "deleted_at": at + 9 if over and random.random() < 0.3 else None, "admissions": int(began),
               "not_before": LATER if asleep else None, "valid_until": LATER if status == "queued" and random.random() < 0.3 else None,
               "reason": "NotBefore" if asleep else "Held" if status == "held" and random.random() < 0.5 else None,
               "admitted_at": at + 2 if began else None, "started_at": at + 3 if status == "running" else None,
               "hosts": json.dumps({random.choice(HOSTS): 1}) if began else None, "finished_at": at + 8 if over else None,
               "next_try": LATER if status == "admitted" else None, "hold_until": LATER + 1 if status == "admitted" else None,
               "group_id": self.group(type, owner, scope) if status == "queued" and not asleep else None,
               "created_by": random.choice((None, "operator:x")), "requeues": random.randrange(3),
               "request": random.choice((None, "ab" * 16)), "receiver": receiver_of(type, callback)}
        add(self.db, "jobs", **row)
        if status in ("admitted", "running"):
            add(self.db, "holds", queue=type, host=next(iter(json.loads(row["hosts"]))), resource="gpu", job_id=id, since=at + 2,
                amount=1)
        if row["deleted_at"] is None:
            self.counts[type, status] = self.counts.get((type, status), 0) + 1
        if status in ("queued", "held"):
            self.waiting[owner] = self.waiting.get(owner, 0) + 1
        for n in range(1, random.randrange(4)):
            add(self.db, "events", job_id=id, n=n, at=at + n, who="anteroom", event="status", from_status="queued", to_status=status,
                message=self.text())
            add(self.db, "deliveries", job_id=id, n=n, admission=1, at=at + n, ns=5, url="http://a.example/",
                address="192.0.2.1", status=500, error="the receiver answered 500", answer=self.text(200), outcome="failed")

    def queue(self, type):
        waiting = self.counts.get((type, "queued"), 0) + self.counts.get((type, "held"), 0)
        counts = {status: n for (t, status), n in self.counts.items() if t == type}
        add(self.db, "queues", type=type, version=self.random.randrange(10**6), last_priority=self.random.randrange(10**9),
            waiting=waiting, paused=self.random.randrange(2), **counts)

    def reading(self, queue):
        failed = self.random.random() < 0.3
        add(self.db, "readings", queue=queue, digest=self.random.randrange(10**9), read_at=BEGAN, tried_at=BEGAN + 7, ns=5,
            about="static", error="it answered 503" if failed else None, pools=1, hosts=len(HOSTS))
        add(self.db, "reading_pools", queue=queue, pool="main", open=1, closed=0, unread=0, exact=0)
        add(self.db, "reading_projects", queue=queue, project="p", pool="main")
        for host in HOSTS:
            add(self.db, "reading_hosts", queue=queue, pool="main", host=host)
            add(self.db, "reading_totals", queue=queue, host=host, resource="gpu", amount=1000, used=3)

    def rest(self):
        random = self.random
        for n in range(random.randrange(1, 6)):
            digest = random.randbytes(32)
            add(self.db, "answers", type="lab", asker=random.choice(("", "o1")), key=f"k{n}", digest=digest, status=201,
                location="/v1/lab/x/", etag='"1"', body=self.text(4000), created_at=BEGAN + n)
            add(self.db, "receivers", origin=f"http://r{n}.example", failures=3, since=BEGAN, failed_at=BEGAN + 1,
                paused_until=LATER, pause=9, error=self.text())
            add(self.db, "tokens", name=f"t{n}", digest=digest, role="owner", owners='["o1"]', created_at=BEGAN, expires_at=None)
            add(self.db, "starts", queue="lab", lane=n, n=1, at=BEGAN, totals="3000 gpu", starts=f"{BEGAN} 5 1 1")
        for owner, waiting in self.waiting.items():
            add(self.db, "owners", owner_id=owner, waiting=waiting)


def fill(db, random, jobs):
    f = Filler(db, random)
    statuses = ["queued", "held", "admitted", "running", "finished", "failed", "cancelled", "expired"]
    for id in range(1, jobs + 1):
        f.job(id, random.choice(("lab", "vm")), statuses[id % 8] if id <= 16 else random.choice(statuses[:1] * 8 + statuses))
    for type in ("lab", "vm"):
        f.queue(type)
        f.reading(type)
    f.rest()


def make(path, version, random, jobs=40, wal=True, shrinks=False):
    """A database in the directory `path`, as a service that was killed leaves it (wal), or as a backup is; of
    version 0 there is none."""
    path.mkdir(exist_ok=True)
    if version == 0:
        return
    work = path / "work"
    work.mkdir()
    with contextlib.closing(sqlite3.connect(work / "anteroom.db", isolation_level=None)) as db:
        if shrinks:
            db.execute("PRAGMA auto_vacuum = 2")
        if wal:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA wal_autocheckpoint = 0")
        db.executescript("BEGIN;" + "".join(step.read_text() for step in SCHEMA[:version]) + "COMMIT;")
        db.executescript(f"PRAGMA user_version = {version}; PRAGMA application_id = {APPLICATION_ID};")
        db.execute("BEGIN")
        fill(db, random, jobs)
        db.execute("COMMIT")
        if wal and random.random() < 0.5:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        for name in ("anteroom.db", "anteroom.db-wal"):
            if (work / name).exists():
                shutil.copy(work / name, path / name)
    shutil.rmtree(work)


def dump(path):
    """{table: sorted rows as dicts} of all tables but SQLite's statistics. Of a copy: SQLite alone, without what Anteroom
    puts round it, is to write nothing into a file of Anteroom's, as it does when the last connection closes."""
    with tempfile.TemporaryDirectory(dir=path.parent) as beside:
        for file in path.parent.glob(path.name + "*"):
            if file.name.endswith((".db", "-wal", "-journal")):
                shutil.copy(file, beside)
        with contextlib.closing(sqlite3.connect(f"{beside}/{path.name}", isolation_level=None)) as db:
            db.row_factory = sqlite3.Row
            tables = [n for n, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%'")]
            return {t: sorted((dict(row) for row in db.execute(f"SELECT * FROM {t}")), key=repr) for t in tables}
