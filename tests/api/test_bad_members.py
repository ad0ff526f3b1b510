# SPDX-License-Identifier: MIT
"""A body that is JSON but not what the contract asks for: the error names the member, and nothing is changed."""
import pytest

from contract import is_ok, is_refused, nothing_changes


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom()
    a.create("taken", callback="taken-callback")
    return a


def refused(a, body, code, pointer, path="/v1/vm/"):
    with nothing_changes(a):
        answer = a.post(path, body)
        is_refused(answer, code, pointer)
    return answer


@pytest.mark.parametrize("member", ["request_id", "owner_id", "data", "callback"])
def test_a_missing_member_is_named(a, member):
    body = {name: value for name, value in a.job("new").items() if name != member}
    answer = refused(a, body, "invalid", f"/{member}")
    assert member in answer.json["error"]


def test_an_empty_object_lacks_everything(a):
    refused(a, "{}", "invalid", "/request_id")


@pytest.mark.parametrize("body", ["null", "true", "0", '"text"'])
def test_a_body_that_is_neither_object_nor_array_is_refused(a, body):
    refused(a, body, "invalid", "")


STRINGS = ["request_id", "owner_id", "callback"]
NO_STRINGS = [None, True, 0, 1.5, [], {}, ["x"], {"x": 1}]
WRONG = [(m, v) for m in STRINGS for v in NO_STRINGS] + \
        [("data", v) for v in (None, False, 0, "", "{}", [], [{}])] + \
        [("priority", v) for v in (None, True, "1", "", [], {}, 2**53, -2**53)] + \
        [(m, v) for m in ("not_before", "valid_until") for v in (None, True, 0, 1900000000, [], {}, "", "now", "2040-01-01", "2040-01-01T00:00:00", "2040-13-01T00:00:00Z",
                                                                  "2040-02-30T00:00:00Z", "2040-01-01T24:00:00Z", "2040-01-01T00:00:00+25:00", "2040-01-01T00:00:00Z ",
                                                                  "1969-12-31T23:59:59Z", "2300-01-01T00:00:00Z", "2040-01-01T00:00:00.Z")]


@pytest.mark.parametrize("member, value", WRONG)
def test_a_member_of_a_wrong_kind_is_named(a, member, value):
    body = {**a.job("new"), member: value}
    refused(a, body, "invalid", f"/{member}")


@pytest.mark.parametrize("member", ["x", "Request_id", "requestId", "ID", "RequestID", "Priority", "status", "move", "type", "deleted_at", "", "a/b", "~", "data ", "日本"])
def test_an_unknown_member_is_named(a, member):
    pointer = "/" + member.replace("~", "~0").replace("/", "~1")
    refused(a, {**a.job("new"), member: 1}, "unknown_member", pointer)


def test_a_very_long_unknown_member_is_named_as_far_as_there_is_room(a):
    with nothing_changes(a):
        answer = a.post("/v1/vm/", {**a.job("new"), "日" * 10_000: 1})
        is_refused(answer, "unknown_member")
    assert "日" * 20 in answer.json["error"] and len(answer.json["error"]) < 200
    assert answer.json["errors"][0]["pointer"] == ""  # of what it is in: a name that is cut would be another


@pytest.mark.parametrize("callback", [
    "", " ", "a b", "a\tb", "a\nb", "http://", "http:///x", "http:", "http:x", "https://:80/", "http://?x", "http://host:0/", "http://host:65536/", "http://host:/", "http://host:x/",
    "ftp://host/", "file:///etc/passwd", "javascript:alert(1)", "data:,x", "mailto:a@b", "gopher://host/", "http://user@host/", "http://user:secret@host/", "http://@host/",
    "//user@host/x", "http://host\\@other/", "\\\\host", "http://[::1/", "http://[]/", "http://h_st%2e/", "日本", "http://日本/", "http://host/é", "x" * 2049, "a\x7f",
])
def test_a_callback_that_cannot_be_called_is_refused(a, callback):
    refused(a, a.job("new", callback=callback), "invalid", "/callback")
    refused(a, {"callback": callback}, "invalid", "/callback", "/v1/vm/taken")


def test_a_relative_callback_needs_a_base(anteroom):
    a = anteroom({"queues": {"*": {"capacity": "none"}}})
    refused(a, a.job("new", callback="abc"), "invalid", "/callback")
    is_ok(a.post("/v1/vm/", a.job("new", callback="http://example.org/abc")), 201)


def test_a_taken_request_id_is_a_conflict(a):
    answer = refused(a, a.job("taken"), "duplicate_request_id", "/request_id")
    assert "taken" in answer.json["error"]
    is_ok(a.post("/v1/other/", a.job("taken", "other")), 201)


def test_a_taken_callback_is_a_conflict_across_all_queues(a):
    refused(a, a.job("new", callback="taken-callback"), "duplicate_callback", "/callback")
    refused(a, a.job("new", callback="taken-callback"), "duplicate_callback", "/callback", "/v1/another/")


def test_valid_until_must_be_later_than_not_before(a):
    times = {"not_before": "2040-01-01T08:00:00+08:00", "valid_until": "2040-01-01T00:00:00Z"}
    refused(a, a.job("new", **times), "invalid", "/valid_until")


@pytest.mark.parametrize("size, taken", [(65536, True), (65537, False)])
def test_data_has_a_limit(a, size, taken):
    body = a.job(f"size{size}", data={"note": "x" * (size - len('{"note":""}'))})
    if taken:
        assert len(is_ok(a.post("/v1/vm/", body), 201)["Data"]) == size
    else:
        refused(a, body, "invalid", "/data")


def test_a_full_queue_takes_no_more(anteroom):
    a = anteroom({"max_queued": 3})
    for i in range(3):
        a.create(str(i))
    with nothing_changes(a):
        answer = a.post("/v1/vm/", a.job("3"))
        is_refused(answer, "too_many_requests")
        is_refused(a.post("/v1/other/", [a.job(str(i), "other") for i in range(4)]), "too_many_requests", "/3")
        is_refused(a.post("/v1/vm/", [a.job("3"), a.job("1")]), "too_many_requests", "/0")  # the first that is wrong
        # What is there is said to be: its client may have had no answer.
        is_refused(a.post("/v1/vm/", a.job("1")), "duplicate_request_id", "/request_id")
        is_refused(a.post("/v1/vm/", a.job("3", callback=a.job("1")["callback"])), "duplicate_callback", "/callback")
        is_refused(a.post("/v1/vm/", [a.job("1"), a.job("3")]), "duplicate_request_id", "/0/request_id")
        taken = [a.job(str(i), "other") for i in (0, 1, 2, 1)]
        is_refused(a.post("/v1/other/", taken), "duplicate_request_id", "/3/request_id")
        is_refused(a.post("/v1/other/", [*taken[:3], a.job("x", "other", callback=taken[0]["callback"])]), "duplicate_callback", "/3/callback")
    assert int(answer.headers["Retry-After"]) > 0
    is_ok(a.post("/v1/other/", a.job("3", "other")), 201)
    assert a.delete("/v1/vm/1").status == 200
    a.create("3")
