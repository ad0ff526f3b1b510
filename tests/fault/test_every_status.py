# SPDX-License-Identifier: MIT
"""Every answer is JSON with an id: each status that nginx, anteroom.fcgi and openapi.json have is made to happen, and one that is added
without being made to happen here is a fault."""
import contextlib
import http.client
import json
import re
import select
import socket
import sqlite3
import subprocess
import threading

import pytest

import harness
import openapi
from authority import Authority
from client import Answer, Client
from contract import STATUS_OF
from harness import BIN, ROOT, SLOW, free_port
from test_answers_are_json import ASK

# Every status that nginx has a page of its own for, in HTML, where nobody has said otherwise (ngx_http_special_response.c). 494 to 497
# are its own: a header that is too large, and three about TLS; the client gets 400 or what error_page says. 408 is for its log only.
NGINX_HAS = [*range(400, 407), *range(409, 417), 421, 429, 494, 495, 496, 497, *range(500, 506), 507]
BECOMES = {494: 431, 495: 400, 496: 400, 497: 400, 502: 503, 504: 503}
NGINX_RETURNS = "\n".join(f"location = /status/{n} {{ return {n}; }}" for n in NGINX_HAS)
WORDS = set(openapi.DOCUMENT["components"]["schemas"]["ErrorCode"]["enum"])


def is_error(answer, status, code=None, head=False):
    """In the envelope, with one id."""
    assert answer.status == status, answer
    assert answer.headers.get_all("Content-Type") == ["application/json"], (answer, answer.headers.items())
    assert len(answer.headers.get_all("X-Request-Id")) == 1 and re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert (status in (429, 503)) <= ("Retry-After" in answer.headers), answer.headers.items()
    if head:
        assert answer.body == b""
        return
    assert set(answer.json) <= {"error", "code", "ok", "errors"} and answer.json["ok"] is False and answer.json["error"], answer
    assert answer.code in WORDS and answer.code == (code or answer.code), answer


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """nginx alone: nobody listens behind it."""
    with harness.factory(tmp_path_factory) as make:
        a = make(start=False)
        a.start_nginx(("limit_conn_zone $http_x_crowd zone=crowd:1m;",
                       NGINX_RETURNS + "location = /denied { deny all; }\nlocation = /crowd { limit_conn crowd 1; return 204; }"))
        yield a


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("status", NGINX_HAS)
def test_a_status_that_nginx_gives_by_itself_is_in_the_envelope(web, status, method):
    with contextlib.closing(Client("127.0.0.1", web.port)) as client:
        client.record = lambda *_: None  # the document has no such path
        answer = client.request(method, f"/status/{status}")
    is_error(answer, BECOMES.get(status, status), head=method == "HEAD")


# What nginx does by itself, with no location that says so -------------------------------------------------------------


def raw(text):
    return lambda web: web.raw(text)


REALLY = {
    400: [raw(b"GET /v1/vm/ HTTP/1.1\r\n\r\n"), raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), raw(b"GET / FTP/1.1\r\n\r\n"),
          raw(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
          raw(b"GET /v1/vm/ HTTP/1.0\r\nHost: a b\r\n\r\n"), raw(b"POST /v1/vm/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
          raw(b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n")],
    403: [lambda web: web.get("/denied")],
    404: [lambda web: web.get("/console/none.js"), lambda web: web.get("/.nginx-error/404")],
    405: [lambda web: web.post("/console/main.js", b"x"), raw(b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n")],
    412: [lambda web: web.get("/console/main.js", headers={"If-Match": '"x"'}),
          lambda web: web.get("/console/main.js", headers={"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"})],
    413: [lambda web: web.post("/v1/vm/", b"x" * (1024 * 1024 + 1)),
          raw(b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")],
    414: [raw(b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")],
    431: [raw(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40000 + b"\r\n\r\n"),
          raw(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: %s\r\n" % (i, b"a" * 1000) for i in range(40)) + b"\r\n")],
    501: [raw(b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n")],
    503: [lambda web: web.get("/v1/vm/"), lambda web: web.get("/healthz"), lambda web: web.delete("/v1/vm/x"),
          raw(b"GET /v1/vm/ HTTP/1.0\r\n\r\n")],
    505: [raw(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"), raw(b"GET / HTTP/9.9\r\nHost: a\r\n\r\n")],
}
# By a test of its own below; or nginx gives it only where a module is set up that the shipped configuration has not.
OTHERWISE = {429: "too many at once", 500: "no room for the body", 495: "TLS", 496: "TLS", 497: "TLS", 502: "half-dead", 504: "hangs"}
NEVER = {401: "auth_basic", 402: "no module", 406: "no module",
         409: "WebDAV", 410: "no module", 411: "WebDAV", 415: "WebDAV", 416: "ranges, which the console's files do not have",
         421: "TLS with client's certificates by name", 507: "WebDAV"}


@pytest.mark.parametrize("status, n", [(s, n) for s, ways in REALLY.items() for n in range(len(ways))])
def test_what_nginx_refuses_by_itself(web, status, n):
    is_error(REALLY[status][n](web), status)


def test_too_many_connections_at_once_are_429(anteroom):
    """limit_conn, as an administrator may set it: one request that is not done yet, and another."""
    a = anteroom(start=False)
    a.start_nginx(("limit_conn_zone $binary_remote_addr zone=crowd:1m;", "limit_conn crowd 1;"))
    over = threading.Event()
    with listener(a, lambda c: over.wait(30)) as upstream, socket.create_connection(("127.0.0.1", a.port)) as first:
        first.sendall(b"GET /v1/vm/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert upstream.wait(10 * SLOW)
        is_error(a.get("/v1/vm/"), 429, "too_many_requests")
        over.set()


def test_a_body_that_nginx_cannot_keep_is_500(anteroom):
    a = anteroom(start=False)
    a.start_nginx()
    (a.dir / "nginx/tmp/body").rmdir()
    (a.dir / "nginx/tmp/body").write_text("no folder")
    is_error(a.post("/v1/vm/", b"x" * 200_000), 500, "internal")


def test_http_to_the_port_of_https_is_400_in_the_envelope(anteroom, tmp_path):
    """nginx has four statuses of its own about TLS, and an HTML page for each."""
    authority = Authority(tmp_path)
    a = anteroom(start=False)
    port = free_port()
    a.start_nginx(("", f"listen 127.0.0.1:{port} ssl; ssl_certificate {authority.server}; ssl_certificate_key {authority.server_key};"))
    a.port = port
    is_error(a.get("/v1/vm/"), 400, "bad_request")


@contextlib.contextmanager
def listener(a, talk):
    """In place of anteroom.fcgi: somebody who takes connections, and does that with each. Yields an event: somebody has come."""
    came = threading.Event()
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(a.dir / "fcgi.sock"))
        s.listen(64)

        def serve():
            while True:
                try:
                    c, _ = s.accept()
                except OSError:
                    return
                came.set()
                with c, contextlib.suppress(OSError):
                    talk(c)

        t = threading.Thread(target=serve, daemon=True)
        t.start()
        yield came
        s.shutdown(socket.SHUT_RDWR)
        t.join()


def record(kind, content):
    return bytes([1, kind, 0, 1, len(content) >> 8, len(content) & 255, 0, 0]) + content


HALF_DEAD = {
    "closes": lambda c: c.recv(1),
    "garbage": lambda c: c.recv(65536) and c.sendall(b"HTTP/1.1 200 OK\r\n\r\n"),
    "half-a-head": lambda c: c.recv(65536) and c.sendall(record(6, b"Status: 200 OK\r\nContent-Ty")),
    "no-head": lambda c: c.recv(65536) and c.sendall(record(6, b"") + record(3, bytes(8))),
    "a-head-without-end": lambda c: c.recv(65536) and c.sendall(record(6, b"X: " + b"a" * 60000)),
    "a-bad-head": lambda c: c.recv(65536) and c.sendall(record(6, b"\x01\x02: x\r\n\r\n") + record(3, bytes(8))),
}


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """nginx with little patience."""
    with harness.factory(tmp_path_factory) as make:
        a = make(start=False)
        a.edit_locations = lambda text: text.replace("fastcgi_read_timeout    60s", "fastcgi_read_timeout 300ms")
        a.start_nginx()
        yield a


@pytest.mark.parametrize("how", HALF_DEAD)
def test_a_program_that_is_half_dead_is_503(behind, how):
    (behind.dir / "fcgi.sock").unlink(missing_ok=True)
    with listener(behind, HALF_DEAD[how]):
        is_error(behind.get("/v1/vm/"), 503, "unavailable")
        is_error(behind.head("/v1/vm/"), 503, head=True)
        is_error(behind.post("/v1/vm/", {}), 503, "unavailable")


def test_a_program_that_hangs_is_503(behind):
    (behind.dir / "fcgi.sock").unlink(missing_ok=True)
    over = threading.Event()
    with listener(behind, lambda c: over.wait(30)):
        is_error(behind.get("/v1/vm/"), 503, "unavailable")
        over.set()


def first_refused(a, connections):
    """Each request takes two connections, its own and the one to anteroom.fcgi, which hangs, until somebody has none left: his answer;
    None: he was not let in at all."""
    write = a._write_nginx
    conf = a.dir / "nginx/nginx.conf"

    def few(extra):
        write(extra)
        conf.write_text(conf.read_text().replace("worker_connections 8192", f"worker_connections {connections}"))

    a._write_nginx = few
    a.start_nginx()
    over = threading.Event()
    with listener(a, lambda c: over.wait(30)), contextlib.ExitStack() as stack:
        waiting = []
        while not (answered := select.select(waiting, [], [], 1 if len(waiting) > connections // 3 else 0)[0]):
            assert len(waiting) < connections
            waiting.append(stack.enter_context(socket.create_connection(("127.0.0.1", a.port), timeout=30)))
            waiting[-1].sendall(b"GET /v1/vm/ HTTP/1.1\r\nHost: a\r\n\r\n")
        over.set()
        try:
            response = http.client.HTTPResponse(answered[0])
            response.begin()
            return Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException):
            return None


def test_nginx_without_a_connection_left_is_in_the_envelope(anteroom):
    """Of an even and an odd number of connections, one leaves the last client with his own and none to anteroom.fcgi."""
    answer, = filter(None, [first_refused(anteroom(start=False), n) for n in (12, 13)])
    is_error(answer, 500, "internal")


def test_a_request_that_comes_too_slowly_is_closed_without_an_answer(anteroom):
    """nginx says 408 to its log only."""
    a = anteroom(start=False)
    a.start_nginx(("client_header_timeout 300ms; client_body_timeout 300ms;", ""))
    for text in (b"GET /v1/vm/ HTTP/1.1\r\nHos", b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"):
        with socket.create_connection(("127.0.0.1", a.port), timeout=30) as s:
            s.sendall(text)
            assert s.recv(1000) == b""


# What anteroom.fcgi answers -------------------------------------------------------------------------------------------


def few_jobs(a):
    a.create("one", "t")
    return a.post("/v1/t/", a.job("two", "t"))


def no_table(a):
    """Somebody has torn a page out of the book."""
    with contextlib.closing(sqlite3.connect(a.db_path)) as db:
        db.execute("DROP TABLE answers")
    return a.post("/v1/t/", a.job("x", "t"), headers={"Idempotency-Key": "k"})


def no_flush(a):
    (a.dir / "flush").write_text("")
    a.fcgi.expected_codes = (0, 1)
    return a.post("/v1/t/", a.job("x", "t"))


def cut_off(a):
    """nginx hands on whole bodies only; plain CGI has none before it."""
    env = {**a.env, "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST", "REQUEST_URI": "/v1/t/", "CONTENT_LENGTH": "99",
           "REMOTE_ADDR": "127.0.0.1", "ANTEROOM_CONFIG": str(a.config_path)}
    done = subprocess.run([BIN / "anteroom.fcgi"], env=env, input=b"{", capture_output=True, timeout=30 * SLOW)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return head, body


PROGRAM = {
    "unauthorized": ({"auth": "tokens"}, lambda a: a.get("/v1/t/")),
    "forbidden": ({"auth": "none", "open_to": ["192.0.2.0/24"]}, lambda a: a.get("/v1/t/")),
    "too_many_requests": ({"max_queued": 1}, few_jobs),
    "internal": ({}, no_table),
    "commit_unknown": ({}, no_flush),
    "storage_full": ({"low_water": "1024G"}, lambda a: a.post("/v1/t/", a.job("x", "t"))),
}
# Words with a status that others of the same status have been asked for, and where the word itself is.
PROGRAM_OTHERWISE = {"body_incomplete": "below, by CGI", "unavailable": "below", "configuration": "only the log has it: the program does not start",
                     "no_room": "the unit tests of the store: it takes 20,000 neighbours"}


@pytest.mark.parametrize("word", PROGRAM)
def test_what_the_program_says(anteroom, word):
    conf, ask = PROGRAM[word]
    env = {"LD_PRELOAD": str(BIN / "fault/pre_flush.so"), "FLUSH_FAILS": "flush"} if word == "commit_unknown" else None
    is_error(ask(anteroom(conf, env=env)), of_err_c()[word], word)


def test_a_database_that_cannot_be_used_is_503(anteroom):
    """By CGI: a program that stays does not start, and nginx says so for it."""
    a = anteroom(start=False)
    a.db_path.mkdir()
    a.write_config()
    status, headers, body = a.cgi("GET", "/v1/vm/")
    assert (status, json.loads(body)["code"], headers["Content-Type"]) == (503, "unavailable", "application/json")
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-Id"]) and headers["Retry-After"]


def test_a_body_that_ends_too_soon_is_400(anteroom):
    head, body = cut_off(anteroom())
    assert head.startswith(b"Status: 400") and b"Content-Type: application/json" in head
    assert re.search(rb"X-Request-Id: [0-9a-f]{32}\r\n", head + b"\r\n", re.I), head
    assert json.loads(body)["code"] == "body_incomplete"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with harness.factory(tmp_path_factory) as make:
        a = make()
        a.create("job")
        yield a


def test_answers_without_a_body_have_the_id(whole):
    tag = whole.get("/v1/vm/job").headers["ETag"]
    console = whole.get("/console/main.js").headers["ETag"]
    for answer, status in [(whole.get("/v1/vm/job", headers={"If-None-Match": tag}), 304), (whole.head("/v1/vm/job"), 200),
                           (whole.head("/v1/vm/nobody"), 404), (whole.head("/console/main.js"), 200), (whole.post("/demo/callback/x"), 204),
                           (whole.get("/console/main.js", headers={"If-None-Match": console}), 304)]:
        assert answer.status == status and answer.body == b""
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"]) and len(answer.headers.get_all("X-Request-Id")) == 1


@pytest.mark.parametrize("path, status", [("/v1/vm/job", 200), ("/v1/vm/nobody", 404), ("/v1/vm/?x=1", 400), ("/none", 404)])
def test_http_1_0_and_0_9(whole, path, status):
    answer = whole.raw(b"GET %s HTTP/1.0\r\n\r\n" % path.encode())
    assert answer.status == status and answer.json["ok"] is (status == 200)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"]) and answer.headers["Content-Type"] == "application/json"
    with socket.create_connection(("127.0.0.1", whole.port), timeout=30) as s:  # it has no headers, so no id either
        s.sendall(b"GET %s\r\n" % path.encode())
        body = b"".join(iter(lambda: s.recv(65536), b""))
    assert json.loads(body)["ok"] is (status == 200)


def test_each_of_many_in_a_row_has_its_own_id(whole):
    """Pipelined: sent in one piece, good and bad ones, and the last one ends the connection by being none."""
    asked = [("/v1/vm/job", 200), ("/v1/vm/nobody", 404), ("/console/none", 404), ("/v1/vm/?limit=0", 400), ("/healthz", 200)]
    with socket.create_connection(("127.0.0.1", whole.port), timeout=30) as s:
        s.sendall(b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode() for path, _ in asked) + b"nonsense\r\n\r\n")
        text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
    assert [int(x) for x in re.findall(r"HTTP/1.1 (\d+)", text)] == [status for _, status in asked] + [400]
    ids = re.findall(r"X-Request-Id: ([0-9a-f]{32})\r\n", text)
    assert len(set(ids)) == len(ids) == len(asked) + 1
    assert text.count("Content-Type: application/json\r\n") == len(asked) + 1


# Nothing is left out --------------------------------------------------------------------------------------------------


def of_err_c():
    """{word: status} of the table in common/err.c."""
    found = re.findall(r'\[ERR_\w+\] = \{(\d+), "(\w+)"\}', (ROOT / "common/err.c").read_text())
    return {word: int(status) for status, word in found if status != "200"}


def test_every_word_of_the_program_is_asked_for():
    words = of_err_c()
    assert set(words) == set(PROGRAM) | set(PROGRAM_OTHERWISE) | set(ASK)
    assert {w: s for w, s in words.items() if w in STATUS_OF} == STATUS_OF
    assert set(words) - {"configuration"} <= WORDS


def test_every_error_page_of_nginx_is_asked_for():
    text = (ROOT / "nginx/anteroom-locations.conf").read_text()
    pages = {int(n) for line in re.findall(r"^error_page ([^/;]*)", text, re.M) for n in re.findall(r"(?<!=)\b\d+", line)}
    assert pages == set(NGINX_HAS), "each status that nginx has an HTML page for has one of ours"
    assert set(REALLY) | set(OTHERWISE) | set(NEVER) | {494} == pages | {431}
    assert set(re.findall(r'"code": "(\w+)"', text)) <= WORDS


def test_every_status_of_the_document_is_asked_for():
    documented = {key for _, _, op in openapi.operations() for key in op["responses"]}
    made = {str(s) for s in [*REALLY, *OTHERWISE, *NEVER, *of_err_c().values()]} | {"200", "201", "304", "4XX", "5XX"}
    assert documented <= made, documented - made
    words_made = set(of_err_c()) | set(re.findall(r'"code": "(\w+)"', (ROOT / "nginx/anteroom-locations.conf").read_text()))
    assert WORDS <= words_made, WORDS - words_made
