# SPDX-License-Identifier: MIT
"""auth: keystone, by the tokens of a real Keystone: who they are here, and when they are out."""
import datetime
import itertools

import pytest

from cloud_api import Session, call, password_login
from contract import is_refused
from harness import wait_until

CACHE = 2  # seconds


@pytest.fixture
def door(bed, tmp_path_factory):
    """An Anteroom at whose door the real Keystone is asked. Tokens are in no file of it."""
    from harness import factory

    tokens = []
    with factory(tmp_path_factory) as make:
        a = make({"auth": "keystone", "keystone": {"url": bed.creds["endpoints"]["keystone"], "cache": CACHE},
                  "queues": {"*": {"capacity": "none", "callback_base": "http://127.0.0.1:8080/"}}})
        a.tokens = tokens
        a.numbers = itertools.count()
        yield a
    for path in a.dir.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not [t for t in tokens if t.encode() in content], f"{path} has a token in it"


def auth(door, token, bearer=False):
    door.tokens.append(token)
    return {"Authorization": f"Bearer {token}"} if bearer else {"X-Auth-Token": token}


def sign_in(bed, user, **scope):
    return bed.sign_in(user, **scope).token


def unscoped(bed, user, domain=None):
    body = password_login(user, bed.password(user), system=True)
    body["auth"]["scope"] = {"domain": {"id": domain}} if domain else "unscoped"
    headers, _ = call("POST", bed.creds["endpoints"]["keystone"] + "/auth/tokens", body)
    return headers["X-Subject-Token"]


def post(door, headers, owner):
    name = f"j{next(door.numbers)}"
    return door.post("/v1/vm/", door.job(name, data={}, owner_id=owner), headers=headers)


def listed(door, headers):
    answer = door.get("/v1/vm/", headers=headers)
    assert answer.status == 200, answer
    return {job["OwnerID"] for job in answer.data}


def may(door, headers, project, other):
    """What of these he may: read, create for the project, create for the other one."""
    return [door.get("/v1/vm/", headers=headers).status, post(door, headers, project).status, post(door, headers, other).status]


@pytest.mark.parametrize("bearer", [False, True], ids=["X-Auth-Token", "Bearer"])
def test_a_project_is_an_owner_and_two_projects_see_nothing_of_each_other(bed, door, bearer):
    a, b = bed.projects["tenant-a"], bed.projects["tenant-b"]
    alice, bob = (auth(door, sign_in(bed, user, project=project), bearer) for user, project in (("alice", "tenant-a"), ("bob", "tenant-b")))
    assert may(door, alice, a, b) == [200, 201, 403]
    assert may(door, bob, b, a) == [200, 201, 403]
    assert listed(door, alice) == {a} and listed(door, bob) == {b}
    job = door.get("/v1/vm/", headers=alice).data[0]["RequestID"]
    assert door.get(f"/v1/vm/{job}", headers=bob).status == 404
    with door.database() as db:
        assert {by for by, in db.execute("SELECT created_by FROM jobs")} == {f"user:{bed.users[u]}" for u in ("alice", "bob")}


def test_one_user_in_two_projects_is_who_his_token_says(bed, door):
    a, b = bed.projects["tenant-a"], bed.projects["tenant-b"]
    bed.admin.set_role("PUT", b, bed.users["alice"], "member")
    try:
        in_a, in_b = (auth(door, sign_in(bed, "alice", project=p)) for p in ("tenant-a", "tenant-b"))
        assert may(door, in_a, a, b) == [200, 201, 403]
        assert may(door, in_b, b, a) == [200, 201, 403]
    finally:
        bed.admin.set_role("DELETE", b, bed.users["alice"], "member")


def test_an_administrator_sees_and_may_do_everything(bed, door):
    admin = auth(door, sign_in(bed, "admin", project="admin"))
    a, b = bed.projects["tenant-a"], bed.projects["tenant-b"]
    assert may(door, admin, a, b) == [200, 201, 201]
    assert listed(door, admin) == {a, b}
    assert door.get("/queues/vm/capacity", headers=admin).status == 200


def test_a_reader_of_the_system_reads_everything_and_changes_nothing(bed, door):
    admin, reader = auth(door, sign_in(bed, "admin", project="admin")), auth(door, sign_in(bed, "sysreader", system=True))
    post(door, admin, "somebody's")
    assert listed(door, reader) == {"somebody's"}
    assert door.get("/queues/vm/capacity", headers=reader).status == 200
    is_refused(post(door, reader, "somebody's"), "forbidden")


def test_a_reader_of_a_project_reads_that_and_changes_nothing(bed, door):
    c = bed.projects["tenant-c"]
    bed.admin.set_role("PUT", c, bed.users["sysreader"], "reader")
    try:
        admin, reader = auth(door, sign_in(bed, "admin", project="admin")), auth(door, sign_in(bed, "sysreader", project="tenant-c"))
        assert {post(door, admin, c).status, post(door, admin, "another's").status} == {201}
        assert listed(door, reader) == {c}
        is_refused(post(door, reader, c), "forbidden")
        assert door.get("/queues/vm/capacity", headers=reader).status == 403
    finally:
        bed.admin.set_role("DELETE", c, bed.users["sysreader"], "reader")


def test_a_token_for_no_project_is_let_in_nowhere(bed, door):
    assert door.get("/v1/vm/", headers=auth(door, unscoped(bed, "alice"))).status == 403
    domain = "/domains/default/users/{}/roles/{}"
    role = next(r["id"] for r in bed.admin.keystone("GET", "/roles")["roles"] if r["name"] == "member")
    bed.admin.keystone("PUT", domain.format(bed.users["carol"], role))
    try:
        is_refused(door.get("/v1/vm/", headers=auth(door, unscoped(bed, "carol", domain="default"))), "forbidden")
    finally:
        bed.admin.keystone("DELETE", domain.format(bed.users["carol"], role))


def test_a_wrong_token_and_none(bed, door):
    good = sign_in(bed, "alice", project="tenant-a")
    for headers in ({}, auth(door, "gAAAAABn" + "x" * 150), auth(door, good[:-4] + "AAAA"), {"X-Auth-Token": "x"}):
        answer = door.get("/v1/vm/", headers=headers)
        is_refused(answer, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{bed.creds["endpoints"]["keystone"]}"'
    assert door.get("/v1/vm/", headers=auth(door, good)).status == 200


def out(door, headers):
    """It was let in, and is refused before long."""
    wait_until(lambda: door.get("/v1/vm/", headers=headers).status == 401, 60, "the end of a token")


def test_a_revoked_token_is_out_once_the_cache_has_forgotten_it(bed, door):
    token = sign_in(bed, "alice", project="tenant-a")
    headers = auth(door, token)
    assert door.get("/v1/vm/", headers=headers).status == 200
    bed.admin.revoke_token(token)
    out(door, headers)


def test_the_tokens_of_a_disabled_user_are_out(bed, door):
    headers = auth(door, sign_in(bed, "carol", project="tenant-c"))
    assert door.get("/v1/vm/", headers=headers).status == 200
    user = f"/users/{bed.users['carol']}"
    bed.admin.keystone("PATCH", user, {"user": {"enabled": False}})
    try:
        out(door, headers)
    finally:
        bed.admin.keystone("PATCH", user, {"user": {"enabled": True}})


def test_a_role_that_is_taken_away_is_gone(bed, door):
    headers = auth(door, sign_in(bed, "bob", project="tenant-b"))
    assert door.get("/v1/vm/", headers=headers).status == 200
    bed.admin.set_role("DELETE", bed.projects["tenant-b"], bed.users["bob"], "member")
    try:
        out(door, headers)
    finally:
        bed.admin.set_role("PUT", bed.projects["tenant-b"], bed.users["bob"], "member")


def credential(bed, **members):
    """A token by an application credential of alice's."""
    alice = Session(bed.creds["endpoints"], password_login("alice", bed.password("alice"), project="tenant-a"))
    name = f"c{datetime.datetime.now().timestamp()}"
    made = alice.keystone("POST", f"/users/{bed.users['alice']}/application_credentials",
                          {"application_credential": {"name": name, **members}})["application_credential"]
    login = {"auth": {"identity": {"methods": ["application_credential"],
                                   "application_credential": {"id": made["id"], "secret": made["secret"]}}}}
    headers, about = call("POST", bed.creds["endpoints"]["keystone"] + "/auth/tokens", login)
    return headers["X-Subject-Token"], about["token"]["expires_at"]


def test_an_expired_token_is_out_at_its_time(bed, door):
    """The token of an application credential that ends soon ends with it."""
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=15)
    token, expires_at = credential(bed, expires_at=end.strftime("%Y-%m-%dT%H:%M:%S.%f"))
    assert expires_at <= end.strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # (it has no Z itself, in Debian 12's Keystone)
    headers = auth(door, token)
    assert door.get("/v1/vm/", headers=headers).status == 200
    out(door, headers)


def test_an_application_credential_is_its_project(bed, door):
    headers = auth(door, credential(bed)[0])
    assert may(door, headers, bed.projects["tenant-a"], bed.projects["tenant-b"]) == [200, 201, 403]


def test_a_credential_that_is_restricted_to_other_services_is_refused(bed, door):
    rules = [{"service": "compute", "method": "GET", "path": "/v2.1/servers"}]
    is_refused(door.get("/v1/vm/", headers=auth(door, credential(bed, access_rules=rules)[0])), "unauthorized")


def test_a_trust_acts_for_who_gave_it_and_only_with_what_he_gave(bed, door):
    alice = Session(bed.creds["endpoints"], password_login("alice", bed.password("alice"), project="tenant-a"))
    trust = alice.keystone("POST", "/OS-TRUST/trusts", {"trust": {
        "trustor_user_id": bed.users["alice"], "trustee_user_id": bed.users["bob"], "project_id": bed.projects["tenant-a"],
        "impersonation": False, "roles": [{"name": "member"}]}})["trust"]["id"]
    body = password_login("bob", bed.password("bob"), system=True)
    body["auth"]["scope"] = {"OS-TRUST:trust": {"id": trust}}
    headers, _ = call("POST", bed.creds["endpoints"]["keystone"] + "/auth/tokens", body)
    by_trust = auth(door, headers["X-Subject-Token"])
    assert may(door, by_trust, bed.projects["tenant-a"], bed.projects["tenant-b"]) == [200, 201, 403]
    alice.keystone("DELETE", f"/OS-TRUST/trusts/{trust}")
    out(door, by_trust)


def test_while_keystone_is_down_nothing_is_known_but_what_was_known(bed, door):
    known, unknown = auth(door, sign_in(bed, "alice", project="tenant-a")), auth(door, sign_in(bed, "bob", project="tenant-b"))
    assert door.get("/v1/vm/", headers=known).status == 200
    bed.stop_service("keystone")
    try:
        answer = door.get("/v1/vm/", headers=unknown)
        assert (answer.status, answer.code) == (503, "unavailable") and int(answer.headers["Retry-After"]) >= 1
        assert door.get("/healthz").status == 200
        wait_until(lambda: door.get("/v1/vm/", headers=known).status == 503, 10 * CACHE, "the end of the cache")
    finally:
        bed.start_service("keystone")
    wait_until(lambda: door.get("/v1/vm/", headers=known).status == 200, 60, "Keystone's return")
    assert door.get("/v1/vm/", headers=unknown).status == 200
