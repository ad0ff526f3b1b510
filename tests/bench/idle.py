# SPDX-License-Identifier: MIT
"""What it costs when nothing happens, and to start: service and dispatcher idle, the first answer after exec, a CGI request.

BENCH_IDLE (31): seconds that are watched. In 30 of them there is a pass, as in any."""
import os
import pathlib
import re
import socket
import struct
import subprocess
import tempfile
import time

import kit
import room
from kit import harness

WATCHED = float(os.environ.get("BENCH_IDLE", "31" if kit.SECONDS >= 3 else "3"))
STARTS = 20
GET = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/healthz", "QUERY_STRING": "", "CONTENT_LENGTH": "", "REMOTE_ADDR": "127.0.0.1",
       "SERVER_PROTOCOL": "HTTP/1.1"}


def busy(pid):
    """Nanoseconds of the processor and switches of context of all threads."""
    ns = switches = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        ns += int((task / "schedstat").read_text().split()[0])
        switches += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", (task / "status").read_text())))
    return ns, switches


def mapped(pid):
    """{a piece of memory: kB of it that are resident}. A piece of a file has a name of its own, the same in every process."""
    found = {}
    for head, body in re.findall(r"^([0-9a-f]+-[0-9a-f]+ .*)\n((?:\w+:.*\n)+)", pathlib.Path(f"/proc/{pid}/smaps").read_text(), re.M):
        _, rights, offset, device, inode, *_ = head.split()
        name = (device, inode, offset) if inode != "0" else (pid, head)
        kb = {n: int(v) for n, v in re.findall(r"^(Rss|Anonymous):\s+(\d+) kB", body, re.M)}
        found[name] = found.get(name, 0) + kb["Rss"] - kb["Anonymous"]
        found[pid, head] = found.get((pid, head), 0) + kb["Anonymous"]
    return found


def together(pids):
    """MB resident, where what both have of the same piece of a file counts once."""
    most = {}
    for pid in pids:
        for name, kb in mapped(pid).items():
            most[name] = max(most.get(name, 0), kb)
    return sum(most.values()) / 1024


def idle(part, a):
    """After some work, so that it has what it keeps."""
    for i in range(100):
        a.create(f"idle{i}")
    room.wait_until(lambda: not a.get("/v1/vm/?status=queued&limit=1").data, what="all are admitted")
    time.sleep(1)
    pids = a.fcgi.pid, a.dispatcher.pid
    before = [busy(p) for p in pids]
    time.sleep(WATCHED)
    after = [busy(p) for p in pids]
    ms = [(x[0] - y[0]) / 1e6 / WATCHED for x, y in zip(after, before)]
    switches = [(x[1] - y[1]) / WATCHED for x, y in zip(after, before)]
    part.row("idle: processor, service and dispatcher", sum(ms), "ms/s", aim=("≤", 0.1),
             note=f"no more than 0.01 %; switches a second: {switches[0]:.1f} and {switches[1]:.1f}, over {WATCHED:g} s")
    part.row("… resident together", together(pids), "MB", aim=("≤", 16),
             note="what both have of the same file counts once; VmRSS " + " + ".join(f"{kit.memory(p):.1f}" for p in pids) +
             ", of it anonymous " + " + ".join(f"{kit.memory(p, 'RssAnon'):.1f}" for p in pids))


def record(kind, content):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def ask():
    """A FastCGI request: begin, parameters, the end of both streams."""
    pairs = b"".join(bytes([len(k), len(v)]) + k.encode() + v.encode() for k, v in GET.items())
    return record(1, struct.pack("!HB5x", 1, 0)) + record(4, pairs) + record(4, b"") + record(5, b"")


def first_answer(a, path, question=ask()):
    """From exec to the first 200 through its socket."""
    path.unlink(missing_ok=True)
    began = time.monotonic()
    child = subprocess.Popen([harness.BIN / "anteroom.fcgi", "--config", a.config_path, "--listen", f"unix:{path}"], cwd=a.dir,
                             stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with socket.socket(socket.AF_UNIX) as s:
                try:
                    s.connect(str(path))
                except OSError:
                    if child.poll() is not None:
                        raise SystemExit("anteroom.fcgi did not start") from None
                    time.sleep(0.0002)
                    continue
                s.sendall(question)
                text = s.recv(4096)
                took = time.monotonic() - began
            room.expect("the first answer", (b"Status: 200" in text, b'"ok":true' in text), (True, True))
            return took
    finally:
        child.terminate()
        child.wait()


def cgi(a):
    env = {**a.env, **GET, "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_URI": "/v1/vm/idle1", "ANTEROOM_CONFIG": str(a.config_path)}
    began = time.monotonic()
    done = subprocess.run([harness.BIN / "anteroom.fcgi"], cwd=a.dir, env=env, stdin=subprocess.DEVNULL, capture_output=True)
    took = time.monotonic() - began
    room.expect("the answer of a CGI", (done.returncode, b'"RequestID":"idle1"' in done.stdout), (0, True))
    return took


def main():
    part = kit.Part("idle", "Idle, and the start")
    with tempfile.TemporaryDirectory(prefix="anteroom-bench-") as name:
        host = {"VCPU": 1000, "Memory": 1000, "Disk": 1000}
        queue = {"capacity": "static", "pools": {"host1": {"hosts": {"node1": host}}}}
        a = room.start(pathlib.Path(name) / "idle", queue, callback=room.CALLBACK)
        a.start_dispatcher()
        try:
            idle(part, a)
            seen = kit.interleave({"start": lambda: first_answer(a, a.dir / "second.sock"), "cgi": lambda: cgi(a), "nothing": nothing},
                                  STARTS)
        finally:
            a.stop()
    exec_ms = kit.median(seen["nothing"]) * 1000
    part.row("start to the first answer", kit.median(seen["start"]) * 1000, "ms", aim=("≤", 20),
             note="exec to the 200 through its socket; the database is there")
    part.row("a CGI request", kit.median(seen["cgi"]) * 1000, "ms", aim=("≤", 15),
             note=f"exec to exit, GET of a job; /bin/true the same way {exec_ms:.1f} ms")
    part.save()


def nothing():
    began = time.monotonic()
    subprocess.run(["/bin/true"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
