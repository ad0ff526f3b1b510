# SPDX-License-Identifier: MIT
"""A demand that makes no sense is refused with a pointer to the number; one that is only huge waits and says why."""
import pytest

from contract import SAFE_MAX, is_ok, is_refused, nothing_changes


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def vm(**instance):
    return {"project": "project id", "instances": [instance]}


def kube(**pod):
    return {"namespace": "n", "pods": [pod]}


NO_AMOUNTS = [-1, 1.5, 0.0001, "1", "", None, True, [], {}, 2**53, 2**63, 2**64, -2**64, 10**100, -0.5]
CASES = [("vm", vm(**{resource: value}), f"/data/instances/0/{resource}") for resource in ("VCPU", "Memory", "Disk", "VGPU", "CUSTOM_X_1", "MEMORY_MB")
         for value in NO_AMOUNTS]
CASES += [("any", {"resources": {"seats": value}}, "/data/resources/seats") for value in NO_AMOUNTS]
CASES += [("any", {"instances": [{"seats": value}]}, "/data/instances/0/seats") for value in (-1, 1.5, 2**53, 10**100)]
CASES += [(type, data, f"/data/{list_}/0/count") for value in (0, -1, 1.5, "2", None, True, 10001, 2**53, [])
          for type, data, list_ in (("vm", vm(count=value), "instances"), ("any", {"instances": [{"x": 1, "count": value}]}, "instances"), ("kube", kube(count=value), "pods"))]
CASES += [("vm", {"project": "p", "instances": value}, "/data/instances") for value in ([], {}, None, "x", 1, True)]
CASES += [("vm", {"project": "p", "instances": [{"VCPU": 1}, value]}, "/data/instances/1") for value in (None, 1, "x", [], True)]
CASES += [("vm", {"project": value, "instances": [{"VCPU": 1}]}, "/data/project") for value in (None, 1, "", [], {}, "x" * 256)]
CASES += [("vm", {"host_aggregate": value, "instances": [{"VCPU": 1}]}, "/data/host_aggregate") for value in (None, 1, "", [], {}, "x" * 256)]
CASES += [
    ("vm", {"instances": [{"VCPU": 1}]}, "/data/project"),
    ("vm", {"project": "p", "instances": [{"VCPU": 1, "count": 5000}, {"VCPU": 2, "count": 5001}]}, "/data/instances/1"),
    ("vm", {"project": "p", "instances": [{"VCPU": i + 1} for i in range(101)]}, "/data/instances/100"),
    ("vm", vm(**{f"R{i:02}": 1 for i in range(33)}), "/data/instances/0"),
    ("vm", vm(Memory=1, MEMORY_MB=1), "/data/instances/0/MEMORY_MB"),
    ("any", {"pool": 1}, "/data/pool"), ("any", {"pool": ""}, "/data/pool"), ("any", {"pool": None}, "/data/pool"),
    ("any", {"resources": []}, "/data/resources"), ("any", {"resources": None}, "/data/resources"), ("any", {"resources": 5}, "/data/resources"),
    ("any", {"resources": {"": 1}}, "/data/resources/"), ("any", {"resources": {"a/b": -1}}, "/data/resources/a~1b"),
    ("any", {"resources": {"a": 1}, "instances": [{"a": 1}]}, "/data/resources"),
    ("kube", {"pods": [{}]}, "/data/namespace"), ("kube", {"namespace": 1, "pods": [{}]}, "/data/namespace"), ("kube", {"namespace": "n", "pods": []}, "/data/pods"),
    ("kube", kube(requests=[]), "/data/pods/0/requests"), ("kube", kube(requests=None), "/data/pods/0/requests"),
    ("kube", kube(nodeSelector=[]), "/data/pods/0/nodeSelector"), ("kube", kube(nodeSelector={"a b": "c"}), "/data/pods/0/nodeSelector/a b"),
    ("kube", kube(nodeSelector={"a": 1}), "/data/pods/0/nodeSelector/a"), ("kube", kube(tolerations={}), "/data/pods/0/tolerations"),
    ("kube", kube(tolerations=[{"operator": "Maybe", "key": "k"}]), "/data/pods/0/tolerations/0/operator"),
    ("kube", kube(tolerations=[{"key": "k", "effect": "Sometimes"}]), "/data/pods/0/tolerations/0/effect"),
]
CASES += [("kube", kube(requests={"cpu": value}), "/data/pods/0/requests/cpu")
          for value in ("", "-1", -1, "1 ", "1x", "one", "1e", "1mm", "Ki", None, True, [], {}, "1e30", 10**20, "0x1", "1,5", "NaN", "∞")]
CASES += [("kube", kube(requests={"nvidia.com/gpu": "500m"}), "/data/pods/0/requests/nvidia.com~1gpu")]


@pytest.mark.parametrize("type, data, pointer", CASES, ids=lambda x: str(x)[:60].replace("\n", " ") if not isinstance(x, dict) else str(x)[-40:])
def test_a_wrong_demand_is_refused_with_a_pointer_to_it(a, type, data, pointer):
    with nothing_changes(a, f"/v1/{type}/"):
        is_refused(a.post(f"/v1/{type}/", a.job("new", type, data=data)), "invalid", pointer)


LONG = "~" * 255  # the longest name of a resource, every byte of which is escaped


@pytest.mark.parametrize("data, pointer", [
    ({"resources": {LONG: -1}}, "/data/resources/" + "~0" * 255),
    ({"instances": [{}] * 9999 + [{LONG: -1}]}, "/data/instances/9999/" + "~0" * 255),
    ({"resources": {"n" * 254 + "~": -1, "n" * 255: 1}}, f"/data/resources/{'n' * 254}~0"),
    ({"resources": {"名" * 85: -1}}, "/data/resources/" + "名" * 85),
    # What is longer is cut at a slash.
    ({"resources": {"~" * 500: 1}}, "/data/resources"), ({"instances": [{"x": 1}, {"y/" * 400: 1}]}, "/data/instances/1"),
], ids=["tildes", "the last of many", "a tilde at the end", "three bytes each", "an object", "an element"])
def test_a_pointer_names_one_member_however_long_or_what_it_is_in(a, data, pointer):
    body = a.job("long", "any", data=data)
    with nothing_changes(a, "/v1/any/"):
        is_refused(a.post("/v1/any/", body), "invalid", pointer)
        is_refused(a.post("/v1/any/", [a.job("ok", "any"), body]), "invalid", "/1" + pointer)


def test_of_an_unknown_member_with_a_name_too_long_the_object_is_named(a):
    for name, pointer in (("n" * 600, "/" + "n" * 600), ("n" * 6000, ""), ("~" * 6000, "")):
        is_refused(a.post("/v1/any/", {**a.job("x", "any"), name: 1}), "unknown_member", pointer)
        is_refused(a.post("/v1/any/", [{**a.job("x", "any"), name: 1}]), "unknown_member", "/0" + pointer)


@pytest.mark.parametrize("text", ["9007199254740992", "9007199254740993.0", "9007199254740991.5", "1e16", "1.00000000000000000001", "1e-1", "-1e0", "1e400", "-1e400", "1e999999999999"])
def test_numbers_are_judged_by_their_digits_and_not_by_a_rounded_value(a, text):
    body = '{"request_id": "new", "owner_id": "o", "callback": "new", "data": {"project": "p", "instances": [{"VCPU": %s}]}}' % text
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/", body), "invalid", "/data/instances/0/VCPU")


@pytest.mark.parametrize("instance", [
    {"VCPU": SAFE_MAX}, {"VCPU": SAFE_MAX, "count": 10000}, {"VCPU": 65}, {"Memory": 262145}, {"Disk": 2001}, {"VGPU": 1}, {"VCPU": 1, "CUSTOM_X": 1},
])
def test_a_huge_demand_waits_and_says_that_it_never_fits(anteroom_that_has_read, instance):
    a = anteroom_that_has_read
    job = is_ok(a.post("/v1/vm/", a.job(str(instance), data=vm(**instance))), 201)
    assert (job["Status"], job["Reason"]) == ("queued", "NeverFits")
    a.dispatch()
    shown = [j for j in is_ok(a.get("/v1/vm/")) if j["ID"] == job["ID"]][0]
    assert (shown["Status"], shown["Reason"]) == ("queued", "NeverFits")


@pytest.fixture(scope="module")
def anteroom_that_has_read(shared_anteroom):
    a = shared_anteroom()
    a.dispatch()
    return a


def test_a_demand_for_nothing_is_served_at_once(anteroom_that_has_read):
    a = anteroom_that_has_read
    a.create("nothing", data={"project": "project id"})
    a.create("zero", data=vm(VCPU=0))
    a.dispatch()
    assert (a.status("nothing"), a.status("zero")) == ("running", "running")
