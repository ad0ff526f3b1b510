// SPDX-License-Identifier: MIT
// The console: which view the address asks for, what is the same in all of them, and the keys.
import { token } from "./api.js";
import { decode, encode, fill, h, plain, said } from "./dom.js";
import { Job } from "./job.js";
import { Live } from "./live.js";
import { dialog, say, undoLast } from "./notes.js";
import { failure, grow } from "./parts.js";
import { Queue } from "./queue.js";
import { Queues } from "./queues.js";
import { languages, span, t, when } from "./words.js";

const THEMES = ["auto", "light", "dark"], THEME = "anteroom.theme";
const GROW = 5000; // ms
const at = (id) => document.getElementById(id);
const TOKEN = /^[\x21-\x7e]+$/; // what a header can carry
let view, live, asking = false, tried = false;

// ---- addresses: #/queues, #/q/{type}?owner=…, #/q/{type}/j/{request_id} ----

const link = {
    queue: (type, query = {}) => `#/q/${encode(type)}${Object.keys(query).length ? `?${new URLSearchParams(query)}` : ""}`,
    job: (type, id) => `#/q/${encode(type)}/j/${encode(id)}`,
};

const tools = { link, now: () => live.now(), go: (where) => (location.hash = where) };

function read() {
    const [way, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
    const [q, type, j, id] = way.split("/").map(decode);
    if (q === "q" && type && j === "j" && id) return { type, id };
    return q === "q" && type ? { type, query: new URLSearchParams(query) } : {};
}

function showPath({ type, id }) {
    const last = (text) => h("span", { "aria-current": "page" }, text);
    const parts = [type ? h("a", { href: "#/" }, t("queues")) : last(t("queues"))];
    if (type) parts.push(id ? h("a", { href: link.queue(type) }, said(type)) : last(said(type)));
    if (id) parts.push(last(said(id)));
    fill(at("path"), h("ol", {}, parts.map((p) => h("li", {}, p))));
}

function open() {
    const where = read();
    live?.stop();
    view?.stop();
    if (where.id) view = new Job(tools, where.type, where.id);
    else view = where.type ? new Queue(tools, where.type, where.query) : new Queues(tools);
    document.title = `${where.type ? `${plain(view.title)} · ` : ""}Anteroom`;
    showPath(where);
    at("main").replaceChildren(view.element);
    live = new Live(() => view.look(), state);
    live.now();
    if ([document.body, at("main")].includes(document.activeElement)) view.ready();
}

// ---- how current it is ----

function state({ state: how, at: time, error, wait }) {
    if (error?.status === 401) return unlock();
    tried = false;
    const old = how === "old";
    at("live").className = `live ${how}`;
    at("live").title = time ? t("live.title", { at: when(time) }) : "";
    at("live").lastChild.textContent = t(`live.${how}`);
    at("old").hidden = !old;
    if (!old) return;
    const [before, after] = t(time ? "old.text" : "old.never", { at: time ? when(time) : "", why: "\u0000", wait: span(wait) }).split("\u0000");
    fill(at("old"), before, failure(error), " ", after, " ", h("button", { type: "button", data: { key: "again" }, onclick: () => live.now() }, t("old.now")));
}

/** The door is locked: asks for a token until one fits, or the user has had enough. */
async function unlock() {
    live.stop();
    if (asking) return;
    asking = true;
    const had = tried;
    const input = h("input", { id: "token", type: "password", autocomplete: "off", required: true, autofocus: true, spellcheck: "false" });
    const answer = await dialog("ask", [t("token.title")], had ? h("p", { class: "bad" }, t("error.401")) : null, h("p", {}, t("token.text")), h("label", { for: "token" }, t("token.label")), input,
        h("div", { class: "buttons" }, h("button", { value: "use" }, t("token.use"))));
    asking = false;
    const word = input.value.trim();
    tried = answer === "use";
    token.set(tried && TOKEN.test(word) ? word : "");
    showTools();
    if (tried) open();
    else locked();
}

function locked() {
    at("live").className = "live old";
    fill(at("main"), h("p", { class: "wait" }, t("error.401"), " ", h("button", { type: "button", onclick: open }, t("token.label"))));
}

// ---- language, colours, token ----

function theme() {
    const kept = localStorage.getItem(THEME);
    return THEMES.includes(kept) ? kept : "auto";
}

function nextTheme() {
    localStorage.setItem(THEME, THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
    showTools();
}

function otherLanguage() {
    languages.other();
    showTools();
    open();
}

function showTools() {
    const now = t(`theme.${theme()}`);
    document.documentElement.dataset.theme = theme();
    for (const e of document.querySelectorAll("[data-word]")) e.textContent = t(e.dataset.word);
    for (const e of document.querySelectorAll("[data-label]")) if (!e.matches("td")) e.setAttribute("aria-label", t(e.dataset.label));
    at("theme").textContent = now;
    at("theme").setAttribute("aria-label", t("theme.title", { now }));
    at("language").textContent = t("language.other");
    at("language").setAttribute("aria-label", t("language.title"));
    at("language").lang = languages.get() === "en" ? "zh-Hant" : "en";
    at("forget").hidden = !token.get();
}

function forget() {
    token.set("");
    showTools();
    say("token.forgotten");
    open();
}

// ---- keys ----

const HELP = {
    "help.line": [["↑ ↓", "key.arrows"], ["Enter", "key.open"], ["Alt+↑ ↓", "key.move"], ["Alt+Home End", "key.ends"], ["h", "key.hold"], ["c", "key.cancel"], ["Delete", "key.remove"], ["s", "key.resend"], ["m", "key.menu"],
        ["⠿", "key.drag"]],
    "help.all": [["/", "key.find"], ["o", "key.owner"], ["u", "key.undo"], ["p", "key.pause"], ["1 2", "key.tabs"], ["r", "key.refresh"], ["Esc", "key.back"], ["t", "key.theme"], ["l", "key.language"], ["?", "key.help"]],
};

function help() {
    const list = ([title, keys]) => h("div", {}, h("h3", {}, t(title)), h("dl", { class: "keys" }, keys.map(([key, word]) => [h("dt", {}, key.split(" ").map((k) => [h("kbd", { translate: "no" }, k), " "])), h("dd", {}, t(word))])));
    dialog("help", [t("help.title")], h("div", { class: "columns" }, Object.entries(HELP).map(list)), h("div", { class: "buttons" }, h("button", { value: "", autofocus: true }, t("close"))));
}

function back() {
    const { type, id } = read();
    if (document.activeElement.matches("input")) return document.activeElement.blur();
    if (id) location.hash = link.queue(type);
    else if (type) location.hash = "#/";
}

const GLOBAL = { "?": help, u: undoLast, r: () => live.now(), t: nextTheme, l: otherLanguage, Escape: back };

function key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const writes = event.target.matches("input, textarea");
    if (writes && event.key !== "Escape") return;
    if (view.key?.(event)) return event.preventDefault();
    const action = GLOBAL[event.key];
    if (!action) return;
    event.preventDefault();
    action();
}

// ---- start ----

at("language").addEventListener("click", otherLanguage);
at("theme").addEventListener("click", nextTheme);
at("help").addEventListener("click", help);
at("forget").addEventListener("click", forget);
document.addEventListener("keydown", key);
document.addEventListener("changed", () => live.now());
window.addEventListener("hashchange", open);
setInterval(() => document.hidden || grow(), GROW);
showTools();
open();
