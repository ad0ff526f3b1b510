# SPDX-License-Identifier: MIT
"""Whatever OpenStack's services answer, the dispatcher says in one line what is wrong, in their own words, and never a secret."""
import re

import pytest

import openstack_fake
from authority import Authority
from harness import ROOT, SLOW
from openstack_fake import Answer, host

QUEUE = {"capacity": "openstack"}
EXPIRED = ROOT / "tests/api/openstack_expired.pem"


@pytest.fixture
def cloud():
    c = openstack_fake.Cloud()
    yield c
    c.close()


@pytest.fixture
def check(anteroom, cloud):
    """check(): what `--check` says of the queue vm, and the directory of that Anteroom is check.a.dir."""

    def run(code=1, env=None, **queue):
        if run.a is None:
            run.a = anteroom(config={}, start=False)
            run.a.write_config()
            run.a.dispatch()  # which makes the database
        run.a.write_config({"queues": {"vm": {**QUEUE, **queue}}})
        done = run.a.dispatch("--check", code=code, env={**cloud.env(), **(env or {})})
        run.said = said = done.stdout + done.stderr
        assert "pass-w0rd" not in said and not re.search(r"token-\d", said), said
        return re.search(r"^queue vm: (.*)$", done.stdout, re.M)[1]

    run.a = None
    return run


def test_a_good_cloud(check, cloud):
    assert check(0).startswith("openstack: ok, hosts 2, pools 2")  # node02 was never seen but full
    cloud.requests.clear()
    check(0)
    assert sorted(cloud.requests) == ["hypervisors", "nova", "placement", "placement"]


def test_a_host_that_leaves_its_aggregate_is_missed_at_once(check, cloud):
    """It is in no answer any more, as if it were full: whether it is still a member is asked once."""
    assert "hosts 2, pools 2" in check(0)
    del cloud.aggregates["gold"][1]["node01"]
    cloud.requests.clear()
    check(0)
    assert cloud.requests.count("listing") == 1
    cloud.requests.clear()
    check(0)
    assert "listing" not in cloud.requests


HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
PLACEMENT_403 = {"errors": [{"status": 403, "detail": "Access was denied to this resource.\n\n Policy does not allow "
                             "placement:allocation_candidates:list to be performed.  "}]}
NOVA_403 = {"forbidden": {"code": 403, "message": "Policy doesn't allow os_compute_api:os-aggregates:index to be performed."}}


def summaries(**amount):
    return {"provider_summaries": {"u": {"resources": {"VCPU": {"capacity": 4, "used": 0, **amount}}, "traits": [],
                                         "root_provider_uuid": "u"}}}


NONSENSE = "Placement's answer makes no sense: provider_summaries.u: VCPU: "

# service, its answer, what is said
CASES = [
    # refusals
    ("keystone", Answer(401, {"error": {"code": 401, "message": "The request you have made requires authentication."}}),
     "the OS_ variables: Keystone answered 401: The request you have made requires authentication."),
    ("keystone", Answer(400, {"error": {"message": "'pass-w0rd' is too long\n\nOn instance: 'pass-w0rd'"}}),
     r"the OS_ variables: Keystone answered 400: '\*\*\*' is too long$"),
    ("keystone", Answer(503, "", {"Retry-After": "30"}), r"the OS_ variables: Keystone answered 503 \(it says to wait: 30\)$"),
    ("keystone", Answer(302, "", {"Location": "http://127.0.0.1:1/"}), "the OS_ variables: Keystone answered 302"),
    ("nova", Answer(403, NOVA_403), "Nova answered 403: Policy doesn't allow os_compute_api:os-aggregates:index to be "
     "performed.; to read the host aggregates needs os_compute_api:os-aggregates:index, which the role admin has"),
    ("nova", Answer(404, {"itemNotFound": {"message": "Not here."}}), "Nova answered 404: Not here."),
    ("nova", Answer(406, {"computeFault": {"message": "Version 2.41 is not supported by the API. Minimum is 2.1 and maximum is "
                                           "2.38."}}), "Nova knows up to 2.38, and 2.41 is needed"),
    ("nova", Answer(401, {"error": {"message": "Say who you are."}}), "Nova answered 401: Say who you are., to a new token too"),
    ("placement", Answer(403, PLACEMENT_403),
     "Placement answered 403: Policy does not allow placement:allocation_candidates:list to be performed."),
    ("placement", Answer(406, {"errors": [{"detail": "no", "max_version": "1.28"}]}),
     r"Placement knows up to 1.28, and 1.\d+ is needed"),
    ("placement", Answer(406, {"errors": [{"detail": "Only application/json is provided"}]}),
     "Placement answered 406: Only application/json is provided"),
    ("placement", Answer(409, {"errors": [{"detail": "There was a conflict.\n\n Try again.  "}]}),
     "Placement answered 409: Try again."),
    ("placement", Answer(500, HTML), "Placement answered 500: 502 Bad Gateway 502 Bad Gateway"),
    ("placement", Answer(503, {"errors": [{"detail": "Busy."}]}, {"Retry-After": "7"}),
     r"Placement answered 503: Busy. \(it says to wait: 7\)"),
    ("placement", Answer(500, "ä" * 5000), "Placement answered 500: ä{90,100}$"),
    ("placement", Answer(418, {"errors": [{"detail": "token-1 is no teapot"}]}), r"Placement answered 418: \*\*\* is no teapot"),
    ("listing", Answer(403, PLACEMENT_403), "Placement answered 403: Policy does not allow"),
    ("hypervisors", Answer(503, {"x": {"message": "No cell answers."}}), "Nova answered 503: No cell answers."),
    # answers that are none
    ("nova", Answer(200, HTML), "Nova answered 200, but not with JSON: "),
    ("placement", Answer(200, HTML), "Placement answered 200, but not with JSON: "),
    ("keystone", Answer(201, HTML, {"X-Subject-Token": "t"}), "the OS_ variables: Keystone's answer makes no sense: "),
    ("keystone", Answer(200, HTML), "the OS_ variables: Keystone answered 200: 502 Bad Gateway"),
    ("nova", Answer(200, ""), "Nova answered 200, but not with JSON: "),
    ("nova", Answer(204, ""), "Nova answered 204"),
    ("placement", Answer(200, '{"provider_summaries": {', length=None), "Placement answered 200, but not with JSON: "),
    ("placement", Answer(200, "{}", length=10), r"Placement at http://127\S+ does not answer: transfer closed with 8 bytes"),
    ("nova", Answer(how="close"), r"Nova at http://127\S+ does not answer: Empty reply from server"),
    ("keystone", Answer(how="close"), r"the OS_ variables: Keystone at http://127\S+ does not answer: Empty reply"),
    # answers that make no sense
    ("keystone", Answer(201, {"token": {}}, {"X-Subject-Token": "t"}),
     "the OS_ variables: Keystone's answer makes no sense: there is no issued_at"),
    ("keystone", Answer(201, {"token": {}}), "the OS_ variables: there is no X-Subject-Token"),
    ("nova", Answer(200, []), "Nova's answer makes no sense: it is an array, not an object"),
    ("nova", Answer(200, {"aggregates": [{"name": "a", "metadata": {}}]}),
     r"Nova's answer makes no sense: aggregates\[0\]: there is no uuid"),
    ("placement", Answer(200, {}), "Placement's answer makes no sense: there is no provider_summaries"),
    ("placement", Answer(200, summaries(capacity="4")), NONSENSE + "capacity is a string, not a number"),
    ("placement", Answer(200, summaries(capacity=4.5)), NONSENSE + "capacity is 4.5, not a whole number"),
    ("placement", Answer(200, summaries(used=-1)), NONSENSE + "used is -1, not a whole number"),
    ("placement", Answer(200, summaries(capacity=2**63)), NONSENSE + "capacity is 9223372036854775808, not a whole number"),
    ("placement", Answer(200, summaries(capacity=None)), NONSENSE + "capacity is null, not a number"),
    ("listing", Answer(200, {"resource_providers": [{"uuid": "u"}]}),
     r"Placement's answer makes no sense: resource_providers\[0\]: there is no name"),
]


@pytest.mark.parametrize("service, answer, said", CASES,
                         ids=[f"{n}-{service}-{answer.how or answer.status}" for n, (service, answer, _) in enumerate(CASES)])
def test_a_bad_answer(check, cloud, service, answer, said):
    cloud.override[service] = answer
    text = check()
    assert re.match("openstack: (" + said + ")", text), text
    cloud.override.clear()
    assert check(0).startswith("openstack: ok")  # the next run is none the worse for it


def test_two_aggregates_of_one_name(check, cloud):
    """It contradicts itself: nobody of this queue is admitted, and the other queues are none the worse for it."""
    check(0)
    cloud.override["nova"] = Answer(200, {"aggregates": [{"name": "gold", "uuid": u, "metadata": {}} for u in ("a", "b")]})
    assert check() == 'openstack: the source makes no sense: twice the pool "gold"'
    check.a.dispatch(env=cloud.env())  # a pass is no failure


def test_a_quota_that_may_not_be_read(check, cloud):
    """--check names the right that is missing, where a pool names a project whose quota can be asked for."""
    cloud.aggregates["gold"] = ({"filter_tenant_id": "p1"}, {"node01": host()})
    cloud.override["quota"] = Answer(403, {"forbidden": {"message": "Not for you."}})
    assert check(1, quota="on").startswith("openstack: ok, ")
    assert re.search(r"^  the quota of the project p1: Nova answered 403: Not for you\.; the quotas of other projects need "
                     r"os_compute_api:limits:other_project or ", check.said, re.M)


def test_hosts_that_are_down_may_not_be_read(check, cloud):
    """It goes on without, and says so."""
    cloud.override["hypervisors"] = Answer(403, {"forbidden": {"message": "Not for you."}})
    assert check(0).startswith("openstack: ok, hosts 2, pools 2")
    assert "; a host that is down counts as free: Nova answered 403: Not for you." in check.said


def test_words_that_move_a_terminal(check, cloud):
    cloud.override["placement"] = Answer(503, {"errors": [{"detail": "\x1b[2Jno\x07"}]}, {"Retry-After": "\x1b[31m"})
    assert check() == "openstack: Placement answered 503: [2Jno (it says to wait: [31m)"


def test_no_content_length(check, cloud):
    """As uwsgi answers: the end of the connection is the end of the body."""
    cloud.override["nova"] = Answer(200, {"aggregates": []}, length=None)
    assert check(0).startswith("openstack: ok, hosts 2, pools 1")


@pytest.mark.parametrize("service", ["keystone", "nova", "placement"])
def test_an_answer_without_end(check, cloud, service):
    cloud.override[service] = Answer(201 if service == "keystone" else 200, how="endless", length=None)
    assert re.search(r"answer is larger than (64 MiB|\d+ bytes)", check(timeout="60s"))


@pytest.mark.parametrize("service, name", [("keystone", "Keystone at"), ("nova", "Nova"), ("placement", "Placement")])
def test_no_answer_in_time(check, cloud, service, name):
    cloud.override[service] = Answer(how="stall")
    text = check(timeout=f"{3 * SLOW}s")  # those before it have answered by then
    assert text.startswith("openstack: ") and name in text and "does not answer in time" in text


def test_nobody_listens(check, cloud):
    assert re.search(r"Keystone at http://127.0.0.1:1/v3 does not answer: Failed to connect",
                     check(env={"OS_AUTH_URL": "http://127.0.0.1:1"}))


def test_a_401_is_cured_by_one_new_token(check, cloud):
    check(0)
    cloud.requests.clear()
    cloud.override["nova"] = [Answer(401, {"error": {"message": "old"}}), cloud.nova()]
    assert check(0).startswith("openstack: ok")
    assert cloud.count("keystone") == 1 and cloud.count("nova") == 2


@pytest.mark.parametrize("offset", [-3600, 3600, 86400 * 300])
def test_a_clock_that_is_wrong(check, cloud, offset):
    """A token lives as long as Keystone says, whatever time it is here: it is found again by the next run."""
    env = {"ANTEROOM_CLOCK_OFFSET": str(offset)}
    check(0, env=env)
    check(0, env=env)
    assert cloud.tokens == 1
    check(0, env={"ANTEROOM_CLOCK_OFFSET": str(offset + 3301)})  # its 55 minutes are over
    assert cloud.tokens == 2


def test_a_clock_that_was_put_back(check, cloud):
    check(0)
    check(0, env={"ANTEROOM_CLOCK_OFFSET": "-3600"})
    assert cloud.tokens == 2  # nobody knows how long ago the first one came


def test_a_directory_in_which_nothing_can_be_kept(check, cloud):
    """It costs a token each time, and nothing else."""
    check(0)
    for kept in check.a.dir.glob("*-*.json"):
        kept.unlink()
        kept.mkdir()
    assert check(0).startswith("openstack: ok")


def test_a_certificate_that_has_expired(check, tmp_path):
    https = openstack_fake.Cloud(certificate=(EXPIRED,))
    try:
        assert "certificate has expired" in check(env=https.env(OS_CACERT=str(EXPIRED)))
        assert re.search("self.signed certificate", check(env=https.env()))
        assert check(0, env=https.env(OS_INSECURE="true")).startswith("openstack: ok")
    finally:
        https.close()


def test_nested_and_many_hosts(check, cloud):
    cloud.others = {f"host-{i:04d}": host(traits=["COMPUTE_NODE", "HW_CPU_X86_VMX"]) for i in range(2000)}
    assert check(0).startswith("openstack: ok, hosts 2001, pools 2")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def test_an_authority_of_ones_own(check, authority):
    https = openstack_fake.Cloud(certificate=(authority.server, authority.server_key))
    try:
        assert "ok, hosts 2" in check(0, env=https.env(OS_CACERT=str(authority.ca)))
        assert re.search("does not answer: SSL certificate problem: ", check(env=https.env()))
        assert "ok, hosts 2" in check(0, env=https.env(OS_INSECURE="true"))
    finally:
        https.close()


def test_a_certificate_for_another_name(check, authority):
    other = authority.issue("other", "subjectAltName=DNS:keystone.example")
    https = openstack_fake.Cloud(certificate=other)
    try:
        assert re.search("SSL: no alternative certificate subject name matches", check(env=https.env(OS_CACERT=str(authority.ca))))
    finally:
        https.close()


def test_a_service_by_its_host_name(check, authority):
    named = authority.issue("named", "subjectAltName=DNS:localhost")
    https = openstack_fake.Cloud(certificate=named, name="localhost")
    try:
        assert "ok, hosts 2" in check(0, env=https.env(OS_CACERT=str(authority.ca)))
    finally:
        https.close()


def test_an_authority_that_is_not_there(check, authority):
    https = openstack_fake.Cloud(certificate=(authority.server, authority.server_key))
    try:
        assert "nowhere.pem" in check(env=https.env(OS_CACERT="/nowhere.pem"))
    finally:
        https.close()
