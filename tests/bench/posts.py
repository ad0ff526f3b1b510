#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Durable POSTs through nginx: beside the same front with a fixed answer, and on a slow disk beside the same service with one
transaction a request. Part of `make bench`."""
import os
import tempfile
import time

import kit
from servers import clients_curve, post, servers

FRONT = "the front with a fixed answer"
ARRAY = 100
FLUSH_US = 2000


def single_jobs(part, start):
    fixed, a = start("fixed", "fixed"), start("real")
    seen = kit.interleave({"64": post(a, 64), "fixed 64": post(fixed, 64), "1": post(a, 1), "fixed 1": post(fixed, 1)})
    rate = {name: kit.median(runs, "rate") for name, runs in seen.items()}
    part.row("durable POST, 64 clients", rate["64"], "/s", rate["64"] / rate["fixed 64"], FRONT, ("≥", 0.70),
             f"the front {rate['fixed 64']:,.0f}/s")
    part.row("durable POST, 64 clients: p99", kit.median(seen["64"], "p99"), "ms", aim=("≤", 6),
             note=f"p50 {kit.median(seen['64'], 'p50'):.1f} ms")
    part.row("durable POST, one client", rate["1"], "/s", rate["1"] / rate["fixed 1"], FRONT,
             note=f"p50 {kit.median(seen['1'], 'p50'):.2f} ms; the front {rate['fixed 1']:,.0f}/s; its aim is beside a Go service (peers)")
    clients_curve(part, "POST", a, fixed, lambda to, n: post(to, n, seconds=1, refusals=True))


def arrays(part, start):
    fixed, a = start("fixed-arrays", "fixed"), start("arrays")
    seen = kit.interleave({"jobs": post(a, 64, ARRAY=str(ARRAY)), "fixed": post(fixed, 64, ARRAY=str(ARRAY))})
    jobs, front = (kit.median(seen[name], "rate") * ARRAY for name in ("jobs", "fixed"))
    part.row(f"durable POST, {ARRAY} jobs an array, 64 clients", jobs, "jobs/s", aim=("≥", 100000),
             note=f"the front takes in {front:,.0f} jobs/s unread")


def slow_disk(part, start):
    """Both sides have the same disk, whose flush takes 2 ms."""
    env = {"LD_PRELOAD": str(kit.BENCH / "pre_disk.so"), "FLUSH_US": str(FLUSH_US)}
    many, one = start("slow", env=env), start("slow-single", "single", env)
    fixed = start("fixed-slow", "fixed")
    seen = kit.interleave({"many": post(many, 256), "one": post(one, 256), "front": post(fixed, 256)})
    rate = {name: kit.median(runs, "rate") for name, runs in seen.items()}
    part.row("durable POST, 256 clients, flush of 2 ms", rate["many"], "/s", rate["many"] / rate["one"], "one transaction a request",
             ("≥", 100), f"one a request: {rate['one']:,.0f}/s; the front {rate['front']:,.0f}/s = {rate['front'] / rate['one']:.0f} ×")


def flush_of_this_disk():
    """Microseconds that a flush takes which has 4 KiB to write."""
    seen = []
    with tempfile.TemporaryFile() as file:
        for _ in range(100):
            os.write(file.fileno(), bytes(4096))
            began = time.monotonic()
            os.fdatasync(file.fileno())
            seen.append((time.monotonic() - began) * 1e6)
    return kit.median(seen)


def main():
    part = kit.Part("posts", "Durable POST through nginx")
    part.row("a flush of this disk, 4 KiB", flush_of_this_disk(), "µs")
    for measure in (single_jobs, arrays, slow_disk):
        with servers() as start:
            measure(part, start)
    part.save()


if __name__ == "__main__":
    main()
