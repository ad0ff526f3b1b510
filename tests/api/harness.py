# SPDX-License-Identifier: MIT
"""Starts the real thing: nginx, anteroom.fcgi and the dispatcher in a directory of their own, and a client to talk to them.

ANTEROOM_BIN names the directory of the binaries (build, build/asan, build/tsan). Everything is started by this process and
ended by its process id; whatever a sanitizer had to say fails the test.
"""
import contextlib
import copy
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from urllib.parse import quote

from client import Client

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = (ROOT / os.environ.get("ANTEROOM_BIN", "build")).resolve()
# A sanitizer's build is slower; a time limit says that something hangs, never that it is slow.
SLOW = 4 if BIN.name in ("asan", "cover", "tsan") else 1
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")

DEFAULT_QUEUES = {
    "vm": {
        "capacity": "static",
        "callback_base": "http://127.0.0.1:@PORT@/demo/callback/",
        "pools": {"host1": {"projects": ["project id"],
                            "hosts": {"node01": {"VCPU": 64, "Memory": 262144, "Disk": 2000}}}},
    },
    "kube": {"capacity": "none", "callback_base": "http://127.0.0.1:@PORT@/demo/callback/"},
    "*": {"capacity": "none", "callback_base": "http://127.0.0.1:@PORT@/demo/callback/"},
}


# The receivers of the tests are on this machine; a test that says otherwise is heard.
DEFAULT_CALLBACK = {"allow_networks": ["127.0.0.0/8"]}

# Nobody listens here: no system gives it out by itself, and callbacks may go there.
NO_PORT = 65535


# The dispatcher's line, in either format; a test with the key log_file names a *.log in its directory.
READY = re.compile(r'program"?[=:]"?anteroom-dispatch"?.*event"?[=:]"?ready')


def wait_until(predicate, timeout=30, what="it"):
    """Asks until the answer is true, and returns that; a failure of the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout * SLOW
    while True:
        value = predicate()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not happen within {timeout * SLOW} s"
        time.sleep(0.01)


def free_port():
    """A port of 127.0.0.1 that was free a moment ago, and that no other worker of this run is given: what listens there later is ours.
    (The system gives ports of one parity: hence the half.)"""
    workers, mine = (int(os.environ.get(f"PYTEST_XDIST_WORKER{what}", "0").lstrip("gw")) for what in ("_COUNT", ""))
    while True:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        if not workers or port // 2 % workers == mine:
            return port


def default_queues(**vm):
    """The queues of `make run`; keyword arguments replace members of the queue vm."""
    queues = copy.deepcopy(DEFAULT_QUEUES)
    queues["vm"].update(vm)
    return queues


class Process:
    """A program that runs, with its output in a file."""

    def __init__(self, name, argv, cwd, log, env, **popen):
        self.name = name
        self.log_path = log
        self.expected_codes = (0,)
        with open(log, "ab") as out:
            self.popen = subprocess.Popen([str(a) for a in argv], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=out, **popen)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def send(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout=30):
        """Its exit code, once it has ended by itself."""
        return self.popen.wait(timeout * SLOW)

    def kill(self):
        """kill -9."""
        self.expected_codes = (-signal.SIGKILL,)
        self.popen.kill()
        self.popen.wait()

    def stop(self, number=signal.SIGTERM, timeout=15):
        """Asks it to leave and waits; returns the exit code. One that does not leave is killed, and that is a failure."""
        if self.alive():
            self.popen.send_signal(number)
        try:
            return self.popen.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"{self.name} did not stop within {timeout * SLOW} s after signal {number}") from None


class Anteroom:
    """One installation in a temporary directory. Use the `anteroom` fixture to make it.

    config: None for the configuration of `make run`; a dict, of whose members `database`, `queues` and
    `callback.allow_networks` have defaults; or text. "@PORT@" and "@DATABASE@" are replaced in all of them.
    """

    def __init__(self, directory, config=None, env=None):
        self.dir = pathlib.Path(directory)
        self.db_path = self.dir / "anteroom.db"
        self.config_path = self.dir / "anteroom.yaml"
        self.nginx = self.fcgi = self.dispatcher = None
        self.port = None
        self.config = config
        self.env = self._environment(env)
        self.ended = []
        self.clients = []
        self.edit_locations = lambda text: text  # a test may change anteroom-locations.conf before it is used
        for name in ("log", "nginx/tmp", "sanitizer"):
            (self.dir / name).mkdir(parents=True, exist_ok=True)

    def _environment(self, extra):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("ANTEROOM_", "OS_")) and not k.lower().endswith("_proxy")}
        san = self.dir / "sanitizer"
        env["ASAN_OPTIONS"] = f"log_path={san}/asan:exitcode=99:detect_leaks=1:strict_string_checks=1:verify_asan_link_order=0"
        env["UBSAN_OPTIONS"] = f"log_path={san}/ubsan:print_stacktrace=1:halt_on_error=1:exitcode=99"
        # A service that would take more than five seconds to stop leaves its threads (fcgi/guard.c), as it may on a machine that is slow.
        env["TSAN_OPTIONS"] = f"log_path={san}/tsan:exitcode=66:second_deadlock_stack=1:report_thread_leaks=0"
        env.update(extra or {})
        return env

    # Files ------------------------------------------------------------------------------------------------------------

    def write_config(self, config=None):
        """Writes the configuration (again); running processes keep the old one until they are restarted."""
        if config is not None:
            self.config = config
        if self.config is None:
            text = (ROOT / "nginx/run.yaml").read_text()
        elif isinstance(self.config, dict):
            callback = {**DEFAULT_CALLBACK, **self.config.get("callback", {})}
            text = json.dumps({"database": "@DATABASE@", "queues": DEFAULT_QUEUES, **self.config, "callback": callback}, indent=2)
        else:
            text = self.config
        text = text.replace("@PORT@", str(self.port or NO_PORT)).replace("@DATABASE@", str(self.db_path))
        self.config_path.write_text(text)

    def _write_nginx(self, extra):
        text = (ROOT / "nginx/run.conf").read_text()
        text = text.replace("@USER@", "user root;" if os.getuid() == 0 else "").replace("@PORT@", str(self.port))
        text = text.replace("worker_processes auto;", "worker_processes 1;")
        http, server = extra
        text = text.replace("    server {\n", f"    {http}\n    server {{\n{server}\n", 1)
        (self.dir / "nginx/nginx.conf").write_text(text)
        (self.dir / "www").unlink(missing_ok=True)
        (self.dir / "www").symlink_to(ROOT / "nginx/www")
        locations = (ROOT / "nginx/anteroom-locations.conf").read_text()
        (self.dir / "nginx/anteroom-locations.conf").write_text(self.edit_locations(locations))

    def database(self):
        """The database, read-only and seen by Python's own SQLite."""
        return sqlite3.connect(f"file:{self.db_path}?mode=ro", uri=True, timeout=10)

    def edit(self, sql, path=None):
        """Changes a database that nobody has open, as another program does; then its pages get their checksums, as anteroom(8) says."""
        path = path or self.db_path
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.executescript(sql)
        subprocess.run([BIN / "anteroom", "--config", self.config_path, "check", path, "--resum"], env=self.env,
                       stdout=subprocess.DEVNULL, check=False)  # what it finds wrong is the test's business

    # Processes --------------------------------------------------------------------------------------------------------

    def start(self, dispatcher=False, nginx_extra=("", "")):
        """nginx on a port that the system gives, then anteroom.fcgi; returns when /healthz answers 200.

        nginx_extra: directives for nginx's http { } and server { }."""
        self.start_nginx(nginx_extra)
        self.write_config()
        self.start_fcgi()
        if dispatcher:
            self.start_dispatcher()
        return self

    def start_nginx(self, extra=("", "")):
        for _ in range(10):
            self.port = free_port()
            self._write_nginx(extra)
            log = self.dir / "log/nginx.log"
            log.write_text("")
            self.nginx = Process("nginx", [NGINX, "-p", "./", "-e", "log/nginx.log", "-c", "nginx/nginx.conf"], self.dir,
                                 log, self.env)
            if wait_until(lambda: self._connects() or not self.nginx.alive(), what="nginx") and self.nginx.alive():
                return
            assert "Address already in use" in self.nginx.log(), self.nginx.log()
        raise AssertionError("no port could be had in ten tries")

    def _connects(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return self.nginx.alive()
        except OSError:
            return False

    def start_fcgi(self, wait=True):
        self.fcgi = Process("anteroom.fcgi", [BIN / "anteroom.fcgi", "--config", self.config_path, "--listen", "unix:fcgi.sock"],
                            self.dir, self.dir / "log/fcgi.log", self.env)
        if wait:
            wait_until(self._answers, what="an answer of anteroom.fcgi")

    def _answers(self):
        assert self.fcgi.alive(), f"anteroom.fcgi ended with {self.fcgi.popen.returncode}:\n{self.fcgi.log()}"
        return self.get("/healthz").status == 200

    def start_dispatcher(self, *args, **popen):
        """The dispatcher that stays; returns once it says that it is ready."""
        log = self.dir / "log/dispatch.log"
        log.write_bytes(b"")
        self.dispatcher = Process("anteroom-dispatch", [BIN / "anteroom-dispatch", "--config", self.config_path,
                                                        *(args or ("--watch",))], self.dir, log, self.env, **popen)

        def ready():
            alive = self.dispatcher.alive()  # asked first: one that runs for a second may be ready and gone by now
            said = READY.search(self.dispatcher.log() + "".join(f.read_text() for f in self.dir.glob("*.log")))
            assert said or alive, f"anteroom-dispatch ended with {self.dispatcher.popen.returncode}:\n{self.dispatcher.log()}"
            return said

        wait_until(ready, what="the dispatcher's event=ready")

    def dispatch(self, *args, code=0, env=None, timeout=60, **popen):
        """One run of the dispatcher, a single pass without arguments. Its output; it must end with the exit code `code`."""
        done = subprocess.run([BIN / "anteroom-dispatch", "--config", self.config_path, *args], cwd=self.dir,
                              env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=timeout * SLOW, **popen)
        assert done.returncode == code, f"exit code {done.returncode}, not {code}:\n{done.stdout}{done.stderr}"
        return done

    def command(self, *args, code=0, env=None, stdin=""):
        """One run of the operator's command. What it came to; it must end with the exit code `code`."""
        done = subprocess.run([BIN / "anteroom", "--config", self.config_path, *map(str, args)], cwd=self.dir,
                              env={**self.env, **(env or {})}, input=stdin, capture_output=True, text=True,
                              errors="replace", timeout=60 * SLOW)
        assert done.returncode == code, f"exit code {done.returncode}, not {code}:\n{done.stdout}{done.stderr}"
        return done

    def token(self, name, role, *owners, expires=None):
        """A new token of ours, as headers for a request."""
        more = [word for owner in owners for word in ("--owner", owner)] + (["--expires", expires] if expires else [])
        return {"Authorization": "Bearer " + self.command("token", "add", name, "--role", role, *more).stdout.strip()}

    def cgi(self, method, uri, body=b"", headers=None):
        """anteroom.fcgi as a plain CGI program: (status, headers, body)."""
        body = body.encode() if isinstance(body, str) else body
        path, _, query = uri.partition("?")
        env = {**self.env, "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method, "REQUEST_URI": uri, "PATH_INFO": path,
               "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1",
               "SERVER_PROTOCOL": "HTTP/1.1", "ANTEROOM_CONFIG": str(self.config_path)}
        env.update({"HTTP_" + k.upper().replace("-", "_"): v for k, v in (headers or {}).items()})
        done = subprocess.run([BIN / "anteroom.fcgi"], cwd=self.dir, env=env, input=body, capture_output=True,
                              timeout=30 * SLOW)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        return int(fields.pop("Status", "200").split()[0]), fields, rest

    def restart_fcgi(self):
        self.ended.append((self.fcgi, self.fcgi.stop()))
        self.start_fcgi()

    def kill_fcgi(self):
        self.fcgi.kill()

    def kill_dispatcher(self):
        self.dispatcher.kill()

    def stop(self):
        """Stops what runs, and fails when one did not leave with 0 or a sanitizer found something."""
        for client in self.clients:
            client.close()
        faults = []
        for process, how in ((self.dispatcher, signal.SIGTERM), (self.fcgi, signal.SIGTERM), (self.nginx, signal.SIGTERM)):
            if process is None:
                continue
            try:
                self.ended.append((process, process.stop(how)))
            except AssertionError as fault:
                faults.append(str(fault))
        self.dispatcher = self.fcgi = self.nginx = None
        faults += [f"{p.name} ended with {code}:\n{p.log()[-2000:]}" for p, code in self.ended if code not in p.expected_codes]
        faults += [f"{f.name}:\n{f.read_text(errors='replace')[:6000]}" for f in sorted((self.dir / "sanitizer").iterdir())]
        self.ended = []
        assert not faults, "\n".join(faults)

    # Talking ----------------------------------------------------------------------------------------------------------

    def client(self):
        """A connection that is kept, closed when all stops; one for each thread of a test."""
        client = Client("127.0.0.1", self.port)
        self.clients.append(client)
        return client

    def request(self, method, path, body=None, headers=None):
        """One request on a connection of its own. See Client.request."""
        client = Client("127.0.0.1", self.port)
        try:
            return client.request(method, path, body, headers)
        finally:
            client.close()

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def head(self, path, **kw):
        return self.request("HEAD", path, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body, **kw)

    def raw(self, data, **kw):
        return Client("127.0.0.1", self.port).raw(data, **kw)

    def job(self, request_id, type="vm", **members):
        """A valid body for POST; keyword arguments replace its members, or remove them when None."""
        body = {"request_id": request_id, "owner_id": "y", "callback": quote(f"cb-{type}-{request_id}"),
                "data": {"instances": [{"VCPU": 1, "Memory": 1, "Disk": 1}], "project": "project id"}, **members}
        return {k: v for k, v in body.items() if v is not None}

    def create(self, request_id, type="vm", **members):
        """Creates a job, which must succeed, and returns it."""
        answer = self.post(f"/v1/{type}/", self.job(request_id, type, **members))
        assert answer.status == 201, answer
        return answer.data

    def status(self, request_id, type="vm"):
        answer = self.get(f"/v1/{type}/{request_id}/")
        assert answer.status == 200, answer
        return answer.data["Status"]

    def wait_status(self, request_id, status, type="vm", timeout=30):
        wait_until(lambda: self.status(request_id, type) == status, timeout, f"status {status} of {request_id}")


@contextlib.contextmanager
def factory(tmp_path_factory):
    """make(config=None, dispatcher=False, env=None, nginx_extra=("", ""), start=True) -> Anteroom; all are stopped at the end."""
    made = []

    def make(config=None, dispatcher=False, env=None, nginx_extra=("", ""), start=True):
        a = Anteroom(pathlib.Path(tmp_path_factory.mktemp("anteroom")), config, env)
        made.append(a)
        if start:
            a.start(dispatcher, nginx_extra)
        return a

    yield make
    faults = []
    for a in made:
        try:
            a.stop()
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)
