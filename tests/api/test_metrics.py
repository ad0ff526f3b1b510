# SPDX-License-Identifier: MIT
"""GET /metrics: what promtool takes, numbers that agree with what happened, and that many types do not make it grow."""
import re
import subprocess
import time

import pytest

from cloud import create, lab, queue
from harness import wait_until
from receiver import Receiver

HOSTS = {"n": {"gpu": 4}}
TEXT = "text/plain; version=0.0.4; charset=utf-8"
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (-?[0-9.]+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')


def parse(text):
    """{(name, (label, value), …): number}"""
    samples = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.match(line).groups()
        pairs = tuple((k, re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), v)) for k, v in LABEL.findall(labels or ""))
        assert (name, *pairs) not in samples, line
        samples[name, *pairs] = float(value)
    return samples


def scrape(a, **kw):
    answer = a.get("/metrics", **kw)
    assert answer.status == 200 and answer.headers["Content-Type"] == TEXT, answer
    return parse(answer.text)


def of(samples, name, **labels):
    """The one sample with these labels."""
    found = [v for (n, *pairs), v in samples.items() if n == name and labels.items() <= dict(pairs).items()]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def check(text):
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr


def are_whole(samples):
    """Each histogram's buckets rise, and end in its count; where there is a sum there are some."""
    rows = {}
    for (name, *pairs), value in samples.items():
        if name.endswith("_bucket"):
            labels = tuple(p for p in pairs if p[0] != "le")
            rows.setdefault((name.removesuffix("_bucket"), labels), []).append((float(dict(pairs)["le"]), value))
    assert len(rows) > 10
    for (name, labels), buckets in rows.items():
        assert buckets == sorted(buckets) and [v for _, v in buckets] == sorted(v for _, v in buckets), (name, labels)
        count, total = samples[f"{name}_count", *labels], samples[f"{name}_sum", *labels]
        assert buckets[-1] == (float("inf"), count) and (total == 0 or count > 0), (name, labels)
        assert total <= sum(le * n for le, n in differences(buckets[:-1])) or buckets[-2][1] < count, (name, labels)


def differences(buckets):
    """How many are in each bucket alone."""
    before = 0
    for le, value in buckets:
        yield le, value - before
        before = value


def test_a_new_installation_has_every_family_and_promtool_likes_it(anteroom):
    a = anteroom(lab(HOSTS))
    first = a.get("/metrics")
    check(first.text)
    check(a.get("/metrics").text)
    samples = parse(first.text)
    assert of(samples, "anteroom_last_pass_timestamp_seconds") == 0
    assert not [k for k in samples if k[0] == "anteroom_source_up"]  # nobody has tried yet
    assert of(samples, "anteroom_queue_oldest_wait_seconds", type="lab") == 0
    assert of(samples, "anteroom_database_size_bytes") >= 4096
    assert of(samples, "anteroom_build_info") == 1
    assert first.headers["Cache-Control"] == "no-store"
    head = a.head("/metrics")
    assert head.status == 200 and head.headers["Content-Type"] == TEXT and head.body == b""
    assert a.get("/metrics?x=1").status == 400
    assert a.post("/metrics", {}).headers["Allow"] == "GET, HEAD"


def test_a_source_that_fails_and_is_well_again_is_told(anteroom, tmp_path):
    """Also when nobody has scraped meanwhile: errors are counted."""
    good, says = '{"hosts": {"n": {"total": {"gpu": 4}, "used": {"gpu": 1}}}}', tmp_path / "says.json"
    a = anteroom({"queues": {"lab": {"capacity": "exec", "program": ["/bin/cat", str(says)], "poll": "1s",
                                     "callback_base": "http://127.0.0.1:@PORT@/demo/callback/"}}})
    create(a, "waits", 9)
    counts = []
    for text, up in ((good, 1), ("no JSON", 0), (good, 1)):
        says.write_text(text)
        a.dispatch()
        s = scrape(a)
        assert of(s, "anteroom_source_up", type="lab") == up and of(s, "anteroom_source_hosts", type="lab") == 1
        assert of(s, "anteroom_pool_used", type="lab", resource="gpu") == 1
        since = time.time() - of(s, "anteroom_source_read_timestamp_seconds", type="lab")
        assert 0 <= of(s, "anteroom_source_age_seconds", type="lab") <= since + 1
        assert of(s, "anteroom_source_read_duration_seconds", type="lab") > 0
        counts.append([of(s, f"anteroom_source_{what}_total", type="lab") for what in ("readings", "errors")])
    assert counts == [[1, 0], [2, 1], [3, 1]]


@pytest.fixture
def failing():
    """Another receiver, which answers 500."""
    r = Receiver()
    r.script("bad", [500])
    yield r
    r.close()


def test_the_numbers_are_those_of_what_happened(anteroom, receiver, failing):
    a = anteroom({"callback": {"retry": [0, "1h"], "hold": "2h", "pause_after": 1, "pause": "1h"}, **lab(HOSTS)})
    create(a, "first", 3, callback=receiver.url("good"))
    create(a, "second", 1, callback=failing.url("bad"))
    create(a, "third", 2, callback=receiver.url("other"))
    a.start_dispatcher()
    receiver.wait(1, "good")
    failing.wait(1, "bad")
    wait_until(lambda: a.get("/v1/lab/first").data["Status"] == "running")
    wait_until(lambda: of(scrape(a), "anteroom_receivers_paused") == 1)
    wait_until(lambda: sum(of(scrape(a), "anteroom_callback_duration_seconds_count", outcome=o) for o in ("accepted", "again")) == 2)
    assert a.get("/v1/lab/none").status == 404
    assert a.post("/v1/lab/", "{").status == 400
    s = scrape(a)
    assert of(s, "anteroom_queue_jobs", type="lab", status="queued") == of(s, "anteroom_jobs", status="queued") == 1
    assert of(s, "anteroom_queue_jobs", type="lab", status="running") == of(s, "anteroom_jobs", status="running") == 1
    assert of(s, "anteroom_queue_jobs_created_total", type="lab") == 3
    assert of(s, "anteroom_queue_jobs_admitted_total", type="lab") == 2
    assert of(s, "anteroom_queue_wait_seconds_count", type="lab") == 2
    assert of(s, "anteroom_queue_oldest_wait_seconds", type="lab") > 0
    assert of(s, "anteroom_callback_duration_seconds_count", outcome="accepted") == 1
    assert of(s, "anteroom_callback_duration_seconds_count", outcome="again") == 1
    assert of(s, "anteroom_receivers_failing") == 1
    for state, amount in (("size", 4), ("used", 0), ("held", 4), ("free", 0)):
        assert of(s, f"anteroom_pool_{state}", type="lab", pool="main", resource="gpu") == amount
    assert of(s, "anteroom_source_up", type="lab") == of(s, "anteroom_source_hosts", type="lab") == 1
    assert of(s, "anteroom_http_requests_total", route="/v1/{type}", method="POST", status="201") == 3
    assert of(s, "anteroom_http_requests_total", route="/v1/{type}", method="POST", status="400") == 1
    assert of(s, "anteroom_http_requests_total", route="/v1/{type}/{request_id}", method="GET", status="404") == 1
    assert of(s, "anteroom_commit_changes_sum", program="anteroom.fcgi") == 3
    assert of(s, "anteroom_commit_changes_sum", program="anteroom-dispatch") >= 4
    assert of(s, "anteroom_pass_duration_seconds_count") >= 1
    assert of(s, "anteroom_last_pass_timestamp_seconds") > of(s, "process_start_time_seconds")
    assert of(s, "anteroom_queue_last_pass_groups", type="lab") >= 1
    are_whole(s)
    check(a.get("/metrics").text)


def test_what_was_not_committed_is_not_counted(anteroom):
    a = anteroom(lab(HOSTS))
    jobs = [{"request_id": f"j{i}", "owner_id": "o", "callback": f"c{i}", "data": {}} for i in range(3)]
    assert a.post("/v1/lab/", jobs + jobs[:1]).status == 409
    assert of(scrape(a), "anteroom_queue_jobs_created_total", type="lab") == 0
    assert a.post("/v1/lab/", jobs).status == 201
    assert of(scrape(a), "anteroom_queue_jobs_created_total", type="lab") == 3


def test_the_numbers_outlive_the_programs_and_a_lost_file_is_no_fault(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "j", 1, callback="c")
    a.kill_fcgi()
    a.start_fcgi()
    assert of(scrape(a), "anteroom_queue_jobs_created_total", type="lab") == 1
    stats = a.dir / "anteroom.db.stats"
    # While nobody has it open: the writing cuts it short first, and a program that meets it so says so, rightly.
    a.kill_fcgi()
    stats.write_bytes(b"no numbers\n" * 1000)
    a.start_fcgi()
    samples = scrape(a)
    assert of(samples, "anteroom_queue_jobs_created_total", type="lab") == 0
    assert of(samples, "anteroom_queue_jobs", type="lab", status="queued") == 1
    stats.unlink()
    stats.mkdir()
    a.restart_fcgi()
    create(a, "k", 1, callback="d")
    assert of(scrape(a), "anteroom_queue_jobs_created_total", type="lab") == 1
    assert a.fcgi.log().count("event=stats") == 1


def test_names_are_escaped_and_whoever_may_not_see_all_sees_nothing(anteroom):
    type = 'a"b\\c {x="y"}'
    a = anteroom({"auth": "tokens", **lab(HOSTS)}, start=False)
    a.start()
    admin, reader = a.token("adam", "admin"), a.token("rita", "reader")
    owner = a.token("olaf", "owner", "o")
    job = {"request_id": "j", "owner_id": "o", "callback": "http://127.0.0.1:65535/x", "data": {}}
    assert a.post("/v1/" + "".join(f"%{b:02x}" for b in type.encode()) + "/", job, headers=admin).status == 201
    answer = a.get("/metrics", headers=reader)
    check(answer.text)
    assert of(parse(answer.text), "anteroom_queue_jobs", type=type, status="queued") == 1
    assert a.get("/metrics", headers=owner).status == 403 and a.get("/metrics").status == 401


def test_the_configured_queues_come_first_and_of_others_a_thousand_at_most(anteroom):
    a = anteroom({"queues": {"zz-own": queue(HOSTS), "*": {"capacity": "none"}}})
    c = a.client()
    for i in range(1005):
        job = {"request_id": "j", "owner_id": "o", "callback": f"http://127.0.0.1:65535/{i}", "data": {}}
        assert c.post(f"/v1/t{i:04}/", job).status == 201
    answer = a.get("/metrics")
    check(answer.text)
    samples = parse(answer.text)
    assert of(samples, "anteroom_queues_left_out") == 6
    assert of(samples, "anteroom_queue_paused", type="zz-own") == 0
    assert len([k for k in samples if k[0] == "anteroom_queue_paused"]) == 1000
    assert of(samples, "anteroom_jobs", status="queued") == 1005


def test_by_cgi_too(anteroom):
    a = anteroom(lab(HOSTS))
    create(a, "j", 1, callback="c")
    status, headers, body = a.cgi("GET", "/metrics")
    assert status == 200 and headers["Content-Type"] == TEXT
    check(body.decode())
    a.cgi("GET", "/healthz")
    samples = parse(a.cgi("GET", "/metrics")[2].decode())
    assert of(samples, "anteroom_http_requests_total", route="/metrics", status="200") == 1
    assert not [k for k in samples if k[0] == "process_start_time_seconds"]
