# SPDX-License-Identifier: MIT
"""Many clients at once: all of them are served, all of the time."""
import threading

from cloud import LAB, is_sound, lab

CLIENTS, ROUNDS = 200, 5


def test_200_kept_connections_are_all_served(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}))
    start = threading.Barrier(CLIENTS)
    served, faults = [0] * CLIENTS, []

    def use(number):
        client = a.client()
        try:
            start.wait()
            for i in range(ROUNDS):
                name = f"c{number}-{i}"
                answers = [client.post(LAB, a.job(name, "lab")), client.get(f"/v1/lab/{name}/")]
                assert [x.status for x in answers] == [201, 200], answers
                served[number] += 1
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=use, args=(i,)) for i in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not faults, faults[:3]
    assert served == [ROUNDS] * CLIENTS
    assert len(a.get(LAB).data) == CLIENTS * ROUNDS
    is_sound(a)


def test_those_who_hold_an_idle_connection_keep_nobody_out(anteroom):
    """More idle connections than workers, on both sides of nginx."""
    a = anteroom(lab({"n": {"gpu": 1}}))
    idle = [a.client() for _ in range(100)]
    for client in idle:
        assert client.get(LAB).status == 200
    for i in range(20):
        a.create(f"j{i}", "lab")
    assert all(client.get("/v1/lab/j0/").status == 200 for client in idle)
