# SPDX-License-Identifier: MIT
"""A byte of the database that is not what was written is never served: whoever reads answers as before, or with an error, and
`anteroom check` says so."""
import http.client
import os
import struct
import subprocess

import pytest

import soak
from cloud import create, lab
from harness import BIN, SLOW

CONF = lab({"n": {"gpu": 10}})
CONF["queues"]["side"] = {"capacity": "none"}
PAGE, LOG_HEAD, FRAME_HEAD = 4096, 32, 24
FRAME = FRAME_HEAD + PAGE
RESERVED = 8
# In a head: the magic, the page size, versions, reserved bytes, the change counter, pages, the list of free pages, the schema's
# number and form, auto_vacuum, encoding, user_version, application_id, the versions that wrote it; then page 1 as a table.
HEAD = [0, 15, 16, 17, 18, 19, 20, 21, 24, 27, 28, 31, 32, 35, 36, 39, 40, 44, 47, 52, 55, 56, 59, 60, 63, 64, 68, 71, 92, 96,
        99, 100, 101, 103, 105, 107, 108]
LOOKS = [["list", "lab", "--json"], ["show", "lab", "j1", "--json"], ["show", "lab", "j2", "--json"], ["token", "list", "--json"],
         ["show", "lab", "j3", "--json"], ["capacity", "--json"]]
PATHS = ["/v1/lab/", "/v1/lab/j1", "/v1/lab/j1/events", "/v1/lab/?limit=7", "/queues/lab/capacity", "/v1/lab/?owner_id=y"]


@pytest.fixture
def dice():
    return soak.randomness()


def fill(a):
    """Jobs in all states, long data, tokens, and pages that are free again."""
    a.command("token", "add", "portal", "--role", "owner", "--owner", "y")
    jobs = [a.job(f"j{i}", "lab", data={"instances": [{"gpu": 4}], "note": f"{i % 10}" * 9000}) for i in range(14)]
    assert a.post("/v1/lab/", jobs).status == 201
    a.dispatch()
    for i in range(10, 14):
        a.post(f"/v1/lab/j{i}", {"status": "cancelled"})
        assert a.delete(f"/v1/lab/j{i}").status == 200
    a.post("/v1/lab/j4", {"status": "held"})


def look(a, args):
    """(exit code, what it said); one that was ended by a signal is a failure."""
    done = subprocess.run([BIN / "anteroom", "--config", a.config_path, *args], cwd=a.dir, env=a.env, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60 * SLOW)
    assert done.returncode >= 0 and b"anitizer" not in done.stderr, (args, done)
    return done.returncode, done.stdout


class Place:
    """A file with a byte that is another one for a while."""

    def __init__(self, path):
        self.path = path

    def flip(self, at, mask):
        with open(self.path, "r+b", buffering=0) as f:
            byte = os.pread(f.fileno(), 1, at)[0]
            os.pwrite(f.fileno(), bytes([byte ^ mask]), at)

    def size(self):
        return self.path.stat().st_size


def wal_of(a):
    return a.db_path.with_name(a.db_path.name + "-wal")


def stop(a, kill=False):
    if kill:
        a.fcgi.kill()
    else:
        a.ended.append((a.fcgi, a.fcgi.stop()))
    a.fcgi = None


def places(dice, size, rounds):
    """(offset, mask): every structural one, then random ones."""
    yield from ((at, 1 << dice.randrange(8)) for at in HEAD)
    yield from ((PAGE - RESERVED + i, 1 << dice.randrange(8)) for i in range(RESERVED))
    for page in range(1, size // PAGE, 1 if soak.seconds() else 3):
        at = page * PAGE + dice.choice([0, 1, 3, 5, 7, 8, PAGE - 1, PAGE - RESERVED, dice.randrange(PAGE)])
        yield at, dice.randrange(1, 256)
    for _ in rounds:
        yield dice.randrange(size), dice.randrange(1, 256)


def same_or_error(a, before, n, where):
    args = LOOKS[n % len(LOOKS)]
    code, out = look(a, args)
    assert code != 0 or out == before[n % len(LOOKS)], (where, args, out[:500])
    return code != 0


def test_a_flipped_byte_of_the_file_is_told_and_not_served(anteroom, dice):
    a = anteroom(CONF)
    fill(a)
    stop(a)
    before = [look(a, args)[1] for args in LOOKS]
    assert look(a, ["check"])[0] == 0 and wal_of(a).stat().st_size == 0
    place, flips, errors = Place(a.db_path), 0, 0
    was = a.db_path.read_bytes()
    for n, (at, mask) in enumerate(places(dice, place.size(), soak.rounds(40, 20000))):
        if not any(was[at // PAGE * PAGE:(at // PAGE + 1) * PAGE]):
            continue  # a page that nobody has ever written
        place.flip(at, mask)
        code, said = look(a, ["check"])
        assert code != 0, (at, mask, said)
        assert at < PAGE or f"sums: page {at // PAGE + 1}".encode() in said, (at, mask, said)
        errors += same_or_error(a, before, n, (at, mask))
        if n % 8 == 0:
            env = {**a.env, "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "REQUEST_URI": "/v1/lab/", "REMOTE_ADDR": "127.0.0.1",
                   "ANTEROOM_CONFIG": str(a.config_path)}
            done = subprocess.run([BIN / "anteroom.fcgi"], cwd=a.dir, env=env, input=b"", capture_output=True, timeout=60 * SLOW)
            assert done.returncode in (0, 1) and done.stdout.startswith((b"Status: 200", b"Status: 503")), (at, mask, done)
        place.flip(at, mask)
        flips += 1
    assert a.db_path.read_bytes() == was and look(a, ["check"])[0] == 0
    assert errors > 10
    a.start_fcgi()
    soak.figure("never corrupt: a flipped byte of the file", f"{flips} flips, all told by check; {errors} looks failed, the others "
                "answered as before")


def log_of(a):
    """What of its file is the log: frames of before it began anew have another salt."""
    log = wal_of(a).read_bytes()
    end = LOG_HEAD
    while log[end + 8:end + 16] == log[16:24]:
        end += FRAME
    return log[:end]


def pages_in(log):
    return {struct.unpack(">I", log[at:at + 4])[0] for at in range(LOG_HEAD, len(log), FRAME)}


def answers(a, path, was, where):
    """As before; or 503, or, where a list was on its way already, its end is missing."""
    try:
        answer = a.get(path)
    except http.client.IncompleteRead:
        return False
    assert answer.status == 503 or (answer.status == 200 and answer.data == was), (where, answer)
    return answer.status == 200


def test_a_running_service_serves_no_flipped_byte(anteroom, dice):
    """Whether it has the page in its cache or not; in the file or in the log."""
    a = anteroom(CONF)
    fill(a)
    a.restart_fcgi()
    create(a, "late", 1)
    before = [a.get(path).data for path in PATHS]
    assert len(log_of(a)) == wal_of(a).stat().st_size > LOG_HEAD
    file, beside = Place(a.db_path), Place(wal_of(a))
    flips = errors = 0
    for n in soak.rounds(40, 20000):
        assert a.post("/queues/side", {"paused": n % 2 == 0}).status == 200  # a commit: nobody's cache holds any more
        log = log_of(a)
        newer = pages_in(log)
        where, at = dice.choice([(file, dice.randrange(file.size())), (beside, dice.randrange(len(log)))])
        if where is file and (at // PAGE + 1 in newer or not any(file.path.read_bytes()[at // PAGE * PAGE:][:PAGE])):
            continue
        mask = dice.randrange(1, 256)
        where.flip(at, mask)
        for path, was in list(zip(PATHS, before))[n % 2::2]:
            errors += not answers(a, path, was, (where.path, at, mask, path))
        code, said = look(a, ["check"])
        assert code == 1, (where.path, at, mask, said)
        where.flip(at, mask)
        flips += 1
    assert look(a, ["check"])[0] == 0 and [a.get(path).data for path in PATHS] == before
    soak.figure("never corrupt: a flipped byte under a running service", f"{flips} flips, all told by check; {errors} answers 503")


def test_a_flipped_byte_of_the_log_undoes_no_commit(anteroom, dice):
    """After kill -9 SQLite reads the log up to the first frame that is wrong. Regression: what was committed behind it was lost
    without a word."""
    a = anteroom(CONF)
    fill(a)
    a.restart_fcgi()
    for i in range(6):
        create(a, f"late{i}", 1)
    stop(a, kill=True)
    files = {p: p.read_bytes() for p in a.db_path.parent.iterdir() if p.name.startswith(a.db_path.name) and not p.name.endswith("-shm")}
    shm = a.db_path.with_name(a.db_path.name + "-shm")
    size = wal_of(a).stat().st_size
    assert size > LOG_HEAD + 12 * FRAME

    def restore():
        shm.unlink(missing_ok=True)
        for path, data in files.items():
            path.write_bytes(data)

    restore()
    before = [look(a, args)[1] for args in LOOKS]
    special = [*range(0, LOG_HEAD, 5), *(LOG_HEAD + f * FRAME + i for f in (0, 1, size // FRAME - 1) for i in (3, 4, 8, 16, 24))]
    flips = 0
    for n, at in enumerate([*special, *(dice.randrange(size) for _ in soak.rounds(15, 5000))]):
        restore()
        Place(wal_of(a)).flip(at, dice.randrange(1, 256))
        same_or_error(a, before, n, at)
        shm.unlink(missing_ok=True)
        code, said = look(a, ["check"])
        assert code == 1, (at, said)
        flips += 1
    restore()
    assert look(a, ["check"])[0] == 0 and [look(a, args)[1] for args in LOOKS] == before
    a.start_fcgi()
    soak.figure("never corrupt: a flipped byte of the log after kill -9", f"{flips} flips, all told, no commit undone")
