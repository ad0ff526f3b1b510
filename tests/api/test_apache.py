# SPDX-License-Identifier: MIT
"""The three ways of nginx/anteroom-apache.conf, with the real Apache: the sample itself, its paths replaced."""
import os
import pathlib
import pwd
import re
import shutil
import tempfile

import pytest

import harness
from client import Client
from harness import ROOT, Process, free_port, wait_until
from test_seed import DATA, EXAMPLE, FORM

MODULES = pathlib.Path("/usr/lib/apache2/modules")
LOAD = ["mpm_event", "authz_core", "alias", "env", "headers", "setenvif", "unique_id"]
WAYS = {"proxy": (1, ["proxy", "proxy_fcgi"]), "fcgid": (2, ["fcgid"]), "cgi": (3, ["cgid"])}


def with_way(sample, number):
    """The sample's text with the way of this number in force and the other two as comments."""
    head, *ways = re.split(r"(?m)^(?=    # [123]\. )", sample)
    tail = "</VirtualHost>\n"
    chosen = ways[number - 1].replace(tail, "")
    if number > 1:
        chosen = re.sub(r"(?m)^    # (?=[ <]*[A-Z</])(?!\d)", "    ", chosen.partition("\n")[2])
    return head + chosen + tail


class Apache:
    """Apache as the sample has it, and where it needs one an anteroom.fcgi behind it."""

    def __init__(self, way):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="anteroom-apache-"))
        self.number, self.modules = WAYS[way]
        self.port = free_port()
        self.a = harness.Anteroom(self.dir)
        self.a.write_config()
        shutil.copy(harness.BIN / "anteroom.fcgi", self.dir)
        if self.number == 1:
            self.a.fcgi = Process("anteroom.fcgi", [self.dir / "anteroom.fcgi", "--config", self.a.config_path, "--listen",
                                                    "unix:fcgi.sock"], self.dir, self.dir / "log/fcgi.log", self.a.env)
            wait_until((self.dir / "fcgi.sock").exists, what="the socket")
        self._write()
        if os.getuid() == 0:
            self._give_to("www-data")
        env = {**self.a.env, "APACHE_LOG_DIR": str(self.dir / "log")}
        self.process = Process("apache2", ["apache2", "-d", self.dir, "-f", "httpd.conf", "-DFOREGROUND"], self.dir,
                               self.dir / "log/out.log", {**env, "PATH": env["PATH"] + ":/usr/sbin"})
        try:
            wait_until(self._answers, what="an answer through Apache")
        except AssertionError as fault:
            errors = self.errors()
            self.stop()
            raise AssertionError(f"{fault}\n{errors}") from None

    def _write(self):
        sample = with_way((ROOT / "nginx/anteroom-apache.conf").read_text(), self.number)
        for old, new in (("*:80", f"127.0.0.1:{self.port}"), ("/run/anteroom/fcgi.sock", f"{self.dir}/fcgi.sock"),
                         ("/etc/anteroom/anteroom.yaml", str(self.a.config_path)), ("/usr/local/bin", str(self.dir))):
            sample = sample.replace(old, new)
        lines = [f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in LOAD + self.modules]
        lines += [f"Listen 127.0.0.1:{self.port}", "PidFile pid", "ErrorLog log/error.log", "LogLevel warn", "Mutex pthread",
                  f"ServerName 127.0.0.1:{self.port}", "DefaultRuntimeDir run"]
        if os.getuid() == 0:
            lines += ["User www-data", "Group www-data"]
        if self.number == 2:
            lines += ["FcgidIPCDir run", "FcgidProcessTableFile run/shm"]
        if self.number == 3:
            lines += ["ScriptSock cgid.sock"]
        (self.dir / "run").mkdir()
        (self.dir / "httpd.conf").write_text("\n".join(lines) + "\n" + sample)

    def _give_to(self, user):
        entry = pwd.getpwnam(user)
        for path in [self.dir, *self.dir.rglob("*")]:
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _answers(self):
        assert self.process.alive(), self.errors()
        client = Client("127.0.0.1", self.port)
        try:
            return client.get("/healthz").status == 200
        except OSError:
            return False
        finally:
            client.close()

    def errors(self):
        return "".join(p.read_text(errors="replace") for p in (self.dir / "log").glob("*.log"))

    def stop(self):
        faults = []
        for stop in (self.process.stop, self.a.stop):
            try:
                stop()
            except AssertionError as fault:
                faults.append(str(fault))
        log = self.errors()
        shutil.rmtree(self.dir)
        assert not faults, "\n".join([*faults, log])


@pytest.fixture(scope="module", params=WAYS)
def apache(request):
    running = Apache(request.param)
    client = Client("127.0.0.1", running.port)
    yield client
    client.close()
    running.stop()


def test_the_seed_works(apache):
    answer = apache.post("/v1/vm/", EXAMPLE, headers=FORM)
    assert answer.status == 201 and answer.data["Data"] == DATA
    assert answer.headers["Content-Type"] == "application/json"
    listed = apache.get("/v1/vm/?owner_id=y")
    assert listed.status == 200 and listed.data == [answer.data], listed
    assert apache.get("/v1/vm/d").data == answer.data


def test_an_id_with_a_slash_and_a_percent_sign_arrives_whole(apache):
    for sent, id in (("a%2Fb", "a/b"), ("50%25", "50%"), ("%E6%97%A5", "日")):
        assert apache.post("/v1/x/", {"request_id": id, "owner_id": "o", "data": {}, "callback": "/" + sent}).status == 201
        assert apache.get(f"/v1/x/{sent}/").data["RequestID"] == id
        assert apache.delete(f"/v1/x/{sent}").status == 200


def test_a_body_of_a_megabyte_is_taken_and_a_larger_one_is_413(apache):
    jobs = [{"request_id": f"large{i}", "owner_id": "o", "data": {"note": "x" * 60_000}, "callback": f"large{i}"} for i in range(10)]
    assert apache.post("/v1/x/", jobs).status == 201
    answer = apache.post("/v1/x/", b"x" * (1024 * 1024 + 1))
    assert answer.status == 413 and answer.json["code"] == "too_large" and answer.json["ok"] is False
    assert answer.headers["Content-Type"] == "application/json"


def test_errors_of_ours_come_as_they_are(apache):
    answer = apache.get("/v1/vm/nobody/")
    assert answer.status == 404 and answer.json == {"error": "there is no such job", "code": "not_found", "ok": False}
    assert len(answer.headers.get_all("X-Request-Id")) == 1 and len(answer.headers.get_all("Content-Type")) == 1


def test_errors_of_apache_are_json_too(apache):
    answer = apache.raw(b"GET /v1/%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.status in (400, 404) and answer.json["ok"] is False
    assert answer.headers["Content-Type"] == "application/json"
