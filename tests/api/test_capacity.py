# SPDX-License-Identifier: MIT
"""Static capacity: who is admitted, and where. Each test looks at what single passes make of a queue."""
import json
import re

import pytest

from cloud import books_balance, change, create, held, lab, need, queue, reason, show, states


def test_what_fits_exactly_is_admitted_and_the_next_one_waits_with_numbers(anteroom):
    a = anteroom(lab({"n1": {"gpu": 64}}))
    create(a, "all", 64)
    create(a, "more", 1)
    a.dispatch()
    assert states(a) == {"all": "running", "more": "queued"}
    assert show(a, "all")["Hosts"] == {"n1": 1}
    assert reason(a, "more") == ("WaitingForCapacity", "needs 1 gpu; 0 of 64 are free on its 1 host")
    books_balance(a, {"n1": {"gpu": 64}})


def test_all_instances_or_none(anteroom):
    hosts = {"n1": {"gpu": 5}, "n2": {"gpu": 5}}
    a = anteroom(lab(hosts, overtake="forever"))
    create(a, "keeps-one", 1)
    a.dispatch()
    create(a, "three", {"gpu": 3, "count": 3})
    a.dispatch()
    assert states(a) == {"keeps-one": "running", "three": "queued"}
    assert sum(h["gpu"] for h in held(a).values()) == 1
    create(a, "two", {"gpu": 3, "count": 2})
    a.dispatch()
    assert show(a, "two")["Status"] == "running" and show(a, "two")["Hosts"] == {"n1": 1, "n2": 1}
    books_balance(a, hosts)


def test_an_instance_stays_whole_though_the_sum_would_do(anteroom):
    hosts = {"n1": {"gpu": 4}, "n2": {"gpu": 4}}
    a = anteroom(lab(hosts))
    create(a, "halves", {"gpu": 3, "count": 1})
    a.dispatch()
    create(a, "whole", {"gpu": 2, "count": 3})  # 5 are free, in 4 and 1
    a.dispatch()
    assert states(a) == {"halves": "running", "whole": "queued"}
    change(a, "halves", status="finished")
    a.dispatch()
    assert show(a, "whole")["Status"] == "running" and sorted(show(a, "whole")["Hosts"].values()) == [1, 2]
    books_balance(a, hosts)


def test_each_resource_must_fit_on_the_same_host(anteroom):
    a = anteroom(lab({"n1": {"gpu": 8, "memory": 1}, "n2": {"gpu": 1, "memory": 8}, "n3": {"gpu": 4, "memory": 4}}))
    create(a, "first", {"gpu": 4, "memory": 4})
    create(a, "second", {"gpu": 2, "memory": 2})
    a.dispatch()
    assert states(a) == {"first": "running", "second": "queued"}
    assert show(a, "first")["Hosts"] == {"n3": 1}
    assert held(a) == {"n3": {"gpu": 4, "memory": 4}}


def test_a_placement_is_found_where_one_exists(anteroom):
    """7+3, 6+4 and 5+5: nothing is left over anywhere, and one by one in the listed order it would not go."""
    hosts = {f"n{i}": {"gpu": 10} for i in range(3)}
    a = anteroom(lab(hosts))
    create(a, "j", 3, 4, 5, 5, 6, 7)
    a.dispatch()
    assert show(a, "j")["Hosts"] == {"n0": 2, "n1": 2, "n2": 2}
    books_balance(a, hosts)


def test_pack_admits_what_spread_refuses(anteroom):
    hosts = {"n1": {"gpu": 4}, "n2": {"gpu": 4}}
    demand = need({"gpu": 2, "count": 2}, {"gpu": 4})
    a = anteroom({"queues": {"packed": queue(hosts, fit="pack"), "spread": queue(hosts, fit="spread")}})
    for type in ("packed", "spread"):
        a.create("j", type, data=demand)
    a.dispatch()
    assert show(a, "j", "packed")["Status"] == "running" and sorted(show(a, "j", "packed")["Hosts"].values()) == [1, 2]
    # Not even the empty hosts would do: the cloud's scheduler would put the two small ones on different hosts.
    assert show(a, "j", "spread")["Status"] == "queued" and reason(a, "j", "spread")[0] == "NeverFits"
    assert held(a, "spread") == {}
    a.create("ordered", "spread", data=need({"gpu": 4}, {"gpu": 2, "count": 2}))
    a.dispatch()
    assert show(a, "ordered", "spread")["Status"] == "running"


def finish(a, name):
    change(a, name, status="finished")


def fail(a, name):
    change(a, name, status="failed")


def delete(a, name):
    assert a.delete(f"/v1/lab/{name}").status == 200


@pytest.mark.parametrize("leave", [finish, fail, delete])
def test_who_leaves_makes_room(anteroom, leave):
    hosts = {"n1": {"gpu": 4}}
    a = anteroom(lab(hosts))
    create(a, "first", 4)
    create(a, "second", 4)
    a.dispatch()
    a.dispatch()
    assert states(a) == {"first": "running", "second": "queued"}
    leave(a, "first")
    assert held(a) == {}
    a.dispatch()
    assert show(a, "second")["Status"] == "running"
    books_balance(a, hosts)


def test_who_could_not_use_it_keeps_his_place(anteroom):
    hosts = {"n1": {"gpu": 4}}
    a = anteroom(lab(hosts))
    create(a, "first", 4)
    create(a, "second", 4)
    a.dispatch()
    change(a, "first", status="queued")
    assert held(a) == {}
    job = show(a, "first")
    assert "Hosts" not in job and "AdmittedAt" not in job and "StartedAt" not in job
    a.dispatch()
    assert states(a) == {"first": "running", "second": "queued"}
    books_balance(a, hosts)


def test_who_failed_may_try_again(anteroom):
    a = anteroom(lab({"n1": {"gpu": 4}}))
    create(a, "j", 4)
    a.dispatch()
    change(a, "j", status="failed")
    change(a, "j", status="queued")
    a.dispatch()
    assert show(a, "j")["Status"] == "running" and "FinishedAt" not in show(a, "j")


def test_the_confirmation_of_a_running_job_keeps_what_it_holds_in_a_ledger(anteroom):
    hosts = {"n1": {"gpu": 4}}
    a = anteroom(lab(hosts))
    create(a, "j", 4)
    a.dispatch()
    change(a, "j", status="running")
    create(a, "other", 1)
    a.dispatch(env={"ANTEROOM_CLOCK_OFFSET": "100000"})
    assert states(a) == {"j": "running", "other": "queued"}
    books_balance(a, hosts)


def test_pools_may_share_hosts(anteroom):
    pools = {"p1": {"hosts": {"shared": {"gpu": 4}}}, "p2": {"hosts": {"shared": {}, "own": {"gpu": 4}}}}
    a = anteroom(lab(pools=pools))
    create(a, "a", 4, pool="p1")
    a.dispatch()
    create(a, "b", 4, pool="p2")
    create(a, "c", 1, pool="p2")
    create(a, "d", 1, pool="p1")
    a.dispatch()
    assert states(a) == {"a": "running", "b": "running", "c": "queued", "d": "queued"}
    assert held(a) == {"shared": {"gpu": 4}, "own": {"gpu": 4}}
    assert "0 of 8 are free on its 2 hosts" in reason(a, "c")[1] and "0 of 4 are free on its 1 host" in reason(a, "d")[1]
    change(a, "a", status="finished")
    a.dispatch()
    assert sorted(states(a).values()) == ["finished", "running", "running", "running"]
    books_balance(a, {"shared": {"gpu": 4}, "own": {"gpu": 4}})


def vm(project, vcpu=1, **members):
    return {"instances": [{"VCPU": vcpu, "Memory": 1, "Disk": 1}], "project": project, **members}


HOST = {"VCPU": 4, "Memory": 4, "Disk": 4}


def test_a_project_is_served_by_its_pool_alone(anteroom):
    pools = {"red": {"projects": ["r1", "r2"], "hosts": {"n1": HOST}}, "blue": {"projects": ["b"], "hosts": {"n2": HOST}}}
    a = anteroom({"queues": {"vm": queue(pools=pools, overtake=0)}})
    for name, project, vcpu in [("1", "r1", 3), ("2", "r2", 2), ("3", "b", 4), ("4", "nobody's", 1)]:
        a.create(name, data=vm(project, vcpu))
    a.dispatch()
    assert states(a, "vm") == {"1": "running", "2": "queued", "3": "running", "4": "queued"}
    assert show(a, "1", "vm")["Hosts"] == {"n1": 1} and show(a, "3", "vm")["Hosts"] == {"n2": 1}
    assert [json.loads(show(a, n, "vm")["Data"]).get("host_aggregate") for n in "1234"] == ["red", "red", "blue", None]
    assert reason(a, "2", "vm")[0] == "WaitingForCapacity"
    assert reason(a, "4", "vm") == ("NoPool", 'no pool of this queue serves the project "nobody\'s"')


def test_a_pool_without_projects_serves_those_that_no_other_pool_names(anteroom):
    pools = {"red": {"projects": ["r"], "hosts": {"n1": HOST}}, "rest": {"hosts": {"n2": HOST}}}
    a = anteroom({"queues": {"vm": queue(pools=pools)}})
    a.create("r", data=vm("r"))
    a.create("x", data=vm("x"))
    a.create("named", data=vm("x", host_aggregate="red"))
    a.create("no", data=vm("x", host_aggregate="green"))
    a.dispatch()
    assert [show(a, n, "vm").get("Hosts") for n in ("r", "x", "named", "no")] == [{"n1": 1}, {"n2": 1}, {"n1": 1}, None]
    assert reason(a, "no", "vm") == ("NoPool", 'this queue has no pool of the name "green"')


def test_pools_without_a_host_are_told_from_pools_that_are_not_there(anteroom):
    pools = {"full": {"projects": ["r"], "hosts": {"n1": HOST}}, "empty": {"projects": ["x"]}, "void": {"projects": ["x"]}}
    a = anteroom({"queues": {"vm": queue(pools=pools), "lab": queue(pools={"empty": {}})}})
    for name, pool in ("empty", "empty"), ("none", "gone"), ("any", None):
        create(a, name, 1, **({"pool": pool} if pool else {}))
    for name, data in ("served", vm("x")), ("named", vm("x", host_aggregate="void")), ("unserved", vm("y")):
        a.create(name, data=data)
    a.dispatch()
    assert reason(a, "empty") == ("NoPool", 'the pool "empty" of this queue has no host')
    assert reason(a, "none") == ("NoPool", 'this queue has no pool of the name "gone"')
    assert reason(a, "any") == ("NoPool", "this queue has no pool with a host")
    assert {a.get(f"/v1/lab/{name}/wait").data["Estimate"] for name in ("empty", "none", "any")} == {"no pool with a host serves it"}
    assert reason(a, "served", "vm") == ("NoPool", 'no pool of this queue that serves the project "x" has a host')
    assert reason(a, "named", "vm") == ("NoPool", 'the pool "void" of this queue has no host')
    assert reason(a, "unserved", "vm") == ("NoPool", 'no pool of this queue serves the project "y"')


def test_a_project_of_two_pools_may_use_the_hosts_of_both(anteroom):
    pools = {"p1": {"projects": ["x"], "hosts": {"n1": HOST}}, "p2": {"projects": ["x", "y"], "hosts": {"n2": HOST}}}
    a = anteroom({"queues": {"vm": queue(pools=pools)}})
    job = a.create("two", data={"instances": [{"VCPU": 4, "count": 2}], "project": "x"})
    assert "host_aggregate" not in json.loads(job["Data"])
    a.dispatch()
    assert show(a, "two", "vm")["Hosts"] == {"n1": 1, "n2": 1}


def test_kubernetes_quantities_are_counted_in_milli_and_bytes_and_each_pod_counts(anteroom):
    a = anteroom({"queues": {"kube": queue({"n1": {"cpu": "2", "memory": "4Gi", "pods": 3}}, overtake="forever")}})

    def pods(name, count, **requests):
        a.create(name, "kube", data={"namespace": "ns", "pods": [{"count": count, "requests": requests}]})

    pods("half", 1, cpu="500m", memory="1Gi")
    pods("rest", 1, cpu=1.5, memory="3221225472")
    pods("none", 1)
    pods("too-many", 1)
    a.dispatch()
    assert states(a, "kube") == {"half": "running", "rest": "running", "none": "running", "too-many": "queued"}
    assert held(a, "kube") == {"n1": {"cpu": 2000, "memory": 4 << 30, "pods": 3}}
    assert "needs 1 pods; 0 of 3 are free" in reason(a, "too-many", "kube")[1]


def test_cpu_of_kube_is_told_as_kubernetes_writes_it_and_is_in_milli_in_json(anteroom):
    a = anteroom({"queues": {"kube": queue({"n1": {"cpu": 4, "memory": "4Gi"}}, overtake="forever")}})
    for name, cpu in ("first", "2500m"), ("second", 2), ("third", "1600m"), ("never", "4500m"):
        a.create(name, "kube", data={"namespace": "ns", "pods": [{"requests": {"cpu": cpu}}]})
    a.dispatch()
    assert reason(a, "second", "kube") == ("WaitingForCapacity", "needs 2 cpu; 1500m of 4 are free on its 1 host")
    assert reason(a, "third", "kube") == ("WaitingForCapacity", "needs 1600m cpu; 1500m of 4 are free on its 1 host")
    assert reason(a, "never", "kube") == ("NeverFits", "needs 4500m cpu; its 1 host has 4 in all")
    wait = a.get("/v1/kube/third/wait").data
    assert wait["Needs"]["Resources"]["cpu"] == 1600 and wait["Ahead"]["Resources"]["cpu"] == 2000
    page = a.command("why", "kube", "third").stdout
    assert re.search(r"^Needs +1 instance: cpu 1600m, pods 1$", page, re.M) and re.search(r"^Ahead +1 job: cpu 2, pods 1$", page, re.M)
    assert a.get("/queues/kube/capacity").data["Hosts"][0]["Resources"]["cpu"]["Free"] == 1500
    said = [line.split() for line in a.command("capacity", "kube", "--hosts").stdout.splitlines()]
    assert ["n1", "main", "cpu", "4", "0", "2500m", "1500m"] in said and ["n1", "main", "memory", str(4 << 30), "0", "0", str(4 << 30)] in said
    assert ["main", "n1", "cpu", "4", "0", "2500m", "1500m"] in [line.split() for line in a.dispatch("--capacity").stdout.splitlines()]


def test_a_job_that_an_operator_set_running_is_counted_before_others_are_admitted(anteroom):
    hosts = {"n1": {"gpu": 4}, "n2": {"gpu": 4}}
    a = anteroom(lab(hosts))
    create(a, "first", 4)
    create(a, "second", 4)
    create(a, "by-hand", 4)
    change(a, "by-hand", status="running")
    assert "placed=1" in a.dispatch().stderr
    assert states(a) == {"first": "running", "second": "queued", "by-hand": "running"}
    assert show(a, "by-hand")["Hosts"] in ({"n1": 1}, {"n2": 1})
    books_balance(a, hosts)


def test_a_running_job_that_does_not_fit_is_counted_all_the_same(anteroom):
    a = anteroom(lab({"n1": {"gpu": 4}}))
    create(a, "first", 3)
    a.dispatch()
    create(a, "by-hand", 3)
    change(a, "by-hand", status="running")
    a.dispatch()
    create(a, "small", 1)
    a.dispatch()
    assert states(a)["small"] == "queued"
    change(a, "first", status="finished")
    a.dispatch()
    assert states(a)["small"] == "running"


def test_queues_count_hosts_of_the_same_name_apart(anteroom):
    a = anteroom({"queues": {"one": queue({"n": {"gpu": 1}}), "two": queue({"n": {"gpu": 1}})}})
    for type in ("one", "two"):
        create(a, f"first-{type}", 1, type=type)
        create(a, f"second-{type}", 1, type=type)
    a.dispatch()
    for type in ("one", "two"):
        assert states(a, type) == {f"first-{type}": "running", f"second-{type}": "queued"}


def test_types_without_an_entry_share_the_capacity_of_the_star(anteroom):
    a = anteroom({"queues": {"*": queue({"n": {"gpu": 2}})}})
    for type in ("x", "y", "z"):
        create(a, f"j-{type}", 1, type=type)
    a.dispatch()
    assert [show(a, f"j-{t}", t)["Status"] for t in "xyz"] == ["running", "running", "queued"]


def test_a_queue_without_a_source_admits_nobody_by_itself_and_says_so(anteroom):
    a = anteroom()
    a.create("j", "kube", data={})
    a.dispatch()
    assert reason(a, "j", "kube") == ("NoSource", "no source of capacity is configured for this queue")
    change(a, "j", "kube", status="running")
    a.dispatch()
    a.dispatch()
    assert show(a, "j", "kube")["Status"] == "running" and show(a, "j", "kube")["Hosts"] == {}


def test_who_needs_nothing_is_admitted_in_a_full_house(anteroom):
    a = anteroom(lab({"n1": {"gpu": 1}}, overtake=0))
    create(a, "full", 1)
    create(a, "waits", 1)
    a.create("nothing", "lab", data={"note": "only tell me"})
    a.dispatch()
    assert states(a) == {"full": "running", "waits": "queued", "nothing": "running"}


def test_a_host_that_goes_away_takes_nobody_with_it(anteroom):
    a = anteroom(lab({"n1": {"gpu": 4}, "n2": {"gpu": 4}}))
    create(a, "j", {"gpu": 4, "count": 2})
    a.dispatch()
    a.write_config(lab({"n2": {"gpu": 2}, "n3": {"gpu": 1}}))
    a.restart_fcgi()
    create(a, "two", 2)
    create(a, "one", 1)
    a.dispatch()
    assert states(a) == {"j": "running", "two": "queued", "one": "running"}
    assert show(a, "one")["Hosts"] == {"n3": 1}
    change(a, "j", status="finished")
    a.dispatch()
    assert show(a, "two")["Hosts"] == {"n2": 1}


def test_changed_data_are_what_counts(anteroom):
    hosts = {"n1": {"gpu": 4}}
    a = anteroom(lab(hosts))
    create(a, "full", 2)
    create(a, "j", 3)
    a.dispatch()
    assert states(a)["j"] == "queued"
    change(a, "j", data=need({"gpu": 2}))
    a.dispatch()
    assert states(a)["j"] == "running"
    books_balance(a, hosts)


def test_a_pass_looks_beyond_what_does_not_fit(anteroom):
    """Many shapes and projects at once: what is admitted is what a slow and obvious first-come-first-served would admit."""
    hosts = {f"n{i}": {"gpu": 3 + i} for i in range(4)}
    a = anteroom(lab(hosts, overtake="forever", fit="spread"))
    sizes = [5, 1, 6, 4, 2, 3, 3, 1, 1, 7, 2]
    for i, size in enumerate(sizes):
        create(a, f"j{i}", size)
    a.dispatch()
    free = [3, 4, 5, 6]
    for i, size in enumerate(sizes):
        fits = [h for h in free if h >= size]
        assert (show(a, f"j{i}")["Status"] == "running") == bool(fits), (i, size, free)
        if fits:
            free[free.index(max(fits))] -= size
    books_balance(a, hosts)
