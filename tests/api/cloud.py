# SPDX-License-Identifier: MIT
"""A small cloud for tests of the dispatcher: queues with static capacity, jobs that ask for it, and the books that must balance."""
import contextlib
import json

LAB = "/v1/lab/"


def queue(hosts=None, pools=None, base="http://127.0.0.1:@PORT@/demo/callback/", **members):
    """A queue with static capacity: one pool `main` of these hosts, or these pools."""
    base = {"callback_base": base} if base else {}
    return {"capacity": "static", **base, "pools": pools or {"main": {"hosts": hosts}}, **members}


def lab(hosts=None, pools=None, **members):
    """A configuration with the queue `lab`."""
    return {"queues": {"lab": queue(hosts, pools, **members)}}


def need(*instances, **members):
    return {"instances": list(instances), **members}


def create(a, request_id, *instances, type="lab", pool=None, callback=None, **members):
    """A job that asks for these instances, {"gpu": 2, "count": 3}, or a number of gpus."""
    instances = [{"gpu": i} if isinstance(i, int) else i for i in instances]
    data = need(*instances, **({"pool": pool} if pool else {}))
    return a.create(request_id, type, data=data, callback=callback or f"cb-{request_id}", **members)


def show(a, request_id, type="lab"):
    answer = a.get(f"/v1/{type}/{request_id}/")
    assert answer.status == 200, answer
    return answer.data


def change(a, request_id, type="lab", **members):
    answer = a.post(f"/v1/{type}/{request_id}", members)
    assert answer.status == 200, answer


def states(a, type="lab"):
    """{request_id: status} of the whole queue."""
    return {job["RequestID"]: job["Status"] for job in a.get(f"/v1/{type}/").data}


def reason(a, request_id, type="lab"):
    """(word, text): why it waits, or failed."""
    job = show(a, request_id, type)
    return job.get("Reason"), job.get("Message")


def ask(a, sql, *parameters):
    """Rows of the database."""
    with contextlib.closing(a.database()) as db:
        return db.execute(sql, parameters).fetchall()


def held(a, type="lab"):
    """{host: {resource: amount}} of what the queue's jobs hold together."""
    sums = {}
    for host, resource, amount in ask(a, "SELECT host, resource, sum(amount) FROM holds WHERE queue = ? GROUP BY 1, 2", type):
        sums.setdefault(host, {})[resource] = amount
    return sums


def wanted(data):
    """{resource: amount} of all instances of a job's data together."""
    sums = {}
    for instance in json.loads(data).get("instances", []):
        for resource, amount in instance.items():
            if resource != "count":
                sums[resource] = sums.get(resource, 0) + amount * instance.get("count", 1)
    return {resource: amount for resource, amount in sums.items() if amount}


def books_balance(a, hosts, type="lab"):
    """Who is admitted or running holds exactly what he asked for, nobody else holds anything, and no host holds more than it
    has."""
    with contextlib.closing(a.database()) as db:
        db.execute("BEGIN")  # jobs and holds of the same moment
        jobs = db.execute("SELECT id, data, status, hosts FROM jobs WHERE type = ?", (type,)).fetchall()
        holds = db.execute("SELECT job_id, host, resource, amount FROM holds WHERE queue = ?", (type,)).fetchall()
    mine, on_host, counts = {}, {}, {}
    for job, host, resource, amount in holds:
        mine.setdefault(job, {}).setdefault(resource, 0)
        mine[job][resource] += amount
        counts.setdefault(job, set()).add(host)
        on_host[host, resource] = on_host.get((host, resource), 0) + amount
    for job, data, status, where in jobs:
        expected = wanted(data) if status in ("admitted", "running") and where is not None else {}
        assert mine.pop(job, {}) == expected, f"job {job} is {status} on {where} and asks for {data}"
        if expected:
            assert set(json.loads(where)) == counts[job]
            assert sum(json.loads(where).values()) == sum(i.get("count", 1) for i in json.loads(data)["instances"])
    assert not mine, f"jobs that are not there hold {mine}"
    for (host, resource), amount in on_host.items():
        assert amount <= hosts[host][resource], f"{host} holds {amount} of {hosts[host][resource]} {resource}"


def is_sound(a):
    assert ask(a, "PRAGMA integrity_check") == [("ok",)]
    assert ask(a, "PRAGMA foreign_key_check") == []
