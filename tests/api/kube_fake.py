# SPDX-License-Identifier: MIT
"""A Kubernetes API server of the tests' own: nodes, pods and quotas as Python objects, answered as kube-apiserver answers them
(pages with continue tokens of one moment, chunks, its errors word by word), and whatever a test wants answered instead."""
import base64
import copy
import http.server
import json
import ssl
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

NODES, PODS, QUOTAS, VERSION = "/api/v1/nodes", "/api/v1/pods", "/api/v1/resourcequotas", "/version"
KINDS = {NODES: "NodeList", PODS: "PodList", QUOTAS: "ResourceQuotaList"}
ACTIVE = "status.phase!=Succeeded,status.phase!=Failed"


# Objects ------------------------------------------------------------------------------------------------------------------


def node(name, cpu="8", memory="32Gi", pods="110", labels=None, taints=None, unschedulable=False, **others):
    """A node; `others` are further allocatable resources, their dashes written as underscores; None: not allocatable."""
    allocatable = {"cpu": cpu, "memory": memory, "pods": pods, **{k.replace("_", "-"): v for k, v in others.items()}}
    spec = {**({"taints": taints} if taints else {}), **({"unschedulable": True} if unschedulable else {})}
    return {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}, "spec": spec,
            "status": {"allocatable": {k: v for k, v in allocatable.items() if v is not None}}}


def pod(name, node_name=None, namespace="default", phase="Running", **requests):
    """A pod of one container that asks for `requests`, bound to a node or not."""
    spec = {"containers": [{"name": "c", "resources": {"requests": requests} if requests else {}}]}
    if node_name:
        spec["nodeName"] = node_name
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec, "status": {"phase": phase}}


def quota(namespace, hard, used=None, name="quota", **spec):
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"hard": hard, **spec},
            "status": {} if used is None else {"hard": hard, "used": used}}


# Answers ------------------------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    """cut: the chunks come, the last one does not; close: not a byte comes; hang: nothing comes until the test ends."""

    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    type: str = "application/json"
    cut: bool = False
    close: bool = False
    hang: bool = False


def status(code, reason, message, metadata=None):
    """A Status, as most errors are."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": metadata or {}, "status": "Failure", "message": message,
            "reason": reason, "code": code}
    return Answer(code, json.dumps(body, separators=(",", ":")).encode() + b"\n")


def forbidden(resource, user="capacity-reader"):
    return status(403, "Forbidden", f'{resource} is forbidden: User "{user}" cannot list resource "{resource}" in API group "" '
                                    "at the cluster scope")


def expired(token="eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTF9"):
    """With a token that would go on at another moment."""
    return status(410, "Expired", "The provided continue parameter is too old to display a consistent list result. You can start "
                  "a new list without the continue parameter, or use the continue token in this response to retrieve the "
                  "remainder of the results.", {"continue": token})


UNAUTHORIZED = status(401, "Unauthorized", "Unauthorized")
NOT_FOUND = Answer(404, b"404 page not found\n", type="text/plain; charset=utf-8")


def too_many(after="1"):
    return Answer(429, b"Too many requests, please try again later.\n", {"Retry-After": after}, "text/plain; charset=utf-8")


def items(kind, *objects, **metadata):
    """A page."""
    page = {"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "707", **metadata}, "items": list(objects)}
    return Answer(body=json.dumps(page, separators=(",", ":")).encode() + b"\n")


# The server ---------------------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    method: str
    path: str
    query: dict
    headers: object


class KubeFake:
    """Listens on 127.0.0.1. script(path, answers): these first, each once, then as nodes, pods and quotas are. tokens: None lets
    everybody in; else {token: the paths that it may list}. page_max: so many items a page at the most, whatever is asked."""

    def __init__(self, nodes=(), pods=(), quotas=(), tokens=None, page_max=500, tls=None):
        self.objects = {NODES: list(nodes), PODS: list(pods), QUOTAS: list(quotas)}
        self.tokens = tokens
        self.page_max = page_max
        self.asked = []
        self._scripts, self._moments = {}, {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.server, tls.server_key)
            context.load_verify_locations(tls.ca)
            context.verify_mode = ssl.CERT_OPTIONAL
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self):
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def script(self, path, *answers):
        with self._lock:
            self._scripts[path] = list(answers)

    def at(self, path):
        with self._lock:
            return [a for a in self.asked if a.path == path]

    def change(self, path, objects):
        """The cluster is another one from now on; lists under way go on as it was."""
        with self._lock:
            self.objects[path] = list(objects)

    def add(self, path, *objects):
        with self._lock:
            self.objects[path] += objects

    def remove(self, path, name):
        with self._lock:
            self.objects[path] = [o for o in self.objects[path] if o["metadata"]["name"] != name]

    # Called in the threads of the server.

    def _answer(self, asked):
        with self._lock:
            self.asked.append(asked)
            script = self._scripts.get(asked.path)
            if script:
                return script.pop(0)
            return self._refusal(asked) or self._page(asked)

    def _refusal(self, asked):
        if asked.path == VERSION:
            return Answer(body=json.dumps({"major": "1", "minor": "36", "gitVersion": "v1.36.2"}, indent=2).encode())
        if asked.path not in KINDS:
            return NOT_FOUND
        if self.tokens is None:
            return None
        scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
        resource = asked.path.rpartition("/")[2]
        if scheme != "Bearer" or not token:
            return forbidden(resource, "system:anonymous")
        if token not in self.tokens:
            return UNAUTHORIZED
        return None if asked.path in self.tokens[token] else forbidden(resource)

    def _page(self, asked):
        token = asked.query.get("continue")
        if token is not None and token not in self._moments:
            return status(400, "BadRequest", "continue key is not valid: invalid continue token")
        found, start = self._moments[token] if token else (self._selected(asked), 0)
        limit = min(int(asked.query.get("limit", 0)) or self.page_max, self.page_max)
        metadata = {"resourceVersion": "707"}
        if start + limit < len(found):
            place = json.dumps({"v": "meta.k8s.io/v1", "rv": 707, "start": f"/{start + limit}/{len(self._moments)}"})
            metadata["continue"] = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
            self._moments[metadata["continue"]] = (found, start + limit)
        return items(KINDS[asked.path], *found[start:start + limit], **metadata)

    def _selected(self, asked):
        selector = asked.query.get("fieldSelector")
        assert selector in (None, ACTIVE), selector
        return [copy.deepcopy(o) for o in self.objects[asked.path]
                if selector is None or o.get("status", {}).get("phase") not in ("Succeeded", "Failed")]

    def _handler(self):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                parts = urlsplit(self.path)
                query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
                try:
                    self.send(fake._answer(Asked(self.command, parts.path, query, self.headers)))
                except OSError:
                    self.close_connection = True  # the caller has had enough

            def send(self, answer):
                if answer.hang:
                    fake._stop.wait()
                self.close_connection = answer.cut or answer.close or answer.hang
                if answer.close or answer.hang:
                    return
                chunked = answer.cut or (answer.status == 200 and len(answer.body) > 1000)
                head = [f"HTTP/1.1 {answer.status} Answer", f"Content-Type: {answer.type}",
                        *(f"{k}: {v}" for k, v in answer.headers.items()),
                        "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(answer.body)}"]
                self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n")
                step = 2048 if chunked else len(answer.body) or 1
                for i in range(0, len(answer.body), step):
                    piece = answer.body[i:i + step]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                if chunked and not answer.cut:
                    self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *args):
                pass

        return Handler


# How it is reached --------------------------------------------------------------------------------------------------------


def kubeconfig(path, url, user=None, cluster=None, name="lab", no_user=False):
    """Writes a kubeconfig with one context (JSON is YAML) and returns its path."""
    config = {"apiVersion": "v1", "kind": "Config", "current-context": name,
              "contexts": [{"name": name, "context": {"cluster": name, **({} if no_user else {"user": f"{name}-reader"})}}],
              "clusters": [{"name": name, "cluster": {"server": url, **(cluster or {})}}],
              "users": [{"name": f"{name}-reader", "user": user or {}}]}
    path.write_text(json.dumps(config, indent=1))
    return path
