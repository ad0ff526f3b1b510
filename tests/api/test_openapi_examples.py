# SPDX-License-Identifier: MIT
"""Every example of /openapi.json is sent, one after the other, to what `make run` starts, and the answers are the document's."""
import json
import re
from urllib.parse import quote, urlencode

import pytest

from openapi import DOCUMENT, TIME, operations, parameters, resolve

# What differs each time: numbers that the server gives, and how long things took.
VARIES = {"ID", "Priority", "DurationMs", "Ms", "Age", "LastMinute", "LastHour", "LastDay"}
OPERATIONS = {op["operationId"]: (path, method, op) for path, method, op in operations()}
ADMIN, OWNER, NOBODY = {"Authorization": "admin"}, {"Authorization": "owner"}, {}


def examples():
    """(operationId, status or "request", name) -> the example."""
    for name, (_, _, op) in OPERATIONS.items():
        for status, part in [("request", op.get("requestBody", {})), *op["responses"].items()]:
            for media in resolve(part).get("content", {}).values():
                for word, example in media.get("examples", {}).items():
                    yield (name, status, word), example


EXAMPLES = dict(examples())


class Talk:
    """What is sent, and which examples that were."""

    def __init__(self, a):
        self.a = a
        self.shown = set()  # the examples' own identities: several operations may share one

    def take(self, *key):
        self.shown.add(id(EXAMPLES[key]))
        return EXAMPLES[key]["value"]

    def __call__(self, name, sent=None, expected=200, shown=None, body=None, headers=None, method=None, key=None, **values):
        """sent, shown: names of the examples of the request and of the answer; body: something else; key: the answer's, if not its
        status; values: parameters, which otherwise are as the document's own examples of them."""
        path, verb, op = OPERATIONS[name]
        query = {}
        for p in parameters(path, op):
            value = values.get(p["name"], p["example"] if p["in"] == "path" else None)
            value = p["example"] if value is True else value
            if p["in"] == "path":
                path = path.replace("{%s}" % p["name"], quote(value, safe=""))
            elif p["in"] == "query" and value is not None:
                query[p["name"]] = ",".join(value) if isinstance(value, list) else value
            elif p["in"] == "header" and value is not None:
                headers = {**(headers or {}), p["name"]: value}
        query.update(values.get("more", {}))
        content = self.take(name, "request", sent) if sent else body
        answer = self.a.request(method or verb.upper(), path + ("?" + urlencode(query) if query else ""), content, headers)
        assert answer.status == expected, (name, sent, answer)
        if shown:
            same(self.take(name, key or str(expected), shown), answer.json, answer)
        return answer


def same(example, value, answer, name=None):
    """The answer is the example's, but for what differs each time."""
    if isinstance(example, dict) and isinstance(value, dict):
        assert list(example) == list(value), answer
        for k in example:
            same(example[k], value[k], answer, k)
    elif isinstance(example, list) and isinstance(value, list):
        assert len(example) == len(value), answer
        for x, y in zip(example, value):
            same(x, y, answer, name)
    elif isinstance(example, str) and isinstance(value, str):
        assert masked(example, name) == masked(value, name), (name, answer)
    elif name in VARIES and example is not None:
        assert isinstance(value, (int, float)), (name, answer)
    else:
        assert type(example) is type(value) and example == value, (name, answer)


def masked(text, name):
    if TIME.match(text):
        return "a time"
    if name == "next":
        return "a cursor" if len(text) > 10 else text
    return re.sub("^msg_[0-9a-f]{16}_[0-9]+_", "msg_", re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", text))


def a_first_job(say):
    say("health", shown="ok")
    say("createJobs", "one", 201, "one", **{"Idempotency-Key": True})
    say("createJobs", "one", 201, "one", **{"Idempotency-Key": True})
    say("showJob", shown="waiting")
    say.a.dispatch()
    say("showJob", shown="running")
    say("listEvents", shown="life")
    say("listDeliveries", shown="accepted")
    say("showCapacity", shown="static")
    say("showQueue", shown="queue")
    say("listQueues", shown="page", limit=1)
    say("listQueues", limit=True)
    say("changeJob", "confirm", shown="done")


def waiting(say):
    say("whyJobWaits", shown="running")
    say("createJobs", "large", 201)
    say.a.dispatch()
    say("whyJobWaits", shown="waiting", request_id="big")
    say("deleteJob", request_id="big")
    say("metrics")


def lists(say):
    say("createJobs", "other_owner", 201)
    say("listJobs", shown="queue")
    say("listJobs", shown="filtered", owner_id="x", status=["queued"])
    say("listJobs", shown="page", limit=1)
    say("listJobs", owner_id=True, status=True, limit=True)


def changes(say):
    say("createJobs", "several", 201, "several")
    for name in ("priority", "between", "front", "back", "before", "after", "hold", "resume", "data", "several", "at_once", "start", "finish"):
        say("changeJob", name, shown="done", request_id="a")
    say("changeJob", "cancel", request_id="b")
    say("sendAgain", "again")
    say("createJobs", "pods", 201, type="kube")
    say("createJobs", "licences", 201, type="lab")
    say("changeQueue", "pause")
    say("changeQueue", "go_on")


def refusals(say):
    say("showJob", None, 400, "unknown_parameter", more={"color": "red"})
    say("listJobs", None, 400, "invalid_cursor", after="x")
    say("createJobs", None, 400, "malformed_json", body="{")
    say("showJob", None, 404, "not_found", request_id="nobody")
    say("createJobs", "one", 409, "duplicate_request_id")
    say("changeJob", "finish", 409, "invalid_transition", request_id="e")
    say("sendAgain", None, 409, "invalid_transition", request_id="e")
    say("changeJob", "priority", 412, "precondition_failed", **{"If-Match": True})
    say("changeJob", None, 422, "unknown_member", body={"color": "red"})
    say("createJobs", None, 422, "invalid", body={"request_id": "f", "owner_id": "y", "callback": "f", "data": {
        "project": "project id", "instances": [{"VCPU": "1"}]}})
    say("showJob", None, 405, "method_not_allowed", method="PUT", key="4XX")
    tag = say("showJob").headers["ETag"]
    say("showJob", None, 304, **{"If-None-Match": tag})
    say("deleteJob", shown="done", **{"If-Match": tag})


def test_they_work_in_the_order_of_a_readers_day(anteroom):
    say = Talk(anteroom())
    for part in (a_first_job, waiting, lists, changes, refusals):
        part(say)
    locked = Talk(anteroom({"auth": "tokens"}))
    locked.shown = say.shown
    locked("listJobs", None, 401, "no_token")
    locked("createJobs", "other_owner", 403, "forbidden", headers=locked.a.token("portal", "owner", "y"))
    say.a.fcgi.stop()
    say("listJobs", None, 503, "unavailable")
    assert [key for key, example in EXAMPLES.items() if id(example) not in say.shown] == []


def test_the_callback_is_the_documents(anteroom, receiver):
    a = anteroom()
    a.create("d", callback=receiver.url("abc"))
    a.dispatch()
    came = receiver.wait()[0]
    media = DOCUMENT["webhooks"]["jobAdmitted"]["post"]["requestBody"]["content"]["application/json"]
    value = json.loads(came.body)
    value["data"]["Callback"] = "abc"
    for example in media["examples"].values():
        same(example["value"], value, came)
