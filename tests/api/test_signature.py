# SPDX-License-Identifier: MIT
"""Signed callbacks: as a receiver checks them, while secrets change, and no callback at all where they cannot be read."""
import base64
import contextlib
import hashlib
import hmac
import os

import pytest

from cloud import create, lab, queue, states
from harness import wait_until
from receiver import Receiver

HOSTS = {"n": {"gpu": 100}}
OLD, NEW, OTHER = ("whsec_" + base64.b64encode(bytes([i]) * n).decode() for i, n in ((1, 24), (2, 32), (3, 64)))


def put(path, *secrets, mode=0o640):
    """Puts the file in place as a whole."""
    fresh = path.with_suffix(".new")
    fresh.write_text("".join(s + "\n" for s in secrets))
    fresh.chmod(mode)
    os.rename(fresh, path)


def signature(secret, request):
    """As Standard Webhooks has it, by other means than ours."""
    text = b".".join((request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def signatures(request, *secrets):
    return " ".join(signature(s, request) for s in secrets)


@pytest.fixture
def signed(anteroom, tmp_path):
    """(a, path): an installation whose callbacks are signed with what is in the file."""
    path = tmp_path / "secret"
    put(path, OLD)
    return anteroom({"callback": {"secret_file": str(path)}, **lab(HOSTS)}), path


def test_every_try_is_signed_anew(signed, receiver):
    a, _ = signed
    receiver.script("j", [500, 204])
    a.write_config({**a.config, "callback": {**a.config["callback"], "retry": [0, "10ms"]}})
    create(a, "j", 1, callback=receiver.url("j"))
    a.start_dispatcher()
    a.wait_status("j", "running", "lab")
    for r in receiver.requests:
        assert r.headers.get_all("webhook-signature") == [signature(OLD, r)]


def test_each_queue_has_its_own_secrets(anteroom, receiver, tmp_path):
    put(tmp_path / "all", OLD)
    put(tmp_path / "two", NEW, OTHER)
    queues = {"one": queue(HOSTS), "two": queue(HOSTS, secret_file=str(tmp_path / "two"))}
    a = anteroom({"callback": {"secret_file": str(tmp_path / "all")}, "queues": queues})
    for type in queues:
        create(a, "j", 1, type=type, callback=receiver.url(type))
    a.dispatch()
    assert receiver.at("one")[0].headers["webhook-signature"] == signatures(receiver.at("one")[0], OLD)
    assert receiver.at("two")[0].headers["webhook-signature"] == signatures(receiver.at("two")[0], NEW, OTHER)


def test_secrets_are_rotated_while_it_runs(signed, receiver):
    """Old; old and new; new: no restart, and at each moment one that the receiver knows."""
    a, path = signed
    a.start_dispatcher()
    for turn, secrets in enumerate(([OLD], [NEW, OLD], [NEW])):
        put(path, *secrets)
        names = iter(range(1000))

        def signed_so(turn=turn, secrets=secrets, names=names):
            n = f"{turn}-{next(names)}"
            create(a, n, 1, callback=receiver.url(n))
            a.wait_status(n, "running", "lab")
            r, = receiver.at(n)
            return r.headers["webhook-signature"] == signatures(r, *secrets)

        wait_until(signed_so, what="the new secrets")
    for r in receiver.requests:
        assert set(r.headers["webhook-signature"].split()) <= {signature(OLD, r), signature(NEW, r)}


def test_a_bad_new_file_keeps_the_old_secrets_and_says_so(signed, receiver):
    a, path = signed
    a.start_dispatcher()
    put(path, "whsec_notBase64andFarTooShort!", NEW)
    names = iter(range(1000))

    def said_so():
        n = f"j{next(names)}"
        create(a, n, 1, callback=receiver.url(n))
        a.wait_status(n, "running", "lab")
        return "event=secrets" in a.dispatcher.log()

    wait_until(said_so, what="a line in the log")
    assert a.dispatcher.log().count(f'error="{path}:1: no secret: whsec_ and the base64 of 24 to 64 bytes" kept=1') == 1
    for r in receiver.requests:
        assert r.headers["webhook-signature"] == signature(OLD, r)
    a.dispatcher.stop()
    for secret in (OLD, NEW, "notBase64"):
        assert secret.removeprefix("whsec_")[:12] not in a.dispatcher.log()


BAD = [("missing", None, 0o600, "No such file"), ("empty", [], 0o600, "holds no secret"), ("readable-by-all", [OLD], 0o644, "others may use it"),
       ("writable-by-the-group", [OLD], 0o660, "others may use it"), ("no-secret", [OLD, "secret"], 0o600, ":2: no secret"),
       ("too-many", [OLD] * 9, 0o600, "more than 8")]


@pytest.mark.parametrize("secrets, mode, words", [pytest.param(*row[1:], id=row[0]) for row in BAD])
@pytest.mark.parametrize("args", [(), ("--for", "58"), ("--watch",)], ids=["once", "for", "watch"])
def test_it_does_not_start_without_them(signed, receiver, secrets, mode, words, args):
    a, path = signed
    create(a, "j", 1, callback=receiver.url("j"))
    if secrets is None:
        path.unlink()
    else:
        put(path, *secrets, mode=mode)
    done = a.dispatch(*args, code=1)
    assert "event=start code=configuration error=" in done.stderr and str(path) in done.stderr and words in done.stderr
    assert receiver.requests == [] and states(a) == {"j": "queued"}
    assert OLD[6:] not in done.stderr and "whsec_" not in done.stderr.replace("whsec_ and", "")


@pytest.mark.parametrize("secrets, mode, words", [pytest.param(*row[1:], id=row[0]) for row in BAD])
def test_the_check_says_so(signed, secrets, mode, words):
    a, path = signed
    assert "callback secrets: ok\n" in a.dispatch("--check").stdout
    if secrets is None:
        path.unlink()
    else:
        put(path, *secrets, mode=mode)
    done = a.dispatch("--check", code=1)
    line, = [x for x in done.stdout.splitlines() if x.startswith("callback secrets: ")]
    assert str(path) in line and words in line and OLD[6:] not in done.stdout + done.stderr


def test_nothing_is_checked_where_nothing_is_signed(anteroom):
    a = anteroom(lab(HOSTS))
    assert "secrets" not in a.dispatch("--check").stdout


def test_a_receiver_that_says_what_it_was_sent_learns_nobody_the_secret(signed, tmp_path):
    """The answer is kept: it may hold the signature, which is of this one message, and never what it was made with."""
    a, _ = signed

    class Echo(Receiver):
        def _next_reply(self, received):
            reply = super()._next_reply(received)
            reply.status, reply.body = 500, str(received.headers).encode() + received.body
            return reply

    with contextlib.closing(Echo()) as echo:
        create(a, "j", 1, callback=echo.url("j"))
        done = a.dispatch()
    kept = a.db_path.read_bytes() + b"".join(p.read_bytes() for p in a.dir.glob("anteroom.db-wal")) + done.stderr.encode()
    assert b"webhook-signature" in kept
    for form in (OLD[6:].encode(), base64.b64decode(OLD[6:])):
        assert form not in kept
