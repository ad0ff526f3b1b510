# SPDX-License-Identifier: MIT
"""A real browser, headless Chromium, as a person uses it: an address, keys, the mouse, and what is to be seen."""
import os
import shutil
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import wait_until

OPTIONS = ["--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
           "--disable-sync", "--disable-dev-shm-usage", "--window-size=1280,800"]

# The texts to be seen, each with its element: whatever is not marked as the API's own.
TEXTS = """
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement;
    if (!n.data.trim() || e.closest("[translate=no], noscript, [lang]:not(html)") || !e.checkVisibility()) continue;
    found.push(n.data.trim());
}
for (const e of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    if (!e.checkVisibility() || e.closest("[translate=no], [lang]:not(html)")) continue;
    for (const name of ["aria-label", "title", "placeholder"]) if (e.hasAttribute(name)) found.push(`${name}=${e.getAttribute(name)}`);
}
return found;
"""

# After the next answer with news, one question for what has this in its address fails, before the web server has it.
FAIL_ONCE = """
const fetched = window.fetch;
let news = false;
window.fetch = async (url, how) => {
    if (!news || !String(url).includes(arguments[0])) {
        const answer = await fetched(url, how);
        news ||= answer.status === 200;
        return answer;
    }
    window.fetch = fetched;
    throw new TypeError("the network is away");
};
"""


class Browser:
    def __init__(self, profile):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for option in OPTIONS + [f"--user-data-dir={profile}"] + (["--no-sandbox"] if os.getuid() == 0 else []):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.a = None
        self.expected = ()

    def close(self):
        self.driver.quit()

    # Where it looks ---------------------------------------------------------------------------------------------------

    def open(self, a, where="#/", language="en", theme=None, wait=True):
        """A page that is loaded anew, as if nobody had been here before."""
        self.a = a
        self.driver.get("about:blank")
        kept = {"anteroom.language": language, "anteroom.theme": theme}
        first = "localStorage.clear(); sessionStorage.clear();" + "".join(f"localStorage.setItem({k!r}, {v!r});" for k, v in kept.items() if v)
        script = self.cdp("Page.addScriptToEvaluateOnNewDocument", source=first)["identifier"]
        self.driver.get(f"http://127.0.0.1:{a.port}/{where}")
        self.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        if wait:
            self.until(lambda: self.all("#live.live") and self.all("h1"), what="a page that is live and has its heading")
        return self

    def go(self, where):
        """Another address within the page."""
        self.js("location.hash = arguments[0]", where)

    def size(self, width, height, mobile=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def prefer(self, colours):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])

    def reset(self):
        """For the next test; fails when the page has complained."""
        log = [entry for entry in self.driver.get_log("browser") if not (entry["source"] == "network" and any(f" {n} " in entry["message"] for n in self.expected))]
        self.expected = ()
        self.cdp("Emulation.clearDeviceMetricsOverride")
        self.cdp("Emulation.setEmulatedMedia", features=[])
        self.cdp("Network.setUserAgentOverride", userAgent="")
        self.driver.get("about:blank")
        assert not log, log

    def cdp(self, command, **values):
        return self.driver.execute_cdp_cmd(command, values)

    # What is there ----------------------------------------------------------------------------------------------------

    def js(self, script, *values):
        return self.driver.execute_script(script, *values)

    def fail_once(self, part):
        self.js(FAIL_ONCE, part)

    def wait_js(self, script, *values):
        """A script that is async, and what it resolves to."""
        return self.driver.execute_async_script(f"const done = arguments[arguments.length - 1]; (async (...a) => {{ {script} }})(...arguments).then(done, (e) => done(`${{e}}`));",
                                                *values)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return self.until(lambda: self.all(css), what=f"an element {css}")[0]

    def text(self, css="main"):
        """The text of what is to be seen there, or "" when there is no such thing (any more)."""
        return self.js("return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText).join('\\n')", css)

    def until(self, predicate, what="it"):
        def ask():
            try:
                return predicate()
            except StaleElementReferenceException:
                return None
        return wait_until(ask, timeout=30, what=what)

    def sees(self, text, css="main"):
        try:
            self.until(lambda: text in self.text(css))
        except AssertionError:
            raise AssertionError(f"{text!r} is not in {css}: {self.text(css)!r}; {self.text('#toasts')!r}") from None

    def rows(self):
        """The request_ids of the line, from top to bottom, as far as they are on the screen."""
        return self.js("""return [...document.querySelectorAll(".space .row")].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
            .map((r) => r.querySelector(".id")?.textContent ?? null)""")

    def shows(self, *ids):
        self.until(lambda: self.rows() == list(ids), what=f"the line {ids}")

    def active(self):
        return self.js("return document.getElementById(document.querySelector('.line').getAttribute('aria-activedescendant'))?.querySelector('.id')?.textContent")

    def texts(self):
        return self.js(TEXTS)

    # Hands ------------------------------------------------------------------------------------------------------------

    def press(self, *keys):
        """Keys one after the other; a tuple is held together: ("ALT", "ARROW_UP")."""
        for key in keys:
            chain = ActionChains(self.driver)
            names = [getattr(Keys, k) if len(k) > 1 else k for k in (key if isinstance(key, tuple) else (key,))]
            for k in names[:-1]:
                chain.key_down(k)
            chain.send_keys(names[-1])
            for k in names[:-1]:
                chain.key_up(k)
            chain.perform()

    def type(self, css, text):
        self.one(css).send_keys(text)

    def click(self, css, text=None):
        """The element, or of several the one that says this."""
        def find():
            for e in self.all(css):
                if e.is_displayed() and (text is None or e.text.split("\n")[0].strip() == text or e.get_attribute("aria-label") == text):
                    e.click()
                    return True
            return False
        self.until(find, what=f"a click on {css} {text or ''}")

    def drag(self, id, dy, release=True):
        handle = self.until(lambda: self.js("return [...document.querySelectorAll('.space .row')].find((r) => r.querySelector('.id')?.textContent === arguments[0])?.querySelector('.handle')", id))
        chain = ActionChains(self.driver).click_and_hold(handle).move_by_offset(0, dy // 2).move_by_offset(0, dy - dy // 2)
        (chain.release() if release else chain).perform()

    # The web server's side --------------------------------------------------------------------------------------------

    def requests(self):
        """(method, path, status, bytes of the body) of all that nginx has answered."""
        return [(parts[2], parts[3].strip('"'), int(parts[4]), int(parts[5])) for parts in
                (line.split() for line in (self.a.dir / "log/access.log").read_text().splitlines())]

    def more_requests(self, count, after):
        """All since `after`, once `count` more have come."""
        self.until(lambda: len(self.requests()) >= after + count, what=f"{count} more requests")
        return self.requests()[after:]


def pause_of(seconds):
    """For what must not happen within a time, and only for that."""
    time.sleep(seconds)
