# SPDX-License-Identifier: MIT
"""How long a reading of a large Kubernetes cluster takes, and how much memory, against fetching its pages alone (curl, which throws
them away). Prints one line; the ratio is the better of three runs each.

/usr/bin/python3 -B tests/bench/kube.py [nodes [pods]]"""
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


def run(argv, **kw):
    """(seconds, peak resident MiB, output) of one run, which must succeed."""
    start = time.monotonic()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **kw)
    out = child.stdout.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{argv[0]} ended with {child.returncode}: {out}"
    return time.monotonic() - start, usage.ru_maxrss / 1024, out


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


def main(nodes=5000, pods=50000):
    big = Big(int(nodes), int(pods))
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        write_config(directory, big)
        alone = min(fetch(big)[0] for _ in range(RUNS))
        reads = [run([PROGRAM, "--config", directory / "anteroom.yaml", "--check"]) for _ in range(RUNS)]
    seconds, memory = min(r[0] for r in reads), max(r[1] for r in reads)
    assert f": kubernetes: ok, hosts {nodes}, pools 1" in reads[0][2], reads[0][2]
    print(f"kubernetes: {nodes} nodes, {pods} pods, {big.bytes / 1e6:.0f} MB in {len(big.urls)} pages: read in {seconds:.2f} s, "
          f"fetched alone in {alone:.2f} s, ratio {seconds / alone:.2f}; {memory:.0f} MiB of memory at most")


if __name__ == "__main__":
    main(*sys.argv[1:])
