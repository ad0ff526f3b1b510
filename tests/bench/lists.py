#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lists through nginx, beside SQLite that steps over the same rows and escapes their texts (raw.c). Part of `make bench`."""
import json
import subprocess

import growth
import kit
from servers import SIZES, fill, get, servers, url

ROWS = [n for n in SIZES if n in (100000, 1000000)] or SIZES[-1:]  # these have rows in the table
ALONE = "SQLite stepping and escaping"


def listed(a):
    """Seconds until the first byte, and until the last."""
    done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", '{"first": %{time_starttransfer}, "all": %{time_total}, '
                           '"bytes": %{size_download}, "status": %{http_code}}', url(a)], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    if said["status"] != 200:
        raise SystemExit(f"a list was answered with {said['status']}")
    return said


def alone(a, jobs):
    done = subprocess.run([kit.BENCH / "raw", a.db_path, "list", str(jobs)], capture_output=True, text=True, check=True)
    return {"all": float(done.stdout)}


def rows(part, n, lists, raws):
    ours, raw = kit.median(lists, "all"), kit.median(raws, "all")
    size = lists[0]["bytes"]
    part.row(f"list of {n:,} jobs", ours * 1000, "ms", ours / raw, ALONE, ("≤", 1.2), f"{size / 1e6:,.0f} MB")
    part.row(f"list of {n:,} jobs: first byte", kit.median(lists, "first") * 1000, "ms", aim=("≤", 5))


def curve(part, seen):
    """Microseconds a job."""
    line = {name: [(n, kit.median(seen[name, n], "all") / n * 1e6) for n in SIZES] for name in ("list", ALONE)}
    (small, first), (large, last) = line["list"][0], line["list"][-1]
    part.curve("list over jobs", "jobs in the list", "µs a job", line,
               f"A list is read in the order of an index, row by row, and each row is written as it comes: the work is the same for every "
               f"job ({first:.1f} µs of {small:,}, {last:.1f} µs of {large:,}). Short lists also have the way through nginx and the start of "
               "curl's transfer to share out among few jobs; in long ones the order of the index and that of the table are the same, so "
               "that no page is read twice.")


def scrapes(part, at):
    """What is told of all jobs is counted as they change, not when it is asked."""
    few, many = min(at), max(at)
    seen = kit.interleave({n: get(at[n], 1, "/metrics") for n in (few, many)})
    ms = {n: kit.median(runs, "p50") for n, runs in seen.items()}
    part.row(f"scrape of /metrics, {many:,} jobs", ms[many], "ms", ms[many] / ms[few], f"with {few:,} jobs")


def main():
    part = kit.Part("lists", "Lists, and requests over the jobs that wait")
    with servers() as start:
        at = {n: start(f"jobs{n}") for n in SIZES}
        for n, a in at.items():
            fill(a, n)
        seen = kit.interleave({(side, n): (lambda a=a, n=n, side=side: listed(a) if side == "list" else alone(a, n))
                               for n, a in at.items() for side in ("list", ALONE)})
        for n in ROWS:
            rows(part, n, seen["list", n], seen[ALONE, n])
        few, many = (kit.memory(at[n].fcgi.pid, "VmHWM") for n in (ROWS[0], ROWS[-1]))
        part.row(f"peak of memory: list of {ROWS[-1]:,} beyond that of {ROWS[0]:,}", many - few, "MB", aim=("≤", 1),
                 note=f"{few:.1f} and {many:.1f} MB, of services that have only listed")
        scrapes(part, at)
        curve(part, seen)
        growth.curves(part, at)
    part.save()


if __name__ == "__main__":
    main()
