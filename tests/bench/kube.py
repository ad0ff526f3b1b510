# SPDX-License-Identifier: MIT
"""How long a reading of a large Kubernetes cluster takes, and how much memory, against fetching its pages alone (curl, which throws
them away): from a server as fast as kube-apiserver 1.36 was seen to be, and from one that is as fast as this machine. Prints a
line for each; times are the best of some runs.

/usr/bin/python3 -B tests/bench/kube.py [nodes [pods]]"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from kube_big import Big

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "build/anteroom-dispatch"
RUNS = 3
KUBE_RATE = 88e6  # bytes a second: 380 MB of pods in 4.3 s, on a machine like this one

Run = collections.namedtuple("Run", "seconds cpu memory")


def run(argv, **kw):
    """One run, which must succeed; memory: its peak, in MiB."""
    start = time.monotonic()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **kw)
    out = child.stdout.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{argv[0]} ended with {child.returncode}: {out}"
    return Run(time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def fetch(big):
    argv = ["curl", "-sS"]
    for url in big.urls:
        argv += ["-o", "/dev/null", "-A", "bench/1", url]
    return run(argv)


def write_config(directory, big):
    (directory / "kubeconfig").write_text(json.dumps({
        "current-context": "big", "contexts": [{"name": "big", "context": {"cluster": "big", "user": "big"}}],
        "clusters": [{"name": "big", "cluster": {"server": big.url}}], "users": [{"name": "big", "user": {}}]}))
    config = {"database": str(directory / "bench.db"),
              "queues": {"kube": {"capacity": "kubernetes", "kubeconfig": str(directory / "kubeconfig"), "timeout": "60s"}}}
    (directory / "anteroom.yaml").write_text(json.dumps(config))
    run([PROGRAM, "--config", directory / "anteroom.yaml"], stderr=subprocess.DEVNULL)  # makes the database


def compare(directory, big, runs):
    """(seconds alone, seconds read, CPU seconds of that, MiB)"""
    argv = [PROGRAM, "--config", directory / "anteroom.yaml", "--check"]
    alone = min(fetch(big).seconds for _ in range(runs))
    reads = [run(argv) for _ in range(runs)]
    return alone, min(r.seconds for r in reads), min(r.cpu for r in reads), max(r.memory for r in reads)


def main(nodes=5000, pods=50000):
    big = Big(int(nodes), int(pods))
    print(f"kubernetes: {nodes} nodes, {pods} pods, {big.bytes / 1e6:.0f} MB in {len(big.urls)} pages")
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        write_config(directory, big)
        for rate, runs, words in ((KUBE_RATE, 1, "as fast as kube-apiserver"), (None, RUNS, "as fast as it goes")):
            big.rate = rate
            alone, seconds, cpu, memory = compare(directory, big, runs)
            print(f"  {words}: read in {seconds:.2f} s ({cpu:.2f} s of CPU), fetched alone in {alone:.2f} s, "
                  f"ratio {seconds / alone:.2f}; {memory:.0f} MiB of memory at most")


if __name__ == "__main__":
    main(*sys.argv[1:])
