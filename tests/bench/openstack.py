# SPDX-License-Identifier: MIT
"""A reading of a real OpenStack with 1,000 hosts in ten aggregates: how many requests it is, and how long it takes, beside the same
requests made by curl. The requests go through nginx, whose log counts them. As root; it starts the test bed and ends it.

/usr/bin/python3 -B tests/bench/openstack.py [hosts]"""
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "openstack"), str(HERE.parent / "api")]
os.environ.setdefault("NCOMPUTE", "1")

import bed as bed_module  # noqa: E402
from harness import BIN, NGINX, free_port, wait_until  # noqa: E402

POOLS, RUNS = 10, 5
NGINX_CONF = """daemon off; pid nginx.pid; error_log error.log; worker_processes 1; events {{}}
http {{
    log_format urls '$request_method $request_uri'; access_log requests.log urls; proxy_http_version 1.1; proxy_buffering off;
    server {{
        listen 127.0.0.1:{port};
        location /keystone/v3/ {{ proxy_pass {keystone}/; }}
        location /placement/ {{ proxy_pass {placement}/; }}
        location /compute/ {{ proxy_pass {compute}/; }}
    }}
}}
"""
Run = collections.namedtuple("Run", "requests ms")


def seed(bed, hosts):
    """Hosts with some use, in aggregates of a project each."""
    admin = bed.admin
    pools = [admin.make_aggregate(f"pool-{i}", filter_tenant_id=f"project{i}")["uuid"] for i in range(POOLS)]

    def make(i):
        host = str(uuid.uuid4())
        admin.placement("POST", "/resource_providers", {"name": f"bench-{i:05}", "uuid": host})
        admin.placement("PUT", f"/resource_providers/{host}/inventories", {"resource_provider_generation": 0, "inventories": {
            "VCPU": {"total": 64, "allocation_ratio": 4.0}, "MEMORY_MB": {"total": 262144}, "DISK_GB": {"total": 2000}}})
        admin.placement("PUT", f"/resource_providers/{host}/aggregates",
                        {"resource_provider_generation": 1, "aggregates": [pools[i % POOLS]]})

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(hosts)))


class Front:
    """nginx before the three services, and the configuration that goes through it."""

    def __init__(self, directory, bed):
        self.dir, port = pathlib.Path(directory), free_port()
        self.url = f"http://127.0.0.1:{port}"
        (self.dir / "nginx.conf").write_text(NGINX_CONF.format(port=port, **bed.creds["endpoints"]))
        self.nginx = subprocess.Popen([NGINX, "-p", directory, "-e", "error.log", "-c", "nginx.conf"])
        wait_until((self.dir / "nginx.pid").exists, what="nginx")
        cloud = {"auth": {"auth_url": f"{self.url}/keystone", "username": "capacity", "password": bed.password("capacity"),
                          "user_domain_name": "Default", "project_name": "capacity", "project_domain_name": "Default"},
                 "placement_endpoint_override": f"{self.url}/placement", "compute_endpoint_override": f"{self.url}/compute"}
        (self.dir / "clouds.yaml").write_text(json.dumps({"clouds": {"bench": cloud}}))
        queue = {"capacity": "openstack", "cloud": "bench", "timeout": "60s"}
        (self.dir / "anteroom.yaml").write_text(json.dumps({"database": str(self.dir / "a.db"), "queues": {"vm": queue}}))

    def log(self):
        return (self.dir / "requests.log").read_text().splitlines()

    def read(self):
        """One reading, by --capacity: the requests that it made, and how many ms all of it took."""
        before, start = len(self.log()), time.monotonic()
        done = subprocess.run([BIN / "anteroom-dispatch", "--config", "anteroom.yaml", "--capacity"], cwd=self.dir, text=True,
                              capture_output=True)
        ms = (time.monotonic() - start) * 1000
        assert done.returncode == 0, done.stdout + done.stderr
        self.hosts = int(re.search(r"hosts (\d+), pools", done.stdout).group(1))
        return Run(self.log()[before:], ms)

    def by_curl(self, requests, token):
        """The same GETs, eight at a time, thrown away: ms."""
        argv = ["curl", "-sS", "--fail-early", "--parallel", "--parallel-max", "8"]
        for line in requests:
            version = "placement 1.36" if "/placement/" in line else "compute 2.41"
            argv += ["-sS", "-f", "-o", "/dev/null", "-H", f"OpenStack-API-Version: {version}", "-H", f"X-Auth-Token: {token}",
                     self.url + line.split(" ", 1)[1], "--next"]
        start = time.monotonic()
        subprocess.run(argv[:-1], check=True, stderr=subprocess.DEVNULL)
        return (time.monotonic() - start) * 1000

    def end(self):
        self.nginx.terminate()
        self.nginx.wait()


def main(hosts=1000):
    runs = bed_module.Runs(os.environ.get("ANTEROOM_OPENSTACK"))
    try:
        with tempfile.TemporaryDirectory(prefix="anteroom-bench-") as directory:
            seed(runs.bed, int(hosts))
            front = Front(directory, runs.bed)
            try:
                measure(front)
            finally:
                front.end()
    finally:
        runs.end()


def measure(front):
    first = front.read()
    kept, = front.dir.glob("keystone-*.json")
    token = json.loads(kept.read_text())["token"]
    kept.unlink()
    renewed = front.read()
    steady, alone = [], []
    for _ in range(RUNS):  # interleaved
        steady.append(front.read())
        alone.append(front.by_curl(steady[-1].requests, token))
    ms, curl = statistics.median(r.ms for r in steady), statistics.median(alone)
    print(f"openstack: {front.hosts} hosts in {POOLS + 1} pools, real Keystone, Placement and Nova")
    print(f"  a reading: {len(steady[-1].requests)} requests (aim: 1 for the aggregates, 1 for who is down, {POOLS + 1}), with a new token "
          f"{len(renewed.requests)}, the very first {len(first.requests)}")
    print(f"  it takes {ms:.0f} ms, the same requests by curl, eight at a time, {curl:.0f} ms: {ms / curl:.2f} times; with a new "
          f"token {renewed.ms:.0f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
