# SPDX-License-Identifier: MIT
"""An operator who configures a queue in a machine, and a tenant who uses it as people do, with curl."""
import json
import re
import shlex

from machine import ROOT, wait_until

QUEUE = """
  vm:
    capacity: static
    callback_base: http://127.0.0.1:8000/
    allow_networks: [127.0.0.0/8]
    pools: {host1: {projects: [p], hosts: {node01: {VCPU: 64, Memory: 4096, Disk: 100}}}}
"""
# What is called back: it takes everything.
RECEIVER = """
import http.server
class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8000), Taker).serve_forever()
"""
TYPES = {".html": ["text/html"], ".css": ["text/css"], ".js": ["text/javascript", "application/javascript"], ".svg": ["image/svg+xml"]}
SITE = "http://anteroom.example.org"


def configure(machine, path="/etc/anteroom/anteroom.yaml"):
    """A queue of this machine's, at the end of the configuration as it was installed; and whoever is called back by it."""
    machine.run(f"cat >>{path} <<'END'\n{QUEUE}END")
    machine.start("exec /usr/bin/python3 -c " + shlex.quote(RECEIVER))


def ask(machine, method, path, body=None, headers=(), site=SITE):
    """(status, JSON or text) of a request that curl makes in the machine."""
    words = ["curl", "-sS", "-X", method, "--max-time", "30", "-w", "\n%{http_code}", site + path] if method != "HEAD" else ["curl", "-sSI", site + path]
    for header in headers:
        words += ["-H", header]
    if body is not None:
        words += ["-d", json.dumps(body)]
    text, _, status = machine.run(shlex.join(words)).stdout.rpartition("\n")
    try:
        return int(status), json.loads(text)
    except json.JSONDecodeError:
        return int(status), text


def answers(machine, site=SITE, **kw):
    """Waits until the service answers."""
    return wait_until(lambda: ask_softly(machine, "GET", "/healthz", site=site, **kw) == 200, what="an answer of the service")


def ask_softly(machine, method, path, site=SITE):
    done = machine.run(shlex.join(["curl", "-s", "-o", "/dev/null", "-X", method, "--max-time", "30", "-w", "%{http_code}", site + path]), code=None)
    return int(done.stdout or 0)


def post(machine, name, headers=(), site=SITE):
    """Posts a job, which must be taken."""
    job = {"request_id": name, "owner_id": "y", "callback": f"cb-{name}", "data": {"instances": [{"VCPU": 1, "Memory": 1, "Disk": 1}], "project": "p"}}
    status, answer = ask(machine, "POST", "/v1/vm/", job, headers, site)
    assert status == 201, answer


def is_running(machine, name, headers=(), site=SITE):
    """Has it been admitted and its owner called?"""
    status, answer = ask(machine, "GET", f"/v1/vm/{name}", headers=headers, site=site)
    assert status == 200, answer
    return answer["data"]["Status"] == "running"


def a_job_runs(machine, name, headers=(), site=SITE):
    post(machine, name, headers, site)
    wait_until(lambda: is_running(machine, name, headers, site), what=f"that {name} runs")


def sees_the_console(machine):
    """Its page and its files are served as they are, with the headers that keep others out; where this source has a console."""
    folder = ROOT / "nginx/www"
    policy = re.search(r'Content-Security-Policy "(.*?)"', (ROOT / "nginx/anteroom-apache.conf").read_text())[1]
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        address = "/" if path.name == "index.html" else f"/{path.relative_to(folder)}"
        head, _, text = machine.run(f"curl -sSi {SITE}{address}").stdout.partition("\n\n")
        head = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:])
        assert text == path.read_text(), address
        assert head["content-security-policy"] == policy.lower(), head
        assert head["content-type"].split(";")[0] in TYPES[path.suffix], (address, head)
