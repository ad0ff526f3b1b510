# SPDX-License-Identifier: MIT
"""Kubernetes, the whole way: what the API server says of nodes, pods and quotas, and who is called for it."""
import json

import pytest

import cloud
from harness import ROOT, wait_until
from kube_fake import NODES, PODS, QUOTAS, KubeFake, expired, forbidden, items, kubeconfig, node, pod, quota
from sources import BASE

LISTS = ROOT / "tests/unit/kubernetes"
SAFE_MAX = 2**53 - 1


@pytest.fixture
def fake():
    made = []

    def make(**kw):
        made.append(KubeFake(**kw))
        return made[-1]

    yield make
    for f in made:
        f.close()


@pytest.fixture
def lab(anteroom, tmp_path):
    """lab(server, **members of the queue kube) -> an Anteroom whose queue kube asks the server."""

    def make(server, **queue):
        path = kubeconfig(tmp_path / "kubeconfig", server.url)
        return anteroom({"queues": {"kube": {"capacity": "kubernetes", "kubeconfig": str(path), "callback_base": BASE,
                                             "poll": "200ms", "timeout": "10s", **queue}}})

    return make


def job(a, name, *requests, namespace="default", **members):
    """A job that asks for a pod with each of these requests."""
    pods = [{"requests": r, **members} for r in requests or ({"cpu": "1"},)]
    return a.create(name, "kube", data={"namespace": namespace, "pods": pods}, callback=f"cb-{name}")


def reason(a, name):
    return cloud.reason(a, name, "kube")


def waits(a, name, word, *texts):
    wait_until(lambda: reason(a, name)[0] == word and all(t in reason(a, name)[1] for t in texts), what=f"{name}: {word} {texts}")
    assert a.status(name, "kube") == "queued"


def running(a):
    return sorted(r for r, status in cloud.states(a, "kube").items() if status == "running")


def hosts(a, code=0):
    """{node: {resource: (total, used)}} as --capacity says."""
    queue = next(q for q in json.loads(a.dispatch("--capacity", "--json", code=code).stdout) if q["Type"] == "kube")
    return {h["Name"]: {r: (v["Total"], v["Used"]) for r, v in h["Resources"].items()} for h in queue["Hosts"]}


# ---- capacity ------------------------------------------------------------------------------------------------------------


def test_a_job_waits_for_a_full_cluster_and_is_called_when_a_pod_goes(fake, lab):
    f = fake(nodes=[node("n1", cpu="4"), node("n2", cpu="2")], pods=[pod("old", "n1", cpu="3"), pod("other", "n2", cpu="2")])
    a = lab(f)
    job(a, "a", {"cpu": "2", "memory": "1Gi"})
    a.start_dispatcher()
    waits(a, "a", "WaitingForCapacity", "cpu")
    f.remove(PODS, "old")
    a.wait_status("a", "running", "kube")
    assert cloud.show(a, "a", "kube")["Hosts"] == {"n1": 1}


def test_a_job_is_called_when_a_node_comes(fake, lab):
    f = fake()
    a = lab(f)
    job(a, "a", {"cpu": "1"})
    a.start_dispatcher()
    wait_until(lambda: reason(a, "a")[0], what="a reason")
    f.add(NODES, node("n1"))
    a.wait_status("a", "running", "kube")


def test_the_whole_recorded_cluster_is_what_the_scheduler_says_it_is(fake, lab):
    recorded = {name: json.loads((LISTS / f"{name}.json").read_text()) for name in ("nodes", "pods", "oracle")}
    a = lab(fake(nodes=recorded["nodes"]["items"], pods=recorded["pods"]["items"], page_max=10))
    seen = hosts(a)
    assert seen.keys() == recorded["oracle"]["nodes"].keys()
    for name, said in recorded["oracle"]["nodes"].items():
        words = {"cpu": "milliCPU", "memory": "memory", "ephemeral-storage": "ephemeralStorage"}

        def of(part, resource):
            amounts = said[part]
            value = amounts.get(words.get(resource)) if resource in words else amounts.get("scalar", {}).get(resource)
            return min(max(value or 0, 0), SAFE_MAX)

        for resource, (total, used) in seen[name].items():
            if resource == "pods":
                assert (total, used) == (said["allowedPods"], said["pods"]), name
            else:
                assert (total, used) == (of("allocatable", resource), of("requested", resource)), (name, resource)


def test_every_pod_takes_one_of_the_nodes_pods(fake, lab):
    f = fake(nodes=[node("n1", pods="3")], pods=[pod("p1", "n1"), pod("p2", "n1", phase="Pending")])
    a = lab(f)
    job(a, "a", {"cpu": "1m"}, {"cpu": "1m"})
    job(a, "b", {})
    a.dispatch()
    assert running(a) == ["b"]
    assert reason(a, "a")[0] == "WaitingForCapacity" and "pods" in reason(a, "a")[1]


def test_pods_that_have_ended_or_are_not_bound_take_nothing(fake, lab):
    pods = [pod("done", "n1", phase="Succeeded", cpu="8"), pod("failed", "n1", phase="Failed", cpu="8"), pod("new", cpu="8"),
            pod("ghost", "gone", cpu="8")]
    a = lab(fake(nodes=[node("n1", cpu="8")], pods=pods))
    job(a, "a", {"cpu": "8"})
    a.dispatch()
    assert running(a) == ["a"]


def test_what_was_counted_before_a_list_began_anew_is_not_counted_twice(fake, lab):
    f = fake(nodes=[node("n1", cpu="4")], pods=[pod("p1", "n1", cpu="2")])
    a = lab(f)
    f.script(PODS, items("PodList", pod("p1", "n1", cpu="2"), **{"continue": "old"}), expired())
    assert hosts(a)["n1"]["cpu"] == (4000, 2000) and len(f.at(PODS)) == 3


def test_what_a_running_job_uses_is_not_counted_twice(fake, lab):
    """It holds until its owner says that it runs; then the pods themselves are what is seen."""
    f = fake(nodes=[node("n1", cpu="4")])
    a = lab(f)
    job(a, "a", {"cpu": "2"})
    job(a, "b", {"cpu": "2"})
    job(a, "c", {"cpu": "2"})
    a.start_dispatcher()
    wait_until(lambda: running(a) == ["a", "b"], what="a and b")
    waits(a, "c", "WaitingForCapacity")
    f.change(PODS, [pod("a", "n1", cpu="2"), pod("b", "n1", cpu="2")])
    cloud.change(a, "a", "kube", status="running")
    cloud.change(a, "b", "kube", status="running")
    waits(a, "c", "WaitingForCapacity")
    f.remove(PODS, "a")
    a.wait_status("c", "running", "kube")


# ---- nodes that a pod may not or does not want ---------------------------------------------------------------------------


def test_taints_and_cordoned_nodes_keep_away_who_does_not_tolerate_them(fake, lab):
    nodes = [node("tainted", taints=[{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]),
             node("cordoned", unschedulable=True),
             node("soft", cpu="1", taints=[{"key": "slow", "effect": "PreferNoSchedule"}])]
    a = lab(fake(nodes=nodes))
    job(a, "plain", {"cpu": "2"})
    job(a, "small", {"cpu": "1"})
    job(a, "tolerant", {"cpu": "2"}, tolerations=[{"key": "gpu", "operator": "Exists"}])
    a.dispatch()
    assert running(a) == ["small", "tolerant"]
    assert cloud.show(a, "tolerant", "kube")["Hosts"] == {"tainted": 1}
    assert cloud.show(a, "small", "kube")["Hosts"] == {"soft": 1}


def test_a_node_selector_is_kept(fake, lab):
    a = lab(fake(nodes=[node("n1", labels={"disk": "hdd"}), node("n2", labels={"disk": "ssd", "zone": "a"})]))
    job(a, "ssd", nodeSelector={"disk": "ssd", "zone": "a"})
    job(a, "none", nodeSelector={"disk": "tape"})
    a.dispatch()
    assert cloud.show(a, "ssd", "kube")["Hosts"] == {"n2": 1} and a.status("none", "kube") == "queued"


def test_pools_by_label_keep_to_their_namespaces(fake, lab):
    nodes = [node("x1", cpu="2", labels={"pool": "x"}), node("y1", cpu="8", labels={"pool": "y"}), node("none", cpu="64")]
    a = lab(fake(nodes=nodes), pool_label="pool", pools={"x": {"projects": ["team"]}})
    job(a, "team", {"cpu": "4"}, namespace="team")
    job(a, "fits", {"cpu": "2"}, namespace="team")
    job(a, "other", {"cpu": "8"}, namespace="other")
    a.dispatch()
    assert running(a) == ["fits", "other"]
    assert cloud.show(a, "other", "kube")["Hosts"] == {"y1": 1}


# ---- quotas --------------------------------------------------------------------------------------------------------------


def test_a_job_waits_for_the_quota_of_its_namespace(fake, lab):
    f = fake(nodes=[node("n1")], quotas=[quota("team", {"requests.cpu": "3", "pods": "10"}, {"requests.cpu": "2500m", "pods": "1"})])
    a = lab(f)
    job(a, "team", {"cpu": "1"}, namespace="team")
    job(a, "free", {"cpu": "1"}, namespace="free")
    a.start_dispatcher()
    a.wait_status("free", "running", "kube")
    waits(a, "team", "QuotaExceeded", "requests.cpu")
    f.change(QUOTAS, [quota("team", {"requests.cpu": "3500m"}, {"requests.cpu": "2500m"})])
    a.wait_status("team", "running", "kube")


def test_a_quota_of_pods(fake, lab):
    f = fake(nodes=[node("n1")], quotas=[quota("team", {"pods": "2"}, {"pods": "1"})])
    a = lab(f)
    job(a, "two", {}, {}, namespace="team")
    job(a, "one", {}, namespace="team")
    a.dispatch()
    assert running(a) == ["one"] and reason(a, "two")[0] == "QuotaExceeded"


def test_without_the_gate_quotas_are_not_asked_for(fake, lab):
    f = fake(nodes=[node("n1")], quotas=[quota("team", {"pods": "0"}, {"pods": "0"})])
    a = lab(f, quota="off")
    job(a, "a", namespace="team")
    a.dispatch()
    assert running(a) == ["a"] and not f.at(QUOTAS)


# ---- faults --------------------------------------------------------------------------------------------------------------


def test_a_server_that_cannot_be_read_admits_nobody_and_comes_back(fake, lab):
    f = fake(nodes=[node("n1")])
    f.script(NODES, *[forbidden("nodes")] * 10000)
    a = lab(f)
    job(a, "a")
    a.start_dispatcher()
    waits(a, "a", "SourceUnavailable", "may not list nodes (403")
    f.script(NODES)
    a.wait_status("a", "running", "kube")
