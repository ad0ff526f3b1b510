# SPDX-License-Identifier: MIT
"""The logs: one id from the web server's access log to the callback, JSON, a file that is moved away, and no secret in any of it."""
import base64
import json
import re
import signal

import pytest

from cloud import ask, create, lab
from harness import wait_until

HOSTS = {"n": {"gpu": 100}}
DEBUG = {"log_level": "debug"}
TEXT = re.compile(r'^time=\S+ level=(?:error|warn|info|debug) program=[\w.-]+ event=[\w-]+ ((?:[\w-]+=(?:"(?:[^"\\]|\\.)*"|\S*) ?)*)$')


def lines(path):
    return path.read_text().splitlines()


def logged(a):
    """All that was written anywhere: nginx's logs, service, dispatcher, log_file."""
    return {p: p.read_text(errors="replace") for p in [*a.dir.glob("log/*"), *a.dir.glob("*.log*")] if p.is_file()}


# One id ---------------------------------------------------------------------------------------------------------------


def test_one_id_from_the_web_server_to_the_callback(anteroom, receiver):
    a = anteroom({**DEBUG, "log_file": "all.log", "callback": {"retry": [0, "10ms"]}, **lab(HOSTS)})
    receiver.script("cb", [500, 204])
    answer = a.post("/v1/lab/", a.job("j", "lab", callback=receiver.url("cb"), data={"instances": [{"gpu": 1}]}))
    assert answer.status == 201
    request = answer.headers["X-Request-Id"]
    a.start_dispatcher()
    first, second = receiver.wait(2, "cb")
    assert first.headers["X-Request-Id"] == second.headers["X-Request-Id"] == request
    log = a.dir / "all.log"
    wait_until(lambda: "outcome=accepted" in log.read_text())
    mine = [line for line in lines(log) if f" id={request}" in line]
    created, again, accepted = mine
    job, = re.search(r" job=(\d+) ", again).groups()
    admitted, = [line for line in lines(log) if " event=admitted " in line]
    assert f' job={job} queue="lab" hosts="{{\\"n\\":1}}"' in admitted
    assert "program=anteroom.fcgi event=job did=created" in created and ' request_id="j" jobs=1 ' in created
    assert "program=anteroom-dispatch event=callback" in again and "outcome=again" in again and "level=info" in again
    assert "outcome=accepted" in accepted and "level=debug" in accepted
    assert [line for line in lines(a.dir / "log/access.log") if f"id={request}" in line and "POST" in line]


def test_a_batch_has_one_line_and_one_id_and_a_job_of_the_command_none(anteroom, receiver):
    a = anteroom({**DEBUG, **lab(HOSTS)})
    jobs = [a.job(f"j{i}", "lab", callback=receiver.url(f"{i}"), data={"instances": [{"gpu": 1}]}) for i in range(3)]
    answer = a.post("/v1/lab/", jobs)
    request = answer.headers["X-Request-Id"]
    line, = [line for line in lines(a.dir / "log/fcgi.log") if "event=job" in line]
    assert line.endswith(f'did=created type="lab" request_id="" jobs=3 who="anonymous" id={request}')
    assert ask(a, "SELECT DISTINCT request FROM jobs") == [(request,)]
    a.dispatch()
    assert {r.headers["X-Request-Id"] for r in receiver.wait(3)} == {request}


def test_what_clients_do_is_a_line_each_at_debug_only(anteroom):
    a = anteroom({**DEBUG, **lab(HOSTS)})

    def did():
        return [re.search(r"did=(\S+)", line)[1] for line in lines(a.dir / "log/fcgi.log") if "event=job" in line]

    create(a, "j", 1, callback="cb")
    assert a.post("/v1/lab/", a.job("j", "lab")).status == 409
    assert a.post("/v1/lab/j", {"status": "held"}).status == 200
    assert a.post("/v1/lab/j", {"status": "finished"}).status == 409
    assert a.delete("/v1/lab/j").status == 200
    assert did() == ["created", "changed", "deleted"]
    a.write_config({**lab(HOSTS)})
    a.restart_fcgi()
    create(a, "k", 1, callback="cb")
    assert len(did()) == 3


# JSON -----------------------------------------------------------------------------------------------------------------


def test_as_json_every_line_is_an_object_of_the_same_pairs(anteroom, receiver):
    a = anteroom({**DEBUG, "log_format": "json", "log_file": "all.log", "callback": {"retry": [0, "10ms"]}, **lab(HOSTS)})
    receiver.script("bad", [410])
    create(a, 'a "quoted" \\ name\u00e9', 1, callback=receiver.url("good"))
    create(a, "b", 1, callback=receiver.url("bad"))
    a.start_dispatcher()
    wait_until(lambda: '"outcome":"accepted"' in (a.dir / "all.log").read_text() and '"outcome":"failed"' in (a.dir / "all.log").read_text())
    found = [json.loads(line, object_pairs_hook=lambda pairs: dict(pairs) if len(dict(pairs)) == len(pairs) else pytest.fail(line))
             for line in lines(a.dir / "all.log")]
    assert all({"time", "level", "program", "event"} <= set(f) for f in found)
    assert 'a "quoted" \\ name\u00e9' in {f.get("request_id") for f in found}
    failed, = [f for f in found if f.get("outcome") == "failed"]
    assert failed["status"] == 410 and failed["try"] == 1 and isinstance(failed["id"], str)
    assert not [f for f in found if "text" in f]


def test_as_text_every_line_is_of_pairs(anteroom, receiver):
    a = anteroom({**DEBUG, **lab(HOSTS)})
    create(a, "j", 1, callback=receiver.url("a"))
    assert a.post("/queues/lab", {"paused": True}).status == 200
    a.start_dispatcher()
    assert a.post("/queues/lab", {"paused": False}).status == 200
    receiver.wait(1, "a")
    a.dispatch()  # finds the other one at work
    for path in ("log/fcgi.log", "log/dispatch.log"):
        found = lines(a.dir / path)
        assert found and all(TEXT.match(line) for line in found), found


# The file -------------------------------------------------------------------------------------------------------------


def test_a_log_that_was_moved_away_is_opened_anew_at_sighup(anteroom):
    a = anteroom({**DEBUG, "log_file": "all.log", **lab(HOSTS)})
    log, old = a.dir / "all.log", a.dir / "all.log.1"
    a.start_dispatcher()
    log.rename(old)
    for process in (a.fcgi, a.dispatcher):
        process.send(signal.SIGHUP)
    wait_until(lambda: log.exists() and log.read_text().count("event=log state=reopened") == 2)
    create(a, "j", 1, callback="cb")
    wait_until(lambda: "event=job did=created" in log.read_text() and "admitted=1" in log.read_text())
    assert "event=job" not in old.read_text() and log.stat().st_mode & 0o777 == 0o640
    assert a.fcgi.alive() and a.dispatcher.alive()
    assert a.fcgi.log() == "" and a.dispatcher.log() == ""


def test_on_stderr_sighup_ends_nobody(anteroom):
    a = anteroom({**DEBUG, **lab(HOSTS)})
    a.start_dispatcher()
    for process in (a.fcgi, a.dispatcher):
        process.send(signal.SIGHUP)
    create(a, "j", 1, callback="cb")
    wait_until(lambda: "admitted=1" in a.dispatcher.log())
    assert a.fcgi.alive() and a.dispatcher.alive() and a.get("/healthz").status == 200


def test_a_file_that_cannot_be_opened_is_said_and_stderr_has_the_lines(anteroom):
    a = anteroom({**DEBUG, "log_file": "nowhere/all.log", **lab(HOSTS)})
    create(a, "j", 1, callback="cb")
    assert 'event=log file="nowhere/all.log" error="No such file or directory" to=stderr' in a.fcgi.log()
    assert "event=job did=created" in a.fcgi.log()
    (a.dir / "nowhere").mkdir()
    a.fcgi.send(signal.SIGHUP)
    wait_until(lambda: (a.dir / "nowhere/all.log").exists())
    create(a, "k", 1, callback="cc")
    wait_until(lambda: 'request_id="k"' in (a.dir / "nowhere/all.log").read_text())


# No secret ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_in_any_log(anteroom, receiver, form):
    secret = "whsec_" + base64.b64encode(b"signing-key-of-thirty-two-bytes!").decode()
    a = anteroom({**DEBUG, "log_format": form, "log_file": "all.log", "auth": "tokens",
                  "callback": {"retry": [0, "10ms"], "secret_file": "callback.secret", "pause_after": 1}, **lab(HOSTS)}, start=False)
    (a.dir / "callback.secret").write_text(secret + "\n")
    (a.dir / "callback.secret").chmod(0o600)
    a.start()
    admin, reader = a.token("adam", "admin"), a.token("rita", "reader")
    given = ["query-credential", "path-credential", "data-credential", "idempotency-credential", "wrong-credential"]
    receiver.script("good?token=query-credential", [204])
    for i, path in enumerate(("good?token=query-credential", "bad/path-credential?k=query-credential")):
        receiver.script(path, [500, 404])
        job = a.job(f"j{i}", "lab", callback=receiver.url(path), data={"instances": [{"gpu": 1}], "password": "data-credential"})
        assert a.post("/v1/lab/", job, headers={**admin, "Idempotency-Key": f"idempotency-credential-{i}"}).status == 201
    refused = a.job("r", "lab", callback="http://user:path-credential@127.0.0.1/", data={"password": "data-credential"})
    assert a.post("/v1/lab/", refused, headers=admin).status == 422
    assert a.get("/v1/lab/", headers={"Authorization": "Bearer wrong-credential"}).status == 401
    assert a.post("/v1/lab/j0", {"status": "held"}, headers=reader).status == 403
    a.dispatch()
    a.dispatch(env={"ANTEROOM_CLOCK_OFFSET": "3600"})
    a.get("/metrics", headers=reader)
    a.fcgi.kill()
    a.start_fcgi()
    texts = logged(a)
    assert any("event=callback" in t or '"event":"callback"' in t for t in texts.values())
    tokens = [h["Authorization"].removeprefix("Bearer ") for h in (admin, reader)]
    for path, text in texts.items():
        if path.name == "callbacks.log":
            continue
        for word in [*given, *tokens, secret, secret.removeprefix("whsec_"), "signing-key"]:
            assert word not in text, (path.name, word, [line for line in text.splitlines() if word in line][:2])
