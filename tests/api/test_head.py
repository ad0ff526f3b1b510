# SPDX-License-Identifier: MIT
"""HEAD works wherever GET does: the same status and headers, and no body."""
import pytest

from contract import FastCGI

# Of a list the length is not known without making it, so it is left out; the rest must agree.
NOT_COMPARED = {"Date", "X-Request-Id", "Transfer-Encoding", "Connection", "Content-Length"}


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom()
    for name in ("job", "other"):
        a.create(name)
    return a


@pytest.mark.parametrize("path, status", [
    ("/v1/vm/", 200), ("/v1/vm", 200), ("/v1/vm/?limit=1", 200), ("/v1/empty/", 200), ("/v1/vm/job", 200), ("/v1/vm/job/", 200), ("/healthz", 200), ("/healthz/", 200), ("/queues/vm/capacity", 200),
    ("/v1/vm/nobody", 404), ("/nowhere", 404), ("/v1/", 404), ("/v1/vm/?x=1", 400), ("/v1/vm/?limit=0", 400), ("/v1/%ff/", 400), ("/v1/vm/?after=x", 400),
])
def test_head_is_get_without_the_body(a, path, status):
    client = a.client()
    got, head = client.get(path), client.head(path)
    assert (head.status, head.body) == (got.status, b"") == (status, b"")
    assert head.headers["X-Request-Id"]

    def headers(answer):
        return sorted((k, v) for k, v in answer.headers.items() if k not in NOT_COMPARED)

    assert headers(head) == headers(got)
    if "Content-Length" in head.headers:
        assert int(head.headers["Content-Length"]) == len(got.body)
    assert client.get("/healthz").status == 200  # the connection is still in step


def test_the_head_of_a_job_tells_its_length(a):
    assert int(a.head("/v1/vm/job").headers["Content-Length"]) == len(a.get("/v1/vm/job").body)


@pytest.mark.parametrize("path", ["/v1/vm/", "/v1/vm/job", "/v1/vm/nobody", "/nowhere", "/healthz"])
def test_the_program_itself_sends_no_body_either(a, path):
    """nginx would hide one."""
    with FastCGI(a) as link:
        assert link.request("HEAD", path).body == b""
        assert link.request("GET", path).body != b""


def test_healthz_is_ok_and_never_kept(a):
    answer = a.get("/healthz")
    assert answer.data["status"] == "ok" and answer.data["version"]
    assert answer.headers["Cache-Control"] == "no-store"
