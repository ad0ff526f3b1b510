# SPDX-License-Identifier: MIT
"""What goes wrong with tokens, roles and services: nobody is admitted, the job says what the service said, and then it goes on."""
import json
import re
import time

import pytest

from bed import THIRD, WHOLE
from harness import wait_until


@pytest.fixture
def full(bed):
    """host-1 is tenant-a's and full; the server on it."""
    bed.admin.make_aggregate("red", ["host-1"], filter_tenant_id=bed.projects["tenant-a"])
    return bed.boot("tenant-a", WHOLE)


def kept_token(a):
    kept, = a.dir.glob("keystone-*.json")
    return kept


def asks_again_until_there_is_room(bed, p, server):
    """The job waits, the server goes, the job is admitted; and all the while the source was there."""
    bed.delete(server)
    assert p.hosts("j") == {"host-1": 1}
    assert "event=source " not in p.anteroom.dispatcher.log()


def test_a_token_that_was_revoked_is_replaced(bed, anteroom, portal, full):
    p = portal(anteroom(), boots=False)
    p.ask("j", "tenant-a", WHOLE)
    p.waits("j", "WaitingForCapacity", "full")
    token = json.loads(kept_token(p.anteroom).read_text())["token"]
    bed.admin.revoke_token(token)
    wait_until(lambda: json.loads(kept_token(p.anteroom).read_text())["token"] != token, 60, "another token")
    asks_again_until_there_is_room(bed, p, full)


def test_a_kept_token_that_means_nothing_is_replaced(bed, anteroom, portal, full):
    a = anteroom(dispatcher=False)
    a.dispatch()
    text = kept_token(a).read_text()
    token = json.loads(text)["token"]
    kept_token(a).write_text(text.replace(token, "gAAAAA" + "x" * 100))
    a.start_dispatcher()
    p = portal(a, boots=False)
    p.ask("j", "tenant-a", WHOLE)
    p.waits("j", "WaitingForCapacity", "full")
    asks_again_until_there_is_room(bed, p, full)


@pytest.fixture
def short_tokens(bed):
    """Keystone gives tokens for five seconds."""
    config = bed.dir / "etc/keystone/keystone.conf"
    text = config.read_text()

    def restart(settings):
        bed.stop_service("keystone")
        config.write_text(settings)
        bed.start_service("keystone")

    restart(re.sub(r"(?m)^expiration = .*", "expiration = 5", text))
    yield
    restart(text)


def test_tokens_that_end_are_renewed(bed, anteroom, portal, full, short_tokens):
    p = portal(anteroom(), boots=False)
    p.ask("j", "tenant-a", WHOLE)
    p.waits("j", "WaitingForCapacity", "full")
    begun = time.monotonic()
    wait_until(lambda: time.monotonic() - begun > 11, 60, "the end of two tokens")
    asks_again_until_there_is_room(bed, p, full)


@pytest.mark.parametrize("left, words", [
    (None, "Keystone answered 401: The request you have made requires authentication."),
    ("reader", "403"),
])
def test_a_role_that_is_taken_away_and_given_back(bed, anteroom, portal, full, left, words):
    """Nothing at all is left to the source's user, or less than it needs."""
    p = portal(anteroom(), boots=False)
    p.ask("j", "tenant-a", WHOLE)
    p.waits("j", "WaitingForCapacity", "full")
    project, user = bed.projects["capacity"], bed.users["capacity"]
    if left:
        bed.admin.set_role("PUT", project, user, left)
    token = json.loads(kept_token(p.anteroom).read_text())["token"]
    bed.admin.set_role("DELETE", project, user, "admin")
    if left:
        bed.admin.revoke_token(token)
        # until then some process of a service may remember what the old one was good for
        wait_until(lambda: json.loads(kept_token(p.anteroom).read_text())["token"] != token, 60, "another token")
    p.waits("j", "SourceUnavailable", words)
    bed.delete(full)
    p.ask("k", "tenant-b", THIRD)
    p.waits("k", "SourceUnavailable", words)
    p.waits("j", "SourceUnavailable", words)
    bed.admin.set_role("PUT", project, user, "admin")
    if left:
        bed.admin.set_role("DELETE", project, user, left)
    p.hosts("j")
    p.hosts("k")


@pytest.mark.parametrize("service, words", [("placement", "Placement"), ("keystone", "")])
def test_a_service_that_goes_down_and_comes_back(bed, anteroom, portal, full, service, words):
    p = portal(anteroom(), boots=False)
    p.ask("j", "tenant-a", WHOLE)
    p.waits("j", "WaitingForCapacity", "full")
    bed.stop_service(service)
    try:
        p.waits("j", "SourceUnavailable", words)
        p.ask("k", "tenant-b", THIRD)
        p.waits("k", "SourceUnavailable", words)
    finally:
        bed.start_service(service)
    bed.delete(full)
    p.hosts("j")
    p.hosts("k")
