# SPDX-License-Identifier: MIT
"""What is not one JSON text after RFC 8259 is refused wherever a body is read; what is one is taken, however strange."""
import json
import re
import urllib.parse

import pytest

from contract import is_done, is_ok, is_refused, nothing_changes
from openapi import DOCUMENT

# Whole bodies.
BODIES = {
    "empty": b"", "blank": b" \r\n\t ", "bom": b"\xef\xbb\xbf{}", "bom only": b"\xef\xbb\xbf", "utf-16": "{}".encode("utf-16"),
    "no JSON": b"hello", "html": b"<html></html>", "a form": b"request_id=d&owner_id=y", "yaml": b"request_id: d",
    "cut object": b"{", "cut array": b"[", "cut name": b'{"requ', "cut after the name": b'{"request_id"', "cut after the colon": b'{"request_id":',
    "cut after the value": b'{"request_id":"d"', "cut after the comma": b'{"request_id":"d",', "cut string": b'"x', "cut escape": b'"x\\',
    "cut unicode escape": b'"\\u00', "cut character": b'"\xe6\x97', "cut word": b"tru", "cut number": b"-", "cut fraction": b"1.", "cut exponent": b"1e",
    "two texts": b"{}{}", "text behind": b"{} x", "comma behind": b"{},", "bracket behind": b"{}}", "nul behind": b"{}\0", "nul before": b"\0{}",
    "array closed as object": b"[}", "object closed as array": b"{]", "only a comma": b"[,]", "only a colon": b"{:}",
    "form feed": b"\x0c{}", "no-break space": b"\xc2\xa0{}", "vertical tab": b"{\x0b}",
    "deep arrays": b"[" * 100_000, "deep objects": b'{"a":' * 100_000, "18 deep": b"[" * 18 + b"]" * 18, "17 objects": b'{"a":' * 17 + b"0" + b"}" * 17, "all brackets": b"[]" * 1000,
}

# In the place of a value.
VALUES = {
    "NaN": b"NaN", "Infinity": b"Infinity", "-Infinity": b"-Infinity", "nan": b"nan", "undefined": b"undefined", "TRUE": b"TRUE", "nul": b"nul",
    "nulls": b"nulls", "truefalse": b"truefalse", "bare word": b"word", "nothing": b"",
    "leading zero": b"01", "minus leading zero": b"-01", "plus": b"+1", "no whole part": b".5", "no fraction": b"1.", "no exponent": b"1e",
    "signed no exponent": b"1e+", "hexadecimal": b"0x10", "two minuses": b"--1", "minus only": b"-", "point only": b".", "underscore": b"1_000",
    "comma in a number": b"1,5", "a very long number": b"1" * 100_000, "fullwidth digit": "１".encode(),
    "single quotes": b"'x'", "single quotes within": b"{'a': 1}", "raw line break": b'"a\nb"', "raw tab": b'"a\tb"', "raw escape": b'"\x1b"', "raw nul": b'"\0"',
    "U+0000": b'"a\\u0000b"', "U+0000 in a name": b'{"\\u0000": 1}', "unknown escape": b'"\\x41"', "escaped quote": b"\"\\'\"", "escaped line break": b'"\\\n"',
    "capital U": b'"\\U0041"', "short escape": b'"\\u41"', "no hexadecimal escape": b'"\\u00g0"', "spaces in an escape": b'"\\u 041"',
    "lone high surrogate": b'"\\ud83d"', "lone low surrogate": b'"\\ude00"', "high and no low": b'"\\ud83d\\u0041"', "high high": b'"\\ud83d\\ud83d"',
    "turned surrogates": b'"\\ude00\\ud83d"', "high and the rest": b'"\\ud83dx"',
    "byte ff": b'"\xff"', "lone continuation": b'"\x80"', "overlong slash": b'"\xc0\xaf"', "overlong in three": b'"\xe0\x80\xaf"', "overlong in four": b'"\xf0\x80\x80\xaf"',
    "overlong nul": b'"\xc0\x80"', "surrogate in UTF-8": b'"\xed\xa0\x80"', "pair in UTF-8": b'"\xed\xa0\xbd\xed\xb8\x80"', "beyond U+10FFFF": b'"\xf4\x90\x80\x80"',
    "five bytes": b'"\xf8\x88\x80\x80\x80"', "cut character": b'"\xe6\x97"', "latin-1": b'"caf\xe9"', "bad UTF-8 in a name": b'{"\xff": 1}', "bad UTF-8 outside": b"\xff",
    "comma at the end of an array": b"[1,]", "comma at the end of an object": b'{"a": 1,}', "two commas": b"[1,,2]", "no comma": b"[1 2]", "no colon": b'{"a" 1}',
    "two colons": b'{"a":: 1}', "no value": b'{"a":}', "name without quotes": b"{a: 1}", "number as name": b"{1: 1}", "null as name": b"{null: 1}",
    "line comment": b"1 // one\n", "block comment": b"/* one */ 1", "hash comment": b"1 # one\n",
    "twice": b'{"a": 1, "a": 1}', "twice by escape": b'{"a": 1, "\\u0061": 2}', "twice deep": b'[{"x": {"a": {}, "b": 1, "a": {}}}]', "twice the empty name": b'{"": 1, "": 2}',
    "17 deep": b"[" * 16 + b"]" * 16,
}


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom()
    a.create("job")
    return a


@pytest.mark.parametrize("path", ["/v1/vm/", "/v1/vm/job"], ids=["create", "change"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_refused(a, path, name):
    with nothing_changes(a):
        answer = a.post(path, BODIES[name])
        is_refused(answer, "malformed_json")
    assert "errors" not in answer.json


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_refused_deep_in_data(a, name):
    body = b'{"request_id": "new", "owner_id": "o", "callback": "new", "data": {"mine": %b}}' % VALUES[name]
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/", body), "malformed_json")


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_refused_in_a_change(a, name):
    with nothing_changes(a):
        is_refused(a.post("/v1/vm/job", b'{"priority": 1, "data": %b}' % VALUES[name]), "malformed_json")


@pytest.mark.parametrize("member", ["request_id", "owner_id", "callback", "data"])
def test_a_member_that_stands_there_twice_is_refused(a, member):
    body = json.dumps(a.job("twice"))[:-1] + f', "{member}": {json.dumps(a.job("twice")[member])}}}'
    with nothing_changes(a):
        answer = a.post("/v1/vm/", body)
        is_refused(answer, "malformed_json")
    assert member in answer.json["error"]


def test_no_body_at_all_is_refused(a):
    with nothing_changes(a):
        is_refused(a.raw(b"POST /v1/vm/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), "malformed_json")
        is_refused(a.raw(b"POST /v1/vm/job HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), "malformed_json")


def test_an_error_says_at_which_byte(a):
    assert "byte 7" in a.post("/v1/vm/", b'{"a": x}').json["error"]


def test_an_error_about_strange_bytes_is_itself_good_json(a):
    for byte in range(256):
        is_refused(a.post("/v1/vm/", bytes([byte]) if not chr(byte).isdigit() else b"["), "malformed_json")


TAKEN = {
    "16 deep": b"[" * 14 + b"]" * 14, "blanks": b" \t\r\n[ \n] ", "escapes": b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', "a pair": b'"\\uD83D\\uDE00"', "DEL": b'"\x7f"',
    "U+FFFF": '"\uffff"'.encode(), "U+10FFFF": '"\U0010ffff"'.encode(), "U+2028": '"\u2028"'.encode(), "bom in a string": b'"\xef\xbb\xbf"', "escaped C1": b'"\\u0085"',
    "big exponent": b"1E400", "small exponent": b"1e-400", "minus zero": b"-0", "minus zero point": b"-0.0", "long number": b"1" * 200, "empty name": b'{"": 0}',
    "names that only look alike": '{"é": 1, "e\u0301": 2, "E": 3, "e": 4}'.encode(), "escaped quote in a name": b'{"\\"": 1}', "words": b"[true, false, null]",
    "comment in a string": b'"/* */ // #"',
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_strange_but_correct_value_is_kept(a, name):
    body = b'{"request_id": "%b", "owner_id": "o", "callback": "%b", "data": {"v": %b}}' % (name.encode(), name.replace(" ", "-").encode(), TAKEN[name])
    kept = is_ok(a.post("/v1/taken/", body), 201)["Data"]
    assert json.loads(kept) == {"v": json.loads(TAKEN[name])}
    shown = [job for job in is_ok(a.get("/v1/taken/")) if job["RequestID"] == name]
    assert [job["Data"] for job in shown] == [kept]
    assert a.delete("/v1/taken/" + urllib.parse.quote(name, safe="")).status == 200
    assert [job["Data"] for job in is_ok(a.post("/v1/taken/", b" [" + body + b"]"), 201)] == [kept]  # and so as one of many


def test_data_is_as_deep_as_the_document_says(a):
    levels = int(re.search("at most (\\d+) levels deep, of which it is the first", DOCUMENT["components"]["schemas"]["Demand"]["description"])[1])
    for depth, taken in ((levels, True), (levels + 1, False)):
        data = b'{"v": ' * (depth - 1) + b"{}" + b"}" * (depth - 1)
        job = b'{"request_id": "deep", "owner_id": "o", "callback": "deep", "data": %b}' % data
        for body in (job, b"[%b]" % job, b"\n[%b, %b]" % (job, job.replace(b"deep", b"second"))):
            answer = a.post("/v1/deep/", body)
            if not taken:
                is_refused(answer, "malformed_json")
                continue
            for made in [is_ok(answer, 201)] if body is job else is_ok(answer, 201):
                is_done(a.delete(f"/v1/deep/{made['RequestID']}"))
    a.create("change", "deep")
    is_done(a.post("/v1/deep/change", b'{"data": %b}' % (b'{"v": ' * (levels - 1) + b"{}" + b"}" * (levels - 1))))
    is_refused(a.post("/v1/deep/change", b'{"data": %b}' % (b'{"v": ' * levels + b"{}" + b"}" * levels)), "malformed_json")
    is_refused(a.post("/v1/deep/", b'[{"request_id": "nul", "owner_id": "o", "callback": "nul", "data": {"x": "\\u0000"}}]'), "malformed_json")


def test_an_escaped_name_is_the_name(a):
    is_ok(a.post("/v1/vm/", b'{"\\u0072equest_id": "escaped", "owner_id": "o", "callback": "escaped", "d\\u0061ta": {}}'), 201)
    is_done(a.post("/v1/vm/escaped", b'{"\\u0070riority": 5}'))
