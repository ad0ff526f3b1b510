# SPDX-License-Identifier: MIT
"""What the clock brings up: jobs that sleep, waits that end, and clocks that jump."""
import datetime

from cloud import ask, books_balance, change, create, held, lab, reason, show, states

HOSTS = {"n": {"gpu": 4}}


def at(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).isoformat()


def ahead(seconds):
    return {"ANTEROOM_CLOCK_OFFSET": str(seconds)}


def test_a_sleeping_job_is_not_admitted_before_its_time(anteroom):
    a = anteroom(lab(HOSTS))
    job = create(a, "j", 1, not_before=at(3600))
    assert job["Reason"] == "NotBefore"
    a.dispatch()
    a.dispatch(env=ahead(3000))
    assert states(a) == {"j": "queued"}
    assert "woken=1" in a.dispatch(env=ahead(3700)).stderr
    assert states(a) == {"j": "running"}


def test_the_dispatcher_wakes_by_itself_when_its_time_has_come(anteroom):
    a = anteroom(lab(HOSTS))
    a.start_dispatcher()
    create(a, "j", 1, not_before=at(1.2))
    a.wait_status("j", "running", "lab")
    job = show(a, "j")
    assert datetime.datetime.fromisoformat(job["AdmittedAt"][:26] + job["AdmittedAt"][29:].replace("Z", "+00:00")) >= \
        datetime.datetime.fromisoformat(job["NotBefore"][:26] + job["NotBefore"][29:].replace("Z", "+00:00"))


def test_a_job_that_wakes_stands_where_its_priority_says(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}, overtake=0))
    create(a, "sleeper", 1, not_before=at(3600))
    create(a, "other", 1)
    create(a, "last", 1)
    a.dispatch()
    assert states(a) == {"sleeper": "queued", "other": "running", "last": "queued"}
    change(a, "other", status="finished")
    a.dispatch(env=ahead(3700))
    assert states(a) == {"sleeper": "running", "other": "finished", "last": "queued"}


def test_not_before_can_be_changed_and_taken_away_while_it_waits(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "a", 1, not_before=at(3600))
    create(a, "b", 1)
    change(a, "a", not_before=None)
    change(a, "b", not_before=at(3600))
    a.dispatch()
    assert states(a) == {"a": "running", "b": "queued"} and "NotBefore" not in show(a, "a")
    change(a, "b", not_before=at(-10))
    a.dispatch()
    assert states(a)["b"] == "running"


def test_a_time_may_have_more_digits_than_are_kept(anteroom):
    a = anteroom(lab(HOSTS))
    job = create(a, "j", 1, not_before="2030-01-01T00:00:00.1234567899999Z", valid_until=f"2031-01-01T00:00:00.{'0' * 5000}1Z")
    assert (job["NotBefore"][19:29], job["ValidUntil"][19:29]) == (".123456789", ".000000000")
    change(a, "j", not_before="2030-01-01T00:00:00.0000000001Z")
    assert show(a, "j")["NotBefore"][19:29] == ".000000000"


def test_a_wait_ends_at_valid_until(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "full", 4)
    a.dispatch()
    create(a, "waits", 1, valid_until=at(3600))
    create(a, "kept-out", 1, valid_until=at(3600))
    change(a, "kept-out", status="held")
    create(a, "longer", 1, valid_until=at(360_000))
    a.dispatch(env=ahead(3000))
    assert sorted(states(a).values()) == ["held", "queued", "queued", "running"]
    assert "expired=2" in a.dispatch(env=ahead(3700)).stderr
    assert states(a) == {"full": "running", "waits": "expired", "kept-out": "expired", "longer": "queued"}
    assert reason(a, "waits") == ("Expired", "its valid_until went by while it waited") and show(a, "waits")["FinishedAt"]


def test_the_dispatcher_lets_a_wait_end_by_itself(anteroom):
    a = anteroom(lab(HOSTS))
    a.start_dispatcher()
    create(a, "j", 5, valid_until=at(1.2))
    a.wait_status("j", "expired", "lab")


def test_valid_until_is_about_the_wait_alone(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "j", 1, valid_until=at(3600))
    a.dispatch()
    a.dispatch(env=ahead(7200))
    assert states(a) == {"j": "running"}


def test_many_wake_and_end_at_once(anteroom):
    a = anteroom({"callback": {"timeout": "1h", "connect_timeout": "1h"}, **lab({"n": {"gpu": 2000}})})
    jobs = [{"request_id": f"j{i}", "owner_id": "o", "callback": f"c{i}", "data": {"instances": [{"gpu": 1}]},
             ("not_before" if i % 2 else "valid_until"): at(3600)} for i in range(1000)]
    jobs += [{**j, "request_id": j["request_id"] + "'", "callback": j["callback"] + "'"} for j in jobs]
    for j in jobs:
        if "valid_until" in j:
            j["data"] = {"instances": [{"gpu": 2001}]}
    for part in (jobs[:1000], jobs[1000:]):
        assert a.post("/v1/lab/", part).status == 201
    for _ in range(2):
        a.dispatch(env=ahead(4000))
    assert ask(a, "SELECT status, count(*) FROM jobs GROUP BY 1 ORDER BY 1") == [("expired", 1000), ("running", 1000)]


def test_a_clock_that_jumps_back_harms_nobody(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "j", 2)
    a.dispatch(env=ahead(1_000_000))
    create(a, "later", 2)
    create(a, "waits", 2)
    a.dispatch()
    a.dispatch(env=ahead(-1_000_000))
    assert states(a) == {"j": "running", "later": "running", "waits": "queued"}
    change(a, "j", status="finished")
    a.dispatch(env=ahead(-1_000_000))
    assert states(a)["waits"] == "running"
    books_balance(a, HOSTS)
    for name in ("later", "waits"):
        change(a, name, status="finished")
    assert held(a) == {}


def test_a_callback_that_was_put_off_by_a_wrong_clock_is_not_lost(anteroom, receiver):
    """The clock was a day ahead when a try failed; set right again, the job is not lost for that."""
    a = anteroom({"callback": {"retry": [0, "10s"]}, **lab(HOSTS)})
    receiver.script("cb", [500, 204])
    create(a, "j", 4, callback=receiver.url("cb"))
    a.dispatch(env=ahead(86400))
    a.dispatch()
    assert states(a) == {"j": "admitted"}
    a.dispatch(env=ahead(86400 + 20))
    assert states(a) == {"j": "running"}
