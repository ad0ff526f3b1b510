# SPDX-License-Identifier: MIT
"""Idempotency-Key on create: the same key and body again answer the first answer again."""
import json

import pytest

from contract import is_done, is_ok, is_refused, nothing_changes, order


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def post(a, key, body, type="vm"):
    return a.post(f"/v1/{type}/", body, headers={"Idempotency-Key": key})


def is_the_same(answer, first):
    assert (answer.status, answer.body) == (first.status, first.body)
    for name in ("Location", "ETag", "Content-Type"):
        assert answer.headers[name] == first.headers[name]
    assert answer.headers["X-Request-Id"] != first.headers["X-Request-Id"]


def test_the_first_answer_comes_again_and_nothing_is_made(a):
    first = post(a, "again", a.job("again"))
    is_ok(first, 201)
    with nothing_changes(a):
        for _ in range(3):
            is_the_same(post(a, "again", a.job("again")), first)


def test_also_when_the_job_has_changed_since_or_is_gone(a):
    first = post(a, "gone", a.job("gone"))
    is_done(a.post("/v1/vm/gone", {"priority": 5}))
    is_the_same(post(a, "gone", a.job("gone")), first)
    is_done(a.delete("/v1/vm/gone"))
    is_the_same(post(a, "gone", a.job("gone")), first)
    is_refused(a.get("/v1/vm/gone"), "not_found")


def test_also_after_a_restart(anteroom):
    a = anteroom()
    first = post(a, "k", a.job("1"))
    a.restart_fcgi()
    is_the_same(post(a, "k", a.job("1")), first)


def test_also_for_an_array(a):
    body = [a.job(str(i), "keyed") for i in range(5)]
    first = post(a, "array", body, "keyed")
    assert len(is_ok(first, 201)) == 5
    is_the_same(post(a, "array", body, "keyed"), first)
    assert order(a, "/v1/keyed/") == [str(i) for i in range(5)]


def test_another_body_under_the_same_key_is_refused(a):
    text = json.dumps(a.job("other"))
    first = post(a, "other", text)
    is_ok(first, 201)
    with nothing_changes(a):
        for body in (json.dumps(a.job("other2")), text + " ", text.replace("1", "2", 1)):
            is_refused(post(a, "other", body), "idempotency_mismatch")
    is_the_same(post(a, "other", text), first)


def test_another_key_is_another_request(a):
    is_ok(post(a, "one", a.job("keys")), 201)
    with nothing_changes(a):
        is_refused(post(a, "two", a.job("keys")), "duplicate_request_id", "/request_id")
        is_refused(post(a, "ONE", a.job("keys")), "duplicate_request_id", "/request_id")
        is_refused(a.post("/v1/vm/", a.job("keys")), "duplicate_request_id", "/request_id")


def test_a_key_belongs_to_its_queue(a):
    is_ok(post(a, "shared", a.job("1", "q1"), "q1"), 201)
    is_ok(post(a, "shared", a.job("1", "q2"), "q2"), 201)


def test_a_refusal_is_not_kept_so_that_the_key_may_be_used_for_the_right_body(a):
    a.create("in the way")
    is_refused(post(a, "retry", a.job("in the way")), "duplicate_request_id", "/request_id")
    is_refused(post(a, "retry", {**a.job("right"), "x": 1}), "unknown_member", "/x")
    is_ok(post(a, "retry", a.job("right")), 201)


@pytest.mark.parametrize("key", ["", " ", "a b", "a\tb", "x" * 256, "\xe9"], ids=["empty", "blank", "with-a-blank", "with-a-tab", "too-long", "latin-1"])
def test_a_key_that_cannot_be_is_refused(a, key):
    with nothing_changes(a):
        is_refused(post(a, key, a.job("new")), "bad_request")


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted"', "!~", "8e03978e-40d5-43dd-bc93-6894a57f9324"])
def test_a_key_of_visible_characters_is_taken(a, key):
    name = f"key {len(key)} {key[:50]}"
    first = post(a, key, a.job(name))
    is_ok(first, 201)
    is_the_same(post(a, key, a.job(name)), first)
