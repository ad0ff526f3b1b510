# SPDX-License-Identifier: MIT
"""Which hosts a project gets: those of the aggregates that name it, else those that no aggregate keeps for others."""
import json

import pytest

from bed import THIRD, WHOLE
from harness import wait_until


@pytest.fixture
def pools(bed):
    """host-1 is kept for tenant-a, host-2 for tenant-b; host-3 is in an aggregate that keeps nobody out."""
    bed.admin.make_aggregate("blue", ["host-1"], filter_tenant_id=bed.projects["tenant-a"])
    bed.admin.make_aggregate("green", ["host-2"], filter_tenant_id2=bed.projects["tenant-b"])
    bed.admin.make_aggregate("yellow", ["host-3"])


def aggregate(job):
    return json.loads(job["Data"]).get("host_aggregate")


def test_each_project_on_its_own_hosts_and_so_says_nova(bed, anteroom, portal, pools):
    p = portal(anteroom())
    where = {"tenant-a": "host-1", "tenant-b": "host-2", "tenant-c": "host-3"}
    for count, project in enumerate(where, 1):  # in turn: filter_tenant_id2 draws tenant-b to host-2, but Nova's filter keeps nobody off it
        p.ask(f"first-{project}", project, WHOLE)
        p.wait_confirmed(count)
    for project, host in where.items():
        assert p.hosts(f"first-{project}") == {host: 1}
        server, = p.servers[f"first-{project}"]
        assert bed.admin.server(server)["OS-EXT-SRV-ATTR:host"] == host
        p.ask(f"second-{project}", project, THIRD)
        p.waits(f"second-{project}", "WaitingForCapacity", "0 of 7680")


def test_an_aggregate_for_several_projects(bed, anteroom, portal):
    both = f"{bed.projects['tenant-a']}, {bed.projects['tenant-b']}"
    bed.admin.make_aggregate("blue", ["host-1", "host-2", "host-3"], filter_tenant_id=both)
    p = portal(anteroom())
    p.ask("a", "tenant-a", {**THIRD, "count": 5})
    p.ask("b", "tenant-b", {**THIRD, "count": 4})
    p.wait_confirmed(2)
    p.ask("c", "tenant-c", THIRD)
    p.waits("c", "NoPool")


def test_projects_that_nobody_names_may_be_left_out(bed, anteroom, portal, pools):
    p = portal(anteroom(unnamed_projects="none"), boots=False)
    p.ask("c", "tenant-c", THIRD)
    p.waits("c", "NoPool", bed.projects["tenant-c"])
    p.ask("a", "tenant-a", THIRD)
    assert p.hosts("a") == {"host-1": 1}


def test_the_aggregate_that_a_client_names(bed, anteroom, portal, pools):
    p = portal(anteroom(), boots=False)
    p.ask("own", "tenant-a", THIRD, host_aggregate="blue")
    p.ask("open", "tenant-a", THIRD, host_aggregate="yellow")
    p.ask("of-others", "tenant-c", THIRD, host_aggregate="blue")
    p.ask("nowhere", "tenant-a", THIRD, host_aggregate="violet")
    assert p.hosts("own") == {"host-1": 1} and p.hosts("open") == {"host-3": 1}
    p.waits("of-others", "NoPool", 'the pool "blue" of this queue does not serve the project')
    p.waits("nowhere", "NoPool", 'no pool of the name "violet"')


def test_the_aggregate_of_a_project_is_written_into_its_jobs_data(bed, anteroom, portal, pools):
    a = anteroom()
    wait_until(lambda: a.get("/queues/vm/capacity").data["Pools"], 60, "the first reading")
    p = portal(a, boots=False)
    for i in range(10):
        assert aggregate(p.ask(f"a{i}", "tenant-a", WHOLE)) == "blue"
        assert aggregate(p.ask(f"b{i}", "tenant-b", WHOLE)) == "green"
        assert aggregate(p.ask(f"c{i}", "tenant-c", WHOLE)) is None
