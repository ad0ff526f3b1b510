# SPDX-License-Identifier: MIT
"""Survives clocks: set back and forth, 1970 before NTP has come, 2038, the zone's changes; no storm of callbacks, no stuck hold.

The real programs and the real nginx, under a wall clock that is set while they run."""
import collections
import datetime
import email.utils
import threading
import time
import zoneinfo

import pytest

import soak
from cloud import ask, create, lab, reason, show, states
from harness import wait_until
from receiver import Reply
from wallclock import DAY, NS, WallClock, parse

HOUR, YEAR = 3600, 365 * DAY
# retry[1] is so short that a test can wait for it; retry[2] so long that it never comes by itself.
CALLBACK = {"retry": [0, "1s", "1h"], "hold": "3h", "pause_after": 50, "requeue": 3}
STEPS = [DAY, -DAY, -30, -61, HOUR, 13 * YEAR, -69 * YEAR, 56 * YEAR]  # 2039, then 1970, then now


@pytest.fixture
def clock(tmp_path):
    c = WallClock(tmp_path)
    yield c
    c.close()


def conf(callback=None, **members):
    return {"callback": {**CALLBACK, **(callback or {})}, **lab({"n": {"gpu": members.pop("gpus", 4)}}, **members)}


def sound(a):
    """By `anteroom check`, which ends with 0 only then."""
    a.command("check")


def stepped(a):
    """How often somebody has followed the clock."""
    return sum((a.dir / "log" / name).read_text().count("event=clock-set") for name in ("fcgi.log", "dispatch.log"))


def distance(a, clock, column, name):
    """Seconds from now to a moment of a job's."""
    (value,), = ask(a, f"SELECT {column} FROM jobs WHERE request_id = ?", name)
    return (value - clock.now()) / NS


def look(a, clock, receiver):
    """Nothing that waits for a time is nearer or further away for the step."""
    assert len(receiver.at("far")) == 2 and states(a)["far"] == "admitted", "no call before its time"
    assert 0.7 * HOUR < distance(a, clock, "next_try", "far") < 1.2 * HOUR
    assert 2.7 * HOUR < distance(a, clock, "hold_until", "far") <= 3 * HOUR + 5
    assert -600 < distance(a, clock, "queued_at", "big") < 5
    assert ask(a, "SELECT sum(requeues) FROM jobs") == [(0,)]
    assert states(a)["asleep"] == "queued"


def test_a_clock_that_is_set_brings_no_storm_of_callbacks_and_leaves_no_hold_stuck(anteroom, receiver, clock):
    """Again and again, forth and back. The holds last 3 hours; a try that has failed twice comes an hour later, one that failed once
    in a second."""
    a = anteroom(conf(), dispatcher=True, env=clock.env)
    receiver.script("far", [500])
    create(a, "far", 1, callback=receiver.url("far"))
    create(a, "big", 4)
    create(a, "asleep", 1, not_before="2200-01-01T00:00:00Z")
    receiver.wait(2, "far")
    wait_until(lambda: reason(a, "far")[1].startswith("try 2"), what="the second try's outcome")
    for n, seconds in enumerate(STEPS):
        receiver.script(f"near{n}", [500, 204])
        create(a, f"near{n}", 1, callback=receiver.url(f"near{n}"))
        wait_until(lambda: a.get(f"/v1/lab/near{n}/deliveries").data, what="the first try's outcome")
        clock.step(seconds)
        a.wait_status(f"near{n}", "running", "lab")
        look(a, clock, receiver)
        create(a, f"small{n}", 1)  # may pass the big one, which has not waited for an hour
        a.wait_status(f"small{n}", "running", "lab")
        assert stepped(a) == n + 1, "who comes first moves all that waits, and nobody does it again"
        for name in (f"near{n}", f"small{n}"):
            a.post(f"/v1/lab/{name}", {"status": "finished"})
    names = ["far", "big", "asleep"] + [f"{word}{n}" for n in range(len(STEPS)) for word in ("near", "small")]
    assert [j["RequestID"] for j in a.get("/v1/lab/").data] == names, "first come, first served, whatever the clock said"
    sound(a)
    calls, without = len(receiver.requests), 2 + 2 * len(STEPS)
    soak.figure("Survives clocks", f"set {len(STEPS)} times by between {min(map(abs, STEPS))} s and {max(map(abs, STEPS)) // YEAR} years: "
                f"{calls} callbacks, {without} without it")
    assert calls == without


def test_a_clock_that_is_set_at_any_moment_brings_no_call_too_many(anteroom, receiver, clock):
    """Every few milliseconds, whatever is under way: a pass, a commit, an answer. Each job is called twice, an hour's wait stays one, and
    no hold ends."""
    dice = soak.randomness()
    a = anteroom(conf({"retry": [0, "100ms", "1h", "1h"]}, gpus=1_000_000), dispatcher=True, env=clock.env)
    receiver.script("far", [500])
    create(a, "far", 1, callback=receiver.url("far"))
    receiver.wait(2, "far")
    wait_until(lambda: reason(a, "far")[1].startswith("try 2"), what="the second try's outcome")
    client, steps, jobs, away = a.client(), 0, 0, 0
    for n in soak.rounds(40, 1_000_000):
        receiver.script(f"j{n}", [500, 204])
        answer = client.post("/v1/lab/", a.job(f"j{n}", "lab", data={"instances": [{"gpu": 1}]}, callback=receiver.url(f"j{n}")))
        assert answer.status == 201, answer
        jobs += 1
        for _ in range(5):
            by = dice.choice([3.5, 60, HOUR, DAY, 400 * DAY]) * dice.choice([1, -1])
            by = -by if abs(away + by) > 2 * YEAR else by
            away += by
            clock.step(by)
            steps += 1
            threading.Event().wait(dice.random() * 0.02)  # no synchronisation: anything may be under way
    receiver.wait(2 + 2 * jobs)
    wait_until(lambda: a.get("/queues/lab").data["Jobs"]["running"] == jobs, what="the last answer")
    calls = collections.Counter(r.path for r in receiver.requests)
    assert set(calls.values()) == {2} and len(calls) == jobs + 1, [x for x in calls.items() if x[1] != 2]
    assert 0.7 * HOUR < distance(a, clock, "next_try", "far") < 1.2 * HOUR
    assert 2.7 * HOUR < distance(a, clock, "hold_until", "far") <= 3 * HOUR + 60
    assert ask(a, "SELECT sum(requeues) FROM jobs") == [(0,)]
    sound(a)
    soak.figure("Survives clocks", f"set {steps} times at random moments while {jobs} jobs were called: {sum(calls.values())} callbacks, "
                f"{2 * jobs + 2} without it")


def test_cron_s_dispatcher_finds_the_clock_set_since_the_last_minute(anteroom, receiver, clock):
    """Nobody runs while it is set; the next run follows."""
    a = anteroom(conf(), env=clock.env)
    receiver.script("far", [500])
    create(a, "far", 1, callback=receiver.url("far"))
    create(a, "big", 4)
    create(a, "asleep", 1, not_before="2200-01-01T00:00:00Z")
    a.dispatch("--for", "2")
    for seconds in (DAY, -2 * DAY):
        clock.step(seconds)
        line, = [x for x in a.dispatch().stderr.splitlines() if "event=clock-set" in x]
        assert abs(int(line.split("seconds=")[1].split()[0]) - seconds) <= 1
        look(a, clock, receiver)
        assert "clock-set" not in a.dispatch().stderr


def test_a_hold_under_way_ends_in_its_time_when_the_clock_is_set_back(anteroom, receiver, clock):
    """Its receiver is paused, so nothing but the hold's end is waited for. It stood still for a day before."""
    a = anteroom(conf({"hold": "6s", "pause_after": 1, "pause": "1h", "requeue": 0, "retry": [0, "1s", "1s"]}), dispatcher=True,
                 env=clock.env)
    receiver.script("x", [500])
    create(a, "x", 1, callback=receiver.url("x"))
    wait_until(lambda: reason(a, "x")[0] == "ReceiverPaused", what="the pause")
    clock.step(-DAY)
    a.wait_status("x", "failed", "lab")
    assert reason(a, "x") == ("CallbackFailed", "its hold ran out while its receiver was paused")
    assert len(receiver.at("x")) == 1


def test_a_receiver_is_paused_for_as_long_as_without_the_step(anteroom, receiver, clock):
    """Set back by a day it would be paused for a day; set forth, tried at once."""
    a = anteroom(conf({"pause_after": 1, "pause": "1s", "retry": [0] + ["1s"] * 9}), dispatcher=True, env=clock.env)
    receiver.script("x", [500, 500, 204])
    create(a, "x", 1, callback=receiver.url("x"))
    receiver.wait(1, "x")
    wait_until(lambda: reason(a, "x")[0] == "ReceiverPaused", what="the pause")
    clock.step(DAY)
    first, second = receiver.wait(2, "x")
    assert second.time - first.time > 0.9
    clock.step(-2 * DAY)
    a.wait_status("x", "running", "lab")
    assert len(receiver.at("x")) == 3


def test_a_try_under_way_while_the_clock_is_set_is_tried_again_in_its_time(anteroom, receiver, clock):
    """What the dispatcher remembers of it goes by the old clock: it would be given up, as its hold were over."""
    answer = threading.Event()
    a = anteroom(conf(), dispatcher=True, env=clock.env)
    for step in (DAY, -DAY):
        answer.clear()
        name = f"j{step}"
        receiver.script(name, [Reply(status=500, before=answer), 204])
        create(a, name, 1, callback=receiver.url(name))
        receiver.wait(1, name)
        clock.step(step)
        answer.set()
        a.wait_status(name, "running", "lab")
        assert len(receiver.at(name)) == 2
        deliveries = a.get(f"/v1/lab/{name}/deliveries").data
        assert [d["Outcome"] for d in deliveries] == ["again", "accepted"]


def test_what_is_kept_is_not_older_for_a_step(anteroom, clock):
    """Jobs that are over for 30 days, first answers for one: neither goes when the clock is set forth by a year; both go when so
    much time has gone by."""
    a = anteroom({**lab({"n": {"gpu": 4}}), "retention": {"jobs": "30d"}}, dispatcher=True, env=clock.env)
    body = {"request_id": "x", "owner_id": "y", "callback": "cb", "data": {"instances": [{"gpu": 1}]}}
    first = a.post("/v1/lab/", body, headers={"Idempotency-Key": "k"})
    create(a, "over", 1)
    a.wait_status("over", "running", "lab")
    a.post("/v1/lab/over", {"status": "finished"})
    clock.step(YEAR)
    create(a, "later", 1)
    a.wait_status("later", "running", "lab")
    a.dispatcher.stop()
    a.dispatch()
    assert "over" in states(a)
    again = a.post("/v1/lab/", body, headers={"Idempotency-Key": "k"})
    assert (again.status, again.body) == (first.status, first.body)
    a.dispatch(env={"ANTEROOM_CLOCK_OFFSET": str(31 * DAY)})
    assert "over" not in states(a) and ask(a, "SELECT count(*) FROM answers") == [(0,)]


def test_a_board_without_a_clock_of_its_own_begins_in_1970(anteroom, receiver, clock):
    """Jobs are posted, called and over before NTP comes; nothing is purged, expired or passed over when it does."""
    clock.set("1970-01-01T00:00:20Z")
    a = anteroom(conf(), dispatcher=True, env=clock.env)
    receiver.script("far", [500])
    create(a, "far", 1, callback=receiver.url("far"))
    create(a, "over", 1)
    a.wait_status("over", "running", "lab")
    a.post("/v1/lab/over", {"status": "finished"})
    job = create(a, "big", 4, valid_until="2100-01-01T00:00:00Z")
    assert job["CreatedAt"].startswith("1970-01-01T") and show(a, "over")["FinishedAt"].startswith("19")
    create(a, "asleep", 1, not_before="2200-01-01T00:00:00Z")
    receiver.wait(2, "far")
    wait_until(lambda: reason(a, "far")[1].startswith("try 2"), what="the second try's outcome")
    clock.right()
    create(a, "small", 1)
    a.wait_status("small", "running", "lab")
    look(a, clock, receiver)
    a.dispatcher.stop()
    a.dispatch()
    assert states(a) == {"far": "admitted", "over": "finished", "big": "queued", "asleep": "queued", "small": "running"}
    assert [j["RequestID"] for j in a.get("/v1/lab/").data] == ["far", "over", "big", "asleep", "small"]
    assert reason(a, "big")[0] == "WaitingForCapacity"
    sound(a)


def test_a_start_of_the_machine_in_1970_and_ntp_after_it(anteroom, receiver, clock):
    """The database is from 2026. Until NTP comes nobody knows better than that no time has gone by."""
    a = anteroom(conf(), env=clock.env)
    receiver.script("far", [500])
    create(a, "far", 1, callback=receiver.url("far"))
    create(a, "big", 4)
    create(a, "asleep", 1, not_before="2200-01-01T00:00:00Z")
    a.dispatch("--for", "2")
    for when in ("1970-01-01T00:00:05Z", None):
        a.fcgi.stop()
        clock.boot()
        if when:
            clock.set(when)
        a.start_fcgi()
        a.dispatch()
        look(a, clock, receiver)
        clock.right()
        a.dispatch()
        look(a, clock, receiver)
    sound(a)


@pytest.mark.parametrize("when", ["2038-01-19T03:14:06Z", "2106-02-07T06:28:13Z"], ids=["31-bits", "32-bits"])
def test_over_the_edge_of_2038(anteroom, receiver, clock, when):
    """All run while the clock goes over the edge: texts, headers, Retry-After by date, commands, what is counted."""
    clock.set(when)
    a = anteroom(conf(), dispatcher=True, env=clock.env)
    asked, begun = time.monotonic(), clock.now()
    later = email.utils.formatdate(begun / NS + 4, usegmt=True)  # a whole second: 3 to 4 s from now
    receiver.script("asked", [Reply(status=503, headers={"Retry-After": later}), 204])
    create(a, "asked", 1, callback=receiver.url("asked"))
    create(a, "asleep", 1, not_before=clock.text(3), valid_until=f"{int(when[:4]) + 1}-01-01T00:00:00+05:30")
    _, second = receiver.wait(2, "asked")
    assert second.time - asked > 2.9  # by itself it would come 1 s after the first
    a.wait_status("asleep", "running", "lab")
    a.wait_status("asked", "running", "lab")
    assert parse(show(a, "asleep")["AdmittedAt"])[0] - begun > 2.9 * NS
    for name in ("asked", "asleep"):
        times = {k: parse(v)[0] for k, v in show(a, name).items() if k in ("CreatedAt", "AdmittedAt", "StartedAt", "UpdatedAt")}
        assert begun <= times["CreatedAt"] <= times["AdmittedAt"] <= times["StartedAt"] <= clock.now(), times
    answer = a.get("/queues/lab")
    assert abs(email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp() - clock.now() / NS) < 30
    assert begun <= parse(answer.data["LastPass"]["At"])[0] <= clock.now()  # counted in the file that all share
    assert when[:4] in a.command("show", "lab", "asked").stdout
    assert "asked" in a.command("list", "lab").stdout
    sound(a)


# A second before each of the two changes of a year; Lord Howe's is half an hour.
ZONES = {"Europe/Berlin": ["2026-03-29T00:59:59Z", "2026-10-25T00:59:59Z"],
         "Australia/Lord_Howe": ["2026-04-04T14:59:59Z", "2026-10-03T15:29:59Z"]}


@pytest.mark.parametrize("zone", ZONES)
def test_the_zone_changes_its_offset_while_jobs_wait(anteroom, receiver, clock, zone):
    """No moment moves, each text has the offset of its own moment, and what is due is due."""
    clock.set(ZONES[zone][0])
    a = anteroom(conf(), dispatcher=True, env={**clock.env, "TZ": zone})
    there = zoneinfo.ZoneInfo(zone)
    for n, when in enumerate(ZONES[zone]):
        clock.set(when)
        called, asleep = f"called{n}", f"asleep{n}"
        receiver.script(called, [500, 204])
        # Stated with the offset from before the change, for a moment after it.
        moment = datetime.datetime.fromisoformat(when[:-1] + "+00:00") + datetime.timedelta(seconds=2)
        before = datetime.timezone((moment - datetime.timedelta(hours=1)).astimezone(there).utcoffset())
        job = create(a, asleep, 1, not_before=moment.astimezone(before).isoformat())
        assert parse(job["NotBefore"])[0] == moment.timestamp() * NS
        create(a, called, 1, callback=receiver.url(called))
        first, second = receiver.wait(2, called)
        assert second.time - first.time < 25
        a.wait_status(asleep, "running", "lab")
        assert parse(show(a, asleep)["AdmittedAt"])[0] >= moment.timestamp() * NS
        jobs = [job, show(a, called), show(a, asleep)]
        texts = [text for j in jobs for k, text in j.items() if text and (k.endswith("At") or k == "NotBefore")]
        for text in texts:
            ns, offset = parse(text)
            local = datetime.datetime.fromtimestamp(ns // NS, there)
            assert offset == local.utcoffset().total_seconds() and text[:19] == local.isoformat()[:19], (text, local)
        # Unless it took longer than until the change to create the first of them.
        both = parse(job["CreatedAt"])[0] < datetime.datetime.fromisoformat(when[:-1] + "+00:00").timestamp() * NS + NS
        assert len({parse(text)[1] for text in texts}) == 1 + both, texts
        listed = a.command("list", "lab").stdout
        assert called in listed and " h" not in listed.split(called)[1].split("\n")[0], listed
