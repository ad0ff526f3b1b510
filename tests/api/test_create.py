# SPDX-License-Identifier: MIT
"""POST /v1/{type}/: what a new job is made of, alone and in arrays."""
import datetime
import json
import re
from urllib.parse import quote

import pytest

from contract import MEMBERS, SAFE_MAX, is_ok, is_refused, nothing_changes, order


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def create(a, type, request_id, **members):
    return is_ok(a.post(f"/v1/{quote(type, safe='')}/", a.job(request_id, type, **members)), 201)


def instant(text):
    """Nanoseconds since 1970 of a time as the service writes it."""
    whole, nanoseconds, zone = re.fullmatch(r"(.{19})\.(\d{9})(Z|[+-]\d\d:\d\d)", text).groups()
    seconds = datetime.datetime.fromisoformat(whole + zone.replace("Z", "+00:00")).timestamp()
    return int(seconds) * 10**9 + int(nanoseconds)


def test_a_new_job_has_the_members_in_order_and_says_why_it_waits(a):
    job = create(a, "vm", "members")
    assert list(job)[:11] == MEMBERS
    assert set(list(job)[11:]) == {"Reason", "Message"}
    assert job["Reason"] == "WaitingForCapacity" and job["Message"]
    assert job["DeletedAt"] is None and job["Status"] == "queued"


def test_the_location_leads_to_the_job_and_the_etag_is_the_jobs(a):
    answer = a.post("/v1/vm/", a.job("where"))
    shown = a.get(answer.headers["Location"])
    assert is_ok(shown) == is_ok(answer, 201)
    assert shown.headers["ETag"] == answer.headers["ETag"]


def test_the_first_priority_is_the_microseconds_since_the_epoch_of_priorities(a):
    job = create(a, "epoch", "1")
    epoch = instant("2018-07-26T05:51:00.621743000Z")
    assert job["Priority"] == (instant(job["CreatedAt"]) - epoch) // 1000


def test_priorities_grow_so_that_first_come_is_first_served(a):
    priorities = [create(a, "grow", str(i))["Priority"] for i in range(50)]
    assert priorities == sorted(set(priorities))
    assert order(a, "/v1/grow/") == [str(i) for i in range(50)]


def test_who_comes_after_a_move_to_the_back_stands_behind_it(a):
    for name in "pqr":
        create(a, "back", name)
    assert a.post("/v1/back/p", {"move": "back"}).status == 200
    create(a, "back", "s")
    assert order(a, "/v1/back/") == ["q", "r", "p", "s"]


@pytest.mark.parametrize("text, value", [
    ("1", 1), ("-1", -1), ("0", 0), ("-0", 0), ("83334", 83334), ("83334.0", 83334), ("8.3334e4", 83334), ("1E+2", 100),
    ("-7.000", -7), (str(SAFE_MAX), SAFE_MAX), (str(-SAFE_MAX), -SAFE_MAX),
])
def test_a_given_priority_is_taken(a, text, value):
    body = json.dumps(a.job("p" + text)).replace('"request_id"', f'"priority": {text}, "request_id"', 1)
    assert is_ok(a.post("/v1/vm/", body), 201)["Priority"] == value


def test_a_mean_at_create_sorts_between_the_two_that_it_was_made_from(a):
    create(a, "mean", "p", priority=83334)
    create(a, "mean", "r", priority=83335)
    create(a, "mean", "q", priority=83334.5)
    create(a, "mean", "q2", priority=83334.0)  # equal ones by ID
    assert order(a, "/v1/mean/") == ["p", "q2", "q", "r"]


def test_a_given_priority_does_not_move_the_default_ones(a):
    create(a, "given", "1")
    create(a, "given", "far", priority=SAFE_MAX)
    later = create(a, "given", "2")
    assert later["Priority"] < SAFE_MAX
    assert order(a, "/v1/given/") == ["1", "2", "far"]


def test_ids_grow_and_are_never_used_again(a):
    first = create(a, "ids", "1")
    second = create(a, "ids", "2")
    assert a.delete("/v1/ids/2").status == 200
    third = create(a, "ids", "2")
    assert first["ID"] < second["ID"] < third["ID"]


@pytest.mark.parametrize("member, shown", [("not_before", "NotBefore"), ("valid_until", "ValidUntil")])
@pytest.mark.parametrize("text, ns", [
    ("2040-01-31T09:00:00+08:00", 2211584400_000000000),
    ("2040-01-31T01:00:00Z", 2211584400_000000000),
    ("2040-01-31T01:00:00.5Z", 2211584400_500000000),
    ("2040-01-31T01:00:00.123456789-00:30", 2211586200_123456789),
    ("1999-12-31T23:59:59Z", 946684799_000000000),
])
def test_a_time_is_the_same_instant_in_the_answer(a, member, shown, text, ns):
    job = create(a, "times", f"{member} {text}", **{member: text})
    assert instant(job[shown]) == ns


def test_a_job_before_its_time_says_so(a):
    job = create(a, "vm", "asleep", not_before="2040-01-31T09:00:00+08:00")
    assert job["Reason"] == "NotBefore"
    assert create(a, "vm", "awake", not_before="2000-01-31T09:00:00+08:00")["Reason"] == "WaitingForCapacity"


@pytest.mark.parametrize("content_type", [None, "application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_the_requests_content_type_is_not_looked_at(a, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    is_ok(a.post("/v1/vm/", a.job(f"type {content_type}"), headers=headers), 201)


@pytest.mark.parametrize("callback", [
    "abc-1", "http://example.org/", "https://example.org:8443/a?b=c#d", "HTTP://EXAMPLE.ORG", "/absolute/path", "?query", "//host.example/x",
    "http://[2606:4700::1]:80/x", "a%20b", "http://93.184.216.34/" + "x" * 2000,
])
def test_a_callback_is_kept_as_it_was_written(a, callback):
    assert create(a, "vm", f"cb {callback}"[:255], callback=callback)["Callback"] == callback


@pytest.mark.parametrize("given, kept", [
    ('{"b": 1, "a": 2}', '{"a":2,"b":1}'),
    ('{"n": 1.0, "m": 1e2, "k": 12345678901234567890123}', '{"k":12345678901234567890123,"m":1e2,"n":1.0}'),
    ('{"n": 0.1000, "m": -0, "k": 1E400}', '{"k":1E400,"m":-0,"n":0.1000}'),
    ('{"deep": [{"z": null, "y": [true, false, {}]}, [], ""]}', '{"deep":[{"y":[true,false,{}],"z":null},[],""]}'),
    ('{"image": "日本", "t": "\\u65e5\\u672c"}', '{"image":"日本","t":"日本"}'),
    ('{"t": "\\ud83d\\ude00 \\/ \\u0041 \\""}', '{"t":"😀 / A \\""}'),
    ('{"": 1, "A": 2, "a": 3, "Z": 4, "é": 5}', '{"":1,"A":2,"Z":4,"a":3,"é":5}'),
    ("{}", "{}"),
])
def test_data_is_kept_as_compact_json_with_sorted_keys_and_numbers_to_the_last_digit(a, given, kept):
    body = f'{{"request_id": {json.dumps("data " + given)}, "owner_id": "o", "callback": {json.dumps(quote(given))}, "data": {given}}}'
    answer = a.post("/v1/data/", body.encode())
    assert is_ok(answer, 201)["Data"] == kept
    assert json.loads(kept) == json.loads(given)


@pytest.mark.parametrize("type, data", [
    ("vm", {}),
    ("vm", {"note": "asks for nothing", "project": "project id"}),
    ("vm", {"instances": [{}], "project": "p"}),
    ("vm", {"instances": [{"VCPU": 0, "image": "debian", "PCPU": 2, "CUSTOM_FPGA_1": 1, "count": 3}], "project": "p"}),
    ("vm", {"instances": [{"VCPU": 1}], "host_aggregate": "host1"}),
    ("vm", {"instances": [{"VCPU": SAFE_MAX, "Memory": 1.0, "Disk": 1e3, "count": 10000}], "project": "p"}),
    ("kube", {}),
    ("kube", {"namespace": "ns", "pods": [{}]}),
    ("kube", {"namespace": "ns", "pods": [{"count": 2, "requests": {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": 1}}]}),
    ("kube", {"namespace": "ns", "pods": [{"requests": {"cpu": 1.5, "memory": "100e-3"}, "nodeSelector": {"zone": "a"},
                                           "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]}]}),
    ("licence", {"pool": "site", "resources": {"seats": 3}}),
    ("licence", {"instances": [{"seats": 1, "count": 2, "note": "not a number: not a resource"}]}),
    ("licence", {"anything": "else", "count": "of the client", "Memory": -1}),
])
def test_demands_of_every_type_are_taken(a, type, data):
    name = json.dumps(data)[:200]
    assert json.loads(create(a, type, name, callback=quote(f"{type}{name}"), data=data)["Data"]) == data | (
        {"host_aggregate": "host1"} if data.get("project") == "project id" else {})


def test_the_aggregate_is_resolved_only_where_none_was_given(a):
    given = create(a, "vm", "aggregate", data={"project": "project id", "host_aggregate": "mine", "instances": [{"VCPU": 1}]})
    assert json.loads(given["Data"])["host_aggregate"] == "mine"
    other = create(a, "agg", "aggregate", data={"project": "project id"})
    assert json.loads(other["Data"]) == {"project": "project id"}


@pytest.mark.parametrize("type, data, reason", [
    ("vm", {"project": "nobody's", "instances": [{"VCPU": 1}]}, "NoPool"),
    ("vm", {"host_aggregate": "nowhere", "instances": [{"VCPU": 1}]}, "NoPool"),
    ("kube", {"namespace": "n", "pods": [{}]}, "NoSource"),
    ("never heard of", {"resources": {"x": 1}}, "NoSource"),
])
def test_a_job_that_no_pool_serves_queues_and_says_so(a, type, data, reason):
    job = create(a, type, f"reason {reason} {len(json.dumps(data))}", data=data)
    assert (job["Status"], job["Reason"]) == ("queued", reason) and job["Message"]
    assert "host_aggregate" not in json.loads(job["Data"]) or "host_aggregate" in data


def test_a_demand_larger_than_every_host_is_told_so_once_the_hosts_are_known(anteroom):
    a = anteroom()
    a.dispatch()
    huge = {"project": "project id", "instances": [{"VCPU": 65}]}
    assert a.create("huge", data=huge)["Reason"] == "NeverFits"
    assert a.create("just fits", data={"project": "project id", "instances": [{"VCPU": 64}]})["Reason"] != "NeverFits"


def test_the_same_request_id_may_stand_in_another_queue(a):
    create(a, "one", "same", callback="one-same")
    create(a, "two", "same", callback="two-same")


# Arrays ---------------------------------------------------------------------------------------------------------------

def jobs(a, type, names, **members):
    return [a.job(name, type, **members) for name in names]


def test_an_array_creates_all_in_order(a):
    names = [f"n{i}" for i in range(20)]
    answer = a.post("/v1/array/", jobs(a, "array", names))
    data = is_ok(answer, 201)
    assert [job["RequestID"] for job in data] == names == order(a, "/v1/array/")
    assert data == a.get("/v1/array/").data
    assert "Location" not in answer.headers
    ids = [job["ID"] for job in data]
    assert ids == sorted(ids)


def test_an_array_of_one_answers_an_array(a):
    data = is_ok(a.post("/v1/array1/", jobs(a, "array1", ["x"])), 201)
    assert [job["RequestID"] for job in data] == ["x"]


def test_an_array_takes_1000_jobs_and_no_more(a):
    body = [{"request_id": str(i), "owner_id": "o", "data": {}, "callback": f"t{i}"} for i in range(1001)]
    with nothing_changes(a, "/v1/thousand/"):
        is_refused(a.post("/v1/thousand/", body), "invalid", "")
    assert len(is_ok(a.post("/v1/thousand/", body[:1000]), 201)) == 1000
    assert order(a, "/v1/thousand/") == [str(i) for i in range(1000)]


@pytest.mark.parametrize("at", [0, 1, 4])
@pytest.mark.parametrize("spoil, code, pointer", [
    (lambda job: job.pop("owner_id"), "invalid", "/owner_id"),
    (lambda job: job.update(priority="1"), "invalid", "/priority"),
    (lambda job: job.update(color="red"), "unknown_member", "/color"),
    (lambda job: job["data"]["instances"][0].update(VCPU=-1), "invalid", "/data/instances/0/VCPU"),
    (lambda job: job.update(request_id="taken"), "duplicate_request_id", "/request_id"),
    (lambda job: job.update(callback="taken-callback"), "duplicate_callback", "/callback"),
], ids=["missing", "wrong-type", "unknown", "demand", "request_id", "callback"])
def test_an_array_with_one_bad_job_creates_none_and_says_which(a, at, spoil, code, pointer):
    a.post("/v1/spoilt/", a.job("taken", "spoilt", callback="taken-callback"))
    body = jobs(a, "spoilt", [f"s{i}" for i in range(5)])
    spoil(body[at])
    with nothing_changes(a, "/v1/spoilt/"):
        is_refused(a.post("/v1/spoilt/", body), code, f"/{at}{pointer}")


def test_an_array_that_names_a_request_id_twice_creates_none(a):
    with nothing_changes(a, "/v1/twice/"):
        body = jobs(a, "twice", ["x", "y", "x"])
        body[2]["callback"] = "another"
        is_refused(a.post("/v1/twice/", body), "duplicate_request_id", "/2/request_id")
        is_refused(a.post("/v1/twice/", jobs(a, "twice", ["x", "y"], callback="same")), "duplicate_callback", "/1/callback")


@pytest.mark.parametrize("body, pointer", [([], ""), ([1], "/0"), ([None], "/0"), ([[]], "/0"), (["x"], "/0")])
def test_an_array_of_anything_but_jobs_is_refused(a, body, pointer):
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/", body), "invalid", pointer)
