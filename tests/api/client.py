# SPDX-License-Identifier: MIT
"""A small HTTP client for the tests of Anteroom: nothing is retried, nothing is followed, any bytes can be sent, and every answer is
held against the document of the interface (openapi.py)."""
import http.client
import json
import socket

import openapi


class Answer:
    """What came back. `json` is the body parsed, `data` its member data."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        return self.json["data"]

    @property
    def code(self):
        return self.json["code"]

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


class Client:
    """One connection, kept between requests; opened again when the server has closed it."""

    def __init__(self, host, port, timeout=60):
        self.host, self.port, self.timeout = host, port, timeout
        self.connection = None
        self.record = openapi.record  # a test whose server is not Anteroom replaces it

    def request(self, method, path, body=None, headers=None):
        """body: bytes and text go as they are, anything else as JSON; an iterator of bytes goes in chunks."""
        if body is not None and not isinstance(body, (bytes, str)) and not hasattr(body, "__next__"):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            self.connection.request(method, path, body, headers or {}, encode_chunked=hasattr(body, "__next__"))
            response = self.connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except BaseException:
            self.close()
            raise
        self.record(method, path, body, answer)
        if response.will_close:
            self.close()
        return answer

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def head(self, path, **kw):
        return self.request("HEAD", path, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body, **kw)

    def raw(self, data, half_close=False):
        """Sends these very bytes on a connection of their own and reads one answer."""
        with socket.create_connection((self.host, self.port), timeout=self.timeout) as s:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            response = http.client.HTTPResponse(s, method=data.split(b" ", 1)[0].decode("latin-1"))
            response.begin()
            answer = Answer(response.status, response.headers, response.read())
        words = data.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        self.record(words[0], words[1] if len(words) > 1 else "?", None, answer)
        return answer

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None
