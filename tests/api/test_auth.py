# SPDX-License-Identifier: MIT
"""The door: auth none by address, and auth tokens with the command that makes them. Who may do what then is in test_rights.py."""
import json
import re

import pytest

from contract import FastCGI, is_ok, is_refused
from harness import wait_until

# Nobody by address --------------------------------------------------------------------------------------------------------

LOOPBACK = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]
OTHERS = ["192.0.2.1", "10.0.0.1", "126.255.255.255", "128.0.0.0", "::2", "2001:db8::1", "::ffff:192.0.2.1", "::127.0.0.1", "0.0.0.0"]
NOWHERE = ["unix:", "", "localhost", "127.1", "0x7f.0.0.1", "127.0.0.1 ", "[::1]", "::1%lo", "127.0.0.1, 192.0.2.1", None]


def status_from(a, address, path="/v1/vm/"):
    with FastCGI(a) as f:
        return f.request("GET", path, REMOTE_ADDR=address)


@pytest.fixture(scope="module")
def open_door(shared_anteroom):
    return shared_anteroom()


@pytest.mark.parametrize("address", LOOPBACK)
def test_without_authentication_loopback_is_served(open_door, address):
    assert status_from(open_door, address).status == 200


@pytest.mark.parametrize("address", OTHERS + NOWHERE)
def test_without_authentication_nobody_else_is(open_door, address):
    refused = status_from(open_door, address)
    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    assert "open_to" in refused.json["error"] and "tokens" in refused.json["error"]
    assert (address if address in OTHERS[:4] else "") in refused.json["error"]
    assert status_from(open_door, address, "/healthz").status == 200


@pytest.mark.parametrize("networks, served, refused", [
    (["192.0.2.0/24"], ["192.0.2.1", "::ffff:192.0.2.255"], ["127.0.0.1", "192.0.3.0", "unix:", None]),
    (["2001:db8::/32", "127.0.0.1"], ["2001:db8:ffff::1", "127.0.0.1"], ["2001:db9::", "127.0.0.2", "::1"]),
    (["192.0.2.64/27"], ["192.0.2.64", "192.0.2.95"], ["192.0.2.63", "192.0.2.96"]),
    (["0.0.0.0/0"], ["203.0.113.9", "127.0.0.1"], ["::1", "unix:", None]),
    (["::/0"], ["203.0.113.9", "::1", "unix:", None], []),
])
def test_open_to_says_who_is_served(anteroom, networks, served, refused):
    a = anteroom({"open_to": networks}, start=False)
    a.start_nginx()
    a.write_config()
    a.start_fcgi()
    assert {status_from(a, address).status for address in served} == {200}
    assert {status_from(a, address).status for address in refused} <= {403}


def test_nginx_says_where_a_request_comes_from(anteroom):
    """By the shipped configuration, which a client cannot talk over."""
    a = anteroom({"open_to": ["192.0.2.0/24"]})
    for headers in ({}, {"X-Forwarded-For": "192.0.2.1"}, {"Remote-Addr": "192.0.2.1"}, {"X-Real-IP": "192.0.2.1"}):
        refused = a.get("/v1/vm/", headers=headers)
        is_refused(refused, "forbidden")
        assert "from 127.0.0.1" in refused.json["error"]


def test_who_is_anonymous_is_written_so(open_door):
    open_door.create("anonymous")
    with open_door.database() as db:
        assert db.execute("SELECT created_by FROM jobs").fetchall() == [("anonymous",)]


# Tokens -------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom({"auth": "tokens"})
    a.good = a.token("good", "admin")["Authorization"].partition(" ")[2]
    return a


def ask(a, **headers):
    return a.get("/v1/vm/", headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_token_is_taken_from_either_header(a):
    for headers in ({"Authorization": f"Bearer {a.good}"}, {"Authorization": f"bearer   {a.good}"}, {"X_Auth_Token": a.good},
                    {"Authorization": f"Bearer {a.good}", "X_Auth_Token": a.good}):
        is_ok(ask(a, **headers))


def test_blanks_around_a_token_are_none_of_it(a):
    params = {"HTTP_AUTHORIZATION": f" Bearer \t{a.good} \t", "HTTP_X_AUTH_TOKEN": f"{a.good}  "}  # as no web server hands them on
    with FastCGI(a) as link:
        assert link.request("GET", "/v1/vm/", **params).status == 200


def test_two_different_tokens_are_refused(a):
    is_refused(ask(a, Authorization=f"Bearer {a.good}", X_Auth_Token="other"), "bad_request")


def test_every_wrong_token_gets_the_same_answer(a):
    number, secret = a.good.split("_", 2)[1:]
    wrong = [f"ant_{number}_{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}", f"ant_{number}_{secret}x", f"ant_{number}_{secret[:-1]}",
             f"ant_99_{secret}", f"ant_0_{secret}", f"ant_-1_{secret}", f"ant_{2**63}_{secret}", f"ANT_{number}_{secret}", f"ant_0{number}_{secret}",
             f"ant_{number}_", "ant_", "x", "x" * 4000, secret, f"ant_{number}_{secret} x", f"ant_{number}_{'A' * 43}"]
    answers = [ask(a, X_Auth_Token=token) for token in wrong]
    for answer in answers:
        is_refused(answer, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="anteroom"'
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "},
                                     {"Authorization": "Basic eDp5"}, {"X_Auth_Token": ""}, {"Authorization": "Bearerx"}])
def test_without_a_token_it_says_how(a, headers):
    answer = ask(a, **headers)
    is_refused(answer, "unauthorized")
    assert "Bearer <token>" in answer.json["error"]


def test_who_asks_is_known_before_anything_else_is_looked_at(a):
    """Query, names, preconditions, bodies: nothing of them tells a stranger anything. Only whether there is such a path, as the manual says."""
    for method, path, body in [("GET", "/v1/vm/?bogus=1", None), ("GET", "/v1/%01/", None), ("POST", "/v1/vm/", "{"),
                               ("POST", "/v1/vm/", b"\xff"), ("POST", "/v1/vm/x", "[]")]:
        is_refused(a.request(method, path, body), "unauthorized")
    is_refused(a.get("/nowhere"), "not_found")
    is_refused(a.request("PUT", "/v1/vm/"), "method_not_allowed")
    is_refused(a.get("/v1/vm/%zz"), "bad_request")
    is_refused(a.post("/v1/vm/", "{", headers={"Origin": "http://evil.example"}), "forbidden")
    is_ok(a.get("/healthz"))


def test_a_refused_bodys_rest_does_not_spoil_the_connection(a):
    client = a.client()
    for _ in range(3):
        is_refused(client.post("/v1/vm/", "x" * 500000), "unauthorized")
        is_ok(client.get("/v1/vm/", headers={"X-Auth-Token": a.good}))


def test_as_plain_cgi_too(a):
    job = json.dumps(a.job("cgi"))
    owner = a.token("cgi", "owner", "y")["Authorization"]
    assert a.cgi("GET", "/v1/vm/")[0] == 401
    status, fields, _ = a.cgi("POST", "/v1/vm/", job, {"X-Auth-Token": "ant_1_x"})
    assert (status, fields["WWW-Authenticate"]) == (401, 'Bearer realm="anteroom"')
    assert a.cgi("POST", "/v1/vm/", job, {"Authorization": owner})[0] == 201
    assert a.cgi("GET", "/v1/vm/cgi", headers={"Authorization": owner})[0] == 200
    assert a.cgi("GET", "/v1/vm/cgi", headers={"Authorization": a.token("cgi2", "owner", "z")["Authorization"]})[0] == 404
    assert a.cgi("GET", "/healthz")[0] == 200


def test_plain_cgi_without_authentication_is_for_loopback(anteroom):
    a = anteroom({"open_to": ["192.0.2.0/24"]}, start=False)
    a.write_config()
    assert a.cgi("GET", "/v1/vm/")[0] == 403


# The command --------------------------------------------------------------------------------------------------------------


def listed(a):
    return {t["name"]: t for t in json.loads(a.command("token", "list", "--json").stdout)}


def test_a_token_is_printed_once_and_nowhere_kept(a):
    made = json.loads(a.command("token", "add", "once", "--role", "owner", "--owner", "b", "--owner", "a", "--owner", "b", "--json").stdout)
    assert re.fullmatch(r"ant_\d+_[A-Za-z0-9_-]{43}", made["token"])
    assert (made["name"], made["role"], made["owners"], made["expires_at"]) == ("once", "owner", ["a", "b"], None)
    is_ok(ask(a, X_Auth_Token=made["token"]))
    secret = made["token"].split("_", 2)[2].encode()
    for path in a.dir.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path
    assert "token" not in listed(a)["once"]
    text = a.command("token", "list").stdout
    assert re.search(r'^once +owner +expires never \["a","b"\]$', text, re.M) and secret.decode() not in text


def test_revoking_counts_at_the_next_request(a):
    headers = a.token("short", "reader")
    client = a.client()
    is_ok(client.get("/v1/vm/", headers=headers))
    a.command("token", "revoke", "short")
    is_refused(client.get("/v1/vm/", headers=headers), "unauthorized")
    assert "short" not in listed(a)
    assert "no token with the name short" in a.command("token", "revoke", "short", code=3).stderr
    again = a.token("short", "reader")
    is_ok(client.get("/v1/vm/", headers=again))
    is_refused(client.get("/v1/vm/", headers=headers), "unauthorized")


def test_an_expired_token_says_so_to_who_has_it(a):
    headers = a.token("brief", "admin", expires="1s")
    wait_until(lambda: ask(a, **headers).status == 401, what="the end of the token")
    answer = ask(a, **headers)
    is_refused(answer, "unauthorized")
    assert "expired" in answer.json["error"]
    assert listed(a)["brief"]["expired"] is True
    assert re.search("^brief +admin +expired 2", a.command("token", "list").stdout, re.M)


def test_when_a_token_expires(a):
    a.command("token", "add", "days", "--role", "admin", "--expires", "90d")
    a.command("token", "add", "date", "--role", "admin", "--expires", "2100-01-01T00:00:00Z")
    tokens = listed(a)
    assert tokens["date"]["expires_at"].startswith("2100-01-01T00:00:00") and not tokens["date"]["expired"]
    assert tokens["days"]["expires_at"] > tokens["days"]["created_at"]


@pytest.mark.parametrize("args", [
    [], ["token"], ["token", "add"], ["token", "frob"], ["frob"], ["token", "add", "x"], ["token", "add", "x", "--role", "king"],
    ["token", "add", "x", "--role", "owner"], ["token", "add", "x", "--role", "admin", "--owner", "y"], ["token", "add", "--role", "admin"],
    ["token", "add", "x", "y", "--role", "admin"], ["token", "add", "a b", "--role", "admin"], ["token", "add", "", "--role", "admin"],
    ["token", "add", "x" * 65, "--role", "admin"], ["token", "add", "x", "--role", "admin", "--expires", "0"],
    ["token", "add", "x", "--role", "admin", "--expires", "soon"], ["token", "add", "x", "--role", "admin", "--expires", "2001-01-01T00:00:00Z"],
    ["token", "add", "x", "--role", "owner", "--owner", ""], ["token", "add", "x", "--role", "owner", "--owner", "a\nb"],
    ["token", "add", "x", "--role", "admin", "--bogus"], ["token", "list", "x"], ["token", "list", "--bogus"], ["token", "revoke"],
    ["token", "revoke", "x", "y"], ["token", "revoke", "--bogus"], ["--bogus"], ["--config"],
])
def test_a_wrong_command_is_2_and_makes_nothing(a, args):
    before = listed(a)
    done = a.command(*args, code=2)
    assert done.stdout == "" and "anteroom" in done.stderr
    assert listed(a) == before


def test_a_name_is_for_one_token(a):
    a.command("token", "add", "twice", "--role", "admin")
    done = a.command("token", "add", "twice", "--role", "admin", code=4)
    assert "already" in done.stderr and done.stdout == ""


def test_the_command_explains_itself(a):
    text = a.command("--help").stdout
    assert text.startswith("Usage: anteroom ") and all(word in text for word in ("token add", "token list", "token revoke", "--config", "78"))
    assert max(map(len, text.splitlines())) <= 100
    assert a.command("--version").stdout.startswith("anteroom 0.")
    a.config_path.with_name("bad.yaml").write_text("auth: maybe\n")
    assert "bad.yaml:1" in a.command("--config", "bad.yaml", "token", "list", code=78).stderr


def test_the_first_command_makes_the_database(anteroom):
    a = anteroom({"auth": "tokens"}, start=False)
    a.write_config()
    assert a.command("token", "list", "--json").stdout == "[]\n"
    headers = a.token("first", "admin")
    a.start()
    is_ok(a.get("/v1/vm/", headers=headers))
