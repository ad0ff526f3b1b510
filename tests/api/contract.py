# SPDX-License-Identifier: MIT
"""What holds for every answer and after every refusal, said once for all tests of the contract."""
import contextlib
import os
import random
import re
import socket
import struct

from client import Answer
from harness import SLOW

MEMBERS = ["ID", "CreatedAt", "UpdatedAt", "DeletedAt", "RequestID", "Type", "OwnerID", "Data", "Callback", "Priority", "Status"]
SAFE_MAX = 2**53 - 1  # the largest whole number that JavaScript clients see exactly

# The stable words, and the status that each comes with.
STATUS_OF = {
    "bad_request": 400, "malformed_json": 400, "body_incomplete": 400, "unknown_parameter": 400, "invalid_cursor": 400,
    "unauthorized": 401, "forbidden": 403, "not_found": 404, "method_not_allowed": 405,
    "duplicate_request_id": 409, "duplicate_callback": 409, "invalid_transition": 409, "not_waiting": 409, "no_room": 409,
    "precondition_failed": 412, "too_large": 413,
    "invalid": 422, "unknown_member": 422, "idempotency_mismatch": 422, "too_many_requests": 429,
}


def has_envelope(answer):
    assert answer.headers.get_all("Content-Type") == ["application/json"], (answer, answer.headers.items())
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"]), answer.headers.items()
    assert len(answer.headers.get_all("X-Request-Id")) == 1


def is_ok(answer, status=200):
    """Returns the answer's data."""
    assert answer.status == status, answer
    has_envelope(answer)
    assert set(answer.json) <= {"data", "next", "ok"} and answer.json["ok"] is True, answer
    return answer.data


def is_done(answer):
    """A change's answer: these very bytes."""
    assert (answer.status, answer.body) == (200, b'{"data":{},"ok":true}'), answer
    has_envelope(answer)


def is_refused(answer, code, pointer=None):
    """An error of ours with this stable word and, of a body that is wrong, the place where."""
    assert answer.status == STATUS_OF[code], answer
    has_envelope(answer)
    assert list(answer.json)[:2] == ["error", "code"] and answer.json["ok"] is False, answer
    assert answer.code == code, answer
    assert isinstance(answer.json["error"], str) and answer.json["error"], answer
    if pointer is not None:
        assert [e["pointer"] for e in answer.json["errors"]] == [pointer], answer
        assert answer.json["errors"][0]["detail"], answer
    assert set(answer.json) <= {"error", "code", "errors", "ok"}, answer


def rows(a):
    """Every row of every table of the database."""
    with contextlib.closing(a.database()) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: sorted(db.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in tables}


@contextlib.contextmanager
def nothing_changes(a, *lists):
    """The lists are the same afterwards, byte for byte and by their ETag, and so is every row of the database."""
    def look():
        answers = [a.get(path) for path in lists or ("/v1/vm/",)]
        assert all(x.status == 200 for x in answers), answers
        return [(x.body, x.headers["ETag"]) for x in answers], rows(a)

    before = look()
    yield
    after = look()
    assert after[0] == before[0]
    assert after[1] == before[1]


def order(a, path="/v1/vm/"):
    return [job["RequestID"] for job in is_ok(a.get(path))]


def randomness():
    """The same in each run, unless ANTEROOM_SEED says otherwise."""
    seed = int(os.environ.get("ANTEROOM_SEED", "20180726"))
    print(f"ANTEROOM_SEED={seed}")
    return random.Random(seed)


def connected(a, data=b""):
    """A connection to anteroom.fcgi itself, on which these bytes were sent.

    connect() waits where the socket's queue is full: a timeout of Python's would make it fail."""
    s = socket.socket(socket.AF_UNIX)
    try:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(60 * SLOW), 0))
        s.connect(os.path.relpath(a.dir / "fcgi.sock"))  # a long path would not fit
        s.settimeout(60 * SLOW)
        s.sendall(data)
    except BaseException:
        s.close()
        raise
    return s


class FastCGI:
    """Speaks to anteroom.fcgi itself, to say what nginx would never let through. One request at a time on a kept connection."""

    BEGIN, PARAMS, STDIN = 1, 4, 5
    END, STDOUT = 3, 6

    def __init__(self, a):
        self.socket = connected(a)
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()
        self.socket.close()

    def send(self, kind, content):
        self.socket.sendall(struct.pack("!BBHHBx", 1, kind, 1, len(content), 0) + content)

    def begin(self, method, uri, body=b"", length=None, **params):
        """Sends the head and the body, but not the body's end. length: what CONTENT_LENGTH says."""
        params = {"REQUEST_METHOD": method, "REQUEST_URI": uri, "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
                  "CONTENT_LENGTH": str(len(body) if length is None else length), **params}
        pairs = [(k.encode(), v.encode()) for k, v in params.items() if v is not None]
        self.send(self.BEGIN, struct.pack("!HB5x", 1, 1))
        self.send(self.PARAMS, b"".join(struct.pack("!II", len(k) | 1 << 31, len(v) | 1 << 31) + k + v for k, v in pairs))
        self.send(self.PARAMS, b"")
        for i in range(0, len(body), 65535):
            self.send(self.STDIN, body[i:i + 65535])

    def answer(self):
        """The answer, whole."""
        out = b""
        while True:
            head = self.stream.read(8)
            assert len(head) == 8, f"the connection ended after {out[:300]!r}"
            _, kind, _, length, padding = struct.unpack("!BBHHBx", head)
            content = self.stream.read(length + padding)[:length]
            if kind == self.END:
                break
            out += content if kind == self.STDOUT else b""
        top, _, body = out.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in top.decode().split("\r\n"))
        return Answer(int(fields.pop("Status").split()[0]), fields, body)

    def request(self, *args, **kw):
        self.begin(*args, **kw)
        self.send(self.STDIN, b"")
        return self.answer()
