# SPDX-License-Identifier: MIT
"""ETag on a job and on a list; If-None-Match answers 304, If-Match refuses what has changed meanwhile."""
import re

import pytest

from contract import is_done, is_ok, is_refused, nothing_changes

TAG = re.compile(r'"[!#-~]+"')


@pytest.fixture(scope="module")
def a(shared_anteroom):
    return shared_anteroom()


@pytest.fixture
def job(a):
    """A job's path; it is deleted afterwards, whatever became of it."""
    a.create("job", "etag")
    yield "/v1/etag/job"
    a.delete("/v1/etag/job")


def tag(a, path):
    answer = a.get(path)
    is_ok(answer)
    assert TAG.fullmatch(answer.headers["ETag"]), answer.headers["ETag"]
    return answer.headers["ETag"]


def is_not_modified(answer, etag):
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag), answer
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/v1/etag/job", "/v1/etag/", "/v1/etag/?limit=1", "/v1/etag/?status=queued&owner_id=y"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', '{}, "x"', '"a,b",{}', "*", ' "x" ,W/{} '])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_knows_already_is_304(a, job, path, form, method):
    etag = tag(a, path)
    is_not_modified(a.request(method, path, headers={"If-None-Match": form.format(etag)}), etag)


@pytest.mark.parametrize("path", ["/v1/etag/job", "/v1/etag/"])
@pytest.mark.parametrize("known", ['"x"', 'W/"x"', "x", "", '"', "**", '"1.1.0', "1.1.0"])
def test_what_the_client_does_not_know_is_200(a, job, path, known):
    answer = a.get(path, headers={"If-None-Match": known})
    assert is_ok(answer) and answer.headers["ETag"] == tag(a, path)


def test_a_tag_without_its_quotes_is_none(a, job):
    is_ok(a.get(job, headers={"If-None-Match": tag(a, job).strip('"')}))


@pytest.mark.parametrize("body", [{"priority": 1}, {"move": "back"}, {"status": "held"}, {"callback": "x"}, {"data": {}}, {"not_before": "2040-01-01T00:00:00Z"}],
                         ids=lambda body: next(iter(body)))
def test_every_change_makes_new_tags_for_the_job_and_for_its_lists(a, job, body):
    a.post("/v1/etag/", a.job("neighbour", "etag"))
    paths = [job, "/v1/etag/", "/v1/etag/?limit=1"]
    old = [tag(a, path) for path in paths]
    neighbour = tag(a, "/v1/etag/neighbour")
    is_done(a.post(job, body))
    for path, etag in zip(paths, old):
        assert tag(a, path) != etag
        assert a.get(path, headers={"If-None-Match": etag}).status == 200
    assert tag(a, "/v1/etag/neighbour") == neighbour


def test_a_list_has_a_new_tag_when_jobs_come_and_go_and_never_an_old_one_again(a):
    seen = [tag(a, "/v1/comes/")]
    for i in range(3):
        a.create("x", "comes")
        seen.append(tag(a, "/v1/comes/"))
        is_done(a.delete("/v1/comes/x"))
        seen.append(tag(a, "/v1/comes/"))
    assert len(set(seen)) == len(seen)


def test_different_lists_of_a_queue_have_different_tags(a, job):
    paths = ["/v1/etag/", "/v1/etag/?limit=1", "/v1/etag/?limit=2", "/v1/etag/?status=queued", "/v1/etag/?status=held", "/v1/etag/?owner_id=y", "/v1/etag/?owner_id=", "/v1/etag/?owner_id=x"]
    assert len({tag(a, path) for path in paths}) == len(paths)
    assert tag(a, "/v1/etag/") == tag(a, "/v1/etag")


def test_what_the_dispatcher_finds_out_changes_the_tags(anteroom):
    a = anteroom()
    a.create("big", data={"project": "project id", "instances": [{"VCPU": 65}]})
    a.create("small")
    old = {path: tag(a, path) for path in ("/v1/vm/", "/v1/vm/big", "/v1/vm/small")}
    shown = {path: a.get(path).data for path in old}
    a.dispatch()
    for path, etag in old.items():
        assert a.get(path).data != shown[path]
        assert tag(a, path) != etag


def test_reading_makes_no_new_tags(a, job):
    old = tag(a, job), tag(a, "/v1/etag/")
    a.get(job), a.get("/v1/etag/"), a.head(job)
    assert (tag(a, job), tag(a, "/v1/etag/")) == old


# If-Match -------------------------------------------------------------------------------------------------------------

CHANGES = [("POST", {"priority": 5}), ("DELETE", None)]


@pytest.mark.parametrize("method, body", CHANGES)
@pytest.mark.parametrize("form", ["{}", '"x", {}', '{}, "x"', "*", " {} "])
def test_a_change_of_the_version_that_the_client_knows_is_made(a, job, method, body, form):
    is_done(a.request(method, job, body, headers={"If-Match": form.format(tag(a, job))}))


@pytest.mark.parametrize("method, body", CHANGES)
def test_a_change_of_a_version_that_is_past_is_refused(a, job, method, body):
    old = tag(a, job)
    is_done(a.post(job, {"priority": 4}))
    with nothing_changes(a, "/v1/etag/"):
        is_refused(a.request(method, job, body, headers={"If-Match": old}), "precondition_failed")
    is_done(a.request(method, job, body, headers={"If-Match": f"{old}, {tag(a, job)}"}))


@pytest.mark.parametrize("method, body", CHANGES)
@pytest.mark.parametrize("match", ['"x"', "x", "", "W/{}", "{bare}", '"1.1"', '"9.9.9"', '"-1.1.0"', '"99999999999999999999.1.0"', '"1.1.0'])
def test_a_change_with_a_tag_that_is_not_the_jobs_is_refused(a, job, method, body, match):
    etag = tag(a, job)
    with nothing_changes(a, "/v1/etag/"):
        is_refused(a.request(method, job, body, headers={"If-Match": match.format(etag, bare=etag.strip('"'))}), "precondition_failed")


def test_too_many_tags_are_refused(a, job):
    with nothing_changes(a, "/v1/etag/"):
        is_refused(a.post(job, {"priority": 5}, headers={"If-Match": ", ".join(f'"{i}.1.0"' for i in range(1, 18))}), "bad_request")


@pytest.mark.parametrize("method, body", CHANGES)
def test_if_match_on_a_job_that_is_not_there_is_404(a, job, method, body):
    is_refused(a.request(method, "/v1/etag/nobody", body, headers={"If-Match": "*"}), "not_found")


@pytest.mark.parametrize("path", ["/v1/etag/job", "/v1/etag/"])
def test_if_match_on_a_read_is_412_when_it_has_changed(a, job, path):
    etag = tag(a, path)
    is_ok(a.get(path, headers={"If-Match": etag}))
    is_done(a.post(job, {"priority": 3}))
    is_refused(a.get(path, headers={"If-Match": etag}), "precondition_failed")


def test_if_match_on_a_create_is_about_the_list(a):
    a.create("1", "guarded")
    etag = tag(a, "/v1/guarded/")
    is_ok(a.post("/v1/guarded/", a.job("2", "guarded"), headers={"If-Match": etag}), 201)
    with nothing_changes(a, "/v1/guarded/"):
        is_refused(a.post("/v1/guarded/", a.job("3", "guarded"), headers={"If-Match": etag}), "precondition_failed")


@pytest.mark.parametrize("method, path, body", [("POST", "/v1/etag/", {"x": 1}), ("POST", "/v1/etag/job", {"priority": 5}), ("DELETE", "/v1/etag/job", None)])
def test_if_none_match_on_a_change_is_refused_and_not_passed_over(a, job, method, path, body):
    with nothing_changes(a, "/v1/etag/"):
        is_refused(a.request(method, path, body, headers={"If-None-Match": "*"}), "bad_request")


def test_of_two_who_know_the_same_version_only_one_changes_it(a, job):
    etag = tag(a, job)
    is_done(a.post(job, {"priority": 1}, headers={"If-Match": etag}))
    is_refused(a.post(job, {"priority": 2}, headers={"If-Match": etag}), "precondition_failed")
    assert is_ok(a.get(job))["Priority"] == 1
