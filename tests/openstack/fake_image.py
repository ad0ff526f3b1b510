# SPDX-License-Identifier: MIT
"""Stands in for Glance and Neutron: one image, and no networks. Just enough for Nova to boot it with "networks": "none".

Usage: fake_image.py PORT
"""
import http.server
import json
import re
import sys

IMAGE_ID = "11111111-2222-3333-4444-555555555555"
IMAGE = {
    "id": IMAGE_ID, "name": "small", "status": "active", "visibility": "public", "container_format": "bare", "disk_format": "raw",
    "size": 1048576, "virtual_size": 1048576, "min_disk": 0, "min_ram": 0, "protected": False, "os_hidden": False, "owner": None,
    "checksum": "0" * 32, "tags": [], "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
    "file": f"/v2/images/{IMAGE_ID}/file", "schema": "/v2/schemas/image",
}
# Nova's image client asks for the schema and then keeps the members that it names.
SCHEMA = {"name": "image", "additionalProperties": {"type": "string"},
          "properties": {name: {"type": ["null", "string", "integer", "boolean", "array"]} for name in IMAGE}}


def versions(host, service, version):
    link = {"rel": "self", "href": f"http://{host}/{service}/{version[:2]}/"}
    return {"versions": [{"id": version, "status": "CURRENT", "links": [link]}]}


def image(path, host):
    if path in ("", "versions"):
        return 300, versions(host, "image", "v2.9")
    if path == "v2/schemas/image":
        return 200, SCHEMA
    if path == "v2/images":
        return 200, {"images": [IMAGE]}
    if re.fullmatch(r"v2/images/[0-9a-f-]{36}", path):
        return 200, {**IMAGE, "id": path.rpartition("/")[2]}
    return 404, {}


def network(path, host):
    """Every list is empty."""
    if path == "":
        return 200, versions(host, "network", "v2.0")
    return 200, {path.rpartition("/")[2].removesuffix(".json").replace("-", "_"): []}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        _, service, path = (self.path.partition("?")[0] + "/").split("/", 2)
        ask = {"image": image, "network": network}.get(service)
        status, body = ask(path.strip("/"), self.headers["Host"]) if ask else (404, {})
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_POST = do_DELETE = answer


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
