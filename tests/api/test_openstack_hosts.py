# SPDX-License-Identifier: MIT
"""OpenStack, the whole way: which hosts are there for whom, and what a reading costs."""
import json

import pytest

import cloud
import openstack_fake
from openstack_fake import Answer, child, host
from sources import BASE

USED_UP = (40, 40)


@pytest.fixture
def fake():
    c = openstack_fake.Cloud()
    yield c
    c.close()


@pytest.fixture
def lab(anteroom, fake):
    """An Anteroom whose queue vm asks the fake."""
    return anteroom({"queues": {"vm": {"capacity": "openstack", "callback_base": BASE}}}, env=fake.env())


def gold(fake, **hosts):
    """The hosts of the aggregate that the jobs' project has."""
    fake.aggregates["gold"] = ({"filter_tenant_id": "p1"}, hosts)


def ask(a, name, **instance):
    a.create(name, data={"project": "p1", "instances": [{"Memory": 1024, **instance}]}, callback=f"cb-{name}")


def went_to(a, name):
    """Where a job went in one pass, and is running."""
    said = a.dispatch().stderr
    job = cloud.show(a, name, "vm")
    assert job["Status"] == "running", f"{job['Status']}, {job.get('Reason')}: {job.get('Message')}; {said}"
    return job["Hosts"]


def hosts(a):
    """{host: {class: (total, used)}} as --capacity says, of the processors."""
    queue = next(q for q in json.loads(a.dispatch("--capacity", "--json").stdout) if q["Type"] == "vm")
    return {h["Name"]: {r: (v["Total"], v["Used"]) for r, v in h["Resources"].items() if r.endswith("CPU")} for h in queue["Hosts"]}


def test_a_host_with_dedicated_processors_alone(fake, lab):
    """It has no VCPU, as with cpu_dedicated_set alone; a job takes what it asks for, and VCPU it has none."""
    gold(fake, dedicated=host(None, PCPU=(8, 0)))
    ask(lab, "pinned", PCPU=4)
    ask(lab, "floating", VCPU=1)
    assert went_to(lab, "pinned") == {"dedicated": 1}
    assert lab.status("floating") == "queued"
    assert hosts(lab) == {"dedicated": {"PCPU": (8, 0)}, "node03": {"VCPU": (40, 0)}}


def test_a_dry_run_asks_what_a_pass_would_ask(fake, lab):
    """The quota of the project first: it is not asked for before somebody waits who wants it."""
    gold(fake, n1=host())
    ask(lab, "first", VCPU=1)
    said = lab.dispatch("--dry-run").stdout
    assert fake.count("quota") == 1 and said == 'admit 1 {"n1":1}\n', said
    assert lab.status("first") == "queued"
    assert went_to(lab, "first") == {"n1": 1}


OFF = Answer(200, {"quota_set": {line: {"limit": -1, "in_use": -1, "reserved": -1} for line in ("instances", "cores", "ram")}})
OFF_TO_OTHERS = Answer(200, {"limits": {"absolute": {line: -1 for line in (
    "maxTotalInstances", "totalInstancesUsed", "maxTotalCores", "totalCoresUsed", "maxTotalRAMSize", "totalRAMUsed")}}})


@pytest.mark.parametrize("answers", [[OFF], [Answer(403, {"forbidden": {"message": "no"}}), OFF_TO_OTHERS]], ids=["detail", "limits"])
def test_quotas_that_are_off_limit_nobody(fake, lab, answers):
    """Found by review: with NoopQuotaDriver Nova counts nothing and says so as -1, which was no answer: nobody was admitted."""
    gold(fake, n1=host())
    fake.override["quota"] = answers
    ask(lab, "first", VCPU=1)
    assert went_to(lab, "first") == {"n1": 1}


def test_a_host_whose_vcpu_is_used_up_has_pcpu_left(fake, lab):
    """As it is the first time it is seen, and as it becomes later."""
    both = host(*USED_UP, PCPU=(8, 3))
    gold(fake, shared=host(*USED_UP), both=both)
    ask(lab, "first", PCPU=5)
    assert went_to(lab, "first") == {"both": 1}
    both["resources"]["VCPU"]["used"] = 0
    assert hosts(lab)["both"] == {"PCPU": (8, 3), "VCPU": (40, 0)}
    both["resources"]["VCPU"]["used"] = 40
    both["resources"]["PCPU"]["used"] = 4
    assert hosts(lab) == {"both": {"PCPU": (8, 4), "VCPU": USED_UP}, "shared": {"VCPU": USED_UP}, "node03": {"VCPU": (40, 0)}}


@pytest.mark.parametrize("members", [
    {"a": host(), "b": host()},
    {"a": host(), "b": host(*USED_UP)},
    {"a": host(None, PCPU=(8, 0)), "b": host(*USED_UP, PCPU=(8, 0))},
    {"a": host(), "b": host(MEMORY_MB=(8192, 8192))},
], ids=["VCPU", "VCPU-used-up", "PCPU", "no-memory"])
def test_a_reading_costs_a_request_a_pool(fake, lab, members):
    """Whatever processors there are and are left, once the members' names are known; and two of Nova."""
    gold(fake, **members)
    hosts(lab)
    for _ in range(2):
        fake.requests.clear()
        hosts(lab)
        assert sorted(fake.requests) == ["hypervisors", "nova", "placement", "placement"]


def test_a_host_that_is_down_takes_nothing(fake, lab):
    """Placement offers it, and Nova builds nothing on it; when it is back it takes who waits."""
    gold(fake, dead=host(), alive=host(VCPU=(40, 10)))
    fake.down = {"dead"}
    ask(lab, "small", VCPU=8)
    assert went_to(lab, "small") == {"alive": 1}  # though the other one is the emptiest
    ask(lab, "large", VCPU=30)
    lab.dispatch()
    assert cloud.show(lab, "large", "vm")["Reason"] == "WaitingForCapacity"  # not NeverFits
    assert hosts(lab)["dead"] == {"VCPU": USED_UP}
    fake.down = set()
    assert went_to(lab, "large") == {"dead": 1}


def pools(a):
    """{pool: (its hosts, how many are unread)} as --capacity says."""
    queue = next(q for q in json.loads(a.dispatch("--capacity", "--json").stdout) if q["Type"] == "vm")
    return {p["Name"]: ([h["Name"] for h in queue["Hosts"] if p["Name"] in h["Pools"]], p["Unread"]) for p in queue["Pools"]}


def test_a_host_of_an_aggregate_that_isolates_is_for_its_projects_alone(fake, lab):
    """Whatever other aggregates it is in: Nova looks at the host, not at the aggregate that a job names."""
    gold(fake, both=host())
    fake.aggregates["az1"] = ({}, {"both": fake.aggregates["gold"][1]["both"], "common": host(VCPU=(40, 10))})
    for name, vcpu in {"b": 1, "large": 39}.items():
        lab.create(name, data={"project": "p2", "host_aggregate": "az1", "instances": [{"Memory": 1024, "VCPU": vcpu}]},
                   callback=f"cb-{name}")
    assert went_to(lab, "b") == {"common": 1}
    assert lab.status("large") == "queued"
    ask(lab, "a", VCPU=1)
    assert went_to(lab, "a") == {"both": 1}
    assert pools(lab) == {"gold": (["both"], 0), "az1": (["common"], 0), "*": (["common", "node03"], 0)}


def test_children_of_hosts_that_are_not_there(fake, lab):
    """Network cards are in no aggregate and are never disabled: they bring no host into the pool of the others."""
    gold(fake, mine=host())
    fake.others = {"off": host(), "node03": host()}
    fake.disabled = {"off"}
    fake.children = {f"nic-{h}": (h, child(NET_BW_EGR_KILOBIT_PER_SEC=(1000, 0))) for h in ("mine", "off", "node03")}
    assert pools(lab) == {"gold": (["mine"], 0), "*": (["node03"], 0)}


def test_many_aggregates_that_isolate(fake, lab):
    """More than a request's address may name."""
    for i in range(300):
        fake.aggregates[f"{i:036d}"] = ({"filter_tenant_id": f"q{i}"}, {f"host-{i}": host()} if i < 3 else {})
    fake.address_max = 8190
    lab.create("j", data={"project": "p2", "instances": [{"Memory": 1024, "VCPU": 1}]}, callback="cb-j")
    assert went_to(lab, "j") == {"node03": 1}
    assert pools(lab)["*"] == (["node03"], 0)


def test_a_class_of_which_placement_takes_only_certain_amounts(fake, lab):
    """No summary tells them, and a small amount may be wrong as well: Placement is asked before anybody is admitted."""
    gold(fake, node01=host(CUSTOM_FPGA=(64, 0)))
    fake.step = {"CUSTOM_FPGA": 8}
    ask(lab, "odd", Memory=512, CUSTOM_FPGA=3)
    lab.dispatch()
    assert cloud.show(lab, "odd", "vm")["Reason"] == "WaitingForCapacity"
    ask(lab, "even", Memory=512, CUSTOM_FPGA=8)
    assert went_to(lab, "even") == {"node01": 1}


def test_traits_of_nested_providers(fake, lab):
    """They count where the nested one gives something, and Placement says when: not for a network card when processors are asked for,
    and who will have none of a graphics card is none the worse for one that he does not get."""
    gold(fake, node01=host(traits=["CUSTOM_OWN"]))
    fake.children = {"nic": ("node01", child(["CUSTOM_PHYSNET_X"], NET_BW_EGR_KILOBIT_PER_SEC=(1000, 0))),
                     "gpu": ("node01", child(["CUSTOM_A100"], VGPU=(4, 0)))}
    small = {"Memory": 512, "VCPU": 1}
    ask(lab, "net", **small, traits=["CUSTOM_PHYSNET_X"])
    ask(lab, "nothing", **small, traits=["CUSTOM_PHYSNET_Y"])
    lab.dispatch()
    reasons = {name: cloud.show(lab, name, "vm")["Reason"] for name in ("net", "nothing")}
    assert reasons == {"net": "WaitingForCapacity", "nothing": "NeverFits"}
    ask(lab, "no-gpu", **small, traits=["!CUSTOM_A100", "CUSTOM_OWN"])
    assert went_to(lab, "no-gpu") == {"node01": 1}
    ask(lab, "gpu", **small, VGPU=1, traits=["CUSTOM_A100"])
    assert went_to(lab, "gpu") == {"node01": 1}
