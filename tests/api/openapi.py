# SPDX-License-Identifier: MIT
"""fcgi/openapi.json, and what holds by it: every answer that the tests' clients get, and every callback that their receivers get, is
looked at, and what the document does not say is a fault. Answers of the same structure are looked at once, so that it costs next to
nothing; conftest.py fails the test in which a fault came up."""
import functools
import json
import pathlib
import re
from urllib.parse import unquote

import jsonschema

TEXT = (pathlib.Path(__file__).resolve().parents[2] / "fcgi/openapi.json").read_text()
VERSION = re.search(r"^VERSION := (\S+)", (pathlib.Path(__file__).resolve().parents[2] / "Makefile").read_text(), re.M)[1]
DOCUMENT = json.loads(TEXT.replace("@VERSION@", VERSION))

METHODS = ("get", "post", "delete", "put", "patch")
# What any web server may add to an answer.
FREE_HEADERS = {"server", "date", "content-type", "content-length", "transfer-encoding", "connection", "keep-alive", "vary", "upgrade"}
# What nginx answers by itself: the console, and the page that `make run` calls back.
NOT_OURS = re.compile(r"/+(console(/.*)?|demo/.*)?")
LOOKED_AT_MAX = 1 << 20  # bytes of an answer; longer ones are more of the same

faults = []
seen = set()  # (operationId, documented status)


def resolve(node):
    """The object that a $ref names."""
    while isinstance(node, dict) and "$ref" in node:
        target = DOCUMENT
        for word in node["$ref"].removeprefix("#/").split("/"):
            target = target[word.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def segments(path):
    return [unquote(word) for word in path.removeprefix("/").removesuffix("/").split("/")]


def operations():
    """(path, method, operation) of each."""
    for path, item in DOCUMENT["paths"].items():
        yield from ((path, method, item[method]) for method in METHODS if method in item)


def parameters(path, operation):
    return [resolve(p) for p in DOCUMENT["paths"][path].get("parameters", []) + operation.get("parameters", [])]


@functools.lru_cache(maxsize=4096)
def find(target):
    """The path of the document that this request's target is at, or None."""
    words = segments(target.partition("?")[0])
    for path in DOCUMENT["paths"]:
        pattern = segments(path)
        if len(pattern) == len(words) and all(w if p.startswith("{") else w == p for p, w in zip(pattern, words)):
            return path
    return None


def documented(operation, status):
    """The key under which the operation has this status: "404", "4XX", or None."""
    return next((key for key in (str(status), f"{status // 100}XX") if key in operation["responses"]), None)


def schema_errors(schema, value):
    # The pointers of the document's $refs are found from the top of what is validated.
    whole = {"$ref": "#/check", "check": schema, "components": DOCUMENT["components"]}
    return [f"{'/'.join(map(str, e.absolute_path)) or 'the whole'}: {e.message[:300]}" for e in
            jsonschema.Draft202012Validator(whole).iter_errors(value)]


# The structure of a value ---------------------------------------------------------------------------------------------


def properties(node, named=()):
    """Every (name, schema) of a property anywhere in the document's schemas."""
    if isinstance(node, dict):
        for name, schema in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
            yield name, resolve(schema)
        for child in node.values():
            yield from properties(child)
    elif isinstance(node, list):
        for child in node:
            yield from properties(child)


WORDS = {name for name, s in properties(DOCUMENT) if "enum" in s or "const" in s}
MAPS = {name for name, s in properties(DOCUMENT) if isinstance(s.get("additionalProperties"), dict)}
TIME = re.compile(DOCUMENT["components"]["schemas"]["Time"]["pattern"])


def structure(v, name=None):
    """The same for two values exactly when the document says the same about them, or nearly so."""
    if isinstance(v, dict):
        if name in MAPS:
            return "map", frozenset(structure(x) for x in v.values())
        return tuple((k, structure(x, k)) for k, x in sorted(v.items()))
    if isinstance(v, list):
        return "list", bool(v), frozenset(structure(x, name) for x in v)
    if isinstance(v, str):
        return v if name in WORDS else ("text", bool(v), len(v) > 255, TIME.match(v) is not None)
    if isinstance(v, bool) or v is None:
        return v
    return type(v), v > 0, v == 0, abs(v) > 2**53 - 1


def check():
    """Fails with what is not as the document says since the last time."""
    found, faults[:] = faults[:], []
    assert not found, "not as fcgi/openapi.json says:\n" + "\n".join(found[:20])


# What came ------------------------------------------------------------------------------------------------------------


def head_faults(response, headers):
    declared = {name.lower(): resolve(h) for name, h in response.get("headers", {}).items()}
    got = {name.lower(): value for name, value in headers.items()}
    yield from (f"there is no header {name}" for name, h in declared.items() if h.get("required") and name not in got)
    for name, value in got.items():
        if name in declared:
            schema = declared[name]["schema"]
            if schema.get("type") == "integer" and re.fullmatch("-?[0-9]+", value):
                value = int(value)
            yield from (f"header {name}: {e}" for e in schema_errors(schema, value))
        elif name not in FREE_HEADERS:
            yield f"the header {name} is not documented"


def body_faults(response, headers, body):
    content = resolve(response).get("content", {})
    kind = next((v for k, v in headers.items() if k.lower() == "content-type"), None)
    if not content:
        if body:
            yield "there is a body"
        return
    media = content.get(kind) or content.get((kind or "").partition(";")[0])
    if media is None:
        yield f"Content-Type is {kind}"
    elif not kind.startswith("application/json"):
        yield from schema_errors(media["schema"], body.decode())
    else:
        yield from schema_errors(media["schema"], json.loads(body))


_looked = set()


def once(*key):
    """Is this the first time?"""
    fresh = key not in _looked
    _looked.add(key)
    return fresh


def parsed(body):
    """Of JSON its value; of anything else, a text."""
    try:
        return json.loads(body)
    except ValueError:
        return f"{len(body)} bytes that are no JSON"


def any_error():
    """What a path that is not here, or a method that is not known, is answered with."""
    responses = DOCUMENT["components"]["responses"]
    return {**responses["WebServer"], "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}


def response_of(method, target, status):
    """(operation or None, key, the documented response or None)."""
    path = find(target)
    operation = DOCUMENT["paths"][path].get("get" if method == "HEAD" else method.lower()) if path else None
    if operation is None:
        return None, None, any_error() if status >= 400 else None
    key = documented(operation, status)
    return operation, key, resolve(operation["responses"].get(key))


def record(method, target, sent, answer):
    """Looks at one answer; what was sent is looked at too, where it was taken. Any thread."""
    path = target.partition("?")[0]
    dots = {".", ".."} & set(segments(path))  # the web server resolves them, and the path is another one then
    if NOT_OURS.fullmatch(unquote(path)) or dots:
        return
    operation, key, response = response_of(method, target, answer.status)
    where = f"{method} {target[:200]} → {answer.status}"
    if response is None:
        faults.append(f"{where}: the document has no such answer")
        return
    name = operation["operationId"] if operation else None
    if operation:
        seen.add((name, key))
    headers = dict(answer.headers.items())
    if once(name, answer.status, *sorted((k, structure(v)) for k, v in headers.items())):
        faults.extend(f"{where}: {e}" for e in head_faults(response, headers))
    if method != "HEAD" and len(answer.body) < LOOKED_AT_MAX:
        if once(name, answer.status, "body", structure(parsed(answer.body)), headers.get("Content-Type")):
            faults.extend(f"{where}: {e}\n    {answer.body[:1000]!r}" for e in body_faults(response, headers, answer.body))
    if operation and sent and answer.status < 300 and isinstance(sent, bytes) and len(sent) < LOOKED_AT_MAX:
        record_request(name, where, operation, sent)


def record_request(name, where, operation, sent):
    """What the service takes, the document must allow."""
    if "requestBody" in operation and once(name, "request", structure(parsed(sent))):
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        faults.extend(f"{where}: what was taken is not documented: {e}\n    {sent[:1000]!r}" for e in schema_errors(schema, parsed(sent)))


def record_callback(headers, body):
    """Looks at a callback that has come."""
    operation = DOCUMENT["webhooks"]["jobAdmitted"]["post"]
    headers = {k.lower(): v for k, v in headers.items()}
    free = {"host", "content-type", "content-length", "accept", "accept-encoding", "connection"}
    known = {p["name"]: p for p in map(resolve, operation["parameters"])}
    if once("callback", structure(parsed(body)), *sorted(headers)):
        faults.extend(f"callback: {e}\n    {body[:1000]!r}" for e in
                      schema_errors(operation["requestBody"]["content"]["application/json"]["schema"], parsed(body)))
        faults.extend(f"callback: the header {k} is not documented" for k in headers if k not in known and k not in free)
        faults.extend(f"callback: there is no header {k}" for k, p in known.items() if p["required"] and k not in headers)
        for k, p in known.items():
            if k in headers:
                faults.extend(f"callback: header {k}: {e}" for e in schema_errors(p["schema"], headers[k]))
