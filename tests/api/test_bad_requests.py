# SPDX-License-Identifier: MIT
"""Requests whose line, headers or length are wrong, also those that nginx would never pass on."""
import http.client
import json

import pytest

from contract import FastCGI, has_envelope, is_ok, is_refused, nothing_changes

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom()
    a.create("job")
    return a


# Methods and paths ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path, allow", [("/v1/vm", "GET, HEAD, POST"), ("/v1/vm/job", "GET, HEAD, POST, DELETE"), ("/v1/vm/nobody", "GET, HEAD, POST, DELETE"), ("/healthz", "GET, HEAD")])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST", "OPTIONS", "PROPFIND", "BREW", "get", "X" * 50])
def test_a_method_that_a_path_does_not_take_is_405_and_says_which_it_takes(a, method, path, allow, slash):
    if method in allow.split(", "):
        return
    with nothing_changes(a):
        answer = a.request(method, path + slash, b'{"priority": 1}')
        if answer.status == 400:  # nginx takes no method of lower-case letters
            has_envelope(answer)
            assert method == "get" and answer.code == "bad_request"
            return
        is_refused(answer, "method_not_allowed")
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize("path", [
    "/v1", "/v1/", "/v2/vm/", "/V1/vm/", "/v1/vm/job/x", "/v1/vm/job/wait/x/y/z/a/b/c", "/vm", "/v1/vm/job//", "/healthz/x", "/Healthz", "/health", "/favicon.ico",
    "/v1%2Fvm", "/v1/vm/job%2F/x",  # "//" and "/%2F" are the console's, to nginx
])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_that_is_none_of_ours_is_404(a, method, path):
    with nothing_changes(a):
        is_refused(a.request(method, path, b"{}" if method == "POST" else None), "not_found")


@pytest.mark.parametrize("path", ["/v1/%ff/", "/v1/vm/%c0%af", "/v1/vm/%ed%a0%80", "/v1/%", "/v1/vm/%4", "/v1/vm/%zz", "/v1/vm/a%0Ab", "/v1/vm/%7F", "/v1/vm/%C2%85",
                                  "/v1/" + "x" * 256 + "/", "/v1/vm/" + "x" * 256])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_with_a_name_that_cannot_be_is_400(a, method, path):
    with nothing_changes(a):
        answer = a.request(method, path, b'{"priority": 1}' if method == "POST" else None)
        assert answer.status == 400 or (method == "DELETE" and answer.status == 405), answer
        has_envelope(answer)
        assert answer.code in ("bad_request", "method_not_allowed")


@pytest.mark.parametrize("path, code", [("/v1/vm/?x=1", "unknown_parameter"), ("/v1/vm/?limit=1", "unknown_parameter"), ("/v1/vm/job?priority=1", "unknown_parameter"),
                                        ("/v1/vm/?a=1&a=2", "bad_request"), ("/v1/vm/job?%zz", "bad_request")])
def test_a_post_takes_no_query_parameters(a, path, code):
    with nothing_changes(a):
        is_refused(a.post(path, a.job("new") if "job" not in path else {"priority": 1}), code)


def test_healthz_takes_no_query_parameters(a):
    is_refused(a.get("/healthz?x"), "unknown_parameter")


# Length ---------------------------------------------------------------------------------------------------------------

def raw_job(a, name):
    return json.dumps(a.job(name)).encode()


def padded(a, name, size):
    """A valid body of exactly this many bytes."""
    return raw_job(a, name).ljust(size)


def test_a_body_of_1_mib_is_taken_and_one_byte_more_is_not(a):
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/", padded(a, "large", MIB + 1)), "too_large")
    is_ok(a.post("/v1/vm/", padded(a, "large", MIB)), 201)


def chunked(body, size):
    return iter([body[i:i + size] for i in range(0, len(body), size)])


def test_a_chunked_body_of_1_mib_is_taken_and_one_byte_more_is_not(a):
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/", chunked(padded(a, "chunks", MIB + 1), 65536), headers={"Transfer-Encoding": "chunked"}), "too_large")
    is_ok(a.post("/v1/vm/", chunked(padded(a, "chunks", MIB), 65536), headers={"Transfer-Encoding": "chunked"}), 201)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_body_in_small_chunks_is_read_whole(a, size):
    is_ok(a.post("/v1/vm/", chunked(raw_job(a, f"chunk{size}"), size), headers={"Transfer-Encoding": "chunked"}), 201)


@pytest.mark.parametrize("head, body", [
    (b"Content-Length: 500", b'{"request_id": "cut", "owner_id"'),
    (b"Content-Length: 500", b""),
    (b"Transfer-Encoding: chunked", b"20\r\n{"),
    (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n"),
], ids=["length", "length-and-nothing", "within-a-chunk", "without-the-last-chunk"])
def test_a_client_that_hangs_up_within_its_body_changes_nothing(a, head, body):
    with nothing_changes(a):
        with pytest.raises((http.client.BadStatusLine, ConnectionError)):  # nobody is there to be answered
            a.raw(b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n" + body, half_close=True)
        is_ok(a.get("/healthz"))


def test_a_body_longer_than_it_says_is_cut_there(a):
    body = raw_job(a, "longer")
    answer = a.raw(b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body + b"rest"))
    assert is_ok(answer, 201)["RequestID"] == "longer"
    with nothing_changes(a):
        is_refused(a.raw(b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body) - 1, body)), "malformed_json")


# Behind nginx's back --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["/v1/vm/", "/v1/vm/job"])
@pytest.mark.parametrize("missing", [1, 100, MIB // 2])
def test_a_body_that_ends_early_is_refused_and_the_connection_goes_on(a, path, missing):
    body = b'{"priority": 1}' if "job" in path else raw_job(a, "cut")
    with FastCGI(a) as link, nothing_changes(a):
        for _ in range(3):
            is_refused_by_the_program(link.request("POST", path, body, length=len(body) + missing), "body_incomplete")
        assert link.request("GET", "/healthz").status == 200


def is_refused_by_the_program(answer, code):
    assert answer.code == code and answer.json["ok"] is False, answer
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["X-Request-Id"]


@pytest.mark.parametrize("length, code", [("x", "bad_request"), ("-1", "bad_request"), ("1.5", "bad_request"), ("9" * 30, "bad_request"), (str(MIB + 1), "too_large")])
def test_a_wrong_content_length_is_refused(a, length, code):
    with FastCGI(a) as link, nothing_changes(a):
        is_refused_by_the_program(link.request("POST", "/v1/vm/", b"{}", length=length), code)
        assert link.request("GET", "/healthz").status == 200


@pytest.mark.parametrize("size", [8191, 8192, 8193, 300_000, MIB])
def test_a_body_whose_length_nobody_says_is_read_to_its_end(a, size):
    """nginx always says it; other web servers need not. The job stands at the end of the body."""
    name = f"unsaid{size}"
    with FastCGI(a) as link:
        assert link.request("POST", "/v1/vm/", raw_job(a, name).rjust(size), length="").status == 201
        assert link.request("GET", f"/v1/vm/{name}").data["RequestID"] == name
        with nothing_changes(a):
            is_refused_by_the_program(link.request("POST", "/v1/vm/", raw_job(a, name + "x").rjust(MIB + 1), length=""), "too_large")


def test_bytes_behind_the_content_length_are_not_the_next_request(a):
    body = raw_job(a, "behind")
    with FastCGI(a) as link:
        assert link.request("POST", "/v1/vm/", body + b"x" * 100_000, length=len(body)).status == 201
        assert link.request("GET", "/v1/vm/behind").data["RequestID"] == "behind"


def test_a_body_that_nobody_asked_for_is_not_the_next_request(a):
    with FastCGI(a) as link:
        assert link.request("GET", "/v1/vm/job", b"x" * 200_000).status == 200
        assert link.request("DELETE", "/v1/vm/nobody", b"x" * 200_000).status == 404
        assert link.request("PUT", "/v1/vm/job", b"x" * 200_000).status == 405
        assert link.request("GET", "/healthz").status == 200


@pytest.mark.parametrize("uri, code", [(None, "bad_request"), ("", "bad_request"), ("v1/vm", "bad_request"), ("*", "bad_request"), ("/v1/vm/%00", "bad_request"),
                                       ("/v1/vm/?owner_id=%00", "bad_request"), ("/" + "a/" * 5000, "not_found"), ("/" + "a" * 20_000, "bad_request")])
def test_a_request_target_that_no_web_server_sends_is_refused(a, uri, code):
    with FastCGI(a) as link:
        answer = link.request("GET", "/", REQUEST_URI=uri) if uri is None else link.request("GET", uri)
        is_refused_by_the_program(answer, code)


def test_a_web_server_that_hangs_up_within_a_request_harms_nobody(a):
    with nothing_changes(a):
        for cut in (b"", b'{"request_id"', raw_job(a, "hung up")):
            link = FastCGI(a)
            link.begin("POST", "/v1/vm/", cut, length=len(cut) + 1)
            link.close()
        is_ok(a.get("/healthz"))


def test_a_request_id_of_the_web_server_is_taken_only_when_it_is_fit_for_a_header(a):
    with FastCGI(a) as link:
        assert link.request("GET", "/healthz", REQUEST_ID="abc-1.2_3@").headers["X-Request-Id"] == "abc-1.2_3@"
        for wrong in ("", "a b", "a\r\nX: y", "é", "x" * 65, None):
            assert len(link.request("GET", "/healthz", REQUEST_ID=wrong).headers["X-Request-Id"]) == 32
