# SPDX-License-Identifier: MIT
"""Keystone, Placement and Nova as a person with an account sees them: one small session over urllib, and what the tests do with it."""
import json
import urllib.error
import urllib.request
import uuid

COMPUTE, PLACEMENT = "compute 2.88", "placement 1.38"
IMAGE_ID = "11111111-2222-3333-4444-555555555555"
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Refused(Exception):
    """An answer that is no 2xx."""

    def __init__(self, method, url, status, text):
        super().__init__(f"{method} {url} answered {status}: {text[:600]}")
        self.status, self.text = status, text


def text_of(refusal):
    """What is said with a refusal. Who refuses without reading the request resets the connection, sometimes before all is read."""
    try:
        return refusal.read().decode(errors="replace")
    except OSError:
        return "(cut off)"


def call(method, url, body=None, timeout=120, **headers):
    """(headers, JSON or None) of one request; Refused when it is no success."""
    data = None if body is None else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", "Accept": "application/json"}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    request = urllib.request.Request(url, data, fields, method=method)
    try:
        with _direct.open(request, timeout=timeout) as answer:
            text = answer.read()
            return answer.headers, json.loads(text) if text else None
    except urllib.error.HTTPError as refusal:
        with refusal:
            raise Refused(method, url, refusal.code, text_of(refusal)) from None


def password_login(user, password, **scope):
    """The body that asks Keystone for a token. scope: project="name", or system=True."""
    user = {"name": user, "domain": {"id": "default"}, "password": password}
    where = {"system": {"all": True}} if scope.get("system") else {"project": {"name": scope["project"], "domain": {"id": "default"}}}
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": where}}


class Session:
    """Somebody who has signed in. endpoints: "keystone", "placement", "compute" → URL."""

    def __init__(self, endpoints, login):
        self.endpoints, self.login = endpoints, login
        self._sign_in()

    def _sign_in(self):
        headers, self.about = call("POST", self.endpoints["keystone"] + "/auth/tokens", self.login)
        self.token = headers["X-Subject-Token"]

    def ask(self, service, method, path, body=None, **headers):
        version = {"compute": COMPUTE, "placement": PLACEMENT}.get(service)
        if version:
            headers["OpenStack_API_Version"] = version
        url = self.endpoints[service] + path
        try:
            return call(method, url, body, X_Auth_Token=self.token, **headers)[1]
        except Refused as refusal:
            if refusal.status != 401:
                raise
        self._sign_in()  # a change of somebody's roles ends his tokens
        return call(method, url, body, X_Auth_Token=self.token, **headers)[1]

    def keystone(self, method, path, body=None, **headers):
        return self.ask("keystone", method, path, body, **headers)

    def placement(self, method, path, body=None):
        return self.ask("placement", method, path, body)

    def nova(self, method, path, body=None):
        return self.ask("compute", method, path, body)

    # Servers ----------------------------------------------------------------------------------------------------------

    def boot(self, name, flavor):
        """Asks for a server, and returns its id; it is being built."""
        body = {"name": name, "flavorRef": flavor, "imageRef": IMAGE_ID, "networks": "none"}
        return self.nova("POST", "/servers", {"server": body})["server"]["id"]

    def server(self, server_id):
        """Nova's view of it; None once it is gone."""
        try:
            return self.nova("GET", f"/servers/{server_id}")["server"]
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def built(self, server_id):
        """Has it been built? An AssertionError with Nova's own words when that failed."""
        server = self.server(server_id)
        assert server["status"] != "ERROR", f"Nova refused {server['name']}: {server.get('fault', {}).get('message')}"
        return server["status"] == "ACTIVE"

    def servers(self):
        return self.nova("GET", "/servers/detail?all_tenants=1")["servers"]

    def delete_server(self, server_id):
        self.nova("DELETE", f"/servers/{server_id}")

    # For administrators -----------------------------------------------------------------------------------------------

    def make_flavor(self, name, vcpus, ram, disk):
        self.nova("POST", "/flavors", {"flavor": {"id": name, "name": name, "vcpus": vcpus, "ram": ram, "disk": disk}})

    def aggregates(self):
        return self.nova("GET", "/os-aggregates")["aggregates"]

    def make_aggregate(self, name, hosts=(), **metadata):
        """A host aggregate, in Nova and so in Placement; returns it as Nova shows it."""
        made = self.nova("POST", "/os-aggregates", {"aggregate": {"name": name}})["aggregate"]
        if metadata:
            self.change_aggregate(made, "set_metadata", metadata=metadata)
        for host in hosts:
            self.change_aggregate(made, "add_host", host=host)
        return made

    def change_aggregate(self, aggregate, action, **how):
        """action: add_host, remove_host (host=…) or set_metadata (metadata=…)."""
        self.nova("POST", f"/os-aggregates/{aggregate['id']}/action", {action: how})

    def delete_aggregate(self, aggregate):
        for host in aggregate["hosts"]:
            self.change_aggregate(aggregate, "remove_host", host=host)
        self.nova("DELETE", f"/os-aggregates/{aggregate['id']}")

    def compute_services(self):
        """{host: service}"""
        listed = self.nova("GET", "/os-services?binary=nova-compute")["services"]
        return {service["host"]: service for service in listed}

    def set_service(self, host, **how):
        """status="enabled" or "disabled"; forced_down=True or False."""
        self.nova("PUT", f"/os-services/{self.compute_services()[host]['id']}", how)

    def make_provider(self, name, aggregate=None, parent=None, traits=(), **totals):
        """A host that Placement alone knows, in the aggregate, or a part of one; with so much of each class (a number, or members of
        an inventory). Returns its uuid."""
        host = str(uuid.uuid4())
        inventories = {resource: total if isinstance(total, dict) else {"total": total} for resource, total in totals.items()}
        for what in [f"/resource_classes/{c}" for c in totals if c.startswith("CUSTOM_")] + [f"/traits/{t}" for t in traits]:
            self.placement("PUT", what)
        self.placement("POST", "/resource_providers", {"name": name, "uuid": host, **({"parent_provider_uuid": parent} if parent else {})})
        self.placement("PUT", f"/resource_providers/{host}/inventories",
                       {"resource_provider_generation": 0, "inventories": inventories})
        self.placement("PUT", f"/resource_providers/{host}/aggregates",
                       {"resource_provider_generation": 1, "aggregates": [aggregate["uuid"]] if aggregate else []})
        self.placement("PUT", f"/resource_providers/{host}/traits", {"resource_provider_generation": 2, "traits": list(traits)})
        return host

    def use_provider(self, host, project_id, user_id, **amounts):
        """Somebody who uses so much of it."""
        self.placement("PUT", f"/allocations/{uuid.uuid4()}", {
            "allocations": {host: {"resources": amounts}}, "project_id": project_id, "user_id": user_id,
            "consumer_generation": None, "consumer_type": "INSTANCE"})

    def delete_provider(self, host):
        for consumer in self.placement("GET", f"/resource_providers/{host}/allocations")["allocations"]:
            self.placement("DELETE", f"/allocations/{consumer}")
        self.placement("DELETE", f"/resource_providers/{host}")

    def set_quota(self, project_id, **lines):
        """cores, ram, instances: a number, or -1 for no limit."""
        self.nova("PUT", f"/os-quota-sets/{project_id}", {"quota_set": lines})

    def reset_quota(self, project_id):
        self.nova("DELETE", f"/os-quota-sets/{project_id}")

    def set_role(self, method, project_id, user_id, role):
        """method: PUT gives the role to the user on the project, DELETE takes it away."""
        role_id = self.keystone("GET", f"/roles?name={role}")["roles"][0]["id"]
        self.keystone(method, f"/projects/{project_id}/users/{user_id}/roles/{role_id}")

    def revoke_token(self, token):
        self.keystone("DELETE", "/auth/tokens", X_Subject_Token=token)
