# SPDX-License-Identifier: MIT
"""A web page from elsewhere, open in a browser on this machine, changes nothing here; programs and our own pages do."""
import pytest

from contract import is_refused, nothing_changes

OWN = {"Sec-Fetch-Site": "same-origin"}
EVIL = [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example", "Host": "evil.example", **OWN}]


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom()
    a.create("j")
    return a


@pytest.mark.parametrize("headers", EVIL, ids=["another-host", "null", "cross-site", "another-port", "rebound-name"])
def test_no_change_for_a_page_from_elsewhere(a, headers):
    with nothing_changes(a):
        for method, path, body in (("POST", "/v1/vm/", a.job("k")), ("POST", "/v1/vm/j", {"move": "front"}), ("DELETE", "/v1/vm/j", None),
                                   ("POST", "/v1/vm/j/deliveries", None), ("POST", "/queues/vm", {"paused": True})):
            answer = a.request(method, path, body, headers)
            is_refused(answer, "forbidden")
            assert "web page" in answer.json["error"]
    assert a.get("/v1/vm/k").status == 404


def test_what_it_only_reads_is_left_to_the_browser(a):
    answer = a.get("/v1/vm/j", headers={"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert answer.status == 200 and not [h for h in answer.headers if h.lower().startswith("access-control")]


def test_our_own_page_and_programs_change_things(a):
    host = f"127.0.0.1:{a.port}"
    for headers in ({}, {"Origin": f"http://{host}"}, {"Origin": f"http://{host}", **OWN}, {"Origin": f"http://localhost:{a.port}", "Host": f"localhost:{a.port}"},
                    {"Origin": "https://anteroom.example.org", "Host": "anteroom.example.org"}):
        assert a.post("/v1/vm/j", {"move": "back"}, headers=headers).status == 200, headers


def test_who_has_a_token_may_use_any_name(anteroom):
    a = anteroom({"auth": "tokens"}, start=False)
    a.write_config()
    token = a.token("boss", "admin")
    a.start()
    name = {"Origin": "http://portal.example", "Host": "portal.example"}
    assert a.post("/v1/vm/", a.job("j"), headers={**token, **name}).status == 201
    is_refused(a.post("/v1/vm/", a.job("k"), headers={**token, "Origin": "http://evil.example"}), "forbidden")


def test_as_plain_cgi_it_is_the_same(a):
    status, _, body = a.cgi("POST", "/v1/vm/", b"{}", {"Origin": "http://evil.example", "Host": "127.0.0.1"})
    assert status == 403 and b"evil.example" in body
