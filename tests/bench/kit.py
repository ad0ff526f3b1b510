# SPDX-License-Identifier: MIT
"""What the benchmarks share: measurements that take turns, their medians, and where the figures go.

A figure means little by itself on a machine that others use too; the ratio of two that took turns within one run does. Each program
of `make bench` and `make bench-peers` measures its part of the table and leaves build/bench/<part>.json; results.py makes
tests/bench/RESULTS.md and its plots of them."""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/api"))
import harness  # noqa: E402

SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))  # the length of one measurement
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
BENCH = harness.BIN / "bench"
LOAD = os.getloadavg()[0]  # before this program did anything


def interleave(measures, rounds=ROUNDS):
    """Calls each of {name: function} once a round, each round beginning with another one. {name: [what it returned, …]}"""
    names, seen = list(measures), {name: [] for name in measures}
    for n in range(rounds):
        for name in names[n % len(names):] + names[:n % len(names)]:
            seen[name].append(measures[name]())
    return seen


def median(values, member=None):
    """Of numbers, or of that member of dictionaries."""
    return statistics.median(v[member] if member else v for v in values)


def wrk(url, clients, script="answers.lua", run="run", seconds=None, refusals=False, **env):
    """{"answers": how many of 2xx and 3xx, "rate": those a second, "p50": ms, "p99": ms, "refused": share of the others}. Any such ends
    the benchmark, unless `refusals`: then they are counted."""
    done = subprocess.run(["wrk", "-t", "1" if clients == 1 else "2", "-c", str(clients), "-d", f"{max(1, round(seconds or SECONDS))}s",
                           "--timeout", "20s", "-s", HERE / script, url], env={**os.environ, "RUN": run, **env}, capture_output=True,
                          text=True, check=True)
    said = json.loads(re.search(r"^BENCH (.*)$", done.stdout, re.M).group(1))
    if said["errors"] or (said["refused"] and not refusals):
        raise SystemExit(f"{said['errors'] + said['refused']} of {said['requests']} requests for {url} failed:\n{done.stdout}")
    answers = said["requests"] - said["refused"]
    return {"answers": answers, "rate": answers / said["us"] * 1e6, "p50": said["p50"] / 1000, "p99": said["p99"] / 1000,
            "refused": said["refused"] / max(said["requests"], 1)}


def memory(pid, member="VmRSS"):
    """In MB."""
    return int(re.search(rf"^{member}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1)) / 1024


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


class Part:
    """One part of the table. Rows are printed as they come; save() leaves build/bench/<name>.json."""

    def __init__(self, name, title):
        self.name, self.title, self.rows, self.curves = name, title, [], []
        self.versions, self.notes = {}, []  # {program: version} beside ours; sentences about the part as a whole

    def row(self, what, value, unit, ratio=None, of="", aim=None, note=""):
        """value: the median, in that unit; ratio: to the limit or the peer called `of`, measured in turns with it. aim: ("≥" or "≤",
        number) for the ratio where there is one, else for the value; None: a figure that stands beside others, without an aim."""
        held = ratio if ratio is not None else value
        met = None if aim is None else held >= aim[1] if aim[0] == "≥" else held <= aim[1]
        self.rows.append({"what": what, "value": value, "unit": unit, "ratio": ratio, "of": of, "aim": aim, "met": met, "note": note})
        shown = f"{ratio:8.2f} × {of}" if ratio is not None else ""
        wanted = f"aim {aim[0]} {aim[1]:g}: {'met' if met else 'NOT MET'}" if aim else ""
        print(f"{what:<44} {value:>12,.1f} {unit:<8} {shown:<40} {wanted:<22} {note}", flush=True)

    def curve(self, name, x, y, points, why, **more):
        """points: [(x, y), …], or {series: [(x, y), …]}; x, y: what the axes show, with the unit; why: the reason for its shape."""
        series = points if isinstance(points, dict) else {"": points}
        self.curves.append({"name": name, "x": x, "y": y, "series": series, "why": why, **more})
        for label, line in series.items():
            print(f"{name} {label}: " + "  ".join(f"{a:g}: {b:,.1f}" for a, b in line), flush=True)

    def save(self):
        BENCH.mkdir(parents=True, exist_ok=True)
        said = {"name": self.name, "title": self.title, "rounds": ROUNDS, "seconds": SECONDS, "load": LOAD,
                "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "commit": commit(),
                "versions": self.versions, "notes": self.notes, "rows": self.rows, "curves": self.curves}
        (BENCH / f"{self.name}.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
