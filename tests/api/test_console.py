# SPDX-License-Identifier: MIT
"""The console in a real browser: what an operator does with it. The files of the console do not depend on the build of the programs,
so this runs with the ordinary one only (the marker `browser`, see the Makefile)."""
import re

import pytest

from browser import pause_of
from cloud import lab
from contract import order

pytestmark = pytest.mark.browser

WAITING = "/v1/lab/?status=queued,held"


@pytest.fixture
def a(anteroom):
    """Four jobs in a line, and nobody who serves them yet."""
    a = anteroom(lab({"n": {"gpu": 4}}))
    for name in "abcd":
        add(a, name)
    return a


def add(a, name, gpu=1, **members):
    return a.create(name, "lab", data={"instances": [{"gpu": gpu}]}, callback=members.pop("callback", f"http://127.0.0.1:{a.port}/demo/callback/{name.encode().hex()}"), **members)


def test_a_job_appears_moves_and_runs(browser, a):
    b = browser.open(a, "#/q/lab")
    b.shows("a", "b", "c", "d")
    add(a, "e", gpu=2)
    b.shows("a", "b", "c", "d", "e")
    assert "gpu 2" in b.text(".space") and "Waiting for capacity" in b.text(".space")
    b.press("END", ("ALT", "ARROW_UP"))
    b.shows("a", "b", "c", "e", "d")
    assert b.active() == "e"
    b.press(("ALT", "ARROW_UP"))
    b.shows("a", "b", "e", "c", "d")
    b.press(("ALT", "HOME"))
    b.shows("e", "a", "b", "c", "d")
    assert order(a, WAITING) == ["e", "a", "b", "c", "d"] and b.active() == "e"
    a.start_dispatcher()
    b.shows("c", "d")  # e and two more fill the host
    assert "needs" in b.text(".space .row")
    b.go("#/q/lab/j/e")
    b.sees("running", ".job .head")
    b.until(lambda: [x for x in b.text(".life").split("\n") if x.startswith("admitted → running")])
    life = b.text(".life")
    for said in ("Created", "Moved", "queued → admitted", "Call answer 204 accepted", "by dispatcher", f"http://127.0.0.1:{a.port}/demo/callback/65"):
        assert said in life, (said, life)
    assert life.index("Created") < life.index("Moved") < life.index("queued → admitted") < life.index("Call") < life.index("admitted → running")
    assert "n × 1" in b.text(".why") and '"gpu": 2' in b.text(".data")
    b.click(".buttons button", "Finished")
    b.sees("This cannot be undone", "dialog")
    b.click("dialog button", "Finished")
    b.sees("finished", ".job .head")
    b.go("#/q/lab")
    b.shows()
    b.sees("Nobody is here")


def test_a_job_is_dragged_and_put_back(browser, a):
    b = browser.open(a, "#/q/lab")
    b.shows("a", "b", "c", "d")
    b.drag("a", 2 * 46)
    b.shows("b", "c", "a", "d")
    assert order(a, "/v1/lab/") == ["b", "c", "a", "d"]
    b.sees("a was moved", "#toasts")
    b.click("#toasts button", "Undo")
    b.shows("a", "b", "c", "d")
    assert order(a, "/v1/lab/") == ["a", "b", "c", "d"]
    b.drag("d", -3 * 46)
    b.shows("d", "a", "b", "c")
    b.drag("d", 46 * 7)  # beyond the last
    b.sees("d was moved", "#toasts")
    b.shows("a", "b", "c", "d")
    b.drag("b", 46, release=False)
    assert b.js("return !document.querySelector('.mark').hidden")
    b.press("ESCAPE")
    assert b.js("return document.querySelector('.mark').hidden") and order(a, "/v1/lab/") == ["a", "b", "c", "d"]
    b.press("u")
    b.sees("Undone", "#toasts")
    b.shows("d", "a", "b", "c")


def test_hold_resume_cancel_and_remove_by_keyboard(browser, a):
    b = browser.open(a, "#/q/lab")
    b.shows("a", "b", "c", "d")
    b.press("ARROW_DOWN", "h")
    b.sees("b is held", "#toasts")
    b.until(lambda: a.status("b", "lab") == "held" and "held" in b.text(".space .active"))
    b.press("u")
    b.sees("Undone. Its wait counts from now on.", "#toasts")
    b.until(lambda: a.status("b", "lab") == "queued" and "held" not in b.text(".space .active"))
    b.press("h")
    b.until(lambda: a.status("b", "lab") == "held" and "held" in b.text(".space .active"))
    b.press("h")
    b.until(lambda: a.status("b", "lab") == "queued" and "held" not in b.text(".space .active"))
    b.press("c")
    b.sees("Cancel b?", "dialog")
    b.press("ESCAPE")
    b.until(lambda: not b.all("dialog"))
    assert a.status("b", "lab") == "queued"
    b.press("c")
    b.sees("queued", "dialog")
    b.press("ENTER")  # the focus is on the way back
    b.until(lambda: not b.all("dialog"))
    assert a.status("b", "lab") == "queued"
    b.press("c")
    b.click("dialog button", "Cancel the job")
    b.shows("a", "c", "d")
    assert a.status("b", "lab") == "cancelled"
    assert not [e for e in b.all("#toasts .toast:last-child button") if e.text == "Undo"]
    assert b.active() == "c"  # the next one
    b.press("m")
    b.sees("Remove", ".menu")
    b.press("END", "ENTER")
    b.sees("Remove c?", "dialog")
    b.click("dialog button", "Remove the job")
    b.shows("a", "d")
    assert a.get("/v1/lab/c").status == 404
    b.press("ENTER")
    b.sees("Why it waits")
    b.press("ESCAPE")
    b.shows("a", "d")


def test_the_menu_moves_too(browser, a):
    b = browser.open(a, "#/q/lab")
    b.shows("a", "b", "c", "d")
    for name, expected in (("Move to the back", "bcda"), ("Move one up", "bcad"), ("Move to the front", "abcd"), ("Move one down", "bacd")):
        b.click(".row button", "What to do with a")
        b.click(".menu button", name)
        b.shows(*expected)
        assert order(a, "/v1/lab/") == list(expected)


def test_a_queue_is_paused_and_goes_on(browser, a):
    b = browser.open(a, "#/")
    b.sees("lab")
    b.click("button", "Pause lab")
    b.sees("lab is paused", "#toasts")
    b.sees("paused", "tbody")
    assert a.get("/queues/lab").data["Paused"] is True
    b.press("u")
    b.sees("open", "tbody")
    assert a.get("/queues/lab").data["Paused"] is False
    b.go("#/q/lab")
    b.shows("a", "b", "c", "d")
    b.press("p")
    b.sees("Queue paused", ".space")
    b.sees("paused", ".head")
    b.press("p")
    b.sees("lab goes on", "#toasts")


def test_capacity_shows_hosts_and_pools(browser, anteroom):
    a = anteroom(lab({f"host{i:03}": {"gpu": 8, "Memory": 1000} for i in range(130)}), dispatcher=True)
    add(a, "j", gpu=3)
    a.wait_status("j", "running", "lab")
    b = browser.open(a, "#/q/lab?view=capacity")
    b.sees("60 of 130 hosts")
    assert b.text(".pools").count("free") == 2 and f"{130 * 8 - 3:,} free" in b.text(".pools").replace("\n", " ")
    used = a.get("/v1/lab/j").data["Hosts"]
    name = next(iter(used))
    b.type("#find-host", name)
    b.sees("1 of 1 hosts")
    b.sees("held 3", ".hosts")
    assert b.js("return [...document.querySelectorAll('.hosts .bar .held')].map((e) => e.style.width)") == ["0%", "37.5%"]
    a.post("/v1/lab/j", {"status": "finished"})
    b.until(lambda: "held" not in b.text(".hosts"))
    assert b.js("return document.getElementById('find-host').value") == name
    b.js("document.getElementById('find-host').value = ''; document.getElementById('find-host').dispatchEvent(new Event('input'))")
    b.click(".status button", "Show 60 more")
    b.sees("120 of 130 hosts")


def test_the_line_is_searched(browser, a):
    add(a, "e", owner_id="z")
    a.post("/v1/lab/b", {"status": "held"})
    b = browser.open(a, "#/q/lab")
    b.shows("a", "b", "c", "d", "e")
    b.press("o")
    b.type("#find-owner", "z")
    b.press("ENTER")
    b.shows("e")
    b.click("button", "Clear")
    b.shows("a", "b", "c", "d", "e")
    b.click(".toggle.queued")
    b.shows("b")
    b.click(".toggle.held")  # nobody is left to be shown: the whole line again
    b.shows("a", "b", "c", "d", "e")
    b.press("/")
    b.type("#find-id", "d")
    b.press("ENTER")
    b.sees("d", ".job h1")
    browser.expected = (404,)
    b.go("#/q/lab/j/nobody")
    b.sees("not there")


def test_a_held_job_is_called_again_and_a_failed_one_tried_again(browser, anteroom, receiver):
    receiver.script("x", [410, 204])
    a = anteroom(lab({"n": {"gpu": 4}}), dispatcher=True)
    add(a, "x", callback=receiver.url("x"))
    a.wait_status("x", "failed", "lab")
    b = browser.open(a, "#/q/lab/j/x")
    b.sees("answer 410", ".life")
    b.click(".buttons button", "Try again")
    a.wait_status("x", "running", "lab")
    b.sees("answer 204", ".life")
    b.click(".buttons button", "Call again")
    b.click("dialog button", "Call again")
    receiver.wait(3, "x")
    b.sees("Asked to be called again", ".life")
    b.until(lambda: b.text(".life").count("answer 204") == 2)


def test_a_refusal_is_said_as_it_is(browser, a):
    browser.expected = (404, 412)
    b = browser.open(a, "#/q/lab")
    b.shows("a", "b", "c", "d")
    b.press("c")
    b.sees("Cancel a?", "dialog")
    a.post("/v1/lab/a", {"status": "running"})  # meanwhile
    b.click("dialog button", "Cancel the job")
    b.sees("It has changed meanwhile", "#toasts .bad")
    assert a.status("a", "lab") == "running"
    b.shows("b", "c", "d")
    b.js("window.real = window.fetch; window.fetch = (where, o) => o.method === 'GET' && !String(where).match(/v1.lab.[a-d]$/) ? new Promise(() => {}) : window.real(where, o)")  # it sees nothing new
    a.delete("/v1/lab/b")
    assert b.active() == "b"
    b.press("h")
    b.sees("It is not there", "#toasts")
    a.post("/v1/lab/c", {"status": "running"})
    b.press("ARROW_DOWN", "h")
    b.sees("It has changed meanwhile", "#toasts .bad:last-child")
    assert a.status("c", "lab") == "running"
    b.js("window.fetch = window.real")


def test_while_the_service_is_away_it_says_that_what_is_shown_is_old(browser, a):
    browser.expected = (503,)
    b = browser.open(a, "#/q/lab")
    b.shows("a", "b", "c", "d")
    a.fcgi.stop()
    b.sees("What is shown is of", "#old")
    assert "cannot answer just now" in b.text("#old") and "anteroom.fcgi does not answer" in b.text("#old")
    assert b.rows() == ["a", "b", "c", "d"] and b.text("#live") == "Old"
    a.start_fcgi()
    b.js("document.querySelector('#old button').click()")  # it may have tried by itself just now, and hide the button
    b.until(lambda: b.js("return document.getElementById('old').hidden"))
    assert b.text("#live") == "Live"


# ---- the door ----

@pytest.fixture
def locked(anteroom):
    a = anteroom({**lab({"n": {"gpu": 4}}), "auth": "tokens"}, start=False)
    a.write_config()
    a.admin, a.owner = (a.token(name, *role)["Authorization"].partition(" ")[2] for name, role in (("boss", ("admin",)), ("mine", ("owner", "y"))))
    a.start()
    boss = {"Authorization": f"Bearer {a.admin}"}
    for name, owner in (("mine", "y"), ("other", "z"), ("mine2", "y")):
        body = a.job(name, "lab", owner_id=owner, data={"instances": [{"gpu": 1}]}, callback=f"http://127.0.0.1:{a.port}/{name}")
        assert a.post("/v1/lab/", body, headers=boss).status == 201
    return a


def unlock(b, token):
    b.type("#token", token)
    b.press("ENTER")


def test_the_door_asks_for_a_token_and_forgets_it(browser, locked):
    browser.expected = (401,)
    b = browser.open(locked, "#/q/lab", wait=False)
    b.sees("A token, please", "dialog")
    for wrong in ("wrong", "權杖", "a b"):
        unlock(b, wrong)
        b.until(lambda: b.js("return document.getElementById('token')?.value") == "" and "The door is locked" in b.text("dialog"))
    assert locked.admin not in b.driver.page_source
    unlock(b, locked.admin)
    b.shows("mine", "other", "mine2")
    kept = b.js("return [JSON.stringify(localStorage), document.cookie, location.href, sessionStorage.getItem('anteroom.token')]")
    assert locked.admin not in "".join(kept[:3]) and kept[3] == locked.admin
    assert locked.admin not in (locked.dir / "log/access.log").read_text()
    b.press(("ALT", "ARROW_DOWN"))
    b.shows("other", "mine", "mine2")
    b.click("#forget")
    b.sees("A token, please", "dialog")
    assert b.js("return sessionStorage.length") == 0
    b.press("ESCAPE")
    b.sees("The door is locked")
    before = len(b.requests())
    b.click("main button")
    b.sees("A token, please", "dialog")
    assert len(b.requests()) > before


def test_an_owner_sees_and_does_what_is_his(browser, locked):
    browser.expected = (401, 403)
    b = browser.open(locked, "#/q/lab", wait=False)
    unlock(b, locked.owner)
    b.shows("mine", "mine2")
    b.press("END", ("ALT", "HOME"))
    b.sees("This is not yours to do", "#toasts .bad")
    b.shows("mine", "mine2")
    b.press("2")
    b.sees("This is not yours to do")
    b.go("#/")
    b.sees("1 queue, 2 waiting, 0 running")


@pytest.mark.parametrize("language, took", [("en", r"[0-9.]+ ms"), ("zh-Hant", "[0-9.]+ 毫秒")])
def test_an_owner_sees_when_the_last_pass_was_and_not_what_others_got(browser, locked, language, took):
    browser.expected = (401,)
    locked.start_dispatcher()
    b = browser.open(locked, "#/", language=language, wait=False)
    unlock(b, locked.owner)
    for where, css in (("#/", "tbody td.two small"), ("#/q/lab", ".strip small")):
        b.go(where)
        b.until(lambda: [s for s in b.text(css).split("\n") if re.fullmatch(took, s)], what=f"how long the pass took at {where}")
        assert "null" not in b.text(), b.text()


def test_who_asks_too_often_is_told_so_and_waits(browser, anteroom):
    browser.expected = (401, 429)
    a = anteroom({**lab({"n": {"gpu": 4}}), "auth": "tokens", "owner": {"requests": 4}}, start=False)
    a.write_config()
    token = a.token("mine", "owner", "y")["Authorization"].partition(" ")[2]
    a.start()
    b = browser.open(a, "#/q/lab", wait=False)
    unlock(b, token)
    b.sees("Too many requests", "#old")
    wait = int(b.js("return document.getElementById('old').textContent.match(/Next try in (\\d+) s/)[1]"))
    assert wait > 4  # as Retry-After says, not as after a first failure
    before = len(b.requests())
    pause_of(3)  # a first failure is followed by a try after 2 s
    assert len(b.requests()) == before
