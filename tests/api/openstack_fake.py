# SPDX-License-Identifier: MIT
"""Keystone, Placement and Nova behind one port of 127.0.0.1: what real services answer, until a test says otherwise."""
import http.server
import itertools
import json
import ssl
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

SERVICES = {"POST /v3/auth/tokens": "keystone", "GET /nova/v2.1/os-aggregates": "nova", "GET /nova/v2.1/os-hypervisors": "hypervisors",
            "GET /placement/allocation_candidates": "placement", "GET /placement/resource_providers": "listing"}


@dataclass
class Answer:
    """One answer; `body` and headers may be functions of what was asked, head and body as one text. `length`: what Content-Length
    says, None for none at all (the end of the connection ends the body); `how`: "" whole, "close" without an answer, "stall" until the test ends, "endless"."""

    status: int = 200
    body: object = ""
    headers: dict = field(default_factory=dict)
    length: object = "right"
    how: str = ""

    def bytes(self, asked):
        body = self.body(asked) if callable(self.body) else self.body
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def host(capacity=40, used=0, traits=(), **classes):
    """A provider summary without its root; its capacity of VCPU, None for no such class, and what is used of it."""
    shared = {} if capacity is None else {"VCPU": (capacity, used)}
    resources = {**shared, "MEMORY_MB": (8192, 0), "DISK_GB": (100, 0), **classes}
    return {"resources": {c: {"capacity": v[0], "used": v[1]} for c, v in resources.items()}, "traits": list(traits),
            "parent_provider_uuid": None}


def child(traits=(), **classes):
    """A summary of a provider below a host."""
    return {"resources": {c: {"capacity": v[0], "used": v[1]} for c, v in classes.items()}, "traits": list(traits),
            "parent_provider_uuid": "uuid-of-its-host"}


class Cloud:
    """`aggregates`: name -> (metadata, {host: summary}); a host of several aggregates is the same dict in each. `others`: the
    hosts of no aggregate. `children`: name -> (host, summary), which are in no aggregate. `disabled`: hosts.
    `step`: class -> the step_size of its inventories, as no summary says it. `override[service]` is an Answer for all of its requests, or a list of them, the last for ever;
    service is keystone, nova, hypervisors, placement, listing or quota. `down`: the hosts that Nova takes for dead. `certificate` and its key: it speaks https."""

    def __init__(self, certificate=None, name="127.0.0.1"):
        self.aggregates = {"gold": ({"filter_tenant_id": "project id"}, {"node01": host(), "node02": host(MEMORY_MB=(8192, 8192))})}
        self.others = {"node03": host()}
        self.children = {}
        self.disabled = set()
        self.step = {}
        self.down = set()
        self.address_max = 1 << 20  # of a request, beyond which it is answered 414
        self.override = {}
        self.requests = []
        self.tokens = 0
        self.life = ("2026-11-23T08:00:00.000000Z", "2026-11-23T09:00:00.000000Z")
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            scheme = "https"
        self.url = f"{scheme}://{name}:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def env(self, **more):
        """The variables of a user of this cloud."""
        return {"OS_AUTH_URL": self.url, "OS_USERNAME": "capacity", "OS_PASSWORD": "pass-w0rd", "OS_PROJECT_NAME": "ours", **more}

    def count(self, service):
        """How many requests this service got."""
        with self.lock:
            return sum(r == service for r in self.requests)

    # What the services say ---------------------------------------------------------------------------------------------

    def keystone(self):
        with self.lock:
            self.tokens += 1
        endpoint = {"interface": "public", "region_id": "RegionOne", "region": "RegionOne"}
        return Answer(201, {"token": {
            "issued_at": self.life[0], "expires_at": self.life[1], "user": {"name": "capacity", "id": "u"},
            "project": {"name": "ours", "id": "ours-id"}, "roles": [{"name": "admin", "id": "r"}], "catalog": [
                {"type": "placement", "endpoints": [{**endpoint, "url": self.url + "/placement"}]},
                {"type": "compute", "endpoints": [{**endpoint, "url": self.url + "/nova/v2.1"}]}]}},
            {"X-Subject-Token": f"token-{self.tokens}"})

    def nova(self):
        return Answer(200, {"aggregates": [{"name": name, "uuid": f"uuid-of-{name}", "metadata": metadata, "hosts": []}
                                           for name, (metadata, _) in self.aggregates.items()]})

    def hosts(self):
        """name -> (summary, the uuids of its aggregates)"""
        found = {h: (summary, set()) for h, summary in self.others.items()}
        for name, (_, hosts) in self.aggregates.items():
            for h, summary in hosts.items():
                found.setdefault(h, (summary, set()))[1].add(f"uuid-of-{name}")
        return found

    @staticmethod
    def lets_through(query, aggregates):
        """Does a request's member_of let a provider of these aggregates through?"""
        wanted = query.get("member_of", [""])[0]
        named = set(wanted.removeprefix("!").removeprefix("in:").split(","))
        return not wanted or bool(named & aggregates) != wanted.startswith("!")

    def members(self, query):
        return {h: summary for h, (summary, aggregates) in self.hosts().items()
                if h not in self.disabled and self.lets_through(query, aggregates)}

    def tree(self, name, root):
        """The providers of a host, itself first: uuid -> summary."""
        branches = {child: summary for child, (host, summary) in self.children.items() if host == name}
        return {f"uuid-of-{n}": {**summary, "root_provider_uuid": f"uuid-of-{name}"} for n, summary in {name: root, **branches}.items()}

    def placement(self, query):
        """As Placement does, it leaves out who has none, or not enough free, of a class that is asked for; and of the traits it
        looks at those of the providers that would give something, together."""
        asked = {c.split(":")[0]: int(c.split(":")[1]) for c in query["resources"][0].split(",")}
        none = {"capacity": 0, "used": 0}

        def has_room(summary, asked_class):
            a = summary["resources"].get(asked_class, none)
            return a["capacity"] - a["used"] >= asked[asked_class] and asked[asked_class] % self.step.get(asked_class, 1) == 0

        traits = query["required"][0].split(",")
        wanted, forbidden = {t for t in traits if t[0] != "!"}, {t[1:] for t in traits if t[0] == "!"}

        def takes(tree):
            givers = [[p for p in tree.values() if has_room(p, c) and not forbidden & set(p["traits"])] for c in asked]
            return any(wanted <= {t for p in chosen for t in p["traits"]} for chosen in itertools.product(*givers))

        trees = [self.tree(name, root) for name, root in self.members(query).items()]
        return Answer(200, {"allocation_requests": [], "provider_summaries": {
            uuid: summary for tree in trees if takes(tree) for uuid, summary in tree.items()}})

    def quota(self):
        return Answer(200, {"quota_set": {line: {"limit": -1, "in_use": 0, "reserved": 0}
                                          for line in ("instances", "cores", "ram")}})

    def hypervisors(self):
        return Answer(200, {"hypervisors": [{"id": f"uuid-of-{name}", "hypervisor_hostname": name, "status": "enabled",
                                             "state": "down" if name in self.down else "up"} for name in self.hosts()]})

    def listing(self, query):
        """As Placement does, it looks at each provider for itself."""
        listed = {name: name for name in self.members(query)}
        if self.lets_through(query, set()):
            listed |= {child: host for child, (host, _) in self.children.items()}
        return Answer(200, {"resource_providers": [
            {"uuid": f"uuid-of-{name}", "name": name, "root_provider_uuid": f"uuid-of-{host}"} for name, host in listed.items()]})

    def answer(self, service, query):
        with self.lock:
            self.requests.append(service)
            override = self.override.get(service)
            if isinstance(override, list):
                override = override.pop(0) if len(override) > 1 else override[0]
        if override:
            return override
        if service is None:
            return Answer(404, {"itemNotFound": {"code": 404, "message": "The resource could not be found."}})
        return getattr(self, service)(*([query] if service in ("placement", "listing") else []))

    # Called in the threads of the server.

    def _handler(self):
        cloud = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                self.asked = f"{self.headers}".strip() + f"\n\n{body}"
                url = urlsplit(self.path)
                quota = url.path.startswith(("/nova/v2.1/os-quota-sets/", "/nova/v2.1/limits"))
                service = "quota" if quota else SERVICES.get(f"{self.command} {url.path}")
                answer = cloud.answer(service, parse_qs(url.query)) if len(self.path) <= cloud.address_max else Answer(414)
                try:
                    self.send(answer)
                except OSError:
                    pass  # who asked has had enough
                self.close_connection = True

            def send(self, answer):
                if answer.how == "stall":
                    cloud.stop.wait()
                if answer.how in ("stall", "close"):
                    return
                body = answer.bytes(self.asked)
                length = len(body) if answer.length == "right" else answer.length
                head = [f"HTTP/1.1 {answer.status} X"] + [f"{k}: {v(self.asked) if callable(v) else v}" for k, v in answer.headers.items()]
                head += [f"Content-Length: {length}"] if length is not None else []
                self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
                while answer.how == "endless" and not cloud.stop.is_set():
                    self.wfile.write(b" " * 65536)

            do_GET = do_POST = do

            def log_message(self, *args):
                pass

        return Handler
