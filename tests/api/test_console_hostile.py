# SPDX-License-Identifier: MIT
"""The console among strangers: what they ask for, how many queues they make, and what they do while somebody has a hand on the line.
The files of the console do not depend on the build of the programs, so this runs with the ordinary one only (the marker `browser`, see
the Makefile)."""
import pytest
from selenium.webdriver.common.action_chains import ActionChains

from browser import pause_of
from cloud import lab
from contract import order

pytestmark = pytest.mark.browser

ODD = [{"pods": [None]}, {"pods": [5, "x", []]}, {"pods": "x"}, {"pods": [{"requests": None}, {"count": 2}]}, {"pods": {}}]


@pytest.fixture
def four(anteroom):
    """Four jobs in a line, and nobody who serves them."""
    a = anteroom(lab({"n": {"gpu": 4}}))
    for name in "abcd":
        a.create(name, "lab", data={"instances": [{"gpu": 1}]})
    return a


def test_what_a_job_asks_for_may_be_any_json(browser, anteroom):
    a = anteroom({"queues": {"*": {"capacity": "none", "callback_base": "http://127.0.0.1/"}}})
    for i, data in enumerate(ODD):
        a.create(f"odd-{i}", "any", data=data)
    b = browser.open(a, "#/q/any")
    b.shows(*[f"odd-{i}" for i in range(len(ODD))])


def test_names_that_look_the_same_do_not_look_the_same(browser, anteroom):
    a = anteroom({"queues": {"*": {"capacity": "none", "callback_base": "http://127.0.0.1/"}}})
    names = ["job"] + [f"job{chr(c)}" for c in (0xad, 0x61c, 0x200e, 0x200f, 0x206a, 0x3164, 0xe0041)]
    for name in names:
        a.create(name, "any", data={})
    b = browser.open(a, "#/q/any")
    b.shows("job", *[f"job\u27e8U+{ord(name[3]):04X}\u27e9" for name in names[1:]])


def test_the_menu_moves_by_where_the_job_is_by_then(browser, four):
    b = browser.open(four, "#/q/lab")
    b.shows("a", "b", "c", "d")
    b.click(".row button", "What to do with c")
    b.sees("Move one up", ".menu")
    four.post("/v1/lab/d", {"move": "front"})
    b.shows("d", "a", "b", "c")
    b.click(".menu button", "Move one up")
    b.shows("d", "a", "c", "b")
    assert order(four, "/v1/lab/") == ["d", "a", "c", "b"]


# The next question for the list waits until window.let() is called.
KEEP_BACK = """
const fetched = window.fetch;
window.kept = false;
window.fetch = async (url, how) => {
    if (!window.kept && String(url).includes("/v1/")) {
        window.kept = true;
        window.fetch = fetched;
        await new Promise((go) => (window.let = go));
    }
    return fetched(url, how);
};
"""


def test_a_job_is_dropped_between_those_that_are_seen_there(browser, four):
    b = browser.open(four, "#/q/lab")
    b.shows("a", "b", "c", "d")
    b.js(KEEP_BACK)
    b.until(lambda: b.js("return window.kept"), what="a question that is under way")
    four.post("/v1/lab/d", {"move": "front"})
    b.drag("a", 2 * 46, release=False)
    asked = len(b.requests())
    b.js("window.let()")
    b.more_requests(1, asked)
    pause_of(0.5)  # what came is taken up
    assert b.rows() == ["a", "b", "c", "d"]
    ActionChains(b.driver).release().perform()
    b.shows("a", "d", "b", "c")
    assert order(four, "/v1/lab/") == ["a", "d", "b", "c"]


def test_where_nothing_has_been_read_nobody_is_dropped(browser, anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}))
    body = [a.job(f"job-{i:03}", data={"instances": [{"gpu": 1}]}) for i in range(300)]
    assert a.post("/v1/lab/", body).status == 201
    b = browser.open(a, "#/q/lab")
    b.until(lambda: b.rows()[:1] == ["job-000"])
    b.drag("job-000", 46, release=False)
    b.js("document.querySelector('.line').scrollTop = 200 * 46")
    b.until(lambda: b.rows() and set(b.rows()) == {None}, what="rows that are not read")
    ActionChains(b.driver).move_by_offset(0, 10).release().perform()
    b.sees("Not moved", "#toasts")
    assert order(a, "/v1/lab/?limit=1") == ["job-000"]


def test_a_queue_is_seen_however_many_others_somebody_makes(browser, anteroom):
    a = anteroom({"queues": {**lab({"n": {"gpu": 4}})["queues"], "*": {"capacity": "none", "callback_base": "http://127.0.0.1/"}}})
    client = a.client()
    for i in range(1001):
        assert client.post(f"/v1/a{i:04}/", a.job("x", callback=f"c{i}")).status == 201
    b = browser.open(a, "#/")
    b.sees("1,002 queues, 1,001 waiting", ".sum")
    assert b.all("a[href='#/q/lab']")
    b.fail_once("queues/?after=")  # of the second page, when the first one has been taken in
    assert client.post("/v1/a0000/", a.job("y", callback="y")).status == 201
    b.sees("does not answer", "#old")
    b.sees("1,002 queues, 1,002 waiting", ".sum")


def test_what_others_hold_of_a_queue_that_is_shared_is_seen(browser, anteroom):
    a = anteroom({"queues": {"*": {"capacity": "static", "callback_base": "http://127.0.0.1:@PORT@/demo/callback/", "pools": {"p": {"hosts": {"n": {"gpu": 4}}}}}}}, dispatcher=True)
    b = browser.open(a, "#/q/one?view=capacity")
    b.sees("4 free", ".pools")
    a.create("other", "two", data={"instances": [{"gpu": 3}]}, callback=f"http://127.0.0.1:{a.port}/demo/callback/other")
    a.wait_status("other", "running", "two")
    b.sees("1 free", ".pools")
    a.dispatcher.stop()  # no pass tells of it
    a.post("/v1/two/other", {"status": "finished"})
    b.sees("4 free", ".pools")


def test_what_others_did_meanwhile_is_not_undone(browser, anteroom):
    browser.expected = (412,)
    a = anteroom(lab({"n": {"gpu": 4}}))
    a.create("a", "lab", data={"instances": [{"gpu": 1}]}, callback=f"http://127.0.0.1:{a.port}/demo/callback/a")
    b = browser.open(a, "#/q/lab")
    b.shows("a")
    b.press("HOME", "h")
    b.sees("a is held", "#toasts")
    a.post("/v1/lab/a", {"status": "queued"})
    a.start_dispatcher()
    a.wait_status("a", "running", "lab")
    b.press("u")
    b.until(lambda: b.all("#toasts .bad"), what="a refusal")
    assert a.status("a", "lab") == "running"


def test_who_runs_by_now_is_not_resumed(browser, anteroom):
    a = anteroom(lab({"n": {"gpu": 4}}))
    a.create("a", "lab", data={"instances": [{"gpu": 1}]}, callback=f"http://127.0.0.1:{a.port}/demo/callback/a")
    a.post("/v1/lab/a", {"status": "held"})
    b = browser.open(a, "#/q/lab")
    b.shows("a")
    b.js(KEEP_BACK.replace('"/v1/"', '"limit="'))
    b.until(lambda: b.js("return window.kept"), what="a question that is under way")
    a.post("/v1/lab/a", {"status": "queued"})
    a.start_dispatcher()
    a.wait_status("a", "running", "lab")
    b.press("HOME", "h")
    b.until(lambda: b.all("#toasts .toast"), what="what became of it")
    assert b.all("#toasts .bad") and a.status("a", "lab") == "running"
