# SPDX-License-Identifier: MIT
"""Every example of the document that the service was built from, word for word, on the default configuration."""
import re

import pytest

from harness import wait_until

MEMBERS = ["ID", "CreatedAt", "UpdatedAt", "DeletedAt", "RequestID", "Type", "OwnerID", "Data", "Callback", "Priority", "Status"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)")

# As curl sends it: line breaks, spaces and all, and the type of a form.
EXAMPLE = """{
"request_id": "d",
"owner_id": "y",
"data": {
"instances": [
{
"VCPU": 1,
"Memory": 1,
"Disk": 1
}
],
"project": "project id"
},
"callback": "abc"
}"""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DATA = '{"host_aggregate":"host1","instances":[{"Disk":1,"Memory":1,"VCPU":1}],"project":"project id"}'


@pytest.fixture
def seeded(anteroom):
    """Anteroom with the example posted, and its answer. No dispatcher: the job stays queued."""
    a = anteroom()
    return a, a.post("/v1/vm/", EXAMPLE, headers=FORM)


def test_post_creates_the_job(seeded):
    _, answer = seeded
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Location"].endswith("/v1/vm/d/") or answer.headers["Location"].endswith("/v1/vm/d")
    assert list(answer.json) == ["data", "ok"] and answer.json["ok"] is True
    job = answer.data
    assert list(job)[:11] == MEMBERS
    assert isinstance(job["ID"], int) and isinstance(job["Priority"], int)
    assert TIME.fullmatch(job["CreatedAt"]) and job["UpdatedAt"] == job["CreatedAt"]
    assert job["DeletedAt"] is None
    assert (job["RequestID"], job["Type"], job["OwnerID"], job["Callback"], job["Status"]) == ("d", "vm", "y", "abc", "queued")


def test_data_is_byte_for_byte_the_one_of_the_document(seeded):
    a, answer = seeded
    quoted = '"Data":' + '"' + DATA.replace('"', '\\"') + '"'
    for text in (answer.text, a.get("/v1/vm/").text, a.get("/v1/vm/d/").text):
        assert quoted in text.replace('"Data": "', '"Data":"')


def test_get_lists_the_queue(seeded):
    a, answer = seeded
    listed = a.get("/v1/vm/")
    assert listed.status == 200 and listed.json == {"data": [answer.data], "ok": True}
    assert list(listed.data[0])[:11] == MEMBERS


def test_get_filters_by_owner_and_status(seeded):
    a, answer = seeded
    other = a.create("e", owner_id="x")
    assert a.get("/v1/vm/?owner_id=x&status=queued").data == [other]
    assert a.get("/v1/vm/?owner_id=y").data == [answer.data]
    assert a.get("/v1/vm/?owner_id=x&status=running").data == []


def test_get_shows_one_job(seeded):
    a, answer = seeded
    shown = a.get("/v1/vm/d/")
    assert shown.status == 200 and shown.json == {"data": answer.data, "ok": True}


def test_post_changes_the_priority(anteroom):
    a = anteroom()
    a.create("a")
    answer = a.post("/v1/vm/a", '{\n"priority": 83334\n}', headers=FORM)
    assert answer.status == 200
    assert re.sub(rb"\s", b"", answer.body) == b'{"data":{},"ok":true}'
    assert a.get("/v1/vm/a/").data["Priority"] == 83334


def order(a):
    return [job["RequestID"] for job in a.get("/v1/vm/").data]


def test_smallest_minus_one_is_the_front_largest_plus_one_the_back_and_the_mean_between(anteroom):
    a = anteroom()
    for name in "pqr":
        a.create(name)
    assert order(a) == ["p", "q", "r"]
    priorities = [job["Priority"] for job in a.get("/v1/vm/").data]
    assert a.post("/v1/vm/r", {"priority": priorities[0] - 1}).status == 200
    assert order(a) == ["r", "p", "q"]
    assert a.post("/v1/vm/r", {"priority": priorities[1] + 1}).status == 200
    assert order(a) == ["p", "q", "r"]
    p, q, r = [job["Priority"] for job in a.get("/v1/vm/").data]
    assert a.post("/v1/vm/r", {"priority": (p + q) / 2}).status == 200
    assert order(a) == ["p", "r", "q"]


def test_every_route_works_with_and_without_the_last_slash(seeded):
    a, answer = seeded
    assert a.get("/v1/vm").json == a.get("/v1/vm/").json
    assert a.get("/v1/vm/d").json == {"data": answer.data, "ok": True}
    assert a.post("/v1/vm", a.job("e")).status == 201
    assert a.post("/v1/vm/e/", {"priority": 1}).status == 200
    assert order(a) == ["e", "d"]


@pytest.mark.parametrize("type", ["kube", "x", "a b", "日本", "a/b"])
def test_type_may_be_any_string(anteroom, type):
    from urllib.parse import quote

    a = anteroom()
    path = f"/v1/{quote(type, safe='')}/"
    answer = a.post(path, {"request_id": "1", "owner_id": "o", "data": {}, "callback": "c"})
    assert answer.status == 201 and answer.data["Type"] == type
    assert a.get(path).data == [answer.data]
    assert a.get("/v1/vm/").data == []


def test_when_the_resources_are_there_the_callback_is_called_and_the_job_runs(anteroom):
    a = anteroom(dispatcher=True)
    assert a.post("/v1/vm/", EXAMPLE, headers=FORM).status == 201
    a.wait_status("d", "running")
    log = a.dir / "log/callbacks.log"
    wait_until(lambda: 'POST "/demo/callback/abc" 204' in log.read_text(), what="the callback")
    assert log.read_text().count("/demo/callback/abc") == 1
    assert a.get("/v1/vm/?owner_id=y&status=running").data[0]["RequestID"] == "d"


def test_a_full_house_waits_until_somebody_leaves(anteroom):
    a = anteroom(dispatcher=True)
    whole = {"instances": [{"VCPU": 64, "Memory": 262144, "Disk": 2000}], "project": "project id"}
    a.create("first", data=whole)
    a.wait_status("first", "running")
    a.create("second", data=whole)
    wait_until(lambda: a.get("/v1/vm/second/").data.get("Reason"), what="the reason why it waits")
    assert a.status("second") == "queued"
    assert a.post("/v1/vm/first/", {"status": "finished"}).status == 200
    a.wait_status("second", "running")
