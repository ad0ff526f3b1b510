# SPDX-License-Identifier: MIT
"""The set of JSON texts (tests/unit/json/set.txt) through the web server: as a whole body, and as a value in a job's data. What must be
refused is 400 malformed_json with the byte where it is wrong; what must be taken is kept, and comes back as it was meant."""
import json
import pathlib
import re
import urllib.parse

import pytest

from contract import is_refused

SET = pathlib.Path(__file__).parents[1] / "unit" / "json" / "set.txt"
TOO_DEEP = re.compile(r"nested deeper than 16 levels at byte \d+")


def decoded(text):
    text = re.sub(rb"%\((\d+)\*([^)]*)\)", lambda m: int(m[1]) * m[2], text)
    return urllib.parse.unquote_to_bytes(text)


def cases():
    for line in SET.read_bytes().splitlines():
        if line and not line.startswith(b"#"):
            name, _, text = line.partition(b" ")
            yield name.decode(), decoded(text.strip(b" "))


CASES = dict(cases())
GROUPS = sorted({re.match(r"i?[yn]_[a-z0-9]+", name)[0] for name in CASES})


def of(group):
    return {name: text for name, text in CASES.items() if re.match(r"i?[yn]_[a-z0-9]+", name)[0] == group}


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def is_malformed(answer):
    is_refused(answer, "malformed_json")
    said = answer.json["error"]
    assert re.search(r"at byte \d+|ends after \d+ bytes|the text is empty", said), said


def same(value):
    """Comparable, with numbers as they are written: 1.0 is not 1 here, and 1e400 is no infinity."""
    return json.loads(value, parse_float=str, parse_int=str, parse_constant=str)


def test_the_set_is_whole():
    assert len(CASES) > 700 and {name.partition("_")[0] for name in CASES} == {"y", "n", "iy", "in"}


@pytest.mark.parametrize("group", [g for g in GROUPS if "n_" in g])
def test_what_must_be_refused_is_refused_as_a_body_and_in_one(a, group):
    for name, text in of(group).items():
        if name == "in_deep_17_arrays":  # an array round many jobs is no level of theirs
            is_refused(a.post("/v1/lab/", text), "invalid", "/0")
        else:
            is_malformed(a.post("/v1/lab/", text))
        is_malformed(a.post("/v1/lab/", b'{"request_id": "x", "owner_id": "o", "callback": "http://c.example/x", "data": {"x": %b}}' % text))
    assert a.get("/v1/lab/").data == []


@pytest.mark.parametrize("group", [g for g in GROUPS if "y_" in g])
def test_what_must_be_taken_is_taken_and_comes_back(a, group):
    for name, text in of(group).items():
        whole = a.post("/v1/lab/", text)
        assert whole.code in ("invalid", "unknown_member"), name  # JSON, but no job
        body = b'{"request_id": "x", "owner_id": "o", "callback": "http://c.example/x", "data": {"x": %b}}' % text
        answer = a.post("/v1/lab/", body)
        if answer.status == 400:
            assert TOO_DEEP.search(answer.json["error"]) and text.count(b"[") + text.count(b"{") >= 15, name
            continue
        assert answer.status == 201, (name, answer)
        assert same(answer.data["Data"]) == {"x": same(text)}, name
        assert a.get("/v1/lab/x").data["Data"] == answer.data["Data"], name
        assert a.delete("/v1/lab/x").status == 200
