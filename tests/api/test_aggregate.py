# SPDX-License-Identifier: MIT
"""host_aggregate of a virtual machine whose pools are those of a reading: written into Data by the last one that is kept."""
import json

import pytest

from contract import is_done, is_ok
from reading import CLOUD, HOST, POOL, PROJECT, READING, TOTAL, write


def data(project, **members):
    return {"project": project, "instances": [{"VCPU": 1}], **members}


@pytest.fixture
def a(anteroom):
    """Aggregate `own` of project p, `left` and `right` of q, and the open pool of all others."""
    a = anteroom(CLOUD)
    a.create("early", data=data("p"))
    write(a, (*READING, ("vm", 5, 5, 5, None, None)), (*POOL, *(("vm", n, int(n == "*"), 0, 0, 0) for n in ("own", "left", "right", "*"))),
          (*PROJECT, ("vm", "p", "own"), ("vm", "q", "left"), ("vm", "q", "right")),
          (*HOST, *(("vm", n, "n1") for n in ("own", "left", "right", "*"))), (*TOTAL, ("vm", "n1", "VCPU", 4, 0)))
    return a


def aggregate(job):
    return json.loads(job["Data"]).get("host_aggregate")


@pytest.mark.parametrize("project, name", [("p", "own"), ("q", None), ("r", None)])
def test_the_one_pool_of_the_project(a, project, name):
    job = a.create("j", data=data(project))
    assert aggregate(job) == name
    assert is_ok(a.get("/v1/vm/j"))["Data"] == job["Data"]
    assert job["Data"] == json.dumps(json.loads(job["Data"]), separators=(",", ":"), sort_keys=True)


def test_before_there_is_a_reading_it_is_left_out(a):
    assert aggregate(is_ok(a.get("/v1/vm/early"))) is None


def test_what_the_client_names_stays(a):
    assert aggregate(a.create("j", data=data("p", host_aggregate="left"))) == "left"


def test_a_new_demand_is_given_it_too(a):
    is_done(a.post("/v1/vm/early", {"data": data("p", note=1.50)}))
    job = is_ok(a.get("/v1/vm/early"))
    assert job["Data"] == '{"host_aggregate":"own","instances":[{"VCPU":1}],"note":1.5,"project":"p"}'


def test_the_first_answer_again_shows_it(a):
    body, headers = json.dumps(a.job("j", data=data("p"))), {"Idempotency-Key": "k"}
    first = a.post("/v1/vm/", body, headers=headers)
    write(a, ("UPDATE reading_projects SET pool = 'left' WHERE project = 'p'",))
    again = a.post("/v1/vm/", body, headers=headers)
    assert aggregate(is_ok(first, 201)) == "own" and again.body == first.body


def test_each_job_of_an_array_has_its_own(a):
    jobs = [a.job(f"j{i}", data=data(project)) for i, project in enumerate(["p", "q", "p", "r"])]
    assert [aggregate(job) for job in is_ok(a.post("/v1/vm/", jobs), 201)] == ["own", None, "own", None]
