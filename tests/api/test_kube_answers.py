# SPDX-License-Identifier: MIT
"""A Kubernetes source through --check: whatever the API server answers, it is read whole or the fault is named."""
import base64
import json
import subprocess

import pytest

from authority import Authority
from harness import BIN, SLOW
from kube_fake import (ACTIVE, NODES, PODS, QUOTAS, VERSION, Answer, KubeFake, expired, forbidden, items, kubeconfig, node, pod,
                       quota, status, too_many, UNAUTHORIZED)
from receiver import closed_port

TOKEN = "kube-test-token-0123456789"
EVERYTHING = {TOKEN: {NODES, PODS, QUOTAS}}


@pytest.fixture
def fake():
    """fake(**as KubeFake): a server, by default of two nodes and some pods."""
    made = []

    def make(**kw):
        kw = {"nodes": [node("n1"), node("n2")], "pods": [pod("p1", "n1", cpu="1"), pod("p2", "n2"), pod("p3")], **kw}
        made.append(KubeFake(**kw))
        return made[-1]

    yield make
    for f in made:
        f.close()


@pytest.fixture
def check(anteroom):
    """check(server or its URL, **members of the queue) -> what --check says of the queue; its directory is check.dir."""
    a = anteroom({"queues": {}}, start=False, env={"HOME": "/nowhere"})
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        a.env.pop(name, None)
    a.write_config()
    a.dispatch()  # makes the database

    def check(server=None, user=None, cluster=None, env=None, no_user=False, **queue):
        if server is not None:
            url = server if isinstance(server, str) else server.url
            queue["kubeconfig"] = str(kubeconfig(a.dir / "kubeconfig", url, user, cluster, no_user=no_user))
        a.write_config({"queues": {"kube": {"capacity": "kubernetes", "timeout": f"{30 * SLOW}s", **queue}}})
        done = subprocess.run([BIN / "anteroom-dispatch", "--config", a.config_path, "--check"], cwd=a.dir,
                              env={**a.env, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120 * SLOW)
        assert done.returncode in (0, 1), done.stderr
        line = next(line for line in done.stdout.splitlines() if line.startswith("queue kube: kubernetes: "))
        assert (done.returncode == 0) == (": ok, " in line), line
        assert TOKEN not in done.stdout + done.stderr
        return line.removeprefix("queue kube: kubernetes: ").replace(str(a.dir), "DIR")

    check.dir = a.dir
    check.env = a.env
    return check


def ok(nodes, pools=1):
    return f"ok, hosts {nodes}, pools {pools}"


# ---- what is asked -------------------------------------------------------------------------------------------------------


def test_lists_are_asked_for_in_pages_and_as_ourselves(check, fake):
    f = fake(nodes=[node(f"n{i}") for i in range(7)], pods=[pod(f"p{i}", "n1") for i in range(9)], page_max=3)
    assert check(f, {"token": TOKEN}).startswith(ok(7))
    assert [(a.path, a.query.get("limit"), "continue" in a.query) for a in f.asked if a.path in (NODES, PODS)] == \
        [(NODES, "500", False), (NODES, "500", True), (NODES, "500", True),
         (PODS, "500", False), (PODS, "500", True), (PODS, "500", True)]
    assert {a.query.get("fieldSelector") for a in f.at(PODS)} == {ACTIVE}
    for a in f.asked:
        assert "resourceVersion" not in a.query and a.method == "GET"
        assert a.headers["Authorization"] == f"Bearer {TOKEN}" and a.headers["Accept"] == "application/json"
        assert a.headers["User-Agent"].startswith("anteroom/")
    assert [len(f.at(p)) for p in (QUOTAS, VERSION)] == [1, 1]


def test_quotas_are_asked_for_unless_they_are_off(check, fake):
    f = fake(quotas=[quota("a", {"pods": "3"}, {"pods": "1"})])
    assert check(f).startswith(ok(2)) and len(f.at(QUOTAS)) == 1
    assert check(f, quota="off").startswith(ok(2)) and len(f.at(QUOTAS)) == 1


def test_an_empty_cluster_is_one(check, fake):
    assert check(fake(nodes=[], pods=[])).startswith(ok(0))


def test_pools_are_the_values_of_a_label(check, fake):
    nodes = [node("a", labels={"pool": "x"}), node("b", labels={"pool": "y"}), node("c", labels={"pool": "x"}), node("d"),
             node("e", labels={"pool": ""})]
    f = fake(nodes=nodes)
    assert check(f, pool_label="pool").startswith(ok(5, 2))
    assert check(f, pool_label="other").startswith(ok(5, 0))
    assert check(f, pool_label="pool", pools={"x": {"projects": ["ns"]}, "z": {"projects": ["ns2"]}}).startswith(ok(5, 3))


# ---- answers that are no good --------------------------------------------------------------------------------------------

PAGE = items("NodeList", node("n1")).body

# For GET nodes: (the answer, what is said).
BAD_NODES = {
    "forbidden": (forbidden("nodes"), 'may not list nodes (403: this user may not do that): nodes is forbidden: User '
                  '"capacity-reader" cannot list resource "nodes" in API group "" at the cluster scope'),
    "starting": (status(500, "InternalError", "the server is starting"), "cannot list nodes (500): the server is starting"),
    "no message": (Answer(500, b'{"code":500}'), 'cannot list nodes (500): {"code":500}'),
    "plain 404": (Answer(404, b"404 page not found\n", type="text/plain"), "cannot list nodes (404): 404 page not found"),
    "empty 502": (Answer(502), "cannot list nodes (502)"),
    "a page of a proxy": (Answer(503, b"<html><h1>Bad Gateway</h1></html>", {"Retry-After": "0"}, "text/html"),
                          "cannot list nodes (503)"),
    "redirect": (Answer(302, b"", {"Location": "http://127.0.0.1:1/"}), "cannot list nodes (302)"),
    "plain http": (Answer(400, b"Client sent an HTTP request to an HTTPS server.\n", type="text/plain"),
                   "cannot list nodes (400): Client sent an HTTP request to an HTTPS server."),
    "long words": (Answer(500, b"word " * 200, type="text/plain"), "cannot list nodes (500): " + ("word " * 40).strip()),
    "control characters": (Answer(500, b"a\x1b[31m\r\nb\x00c\xff", type="text/plain"), "cannot list nodes (500): a [31m b c?"),
    "nothing": (Answer(close=True), "cannot list nodes: no answer from "),
    "cut without a last chunk": (Answer(body=PAGE, cut=True), "cannot list nodes: no answer from "),
    "cut in the middle of the JSON": (Answer(body=PAGE[:200], cut=True), "cannot list nodes: no answer from "),
    "empty": (Answer(body=b""), "cannot list nodes: the answer makes no sense: there is no JSON: the text is empty"),
    "half a page": (Answer(body=PAGE[:-20]), "cannot list nodes: the answer makes no sense: the JSON is cut off after "),
    "two pages": (Answer(body=PAGE + PAGE), "cannot list nodes: the answer makes no sense: more text after the value at byte "),
    "bookmarks": (Answer(body=b'{"type":"ADDED","object":{}}\n{"type":"BOOKMARK"}\n'),
                  "cannot list nodes: the answer makes no sense: more text after the value at byte 30"),
    "html": (Answer(body=b"<!doctype html><p>sign in</p>", type="text/html"),
             "cannot list nodes: the answer makes no sense: a value is expected at byte 1"),
    "not UTF-8": (Answer(body=b'{"kind":"NodeList","items":[{"metadata":{"annotations":{"a":"\xff\xfe\xfd\xfc"}}}]}'),
                  "cannot list nodes: the answer makes no sense: not valid UTF-8 at byte "),
    "an array": (Answer(body=b"[]"), "cannot list nodes: the answer makes no sense: must be an object, not an array"),
    "no kind": (Answer(body=b'{"items":[]}'), "cannot list nodes: the answer makes no sense: it has no kind"),
    "no items": (Answer(body=b'{"kind":"NodeList"}'), "cannot list nodes: the answer makes no sense: it has no items"),
    "a list of others": (items("PodList"), 'cannot list nodes: the answer makes no sense: /kind: is "PodList", not NodeList'),
    "a Status": (Answer(body=UNAUTHORIZED.body), 'cannot list nodes: the answer makes no sense: /kind: is "Status", not NodeList'),
    "items of the wrong kind": (Answer(body=b'{"kind":"NodeList","items":{}}'),
                                "cannot list nodes: the answer makes no sense: /items: must be an array, not an object"),
    "an item of the wrong kind": (items("NodeList", node("a"), 7),
                                  "cannot list nodes: the answer makes no sense: /items/1: must be an object, not a number"),
    "a name of the wrong kind": (items("NodeList", {"metadata": {"name": 7}}), "cannot list nodes: the answer makes no sense: "
                                 "/items/0/metadata/name: must be a string, not a number"),
    "no name": (items("NodeList", {"metadata": {}}), "cannot list nodes: the answer makes no sense: /items/0: a node has no name"),
    "labels of the wrong kind": (items("NodeList", node("a", labels={"x/y": 1})), "cannot list nodes: the answer makes no sense: "
                                 "node a: /items/0/metadata/labels/x~1y: must be a string, not a number"),
    "a quantity of the wrong kind": (items("NodeList", node("a", cpu=["1"])), "cannot list nodes: the answer makes no sense: "
                                     "node a: /items/0/status/allocatable/cpu: must be a string, not an array"),
    "no quantity": (items("NodeList", node("a", cpu="lots")), "cannot list nodes: the answer makes no sense: "
                    'node a: /items/0/status/allocatable/cpu: is no quantity: "lots"'),
    "a negative quantity": (items("NodeList", node("a", cpu="-1")), "cannot list nodes: the answer makes no sense: "
                            'node a: /items/0/status/allocatable/cpu: is no quantity: "-1"'),
    "taints of the wrong kind": (items("NodeList", node("a", taints=["x"])), "cannot list nodes: the answer makes no sense: "
                                 "node a: /items/0/spec/taints/0: must be an object, not a string"),
    "a node twice": (items("NodeList", node("a"), node("a")), "the source makes no sense: twice, or out of order, the host \"a\""),
    "a token that is none": (items("NodeList", node("a"), **{"continue": 7}), "cannot list nodes: the answer makes no sense: "
                             "/metadata/continue: must be a string, not a number"),
    "very deep": (Answer(body=b'{"kind":"NodeList","x":' + b"[" * 80 + b"]" * 80 + b',"items":[]}'),
                  "cannot list nodes: the answer makes no sense: nested deeper than 64 levels at byte "),
}


@pytest.mark.parametrize("name", BAD_NODES)
def test_an_answer_that_is_no_good_is_named(check, fake, name):
    answer, says = BAD_NODES[name]
    f = fake()
    f.script(NODES, *[answer] * 3)
    assert check(f).startswith(says)


BAD_PODS = {
    "forbidden": (forbidden("pods"), 'may not list pods (403: this user may not do that): pods is forbidden: User '),
    "a request of the wrong kind": (items("PodList", pod("p", "n1", cpu=True)), "cannot list pods: the answer makes no sense: "
                                    "pod default/p: /items/0/spec/containers/0/resources/requests/cpu: must be a string, not a boolean"),
    "no quantity": (items("PodList", pod("p", "n1"), pod("p", "n1", cpu="1 core")), "cannot list pods: the answer makes no sense: "
                    'pod default/p: /items/1/spec/containers/0/resources/requests/cpu: is no quantity: "1 core"'),
    "containers of the wrong kind": (items("PodList", {"metadata": {"name": "p"}, "spec": {"containers": "c"}}),
                                     "cannot list pods: the answer makes no sense: pod p: /items/0/spec/containers: must "
                                     "be an array"),
    "cut": (Answer(body=items("PodList", pod("p", "n1")).body, cut=True), "cannot list pods: no answer from "),
}


@pytest.mark.parametrize("name", BAD_PODS)
def test_an_answer_about_pods_that_is_no_good_is_named(check, fake, name):
    answer, says = BAD_PODS[name]
    f = fake()
    f.script(PODS, answer)
    assert check(f).startswith(says)


def test_a_quota_that_is_no_good_is_named(check, fake):
    f = fake(quotas=[quota("web", {"pods": "5"}), quota("db", {"requests.cpu": "a lot"}, name="limit")])
    assert check(f) == 'cannot list resourcequotas: the answer makes no sense: quota db/limit: ' \
        '/items/1/spec/hard/requests.cpu: is no quantity: "a lot"'


def test_quotas_that_may_not_be_read_say_how_to_do_without(check, fake):
    f = fake(tokens={TOKEN: {NODES, PODS}})
    assert check(f, {"token": TOKEN}).startswith("`quota: off` does without them: may not list resourcequotas (403: ")
    assert check(f, {"token": TOKEN}, quota="off").startswith(ok(2))


def test_a_version_that_is_not_told_is_no_fault(check, fake):
    f = fake()
    f.script(VERSION, Answer(404))
    assert check(f).startswith(ok(2))


def test_our_token_is_never_shown(check, fake):
    f = fake()
    f.script(NODES, Answer(500, f"you sent Bearer {TOKEN}".encode(), type="text/plain"))
    assert check(f, {"token": TOKEN}) == "cannot list nodes (500): you sent Bearer ***"


# ---- again and again -----------------------------------------------------------------------------------------------------


def test_a_list_whose_moment_is_forgotten_begins_anew_and_not_by_the_token_of_the_410(check, fake):
    f = fake(nodes=[node(f"n{i}") for i in range(5)], page_max=2)
    first = items("NodeList", node("n0"), node("gone"), **{"continue": "old"})
    f.script(NODES, first, expired())
    assert check(f).startswith(ok(5))
    assert [a.query.get("continue") for a in f.at(NODES)][:3] == [None, "old", None]
    assert "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTF9" not in [a.query.get("continue") for a in f.at(NODES)]


def test_pods_are_not_counted_twice_when_their_list_begins_anew(check, fake):
    """What was counted before the 410 is taken back: hosts of a reading say so in the unit tests; here it is the requests."""
    f = fake()
    f.script(PODS, items("PodList", pod("p1", "n1", cpu="1"), **{"continue": "old"}), expired())
    assert check(f).startswith(ok(2)) and len(f.at(PODS)) == 3


def test_a_list_begins_anew_three_times_at_the_most(check, fake):
    f = fake()
    f.script(NODES, *[expired()] * 9)
    assert check(f).startswith("cannot list nodes (410): The provided continue parameter is too old")
    assert len(f.at(NODES)) == 4


def test_a_page_that_names_itself_as_the_next_is_an_error(check, fake):
    f = fake()
    page = items("NodeList", node("a"), **{"continue": "again"})
    f.script(NODES, page, page, page)
    assert check(f) == "cannot list nodes: a page names itself as the next"
    assert len(f.at(NODES)) == 2


def test_pages_without_end_are_an_error(check, fake):
    f = fake()
    f.script(NODES, *[items("NodeList", **{"continue": f"t{i}"}) for i in range(2100)])
    assert check(f) == "cannot list nodes: there are more than 2000 pages"
    assert len(f.at(NODES)) == 2000


def test_tokens_are_opaque(check, fake):
    f = fake()
    odd = "a+b/c=&limit=1 \u00e9%"
    f.script(NODES, items("NodeList", node("a"), **{"continue": odd}), items("NodeList", node("b")))
    assert check(f).startswith(ok(2)) and f.at(NODES)[1].query == {"limit": "500", "continue": odd}


@pytest.mark.parametrize("answer", [too_many("0"), Answer(503, b"", {"Retry-After": "0"}), too_many("Wed, 25 Nov 2026 10:00:00 GMT")])
def test_a_server_that_has_too_much_to_do_is_asked_again_when_it_says(check, fake, answer):
    f = fake()
    f.script(NODES, answer)
    assert check(f).startswith(ok(2)) and len(f.at(NODES)) == 2


def test_but_not_for_ever(check, fake):
    f = fake()
    f.script(NODES, *[too_many("0")] * 9)
    assert check(f) == "cannot list nodes (429: it has too much to do): Too many requests, please try again later."
    assert len(f.at(NODES)) == 3


def test_nor_beyond_the_deadline(check, fake):
    f = fake()
    f.script(NODES, too_many("86400"))
    assert check(f).startswith("cannot list nodes (429: it has too much to do): Too many requests")
    assert len(f.at(NODES)) == 1


def test_a_server_that_says_nothing_is_left_at_the_deadline(check, fake):
    f = fake()
    f.script(NODES, Answer(hang=True))
    assert check(f, timeout="1s") == "cannot list nodes: no whole answer within the time limit"


def test_a_server_that_is_not_there(check):
    s, port = closed_port()
    with s:
        says = check(f"http://127.0.0.1:{port}")
    assert says.startswith(f"cannot list nodes: no answer from 127.0.0.1:{port}: ") and "connect" in says


# ---- credentials ---------------------------------------------------------------------------------------------------------


def test_without_credentials_it_is_anonymous(check, fake):
    says = check(fake(tokens=EVERYTHING))
    assert says.startswith("may not list nodes (403") and 'User "system:anonymous"' in says


def test_a_wrong_token_is_tried_twice_and_no_more(check, fake):
    f = fake(tokens=EVERYTHING)
    assert check(f, {"token": "wrong"}) == "cannot list nodes (401: it does not know our credentials): Unauthorized"
    assert len(f.asked) == 2


def test_a_token_file_is_read_anew_after_a_401(check, fake):
    f = fake(tokens=EVERYTHING)
    path = check.dir / "token"
    path.write_text(f"  {TOKEN}\n")
    f.script(PODS, UNAUTHORIZED)
    assert check(f, {"tokenFile": "token", "token": "not this one"}).startswith(ok(2))
    assert len(f.at(PODS)) == 2


@pytest.mark.parametrize("text", ["", " \n", "two words", "line\nline", "\u00e9"])
def test_a_token_file_without_a_token(check, fake, text):
    (check.dir / "token").write_text(text)
    assert check(fake(), {"tokenFile": "token"}) == \
        "DIR/kubeconfig: tokenFile: DIR/token: is empty, or holds what is no token"


def plugin(check, script, **members):
    path = check.dir / "plugin"
    path.write_text(f"#!/bin/sh\necho x >> {check.dir}/runs\n{script}\n")
    path.chmod(0o755)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never",
                     **members}}


def credential(version="v1", **status):
    return json.dumps({"apiVersion": f"client.authentication.k8s.io/{version}", "kind": "ExecCredential", "status": status})


def runs(check):
    path = check.dir / "runs"
    return path.read_text().count("x") if path.exists() else 0


def test_a_plugin_is_run_with_its_arguments_and_environment(check, fake):
    f = fake(tokens=EVERYTHING)
    script = f'echo "$1|$2|$A|$HOME|$KUBERNETES_EXEC_INFO" > {check.dir}/seen; echo \'{credential(token=TOKEN)}\''
    user = plugin(check, script, args=["get", "two words"], env=[{"name": "A", "value": "b"}])
    assert check(f, user).startswith(ok(2)) and runs(check) == 1
    args = (check.dir / "seen").read_text().strip().split("|")
    assert args[:4] == ["get", "two words", "b", "/nowhere"]
    assert json.loads(args[4]) == {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                                   "spec": {"interactive": False}}


def test_a_plugin_is_run_again_after_a_401(check, fake):
    f = fake(tokens=EVERYTHING)
    f.script(NODES, UNAUTHORIZED)
    assert check(f, plugin(check, f"echo '{credential(token=TOKEN)}'")).startswith(ok(2)) and runs(check) == 2


def test_a_plugin_of_the_older_version_found_in_path(check, fake):
    user = plugin(check, f"echo '{credential('v1beta1', token=TOKEN)}'", command="plugin",
                  apiVersion="client.authentication.k8s.io/v1beta1")
    f = fake(tokens=EVERYTHING)
    assert check(f, user, env={"PATH": f"/nowhere:{check.dir}:/usr/bin:/bin"}).startswith(ok(2))


BAD_PLUGINS = {
    "exit 3": ("echo no such profile >&2; exit 3", "exec: DIR/./plugin ended with status 3: no such profile"),
    "nothing": ("true", "exec: DIR/./plugin: its answer is no ExecCredential: it is no JSON"),
    "an array": ("echo '[]'", "exec: DIR/./plugin: its answer is no ExecCredential: it is no object"),
    "another kind": ("echo '{\"kind\":\"X\"}'", "exec: DIR/./plugin: its answer is no ExecCredential: its kind is another"),
    "another version": (f"echo '{credential('v1beta1', token=TOKEN)}'",
                        "exec: DIR/./plugin: its answer is no ExecCredential: its apiVersion is not the kubeconfig's"),
    "no status": ('echo \'{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"}\'',
                  "exec: DIR/./plugin: its answer is no ExecCredential: it has no status"),
    "no credentials": (f"echo '{credential()}'",
                       "exec: DIR/./plugin: its answer is no ExecCredential: it has neither a token nor a certificate"),
    "half a certificate": (f"echo '{credential(clientCertificateData='x')}'", "exec: DIR/./plugin: its answer is no "
                           "ExecCredential: of clientCertificateData and clientKeyData one is missing"),
    "a token of two lines": ("cat <<'E'\n" + credential(token="a\nb") + "\nE",
                             "exec: DIR/./plugin: its answer is no ExecCredential: its token holds what is no token"),
    "a time that is none": (f"echo '{credential(token=TOKEN, expirationTimestamp='soon')}'",
                            "exec: DIR/./plugin: its answer is no ExecCredential: expirationTimestamp is no time"),
}


@pytest.mark.parametrize("name", BAD_PLUGINS)
def test_a_plugin_that_fails_is_named(check, fake, name):
    script, says = BAD_PLUGINS[name]
    assert check(fake(), plugin(check, script)) == says


def test_a_plugin_that_is_not_there_says_how_to_install_it(check, fake):
    user = plugin(check, "true", command="kubelogin-none", installHint="get it from the lab")
    assert check(fake(), user) == "exec: kubelogin-none is not found in PATH; get it from the lab"


# ---- TLS -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def b64(path):
    return base64.b64encode(path.read_bytes()).decode()


def test_https_with_the_clusters_authority(check, fake, authority):
    f = fake(tls=authority, tokens=EVERYTHING)
    assert check(f, {"token": TOKEN}, {"certificate-authority": str(authority.ca)}).startswith(ok(2))
    assert check(f, {"token": TOKEN}, {"certificate-authority-data": b64(authority.ca)}).startswith(ok(2))
    assert check(f, {"token": TOKEN}, {"insecure-skip-tls-verify": True}).startswith(ok(2))
    says = check(f, {"token": TOKEN})
    assert says.startswith("cannot list nodes: no answer from 127.0.0.1:") and "certificate" in says


class Certified:
    """What KubeFake needs of an authority, with another certificate."""

    def __init__(self, authority, name, subject, days=2):
        self.ca = authority.ca
        self.server, self.server_key = authority.issue(name, f"subjectAltName={subject}", days)


def test_https_of_a_host_by_its_name(check, fake, authority):
    named = fake(tls=Certified(authority, "named", "DNS:localhost"), tokens=EVERYTHING)
    by_name = named.url.replace("127.0.0.1", "localhost")
    cluster = {"certificate-authority": str(authority.ca)}
    assert check(by_name, {"token": TOKEN}, cluster).startswith(ok(2))
    says = check(named.url, {"token": TOKEN}, cluster)
    assert "no alternative certificate subject name matches" in says
    assert len(named.asked) == len({(a.path, a.query.get("fieldSelector")) for a in named.asked})  # the second time nobody asked


def test_https_that_is_not_to_be_believed(check, fake, authority, tmp_path):
    cluster = {"certificate-authority": str(authority.ca)}
    old = fake(tls=Certified(authority, "old", "IP:127.0.0.1", -1))
    assert "certificate has expired" in check(old, {"token": TOKEN}, cluster)
    stranger = Authority(tmp_path)  # of the same name, with another key
    assert "certificate" in check(fake(tls=stranger), {"token": TOKEN}, cluster)
    assert not old.asked


def test_https_with_a_clients_certificate(check, fake, authority):
    f = fake(tls=authority)
    seen = []
    handler = f._server.RequestHandlerClass
    answer = handler.do_GET

    def do_get(self):
        seen.append(self.connection.getpeercert().get("subject"))
        answer(self)

    handler.do_GET = do_get
    cluster = {"certificate-authority": str(authority.ca)}
    files = {"client-certificate": str(authority.client), "client-key": str(authority.client_key)}
    data = {"client-certificate-data": b64(authority.client), "client-key-data": b64(authority.client_key)}
    script = f"cat {check.dir}/credential"
    (check.dir / "credential").write_text(credential(clientCertificateData=authority.client.read_text(),
                                                     clientKeyData=authority.client_key.read_text()))
    for user in (files, data, plugin(check, script)):
        seen.clear()
        assert check(f, user, cluster).startswith(ok(2))
        assert seen and all(s == ((("commonName", "client"),),) for s in seen)


# ---- where the kubeconfig is ----------------------------------------------------------------------------------------------


def test_nothing_configured_anywhere(check):
    assert check() == ("there is no kubeconfig: none is configured, KUBECONFIG is not set, ~/.kube/config is not there, and this "
                       "is no pod")


def test_home_and_kubeconfig(check, fake):
    f = fake()
    home = check.dir / "home"
    (home / ".kube").mkdir(parents=True)
    kubeconfig(home / ".kube/config", f.url)
    assert check(env={"HOME": str(home)}).startswith(ok(2))
    assert check(env={"HOME": str(home)}, kubeconfig="~/.kube/config").startswith(ok(2))
    kubeconfig(check.dir / "k2", f.url, name="second")
    kubeconfig(check.dir / "k1", "http://127.0.0.1:1", name="first")
    both = f"{check.dir}/none:{check.dir}/k1:{check.dir}/k2"
    assert check(env={"KUBECONFIG": both}).startswith("cannot list nodes: no answer from 127.0.0.1:1: ")
    assert check(env={"KUBECONFIG": both}, context="second").startswith(ok(2))
    assert check(env={"KUBECONFIG": both}, context="third") == \
        'DIR/k1: has no context "third", nor have the others of KUBECONFIG'
    assert check(env={"KUBECONFIG": f"{check.dir}/none"}) == "KUBECONFIG names no file that is there"


def test_a_context_without_a_user_sends_no_credentials(check, fake):
    f = fake()
    said = check(f, no_user=True)
    assert said.startswith("ok, hosts 2") and not any("Authorization" in asked.headers for asked in f.asked), said
