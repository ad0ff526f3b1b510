# SPDX-License-Identifier: MIT
"""Admit, call, record: 20,000 jobs that wait, and a single run of the dispatcher until all of them run.

BENCH_CALLBACKS (20000): how many jobs."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import urllib.request

import kit
import room
from kit import harness

JOBS = int(os.environ.get("BENCH_CALLBACKS", "20000"))
AT_ONCE, ANSWER_MS, RECEIVERS = 1000, 50, 1000
ROOMY = {"capacity": "static", "pools": {"host1": {"hosts": {"node1": {"VCPU": 10 ** 6, "Memory": 10 ** 6, "Disk": 10 ** 6}}}}}
CONF = """daemon off; worker_processes 1; pid nginx.pid; error_log nginx.log warn; worker_rlimit_nofile 16384; {user}
events {{ worker_connections 8192; }}
http {{
    access_log off; keepalive_requests 100000000; client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;
    uwsgi_temp_path tmp; scgi_temp_path tmp;
    server {{ listen 0.0.0.0:{port} backlog=4096; location / {{ return 200 'ok'; }} location = /status {{ stub_status; }} }}
}}
"""


class Fast:
    """nginx, which says 200, on every address of 127.0.0.0/8."""

    def __init__(self, directory):
        directory.mkdir()
        self.port = harness.free_port()
        (directory / "nginx.conf").write_text(CONF.format(port=self.port, user="user root;" if os.getuid() == 0 else ""))
        self.process = harness.Process("receiver", [harness.NGINX, "-p", "./", "-e", "nginx.log", "-c", "nginx.conf"], directory,
                                       directory / "out.log", os.environ)
        room.wait_until(self._connects, what="the receiver")

    def _connects(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return not self.process.alive()

    def counts(self):
        """(requests, connections) that there were, this one among them."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status") as answer:
            connections, _, requests = map(int, re.search(r"(\d+) (\d+) (\d+)", answer.read().decode()).groups())
        return requests, connections

    @contextlib.contextmanager
    def counting(self):
        """Yields a list that holds the counts of what was in between, once that is over."""
        before, found = self.counts(), []
        yield found
        after = self.counts()
        found += [after[0] - before[0] - 1, after[1] - before[1] - 1]

    def stop(self):
        self.process.stop()


class Slow:
    """Each request is answered after so many ms."""

    port = 0

    @contextlib.contextmanager
    def counting(self):
        argv = [harness.BIN / "bench/receiver", str(ANSWER_MS)]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
            self.port, found = int(p.stdout.readline()), []
            yield found
            found += map(int, p.communicate()[0].split())


def deliver(directory, receiver, url, **callback):
    """20,000 jobs, each called once: what a single run costs."""
    with receiver.counting() as counted:
        a = room.start(directory / "deliver", ROOMY, callback=callback)
        try:
            for start in range(0, JOBS, 1000):
                jobs = [a.job(f"j{i}", owner_id=f"owner{i % 10}", callback=url(receiver.port, i))
                        for i in range(start, min(start + 1000, JOBS))]
                room.expect("created", a.post("/v1/vm/", jobs).status, 201)
            one = room.once(a)
            with contextlib.closing(a.database()) as db:
                room.expect("jobs that run", db.execute("SELECT count(*) FROM jobs WHERE status = 'running'").fetchone()[0], JOBS)
                room.expect("tries, jobs tried, accepted", db.execute(
                    "SELECT count(*), count(DISTINCT job_id), sum(outcome = 'accepted') FROM deliveries").fetchone(), (JOBS, JOBS, JOBS))
        finally:
            a.stop()
            shutil.rmtree(a.dir)
    room.expect("callbacks received", counted[0], JOBS)
    return {"rate": JOBS / one["s"], "cpu_s": one["cpu_s"], "connections": counted[1]}


def at_once(directory):
    """To a receiver that takes its time, as many at once as the ideal has."""
    return deliver(directory, Slow(), lambda port, i: f"http://127.0.0.1:{port}/{i}", concurrency=AT_ONCE, per_host=AT_ONCE,
                   per_owner=AT_ONCE)


def measure():
    with tempfile.TemporaryDirectory(prefix="anteroom-bench-") as name:
        directory = pathlib.Path(name)
        fast = Fast(directory / "receiver")
        try:
            return kit.interleave({
                "wrk": lambda: kit.wrk(f"http://127.0.0.1:{fast.port}/", 64, "callback.lua"),
                "one": lambda: deliver(directory, fast, lambda port, i: f"http://127.0.0.1:{port}/{i}"),
                "many": lambda: deliver(directory, fast, lambda port, i:
                                        f"http://127.1.{i % RECEIVERS // 250}.{1 + i % 250}:{port}/{i}"),
                "slow": lambda: at_once(directory)})
        finally:
            fast.stop()


def main():
    part, seen = kit.Part("deliveries", "Admit, call, record"), measure()
    ideal = AT_ONCE / ANSWER_MS * 1000
    of_wrk = kit.median([a["rate"] / b["rate"] for a, b in zip(seen["one"], seen["wrk"])])

    def row(name, what, **more):
        part.row(what, kit.median(seen[name], "rate"), "/s", **more, note=f"exec to exit, {kit.median(seen[name], 'connections'):,.0f} "
                 f"connections; {1e6 * kit.median(seen[name], 'cpu_s') / JOBS:.0f} µs of the dispatcher's processor for each")

    part.row("wrk to one receiver, 64 at once", kit.median(seen["wrk"], "rate"), "/s", note="POST of 480 bytes; nginx, return 200")
    row("one", f"{JOBS:,} jobs, one receiver, 64 at once", ratio=of_wrk, of="wrk to it", aim=("≥", 0.45))
    row("many", f"… {RECEIVERS:,} receivers", aim=("≥", 30_000))
    row("slow", f"… answers that take {ANSWER_MS} ms, {AT_ONCE:,} at once", ratio=kit.median(seen["slow"], "rate") / ideal,
        of=f"the ideal {ideal:,.0f}/s", aim=("≥", 0.85))
    part.save()


if __name__ == "__main__":
    main()
