# SPDX-License-Identifier: MIT
"""The console as a page: what the web server says of it, languages, colours, sizes, who cannot see or has no mouse, and hostile
names. The files of the console do not depend on the build of the programs, so what needs a browser runs with the ordinary one only
(the marker `browser`, see the Makefile)."""
import re
from urllib.parse import quote

import pytest

from cloud import lab
from contract import is_refused
from harness import ROOT
from receiver import Reply

WWW = ROOT / "nginx/www"
SCRIPTS = sorted(WWW.glob("console/*.js"))
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
       "frame-ancestors 'none'")
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
VIEWS = ("#/", "#/q/lab", "#/q/lab?status=queued,held,running,failed&owner=y", "#/q/lab?view=capacity", "#/q/lab/j/waits", "#/q/lab/j/runs", "#/q/lab/j/nobody")
LONG = "a-name-that-is-as-long-as-a-name-may-be-" + "x" * 200


@pytest.fixture(scope="module")
def a(shared_anteroom):
    """A queue in which something runs, waits, is held and has failed."""
    a = shared_anteroom(lab({"n1": {"gpu": 4}, "n2": {"gpu": 2}}), dispatcher=True)
    for name, gpu in (("runs", 4), ("waits", 3), ("held", 1), ("fails", 1), (LONG, 8)):
        a.create(name, "lab", data={"instances": [{"gpu": gpu}], "note": "日本 \\ \"quoted\"", "exact": 12345678901234567890}, callback=f"http://127.0.0.1:{a.port}/demo/callback/{name}")
    a.wait_status("runs", "running", "lab")
    a.wait_status("fails", "running", "lab")
    a.post("/v1/lab/fails", {"status": "failed"})
    a.wait_status("held", "running", "lab")
    a.post("/v1/lab/held", {"status": "queued"})
    a.post("/v1/lab/held", {"status": "held"})
    return a


# ---- what the web server says ----

def served():
    return [("/", WWW / "index.html")] + [(f"/console/{p.name}", p) for p in sorted(WWW.glob("console/*"))]


@pytest.mark.parametrize("path, file", served(), ids=lambda x: str(x).rpartition("/")[2] or "index")
def test_each_file_comes_with_its_headers(a, path, file):
    answer = a.get(path)
    assert answer.status == 200 and answer.body == file.read_bytes()
    h = answer.headers
    assert h["Content-Type"] == TYPES[file.suffix[1:]] and h["Content-Security-Policy"] == CSP
    assert (h["X-Content-Type-Options"], h["Referrer-Policy"], h["Cache-Control"]) == ("nosniff", "no-referrer", "no-cache")
    assert re.fullmatch("[0-9a-f]{32}", h["X-Request-Id"]) and len(h.get_all("X-Request-Id")) == 1
    again = a.get(path, headers={"If-None-Match": h["ETag"]})
    assert (again.status, again.body, again.headers["Content-Security-Policy"]) == (304, b"", CSP)
    assert a.head(path).body == b"" and a.head(path).headers["Content-Length"] == str(len(answer.body))
    small = a.get(path, headers={"Accept-Encoding": "gzip"})
    assert small.headers["Content-Encoding"] == "gzip" and len(small.body) < len(answer.body) or len(answer.body) < 1000


def test_all_of_it_is_small(a):
    assert sum(len(a.get(path, headers={"Accept-Encoding": "gzip"}).body) for path, _ in served()) < 50 * 1024


@pytest.mark.parametrize("path", ["/console/nothing.js", "/console/", "/console", "/console/a/b", "/console/%2e%2e/index.html/x", "/index.html", "/www/index.html"])
def test_what_is_not_there_is_404_in_the_envelope(a, path):
    is_refused(a.get(path), "not_found")


def test_other_methods_are_405(a):
    for method in ("POST", "DELETE", "PUT"):
        for path in ("/", "/console/main.js"):
            answer = a.request(method, path, "{}")
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_what_is_no_match_or_may_not_be_read_is_refused_in_the_envelope(a):
    for headers in ({"If-Match": '"x"'}, {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}):
        is_refused(a.get("/console/main.js", headers=headers), "precondition_failed")
    answer = a.get("/", headers={"Range": "bytes=99999999-"})
    assert (answer.status, answer.headers.get_all("Content-Security-Policy")) == (200, [CSP])


def test_nothing_is_inline_and_nothing_comes_from_elsewhere():
    page = (WWW / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page)
    for file in WWW.rglob("*.*"):
        text = file.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?://|//[a-z]+\.[a-z]", text), file
    for file in SCRIPTS:
        text = file.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|createContextualFragment|setAttribute\(\"(style|on)", text), file
        assert text.startswith("// SPDX-License-Identifier: MIT\n") and len(text.splitlines()) < 500


# ---- languages ----

def words(name):
    return dict(re.findall(r'^    "?([\w.]+)"?: "(.*)",$', (WWW / f"console/words_{name}.js").read_text(), re.M))


def test_both_languages_have_the_same_words():
    en, zh = words("en"), words("zh")
    assert len(en) > 150 and list(en) == list(zh)
    for key in en:
        assert set(re.findall(r"\{\w+\}", en[key])) == set(re.findall(r"\{\w+\}", zh[key])), key
        assert zh[key] and (re.search(r"[\u4e00-\u9fff]", zh[key]) or not re.search(r"[A-Za-z]{2}", re.sub(r"\{\w+\}", "", zh[key]))
                            or key in ("language.title", "language.other", "key.language")), key


def test_every_word_that_is_asked_for_is_there_and_no_other():
    text = "\n".join(p.read_text() for p in SCRIPTS if not p.name.startswith("words_")) + (WWW / "index.html").read_text()
    asked = set(re.findall(r'\bt\("([\w.]+)"', text)) | set(re.findall(r'data-(?:word|label)="([\w.]+)"', text)) | set(re.findall(r'"((?:key|help|did|error|token|line|queues)\.[\w.]+)"', text))
    begun = set(re.findall(r"[`]([\w]+\.)(?:\w+\.)?\$\{", text)) | {"unit."}
    en = words("en")
    assert asked <= set(en), asked - set(en)
    idle = {k for k in en if k not in asked and not k.startswith(tuple(begun)) and f'"{k}"' not in text}
    assert not idle, idle


def test_every_reason_and_status_has_its_word():
    header = (ROOT / "common/job.h").read_text()
    for reason in re.findall(r'#define JOB_REASON_\w+\s+"(\w+)"', header):
        assert f"reason.{reason}" in words("en"), reason


@pytest.mark.browser
def test_the_page_has_no_untranslated_text(browser, a):
    browser.expected = (404,)
    allowed = re.compile(r"Anteroom|JSON|HTTP|Enter|Alt\+?|Home|End|Page|Esc|Delete|English|min|owner_id|request_id")
    for view in VIEWS:
        b = browser.open(a, view, language="zh-Hant")
        assert b.js("return document.documentElement.lang") == "zh-Hant"
        b.until(lambda: "讀取中" not in b.text())
        for text in b.texts():
            if text.startswith("title=") and re.fullmatch(r"title=[\w:/. -]+", text):
                continue  # an API word or a time, as it is
            assert not re.search(r"[A-Za-z]{3}", allowed.sub("", re.sub(r"^(aria-label|title|placeholder)=|\b(lab|waits|runs|fails|held|nobody|pack|1h|y)\b|" + LONG, "", text))), (view, text)
    b.press("?")
    b.sees("在隊伍中", "dialog")


@pytest.mark.browser
def test_the_language_is_the_browsers_until_it_is_switched(browser, a):
    agent = browser.js("return navigator.userAgent")
    for languages, title in (("zh-TW,zh,en", "佇列"), ("en-GB,en", "Queues"), ("de-DE,de", "Queues"), ("fr,zh-HK", "佇列")):
        browser.cdp("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=languages)
        b = browser.open(a, "#/", language=None)
        b.until(lambda: b.text("h1") == title)
    b.click("#language")
    b.until(lambda: b.text("h1") == "Queues")
    b.press("l")
    b.until(lambda: b.text("h1") == "佇列")
    b.driver.refresh()
    b.until(lambda: b.text("h1") == "佇列")


# ---- colours and sizes ----

CONTRAST = """
const rgb = (c) => (c.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
const over = (top, under) => top.slice(0, 3).map((v, i) => v * (top[3] ?? 1) + under[i] * (1 - (top[3] ?? 1)));
const light = (c) => c.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
const srgb = (c) => { const x = document.createElement("canvas").getContext("2d"); x.fillStyle = c; x.fillRect(0, 0, 1, 1); const d = x.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
const ground = (e) => { const c = srgb(getComputedStyle(e).backgroundColor); return c[3] >= 1 || !e.parentElement ? (c[3] ? c.slice(0, 3) : [255, 255, 255]) : over(c, ground(e.parentElement)); };
const bad = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement;
    if (!n.data.trim() || !e.checkVisibility({opacityProperty: true}) || e.closest("noscript, .skip")) continue;
    const under = ground(e), ink = over(srgb(getComputedStyle(e).color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} ${n.data.trim().slice(0, 40)} ${e.className}`);
}
return bad;
"""


@pytest.mark.browser
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_all_text_has_contrast_in_both_colours(browser, a, colours):
    browser.expected = (404,)
    for view in VIEWS:
        browser.prefer(colours)
        b = browser.open(a, view)
        dark = sum(map(int, re.findall(r"\d+", b.js("return getComputedStyle(document.body).backgroundColor"))[:3])) < 200
        assert dark == (colours == "dark")
        assert b.js(CONTRAST) == [], view


@pytest.mark.browser
def test_the_colours_are_switched(browser, a):
    b = browser.open(a)
    ground = "return getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).colorScheme"
    light = b.js(ground)
    b.press("t")
    assert b.text("#theme") == "Light" and b.js(ground) == light
    b.press("t")
    assert b.text("#theme") == "Dark" and b.js(ground) != light and "dark" in b.js(ground)
    b.driver.refresh()
    b.until(lambda: "dark" in b.js(ground) and b.text("#theme") == "Dark")


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_on_a_phone_nothing_runs_over_the_edge_and_all_can_be_hit(browser, a, language):
    browser.expected = (404,)
    for view in VIEWS + (f"#/q/lab/j/{LONG}",):
        browser.size(360, 740, mobile=True)
        b = browser.open(a, view, language=language)
        assert b.js("return document.documentElement.scrollWidth") <= 360, view
        wide = b.js("""return [...document.querySelectorAll("main *, header *")].filter((e) => e.checkVisibility() && !e.closest(".statuses, pre, .space .row > div *, #path li *")).filter((e) => { const r = e.getBoundingClientRect();
            return r.width > 0 && (r.right > 361 || r.left < -1) }).map((e) => e.className + e.textContent.slice(0, 30))""")
        assert not wide, (view, wide)
        small = b.js("""return [...document.querySelectorAll("button, input, summary")].filter((e) => e.checkVisibility()).filter((e) => { const r = e.getBoundingClientRect();
            return r.width < 24 || r.height < 24 }).map((e) => e.outerHTML)""")
        assert not small, (view, small)


# ---- who has no mouse, or does not see ----

NAMELESS = """
const name = (e) => e.getAttribute("aria-label") || (e.getAttribute("aria-labelledby") && document.getElementById(e.getAttribute("aria-labelledby"))?.textContent)
    || (e.id && document.querySelector(`label[for="${CSS.escape(e.id)}"]`)?.textContent) || e.textContent || e.title;
return [...document.querySelectorAll("a, button, input, [tabindex], dialog, nav, [role=grid], [role=group], [role=menu]")].filter((e) => e.id !== "main" && e.checkVisibility())
    .filter((e) => !name(e)?.trim()).map((e) => e.outerHTML.slice(0, 200));
"""


@pytest.mark.browser
def test_every_control_has_a_name_and_the_page_an_outline(browser, a):
    browser.expected = (404,)
    for view in VIEWS:
        b = browser.open(a, view)
        assert b.js(NAMELESS) == [], view
        assert b.js("return [...document.querySelectorAll('[id]')].map((e) => e.id).filter((x, i, all) => all.indexOf(x) !== i)") == []
        assert b.js("return document.querySelectorAll('h1').length") == 1, view
        assert b.js("return document.querySelectorAll('main, header').length") == 2
        assert b.js("return [...document.images].every((i) => i.hasAttribute('alt'))")
        levels = b.js("return [...document.querySelectorAll('h1, h2, h3')].filter((e) => e.checkVisibility()).map((e) => Number(e.tagName[1]))")
        assert all(y - x <= 1 for x, y in zip(levels, levels[1:])), (view, levels)
        assert b.js("return [...document.querySelectorAll('[role=row]')].every((r) => r.closest('[role=grid]') && [...r.children].every((c) => c.role === 'gridcell'))")


@pytest.mark.browser
def test_everything_is_reached_by_tab_and_the_focus_is_seen(browser, a):
    b = browser.open(a, "#/q/lab")
    b.js("document.activeElement.blur()")
    b.js("document.querySelector('.skip').focus()")
    path = []
    for _ in range(40):
        path.append(b.js("""const e = document.activeElement, s = getComputedStyle(e), row = e.querySelector?.(".row.active");
            const seen = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 || row && getComputedStyle(row).outlineStyle !== "none";
            return [e.id || e.className || e.textContent, Boolean(seen)]"""))
        b.press("TAB")
        if b.js("return document.activeElement === document.body || document.activeElement.matches('.skip')"):
            break
    names = [name for name, _ in path]
    assert names[0] == "skip" and names[1] == "home"
    wanted = ["language", "theme", "help", "find-owner", "find-id", "line"]
    assert [n for n in names if n in wanted] == wanted, names
    assert [n for n, seen in path if not seen] == [], path
    assert len(names) == b.js("""return [...document.querySelectorAll("a[href], button, input, [tabindex='0']")].filter((e) => e.tabIndex >= 0 && e.checkVisibility()).length"""), names
    b.click("#help")
    b.sees("Keys", "dialog")
    assert b.js("return document.querySelector('dialog').contains(document.activeElement)")
    b.press("ESCAPE")
    b.until(lambda: not b.all("dialog"))
    assert b.js("return document.activeElement.id") == "help"


# ---- strangers' text ----

HOSTILE = ["<img src=x onerror=\"window.pwned=1\">", "\"><script>window.pwned=1</script>", "a/b?c#d&e=f", "%2e%2e", "..%2F..", "...", "%", "{id}", "\u202egnol\u2066", "שלום עולם", "佇列/一", "👩‍👩‍👧", "constructor",
           "__proto__", "${window.pwned=1}", "&lt;b&gt;", "' onmouseover='window.pwned=1"]


def encoded(text):
    """As JavaScript does it."""
    return quote(text, safe="!'()*")


@pytest.mark.browser
def test_names_are_text_whatever_they_hold(browser, anteroom, receiver):
    a = anteroom({"queues": {"*": {"capacity": "static", "pools": {"p": {"hosts": {"<b>h</b>": {"<i>x</i>": 4}}}}}}}, dispatcher=True)
    receiver.script("x", [Reply(status=200, body=b"<script>window.pwned=1</script>\x00\x1b[31m\xff\r\n<img src=x onerror=window.pwned=1>")])
    kind = "<b>t</b>/\u202ex"
    where = f"/v1/{encoded(kind)}/"
    for i, name in enumerate(HOSTILE):
        body = a.job(name, callback=f"http://127.0.0.1:{a.port}/{i}", owner_id=name, data={"instances": [{"<i>x</i>": 9}], name: name, "note": "</pre><script>window.pwned=1</script>"}, not_before="2100-01-01T00:00:00Z" if i % 2 else None)
        assert a.post(where, body).status == 201
    assert a.post(where, a.job("runs", callback=receiver.url("x"), data={"instances": [{"<i>x</i>": 1}]})).status == 201
    a.wait_status("runs", "running", encoded(kind))
    b = browser.open(a, f"#/q/{encoded(kind)}")
    def shown(text):
        return re.sub("[\u202e\u2066]", lambda m: f"\u27e8U+{ord(m[0]):04X}\u27e9", text)
    b.shows(*map(shown, HOSTILE))
    links = b.js("return Object.fromEntries([...document.querySelectorAll('.row .id')].map((e) => [`-${e.textContent}`, e.hash]))")
    for name in HOSTILE:
        assert links[f"-{shown(name)}"] == f"#/q/{encoded(kind)}/j/{encoded(name)}"
        b.go(links[f"-{shown(name)}"])
        b.until(lambda: b.text(".job h1") == shown(name) and b.all(".why"))
        assert shown(name).replace("\\", "\\\\").replace('"', '\\"') in b.text(".data"), name
        assert b.js("return document.title") == f"{shown(name)} · Anteroom"
        b.go(f"#/q/{encoded(kind)}?owner={encoded(name)}")
        b.shows(shown(name))
    b.press("h")
    b.sees("is held", "#toasts")
    b.press("c")
    b.sees("Cancel", "dialog")
    b.press("ESCAPE", "m")
    b.sees("Remove", ".menu")
    b.press("ESCAPE")
    b.go(f"#/q/{encoded(kind)}/j/runs")
    b.click("summary")
    b.sees("<script>window.pwned=1</script>", ".life")
    b.go(f"#/q/{encoded(kind)}?view=capacity")
    b.sees("<b>h</b>", ".hosts")
    b.sees("<i>x</i>", ".hosts")
    for junk in ("#/q/%E0%A4%A/j/%", "#/q/" + "x" * 300, "#/q/a/b/c/d", "#nonsense", "#/q/lab?status=nonsense&owner=%"):
        browser.expected = (400, 404)
        b.go(junk)
        b.until(lambda: b.all("main > *"))
    assert b.js("return window.pwned") is None
    assert b.js("return document.querySelectorAll('main img, main script, main b b, body > img').length") == 0
