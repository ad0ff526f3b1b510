# SPDX-License-Identifier: MIT
"""Every answer, good or bad, is JSON in one envelope, and no member of it depends on how it was asked for."""
import json

import pytest

from contract import STATUS_OF, has_envelope, is_ok, is_refused

ASK = {
    "bad_request": ("GET", "/v1/vm/?limit=0", None, {}),
    "malformed_json": ("POST", "/v1/vm/", b"{", {}),
    "unknown_parameter": ("GET", "/v1/vm/?x=1", None, {}),
    "invalid_cursor": ("GET", "/v1/vm/?after=x", None, {}),
    "not_found": ("GET", "/v1/vm/nobody", None, {}),
    "method_not_allowed": ("PUT", "/v1/vm/", b"{}", {}),
    "duplicate_request_id": ("POST", "/v1/vm/", {"request_id": "job", "owner_id": "o", "data": {}, "callback": "free"}, {}),
    "duplicate_callback": ("POST", "/v1/vm/", {"request_id": "free", "owner_id": "o", "data": {}, "callback": "cb-vm-job"}, {}),
    "invalid_transition": ("POST", "/v1/vm/job", {"status": "finished"}, {}),
    "not_waiting": ("POST", "/v1/vm/over", {"callback": "x"}, {}),
    "precondition_failed": ("POST", "/v1/vm/job", {"priority": 1}, {"If-Match": '"x"'}),
    "too_large": ("POST", "/v1/vm/", b" " * (1024 * 1024 + 1), {}),
    "invalid": ("POST", "/v1/vm/", {}, {}),
    "unknown_member": ("POST", "/v1/vm/job", {"x": 1}, {}),
    "idempotency_mismatch": ("POST", "/v1/vm/", {"request_id": "free", "owner_id": "o", "data": {}, "callback": "free"}, {"Idempotency-Key": "used"}),
}
ELSEWHERE = {"unauthorized": "test_rights", "forbidden": "test_rights", "body_incomplete": "test_bad_requests", "too_many_requests": "test_bad_members", "no_room": "the unit tests of the store: it takes 20,000 neighbours"}


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom()
    a.create("job")
    a.create("over")
    assert a.post("/v1/vm/over", {"status": "cancelled"}).status == 200
    is_ok(a.post("/v1/vm/", a.job("used"), headers={"Idempotency-Key": "used"}), 201)
    return a


def test_every_word_of_the_contract_is_asked_for():
    assert set(ASK) | set(ELSEWHERE) == set(STATUS_OF)


@pytest.mark.parametrize("code", ASK)
def test_an_error_has_its_word_and_its_status(a, code):
    method, path, body, headers = ASK[code]
    answer = a.request(method, path, body, headers)
    is_refused(answer, code)
    assert ("errors" in answer.json) == (answer.status == 422 or code.startswith("duplicate") or code == "invalid_transition")


@pytest.mark.parametrize("code", ASK)
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*;q=0", ""])
def test_what_the_client_would_rather_have_does_not_matter(a, code, accept):
    method, path, body, headers = ASK[code]
    is_refused(a.request(method, path, body, {**headers, "Accept": accept, "Accept-Encoding": "br"}), code)


@pytest.mark.parametrize("method, path, body", [
    ("GET", "/v1/vm/", None), ("GET", "/v1/vm/job", None), ("GET", "/healthz", None), ("GET", "/v1/nobody/", None), ("GET", "/v1/vm/?limit=1", None),
    ("POST", "/v1/vm/job", {"priority": 1}), ("POST", "/v1/vm/job", {"move": "back"}),
])
def test_a_good_answer_has_the_envelope_and_no_name_twice(a, method, path, body):
    answer = a.request(method, path, body)
    has_envelope(answer)

    def unique(pairs):
        assert len({name for name, _ in pairs}) == len(pairs), pairs
        return dict(pairs)

    parsed = json.loads(answer.body.decode("utf-8", errors="strict"), object_pairs_hook=unique)
    assert answer.status == 200 and list(parsed)[0] == "data" and list(parsed)[-1] == "ok" and parsed["ok"] is True


def test_each_answer_has_an_id_of_its_own_that_the_client_cannot_choose(a):
    answers = [a.get("/v1/vm/job", headers={"X-Request-Id": "mine"}) for _ in range(5)] + [a.get("/nowhere")]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == len(answers) and "mine" not in ids


def test_nothing_of_the_inside_shows_in_an_error(a):
    for method, path, body, headers in ASK.values():
        answer = a.request(method, path, body, headers)
        assert not any(word in answer.text for word in ("SQL", "sqlite", "UNIQUE", "jobs.", ".c:", str(a.dir))), answer
