# SPDX-License-Identifier: MIT
"""anteroom check: a line a fault, exit code 0 or 1, whatever the file is."""
import contextlib
import json
import re
import shutil
import sqlite3

import pytest

from cloud import create, lab
from terminal import terminal


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom(lab({"n": {"gpu": 4}}))
    for i in range(3):
        create(a, f"j{i}", 2)
    a.dispatch()
    return a


@pytest.fixture
def copy(a):
    path = a.dir / "copy.db"
    a.command("backup", path, "--force")
    return path


def write(path, sql):
    """As another program does, which knows nothing of checksums."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.executescript(sql)


def test_what_is_in_use_is_sound_and_so_is_its_copy(a, copy):
    said = a.command("check").stdout
    assert said.startswith(f"{a.db_path}: sound, ") and said.endswith(" checks\n")
    found = json.loads(a.command("check", copy, "--json").stdout)
    assert found["Sound"] is True and found["Faults"] == [] and found["File"] == str(copy) and found["Skipped"] is False


def test_a_fault_is_a_line_with_the_ids(a, copy):
    a.edit("UPDATE owners SET waiting = 7; UPDATE jobs SET started_at = NULL WHERE request_id = 'j0'", copy)
    said = a.command("check", copy, code=1).stdout.splitlines()
    assert said[0] == "job-running: job 1 (lab/j0) is running without started_at"
    assert said[1] == "owner-waiting: owner y has 7 waiting jobs on the books, and 1 wait"
    assert said[2].startswith(f"{copy}: NOT SOUND, 2 faults in ")
    found = json.loads(a.command("check", copy, "--json", code=1).stdout)
    assert found["Sound"] is False and [f["Check"] for f in found["Faults"]] == ["job-running", "owner-waiting"]


def test_words_of_strangers_do_not_move_the_terminal(a, copy):
    a.edit("INSERT INTO owners VALUES ('o' || char(27) || '[2J' || char(10) || 'x', 1)", copy)
    said = a.command("check", copy, code=1).stdout
    assert "\x1b" not in said and len(said.splitlines()) == 2
    assert "o\x1b[2J\nx" in json.loads(a.command("check", copy, "--json", code=1).stdout)["Faults"][0]["Text"]


def test_damage_is_told(a, copy):
    data = bytearray(copy.read_bytes())
    data[4096 * 3:4096 * 3 + 8] = bytes(b ^ 0x5A for b in data[4096 * 3:4096 * 3 + 8])
    copy.write_bytes(data)
    assert a.command("check", copy, code=1).stdout.startswith("sums: page 4 of ")
    copy.write_bytes(data[:len(data) // 2])
    assert "integrity: " in a.command("check", copy, code=1).stdout
    copy.write_bytes(b"no database\n" * 100)
    assert a.command("check", copy, code=1).stdout.startswith("integrity: file is not a database")
    write_other = a.dir / "other.db"
    write(write_other, "CREATE TABLE t (x)")
    assert "none of Anteroom's" in a.command("check", write_other, code=1).stdout


def test_a_file_that_cannot_be_looked_at_is_another_failure(a):
    assert "No such file" in a.command("check", "nowhere.db", code=3).stderr
    assert "an argument too many" in a.command("check", "a", "b", code=2).stderr
    a.command("check", "--x", code=2)


def test_it_writes_nothing(a, copy):
    before = copy.read_bytes()
    a.command("check", copy)
    copy.chmod(0o400)
    a.command("check", copy)
    assert copy.read_bytes() == before and not list(a.dir.glob("copy.db-*"))


def test_a_database_with_its_log_is_looked_at_with_it(a):
    """As a plain copy of all its files is, of a service that was killed."""
    path = a.dir / "moved.db"
    for beside in ("", "-wal"):
        shutil.copy(f"{a.db_path}{beside}", f"{path}{beside}")
    assert "sound" in a.command("check", path).stdout


def test_on_a_terminal_it_says_the_same(a):
    with terminal(a, "check") as t:
        assert t.end(" checks\r\n") == 0
        assert "sound, " in t.output


def test_what_another_program_has_written_is_told_and_can_be_taken_as_it_is(a, copy):
    """The sqlite3 shell while none of Anteroom's had the file open."""
    write(copy, "UPDATE jobs SET owner_id = 'z' WHERE request_id = 'j1'; UPDATE owners SET owner_id = 'z'")
    assert re.match(r"sums: page \d+ of \w+ is not as it was written\n", a.command("check", copy, code=1).stdout)
    a.command("check", copy, "--resum", code=1)  # the books are wrong by now
    said = a.command("check", copy, code=1).stdout
    assert "sums: " not in said and "owner-waiting: " in said
    assert not list(a.dir.glob("copy.db-*"))


def test_what_sqlite_finds_damaged_gets_no_checksums(a, copy):
    data = bytearray(copy.read_bytes())
    data[4096 + 3:4096 + 8] = b"\xff" * 5  # how many cells page 2 has, and where they are
    copy.write_bytes(data)
    assert "it is damaged, and stays as it is; only a backup helps" in a.command("check", copy, "--resum", code=1).stderr
    assert copy.read_bytes() == data


def test_a_file_without_checksums_is_said_to_have_none_and_can_be_given_them(a, copy):
    plain = a.dir / "plain.db"
    plain.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(copy)) as db, contextlib.closing(sqlite3.connect(plain)) as to:
        to.executescript("PRAGMA auto_vacuum = INCREMENTAL;" + "".join(
            f"{line}\n" for line in db.iterdump() if not line.startswith(("DELETE FROM \"sqlite", "INSERT INTO \"sqlite"))))
        to.executescript("".join(f"INSERT INTO sqlite_sequence VALUES {row};" for row in db.execute("SELECT * FROM sqlite_sequence")))
        version = db.execute("PRAGMA user_version").fetchone()[0]
        to.executescript(f"PRAGMA user_version = {version}; PRAGMA application_id = 0x416e7465")
    said = a.command("check", plain).stdout
    assert "its pages have no checksums" in said and said.endswith(" checks\n")
    assert json.loads(a.command("check", plain, "--json").stdout)["Summed"] is False
    reader = sqlite3.connect(plain)
    reader.execute("BEGIN").execute("SELECT * FROM jobs").fetchone()
    a.command("check", plain, "--resum", code=1)  # somebody has it open
    reader.close()
    assert "no checksums" not in a.command("check", plain, "--resum").stdout
    assert json.loads(a.command("check", plain, "--json").stdout)["Summed"] is True
