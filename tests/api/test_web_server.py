# SPDX-License-Identifier: MIT
"""What nginx itself refuses comes in the same envelope as everything else, and what it hands on arrives as it was sent."""
import re
import socket

import pytest

from harness import wait_until

RATE = ("limit_req_zone $binary_remote_addr zone=a:1m rate=1r/m;", "limit_req zone=a burst=1 nodelay;")


@pytest.fixture(scope="module")
def web(shared_anteroom):
    return shared_anteroom()


def is_error(answer, status, code):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/json"
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert len(answer.headers.get_all("X-Request-Id")) == 1
    assert answer.json["ok"] is False and answer.json["code"] == code and answer.json["error"]
    assert set(answer.json) == {"error", "code", "ok"}


@pytest.mark.parametrize("request_text, status, code", [
    (b"GET /v1/vm/ HTTP/1.1\r\n\r\n", 400, "bad_request"),  # no Host
    (b"\x01\x02 / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request"),
    (b"GET /v1/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request"),
    (b"GET /../../etc HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request"),
    (b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "bad_request"),
    (b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_request"),
    (b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "bad_request"),
    (b"TRACE /v1/vm/ HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method_not_allowed"),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
    (b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br\r\n\r\n", 501, "not_implemented"),
    (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "http_version"),
    (b"GET /.nginx-error/503 HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not_found"),
], ids=["no-host", "garbage", "nul", "above-root", "two-lengths", "length-and-chunked", "bad-chunk", "trace", "long-line", "long-header",
        "coding", "version", "internal-path"])
def test_what_nginx_refuses_is_json(web, request_text, status, code):
    answer = web.raw(request_text)
    is_error(answer, status, code)
    if status == 405:
        assert answer.headers["Allow"] == "GET, HEAD, POST, DELETE"


def test_a_body_over_1_mib_is_413(web):
    is_error(web.post("/v1/vm/", b"x" * (1024 * 1024 + 1)), 413, "too_large")


def test_a_chunked_body_over_1_mib_is_413(web):
    chunks = b"".join(b"10000\r\n" + b"x" * 65536 + b"\r\n" for _ in range(17)) + b"0\r\n\r\n"
    is_error(web.raw(b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks), 413, "too_large")


def test_an_unknown_path_is_404_of_ours(web):
    is_error(web.get("/foo"), 404, "not_found")


def test_the_head_of_an_error_has_no_body(web):
    answer = web.head("/.nginx-error/503")
    assert (answer.status, answer.body) == (404, b"") and answer.headers["Content-Type"] == "application/json"


def test_too_many_requests_are_429(anteroom):
    a = anteroom(start=False)
    a.start_nginx(RATE)
    answers = [a.get("/") for _ in range(4)]
    is_error(answers[-1], 429, "too_many_requests")
    assert answers[-1].headers["Retry-After"] == "1"


def test_without_the_program_it_is_503_with_retry_after(anteroom):
    a = anteroom(start=False)
    a.start_nginx()
    answer = a.get("/v1/vm/")
    is_error(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "1"


def test_a_program_that_hangs_is_503(anteroom):
    a = anteroom(start=False)
    a.edit_locations = lambda text: text.replace("fastcgi_read_timeout    60s", "fastcgi_read_timeout 100ms")
    a.start_nginx()
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(a.dir / "fcgi.sock"))
        s.listen(8)  # takes connections, answers nothing
        is_error(a.get("/v1/vm/"), 503, "unavailable")


def test_after_a_restart_of_the_program_requests_go_on(anteroom):
    a = anteroom()
    a.create("before")
    a.restart_fcgi()
    assert a.get("/v1/vm/before/").status == 200


def test_the_access_log_has_the_raw_path_and_the_id_of_the_answer(web):
    answer = web.get("/v1/vm/a%2Fb/")
    assert answer.status == 404
    log = web.dir / "log/access.log"
    wait_until(lambda: answer.headers["X-Request-Id"] in log.read_text(), what="the log line")
    line = next(x for x in log.read_text().splitlines() if answer.headers["X-Request-Id"] in x)
    assert '"/v1/vm/a%2Fb/" 404' in line


def test_the_demonstration_callback_answers_204_and_logs(web):
    answer = web.post("/demo/callback/abc", {"type": "job.admitted"})
    assert (answer.status, answer.body) == (204, b"") and answer.headers["X-Request-Id"]
    log = web.dir / "log/callbacks.log"
    wait_until(lambda: 'POST "/demo/callback/abc" 204' in log.read_text(), what="the log line")
