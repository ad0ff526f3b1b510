# SPDX-License-Identifier: MIT
"""Many clients at once who want the same thing: exactly one gets it, and all others are told so."""
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from contract import is_done, is_ok, is_refused, order

CLIENTS = 16


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def at_once(a, work, clients=CLIENTS):
    """work(client, number) for each of the clients, all set off together; what they returned."""
    barrier = threading.Barrier(clients, timeout=60)

    def run(number):
        client = a.client()
        client.get("/healthz")  # the connection is open before the start
        barrier.wait()
        return work(client, number)

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(run, range(clients)))


def statuses(answers):
    return Counter(answer.status for answer in answers)


@pytest.mark.parametrize("round", range(5))
def test_one_of_16_gets_the_request_id(a, round):
    body = [a.job("wanted", f"id{round}", callback=f"{round}-{i}") for i in range(CLIENTS)]
    answers = at_once(a, lambda client, i: client.post(f"/v1/id{round}/", body[i]))
    assert statuses(answers) == {201: 1, 409: CLIENTS - 1}
    for answer in answers:
        if answer.status == 409:
            is_refused(answer, "duplicate_request_id", "/request_id")
    winner = next(answer for answer in answers if answer.status == 201)
    assert is_ok(a.get(f"/v1/id{round}/")) == [winner.data]


@pytest.mark.parametrize("round", range(3))
def test_one_of_16_gets_the_callback(a, round):
    answers = at_once(a, lambda client, i: client.post(f"/v1/cb{round}/", a.job(str(i), "cb", callback=f"callback-{round}")))
    assert statuses(answers) == {201: 1, 409: CLIENTS - 1}
    assert {answer.code for answer in answers if answer.status == 409} == {"duplicate_callback"}
    assert len(is_ok(a.get(f"/v1/cb{round}/"))) == 1


@pytest.mark.parametrize("round", range(5))
def test_16_with_the_same_key_and_body_get_the_same_answer_and_make_one_job(a, round):
    body = a.job("1", f"key{round}")
    answers = at_once(a, lambda client, i: client.post(f"/v1/key{round}/", body, headers={"Idempotency-Key": "k"}))
    assert len({(answer.status, answer.body, answer.headers["Location"], answer.headers["ETag"]) for answer in answers}) == 1
    assert is_ok(a.get(f"/v1/key{round}/")) == [is_ok(answers[0], 201)]


def test_16_with_the_same_key_and_different_bodies_make_one_job(a):
    answers = at_once(a, lambda client, i: client.post("/v1/bodies/", a.job(str(i), "bodies"), headers={"Idempotency-Key": "k"}))
    assert statuses(answers) == {201: 1, 422: CLIENTS - 1}
    assert len(is_ok(a.get("/v1/bodies/"))) == 1


def test_one_of_16_who_know_the_same_version_changes_it(a):
    a.create("job", "match")
    etag = a.get("/v1/match/job").headers["ETag"]
    answers = at_once(a, lambda client, i: client.post("/v1/match/job", {"priority": i}, headers={"If-Match": etag}))
    assert statuses(answers) == {200: 1, 412: CLIENTS - 1}
    winner = next(i for i, answer in enumerate(answers) if answer.status == 200)
    assert is_ok(a.get("/v1/match/job"))["Priority"] == winner


def test_one_of_16_deletes(a):
    a.create("job", "delete")
    assert statuses(at_once(a, lambda client, i: client.delete("/v1/delete/job"))) == {200: 1, 404: CLIENTS - 1}


def test_one_of_16_finishes(a):
    a.create("job", "finish")
    is_done(a.post("/v1/finish/job", {"status": "running"}))
    assert statuses(at_once(a, lambda client, i: client.post("/v1/finish/job", {"status": "finished"}))) == {200: 1, 409: CLIENTS - 1}


def test_arrays_that_overlap_are_made_whole_or_not_at_all(a):
    """Each asks for two of sixteen names, side by side in a ring."""
    def post(client, i):
        names = (i, (i + 1) % CLIENTS)
        return client.post("/v1/ring/", [a.job(f"n{n}", "ring", callback=f"{i}-{n}", owner_id=str(i)) for n in names])

    answers = at_once(a, post)
    assert set(statuses(answers)) <= {201, 409}
    made = Counter(job["OwnerID"] for job in is_ok(a.get("/v1/ring/")))
    assert made == {str(i): 2 for i, answer in enumerate(answers) if answer.status == 201}


def test_what_16_create_is_all_there_each_clients_in_its_order_and_seen_at_once(a):
    def work(client, i):
        made, seen = [], 0
        for n in range(20):
            made.append(is_ok(client.post("/v1/all/", a.job(f"{i}-{n}", "all", owner_id=str(i))), 201))
            assert is_ok(client.get(f"/v1/all/{i}-{n}"))["ID"] == made[-1]["ID"]
            listed = len(is_ok(client.get("/v1/all/?limit=10000")))
            assert listed > seen  # at least the own one has come
            seen = listed
        return made

    made = at_once(a, work)
    for i, jobs in enumerate(made):
        assert order(a, f"/v1/all/?owner_id={i}") == [job["RequestID"] for job in jobs]
        assert [job["ID"] for job in jobs] == sorted(job["ID"] for job in jobs)
    all_jobs = [job for jobs in made for job in jobs]
    assert len({job["ID"] for job in all_jobs}) == len({job["Priority"] for job in all_jobs}) == len(all_jobs) == CLIENTS * 20
    assert sorted(is_ok(a.get("/v1/all/")), key=lambda job: job["ID"]) == sorted(all_jobs, key=lambda job: job["ID"])


def test_moves_by_16_lose_no_job_and_end_where_the_last_ones_say(a):
    names = [f"j{i}" for i in range(CLIENTS)]
    is_ok(a.post("/v1/moves/", [a.job(name, "moves", priority=0) for name in ["anchor", *names]]), 201)

    def work(client, i):
        for move in ("front", "back", {"before": "anchor"}, {"after": "anchor"}, {"before": "anchor"}):
            is_done(client.post(f"/v1/moves/{names[i]}", {"move": move}))

    at_once(a, work)
    after = order(a, "/v1/moves/")
    assert sorted(after) == sorted(["anchor", *names])
    assert after[-1] == "anchor"
