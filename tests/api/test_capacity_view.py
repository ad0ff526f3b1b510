# SPDX-License-Identifier: MIT
"""GET /queues/{type}/capacity: pools and hosts of the last reading, with what is used, held and free."""
import re
from urllib.parse import quote

import pytest

from cloud import change, create, lab, queue
from contract import has_envelope, is_ok, is_refused
from reading import CLOUD, HOLD, HOST, POOL, READING, TOTAL, write

TYPES = ["lab", "a/b", "你好", " x", "capacity", "queues", "a%2Fb", "'\"\\"]


def view(a, type="lab"):
    return is_ok(a.get(f"/queues/{quote(type, safe='')}/capacity"))


def amounts(total, used=0, held=0):
    return {"Total": total, "Used": used, "Held": held, "Free": max(0, total - used - held)}


@pytest.fixture
def two_pools(anteroom):
    """A queue with two pools that share a host, after a first pass."""
    a = anteroom(lab(pools={"west": {"projects": ["p2", "p1"], "hosts": {"n2": {"gpu": 8, "memory": 4}, "n1": {"gpu": 4}}},
                            "east": {"hosts": {"n3": {"gpu": 16}, "n1": {"gpu": 4}}}}))
    a.dispatch()
    return a


def test_pools_and_hosts_sorted_by_name(two_pools):
    data = view(two_pools)
    assert list(data) == ["Type", "Source", "ReadAt", "Age", "Error", "About", "Pools", "Hosts"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)", data["ReadAt"])
    assert {k: data[k] for k in ("Type", "Source", "Age", "Error", "About")} == \
        {"Type": "lab", "Source": "static", "Age": None, "Error": None, "About": None}
    assert data["Pools"] == [
        {"Name": "east", "Open": True, "Projects": [], "Hosts": 2, "Unread": 0, "Resources": {"gpu": amounts(20)}},
        {"Name": "west", "Open": False, "Projects": ["p1", "p2"], "Hosts": 2, "Unread": 0,
         "Resources": {"gpu": amounts(12), "memory": amounts(4)}},
    ]
    assert data["Hosts"] == [
        {"Name": "n1", "Pools": ["east", "west"], "Resources": {"gpu": amounts(4)}},
        {"Name": "n2", "Pools": ["west"], "Resources": {"gpu": amounts(8), "memory": amounts(4)}},
        {"Name": "n3", "Pools": ["east"], "Resources": {"gpu": amounts(16)}},
    ]
    assert list(data["Pools"][1]["Resources"]) == ["gpu", "memory"]


def test_what_jobs_hold_is_not_free(two_pools):
    create(two_pools, "j", 10, pool="east")
    create(two_pools, "k", {"gpu": 5, "memory": 4}, pool="west")
    two_pools.dispatch()
    data = view(two_pools)
    assert {h["Name"]: h["Resources"]["gpu"] for h in data["Hosts"]} == \
        {"n1": amounts(4), "n2": amounts(8, held=5), "n3": amounts(16, held=10)}
    assert data["Pools"][0]["Resources"] == {"gpu": amounts(20, held=10)}
    assert data["Pools"][1]["Resources"] == {"gpu": amounts(12, held=5), "memory": amounts(4, held=4)}
    change(two_pools, "j", status="finished")
    assert view(two_pools)["Pools"][0]["Resources"] == {"gpu": amounts(20)}


def test_before_the_first_pass_nothing_is_known(anteroom):
    a = anteroom(lab({"n1": {"gpu": 4}}))
    assert view(a) == {"Type": "lab", "Source": "static", "ReadAt": None, "Age": None, "Error": None, "About": None,
                       "Pools": [], "Hosts": []}


def test_a_type_that_nobody_configured_has_no_source(two_pools):
    assert view(two_pools, "other") == {"Type": "other", "Source": "none", "ReadAt": None, "Age": None, "Error": None,
                                        "About": None, "Pools": [], "Hosts": []}


def test_the_entry_for_all_others_answers_for_them(anteroom):
    a = anteroom({"queues": {"*": queue({"n1": {"gpu": 4}})}})
    a.dispatch()
    data = view(a, "any")
    assert (data["Type"], data["Source"], data["Hosts"][0]["Name"]) == ("any", "static", "n1")


@pytest.fixture(scope="module")
def odd(shared_anteroom):
    a = shared_anteroom({"queues": {type: queue({f"host of {type}": {"gpu": i + 1}}) for i, type in enumerate(TYPES)}})
    a.dispatch()
    return a


@pytest.mark.parametrize("type", TYPES)
def test_the_type_is_decoded(odd, type):
    data = view(odd, type)
    assert (data["Type"], [h["Name"] for h in data["Hosts"]]) == (type, [f"host of {type}"])
    assert is_ok(odd.get(f"/queues/{quote(type, safe='')}/capacity/")) == data  # with the last slash too


@pytest.mark.parametrize("path", ["/queues/%ff/capacity", "/queues/%2e%2e/capacity", "/queues/a%0a/capacity",
                                  f"/queues/{'x' * 256}/capacity"])
def test_a_type_that_is_none_is_refused(odd, path):
    is_refused(odd.get(path), "bad_request")


@pytest.mark.parametrize("path", ["/queues//capacity", "/queues/lab/capacity/x", "/queues/lab/Capacity"])
def test_other_paths_are_not_found(odd, path):
    is_refused(odd.get(path), "not_found")


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_it_is_only_read(odd, method):
    answer = odd.request(method, "/queues/lab/capacity", b"{}" if method != "DELETE" else None)
    is_refused(answer, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_an_unknown_query_parameter_is_refused(odd):
    answer = odd.get("/queues/lab/capacity?limit=1")
    is_refused(answer, "unknown_parameter")
    assert "limit" in answer.json["error"]


def test_head_is_get_without_the_body(odd):
    got, head = odd.get("/queues/lab/capacity"), odd.head("/queues/lab/capacity")
    assert (got.status, head.status, head.body) == (200, 200, b"")
    assert got.headers["Cache-Control"] == head.headers["Cache-Control"] == "no-cache"
    assert got.headers["ETag"] == head.headers["ETag"]
    assert "Content-Length" not in head.headers
    is_refused(odd.get("/queues/lab/capacity?x=1"), "unknown_parameter")
    assert odd.head("/queues/lab/capacity?x=1").status == 400


@pytest.fixture
def cloud(anteroom):
    """A queue of OpenStack's with a reading that was begun at 1000 s, written as a dispatcher would."""
    a = anteroom(CLOUD)
    t = 1000 * 10**9
    ids = [a.create(name)["ID"] for name in ("a", "b", "c")]
    write(a, (*READING, ("vm", t, 5, t, None, "Placement 1.39")), (*POOL, ("vm", "agg", 0, 1, 3, 0)),
          (*HOST, ("vm", "agg", "n1"), ("vm", "agg", "n2")),
          (*TOTAL, ("vm", "n1", "VCPU", 8, 10), ("vm", "n2", "VCPU", 8, 1), ("vm", "n3", "VCPU", 8, 8)),
          (*HOLD, ("vm", "n2", "VCPU", ids[0], 1, 2, None), ("vm", "n2", "VCPU", ids[1], 1, 3, t + 1),
           ("vm", "n2", "VCPU", ids[2], 1, 4, t), ("other", "n2", "VCPU", ids[0], 1, 1, None)))
    return a


def test_use_and_holds_of_an_observed_source(cloud):
    data = view(cloud, "vm")
    assert (data["Source"], data["About"], data["Error"]) == ("openstack", "Placement 1.39", None)
    assert data["Age"] > 10**6
    assert re.match(r"vm: openstack, read \d+ d( \d+ h)? ago, Placement 1\.39$", cloud.command("capacity", "vm").stdout, re.M)
    # More used than there is leaves nothing, and takes nothing from the other host. The hold that ended when the reading was
    # begun is in what is used.
    assert data["Hosts"] == [
        {"Name": "n1", "Pools": ["agg"], "Resources": {"VCPU": amounts(8, used=10)}},
        {"Name": "n2", "Pools": ["agg"], "Resources": {"VCPU": amounts(8, used=1, held=5)}},
        {"Name": "n3", "Pools": [], "Resources": {"VCPU": amounts(8, used=8)}},
    ]
    assert data["Pools"] == [{"Name": "agg", "Open": False, "Projects": [], "Hosts": 2, "Unread": 3,
                              "Resources": {"VCPU": {"Total": 16, "Used": 11, "Held": 5, "Free": 2}}}]


def test_queues_that_share_a_source_show_what_the_others_hold(anteroom):
    entry = {**CLOUD["queues"]["vm"], "cloud": "first"}
    a = anteroom({"queues": {"big": entry, "vm": entry, "elsewhere": {**entry, "cloud": "second"}}})
    job = a.create("a")["ID"]
    write(a, *((*READING, (q, 5, 5, 5, None, None)) for q in ("big", "vm", "elsewhere")),
          (*TOTAL, *((q, "n1", "VCPU", 8, 0) for q in ("big", "vm", "elsewhere"))), (*HOLD, ("big", "n1", "VCPU", job, 1, 3, None)))
    seen = {q: view(a, q)["Hosts"][0]["Resources"]["VCPU"] for q in ("big", "vm", "elsewhere")}
    assert seen == {"big": amounts(8, held=3), "vm": amounts(8, held=3), "elsewhere": amounts(8)}


def test_a_failed_reading_shows_why_and_the_last_good_one(cloud):
    before = view(cloud, "vm")
    write(cloud, ("UPDATE readings SET error = 'Keystone answered 503: \"no\"', tried_at = tried_at + 1",))
    after = view(cloud, "vm")
    assert after["Error"] == 'Keystone answered 503: "no"'
    assert [after[k] for k in ("ReadAt", "Pools", "Hosts")] == [before[k] for k in ("ReadAt", "Pools", "Hosts")]


def test_a_source_that_could_never_be_read(anteroom):
    a = anteroom(CLOUD)
    write(a, (*READING, ("vm", 5, 5, None, "no route to host", None)))
    assert view(a, "vm") == {"Type": "vm", "Source": "openstack", "ReadAt": None, "Age": None, "Error": "no route to host",
                             "About": None, "Pools": [], "Hosts": []}


def test_the_tag_is_of_all_but_the_age(cloud):
    """Each change gives another tag; the clock alone does not."""
    path, seen = "/queues/vm/capacity", set()
    for change in ("UPDATE holds SET amount = amount + 1 WHERE until IS NULL", "UPDATE readings SET error = 'no'",
                   "UPDATE readings SET error = NULL, about = 'no'", "UPDATE readings SET read_at = read_at + 1",
                   "DELETE FROM holds WHERE until IS NULL", "UPDATE readings SET digest = 7", "DELETE FROM readings"):
        answer = cloud.get(path)
        tag = answer.headers["ETag"]
        assert tag.startswith('W/"') and tag not in seen
        seen.add(tag)
        for known in (tag, tag.removeprefix("W/"), "*", f'"x", {tag}'):
            same = cloud.get(path, headers={"If-None-Match": known})
            assert (same.status, same.body, same.headers["ETag"]) == (304, b"", tag)
        is_refused(cloud.get(path, headers={"If-Match": tag}), "precondition_failed")
        assert cloud.get("/queues/other/capacity", headers={"If-None-Match": tag}).status == 200
        write(cloud, (change,))
        assert cloud.get(path, headers={"If-None-Match": tag}).status == 200


def test_ten_thousand_hosts_are_streamed(anteroom):
    a = anteroom(CLOUD)
    write(a, (*READING, ("vm", 5, 5, 5, None, None)), (*POOL, ("vm", "agg", 1, 0, 0, 0)),
          (*HOST, *(("vm", "agg", f"n{i:05}") for i in range(10000))),
          (*TOTAL, *(("vm", f"n{i:05}", r, 2**53 - 1, i) for i in range(10000) for r in ("Disk", "Memory", "VCPU"))))
    answer = a.get("/queues/vm/capacity")
    has_envelope(answer)
    data = is_ok(answer)
    assert [h["Name"] for h in data["Hosts"]] == [f"n{i:05}" for i in range(10000)]
    assert "Content-Length" not in answer.headers
    # The sums do not overflow.
    assert data["Pools"][0]["Resources"]["VCPU"] == {"Total": 2**63 - 1, "Used": sum(range(10000)), "Held": 0, "Free": 2**63 - 1}
