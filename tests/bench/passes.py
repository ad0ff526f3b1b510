# SPDX-License-Identifier: MIT
"""Passes: over a queue that waits for a full house, and with 10,000 admissions; and how they grow with jobs, groups and hosts. Words on
the command line: only those of its parts, rows admissions groups_curve hosts_curve.

BENCH_JOBS (1000000): the length of the queue. BENCH_MOST (the same): the longest of the curves; 10000000 needs 8 GB of disk and some
minutes."""
import contextlib
import json
import os
import pathlib
import shutil
import sys
import tempfile

import kit
import room

JOBS = int(os.environ.get("BENCH_JOBS", "1000000"))
MOST = int(os.environ.get("BENCH_MOST", JOBS))
SHAPES = 50
PROJECTS = min(1000, max(1, JOBS // 10 // SHAPES))  # so that a tenth of the jobs still has all groups
WHOLE = {"VCPU": 64, "Memory": 262144, "Disk": 2000}
LARGE = {name: 100 * amount for name, amount in WHOLE.items()}
WHY = {
    "jobs": "Jobs that ask for the same in the same place are one group, whose row says who of them is the first: the pass reads the rows "
            "of the groups alone, and how many jobs stand behind them makes no difference.",
    "groups": "For each group its row, a turn of the plan, and the reason why it waits, compared with what is written: linear from where "
              "that is more than the pass's own beginning and end.",
    "hosts": "The reading is laid out as a table, written down where it is news, and each of the 50 shapes is tried on the hosts once, "
             "for all projects: linear from some 1,000 hosts on.",
}


def house(hosts, each=WHOLE):
    """A queue with one pool of so many hosts."""
    return {"capacity": "static", "pools": {"host1": {"hosts": {f"node{i:06}": each for i in range(hosts)}}}}


def told(path, hosts):
    """The same from a program, which says that all of it is used: so many hosts do not fit into the configuration."""
    amounts = {"total": WHOLE, "used": WHOLE}
    path.write_text(json.dumps({"hosts": {f"node{i:06}": amounts for i in range(hosts)}}))
    return {"capacity": "exec", "program": ["/bin/cat", str(path)]}


@contextlib.contextmanager
def full(directory, jobs, projects=PROJECTS, shapes=SHAPES, hosts=None):
    """`jobs` jobs wait, and there is no host with room: a job that takes all of the 20 hosts runs, or a program says so of `hosts`.
    The first pass, which has to say to every group why it waits, is over: a.first."""
    here = directory / f"full-{jobs}-{projects}-{shapes}-{hosts or 0}"
    here.mkdir()
    a = room.start(here, told(here / "hosts.json", hosts) if hosts else house(20), callback=room.CALLBACK)
    try:
        if not hosts:
            a.create("full", data={"project": "p", "instances": [{**WHOLE, "count": 20}]})
            room.expect("set running", a.post("/v1/vm/full", {"status": "running"}).status, 200)
            a.dispatch()
        room.fill(a, jobs, projects, shapes)
        a.first = room.once(a)
        room.expect("groups told why they wait", a.first["reasons"], min(jobs, projects * shapes))
        yield a
    finally:
        a.stop()
        shutil.rmtree(here)


def idle_pass(a):
    """A pass that changes nothing."""
    one = room.once(a)
    room.expect("admitted, written", (one["admitted"], one["reasons"]), (0, 0))
    return one


def rows(part, directory):
    """And the pass over the jobs that wait, as far as it is measured by that."""
    with full(directory, JOBS) as many, full(directory, JOBS // 10) as few:
        seen = kit.interleave({"many": lambda: idle_pass(many), "few": lambda: idle_pass(few)})
        mb = max(room.once(many, watched=True)["mb"] for _ in range(3))
        first = many.first
    s, pass_s = kit.median(seen["many"], "s"), kit.median(seen["many"], "pass_s")
    times = {n: kit.median([a[n] / b[n] for a, b in zip(seen["many"], seen["few"])]) for n in ("s", "pass_s")}
    part.row(f"pass over {JOBS:,} jobs, full house", s * 1000, "ms", aim=("≤", 150),
             note=f"{PROJECTS:,} projects × {SHAPES} shapes; exec to exit, the pass alone {pass_s * 1000:.0f} ms; the first one, which "
             f"writes {first['reasons']:,} reasons, {first['s'] * 1000:.0f} ms")
    part.row("… its memory", mb, "MB", aim=("≤", 32), note="VmHWM of the whole run")
    part.row("… beside a tenth of the jobs", s * 1000, "ms", times["s"], f"{JOBS // 10:,} jobs, as many groups", ("≤", 1.2),
             f"the pass alone {times['pass_s']:.2f}")
    jobs_curve(part, directory, [(JOBS // 10, kit.median(seen["few"], "pass_s") * 1000), (JOBS, pass_s * 1000)])


def admit(directory, hosts, jobs, projects=100, shapes=10):
    """One run that admits all of them, with what they hold."""
    a = room.start(directory / "admit", house(hosts, LARGE if hosts < 1000 else WHOLE), callback=room.CALLBACK)
    try:
        room.fill(a, jobs, projects, shapes)
        one = room.once(a)
        room.expect("admitted", one["admitted"], jobs)
        with contextlib.closing(a.database()) as db:
            room.expect("admitted jobs that hold something", db.execute("SELECT count(DISTINCT job_id) FROM holds JOIN jobs"
                        " ON jobs.id = job_id WHERE status = 'admitted'").fetchone()[0], jobs)
        return one
    finally:
        a.stop()
        shutil.rmtree(a.dir)


def admissions(part, directory):
    jobs = 10_000
    seen = kit.interleave({hosts: lambda n=hosts: admit(directory, n, jobs) for hosts in (20, 1000)})
    for hosts, aim in ((20, ("≥", 50_000)), (1000, None)):
        took = {n: kit.median(seen[hosts], n) for n in ("s", "pass_s", "cpu_s")}
        part.row(f"admissions of {jobs:,} on {hosts:,} hosts, holds written", jobs / took["pass_s"], "/s", aim=aim,
                 note=f"of the passes' own time ({seen[hosts][0]['passes']} of them); exec to exit {jobs / took['s']:,.0f}/s, "
                 f"{1e6 * took['cpu_s'] / jobs:.0f} µs of the processor for each")


def passes_of(a):
    return kit.median([idle_pass(a) for _ in range(max(3, kit.ROUNDS))], "pass_s") * 1000


def jobs_curve(part, directory, of_50000):
    few, many = [], dict(of_50000)
    for jobs in [10 ** n for n in range(3, 9) if 10 ** n <= MOST]:
        with full(directory, jobs, 10) as a:
            few.append((jobs, passes_of(a)))
        if jobs > JOBS:
            with full(directory, jobs) as a:
                many[jobs] = passes_of(a)
    groups = {"500 groups": few, f"{PROJECTS * SHAPES:,} groups": sorted(many.items())}
    part.curve("pass over jobs", "jobs that wait", "ms", groups, WHY["jobs"])


def groups_curve(part, directory):
    curve = []
    for projects, shapes in ((5, 2), (10, 10), (20, 50), (200, 50), (2000, 50)):
        if projects * shapes <= JOBS:
            with full(directory, projects * shapes, projects, shapes) as a:
                curve.append((projects * shapes, passes_of(a)))
    part.curve("pass over groups", "projects × shapes, one job each", "ms", curve, WHY["groups"])


def hosts_curve(part, directory):
    curve = []
    for hosts in [10 ** n for n in range(1, 6)]:
        with full(directory, 1000, 10, 50, hosts) as a:
            curve.append((hosts, passes_of(a)))
    part.curve("pass over hosts", "hosts", "ms", curve, WHY["hosts"])


def main():
    part = kit.Part("passes", "Passes of the dispatcher")
    with tempfile.TemporaryDirectory(prefix="anteroom-bench-") as directory:
        for measure in (rows, admissions, groups_curve, hosts_curve):
            if measure.__name__ in (sys.argv[1:] or [measure.__name__]):
                measure(part, pathlib.Path(directory))
    part.save()


if __name__ == "__main__":
    main()
