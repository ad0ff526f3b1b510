# SPDX-License-Identifier: MIT
"""Every answer is JSON with an id, behind Apache too: each status that its shipped configuration has a document for, and what Apache
refuses before there is a whole request."""
import re

import pytest

import test_apache
from harness import ROOT, wait_until
from test_apache import apache  # noqa: F401  (a fixture)
from test_every_status import WORDS

TEXT = (ROOT / "nginx/anteroom-apache.conf").read_text()
DOCUMENTS = [int(n) for n in re.findall(r"^ +ErrorDocument (\d+)", TEXT, re.M)]
# What Apache itself can give with the modules that the file names: while it reads a request, for a file, or on the way to the program.
# A condition on a file of the console (412) it answers without a body, whatever the configuration says.
APACHE_GIVES = [400, 401, 403, 404, 405, 408, 411, 413, 414, 416, 417, 421, 426, 429, 431, 500, 501, 502, 503, 504, 505, 507]
REDIRECTS = "".join(f'<Location "/status/{n}">\nRedirect {n} "/status/{n}"\n</Location>\n' for n in DOCUMENTS)

REFUSED = {
    "no host": (b"GET /v1/lab/ HTTP/1.1\r\n\r\n", 400),
    "garbage": (b"\x01\x02 /\r\n\r\n", 400),
    "a header that is too large": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 400),
    "too many headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: a\r\n" % i for i in range(150)) + b"\r\n", 400),
    "a line that is too long": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "two lengths": (b"POST /v1/lab/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a coding": (b"POST /v1/lab/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
    "another protocol": (b"GET / FTP/1.0\r\nHost: a\r\n\r\n", 400),
    "an expectation": (b"POST /v1/lab/ HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 0\r\n\r\n", 417),
    "above the root": (b"GET /../../x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "trace, which would send back what a browser keeps from scripts": (b"TRACE / HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n", 405),
    "connect": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
}


def is_error(answer, status):
    assert answer.status == status, answer
    assert answer.headers.get_all("Content-Type") == ["application/json"], (answer, answer.headers.items())
    assert len(answer.headers.get_all("X-Request-Id")) == 1
    assert re.fullmatch(r"[\w@.-]{16,}", answer.headers["X-Request-Id"]), answer.headers.items()
    assert set(answer.json) == {"error", "code", "ok"} and answer.json["ok"] is False and answer.code in WORDS, answer


@pytest.fixture(autouse=True)
def redirects(monkeypatch):
    """An administrator's own lines, that give every status."""
    plain = test_apache.shipped
    monkeypatch.setattr(test_apache, "shipped", lambda *a: plain(*a).replace("</VirtualHost>", REDIRECTS + "</VirtualHost>"))


def test_every_status_of_apache_is_in_the_envelope(apache):  # noqa: F811
    apache.record = lambda *_: None  # the document has no such paths, and no TRACE
    for status in DOCUMENTS:
        is_error(apache.get(f"/status/{status}"), status)
    ids = set()
    for data, status in REFUSED.values():
        answer = apache.raw(data, half_close=True)
        is_error(answer, status)
        ids.add(answer.headers["X-Request-Id"])
        assert "secret" not in answer.text
    assert len(ids) == len(REFUSED)
    log = apache.server.base / "log/anteroom.log"
    wait_until(lambda: all(f"id={x}\n" in log.read_text() for x in ids), what="a line for each, with the id that its client got")


def test_every_status_of_apache_has_a_document():
    assert sorted(DOCUMENTS) == sorted(APACHE_GIVES)
