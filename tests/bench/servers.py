# SPDX-License-Identifier: MIT
"""The services that the parts of the table measure, each behind an nginx of its own, as `make run` configures it."""
import contextlib
import itertools
import os
import pathlib
import re
import subprocess
import tempfile

import kit
from harness import Anteroom, Process, wait_until

QUEUES = {"vm": {"capacity": "none", "callback_base": "http://127.0.0.1:65535/"}}
CLIENTS = (1, 4, 16, 64, 256, 1024)
JOBS = int(os.environ.get("BENCH_JOBS", "1000000"))  # the longest queue
SIZES = tuple(10**k for k in range(3, 9) if 10**k <= JOBS)
WHY = {
    "POST": "A lone client waits for a commit of its own each time ({batch_1:.1f} jobs a commit, p50 {p50_1:.2f} ms). With more clients the "
            "writer takes all that came while the last commit went on: {batch_4:.1f} jobs a commit at 4 clients, {batch_16:.0f} at 16, "
            "{batch_64:.0f} at 64, {batch_256:.0f} at 256, and what a commit costs is shared by so many. Once the cores are busy, "
            "more clients only wait longer.",
    "GET": "A lone client waits for each answer on its way through four processes' turns (p50 {p50_1:.2f} ms); with more of them there is "
           "always a request at hand, until the cores are busy. From then on more clients only wait longer.",
    "ratio": "What is missing to 1 is routes, rules and the database. One client does not fill a core: there the ratio is one of waiting "
             "times, a flush's among them where it is a POST. With many it is one of processor time.",
    "processor": "Of the service, of its nginx; wrk's own comes on top. Where there are more clients, a turn of each program finds more "
                 "to do: fewer waits and wake-ups a request.",
}
runs = itertools.count()


@contextlib.contextmanager
def servers():
    """start(name, binary="anteroom.fcgi", env=None): the service of build/, or one of build/bench/ in its place. All end with the block."""
    made = []
    with tempfile.TemporaryDirectory(prefix="anteroom-bench-") as directory:

        def start(name, binary=None, env=None):
            a = Anteroom(pathlib.Path(directory) / name, {"queues": QUEUES, "max_queued": 100000000, "log_level": "warn"}, env)
            made.append(a)
            a.start_nginx(("access_log off;", ""))
            a.write_config()
            program = kit.BENCH / binary if binary else kit.harness.BIN / "anteroom.fcgi"
            a.fcgi = Process(program.name, [program, "--config", a.config_path, "--listen", "unix:fcgi.sock"], a.dir,
                             a.dir / "log/fcgi.log", a.env)
            wait_until(a._answers, what=f"an answer of {program.name}")
            return a

        try:
            yield start
        finally:
            for a in made:
                a.stop()


def fill(a, jobs, projects=100, shapes=50):
    subprocess.run([kit.BENCH / "fill", a.config_path, str(jobs), str(projects), str(shapes)], check=True)


def url(a, path="/v1/vm/"):
    return f"http://127.0.0.1:{a.port}{path}"


def post(a, clients, **more):
    """A function that measures POSTs of jobs; none has the name of an earlier one."""
    return lambda: kit.wrk(url(a), clients, "post.lua", f"r{next(runs)}", **more)


def get(a, clients, path="/v1/vm/one", **more):
    return lambda: kit.wrk(url(a, path), clients, **more)


def processor(a):
    """Seconds of processor time that the service and its nginx have taken so far: (service, nginx)."""
    def of(pid):
        field = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(field[11]) + int(field[12])) / os.sysconf("SC_CLK_TCK")

    workers = pathlib.Path(f"/proc/{a.nginx.pid}/task/{a.nginx.pid}/children").read_text().split()
    return of(a.fcgi.pid), sum(map(of, workers))


def commits(a):
    """(commits, changes in them) of the service so far."""
    said = a.get("/metrics").body.decode()
    return tuple(float((re.search(r'^anteroom_commit_changes_' + what + r'\{program="anteroom.fcgi"[^}]*\} (\S+)', said, re.M) or [0, 0])[1])
                 for what in ("count", "sum"))


def observed(a, measure):
    """What the measurement says, with processor time a request in µs, and changes a commit where any were made."""
    def run():
        cpu, done = processor(a), commits(a)
        said = measure()
        cpu, done = [(y - x) / said["answers"] * 1e6 for x, y in zip(cpu, processor(a))], [y - x for x, y in zip(done, commits(a))]
        return {**said, "service": cpu[0], "nginx": cpu[1], "batch": done[1] / done[0] if done[0] else 0}

    return run


def clients_curve(part, verb, a, fixed, requests):
    """requests(a, clients): a function that measures. Curves over the number of clients: requests a second, what of the front that is,
    and processor time."""
    ours, front = f"{verb} of one job", "the front with a fixed answer"
    seen = kit.interleave({(side, n): observed(to, requests(to, n)) if side == ours else requests(to, n)
                           for n in CLIENTS for side, to in ((ours, a), (front, fixed))}, rounds=min(kit.ROUNDS, 3))

    def line(side, member="rate"):
        return [(n, kit.median(seen[side, n], member)) for n in CLIENTS]

    why = WHY[verb].format(**{f"{what}_{n}": v for what in ("rate", "service", "nginx", "batch", "p50") for n, v in line(ours, what)})
    part.curve(f"{verb} over clients", "clients", "requests/s", {ours: line(ours), front: line(front)},
               f"{why} At {CLIENTS[-1]:,} clients nginx refuses {dict(line(ours, 'refused'))[CLIENTS[-1]]:.0%} of the requests at once "
               f"({dict(line(front, 'refused'))[CLIENTS[-1]]:.0%} before the front), as it is told to: max_conns=300 a worker of nginx, "
               "of which there is one here. Only the others are counted, and a refusal costs nginx a good part of what an answer does.")
    part.curve(f"{verb} over clients, beside the front", "clients", "ratio to the fixed answer",
               [(n, y / f) for (n, y), (_, f) in zip(line(ours), line(front))], WHY["ratio"])
    part.curve(f"{verb} over clients: processor time", "clients", "µs a request",
               {"anteroom.fcgi": line(ours, "service"), "nginx": line(ours, "nginx")}, WHY["processor"])
