# SPDX-License-Identifier: MIT
"""Whom a callback may reach: judged when it is posted, and again where it counts, at every connect. Every connect() that the
dispatcher makes is written down by a library that is loaded before all others, and the list must hold allowed addresses only."""
import contextlib
import signal
import sqlite3
import subprocess
import time

import pytest

from cloud import ask, create, lab, queue, reason, show, states
from contract import is_refused
from harness import ROOT, wait_until
from nameserver import SILENT, NameServer
from receiver import Receiver, redirect

HOSTS = {"n": {"gpu": 1000}}
ONE, TWO = "127.0.0.1", "127.0.0.2"  # the receiver that may be called, and the one that may not
ONLY_ONE = {"allow_networks": [f"{ONE}/32"], "retry": [0, "10ms"]}

# host, and a word of the reason; at a connect percent-encoding has been decoded, when posted it is refused as such.
LOOPBACK, METADATA, LINK_LOCAL = "loopback", "metadata", "link-local"
SPELLINGS = [
    ("127.0.0.1", LOOPBACK), ("127.1", LOOPBACK), ("127.0.1", LOOPBACK), ("127.255.255.254", LOOPBACK), ("2130706433", LOOPBACK),
    ("0x7f.1", LOOPBACK), ("0x7f000001", LOOPBACK), ("0X7F.0x0.0x0.0x1", LOOPBACK), ("0177.0.0.1", LOOPBACK),
    ("017700000001", LOOPBACK), ("00000177.1", LOOPBACK), ("127.0.0.1.", LOOPBACK), ("0", "this network"), ("0.0.0.0", "this network"),
    ("[::1]", LOOPBACK), ("[0:0:0:0:0:0:0:1]", LOOPBACK), ("[::]", "unspecified"), ("[::127.0.0.1]", "IPv4-compatible"),
    ("[::ffff:127.0.0.1]", LOOPBACK), ("[::ffff:7f00:1]", LOOPBACK), ("[0:0:0:0:0:FFFF:7F00:0001]", LOOPBACK),
    ("[64:ff9b::127.0.0.1]", LOOPBACK), ("[64:ff9b::7f00:1]", LOOPBACK), ("[::ffff:0:127.0.0.1]", LOOPBACK),
    ("localhost", "this machine"), ("LOCALHOST", "this machine"), ("localhost.", "this machine"), ("a.localhost", "this machine"),
    ("169.254.169.254", METADATA), ("169.16689662", METADATA), ("2852039166", METADATA), ("0xa9fea9fe", METADATA),
    ("0xA9.0xFE.0xA9.0xFE", METADATA), ("0251.0376.0251.0376", METADATA), ("025177524776", METADATA), ("169.254.1.1", METADATA),
    ("[::ffff:169.254.169.254]", METADATA), ("[::ffff:a9fe:a9fe]", METADATA), ("[64:ff9b::a9fe:a9fe]", METADATA),
    ("[fd00:ec2::254]", "unique local"), ("168.63.129.16", "Azure"), ("100.100.100.200", "NAT"), ("192.0.0.192", "protocol"),
    ("metadata.google.internal", "private network"), ("printer.local", "private network"),
    ("[fe80::1]", LINK_LOCAL), ("[fec0::1]", "site-local"), ("[febf:ffff::1]", LINK_LOCAL),
    ("10.0.0.1", "private"), ("172.31.255.255", "private"), ("192.168.0.1", "private"), ("[fc00::1]", "unique local"),
    ("224.0.0.1", "multicast"), ("255.255.255.255", "broadcast"), ("[ff02::1]", "multicast"), ("[2002:7f00:1::]", "6to4"),
    ("[2001:0:7f00:1::]", "Teredo"), ("[64:ff9b:1::7f00:1]", "NAT64"),
]
ENCODED = [
    ("%31%32%37.0.0.1", LOOPBACK), ("127%2e0.0.1", LOOPBACK), ("%6c%6f%63%61%6c%68%6f%73%74", "this machine"),
    ("%30%78%37%66.1", LOOPBACK), ("169.254.169.25%34", METADATA), ("%5b::1%5d", "must have a port"), ("[fe80::1%25eth0]", "a zone"), ("[::1%251]", "a zone"), ("a%00.example", "no URL"),
    ("a%2f.example", "no URL"), ("127.0.0.1%00.example", "no URL"), ("127.0.0.1%2f.example", "no URL"),
]
# No address at all, and no host that could be called.
NO_HOSTS = [("256.256.256.256", "ends in a number"), ("127.0.0.1.1", "ends in a number"),
            ("4294967296", "ends in a number"), ("user@93.184.216.34", "user name"), ("u:p@127.0.0.1", "user name")]


@pytest.fixture(scope="module")
def preload(tmp_path_factory):
    """The library that writes down every connect()."""
    path = tmp_path_factory.mktemp("preload") / "connects.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", path, ROOT / "tests/api/connects.c"], check=True)
    return path


@pytest.fixture
def names():
    with contextlib.closing(NameServer()) as server:
        yield server


@pytest.fixture
def both():
    """Two receivers at one port. The system gives it on the first address: there many have one, and on the second nobody else."""
    with contextlib.closing(Receiver(ONE)) as first, contextlib.closing(Receiver(TWO, first.port)) as second:
        yield first, second


@pytest.fixture
def one(both):
    return both[0]


@pytest.fixture
def two(both):
    """The one that must not be reached."""
    return both[1]


class Watched:
    """An installation whose dispatcher's connects are written down."""

    def __init__(self, a, preload):
        self.a = a
        self._log = a.dir / "connects"
        a.env.update(LD_PRELOAD=str(preload), CONNECTS=str(self._log))

    def connects(self):
        """The addresses, but for those of name servers."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line.split()[0] for line in lines]

    def put(self, request_id, callback, type="lab"):
        """A job with a callback that the service would refuse: written into the database as by somebody who got round it."""
        create(self.a, request_id, 1, type=type, callback=f"http://before-{type}-{request_id}.example/")
        with contextlib.closing(sqlite3.connect(self.a.db_path, timeout=30)) as db, db:
            changed = db.execute("UPDATE jobs SET callback = ?, receiver = ? WHERE request_id = ? AND type = ?",
                                 (callback, f"r-{request_id}", request_id, type))
            assert changed.rowcount == 1


@pytest.fixture
def watched(anteroom, preload):
    """watched(callback, …) -> Watched, with a queue `lab`."""

    def make(callback=None, queues=None, **members):
        config = {"callback": callback or ONLY_ONE, **({"queues": queues} if queues else lab(HOSTS)), **members}
        return Watched(anteroom(config), preload)

    return make


def message(a, request_id, type="lab"):
    return reason(a, request_id, type)[1] or ""


# When it is posted ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict(shared_anteroom):
    """No network is allowed, not even the one that callback_base is in."""
    a = shared_anteroom({"callback": {"allow_networks": []}, "queues": {
        "lab": queue(HOSTS), "ours": queue(HOSTS, allow_networks=["127.0.0.0/8"])}})
    create(a, "there", 1, callback="http://there.example/")
    return a


@pytest.mark.parametrize("host, word", SPELLINGS + NO_HOSTS, ids=lambda v: v)
def test_a_forbidden_address_is_422_and_says_why(strict, host, word):
    for scheme, port in (("http", ""), ("https", ":8443")):
        callback = f"{scheme}://{host}{port}/x"
        answer = strict.post("/v1/lab/", strict.job("no", "lab", callback=callback))
        is_refused(answer, "invalid", "/callback")
        assert word in answer.json["error"]
        answer = strict.post("/v1/lab/", [strict.job("no-1", "lab", callback="http://other.example/"), strict.job("no-2", "lab", callback=callback)])
        is_refused(answer, "invalid", "/1/callback")
        answer = strict.post("/v1/lab/there", {"callback": callback})
        is_refused(answer, "invalid", "/callback")
        assert word in answer.json["error"]
    assert set(states(strict)) == {"there"} and show(strict, "there")["Callback"] == "http://there.example/"


@pytest.mark.parametrize("host", [host for host, _ in ENCODED])
def test_a_host_that_is_percent_encoded_is_422(strict, host):
    answer = strict.post("/v1/lab/", strict.job("no", "lab", callback=f"http://{host}/x"))
    is_refused(answer, "invalid", "/callback")
    assert "percent-encoding" in answer.json["error"]


def test_a_relative_callback_is_judged_by_its_base(strict):
    answer = strict.post("/v1/lab/", strict.job("no", "lab", callback="abc"))
    is_refused(answer, "invalid", "/callback")
    assert "127.0.0.0/8 (loopback)" in answer.json["error"]
    create(strict, "ours", 1, type="ours", callback="abc")
    create(strict, "ours-too", 1, type="ours", callback="http://localhost:8080/")
    done = strict.dispatch("--check", code=1)
    assert [line for line in done.stdout.splitlines() if "callback_base" in line] == [
        "queue lab: no callback relative to callback_base can be called: 127.0.0.1 is in 127.0.0.0/8 (loopback), which callbacks must not reach"]


def test_this_machines_own_address_is_422(anteroom):
    a = anteroom({"callback": {"allow_networks": ["127.0.0.0/8"]}, **lab(HOSTS)})
    lines = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    for address in lines:
        host = f"[{address}]" if ":" in address else address
        is_refused(a.post("/v1/lab/", a.job("own", "lab", callback=f"http://{host}:8080/")), "invalid", "/callback")


@pytest.mark.parametrize("port, good", [(80, True), (443, True), (22, False), (25, False), (6379, True)])
def test_ports(strict, port, good):
    answer = strict.post("/v1/lab/", strict.job(f"port-{port}", "lab", callback=f"http://h-{port}.example:{port}/"))
    assert answer.status == (201 if good else 422), answer
    if good:
        strict.delete(f"/v1/lab/port-{port}")
    else:
        assert f"port {port}" in answer.json["error"]


@pytest.mark.parametrize("host", ["93.184.216.34", "[2606:4700::1]", "[64:ff9b::93.184.216.34]", "example.com", "example.com.", "1572395042"])
def test_public_hosts_are_taken(strict, host):
    create(strict, "public", 1, callback=f"http://{host}/x")
    assert strict.delete("/v1/lab/public").status == 200


def test_a_job_knows_its_receiver(strict):
    """What is called side by side is limited by receiver: a URL's origin, or what a queue's callback_base stands for."""
    for n, (callback, receiver) in enumerate([("abc", "/ours"), ("http://A.example./x", "http://a.example"),
                                              ("https://a.example:8443/y", "https://a.example:8443"), ("//b.example/x", "http://b.example"),
                                              ("http://0x7f.1:8080/z", "http://127.0.0.1:8080")]):
        create(strict, f"r{n}", 1, type="ours", callback=callback + f"?{n}")
        assert ask(strict, "SELECT receiver FROM jobs WHERE request_id = ?", f"r{n}") == [(receiver,)]
    assert strict.post("/v1/ours/r0", {"callback": "http://c.example/"}).status == 200
    assert ask(strict, "SELECT receiver FROM jobs WHERE request_id = 'r0'") == [("http://c.example",)]


# At every connect -----------------------------------------------------------------------------------------------------


def test_no_spelling_of_a_forbidden_address_is_connected_to(watched, one):
    w = watched({"allow_networks": [], "retry": [0]})
    cases = {f"j{i}": case for i, case in enumerate(SPELLINGS + ENCODED + NO_HOSTS)}
    for request_id, (host, _) in cases.items():
        w.put(request_id, f"http://{host}:{one.port}/x")
    w.a.dispatch()
    assert w.connects() == [] and one.requests == []
    assert set(states(w.a).values()) == {"failed"}
    for request_id, (host, word) in cases.items():
        assert word in message(w.a, request_id), (host, message(w.a, request_id))


@pytest.mark.parametrize("answer", [
    [TWO], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.2"], ["64:ff9b::7f00:2"], ["::127.0.0.1"], ["fe80::1"], ["0.0.0.0"],
    ["cname:inner.test"], ["cname:chain.test"], [TWO, "::1", "::ffff:10.0.0.1"],
], ids=" ".join)
def test_a_name_of_forbidden_addresses_is_not_called(watched, names, one, two, answer):
    names.names.update({"x.test": [answer], "inner.test": [[TWO]], "chain.test": [["cname:inner.test"]]})
    w = watched({**ONLY_ONE, "nameserver": names.where, "retry": [0]})
    create(w.a, "j", 1, callback=f"http://x.test:{one.port}/x")
    w.a.dispatch()
    assert w.connects() == [] and one.requests == two.requests == [] and names.lookups("x.test") == 1
    assert states(w.a) == {"j": "failed"} and "callbacks must not reach" in message(w.a, "j") and "x.test" in message(w.a, "j")


def test_of_mixed_addresses_only_the_allowed_are_connected_to(watched, names, one, two):
    names.names["x.test"] = [[TWO, "::1", "10.0.0.1", ONE, "::ffff:127.0.0.2", "169.254.169.254", "fe80::1"]]
    w = watched({**ONLY_ONE, "nameserver": names.where})
    create(w.a, "j", 1, callback=f"http://x.test:{one.port}/x")
    w.a.dispatch()
    assert states(w.a) == {"j": "running"}
    assert w.connects() == [ONE] and len(one.requests) == 1 and two.requests == []
    assert one.requests[0].headers["Host"] == f"x.test:{one.port}"


def test_a_mapped_address_that_is_allowed_is_called(watched, names, one):
    names.names["x.test"] = [["::ffff:127.0.0.1"]]
    w = watched({**ONLY_ONE, "nameserver": names.where})
    create(w.a, "j", 1, callback=f"http://x.test:{one.port}/x")
    w.a.dispatch()
    assert states(w.a) == {"j": "running"} and w.connects() == [ONE]


def test_a_name_that_changes_its_answer_gains_nothing(watched, names, one, two):
    """Allowed when it is judged, forbidden ever after: it is looked up once, and what was judged is what is called."""
    names.names["x.test"] = [[ONE], [TWO]]
    w = watched({**ONLY_ONE, "nameserver": names.where, "retry": [0]})
    create(w.a, "first", 1, callback=f"http://x.test:{one.port}/1")
    w.a.dispatch()
    assert names.lookups("x.test") == 1 and w.connects() == [ONE] and states(w.a) == {"first": "running"}
    create(w.a, "second", 1, callback=f"http://x.test:{one.port}/2")
    w.a.dispatch()
    assert names.lookups("x.test") == 2 and states(w.a)["second"] == "failed"
    assert f"{TWO} is in 127.0.0.0/8" in message(w.a, "second")
    assert w.connects() == [ONE] and two.requests == []


def test_a_name_that_changes_between_tries_is_judged_each_time(watched, names, one, two):
    names.names["x.test"] = [[TWO], [ONE]]
    w = watched({**ONLY_ONE, "nameserver": names.where, "retry": [0, "6s"]})  # later than an answer is kept
    create(w.a, "j", 1, callback=f"http://x.test:{one.port}/x")
    w.a.start_dispatcher()
    w.a.wait_status("j", "running", "lab", timeout=40)
    assert w.connects() == [ONE] and two.requests == [] and names.lookups("x.test") == 2


@pytest.mark.parametrize("status", range(301, 309))
def test_redirects_lead_nowhere(watched, one, two, status):
    w = watched({**ONLY_ONE, "retry": [0]})
    one.script("x", [redirect(two.url("secret"), status)])
    create(w.a, "j", 1, callback=one.url("x"))
    w.a.dispatch()
    assert w.connects() == [ONE] and len(one.requests) == 1 and two.requests == [] and states(w.a) == {"j": "failed"}


def test_no_proxy_of_the_environment_is_used(watched, names, one, two):
    proxy = two.url().rstrip("/")
    w = watched({**ONLY_ONE, "nameserver": names.where})
    names.names["x.test"] = [[ONE]]
    create(w.a, "j", 1, callback=f"http://x.test:{one.port}/x")
    create(w.a, "k", 1, callback=one.url("y"))
    names_of_it = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    w.a.dispatch(env={**{name: proxy for name in names_of_it}, "no_proxy": "", "NO_PROXY": ""})
    assert set(w.connects()) == {ONE} and two.requests == [] and states(w.a) == {"j": "running", "k": "running"}


def test_a_kept_connection_is_not_for_a_queue_that_may_not_reach_it(watched, names, one, two):
    """Two queues, one name, two addresses: each queue reaches the one that it may, also while a connection to the other is kept."""
    names.names["both.test"] = [[ONE, TWO]]
    queues = {type: queue(HOSTS, allow_networks=[address]) for type, address in (("first", ONE), ("second", TWO), ("third", "127.0.0.3"))}
    w = watched({"nameserver": names.where, "retry": [0, "10ms"]}, queues)
    w.a.start_dispatcher()
    for n in range(3):
        for type, status in (("first", "running"), ("second", "running"), ("third", "failed")):
            create(w.a, f"j{n}", 1, type=type, callback=f"http://both.test:{one.port}/{type}/{n}")
            w.a.wait_status(f"j{n}", status, type)
    assert [r.path for r in one.requests] == [f"/first/{n}" for n in range(3)]
    assert [r.path for r in two.requests] == [f"/second/{n}" for n in range(3)]
    assert set(w.connects()) == {ONE, TWO}


@pytest.mark.parametrize("host, known", [("both.test", True), ("nobody.test", False), (ONE, True)], ids=["name", "no-name", "literal"])
def test_what_was_not_called_says_nothing_about_its_receiver(watched, names, one, host, known):
    """Somebody's queue may not reach it, or finds it not: who may is called all the same."""
    names.names.update({"both.test": [[ONE]]})
    queues = {"may": queue(HOSTS, allow_networks=[ONE]), "may-not": queue(HOSTS, allow_networks=["127.0.0.3"])}
    w = watched({"nameserver": names.where, "retry": [0], "pause_after": 2, "pause": "1h"}, queues)
    origin = f"http://{host}:{one.port}"
    for n in range(3):
        create(w.a, f"j{n}", 1, type="may-not", callback=f"http://elsewhere.example/{n}")
    with contextlib.closing(sqlite3.connect(w.a.db_path, timeout=30)) as db, db:
        db.execute("UPDATE jobs SET callback = replace(callback, 'http://elsewhere.example', ?1), receiver = ?1", (origin,))
    w.a.dispatch()
    assert states(w.a, "may-not") == {f"j{n}": "failed" for n in range(3)} and w.connects() == []
    assert ask(w.a, "SELECT * FROM receivers") == []
    create(w.a, "good", 1, type="may", callback=f"{origin}/x")
    w.a.dispatch()
    assert states(w.a, "may") == {"good": "running" if known else "failed"}


# Names ----------------------------------------------------------------------------------------------------------------


def test_a_name_that_does_not_exist_is_said_so(watched, names):
    w = watched({**ONLY_ONE, "nameserver": names.where, "retry": [0]})
    create(w.a, "j", 1, callback="http://nobody.test:8080/x")
    w.a.dispatch()
    assert "nobody.test: the name cannot be looked up" in message(w.a, "j") and w.connects() == []


def test_many_jobs_of_one_name_are_one_lookup(watched, names, one):
    names.names["x.test"] = [[ONE]]
    w = watched({**ONLY_ONE, "nameserver": names.where})
    for i in range(20):
        create(w.a, f"j{i}", 1, callback=f"http://x.test:{one.port}/{i}")
    w.a.dispatch()
    assert set(states(w.a).values()) == {"running"} and names.lookups("x.test") == 1


def test_silent_names_of_one_owner_delay_no_other_and_no_stop(watched, names, one):
    """200 names whose server never answers; another owner's name is looked up and called all the same, and the dispatcher leaves
    when it is told to, while lookups are under way."""
    names.names["good.test"] = [[ONE]]
    names.names.update({f"dead-{i}.test": [SILENT] for i in range(200)})
    w = watched({**ONLY_ONE, "nameserver": names.where, "timeout": "60s", "connect_timeout": "60s", "hold": "10m",
                 "retry": [0, "1m", "1m", "1m"]})
    w.a.start_dispatcher()
    for i in range(200):
        create(w.a, f"dead-{i}", 1, callback=f"http://dead-{i}.test:8080/x", owner_id="dead")
    wait_until(lambda: names.lookups("dead-0.test") > 0, what="the first lookup")
    begin = time.monotonic()
    create(w.a, "good", 1, callback=f"http://good.test:{one.port}/x", owner_id="good")
    w.a.wait_status("good", "running", "lab")
    # All of the dead, four at a time and four seconds each, would take 200 s.
    assert time.monotonic() - begin < 60
    assert ask(w.a, "SELECT count(*) FROM jobs WHERE owner_id = 'dead' AND status = 'admitted'") == [(200,)]
    assert w.a.dispatcher.stop(signal.SIGTERM) == 0
    assert w.connects() == [ONE]


# --probe --------------------------------------------------------------------------------------------------------------


def probe(a, url, *args, code=0):
    return a.dispatch("--probe", url, *args, code=code).stdout.splitlines()


def test_the_probe_shows_how_a_callback_would_be_called(watched, names, one, two):
    names.names["x.test"] = [[TWO, ONE]]
    secrets = "/run/secrets/anteroom"
    w = watched({**ONLY_ONE, "nameserver": names.where}, {"ours": queue(HOSTS, base="http://x.test:8080/base/", allow_networks=[TWO])})
    lines = probe(w.a, f"http://0x7f.1:{one.port}/a")
    assert f"URL: http://{ONE}:{one.port}/a" in lines and f"host: {ONE}" in lines and f"port: {one.port}" in lines
    assert f"address: {ONE}: allowed: allow_networks has {ONE}/32" in lines
    assert lines[-1] == f"would be called at: {ONE}:{one.port}" and any(line.startswith("signed: no") for line in lines)
    lines = probe(w.a, "a/b", "--type", "ours")
    assert "rules of the queue: ours" in lines and "URL: http://x.test:8080/base/a/b" in lines
    assert f"address: {ONE}: refused: {ONE} is in 127.0.0.0/8 (loopback), which callbacks must not reach" in lines
    assert lines[-1] == f"would be called at: {TWO}:8080" and f"name server: {names.where}" in lines
    for url, word in (("http://169.254.169.254/", "metadata"), ("a", "absolute"), ("ftp://a/", "http or https"), ("http://nobody.test/", "looked up"),
                      (f"http://{ONE}:22/", "port 22"), ("http://%31.1/", "percent-encoding")):
        lines = probe(w.a, url, code=1)
        assert lines[-1].startswith("would not be called: ") and word in lines[-1]
    assert w.connects() == [] and one.requests == two.requests == []
    w.a.write_config({"callback": {**ONLY_ONE, "secret_file": secrets}})
    assert f"signed with the secrets in: {secrets}" in probe(w.a, one.url())


def test_the_type_goes_with_the_probe(watched):
    w = watched()
    for args in (["--type", "lab"], ["--probe"], ["--probe", "http://h/", "--check"]):
        assert w.a.dispatch(*args, code=2).stdout == ""


def test_a_type_that_is_too_long_is_refused_by_the_probe(watched):
    """Found by review: it was copied into a room for 255 bytes."""
    w = watched({}, {"*": queue(HOSTS, base="http://x.test/")})
    assert probe(w.a, "/x", "--type", "t" * 255, code=1)[-1].startswith("would not be called: ")
    for n in (256, 5000):
        done = w.a.dispatch("--probe", "/x", "--type", "t" * n, code=1)
        assert "--type must be 1 to 255 bytes long" in done.stdout + done.stderr


def test_a_name_server_that_is_none_is_said_so(watched):
    w = watched()
    w.a.write_config({"callback": {**ONLY_ONE, "nameserver": "nonsense"}, **lab(HOSTS)})
    assert "callback.nameserver" in w.a.dispatch(code=1).stderr
    assert "callback.nameserver: must be an address" in w.a.dispatch("--check", code=1).stdout
