# SPDX-License-Identifier: MIT
"""anteroom backup: a whole copy of one moment while all go on writing, or none; never half a file, never over another."""
import contextlib
import fcntl
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading

import pytest

from cloud import create, lab
from harness import BIN, Anteroom, wait_until


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def grow(a, rows):
    """Something in the database that takes a while to copy: rows of 2 KiB."""
    with contextlib.closing(sqlite3.connect(a.db_path, timeout=30)) as db, db:
        job = db.execute("SELECT id FROM jobs LIMIT 1").fetchone()[0]
        db.execute("INSERT INTO events (job_id, n, at, who, event, message) WITH RECURSIVE c(n) AS (SELECT 1000 UNION ALL "
                   f"SELECT n + 1 FROM c WHERE n < 1000 + {rows}) "
                   f"SELECT {job}, n, 1, 'w', 'changed', hex(randomblob(1024)) FROM c")


def begin(a, *args, **kw):
    return subprocess.Popen([BIN / "anteroom", "--config", a.config_path, "backup", *args], cwd=a.dir, env=a.env, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)


def size_of(path):
    return path.stat().st_size if path.exists() else 0


def in_the_middle(a, file, number, *args):
    """Sends a signal to a backup that has begun to write; what it came to."""
    part = file.with_name(file.name + ".part")
    for _ in range(30):
        process = begin(a, file, *args)
        wait_until(lambda: size_of(part) > 0 or process.poll() is not None, what="the copy")
        process.send_signal(number)
        out = process.communicate(timeout=60)
        if process.returncode != 0:
            return process.returncode, out
        file.unlink()  # it was done before the signal came
    raise AssertionError("it was always done before the signal came")


def test_under_load_it_has_all_that_was_answered_before_and_can_be_used(anteroom):
    a = anteroom()
    stop = threading.Event()
    created = [[] for _ in range(3)]

    def write(w):
        client = a.client()
        while not stop.is_set():
            name = f"{w}-{len(created[w])}"
            answer = client.request("POST", "/v1/vm/", a.job(name))
            assert answer.status == 201, answer
            created[w].append(name)

    threads = [threading.Thread(target=write, args=(w,)) for w in range(3)]
    for t in threads:
        t.start()
    try:
        wait_until(lambda: all(len(c) >= 20 for c in created), what="jobs")
        before = {name for c in created for name in list(c)}
        done = json.loads(a.command("backup", "copy.db", "--json").stdout)
        wait_until(lambda: sum(map(len, created)) > done["Jobs"], what="jobs after the backup")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert done["File"] == "copy.db" and done["Bytes"] == size_of(a.dir / "copy.db")
    assert "sound" in a.command("check", "copy.db").stdout
    restored = anteroom(start=False)
    shutil.copy(a.dir / "copy.db", restored.db_path)
    restored.start()
    names = {job["RequestID"] for job in restored.get("/v1/vm/").data}
    assert before <= names and len(names) == done["Jobs"]
    restored.create("new")
    assert "sound" in restored.command("check").stdout
    assert "sound" in a.command("check").stdout


def test_it_is_private_alone_and_never_over_another(a):
    file = a.dir / "private.db"
    said = a.command("backup", file).stdout
    assert said.startswith(f"{file}: ") and said.endswith("; checked\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in a.dir.glob("private*")] == ["private.db"]
    kept = file.read_bytes()
    assert "exists; --force replaces it" in a.command("backup", file, code=4).stderr
    assert file.read_bytes() == kept
    a.create("later")
    a.command("backup", file, "--force")
    with contextlib.closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM jobs WHERE request_id = 'later'").fetchone() == (1,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)  # it can still get shorter


@pytest.mark.parametrize("beside", ["", "-wal", "-shm", "-journal", ".lock", ".dispatch", ".wake", ".stats", ".room"])
def test_the_database_itself_is_safe(a, beside):
    assert "belongs to the database that is in use" in a.command("backup", f"{a.db_path}{beside}", "--force", code=4).stderr
    (a.dir / "link").unlink(missing_ok=True)
    (a.dir / "link").symlink_to(a.dir)
    assert "belongs to" in a.command("backup", f"link/{a.db_path.name}{beside}", "--force", code=4).stderr
    a.create(f"safe{beside}")


def test_what_is_no_ordinary_file_or_a_database_in_use_is_left(a):
    (a.dir / "dir").mkdir()
    assert "no ordinary file" in a.command("backup", "dir", "--force", code=4).stderr
    (a.dir / "used.db").write_bytes(b"x")
    (a.dir / "used.db-wal").write_bytes(b"y")
    assert "used.db-wal is there" in a.command("backup", "used.db", "--force", code=4).stderr
    assert "No such file or directory" in a.command("backup", "nowhere/b.db", code=1).stderr
    (a.dir / "strange.db.part").symlink_to(a.db_path)
    assert "cannot write" in a.command("backup", "strange.db", code=1).stderr
    os.mkfifo(a.dir / "pipe.db.part")
    assert "no file of ours" in a.command("backup", "pipe.db", code=1).stderr
    assert (a.dir / "pipe.db.part").is_fifo()
    a.create("unharmed")


@pytest.mark.parametrize("args", [[], [""], ["a", "b"], ["a", "--x"], ["--force"]])
def test_wrong_usage(a, args):
    assert "backup: " in a.command("backup", *args, code=2).stderr


def test_no_database_no_backup(anteroom):
    a = anteroom(start=False)
    a.write_config()
    assert "No such file" in a.command("backup", "b.db", code=3).stderr
    assert not list(a.dir.glob("*.db*"))
    a.db_path.write_text("something else, and longer than a header of a database has to be " * 10)
    assert "not a database" in a.command("backup", "b.db", code=1).stderr
    assert not list(a.dir.glob("b.db*"))


def test_killed_in_the_middle_it_leaves_no_half_file_and_the_next_one_cleans_up(anteroom):
    a = anteroom()
    a.create("j")
    grow(a, 20_000)
    file = a.dir / "copy.db"
    in_the_middle(a, file, signal.SIGKILL)
    assert not file.exists() and size_of(a.dir / "copy.db.part") > 0
    done = a.command("backup", file)
    assert "copy.db.part is gone" in done.stderr
    assert sorted(p.name for p in a.dir.glob("copy*")) == ["copy.db"]
    kept = file.read_bytes()
    code, (_, said) = in_the_middle(a, a.dir / "second.db", signal.SIGINT)
    assert code == 1 and "it was stopped" in said
    assert not list(a.dir.glob("second*")) and file.read_bytes() == kept


def test_two_at_a_time_are_one_too_many(a):
    with open(a.dir / "both.db.part", "wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert "another program is writing" in a.command("backup", "both.db", code=1).stderr
        assert (a.dir / "both.db.part").exists()
    a.command("backup", "both.db")


def test_a_disk_that_takes_no_more(a):
    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

    process = begin(a, "full.db", preexec_fn=small)
    assert "the copy in full.db.part" in process.communicate(timeout=60)[1]
    assert process.returncode == 1 and not list(a.dir.glob("full*"))


def test_an_older_database_is_copied_as_it_is(anteroom):
    a = anteroom()
    a.create("j")
    a.fcgi.stop()
    a.edit("PRAGMA user_version = 1")
    assert json.loads(a.command("backup", "old.db", "--json").stdout)["Version"] == 1
    with contextlib.closing(sqlite3.connect(a.db_path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert "has version 1, which this program does not know" in a.command("check", "old.db").stdout
    a.ended.append((a.fcgi, 0))
    a.fcgi = None


def put_back(a, copy):
    """As INSTALL and anteroom(8) say."""
    a.ended.append((a.fcgi, a.fcgi.stop()))
    for suffix in ("-wal", "-shm"):
        (a.dir / f"anteroom.db{suffix}").unlink(missing_ok=True)
    shutil.copy(copy, a.db_path)
    a.start_fcgi()


def called(a, receiver, name):
    """Its webhook-id, as the receiver had it and as the API shows it, and its ID."""
    job = create(a, name, 1, callback=receiver.url(name))
    a.dispatch()
    row, = a.get(f"/v1/lab/{name}/deliveries").data
    request, = receiver.at(name)
    assert row["Outcome"] == "accepted" and request.headers["webhook-id"] == row["WebhookID"]
    return row["WebhookID"], job["ID"]


def test_a_copy_that_is_put_back_gives_out_no_id_and_no_tag_a_second_time(anteroom, receiver):
    """Found by review: another job had the webhook-id of one that had been called, and an old tag of the list was not told from
    the new one. Put back twice: what came in between is not given out again either."""
    a = anteroom(lab({"n": {"gpu": 9}}))
    called(a, receiver, "one")
    a.command("backup", "copy.db")
    ids, tags, histories = {}, set(), set()
    for name in ("two", "three", "four"):
        ids[name] = called(a, receiver, name)
        tags.add(a.get("/v1/lab/").headers["ETag"])
        histories |= {a.get(f"/v1/lab/{name}/{rows}").headers["ETag"] for rows in ("events", "deliveries")}
        put_back(a, a.dir / "copy.db")
        for tag in tags:
            assert a.get("/v1/lab/", headers={"If-None-Match": tag}).status == 200
        assert [j["RequestID"] for j in a.get("/v1/lab/").data] == ["one"]
    assert {number for _, number in ids.values()} == {2}, "what the test is about"
    assert len({id for id, _ in ids.values()}) == 3 and len(tags) == 3 and len(histories) == 6
    assert "sound" in a.command("check", "copy.db").stdout and "sound" in a.command("check").stdout
