#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench-peers`: Anteroom beside what one might use instead, on the same work, the same disk and in the same run, by turns.

In each turn one server works, for a client that is made for it. An answer that is not the right one ends the benchmark, and so does
a job that was answered and is not there afterwards. BENCH_SECONDS (3) is the length of a turn, BENCH_ROUNDS (5) how many each has,
TMPDIR the disk."""
import itertools
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

import kit

sys.path.insert(0, str(kit.HERE / "peers"))
import rivals  # noqa: E402

SECONDS = max(1, round(kit.SECONDS))
runs = itertools.count(1)
CORES, TICKS = os.cpu_count(), os.sysconf("SC_CLK_TCK")
CLIENTS, ARRAY = 64, 100
PACKAGES = ("beanstalkd", "redis-server", "golang-go", "golang-github-mattn-go-sqlite3-dev", "libsqlite3-0", "nginx", "wrk")
NOTES = (
    "Nobody but Anteroom checks a job (strict JSON, URLs, what it asks for), counts it for its owner, sorts it with those that ask for "
    "the same, and can say why it waits. Its table has three times as many columns, in more indices, and its pages have checksums.",
    "Anteroom is asked by HTTP over TCP, through nginx; the Go service by HTTP over TCP, without a web server in front; the others on a "
    "unix socket, by protocols of their own. That favours the peers.",
    "Anteroom, Go and PostgreSQL run all along and keep what earlier turns gave them, so that their logs are overwritten in place as "
    "those of a service are, not lengthened; beanstalkd and Redis, which only lengthen theirs, begin each turn anew. Idle servers do next "
    "to nothing.",
    "PostgreSQL: 64 sessions of pgbench -M prepared, an INSERT a transaction, fsync and synchronous_commit on, all else as it comes from "
    "Debian: no page checksums, the data as text that nobody parses. Primary key, unique (type, request_id), unique callback, an index of "
    "the order.",
    "beanstalkd -b -f0: an fsync a job. It keeps jobs in memory, without names that must be unique.",
    "Redis: appendfsync always, no snapshots, no rewriting of the log. A list in memory: no uniqueness, no order by priority, nothing "
    "about a job but its text. 100 values in one LPUSH are what an array of 100 jobs is.",
    "Where others want the processors too, a lone client's request to Anteroom waits for one twice, in nginx and in the service, and its "
    "ratio to Go falls: that row wants a quiet machine.",
    "Go: net/http, encoding/json, go-sqlite3 with the same libsqlite3 as Anteroom; the same table as PostgreSQL's; write-ahead log, "
    "synchronous=FULL, an INSERT a transaction on the one connection that writes. If it gathered waiting requests into one commit it "
    "would be faster, and another program.",
    "What it saves to gather jobs into one flush depends on the disk: the slower the flush, the larger the ratios to beanstalkd and Go.",
    "The load shares the processors with the server: wrk for HTTP, pgbench, and for beanstalkd and Redis one loop in C. What a job takes "
    "of the client, times the jobs a second, is a whole core for each of its threads where the client is the limit.",
)


def busy():
    """Seconds that all processors were not idle."""
    times = [int(n) for n in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(times) - times[3] - times[4]) / TICKS


def taken(pid):
    """Seconds of processors that a process took, and its children, those too that have ended: they are their parent's by then."""
    try:
        children = [c for f in pathlib.Path(f"/proc/{pid}/task").glob("*/children") for c in f.read_text().split()]
        theirs = sum(map(taken, children))
        times = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return theirs + sum(map(int, times)) / TICKS


def client():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def turn(server, load, slack=0):
    """What load(run) measured, run being a number that no other turn has, with what each of the `done` took of processors, of the server's
    and its client's, in µs, and how many cores of the machine were busy. slack: how many jobs may have come beside those answered."""
    def clocks():
        return {"server": sum(map(taken, server.pids)), "client": client(), "busy": busy(), "time": time.monotonic()}

    os.sync()  # nothing of the turn before is on its way to the disk
    there, before = server.count(), clocks()
    said = load(next(runs))
    spent = {name: value - before[name] for name, value in clocks().items()}
    came = server.count() - there
    if not said["jobs"] <= came <= said["jobs"] + slack:
        raise SystemExit(f"{server.at}: {said['jobs']} jobs were answered, {came} are there")
    each = {name: spent[name] / max(said["done"], 1) * 1e6 for name in ("server", "client")}
    return {**said, **each, "busy": spent["busy"] / spent["time"]}


def posts(server, clients, jobs=1):
    """POST of one job or of an array of them. Of wrk's last requests, one a client, the answers are not counted, and those of the turn
    before may come only now."""
    def load(run):
        said = kit.wrk(server.at, clients, "post.lua", f"r{run}", SECONDS, ARRAY=str(jobs if jobs > 1 else 0))
        return {**said, "rate": said["rate"] * jobs, "jobs": said["answers"] * jobs, "done": said["answers"] * jobs}
    return turn(server, load, (CLIENTS + clients) * jobs)


def gets(server, clients):
    """GET of a job by its name."""
    def load(_):
        said = kit.wrk(server.at + "one", clients, seconds=SECONDS)
        return {**said, "jobs": 0, "done": said["answers"]}
    return turn(server, load)


def put_one(server):
    body = {"request_id": "one", "owner_id": "y", "data": json.loads(rivals.DATA), "callback": "one"}
    subprocess.run(["curl", "-sSf", "-o", "/dev/null", server.at, "-d", json.dumps(body)], check=True)


def handed(starting, way, clients, jobs=1):
    """Jobs to a beanstalkd or a Redis of this turn's own, so many a request."""
    def load(run):
        argv = [rivals.PROGRAMS / "load", way, server.at, str(clients), str(jobs), str(SECONDS), f"r{run}"]
        ended = subprocess.run(argv, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(ended.stderr)
        said = json.loads(re.search(r"^BENCH (.*)$", ended.stdout, re.M)[1])
        done = said["requests"] * jobs
        return {"jobs": done, "done": done, "rate": done / said["us"] * 1e6}

    with starting as server:
        return turn(server, load)


def inserts(postgres, server, clients):
    """Transactions of one INSERT each."""
    def load(run):
        done, rate = postgres.load(clients, SECONDS, run)
        return {"jobs": done, "done": done, "rate": rate}
    return turn(server, load)


def flush(directory):
    """What fdatasync takes after 4 KiB have been written into a file that has them already: the median, in µs."""
    took, until = [], time.monotonic() + 1
    with open(directory / "flush", "w+b") as f:
        f.write(bytes(1 << 20))
        os.fsync(f.fileno())
        while len(took) < 200 and time.monotonic() < until:
            os.pwrite(f.fileno(), bytes([len(took)]) * 4096, len(took) * 4096)
            began = time.perf_counter()
            os.fdatasync(f.fileno())
            took.append((time.perf_counter() - began) * 1e6)
    return kit.median(took)


def cost(seen, thing):
    """What one job or request takes of the processors, in words."""
    server, load, cores = (kit.median(seen, member) for member in ("server", "client", "busy"))
    shown = [f"{us:,.0f}" if us >= 100 else f"{us:.3g}" for us in (server, load)]
    return f"a {thing} {shown[0]} µs of the server and {shown[1]} of the client, {cores:.1f} of {CORES} cores busy"


def beside(part, work, seen, thing, *peers):
    """A row for each peer: its name, the aim, and what it does not do."""
    ours = kit.median(seen["Anteroom"], "rate")
    here = f"p99 {kit.median(seen['Anteroom'], 'p99'):.1f} ms, {cost(seen['Anteroom'], thing)}"
    for name, aim, lacks in peers:
        rate = kit.median(seen[name], "rate")
        part.row(work, ours, f"{thing}s/s", ours / rate, name, aim and ("≥", aim),
                 f"{name}: {rate:,.0f} {thing}s/s, {cost(seen[name], thing)}; {lacks}. Anteroom: {here}")


def on_disk(directory):
    """The name of the file system; one without a disk is refused."""
    name = subprocess.run(["findmnt", "-n", "-o", "FSTYPE", "-T", directory], capture_output=True, text=True, check=True).stdout.split()[-1]
    if name in ("tmpfs", "ramfs"):
        raise SystemExit(f"{directory} is on a {name}, where fsync costs nothing: set TMPDIR to a directory on a disk")
    return name


def version(package):
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=True).stdout


def one_by_one(part, directory, postgres, system):
    """A job a request."""
    with rivals.anteroom(directory) as ours, rivals.go(directory) as go, postgres.serving() as sql:
        many = kit.interleave({
            "Anteroom": lambda: posts(ours, CLIENTS),
            "PostgreSQL INSERT": lambda: inserts(postgres, sql, CLIENTS),
            "PostgreSQL INSERT, a pool of 16": lambda: inserts(postgres, sql, 16),
            "beanstalkd, fsync": lambda: handed(rivals.beanstalkd(directory), "put", CLIENTS),
            "Go + SQLite": lambda: posts(go, CLIENTS),
            "disk": lambda: flush(directory)})
        one = kit.interleave({"Anteroom": lambda: posts(ours, 1), "Go + SQLite": lambda: posts(go, 1)})
    part.row(f"fdatasync of 4 KiB, {system}", kit.median(many["disk"]), "µs")
    beside(part, f"durable POST, {CLIENTS} clients", many, "job",
           ("PostgreSQL INSERT", 2.5, "no HTTP, no JSON, fewer columns; the same uniqueness and order"),
           ("PostgreSQL INSERT, a pool of 16", None, "the same by 16 sessions: as if a pool stood in front that costs nothing"),
           ("beanstalkd, fsync", 6, "no HTTP, no JSON, no uniqueness; an order by priority in memory"),
           ("Go + SQLite", 10, "no web server in front, fewer columns; HTTP, JSON, the same uniqueness and order"))
    beside(part, "durable POST, one client", one, "job",
           ("Go + SQLite", 1, "no web server in front, fewer columns; HTTP, JSON, the same uniqueness and order"))


def arrays(part, directory):
    """A hundred jobs a request."""
    with rivals.anteroom(directory) as ours:
        seen = kit.interleave({
            "Anteroom": lambda: posts(ours, CLIENTS, ARRAY),
            "Redis, 100 values a LPUSH": lambda: handed(rivals.redis(directory), "lpush", CLIENTS, ARRAY),
            "Redis, a value a LPUSH": lambda: handed(rivals.redis(directory), "lpush", CLIENTS)})
    beside(part, f"durable POST, {ARRAY} jobs an array, {CLIENTS} clients", seen, "job",
           ("Redis, 100 values a LPUSH", 1, "appendfsync always; no HTTP, no JSON, no uniqueness, no order by priority: a list in memory"),
           ("Redis, a value a LPUSH", None, "the same, with an answer for each value"))


def reads(part, directory):
    with rivals.anteroom(directory) as ours, rivals.go(directory) as go:
        put_one(ours)
        put_one(go)
        seen = kit.interleave({"Anteroom": lambda: gets(ours, CLIENTS), "Go + SQLite": lambda: gets(go, CLIENTS)})
    beside(part, f"GET of one job, {CLIENTS} clients", seen, "request",
           ("Go + SQLite", 1.8, "no web server in front; the row by its unique key, as JSON"))


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: sys.exit(128 + n))  # on the way out each server is ended
    part = kit.Part("peers", "Beside the peers")
    with tempfile.TemporaryDirectory(prefix="anteroom-peers-") as path:
        directory = pathlib.Path(path)
        directory.chmod(0o711)
        system = on_disk(directory)
        postgres = rivals.Postgres(directory)
        part.notes = list(NOTES)
        part.versions = {p: version(p) for p in (f"postgresql-{postgres.bin.parent.name}", *PACKAGES)}
        one_by_one(part, directory, postgres, system)
        arrays(part, directory)
        reads(part, directory)
    part.save()


if __name__ == "__main__":
    main()
