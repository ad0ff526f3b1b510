# SPDX-License-Identifier: MIT
"""What a console that is open costs, counted in the web server's log, and what a line of 100,000 jobs costs the browser. The files of
the console do not depend on the build of the programs, so this runs with the ordinary one only (the marker `browser`, see the
Makefile)."""
import json
import math
import re

import pytest

from browser import pause_of
from cloud import lab
from contract import is_ok, order

pytestmark = pytest.mark.browser

JOBS, ARRAY = 100_000, 1000
HIDE = "const hidden = arguments[0]; Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden }); document.dispatchEvent(new Event('visibilitychange'));"


def ask(b, paths):
    """One round of requests now, in place of the next one in two seconds: what was asked."""
    before = len(b.requests())
    b.press("r")
    return b.more_requests(paths, before)


@pytest.mark.parametrize("where, paths", [("#/", 1), ("#/q/lab", 2), ("#/q/lab?view=capacity", 2), ("#/q/lab/j/waits", 2), ("#/q/lab/j/runs", 3)],
                         ids=["queues", "line", "capacity", "job-that-waits", "job-that-runs"])
def test_while_nothing_happens_all_answers_are_304_and_empty(browser, anteroom, where, paths):
    a = anteroom(lab({"n": {"gpu": 4}}), dispatcher=True)
    for name, gpu in (("runs", 4), ("waits", 3)):
        a.create(name, "lab", data={"instances": [{"gpu": gpu}]}, callback=f"http://127.0.0.1:{a.port}/demo/callback/{name}")
    a.wait_status("runs", "running", "lab")
    b = browser.open(a, where)
    b.until(lambda: {status for _, _, status, _ in ask(b, paths)} == {304}, what="a round of 304s")
    idle = ask(b, paths) + ask(b, paths)
    assert {(method, status, size) for method, _, status, size in idle} == {("GET", 304, 0)}, idle
    assert len({path for _, path, _, _ in idle}) == paths, idle


def test_a_hidden_tab_asks_nothing_and_one_that_is_shown_again_at_once(browser, anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}))
    b = browser.open(a, "#/q/lab")
    b.sees("Nobody is here")
    b.js(HIDE, True)
    before = -1
    while before != len(b.requests()):  # what was under way
        before = len(b.requests())
        pause_of(2)
    a.create("late", "lab", data={})
    pause_of(5)  # more than twice the time between two rounds
    assert [path for method, path, _, _ in b.requests()[before:] if method == "GET"] == []
    b.js(HIDE, False)
    b.shows("late")


def test_it_asks_ever_more_seldom_while_nobody_answers(browser, anteroom):
    browser.expected = (503,)
    a = anteroom(lab({"n": {"gpu": 4}}))
    b = browser.open(a, "#/")
    b.sees("lab")
    a.fcgi.stop()
    waits, requests = [0], []

    def longer():
        said = re.search(r"Next try in (\d+) s", b.text("#old"))
        return said and int(said[1]) > waits[-1] and int(said[1])

    while True:
        waits.append(b.until(longer, what=f"a longer wait than {waits}"))
        requests.append(len(b.requests()))
        if len(requests) == 3:
            break
        b.click("#old button")  # without waiting for it
    doubled = math.log2(waits[-1] / waits[1])
    assert doubled == int(doubled) and requests[-1] - requests[0] <= 2 * doubled, (waits, requests)
    a.start_fcgi()
    b.press("r")
    b.until(lambda: b.text("#live") == "Live")


def test_one_question_that_fails_leaves_nothing_old_on_a_page_that_is_live(browser, anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}))
    for name in "ab":
        a.create(name, "lab", data={"instances": [{"gpu": 1}]})
    b = browser.open(a, "#/q/lab/j/b")
    place = lambda: b.text(".why .facts").split("\n")[1:2]
    b.until(lambda: place() == ["2"])
    b.js("performance.now = () => 0")  # it does not ask again only because half a minute has gone by
    for missed, change, seen in (("/events", lambda: a.post("/v1/lab/b", {"move": "front"}), lambda: "Moved" in b.text(".life")),
                                 ("/wait", lambda: a.post("/v1/lab/a", {"move": "front"}), lambda: place() == ["2"]),
                                 ("/deliveries", lambda: a.post("/v1/lab/b", {"status": "held"}), lambda: "queued → held" in b.text(".life"))):
        b.fail_once(missed)
        assert change().status == 200
        b.sees("does not answer", "#old")
        b.press("r")
        b.until(lambda: b.text("#live") == "Live")
        b.until(seen, what=f"what was missed with {missed}")


@pytest.mark.parametrize("where, fewer", [("#/q/lab", "150 jobs"), ("#/q/lab?owner=y", "100 jobs or more")], ids=["all", "of-an-owner"])
def test_the_number_of_jobs_goes_down_though_the_end_had_been_seen(browser, anteroom, where, fewer):
    a = anteroom(lab({"n": {"gpu": 4}}))
    is_ok(a.post("/v1/lab/", [a.job(f"job-{i:03}", data={"instances": [{"gpu": 1}]}) for i in range(400)]), 201)
    b = browser.open(a, where)
    b.until(lambda: b.rows()[:1] == ["job-000"])
    b.press("END")
    b.until(lambda: b.active() == "job-399")
    b.press("HOME")
    b.until(lambda: b.active() == "job-000")
    b.sees("400 jobs", ".status")
    client = a.client()
    for i in range(250):
        assert client.delete(f"/v1/lab/job-{i:03}").status == 200
    b.until(lambda: b.rows()[:1] == ["job-250"])
    b.until(lambda: b.text(".status") == fewer, what=fewer)
    b.press("END")
    b.until(lambda: b.active() == "job-399" and b.text(".status") == "150 jobs", what="the end")
    assert b.text(".space .active .n") == "150"


@pytest.fixture(scope="module")
def long_line(shared_anteroom):
    a = shared_anteroom(lab({"n": {"gpu": 4}}))
    client = a.client()
    for start in range(0, JOBS, ARRAY):
        body = [{"request_id": f"job-{i:06}", "owner_id": f"owner-{i % 50}", "callback": f"c{i}", "data": {"instances": [{"gpu": 1 + i % 4}]}} for i in range(start, start + ARRAY)]
        is_ok(client.post("/v1/lab/", json.dumps(body)), 201)
    return a


NODES_MAX = 900
HEAP_MAX = 40 << 20


def cost(b):
    """Elements of the page, bytes of its heap."""
    b.cdp("HeapProfiler.collectGarbage")
    return b.js("return [document.querySelectorAll('*').length, performance.memory.usedJSHeapSize]")


def small(b):
    nodes, heap = cost(b)
    assert nodes < NODES_MAX and heap < HEAP_MAX, (nodes, heap)


def test_a_hundred_thousand_jobs_are_jumped_and_scrolled_through(browser, long_line):
    a = long_line
    b = browser.open(a, "#/q/lab")
    b.sees("100,000 jobs")
    b.until(lambda: b.rows()[:2] == ["job-000000", "job-000001"])
    small(b)
    start = len(b.requests())
    b.press("END")
    b.until(lambda: b.active() == "job-099999" and b.rows()[-1] == "job-099999", what="the last job")
    walked = [path for _, path, _, _ in b.requests()[start:] if "/v1/lab/" in path]
    assert len(walked) < JOBS / 2000 + 20, len(walked)
    small(b)
    assert b.text(".space .active .n") == "100,000"
    for part in (0.5, 0.25, 0.75, 0.1, 0.9, 0.333):  # back and forth: the way is known by now
        before = len(b.requests())
        b.js("const l = document.querySelector('.line'); l.scrollTop = arguments[0] * (l.scrollHeight - l.clientHeight)", part)
        def first():
            """The first row's number, once all rows are there."""
            rows = b.rows()
            return None not in rows and rows and int(rows[0][4:])
        b.until(lambda: first() and abs(first() - part * JOBS) < 200, what=f"the jobs at {part}")
        rows, first = b.rows(), first()
        assert rows == [f"job-{i:06}" for i in range(first, first + len(rows))] and 10 < len(rows) < 60
        assert len([1 for _, path, _, _ in b.requests()[before:] if "/v1/lab/" in path]) < 30
        small(b)
    for _ in range(60):  # quickly, without waiting for what it shows
        b.js("document.querySelector('.line').scrollTop += 30000")
    b.until(lambda: None not in b.rows())
    small(b)
    b.press("HOME")
    b.until(lambda: b.active() == "job-000000")


def test_the_last_of_a_hundred_thousand_is_moved_to_the_front(browser, long_line):
    a = long_line
    b = browser.open(a, "#/q/lab?owner=owner-7")
    b.until(lambda: b.rows()[:1] == ["job-000007"])
    b.press("END")
    b.until(lambda: b.active() == "job-099957")
    assert b.text(".space .active .n") == "2,000"
    b.press(("ALT", "HOME"))
    b.until(lambda: order(a, "/v1/lab/?limit=1") == ["job-099957"])
    b.sees("job-099957 was moved", "#toasts")  # before, the page has no answer yet, and nothing to undo
    b.press("u")
    b.sees("Undone", "#toasts")
    assert order(a, "/v1/lab/?limit=1") == ["job-000000"]
    b.go("#/q/lab")
    b.sees("100,000 jobs")
    b.press("END")
    b.until(lambda: b.active() == "job-099999")
    before = len(b.requests())
    assert a.post("/v1/lab/job-000003", {"move": "back"}).status == 200
    b.until(lambda: b.all(".space .row .n.about"), what="numbers that are only about right")
    b.until(lambda: b.rows()[-1] == "job-000003" or b.press("END"))
    assert len([1 for _, path, _, _ in b.requests()[before:] if "/v1/lab/" in path]) < 120
    small(b)


FIVE_MILLION = """
const { Line } = await import(new URL("console/line.js", document.baseURI));
const pages = { length: 5e6, counted: true, exact: () => true, find: () => -1,
    at: (i) => ({ RequestID: `job-${i}`, OwnerID: "y", Data: "{}", Status: "queued", CreatedAt: "2026-01-01T00:00:00Z" }) };
const nothing = () => null;
const line = new Line(pages, "five million", () => false, { open: nothing, link: () => "#", menu: nothing, key: nothing, drop: nothing, sight: nothing, lost: nothing });
document.querySelector("main").replaceChildren(line.element);
line.element.style.height = "500px";
line.element.id = "five-million";
line.element.focus();
line.paint();
return "there";
"""


def test_a_line_that_is_taller_than_browsers_can_is_scaled(browser, anteroom):
    b = browser.open(anteroom(), "#/")
    b.js(HIDE, True)  # nothing else paints
    assert b.wait_js(FIVE_MILLION) == "there"
    b.until(lambda: b.rows()[0] == "job-0")
    b.press("END")
    b.until(lambda: b.active() == "job-4999999" and b.rows()[-1] == "job-4999999")
    b.press("ARROW_UP", "PAGE_UP")
    b.until(lambda: 4_999_900 < int(b.active()[4:]) < 4_999_998 and b.active() in b.rows())
    b.js("const l = document.getElementById('five-million'); l.scrollTop = (l.scrollHeight - l.clientHeight) / 2")
    b.until(lambda: abs(int(b.rows()[0][4:]) - 2_500_000) < 1000)
    rows = [int(x[4:]) for x in b.rows()]
    assert rows == list(range(rows[0], rows[0] + len(rows))) and len(rows) < 60
    seen = b.js("return [...document.querySelectorAll('.space .row')].map((r) => r.getBoundingClientRect()).filter((r) => r.bottom > 0 && r.top < innerHeight).length")
    assert seen > 9
    b.press("HOME")
    b.until(lambda: b.active() == "job-0" and b.rows()[0] == "job-0")
