# SPDX-License-Identifier: MIT
"""A cloud that hands back what it was sent, in every way and at every place: no password and no token is shown or kept."""
import html
import json
import re
import subprocess
from urllib.parse import quote

import pytest

import openstack_fake
from harness import BIN, SLOW
from openstack_fake import Answer

PASSWORD = 'p"a\\ss/w<o>rd&\u00e9'
TOKEN = re.compile(r"gAAAA.{1,6}kept")  # what the cloud below gives out, however it is written

WAYS = {
    "text": lambda asked: asked,
    "a message": lambda asked: json.dumps({"error": {"message": asked}}),
    "a message in UTF-8": lambda asked: json.dumps({"error": {"message": asked}}, ensure_ascii=False),
    "details": lambda asked: json.dumps({"errors": [{"detail": "No.\n\n" + asked}]}),
    "JSON of another shape": lambda asked: json.dumps({"you": {"sent": [asked]}}),
    "JSON with escaped slashes": lambda asked: json.dumps([asked]).replace("/", "\\/"),
    "a page": lambda asked: f"<html><body><pre>{html.escape(asked)}</pre></body></html>",
    "a page that forgets to escape": lambda asked: f"<html><body>{asked}</body></html>",
    "a page's address": lambda asked: quote(asked, safe=""),
    "Python": repr,
    "what comes last": lambda asked: "x" * 150 + secrets_of(asked),
}


def secrets_of(asked):
    """The secrets in a request, as they are."""
    token = re.search(r"^X-Auth-Token: (.*)$", asked, re.M)
    body = asked.partition("\n\n")[2]
    return (token[1] if token else "") + " " + (json.loads(body)["auth"]["identity"]["password"]["user"]["password"] if body else "")


@pytest.fixture
def cloud():
    c = openstack_fake.Cloud()
    good = c.keystone

    def keystone():
        answer = good()
        answer.headers["X-Subject-Token"] = f"gAAAA/kept-{c.tokens}"
        return answer

    c.keystone = keystone
    c.aggregates["gold"][0]["filter_tenant_id"] = "p1"  # whose quota --check asks for
    yield c
    c.close()


def spellings(secret):
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret), quote(secret, safe=""),
            quote(secret), repr(secret)[1:-1], json.dumps(secret)[1:-1].replace("/", "\\/")}


@pytest.mark.parametrize("status", [401, 500])
@pytest.mark.parametrize("service", ["keystone", "nova", "placement", "listing", "quota"])
def test_nothing_that_was_sent_comes_out(anteroom, cloud, service, status):
    a = anteroom({"queues": {"vm": {"capacity": "openstack", "max_age": "1s", "timeout": f"{20 * SLOW}s"}}}, start=False)
    a.write_config()
    env = {**a.env, **cloud.env(OS_PASSWORD=PASSWORD)}
    said = ""
    for write in WAYS.values():
        for kept in a.dir.glob("*-*.json"):
            kept.unlink()
        head = {} if service == "keystone" else {"Retry-After": secrets_of}
        cloud.override[service] = Answer(status, write, head)
        for options in ([], ["--check"], ["--capacity"], ["--capacity", "--json"], ["--dry-run"]):
            done = subprocess.run([BIN / "anteroom-dispatch", "--config", a.config_path, *options], cwd=a.dir, env=env,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60 * SLOW)
            assert done.returncode in (0, 1), done.stderr
            said += done.stdout + done.stderr
    assert f"answered {status}" in said
    for text in [said] + [f.read_bytes().decode("utf-8", "replace") for f in a.dir.iterdir()
                          if f.is_file() and not f.name.startswith("keystone-")]:
        for secret in spellings(PASSWORD) | {"w<o>rd", "p\"a"}:
            assert secret not in text, secret
        assert not TOKEN.search(text)
    for kept in a.dir.glob("*-*.json"):
        assert kept.stat().st_mode & 0o777 == 0o600
        assert PASSWORD not in kept.read_text()
