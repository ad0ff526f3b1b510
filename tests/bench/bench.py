#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Anteroom does in a second, each figure beside its limit in the same run: ratios hold on a noisy machine, times do not.

Prints a table; nothing here passes or fails. BENCH_SECONDS (5) is the length of one measurement, BENCH_JOBS (1000000) the
length of the queue for the pass."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/api"))
import harness  # noqa: E402
from harness import Anteroom, Process, wait_until  # noqa: E402

SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
JOBS = int(os.environ.get("BENCH_JOBS", "1000000"))
LIST = 100000
BENCH = harness.BIN / "bench"
RETURN_200 = "location = /limit { return 200 '{\"data\": \"a fixed answer\", \"ok\": true}\\n'; }"
QUEUES = {"vm": {"capacity": "none", "callback_base": "http://127.0.0.1:65535/"}}


def wrk(a, path, clients, script="answers.lua", run="run"):
    """Requests a second, and the 99th percentile in ms."""
    done = subprocess.run(["wrk", "-t", "1" if clients == 1 else "2", "-c", str(clients), "-d", f"{SECONDS}s", "-s", HERE / script,
                           f"http://127.0.0.1:{a.port}{path}"], env={**os.environ, "RUN": run}, capture_output=True,
                          text=True, check=True)
    figures = json.loads(re.search(r"^BENCH (.*)$", done.stdout, re.M).group(1))
    if figures["errors"]:
        raise SystemExit(f"{figures['errors']} of {figures['requests']} requests for {path} failed:\n{done.stdout}")
    return figures["requests"] / figures["us"] * 1e6, figures["p99"] / 1000


def row(what, value, unit, limit=None, limit_name="", note=""):
    ratio = f"{value / limit:6.2f}" if limit else "      "
    print(f"{what:<38} {value:>12,.1f} {unit:<8} {ratio}  {limit_name:<26} {note}", flush=True)


def start(directory, binary=None):
    a = Anteroom(directory, {"queues": QUEUES, "max_queued": 100000000, "log_level": "warn"})
    if binary:
        a.start_nginx(("access_log off;", RETURN_200))
        a.write_config()
        a.fcgi = Process("fixed", [binary, "--config", a.config_path, "--listen", "unix:fcgi.sock"], a.dir,
                         a.dir / "log/fcgi.log", a.env)
        wait_until(a._answers, what="the fixed answer")
        return a
    return a.start(nginx_extra=("access_log off;", RETURN_200))


def requests(directory):
    """Posts and gets, beside nginx alone, the front with a fixed answer, and SQLite alone."""
    fixed = start(directory / "fixed", BENCH / "fixed")
    a = start(directory / "real")
    a.create("one")
    nginx, _ = wrk(a, "/limit", 64)
    row("nginx: return 200, 64 clients", nginx, "/s")
    front, _ = wrk(fixed, "/v1/vm/one", 64)
    row("front: fixed answer to GET", front, "/s", nginx, "of nginx")
    front_post, _ = wrk(fixed, "/v1/vm/", 64, "post.lua", "f")
    row("front: fixed answer to POST", front_post, "/s", nginx, "of nginx")
    get, p99 = wrk(a, "/v1/vm/one", 64)
    row("GET one job, 64 clients", get, "/s", front, "of the front (aim 0.65)", f"p99 {p99:.1f} ms")
    for clients in (64, 16, 1):
        post, p99 = wrk(a, "/v1/vm/", clients, "post.lua", f"c{clients}")
        limit, aim = (front_post, " (aim 0.6)") if clients == 64 else (post, "")
        row(f"POST, durable, {clients} clients", post, "/s", limit if clients == 64 else None, f"of the front{aim}" if clients == 64 else "",
            f"p99 {p99:.1f} ms")
        if clients == 64:
            raw = raw_inserts(directory / "raw.db", int(post * SECONDS))
            row("SQLite alone, 64 rows a commit", raw, "/s", post, "of our POSTs")
    fixed.stop()
    a.stop()


def raw_inserts(path, rows):
    done = subprocess.run([BENCH / "raw", path, "insert", str(rows), "64"], capture_output=True, text=True, check=True)
    return rows / float(done.stdout)


def memory(pid, member):
    return int(re.search(rf"^{member}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1)) / 1024


def listing(directory):
    """The list of 100,000 jobs, streamed, beside reading the same rows with SQLite alone."""
    a = Anteroom(directory / "list", {"queues": QUEUES, "max_queued": 100000000})
    a.start()
    subprocess.run([BENCH / "fill", a.config_path, str(LIST), "100", "50"], check=True)
    a.get("/v1/vm/?limit=1")
    before = memory(a.fcgi.pid, "VmRSS")
    best, first, size = 1e9, 1e9, 0
    for _ in range(5):
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{time_starttransfer} %{time_total} %{size_download}",
                               f"http://127.0.0.1:{a.port}/v1/vm/"], capture_output=True, text=True, check=True)
        start_s, total_s, size = (float(x) for x in done.stdout.split())
        best, first = min(best, total_s), min(first, start_s)
    raw = min(float(subprocess.run([BENCH / "raw", a.db_path, "list", str(LIST)], capture_output=True, text=True,
                                   check=True).stdout) for _ in range(5))
    row(f"list of {LIST:,} jobs", best * 1000, "ms", raw * 1000, "times SQLite alone", f"first byte {first * 1000:.1f} ms, {size / 1e6:.0f} MB")
    row("memory that the list added", memory(a.fcgi.pid, "VmHWM") - before, "MB", None, "", "aim: under 16")
    a.stop()


def full_house(directory):
    """A pass over a million waiting jobs of 1,000 projects and 50 shapes, no host with room."""
    pools = {"host1": {"hosts": {f"node{i:02}": {"VCPU": 64, "Memory": 262144, "Disk": 2000} for i in range(20)}}}
    a = Anteroom(directory / "pass", {"queues": {"vm": {"capacity": "static", "pools": pools}}, "max_queued": 100000000})
    a.start()
    # Full: one job a host takes all of it, and is running.
    a.post("/v1/vm/", [a.job(f"full-{i}", callback=f"http://127.0.0.1:65535/{i}", data={
        "project": "p", "instances": [{"VCPU": 64, "Memory": 262144, "Disk": 2000}]}) for i in range(20)])
    for i in range(20):
        a.post(f"/v1/vm/full-{i}", {"status": "running"})
    a.dispatch()
    subprocess.run([BENCH / "fill", a.config_path, str(JOBS), "1000", "50"], check=True)
    first = timed_pass(a)
    best = min((timed_pass(a) for _ in range(3)), key=lambda m: m[0])
    row(f"pass over {JOBS:,} jobs, full house", best[0] * 1000, "ms", None, "aim: under 500", f"{best[1]:.0f} MB (aim: under 64); the first one {first[0] * 1000:.0f} ms")
    a.stop()


def timed_pass(a):
    began = time.monotonic()
    with open(a.dir / "log/pass.log", "ab") as log:
        child = subprocess.Popen([harness.BIN / "anteroom-dispatch", "--config", a.config_path], cwd=a.dir, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit("the pass failed: " + (a.dir / "log/pass.log").read_text())
    return time.monotonic() - began, usage.ru_maxrss / 1024


def main():
    with tempfile.TemporaryDirectory(prefix="anteroom-bench-") as directory:
        for measure in (requests, listing, full_house):
            measure(pathlib.Path(directory))


if __name__ == "__main__":
    main()
