# SPDX-License-Identifier: MIT
"""A DNS server of the test's own, over UDP: it says what the test tells it to, another thing each time it is asked, or nothing."""
import ipaddress
import socket
import struct
import threading

A, CNAME, AAAA = 1, 5, 28
SILENT = object()  # no answer at all


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def parse(query):
    """(name, type, the question as it came)"""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack("!H", query[at + 1:at + 3])[0], query[12:at + 5]


def record(owner, kind, data):
    return encode(owner) + struct.pack("!HHIH", kind, 1, 0, len(data)) + data


def address(owner, text):
    ip = ipaddress.ip_address(text)
    return (A if ip.version == 4 else AAAA), record(owner, A if ip.version == 4 else AAAA, ip.packed)


class NameServer:
    """names["x.test"] = [answer, …]: one for each lookup, the last one for all that follow. An answer is a list of addresses and of
    names that it goes on with ("cname:y.test"), or SILENT. What is not there does not exist."""

    def __init__(self, host="127.0.0.1"):
        self.names = {}
        self.asked = []  # (name, type), as they came
        self._times = {}
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.port = self._socket.getsockname()[1]
        self.where = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def lookups(self, name):
        """How often this name was looked up: the addresses of both families are asked for each time."""
        with self._lock:
            return max(self.asked.count((name, A)), self.asked.count((name, AAAA)))

    def close(self):
        with socket.socket(self._socket.family, socket.SOCK_DGRAM) as s:
            s.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _answer(self, name, kind):
        answers = self.names.get(name)
        if answers is None:
            return None
        time = self._times[name, kind] = self._times.get((name, kind), -1) + 1
        return answers[min(time, len(answers) - 1)]

    def _records(self, name, kind, depth=0):
        """The records of an answer; None: the name does not exist; SILENT."""
        answer = self._answer(name, kind)
        if answer is None or answer is SILENT:
            return answer
        found = []
        for text in answer:
            if text.startswith("cname:"):
                target = text.removeprefix("cname:")
                found.append(record(name, CNAME, encode(target)))
                more = self._records(target, kind, depth + 1) if depth < 16 else []
                if more is SILENT:
                    return SILENT
                found += more or []
            else:
                of, data = address(name, text)
                found += [data] if of == kind else []
        return found

    def _serve(self):
        while True:
            query, peer = self._socket.recvfrom(4096)
            if not query:
                return
            name, kind, question = parse(query)
            with self._lock:
                self.asked.append((name, kind))
                records = self._records(name, kind)
            if records is SILENT:
                continue
            flags = 0x8180 | (3 if records is None else 0)
            records = records or []
            self._socket.sendto(query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + question + b"".join(records), peer)
