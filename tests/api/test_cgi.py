# SPDX-License-Identifier: MIT
"""anteroom.fcgi as a plain CGI program: the same answers, a process a request."""
import json
import threading

from cloud import is_sound, lab, states

CONF = lab({"n": {"gpu": 100}})


def body(a, name):
    return json.dumps(a.job(name, "lab", data={"instances": [{"gpu": 1}]}))


def test_without_any_server_who_comes_first_makes_the_database(anteroom):
    a = anteroom(CONF, start=False)
    a.write_config()
    status, fields, text = a.cgi("GET", "/v1/lab/")
    assert (status, json.loads(text)) == (200, {"data": [], "ok": True})
    status, fields, text = a.cgi("POST", "/v1/lab/", body(a, "j"))
    assert status == 201 and fields["Location"] == "/v1/lab/j" and fields["ETag"] and fields["Content-Type"] == "application/json"
    assert json.loads(text)["data"]["Status"] == "queued"
    a.dispatch()
    status, fields, text = a.cgi("GET", "/v1/lab/j/")
    # No web server is there to be called back.
    assert status == 200 and json.loads(text)["data"]["Status"] == "admitted"


def test_it_answers_as_fastcgi_does(anteroom):
    a = anteroom(CONF)
    assert a.cgi("POST", "/v1/lab/", body(a, "a%2Fb"))[0] == 201
    a.create("b", "lab")
    for path in ("/v1/lab/", "/v1/lab", "/v1/lab/b/", "/v1/lab/a%252Fb", "/v1/lab/?limit=1", "/v1/lab/?status=running", "/v1/lab/none/",
                 "/foo", "/v1/lab/?what=1", "/v1/lab/?limit=x"):
        cgi, web = a.cgi("GET", path), a.get(path)
        assert (cgi[0], cgi[2]) == (web.status, web.body), path
        assert cgi[1].get("ETag") == web.headers["ETag"] and cgi[1]["Content-Type"] == web.headers["Content-Type"]
        assert len(cgi[1]["X-Request-Id"]) == 32


def test_errors_come_in_the_envelope(anteroom):
    a = anteroom(CONF, start=False)
    a.write_config()
    for method, path, data, status, code in [
        ("GET", "/v1/lab/none/", "", 404, "not_found"), ("PUT", "/v1/lab/", "", 405, "method_not_allowed"),
        ("POST", "/v1/lab/", "", 400, "malformed_json"), ("POST", "/v1/lab/", "{", 400, "malformed_json"),
        ("POST", "/v1/lab/", "{}", 422, "invalid"), ("POST", "/v1/lab/none", '{"priority": 1}', 404, "not_found"),
    ]:
        got, fields, text = a.cgi(method, path, data)
        assert (got, json.loads(text)["code"], json.loads(text)["ok"]) == (status, code, False), (method, path, data, text)
        assert fields["Content-Type"] == "application/json"
    assert "GET" in a.cgi("PUT", "/v1/lab/")[1]["Allow"]


def test_changes_heads_and_deletes(anteroom):
    a = anteroom(CONF, start=False)
    a.write_config()
    assert a.cgi("POST", "/v1/lab/", body(a, "j"))[0] == 201
    etag = a.cgi("GET", "/v1/lab/j")[1]["ETag"]
    assert a.cgi("GET", "/v1/lab/j", headers={"If-None-Match": etag})[0] == 304
    assert a.cgi("HEAD", "/v1/lab/j")[::2] == (200, b"")
    assert a.cgi("POST", "/v1/lab/j", '{"priority": 5}', {"If-Match": '"1.99.0"'})[0] == 412
    assert a.cgi("POST", "/v1/lab/j", '{"priority": 5}', {"If-Match": etag})[::2] == (200, b'{"data":{},"ok":true}')
    assert a.cgi("DELETE", "/v1/lab/j")[::2] == (200, b'{"data":{},"ok":true}')
    assert a.cgi("GET", "/v1/lab/j")[0] == 404


def test_a_large_body_and_one_that_is_too_large(anteroom):
    a = anteroom(CONF, start=False)
    a.write_config()
    jobs = json.dumps([a.job(f"j{i}", "lab", data={"note": "x" * 200}) for i in range(1000)])
    assert len(jobs) > 200_000
    status, _, text = a.cgi("POST", "/v1/lab/", jobs)
    assert status == 201 and len(json.loads(text)["data"]) == 1000
    assert len(json.loads(a.cgi("GET", "/v1/lab/")[2])["data"]) == 1000
    status, _, text = a.cgi("POST", "/v1/lab/", b"x" * (1024 * 1024 + 1))
    assert status == 413


def test_beside_a_server_and_a_dispatcher_all_work_on_the_same_queue(anteroom):
    a = anteroom(CONF)
    a.start_dispatcher()
    results = []

    def by_cgi(thread):
        for i in range(5):
            results.append(a.cgi("POST", "/v1/lab/", body(a, f"cgi{thread}-{i}"))[0])

    def by_web(thread):
        client = a.client()
        for i in range(20):
            results.append(client.post("/v1/lab/", body(a, f"web{thread}-{i}")).status)

    threads = [threading.Thread(target=f, args=(i,)) for i in range(3) for f in (by_cgi, by_web)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [201] * 75
    for name in states(a):
        a.wait_status(name, "running", "lab")
    is_sound(a)


def test_a_wrong_configuration_under_cgi_fails_loudly(anteroom):
    a = anteroom("nonsense: 1\n", start=False)
    a.write_config()
    try:
        a.cgi("GET", "/v1/lab/")
    except AssertionError as fault:
        assert "nonsense" in str(fault)
    else:
        raise AssertionError("a wrong configuration was not noticed")
