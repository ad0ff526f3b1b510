# SPDX-License-Identifier: MIT
"""`anteroom list|show|why|submit|move|hold|resume|cancel|requeue|resend` beside the API: the same rules, the same JSON, the same trail."""
import contextlib
import fcntl
import json
import os
import pty
import pwd
import re
import sqlite3
import struct
import subprocess
import termios
import unicodedata

import pytest

from cloud import lab
from contract import is_done, is_ok
from harness import BIN, SLOW
from receiver import Reply

US = f"operator:{pwd.getpwuid(os.getuid()).pw_name}"
DATA = {"instances": [{"VCPU": 1, "Memory": 1, "Disk": 1}], "project": "project id"}


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def out(a, *args, **kw):
    """What a command with --json prints: one document, a line."""
    text = a.command(*args, "--json", **kw).stdout
    assert text.endswith("\n") and text.count("\n") == 1
    return json.loads(text)


def names(a, type, *args):
    return [job["RequestID"] for job in out(a, "list", type, *args)]


def events(a, type, name):
    return is_ok(a.get(f"/v1/{type}/{name}/events"))


def on_terminal(a, *args, width=80, env=None, code=0):
    """What a command writes to a terminal of that width, line by line."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    process = subprocess.Popen([BIN / "anteroom", "--config", a.config_path, *args], cwd=a.dir, stdin=subprocess.DEVNULL, stdout=child,
                               stderr=subprocess.PIPE, env={**a.env, "TERM": "xterm", **(env or {})})
    os.close(child)
    text = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:  # the last writer has gone
            break
        if not piece:
            break
        text += piece
    os.close(parent)
    assert process.wait(60 * SLOW) == code, process.stderr.read()
    process.stderr.close()
    return text.decode().replace("\r\n", "\n").splitlines()


def columns(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def plain(line):
    return re.sub("\x1b\\[[0-9;]*m", "", line)


# list and show --------------------------------------------------------------------------------------------------------


def test_a_list_is_the_apis(a):
    for i in range(7):
        a.create(f"l{i}", "list", owner_id=f"o{i % 2}", data={"note": "等候室 \x1b[31m \u202e" * 3})
    is_done(a.post("/v1/list/l3", {"status": "held"}))
    is_done(a.post("/v1/list/l6", {"move": "front"}))
    assert out(a, "list", "list") == is_ok(a.get("/v1/list/"))
    assert out(a, "list", "list", "--owner", "o1", "--status", "queued,held") == is_ok(a.get("/v1/list/?owner_id=o1&status=queued,held"))
    assert out(a, "list", "list", "--status", "running") == [] == out(a, "list", "nothing")
    nothing = a.command("list", "nothing")
    assert (nothing.stdout, nothing.stderr) == ("", "anteroom: there is no such job\n")


def test_a_list_goes_on_where_it_ended_and_the_cursors_are_the_apis(a):
    for i in range(5):
        a.create(f"p{i}", "pages")
    done = a.command("list", "pages", "--limit", 2, "--json")
    after = re.search("there are more; --after (\\S+) goes on", done.stderr)[1]
    assert [job["RequestID"] for job in json.loads(done.stdout)] == ["p0", "p1"]
    assert names(a, "pages", "--after", after) == ["p2", "p3", "p4"]
    assert [job["RequestID"] for job in is_ok(a.get(f"/v1/pages/?after={after}"))] == ["p2", "p3", "p4"]
    theirs = a.get("/v1/pages/?limit=4").json["next"]
    assert names(a, "pages", "--after", theirs, "--limit", 9) == ["p4"]
    assert a.command("list", "pages", "--limit", 5, "--json").stderr == ""
    assert "--after: " in a.command("list", "list", "--after", theirs, code=2).stderr


def test_a_list_longer_than_a_page_of_its_reading(a):
    for start in range(0, 1400, 700):
        is_ok(a.post("/v1/long/", [{"request_id": f"{i:04}", "owner_id": "y", "callback": f"long-{i}", "data": {}} for i in range(start, start + 700)]), 201)
    assert out(a, "list", "long") == is_ok(a.get("/v1/long/"))
    lines = a.command("list", "long", "--limit", 1399).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["REQUEST"] + [f"{i:04}" for i in range(1399)]


def test_a_list_of_large_jobs(a):
    is_ok(a.post("/v1/large/", [{"request_id": f"{i:02}", "owner_id": "y", "callback": f"large-{i}", "data": {"note": "\"" * 25000}} for i in range(20)]), 201)
    assert out(a, "list", "large") == is_ok(a.get("/v1/large/"))


def test_what_others_wrote_is_shown_and_does_nothing(a):
    a.create("\u202eevil", "bidi", owner_id="a\u2066b")
    assert re.search("^\\\\u202eevil +a\\\\u2066b +queued", a.command("list", "bidi").stdout, re.M)
    assert a.command("show", "bidi", "\u202eevil").stdout.startswith("bidi/\\u202eevil  queued")
    assert a.command("hold", "bidi", "\u202eevil").stdout == "bidi/\\u202eevil: held\n"
    assert "bidi/\\u202ex: there is no such job" in a.command("hold", "bidi", "\u202ex", code=3).stderr


def test_a_reader_who_goes_is_no_fault(a):
    assert len(a.command("list", "long").stdout) > 65536 + 4096  # a pipe holds less
    for args in (["list", "long"], ["list", "long", "--json"]):
        process = subprocess.Popen([BIN / "anteroom", "--config", a.config_path, *args], cwd=a.dir, env=a.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(60 * SLOW) == 1
    gone, end = os.pipe()
    os.close(gone)
    done = subprocess.run([BIN / "anteroom", "--help"], env=a.env, stdin=subprocess.DEVNULL, stdout=end, stderr=subprocess.PIPE, timeout=60 * SLOW)
    os.close(end)
    assert (done.returncode, done.stderr) == (1, b"")


def test_output_that_cannot_be_written_is_said(a):
    asked = [["anteroom", "--config", a.config_path, *args] for args in (
        ["list", "long"], ["list", "long", "--json"], ["show", "long", "0000"], ["--help"], ["help"], ["--version"], ["list", "--help"], ["help", "list"])]
    asked += [[name, option] for name in ("anteroom.fcgi", "anteroom-dispatch") for option in ("--help", "--version")]
    asked += [["anteroom.fcgi", "--routes"], ["anteroom.fcgi", "--config", a.config_path, "--check"]]
    for name, *args in asked:
        with open("/dev/full", "w") as full:
            done = subprocess.run([BIN / name, *args], cwd=a.dir, env=a.env, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=60 * SLOW)
        assert (done.returncode, done.stderr) == (1, f"{name}: the output could not be written: No space left on device\n"), args


def test_one_job_is_the_apis_in_each_of_its_views(anteroom, receiver):
    a = anteroom(lab({"n": {"gpu": 1}}))
    receiver.script("cb", [Reply(500, body=b"no\x1b[2J"), 200])
    a.create("j", "lab", data={"resources": {"gpu": 1}}, callback=receiver.url("cb"))
    a.command("hold", "lab", "j")
    a.command("resume", "lab", "j")
    a.dispatch()
    a.command("resend", "lab", "j")
    a.dispatch()
    a.wait_status("j", "running", "lab")
    for view in ("", "/events", "/deliveries"):
        option = ["--" + view[1:]] if view else []
        assert out(a, "show", "lab", "j", *option) == is_ok(a.get(f"/v1/lab/j{view}"))
    page = a.command("show", "lab", "j").stdout
    assert page.startswith("lab/j  running\n") and "\x1b" not in page
    for line in ("Owner +y", "Callback +http://127.0.0.1:\\d+/cb", "Started +(now|\\d+ s ago) \\(20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\)", "Hosts +{\"n\":1}",
                 f".* {US} +queued → held", f".* {US} +held → queued", ".* dispatcher +queued → admitted", f".* {US} +resend",
                 " +1 .* 500 +again .*no.*\\\\x1b\\[2J", " +2 .* 200 +accepted .*"):
        assert re.search(f"^{line}", page, re.M), (line, page)
    only = a.command("show", "lab", "j", "--deliveries").stdout
    assert only.startswith("TRY ") and "Owner" not in only and only.count("\n") == 3


def timeless(wait):
    """How many starts are like this one depends on how long it has waited by now."""
    return {**wait, "Estimate": re.sub(r"\d+ starts|own: \d+", "N", wait["Estimate"] or "")}


def test_why_a_job_waits(anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}))
    for name, need in (("held", 3), ("first", 4), ("second", 2), ("third", 1)):
        a.create(name, "lab", data={"instances": [{"gpu": need}]})
    a.command("hold", "lab", "held")
    a.dispatch()
    for name in ("held", "first", "second", "third"):
        assert timeless(out(a, "why", "lab", name)) == timeless(is_ok(a.get(f"/v1/lab/{name}/wait")))
    assert a.command("why", "lab", "first").stdout.startswith("lab/first  running\n")
    assert a.command("why", "lab", "held").stdout.startswith("lab/held  held  Held\n")
    a.create("nowhere", "lab", data={"instances": [{"gpu": 1}], "pool": "gone"})
    assert re.search("^Pools +none$", a.command("why", "lab", "nowhere").stdout, re.M)
    page = a.command("why", "lab", "third").stdout
    assert page.startswith("lab/third  queued  WaitingForCapacity\n")
    for line in ("Waits +\\d+ s \\(since 20", "Place +2 in its queue, 2 among", "Needs +1 instance: gpu 1$", "Ahead +1 job: gpu 2$", "Start +not known: "):
        assert re.search(f"^{line}", page, re.M), (line, page)


def test_what_is_not_there_is_3(a):
    for args in (["show", "vm", "nobody"], ["why", "vm", "nobody"], ["hold", "vm", "nobody"], ["cancel", "vm", "nobody", "--delete"], ["move", "vm", "nobody", "--front"],
                 ["resend", "vm", "nobody"], ["requeue", "vm", "nobody"]):
        done = a.command(*args, code=3)
        assert "there is no such job" in done.stderr and done.stdout == ""


# submit ---------------------------------------------------------------------------------------------------------------


def test_a_job_of_options_is_the_job_of_the_same_body(a):
    made = out(a, "submit", "vm", "--request-id", "等 候", "--owner", "甲", "--callback", "options", "--data", json.dumps(DATA), "--priority", "-7",
               "--not-before", "2040-01-01T00:00:00Z", "--valid-until", "2041-01-01T00:00:00Z")
    assert made == is_ok(a.get("/v1/vm/%E7%AD%89%20%E5%80%99"))
    assert (made["Priority"], made["OwnerID"], made["NotBefore"][:10]) == (-7, "甲", "2040-01-01")
    assert events(a, "vm", "%E7%AD%89%20%E5%80%99")[0]["Who"] == US
    assert a.command("submit", "vm", "--request-id", "o2", "--owner", "y", "--callback", "o2", "--data", "{}").stdout == "vm/o2: queued\n"


def test_a_file_standard_input_and_arrays(a):
    (a.dir / "job.json").write_text(json.dumps(a.job("f1", "files")))
    assert out(a, "submit", "files", "job.json")["RequestID"] == "f1"
    many = json.dumps([a.job(f"f{i}", "files") for i in (2, 3)])
    assert a.command("submit", "files", "-", stdin=many).stdout == "files/f2: queued\nfiles/f3: queued\n"
    assert out(a, "submit", "files", "-", stdin=json.dumps([a.job("f4", "files")]))[0]["RequestID"] == "f4"
    assert names(a, "files") == ["f1", "f2", "f3", "f4"]


@pytest.mark.parametrize("body", [
    {}, [], 3, [{}], "{", {"request_id": 3}, {"x": 1}, [{"request_id": "ok"}, {"request_id": "ok"}], {"data": {"instances": [{"VCPU": -1}]}},
    {"priority": "x"}, {"callback": "http://10.1.2.3/"}, {"callback": "taken"}, {"request_id": "taken"},
    {"not_before": "soon"}, [{"request_id": "first"}, {"callback": "http://[fe80::1]/"}],
], ids=repr)
def test_what_the_api_refuses_is_refused_with_the_same_words(a, body):
    if not a.get("/v1/vm/taken").status == 200:
        a.create("taken", callback="taken")

    def filled(i, job):
        return {**a.job(f"r{i}"), **job} if job else job

    if isinstance(body, dict):
        body = filled(0, body)
    elif isinstance(body, list):
        body = [filled(i, job) for i, job in enumerate(body)]
    text = body if isinstance(body, str) else json.dumps(body)
    theirs = a.post("/v1/vm/", text).json
    before = names(a, "vm")
    done = a.command("submit", "vm", "-", stdin=text, code=4)
    pointer = theirs["errors"][0]["pointer"] if "errors" in theirs else ""
    assert done.stderr == f"anteroom: {pointer + ': ' if pointer else ''}{theirs['error']}\n"
    assert done.stdout == "" and names(a, "vm") == before


def test_options_that_are_no_json(a):
    usual = ["--request-id", "n1", "--owner", "y", "--callback", "n1"]
    assert "/priority: priority must be a number" in a.command("submit", "vm", *usual, "--data", "{}", "--priority", "1,", code=4).stderr
    assert a.command("submit", "vm", *usual, "--data", "{", code=4).stderr.startswith("anteroom: --data: ")
    assert "/data: " in a.command("submit", "vm", *usual, "--data", "[]", code=4).stderr
    assert "/owner_id: owner_id is required" in a.command("submit", "vm", "--request-id", "n1", code=4).stderr
    assert "none.json: No such file" in a.command("submit", "vm", "none.json", code=1).stderr
    assert a.get("/v1/vm/n1").status == 404


def test_a_value_that_is_not_utf8_is_refused_and_not_made_another(a):
    """JSON has no such text, and what stood in its place would be another job's name."""
    usual = {"--request-id": "u8", "--owner": "y", "--callback": "u8", "--data": "{}"}
    for option in [*usual, "--priority", "--not-before", "--valid-until"]:
        args = [word for pair in {**usual, option: "z\udcfe"}.items() for word in pair]  # the byte 0xfe
        assert a.command("submit", "u8", *args, code=2).stderr.startswith(f"anteroom submit: {option} must be valid UTF-8; ")
    assert names(a, "u8") == []
    a.create("z\ufffd", "u8")
    a.create("a", "u8")
    for option in ("--before", "--after", "--priority"):
        assert f"{option} must be valid UTF-8" in a.command("move", "u8", "a", option, "z\udcfe", code=2).stderr
    assert "--owner must be valid UTF-8" in a.command("list", "u8", "--own=z\udcfe", code=2).stderr
    assert names(a, "u8") == ["z\ufffd", "a"]


def test_files_that_are_none_or_too_large(a):
    assert ".: Is a directory" in a.command("submit", "vm", ".", code=1).stderr
    with open(a.dir / "large.json", "wb") as f:
        f.truncate((64 << 20) + 1)
    assert "is larger than 67108864 bytes" in a.command("submit", "vm", "large.json", code=4).stderr


def test_a_job_that_is_submitted_wakes_the_dispatcher(anteroom, receiver):
    a = anteroom(lab({"n": {"gpu": 1}}), dispatcher=True)
    a.command("submit", "lab", "--request-id", "w", "--owner", "y", "--callback", receiver.url("w"), "--data", '{"resources": {"gpu": 1}}')
    a.wait_status("w", "running", "lab")
    a.command("submit", "lab", "--request-id", "w2", "--owner", "y", "--callback", receiver.url("w2"), "--data", '{"resources": {"gpu": 1}}')
    a.command("requeue", "lab", "w")
    a.command("cancel", "lab", "w2")
    a.wait_status("w", "running", "lab")


# changes --------------------------------------------------------------------------------------------------------------


def test_a_job_is_moved_as_the_api_moves_it(a):
    for name in "abcd":
        a.create(name, "move")
    for args, order in ((["d", "--front"], "dabc"), (["a", "--back"], "dbca"), (["a", "--before", "b"], "dabc"), (["d", "--after", "c"], "abcd")):
        assert a.command("move", "move", *args).stdout == f"move/{args[0]}: moved\n"
        assert names(a, "move") == list(order)
    first = out(a, "show", "move", "a")["Priority"]
    assert out(a, "move", "move", "c", "--priority", f"{first}.5") == [{"request_id": "c", "ok": True}]
    assert names(a, "move") == list("acbd")
    assert events(a, "move", "c")[-1]["Who"] == US and events(a, "move", "c")[-1]["Event"] == "order"
    assert f"order {events(a, 'move', 'c')[-1]['FromPriority']} → " in a.command("show", "move", "c", "--events").stdout
    for args, text in ((["a", "--priority", "x"], "priority must be a number"), (["a", "--priority", "1e99"], "priority must be"),
                       (["a", "--after", "a"], "beside itself")):
        assert text in a.command("move", "move", *args, code=4).stderr
    for side in ("--before", "--after"):
        assert a.command("move", "move", "a", side, "nobody", code=3).stderr == "anteroom: move/a: there is no such job in this queue\n"
    assert json.loads(a.command("move", "move", "a", "--after", "nobody", "--json", code=3).stdout)[0]["code"] == "not_found"
    assert names(a, "move") == list("acbd")


def test_each_job_is_done_by_itself_and_reported(a):
    for name in "abc":
        a.create(name, "each")
    is_done(a.post("/v1/each/b", {"status": "held"}))
    done = a.command("hold", "each", "a", "b", "nobody", "c", code=4)
    assert done.stdout == "each/a: held\neach/c: held\n"
    assert done.stderr == "anteroom: each/b: a job that is held cannot become held\nanteroom: each/nobody: there is no such job\n"
    assert a.post("/v1/each/b", {"status": "held"}).json["error"] in done.stderr
    assert out(a, "resume", "each", "nobody", "a", "b", code=3) == [
        {"request_id": "nobody", "ok": False, "code": "not_found", "error": "there is no such job"},
        {"request_id": "a", "ok": True}, {"request_id": "b", "ok": True}]
    assert [a.status(name, "each") for name in "abc"] == ["queued", "queued", "held"]
    assert [(e["Who"], e["ToStatus"]) for e in events(a, "each", "a")[1:]] == [(US, "held"), (US, "queued")]
    a.command("cancel", "each", "a")
    assert a.status("a", "each") == "cancelled"
    assert "cannot become cancelled" in a.command("cancel", "each", "a", code=4).stderr
    assert a.command("cancel", "each", "--delete", "a", "c").stdout == "each/a: deleted\neach/c: deleted\n"
    assert names(a, "each") == ["b"]
    a.create("a", "each")  # its name and its callback are free again


def test_each_verb_is_for_its_own_states(a):
    a.create("v", "verbs")
    assert "cannot become queued" in a.command("resume", "verbs", "v", code=4).stderr
    assert "only a job that is admitted or running is called" in a.command("resend", "verbs", "v", code=4).stderr
    a.command("hold", "verbs", "v")
    assert "resume is for one that is held" in a.command("requeue", "verbs", "v", code=4).stderr
    a.command("resume", "verbs", "v")
    for status in ("running", "failed"):
        is_done(a.post("/v1/verbs/v", {"status": status}))
        assert "requeue is for one" in a.command("resume", "verbs", "v", code=4).stderr
    assert a.command("requeue", "verbs", "v").stdout == "verbs/v: queued\n"
    is_done(a.post("/v1/verbs/v", {"status": "running"}))
    a.command("requeue", "verbs", "v")
    assert a.status("v", "verbs") == "queued"


def test_a_failure_that_is_not_the_jobs_ends_it(anteroom):
    a = anteroom()
    for name in "abc":
        a.create(name)
    a.fcgi.stop()
    a.edit("ALTER TABLE events RENAME TO lost")
    done = a.command("hold", "vm", "a", "b", "c", code=1)
    assert re.fullmatch("anteroom: vm/a: .*events.*\nanteroom: 2 more were not tried\n", done.stderr) and done.stdout == ""
    assert len(out(a, "cancel", "vm", "a", "b", code=1)) == 1
    a.edit("ALTER TABLE lost RENAME TO events")
    a.fcgi = None
    a.start_fcgi()
    assert {a.status(name) for name in "abc"} == {"queued"}


def test_a_full_disk_creates_nothing_and_is_1(anteroom):
    a = anteroom({"low_water": "1024G"}, start=False)
    a.write_config()
    done = a.command("submit", "vm", "-", stdin=json.dumps(a.job("a")), code=1)
    assert done.stderr.startswith("anteroom: ") and done.stdout == ""
    assert out(a, "list", "vm") == []


# The command line -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args, said", [
    (["list"], "a TYPE is missing"), (["list", "vm", "x"], "there is an argument too many: x"), (["list", "vm", "--limit", "0"], "--limit must be"),
    (["list", "vm", "--status", "queued,"], "is no status"), (["list", "vm", "--owner"], "--owner needs a value"), (["list", "vm", "--colour"], "there is no option --colour"),
    (["list", "vm", "--color", "red"], "--color must be auto, always or never"), (["list", "vm", "-x"], "there is no option -x"), (["list", ""], "the TYPE"),
    (["list", "vm", "--json=yes"], "--json takes no value"), (["list", "vm", "--after", "x"], "--after: "), (["list", "a\nb"], "the TYPE"),
    (["show", "vm"], "a REQUEST_ID is missing"), (["show", "vm", "a", "b"], "too many: b"), (["show", "vm", "a", "--events", "--deliveries", "--json"], "one thing"),
    (["submit", "vm"], "a FILE is missing"), (["submit", "vm", "-", "--owner", "y"], "not in both"), (["submit", "vm", "a", "b"], "too many: b"),
    (["move", "vm", "a"], "it needs one of"), (["move", "vm", "a", "--front", "--back"], "it needs one of"), (["move", "vm", "--front"], "a REQUEST_ID is missing"), (["move", "--front"], "a TYPE is missing"),
    (["submit"], "a TYPE is missing"),
    (["hold", "vm"], "a REQUEST_ID is missing"), (["cancel"], "a TYPE is missing"), (["resend", "vm", "--delete"], "there is no option --delete"),
], ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_a_wrong_command_line_says_what_is_wrong(a, args, said):
    done = a.command(*args, code=2)
    assert said in done.stderr and f"anteroom {args[0]}: " in done.stderr and f"try anteroom {args[0]} --help" in done.stderr
    assert done.stdout == ""


def test_every_command_explains_itself_also_without_a_configuration(a):
    a.config_path.rename(a.dir / "away")
    try:
        text = a.command("--help").stdout
        assert text == a.command("help").stdout
        commands = re.findall("^  ((?:[a-z]+ )?[a-z]+)  +[a-z]", text, re.M)
        assert {"list", "show", "why", "submit", "move", "hold", "resume", "cancel", "requeue", "resend", "token add"} <= set(commands)
        assert [heading in text for heading in ("\nJobs:\n", "\nTokens:\n")] == [True, True]
        for command in commands:
            usage = a.command(*command.split(), "--help").stdout
            assert usage.startswith(f"Usage: anteroom [--config FILE] {command} ")
            assert usage == a.command("help", *command.split()).stdout
            assert all(len(line) <= 100 for line in usage.splitlines()[1:])
    finally:
        (a.dir / "away").rename(a.config_path)


# On a terminal --------------------------------------------------------------------------------------------------------


def test_a_table_fits_the_terminal(a):
    for name in ("等候室" * 20, "x" * 100, "s"):
        a.create(name, "narrow", owner_id="owner " * 8)
    for width in (60, 80, 133):
        lines = [plain(line) for line in on_terminal(a, "list", "narrow", width=width)]
        assert len(lines) == 4 and max(map(columns, lines)) <= width
        assert lines[1].startswith("等候室") and "…" in lines[1] and "queued" in lines[1]
        assert len({columns(line[:line.index(word)]) for line, word in zip(lines, ["STATUS"] + 3 * ["queued"])}) == 1
    assert any(columns(plain(line)) > 133 for line in on_terminal(a, "list", "narrow", width=80, env={"COLUMNS": "400"}))
    whole = a.command("list", "narrow", env={"COLUMNS": "40"}).stdout  # a pipe has no width
    assert "等候室" * 20 in whole and "x" * 100 in whole


def test_colours_are_for_terminals_that_have_them(a):
    a.create("c", "colour")
    coloured = lambda *more, **kw: any("\x1b[" in line for line in on_terminal(a, "list", "colour", *more, **kw))
    assert coloured()
    assert not coloured("--color=never")
    assert not coloured(env={"NO_COLOR": "1"})
    assert not coloured(env={"TERM": "dumb"})
    assert coloured("--color", "always", env={"NO_COLOR": "1"})
    assert "\x1b[" not in a.command("list", "colour").stdout
    assert "\x1b[1m" in a.command("list", "colour", "--color=always").stdout


def test_times_are_for_people_in_tables_and_exact_in_json(a):
    a.create("t", "times")
    later = {"ANTEROOM_CLOCK_OFFSET": "7300"}
    assert re.search("^t +y +queued +2 h ", a.command("list", "times", env=later).stdout, re.M)
    assert re.search("^Created +2 h ago \\(20", a.command("show", "times", "t", env=later).stdout, re.M)
    assert re.fullmatch("20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}(Z|[+-]\\d\\d:\\d\\d)", out(a, "list", "times")[0]["CreatedAt"])


def test_a_look_does_not_bring_a_database_up_under_those_who_know_its_old_version(a):
    """A newer program is installed, and the old service still runs."""
    path = a.dir / "old.db"
    a.command("backup", path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
    a.edit(f"PRAGMA user_version = {version - 1}", path)
    config = a.dir / "old.yaml"
    config.write_text(a.config_path.read_text().replace(str(a.db_path), str(path)))
    before = path.read_bytes()
    for args in (["list", "t"], ["show", "t", "j"], ["why", "t", "j"], ["token", "list"], ["queues"], ["top"]):
        done = subprocess.run([BIN / "anteroom", "--config", config, *args], cwd=a.dir, env=a.env, capture_output=True, text=True,
                              timeout=60 * SLOW)
        assert done.returncode == 1 and f"has version {version - 1} and this program needs {version}: start anteroom.fcgi" in done.stderr
    assert path.read_bytes() == before
