# SPDX-License-Identifier: MIT
"""The alert rules and the dashboard: promtool takes them, they name numbers that there are, and each alert fires when it should and
no sooner."""
import json
import re
import subprocess

import pytest

from cloud import lab
from harness import ROOT
from test_metrics import parse

RULES = ROOT / "nginx/prometheus/anteroom-alerts.yaml"
DASHBOARD = ROOT / "nginx/prometheus/grafana-dashboard.json"
GB = 2**30

# A day of an installation in which all is well, a value a minute from time 0 on: promtool's notation is begin+step x times.
LENGTH = 1600
WELL = {
    "anteroom_build_info": "1",
    "anteroom_last_pass_timestamp_seconds": "0+60",
    'anteroom_source_up{type="vm"}': "1",
    'anteroom_source_age_seconds{type="vm"}': "0+60",  # nobody waits, nobody asks
    'anteroom_queue_jobs{type="vm",status="queued"}': "0",
    'anteroom_queue_oldest_wait_seconds{type="vm"}': "3600",
    'anteroom_queue_paused{type="vm"}': "0",
    'anteroom_callback_duration_seconds_count{outcome="accepted"}': "0+60",
    'anteroom_callback_duration_seconds_count{outcome="again"}': "0+10",
    "anteroom_receivers_paused": "0",
    'anteroom_http_requests_total{route="/v1/{type}",method="GET",status="200"}': "0+600",
    'anteroom_http_requests_total{route="/v1/{type}",method="GET",status="500"}': "0+1",
    'anteroom_commit_duration_seconds_bucket{program="anteroom.fcgi",le="0.01"}': "0+60",
    'anteroom_commit_duration_seconds_bucket{program="anteroom.fcgi",le="10"}': "0+60",
    'anteroom_commit_duration_seconds_bucket{program="anteroom.fcgi",le="+Inf"}': "0+60",
    "anteroom_pass_duration_seconds_sum": "0+1",
    "anteroom_pass_duration_seconds_count": "0+10",
    "anteroom_database_room_bytes": f"{10 * GB}-1024",
    "anteroom_database_size_bytes": f"{2 * GB}+1024",
    "anteroom_database_wal_size_bytes": "16777216",
}
# alert: what is not well from the beginning, and the minutes at which it is still silent and at which it cries.
BAD = {
    "AnteroomGone": ({"anteroom_build_info": None}, 4, 6),
    "AnteroomNoPass": ({"anteroom_last_pass_timestamp_seconds": "0"}, 5, 7),
    "AnteroomSourceFailing": ({'anteroom_source_up{type="vm"}': "0"}, 4, 6),
    "AnteroomSourceOld": ({'anteroom_queue_jobs{type="vm",status="queued"}': "1"}, 19, 22),
    "AnteroomWaitLong": ({'anteroom_queue_oldest_wait_seconds{type="vm"}': "0+60"}, 1440 + 14, 1440 + 17),
    "AnteroomQueuePaused": ({'anteroom_queue_paused{type="vm"}': "1"}, 59, 61),
    "AnteroomCallbacksFailing": ({'anteroom_callback_duration_seconds_count{outcome="again"}': "0+100"}, 4, 20),
    "AnteroomReceiversPaused": ({"anteroom_receivers_paused": "2"}, 14, 16),
    "AnteroomErrors": ({'anteroom_http_requests_total{route="/v1/{type}",method="GET",status="500"}': "0+10"}, 4, 10),
    "AnteroomCommitSlow": ({'anteroom_commit_duration_seconds_bucket{program="anteroom.fcgi",le="0.01"}': "0+6"}, 9, 16),
    "AnteroomPassSlow": ({"anteroom_pass_duration_seconds_sum": "0+200"}, 14, 32),
    "AnteroomDiskFilling": ({"anteroom_database_room_bytes": f"{200 * 2**20}"}, 29, 31),
    "AnteroomDatabaseGrowing": ({"anteroom_database_size_bytes": f"{2 * GB}+{2 * 2**20}"}, 1440 + 59, 1440 + 62),
    "AnteroomLogNotFolded": ({"anteroom_database_wal_size_bytes": f"{2 * GB}"}, 14, 16),
}


def alerts():
    return re.findall(r"- alert: (\w+)", RULES.read_text())


def promtool(*words, cwd):
    done = subprocess.run(["promtool", *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def series(values):
    def put(name, value):
        name = name if "{" in name else name + "{}"
        return {"series": name.replace("{", '{instance="a",', 1).replace(",}", "}"), "values": f"{value}x{LENGTH}"}

    return [put(name, value) for name, value in values.items() if value is not None]


def firing(alert, minute, expected):
    """How many of it fire at a minute."""
    expr = f'sum(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": expected}]}


def test_each_alert_fires_when_it_should_and_no_sooner(tmp_path):
    assert list(BAD) == alerts()
    tests = [{"interval": "1m", "input_series": series(WELL),
              "promql_expr_test": [firing(alert, minute, 0) for alert in BAD for minute in (30, LENGTH - 10)]}]
    for alert, (change, silent, cries) in BAD.items():
        assert set(change) <= set(WELL), alert
        tests.append({"interval": "1m", "input_series": series({**WELL, **change}),
                      "promql_expr_test": [firing(alert, silent, 0), firing(alert, cries, 1)]})
    (tmp_path / "tests.json").write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    promtool("check", "rules", RULES, cwd=tmp_path)
    promtool("test", "rules", "tests.json", cwd=tmp_path)


def test_what_a_wrong_expectation_leads_to(tmp_path):
    """The test above can fail."""
    tests = [{"interval": "1m", "input_series": series(WELL), "promql_expr_test": [firing("AnteroomNoPass", 30, 1)]}]
    (tmp_path / "tests.json").write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    with pytest.raises(AssertionError):
        promtool("test", "rules", "tests.json", cwd=tmp_path)


def members(value, name):
    """All members of that name, however deep."""
    if isinstance(value, dict):
        yield from (v for k, v in value.items() if k == name)
        value = list(value.values())
    if isinstance(value, list):
        for v in value:
            yield from members(v, name)


def dashboard():
    """Its expressions, with what Grafana would put in for its variables."""
    return [e.replace("$__rate_interval", "5m") for e in members(json.loads(DASHBOARD.read_text()), "expr")]


def test_every_expression_of_the_dashboard_is_one(tmp_path):
    found = dashboard()
    assert len(found) > 15
    rules = [{"record": f"r{i}", "expr": expr} for i, expr in enumerate(found)]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    promtool("check", "rules", "rules.json", cwd=tmp_path)
    ids = list(members(json.loads(DASHBOARD.read_text())["panels"], "id"))
    assert len(ids) == len(set(ids))


def test_rules_and_dashboard_name_numbers_that_there_are(anteroom, receiver):
    a = anteroom({"queues": {**lab({"n": {"gpu": 1}})["queues"], "told": {"capacity": "exec", "program": ["/bin/echo", '{"hosts": {}}']}}})
    a.create("j", "lab", data={"instances": [{"gpu": 1}]}, callback=receiver.url("a"))
    a.create("k", "lab", data={"instances": [{"gpu": 1}]}, callback=receiver.url("b"))
    a.dispatch()
    there = {name for name, *_ in parse(a.get("/metrics").text)}
    for text in [RULES.read_text(), *dashboard()]:
        named = set(re.findall(r"\b(?:anteroom|process)_[a-z_]+[a-z]\b", text))
        assert named <= there, named - there
