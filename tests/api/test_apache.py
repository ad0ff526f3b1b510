# SPDX-License-Identifier: MIT
"""Behind a real Apache, by the shipped configuration: all three ways."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import socket
import tempfile

import pytest

from client import Client
from cloud import lab
from harness import BIN, ROOT, Process, free_port, wait_until

MODULES = pathlib.Path("/usr/lib/apache2/modules")
BASE = ["mpm_prefork", "authz_core", "headers", "setenvif", "unique_id", "alias", "env", "dir", "mime"]
WAYS = {1: ["proxy", "proxy_fcgi"], 2: ["fcgid"], 3: ["cgi"]}
NAMES = {1: "proxy", 2: "fcgid", 3: "cgi"}
USER = "nobody"  # Apache does not serve as root, so that is who it becomes


def shipped(way, base, port):
    """nginx/anteroom-apache.conf with one of its three ways, and our port and paths in place of its own."""
    text = (ROOT / "nginx/anteroom-apache.conf").read_text().replace("\nDefine anteroom_proxy\n", f"\nDefine anteroom_{NAMES[way]}\n")
    return (text.replace("*:80", f"127.0.0.1:{port}").replace("/run/anteroom/fcgi.sock", f"{base}/fcgi.sock")
            .replace("/etc/anteroom/anteroom.yaml", f"{base}/anteroom.yaml").replace("/usr/local/libexec/anteroom", f"{base}/bin")
            .replace("/usr/local/share/anteroom/www", str(ROOT / "nginx/www"))
            .replace("${APACHE_LOG_DIR}", f"{base}/log"))


class Apache:
    def __init__(self, a, base, way):
        self.base = base
        (base / "log").mkdir()
        for _ in range(10):
            self.port = free_port()
            loads = "".join(f"LoadModule {m}_module {MODULES}/mod_{m}.so\n" for m in BASE + WAYS[way] if (MODULES / f"mod_{m}.so").exists())
            extra = f"FcgidIPCDir {base}\nFcgidProcessTableFile {base}/fcgid.shm\n" if way == 2 else ""
            user = f"User {USER}\nGroup #{pwd.getpwnam(USER).pw_gid}\n" if os.getuid() == 0 else ""
            (base / "apache.conf").write_text(
                f"{loads}{user}ServerRoot {base}\nServerName anteroom.example.org\nListen 127.0.0.1:{self.port}\nPidFile {base}/apache.pid\n"
                f"DefaultRuntimeDir {base}\nTypesConfig /dev/null\nErrorLog {base}/log/error.log\nDocumentRoot {base}\n"
                f"StartServers 4\nMinSpareServers 4\nMaxRequestWorkers 20\n{extra}{shipped(way, base, self.port)}")
            self.process = Process("apache2", ["setsid", shutil.which("apache2", path="/usr/sbin:/usr/bin"), "-DFOREGROUND", "-f", base / "apache.conf"],
                                   base, base / "log/apache.log", a.env)
            if wait_until(lambda: self.listens() or not self.process.alive(), what="Apache") and self.process.alive():
                break
            assert "Address already in use" in self.log(), self.log()
        self.client = Client("127.0.0.1", self.port)

    def log(self):
        error = self.base / "log/error.log"
        return self.process.log() + (error.read_text(errors="replace") if error.exists() else "")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        except OSError:
            return False

    def close(self):
        self.client.close()
        self.process.stop()


@pytest.fixture(params=[1, 2, 3], ids=["proxy_fcgi", "fcgid", "cgi"])
def apache(request, anteroom):
    """A client of Apache. Everything that its user needs stands in a directory that is his."""
    with tempfile.TemporaryDirectory(prefix="anteroom-apache-") as d, contextlib.ExitStack() as stack:
        base = pathlib.Path(d)
        (base / "bin").mkdir()
        shutil.copy(BIN / "anteroom.fcgi", base / "bin")
        a = anteroom({**lab({"n": {"gpu": 4}}), **getattr(request.function, "config", {})}, start=False)
        a.db_path = base / "anteroom.db"
        a.config_path = base / "anteroom.yaml"
        a.write_config()
        a.config_path.chmod(0o644)
        base.chmod(0o755)
        if os.getuid() == 0:
            shutil.chown(base, USER)
        if request.param == 1:
            a.fcgi = Process("anteroom.fcgi", [base / "bin/anteroom.fcgi", "--config", a.config_path, "--listen", f"unix:{base}/fcgi.sock"],
                             base, a.dir / "log/fcgi.log", a.env)
            wait_until(lambda: (base / "fcgi.sock").exists() and "event=ready" in a.fcgi.log(), what="anteroom.fcgi")
            (base / "fcgi.sock").chmod(0o666)
        (a.dir / "sanitizer").chmod(0o777)
        server = Apache(a, base, request.param)
        stack.callback(server.close)
        server.client.server = server
        server.client.anteroom = a
        yield server.client


def body(a, name, **members):
    return a.job(name, "lab", data={"instances": [{"gpu": 1}]}, **members)


def test_the_main_job_end_to_end(apache):
    answer = apache.post("/v1/lab/", body(apache.anteroom, "j"))
    assert answer.status == 201, (answer, apache.server.log())
    assert answer.headers["Location"] == "/v1/lab/j" and answer.headers.get_all("Content-Type") == ["application/json"]
    assert answer.headers["X-Request-Id"] and len(answer.headers.get_all("X-Request-Id")) == 1
    assert [j["RequestID"] for j in apache.get("/v1/lab/").data] == ["j"]
    assert apache.get("/v1/lab/j", headers={"If-None-Match": answer.headers["ETag"]}).status == 304
    assert apache.head("/v1/lab/j").status == 200 and apache.head("/v1/lab/j").body == b""
    assert apache.post("/v1/lab/j", {"priority": 6}, headers={"If-Match": '"0.0.0"'}).status == 412
    assert apache.post("/v1/lab/j", {"priority": 6}, headers={"If-Match": answer.headers["ETag"]}).status == 200
    assert apache.post("/v1/lab/j", {"priority": 7}).body == b'{"data":{},"ok":true}'
    assert apache.get("/v1/lab/?limit=1&status=queued").data[0]["Priority"] == 7
    assert apache.delete("/v1/lab/j").body == b'{"data":{},"ok":true}'
    assert apache.get("/v1/lab/j").status == 404


def test_the_id_of_the_answer_is_in_every_log(apache):
    answer = apache.post("/v1/lab/", body(apache.anteroom, "j"))
    said = f"id={answer.headers['X-Request-Id']}\n"
    wait_until(lambda: said in (apache.server.base / "log/anteroom.log").read_text(), what="Apache's line")

    def ours():
        log = apache.server.log() + (apache.anteroom.fcgi.log() if apache.anteroom.fcgi else "")
        return [line for line in log.splitlines(keepends=True) if " event=job did=created " in line]

    line, = wait_until(ours, what="the program's line")
    assert line.endswith(said), line


test_the_id_of_the_answer_is_in_every_log.config = {"log_level": "debug"}


def test_encoded_slashes_arrive_as_they_were_sent(apache):
    assert apache.post("/v1/lab/", body(apache.anteroom, "a/b c")).status == 201
    assert apache.get("/v1/lab/a%2Fb%20c/").data["RequestID"] == "a/b c"
    assert apache.post("/v1/x%2Fy/", {"request_id": "%2F", "owner_id": "o", "data": {}, "callback": "http://h/"}).status == 201
    assert apache.get("/v1/x%2Fy/%252F").data["Type"] == "x/y"
    assert apache.get("/v1/lab/a/b%20c/").status == 404


def test_a_body_of_200_kb(apache):
    jobs = [body(apache.anteroom, f"j{i}") for i in range(1000)]
    text = json.dumps(jobs) + " " * 100_000
    assert len(text) > 200_000
    assert len(apache.post("/v1/lab/", text).data) == 1000
    assert len(apache.get("/v1/lab/").data) == 1000


def test_errors_of_ours_come_unchanged(apache):
    for method, path, data, status, code in [("GET", "/v1/lab/none", None, 404, "not_found"), ("POST", "/v1/lab/", "{", 400, "malformed_json"),
                                             ("PUT", "/v1/lab/", "{}", 405, "method_not_allowed"), ("POST", "/v1/lab/", "{}", 422, "invalid")]:
        answer = apache.request(method, path, data)
        assert answer.status == status and answer.code == code and answer.json["ok"] is False, answer
        assert answer.headers.get_all("Content-Type") == ["application/json"]
    assert "GET" in apache.request("PUT", "/v1/lab/", "{}").headers["Allow"]


def test_what_apache_refuses_comes_in_the_envelope(apache):
    answer = apache.post("/v1/lab/", b"x" * (1024 * 1024 + 1))
    assert answer.status == 413 and answer.code == "too_large" and answer.json["ok"] is False
    assert answer.headers.get_all("Content-Type") == ["application/json"]
    answer = apache.raw(b"GET /v1/lab/ HTTP/1.1\r\n\r\n")
    assert answer.status == 400 and answer.code == "bad_request", answer
    for method, headers, status, code in [("PUT", {}, 405, "method_not_allowed"), ("GET", {"Range": "bytes=99999999-"}, 416, "bad_request")]:
        answer = apache.request(method, "/console/main.js", headers=headers)
        assert answer.status == status and answer.code == code and answer.json["ok"] is False, answer
        assert answer.headers.get_all("Content-Type") == ["application/json"]


def test_without_the_program_it_is_503_in_the_envelope(apache):
    a = apache.anteroom
    if a.fcgi is None:
        (apache.server.base / "anteroom.yaml").write_text("nonsense: 1\n")
        answer = apache.get("/v1/lab/")
        assert answer.status in (500, 503), answer
    else:
        assert a.fcgi.stop() == 0
        answer = apache.get("/v1/lab/")
        assert answer.status == 503 and answer.code == "unavailable" and answer.headers["Retry-After"] == "1"
    assert answer.json["ok"] is False and answer.headers.get_all("Content-Type") == ["application/json"]


def test_tokens_reach_the_program_in_either_header(apache):
    a = apache.anteroom
    headers = a.token("boss", "admin")
    for path in apache.server.base.glob("anteroom.db*"):
        if os.getuid() == 0:
            shutil.chown(path, USER)
    token = headers["Authorization"].partition(" ")[2]
    refused = apache.get("/v1/lab/")
    assert (refused.status, refused.code, refused.headers["WWW-Authenticate"]) == (401, "unauthorized", 'Bearer realm="anteroom"')
    assert apache.get("/v1/lab/", headers=headers).status == 200
    assert apache.get("/v1/lab/", headers={"X-Auth-Token": token}).status == 200


test_tokens_reach_the_program_in_either_header.config = {"auth": "tokens"}


SCRIPT = r"""#!/bin/sh
printf 'Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n%s|%s|%s' "$HTTP_AUTHORIZATION" "$HTTP_IF_MATCH" "$HTTP_PROXY"
"""


def test_authorization_reaches_a_cgi_program_and_a_proxy_does_not(anteroom):
    """What the program sees of a request, by a script in its place."""
    with tempfile.TemporaryDirectory(prefix="anteroom-apache-") as d:
        base = pathlib.Path(d)
        base.chmod(0o755)
        (base / "bin").mkdir()
        script = base / "bin/anteroom.fcgi"
        script.write_text(SCRIPT)
        script.chmod(0o755)
        with contextlib.closing(Apache(anteroom(start=False), base, 3)) as server:
            server.client.record = lambda *_: None
            answer = server.client.get("/v1/x/", headers={"Authorization": "Bearer t", "If-Match": '"1"', "Proxy": "evil"})
            assert answer.text == 'Bearer t|"1"|', (answer, server.log())


def rest(s):
    """What is left of an answer; the connection may be kept."""
    text = b""
    while not text.endswith(b"\r\n0\r\n\r\n"):
        part = s.recv(1 << 20)
        if not part:
            break
        text += part
    return text


@pytest.mark.parametrize("apache", [1], ids=["proxy_fcgi"], indirect=True)
def test_readers_who_take_nothing_do_not_hold_all_workers(apache):
    """Apache passes on how slowly a client reads. Those who are cut see that the list is not whole."""
    a = apache.anteroom
    for part in range(16):
        jobs = [a.job(f"{part}-{i}", "long", data={"note": "x" * 60_000}, callback=f"http://c.example/{part}/{i}") for i in range(15)]
        assert apache.post("/v1/long/", jobs).status == 201
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(socket.socket()) for _ in range(4)]
        for s in readers:
            s.settimeout(60)
            s.connect(("127.0.0.1", apache.port))
            s.sendall(b"GET /v1/long/ HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: a.fcgi.log().count("event=slow_reader") == 2, what="those for whom there is no lane are cut")
        apache.connection.close()  # Apache may have, after so long
        assert apache.get("/healthz").status == 200
        assert apache.post("/v1/lab/", body(a, "j")).status == 201
        refused = apache.get("/v1/long/")
        assert (refused.status, refused.code) == (503, "unavailable") and refused.headers.get_all("Retry-After") == ["10"]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answers = list(pool.map(rest, readers))
    assert all(t.startswith(b"HTTP/1.1 200") and b"chunked" in t for t in answers)
    assert sorted(t.endswith(b"\r\n0\r\n\r\n") for t in answers) == [False, False, True, True]
    assert sorted(t.count(b'{"ID":') == 240 for t in answers) == [False, False, True, True]
