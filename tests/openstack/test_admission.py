# SPDX-License-Identifier: MIT
"""The whole way: a full cloud, a server that goes, a job that is admitted, a client that boots its servers."""
import concurrent.futures

from bed import HALF, HOSTS, THIRD, WHOLE
from harness import wait_until


def test_a_job_waits_with_numbers_and_is_called_when_a_server_goes(bed, anteroom, receiver, portal):
    bed.admin.make_aggregate("red", ["host-1"], filter_tenant_id=bed.projects["tenant-a"])
    p = portal(anteroom())
    p.ask("first", "tenant-a", WHOLE)
    p.wait_confirmed(1)
    p.ask("second", "tenant-a", WHOLE)
    p.waits("second", "WaitingForCapacity", "7680 Memory", "0 of 7680", "free on its 1 host")
    assert not receiver.at("second")
    bed.delete(*p.servers["first"])
    assert p.hosts("second") == {"host-1": 1}
    assert len(receiver.at("second")) == 1
    p.wait_confirmed(2)


def test_an_aggregate_that_is_full_when_the_dispatcher_starts(bed, anteroom, receiver, portal):
    bed.admin.make_aggregate("red", ["host-1"], filter_tenant_id=bed.projects["tenant-a"])
    server = bed.boot("tenant-a", WHOLE)
    p = portal(anteroom(), boots=False)
    p.ask("j", "tenant-a", WHOLE)
    p.waits("j", "WaitingForCapacity", "full")
    bed.delete(server)
    assert p.hosts("j") == {"host-1": 1} and len(receiver.at("j")) == 1


def serve(p, names):
    """Lets those who have their servers leave, by turns finished and deleted, until all have been served."""
    served = set()
    while len(served) < len(names):
        ready = wait_until(lambda: p.check() or sorted(p.confirmed), 120, "a job with its servers")
        with concurrent.futures.ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(lambda name: p.leave(name, finish=name[-1] in "02468"), ready))
        served.update(ready)
    assert served == set(names)


def test_nothing_is_promised_twice_while_clients_boot(bed, anteroom, portal):
    """Nine thirds of a host are there, and 21 are asked for: whoever is called gets his servers from Nova, at once."""
    bed.admin.make_aggregate("red", HOSTS, filter_tenant_id=bed.projects["tenant-a"])
    p = portal(anteroom())
    names = [f"j{i}" for i in range(14)]
    for i, name in enumerate(names):
        p.ask(name, "tenant-a", {**THIRD, "count": 1 + i % 2})
    serve(p, names)


def test_servers_of_several_sizes_and_projects(bed, anteroom, portal):
    bed.admin.make_aggregate("red", ["host-1", "host-2"], filter_tenant_id=bed.projects["tenant-a"])
    p = portal(anteroom())
    names = [f"j{i}" for i in range(12)]
    for i, name in enumerate(names):
        p.ask(name, ("tenant-a", "tenant-b")[i % 3 == 0], ({**THIRD, "count": 2}, HALF, WHOLE, THIRD)[i % 4])
    serve(p, names)
