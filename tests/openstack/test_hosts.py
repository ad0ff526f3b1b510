# SPDX-License-Identifier: MIT
"""Hosts that are not there: disabled ones, those of an empty aggregate, of one that Placement does not know, and too small ones. And
those that are, though no VCPU is free on them."""
import uuid

import pytest

from bed import HALF, HOST, MAX_UNIT, THIRD, WHOLE


@pytest.mark.parametrize("out, back", [({"status": "disabled"}, {"status": "enabled"}), ({"forced_down": True}, {"forced_down": False})],
                         ids=["disabled", "forced-down"])
def test_a_host_that_takes_nothing_is_not_used(bed, anteroom, portal, out, back):
    """Of one that is forced down Placement knows nothing: it goes on offering it."""
    bed.admin.make_aggregate("red", ["host-1", "host-2"], filter_tenant_id=bed.projects["tenant-a"])
    bed.admin.set_service("host-1", **out)
    p = portal(anteroom())
    p.ask("first", "tenant-a", WHOLE)
    p.wait_confirmed(1)
    assert p.hosts("first") == {"host-2": 1}
    p.ask("second", "tenant-a", WHOLE)
    p.waits("second", "WaitingForCapacity", "Memory", "0 of")
    bed.admin.set_service("host-1", **back)
    assert p.hosts("second") == {"host-1": 1}
    p.wait_confirmed(2)


def test_a_host_that_is_isolated_is_for_its_projects_alone(bed, anteroom, portal):
    """Whatever aggregate a job names: Nova builds nothing of anybody else's on it."""
    bed.admin.make_aggregate("az1", ["host-1", "host-2"])
    bed.admin.make_aggregate("gold", ["host-1"], filter_tenant_id=bed.projects["tenant-a"])
    p = portal(anteroom())
    p.ask("b", "tenant-b", HALF, HALF, host_aggregate="az1")
    assert p.hosts("b") == {"host-2": 2}
    p.ask("a", "tenant-a", WHOLE)
    assert p.hosts("a") == {"host-1": 1}
    p.wait_confirmed(2)


def test_an_empty_aggregate_is_no_full_one(bed, anteroom, portal):
    red = bed.admin.make_aggregate("red", filter_tenant_id=bed.projects["tenant-a"])
    p = portal(anteroom(), boots=False)
    p.ask("j", "tenant-a", THIRD)
    p.waits("j", "NoPool")
    bed.admin.change_aggregate(red, "add_host", host="host-2")
    assert p.hosts("j") == {"host-2": 1}


def test_an_aggregate_that_loses_its_last_host_is_no_full_one(bed, anteroom, portal):
    red = bed.admin.make_aggregate("red", ["host-1"], filter_tenant_id=bed.projects["tenant-a"])
    p = portal(anteroom(), boots=False)
    p.ask("first", "tenant-a", THIRD)
    assert p.hosts("first") == {"host-1": 1}
    bed.admin.change_aggregate(red, "remove_host", host="host-1")
    p.ask("second", "tenant-a", THIRD)
    p.waits("second", "NoPool")


def test_an_aggregate_that_placement_does_not_know_is_no_full_one(bed, anteroom, portal):
    a = anteroom(pools={"gone": {"projects": [bed.projects["tenant-a"]], "aggregate": str(uuid.uuid4())}})
    p = portal(a, boots=False)
    p.ask("j", "tenant-a", THIRD)
    p.waits("j", "NoPool")


def test_an_instance_that_no_host_takes_though_there_is_room(bed, anteroom, portal):
    """A host has room for 40 VCPU, but takes at most 10 in one instance."""
    big = {"VCPU": MAX_UNIT + 1, "Memory": 1024, "Disk": 10}
    p = portal(anteroom(overtake="forever"))
    p.ask("big", "tenant-a", big)
    p.waits("big", "WaitingForCapacity", "none of its 3 hosts may take it now")
    p.ask("fits", "tenant-a", {**big, "VCPU": MAX_UNIT})
    p.wait_confirmed(1)
    p.waits("big", "WaitingForCapacity", "none of its 3 hosts may take it now")


@pytest.fixture
def provider(bed):
    """bed.admin.make_provider; who was made is gone after the test."""
    made = []

    def make(*args, **totals):
        made.append(bed.admin.make_provider(*args, **totals))
        return made[-1]

    yield make
    for host in reversed(made):
        bed.admin.delete_provider(host)


def test_hosts_with_dedicated_processors(bed, anteroom, portal, receiver, provider):
    """One without VCPU, and one whose VCPU is used up, both from before the first reading."""
    red = bed.admin.make_aggregate("red", filter_tenant_id=bed.projects["tenant-a"])
    has = {"PCPU": 8, "MEMORY_MB": 4096, "DISK_GB": 100}
    provider("dedicated", red, **has)
    both = provider("both", red, VCPU=4, **has)
    bed.admin.use_provider(both, bed.projects["tenant-a"], bed.users["alice"], VCPU=4)
    a = anteroom()
    p = portal(a, boots=False)
    wanted = {"PCPU": 8, "Memory": 1024, "Disk": 10, "count": 2}
    a.create("j", owner_id="tenant-a", callback=receiver.url("j"), data={"project": bed.projects["tenant-a"], "instances": [wanted]})
    assert p.hosts("j") == {"dedicated": 1, "both": 1}


def test_what_placement_alone_can_tell(bed, anteroom, portal, provider):
    """Whose nested provider's trait counts for whom, and of which classes it takes only certain amounts."""
    red = bed.admin.make_aggregate("red", filter_tenant_id=bed.projects["tenant-a"])
    host = provider("whole", red, VCPU=64, MEMORY_MB=65536, DISK_GB=1600,
                    CUSTOM_FPGA={"total": 64, "min_unit": 8, "step_size": 8, "max_unit": 64})
    provider("its-nic", parent=host, traits=["CUSTOM_PHYSNET_X"], NET_BW_EGR_KILOBIT_PER_SEC=1000)
    provider("its-gpu", parent=host, traits=["CUSTOM_A100"], VGPU=4)
    p = portal(anteroom(overtake="forever"), boots=False)

    def ask(name, **more):
        p.ask(name, "tenant-a", {"VCPU": 1, "Memory": 1024, "Disk": 10, **more})

    ask("net", traits=["CUSTOM_PHYSNET_X"])
    ask("odd", CUSTOM_FPGA=3)
    for name in ("net", "odd"):
        p.waits(name, "WaitingForCapacity", "may take it now")
    ask("no-gpu", traits=["!CUSTOM_A100"])
    ask("gpu", traits=["CUSTOM_A100"], VGPU=1)
    ask("even", CUSTOM_FPGA=8)
    for name in ("no-gpu", "gpu", "even"):
        assert p.hosts(name) == {"whole": 1}
