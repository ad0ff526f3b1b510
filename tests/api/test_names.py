# SPDX-License-Identifier: MIT
"""Types and request_ids are any text: with slashes, blanks, percent signs, letters of every script."""
from urllib.parse import quote

import pytest

from contract import is_done, is_ok, is_refused, nothing_changes, order

NAMES = ["a/b", "/", "//", "a//b", "a b", " a", "a ", "a%2Fb", "%", "%25", "%00", "a?b", "a&b=c", "a#b", "a;b", "a:b@c", "a+b", "a\\b", '"', "'", "{}", "<>", "|", "~", "...", "a.", ".a",
         "日本語", "été", "e\u0301te\u0301", "ß", "😀", "\u202e", "\u2028", "\uffff", "\U0010ffff", "NULL", "null", "0", "-1", "wait", "deliveries", "healthz", "v1",
         "x" * 255, "日" * 85, "%" * 255, "'; DROP TABLE jobs; --"]


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def q(text):
    return quote(text, safe="")


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:25]))
def test_a_name_works_as_type_and_as_request_id_in_every_route(a, name):
    answer = a.post(f"/v1/{q(name)}/", a.job(name, "t", callback=q(name)))
    job = is_ok(answer, 201)
    assert (job["Type"], job["RequestID"]) == (name, name)
    assert is_ok(a.get(answer.headers["Location"])) == job
    for path in (f"/v1/{q(name)}/{q(name)}", f"/v1/{q(name)}/{q(name)}/"):
        assert is_ok(a.get(path)) == job
    assert is_ok(a.get(f"/v1/{q(name)}")) == [job]
    is_ok(a.post(f"/v1/{q(name)}", a.job("other", "t", callback=q(name) + "other")), 201)
    is_done(a.post(f"/v1/{q(name)}/other", {"move": {"before": name}}))
    assert order(a, f"/v1/{q(name)}/") == ["other", name]
    is_done(a.post(f"/v1/{q(name)}/{q(name)}", {"priority": is_ok(a.get(f"/v1/{q(name)}/other"))["Priority"] - 1}))
    assert order(a, f"/v1/{q(name)}/") == [name, "other"]
    is_done(a.delete(f"/v1/{q(name)}/{q(name)}"))
    assert order(a, f"/v1/{q(name)}/") == ["other"]


@pytest.mark.parametrize("path", ["/v1/%6eames/%41", "/v1/names/%41/", "/%76%31/names/A", "/v1/n%61mes/A"])
def test_an_escape_that_was_not_needed_means_the_same(a, path):
    a.post("/v1/names/", a.job("A", "names"))
    assert is_ok(a.get(path))["RequestID"] == "A"


def test_lower_and_upper_case_escapes_mean_the_same(a):
    is_ok(a.post("/v1/case/", a.job("é/", "case")), 201)
    assert is_ok(a.get("/v1/case/%c3%a9%2f")) == is_ok(a.get("/v1/case/%C3%A9%2F"))


def test_a_plus_in_a_path_is_a_plus(a):
    is_ok(a.post("/v1/plus/", a.job("a+b", "plus")), 201)
    assert is_ok(a.get("/v1/plus/a+b"))["RequestID"] == "a+b"
    is_refused(a.get("/v1/plus/a%20b"), "not_found")


def test_an_encoded_slash_is_no_slash(a):
    is_ok(a.post("/v1/slash/", a.job("a/b", "slash")), 201)
    assert is_ok(a.get("/v1/slash/a%2Fb"))["RequestID"] == "a/b"
    is_refused(a.get("/v1/slash/a/b"), "not_found")
    is_ok(a.post("/v1/x%2Fy/", a.job("1", "x/y")), 201)
    is_refused(a.get("/v1/x/y"), "not_found")


BAD = ["", ".", "..", "a\nb", "\t", "\x00", "\x1b[0m", "\x7f", "\x80", "\x9f", "x" * 256, "日" * 86]


DOTS = ["../..", "../", "../x", "x/..", "x/../y", "/..", "./x", "x/.", "x/./y", "x/../../.."]


@pytest.mark.parametrize("name", [n for n in BAD if n != "\x00"] + DOTS)
def test_a_request_id_that_cannot_be_is_refused(a, name):
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/", a.job(name, callback="x")), "invalid", "/request_id")


@pytest.mark.parametrize("name", [n for n in BAD if n not in ("\x00", ".", "..")])
def test_an_owner_that_cannot_be_is_refused(a, name):
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/", a.job("new", owner_id=name)), "invalid", "/owner_id")


@pytest.mark.parametrize("name", [".", ".."])
def test_an_owner_may_be_what_could_not_stand_in_a_path(a, name):
    assert is_ok(a.post("/v1/owner/", a.job(f"o{name}", "owner", owner_id=name)), 201)["OwnerID"] == name


@pytest.mark.parametrize("name", [n for n in BAD if n] + DOTS)
def test_a_type_that_cannot_be_is_refused(a, name):
    with nothing_changes(a):
        answer = a.post(f"/v1/{q(name)}/", a.job("new"))
        if ".." in name.split("/") or name == ".":  # nginx resolves the dots before anybody sees them, as RFC 3986 has it
            assert answer.status in (400, 404, 405), answer
        else:
            is_refused(answer, "bad_request")


def test_jobs_that_are_called_so_already_go_on(anteroom):
    """As before a name with dots between slashes was refused."""
    a = anteroom()
    old = ("../x", "x/..", "./x")
    for i in range(len(old)):
        a.create(f"old-{i}", "dots")
    a.create("other", "dots")
    a.fcgi.stop()
    a.edit("".join(f"UPDATE jobs SET request_id = '{name}' WHERE request_id = 'old-{i}';" for i, name in enumerate(old)))
    a.start_fcgi()
    assert order(a, "/v1/dots/") == [*old, "other"]
    for name in old:
        path = f"/v1/dots/{q(name)}"
        assert is_ok(a.get(path))["RequestID"] == name
        assert is_ok(a.get(f"{path}/wait"))["Status"] == "queued"
        is_done(a.post("/v1/dots/other", {"move": {"before": name}}))
        is_done(a.post(path, {"move": "back"}))
    assert order(a, "/v1/dots/") == ["other", *old]
    for name in old:
        is_done(a.delete(f"/v1/dots/{q(name)}"))
    assert order(a, "/v1/dots/") == ["other"]
