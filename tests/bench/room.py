# SPDX-License-Identifier: MIT
"""For the benchmarks of the dispatcher: a place of its own for each, and single runs with what they cost."""
import os
import pathlib
import re
import subprocess
import time

from kit import harness
from harness import Anteroom, wait_until

FAR = 100_000_000
CALLBACK = {"retry": ["1h"], "hold": "2h"}  # nobody is called before the benchmark is over


def start(directory, queue, **config):
    """Of the queue `vm` alone. Without nginx's log, and with no other line of ours than those of the passes."""
    a = Anteroom(directory, {"queues": {"vm": {"callback_base": "http://127.0.0.1:65535/", **queue}}, "max_queued": FAR, **config})
    try:
        return a.start(nginx_extra=("access_log off;", ""))
    except BaseException:
        a.stop()
        raise


def fill(a, jobs, projects=1000, shapes=50):
    subprocess.run([harness.BIN / "bench/fill", a.config_path, str(jobs), str(projects), str(shapes)], check=True)


def passes(a):
    """How many there were, and how long all of them took together, in s: what the service itself counts."""
    text = a.get("/metrics").body.decode()
    return (int(re.search(r"^anteroom_pass_duration_seconds_count (\d+)$", text, re.M).group(1)),
            float(re.search(r"^anteroom_pass_duration_seconds_sum (\S+)$", text, re.M).group(1)))


def peak(pid):
    """VmHWM in MB; None: it has ended. (What wait4 tells of a child counts its parent's memory, too.)"""
    found = re.search(r"^VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(found.group(1)) / 1024 if found else None


def once(a, watched=False):
    """A single run of the dispatcher. s: from exec to exit; passes: how many; pass_s: how long they took; cpu_s: of the processor;
    mb: its peak of memory, when it was watched, which costs it time."""
    log = a.dir / "log/once.log"
    before, most = passes(a), 0
    with open(log, "wb") as out:
        began = time.monotonic()
        child = subprocess.Popen([harness.BIN / "anteroom-dispatch", "--config", a.config_path], cwd=a.dir, stderr=out)
        while watched and (now := peak(child.pid)):
            most = now
            time.sleep(0.0005)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
    child.returncode = status
    if status:
        raise SystemExit("the dispatcher failed: " + log.read_text())
    after = passes(a)
    said = [dict(re.findall(r"(\w+)=(\d+)", line)) for line in log.read_text().splitlines() if "event=pass" in line]
    return {"s": seconds, "passes": after[0] - before[0], "pass_s": after[1] - before[1], "mb": most,
            "cpu_s": usage.ru_utime + usage.ru_stime,
            **{n: sum(int(p[n]) for p in said) for n in ("admitted", "groups", "reasons", "tried", "accepted")}}


def expect(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{what}: {found}, not {wanted}")


__all__ = ["CALLBACK", "FAR", "expect", "fill", "once", "passes", "peak", "start", "wait_until"]
