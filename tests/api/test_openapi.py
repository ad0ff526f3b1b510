# SPDX-License-Identifier: MIT
"""/openapi.json says what the program does: its paths, parameters, members and words are those of the code's own tables."""
import json
import re
import subprocess

import jsonschema
import pytest

import openapi
from contract import is_refused
from harness import BIN, ROOT
from openapi import DOCUMENT, operations, parameters, resolve
from test_life import MAY_BECOME

SCHEMAS = DOCUMENT["components"]["schemas"]


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


def source(path):
    return (ROOT / path).read_text()


def nodes(node, at=""):
    """(place, object) of every object in the document."""
    if isinstance(node, dict):
        yield at, node
        for key, child in node.items():
            yield from nodes(child, f"{at}/{key}")
    elif isinstance(node, list):
        for i, child in enumerate(node):
            yield from nodes(child, f"{at}/{i}")


# Served ---------------------------------------------------------------------------------------------------------------


def test_it_is_served_as_it_stands_in_the_tree_with_the_programs_version(a):
    answer = a.get("/openapi.json")
    version = subprocess.run([BIN / "anteroom.fcgi", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert answer.status == 200 and answer.text == openapi.TEXT.replace("@VERSION@", version)
    assert answer.json["info"]["version"] == version == a.get("/healthz").data["version"]
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["Cache-Control"] == "no-cache"


def test_who_has_it_is_told_so(a):
    tag = a.get("/openapi.json").headers["ETag"]
    known = a.get("/openapi.json", headers={"If-None-Match": f'"x", W/{tag}'})
    assert (known.status, known.body, known.headers["ETag"]) == (304, b"", tag)
    assert a.get("/openapi.json", headers={"If-Match": tag, "If-None-Match": '"x"'}).status == 200
    is_refused(a.get("/openapi.json", headers={"If-Match": '"x"'}), "precondition_failed")
    head = a.head("/openapi.json")
    assert (head.status, head.headers["ETag"], int(head.headers["Content-Length"])) == (200, tag, len(a.get("/openapi.json").body))
    is_refused(a.post("/openapi.json", {}), "method_not_allowed")
    is_refused(a.get("/openapi.json?x=1"), "unknown_parameter")


def test_a_cgi_program_serves_it_too(a):
    status, fields, body = a.cgi("GET", "/openapi.json")
    assert (status, body) == (200, a.get("/openapi.json").body) and fields["ETag"] == a.get("/openapi.json").headers["ETag"]


# As the code has it ---------------------------------------------------------------------------------------------------


def test_paths_methods_parameters_and_needs_are_those_of_the_program():
    printed = subprocess.run([BIN / "anteroom.fcgi", "--routes"], capture_output=True, text=True, check=True).stdout
    program = {(method, path): (need, params) for method, path, need, *params in map(str.split, printed.splitlines())}
    ours = {}
    for path, method, operation in operations():
        query = [p["name"] for p in parameters(path, operation) if p["in"] == "query"]
        pattern = re.sub(r"\{\w+\}", "{}", path).rstrip("/")
        ours[method.upper(), pattern] = operation["x-needs"], query
        assert (operation.get("security") == []) == (operation["x-needs"] == "open"), path
    assert ours == program


def test_every_path_names_its_parameters():
    for path, item in DOCUMENT["paths"].items():
        names = [resolve(p)["name"] for p in item.get("parameters", [])]
        assert names == re.findall(r"\{(\w+)\}", path), path
        assert all(resolve(p)["in"] == "path" for p in item.get("parameters", []))


def program_codes():
    """word -> status, of the program's table of errors; `ok` is none, and `configuration` never goes over HTTP."""
    table = re.search(r"codes\[\] = \{\n(.*?)\n\};", source("common/err.c"), re.S)[1]
    rows = re.findall(r'\[ERR_\w+\] = \{(\d+), "(\w+)"\}', table)
    assert len(rows) == len(table.splitlines())
    return {word: int(status) for status, word in rows if word not in ("ok", "configuration")}


def web_codes():
    """{(status, word)} of what the web servers' files answer by themselves."""
    nginx = re.findall(r"""return (\d+) '\{"error": "[^"]+", "code": "(\w+)", "ok": false\}""", source("nginx/anteroom-locations.conf"))
    apache_files = source("nginx/anteroom-apache.conf") + source("nginx/htaccess")
    apache = re.findall(r'ErrorDocument (\d+) "\{\\"error\\": \\"[^"]+\\", \\"code\\": \\"(\w+)\\", \\"ok\\": false\}"', apache_files)
    assert len(nginx) == source("nginx/anteroom-locations.conf").count('"code"')
    assert len(apache) == apache_files.count('\\"code\\"')
    return {(int(status), word) for status, word in nginx + apache}


def test_the_words_of_errors_are_those_of_the_program_and_of_the_web_server():
    program, web = program_codes(), web_codes()
    assert SCHEMAS["ErrorCode"]["enum"] == list(program) + [w for w in SCHEMAS["ErrorCode"]["enum"] if w not in program]
    assert set(SCHEMAS["ErrorCode"]["enum"]) == set(program) | {word for _, word in web}
    explained = re.findall(r"^- `(\w+)`: (\d+): ", SCHEMAS["ErrorCode"]["description"], re.M)
    assert [word for word, _ in explained] == SCHEMAS["ErrorCode"]["enum"]
    pairs = set(program.items()) | {(word, status) for status, word in web}
    assert {(word, int(status)) for word, status in explained} <= pairs


def test_every_error_stands_where_its_status_is():
    """And each can be had somewhere."""
    pairs = {(status, word) for word, status in program_codes().items()} | web_codes()
    had = set()
    for _, _, operation in operations():
        for key, response in operation["responses"].items():
            for media in resolve(response).get("content", {}).values() if key[0] in "45" else ():
                words = media["schema"]["allOf"][1]["properties"]["code"]["enum"]
                had |= set(words)
                for word in words:
                    assert any(re.fullmatch(key.replace("X", r"\d"), str(status)) for status, w in pairs if w == word), (key, word)
    assert had == set(SCHEMAS["ErrorCode"]["enum"])


def test_the_states_of_a_job_and_what_may_become_what(a):
    a.create("states")
    told = a.post("/v1/vm/states", {"status": "x"}).json["error"]
    assert SCHEMAS["Status"]["enum"] == re.split(", | or ", told.removeprefix("status must be ")) == list(MAY_BECOME)
    assert re.findall("`([a-z]+)`[,:]", SCHEMAS["Status"]["description"]) == SCHEMAS["Status"]["enum"]
    text = DOCUMENT["paths"]["/v1/{type}/{request_id}"]["post"]["description"]
    life = {old: set(re.findall("`([a-z]+)`", new)) for old, new in re.findall(r"^- `([a-z]+)` to (.*)$", text, re.M)}
    assert life == {old: new for old, new in MAY_BECOME.items() if new}


def test_the_reasons_are_those_of_the_code_and_each_is_explained():
    lines = [line for line in source("common/job.h").splitlines() if line.startswith("#define JOB_REASON_")]
    words = [re.fullmatch(r'#define JOB_REASON_\w+ +"(\w+)"', line)[1] for line in lines]
    assert sorted(SCHEMAS["Reason"]["enum"]) == sorted(words)
    assert re.findall(r"^- `(\w+)`: \S", SCHEMAS["Reason"]["description"], re.M) == SCHEMAS["Reason"]["enum"]


def words_of(key):
    """The words that a key of the configuration takes."""
    printed = subprocess.run([BIN / "anteroom-dispatch", "--config-keys"], capture_output=True, text=True, check=True).stdout
    return next(line.split("\t")[3] for line in printed.splitlines() if line.startswith(key + "\t")).split(" or ")


def test_the_words_of_events_tries_and_queues():
    events = {word for path in ROOT.glob("common/store*.c") for word in re.findall(r'\.event = STR_LIT\("(\w+)"\)', path.read_text())}
    assert set(SCHEMAS["Event"]["properties"]["Event"]["enum"]) == events - {"deleted"}  # a job that is deleted is not shown
    outcome = re.search(r"\n(static const char \*outcome_word\(.*?)\n\}\n", source("common/store_delivery.c"), re.S)[1]
    assert set(SCHEMAS["Delivery"]["properties"]["Outcome"]["enum"]) == set(re.findall('"([a-z]+)"', outcome))
    assert SCHEMAS["SourceKind"]["enum"] == words_of("queues.<type>.capacity")
    assert SCHEMAS["Queue"]["properties"]["Policy"]["properties"]["Fit"]["enum"] == [w for w in words_of("queues.<type>.fit") if w != "auto"]


def test_the_members_of_a_job_are_those_of_the_code_in_their_order():
    table = re.search(r"members\[\] = \{\n(.*?)\n\};", source("common/job.c"), re.S)[1]
    rows = re.findall(r'MEMBER\("(\w+)", (put_\w+),', table)
    assert len(rows) == len(table.splitlines())
    assert list(SCHEMAS["Job"]["properties"]) == [name for name, _ in rows]
    assert SCHEMAS["Job"]["required"] == [name for name, put in rows if not put.endswith("_if_set")]


@pytest.mark.parametrize("schema, mode", [("NewJob", "NEW"), ("JobChange", "CHANGE")])
def test_the_members_of_requests_are_those_of_the_code(schema, mode):
    table = re.search(r"\} table\[\] = \{\n(.*?)\n\};", source("common/job_parse.c"), re.S)[1]
    rows = [(name, modes.split(" | ")) for name, modes in re.findall(r'= \{"(\w+)", "/\w+", ([A-Z| ]+), take_', table)]
    assert len(rows) == table.count("take_")
    assert set(SCHEMAS[schema]["properties"]) == {name for name, modes in rows if mode in modes}
    assert set(SCHEMAS[schema].get("required", [])) == {name for name, modes in rows if mode == "NEW" and "NEEDED" in modes}


@pytest.mark.parametrize("path, name, place", [
    ("common/job.h", "JOB_NAME_MAX", ("schemas", "Name", "maxLength")),
    ("common/job.h", "JOB_CALLBACK_MAX", ("schemas", "NewJob", "properties", "callback", "maxLength")),
    ("common/job.h", "JOB_BATCH_MAX", ("schemas", "NewJobs", "maxItems")),
    ("common/page.h", "PAGE_LIMIT_MAX", ("parameters", "limit", "schema", "maximum")),
    ("common/page.h", "PAGE_LIMIT_MAX", ("parameters", "queues_limit", "schema", "maximum")),
    ("common/demand.h", "DEMAND_INSTANCES_MAX", ("schemas", "DemandVm", "properties", "instances", "maxItems")),
    ("common/demand_traits.c", "TRAITS_MAX", ("schemas", "DemandVm", "properties", "instances", "items", "properties", "traits", "maxItems")),
    ("common/store.h", "STORE_KEY_MAX", ("parameters", "Idempotency-Key", "schema", "maxLength")),
])
def test_the_limits_are_those_of_the_code(path, name, place):
    value = DOCUMENT["components"]
    for word in place:
        value = value[word]
    assert value == int(re.search(rf"\b{name} = (\d+)", source(path))[1])


VM, POD = {"VCPU": 1}, {"requests": {"cpu": 1}}


def with_traits(*traits):
    return {"project": "p", "instances": [{**VM, "traits": list(traits)}]}


def edges():
    """(type, data, taken?) at both sides of each bound of what a job may ask for."""
    for type, name, one, more in (("vm", "instances", VM, {"project": "p"}), ("kube", "pods", POD, {"namespace": "n"}), ("lab", "instances", {"gpu": 1}, {})):
        yield type, more, True
        yield type, {**more, name: []}, False
        yield type, {**more, name: {}}, False
        yield type, {**more, name: [one]}, True
        yield type, {**more, name: [{}] * 10000}, True
        yield type, {**more, name: [{}] * 10001}, False
        for count, taken in ((0, False), (1, True), (10000, True), (10001, False), (1.5, False), ("1", False)):
            yield type, {**more, name: [{**one, "count": count}]}, taken
        if more:
            yield type, {name: [one]}, False
    yield "lab", {"instances": [{"gpu": 1}], "resources": {"gpu": 1}}, False
    yield from (("vm", with_traits(*traits), True) for traits in (
        [], ["A"], ["!A"], ["A", "A"], ["_9"], ["A" * 255], ["!" + "A" * 255], [f"T{i}" for i in range(32)]))
    yield from (("vm", with_traits(*traits), False) for traits in (
        ["lower"], ["A", ""], ["!"], ["!!A"], ["A!"], ["A-B"], ["Ä"], [1], ["A" * 256], ["!" + "A" * 256], [f"T{i}" for i in range(33)], ["A"] * 33))
    yield "vm", {"project": "p", "instances": [{**VM, "traits": "A"}]}, False


def test_what_a_job_may_ask_for_is_what_the_program_takes(a):
    demands = {"vm": "DemandVm", "kube": "DemandKube"}
    for i, (type, data, taken) in enumerate(edges()):
        faults = openapi.schema_errors({"$ref": f"#/components/schemas/{demands.get(type, 'DemandOther')}"}, data)
        answer = a.post(f"/v1/{type}/", a.job(f"edge{i}", type, data=data))
        assert (not faults, answer.status) == (taken, 201 if taken else 422), (type, str(data)[:200], faults[:3], answer)


# In itself ------------------------------------------------------------------------------------------------------------


def test_every_component_is_used_and_every_reference_leads_somewhere():
    used = {node["$ref"] for _, node in nodes(DOCUMENT) if "$ref" in node}
    assert all(resolve({"$ref": r}) is not None for r in used)
    have = {f"#/components/{kind}/{name}" for kind, parts in DOCUMENT["components"].items() if kind != "securitySchemes" for name in parts}
    assert have == used


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does():
    named = [op for _, _, op in operations()] + [item["post"] for item in DOCUMENT["webhooks"].values()]
    assert len({op["operationId"] for op in named}) == len(named)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    assert all(op["summary"] and op["description"] and set(op["tags"]) <= tags for op in named)
    assert {word for op in named for word in op["tags"]} == tags


def test_every_schema_is_one():
    count = 0
    for at, node in nodes(DOCUMENT):
        for schema in ([node["schema"]] if "schema" in node else []) + ([*node.values()] if at == "/components/schemas" else []):
            jsonschema.Draft202012Validator.check_schema(schema)
            count += 1
    assert count > 50


def test_every_object_of_an_answer_names_all_its_members():
    """So that a member which the document does not know is found (openapi.record)."""
    requests = {"Demand", "DemandVm", "DemandKube", "DemandOther"}  # what a job asks for may hold anything
    for at, node in nodes(DOCUMENT["components"]["schemas"]):
        if isinstance(node.get("properties"), dict) and at.split("/")[1] not in requests:
            assert node["additionalProperties"] is False, at
            assert set(node.get("required", [])) <= set(node["properties"]), at


def test_every_example_is_as_its_schema_says():
    count = 0
    for at, node in nodes(DOCUMENT):
        if "examples" in node and "schema" in node:
            for name, example in node["examples"].items():
                assert openapi.schema_errors(node["schema"], example["value"]) == [], f"{at}/{name}"
                count += 1
        elif "example" in node and "schema" in node:
            assert openapi.schema_errors(node["schema"], node["example"]) == [], at
    assert count > 50


def test_it_is_laid_out_for_readers():
    """No line but one with a long text is longer than 130 characters."""
    long = [line for line in openapi.TEXT.splitlines() if len(line) > 130 and not re.search(r': "(\\.|[^"\\]){50,}"', line)]
    assert long == []
    assert json.loads(openapi.TEXT)["openapi"].startswith("3.1.")
