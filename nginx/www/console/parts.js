// SPDX-License-Identifier: MIT
// Small parts that several views share: badges, times, what a job asks for, why something failed.
import { h, said } from "./dom.js";
import { ago, count, has, past, span, t, time, when, whenFully } from "./words.js";

export const STATUSES = ["queued", "held", "admitted", "running", "finished", "failed", "cancelled", "expired"];

export const badge = (status) => h("span", { class: `badge ${status}` }, t(`status.${status}`));

/** A reason in this language; one that is newer than this console as it stands. */
export const reasonText = (reason) => (has(`reason.${reason}`) ? t(`reason.${reason}`) : reason);
export const reason = (word) => h("span", { class: "reason", title: word, translate: has(`reason.${word}`) ? null : "no" }, reasonText(word));

/** "3 min ago", which grows by itself; its title is the time. */
export function since(text, className) {
    if (!text) return h("span", { class: className }, "–");
    const at = time(text);
    return h("time", { class: className, datetime: text, title: whenFully(text), data: { ago: at } }, ago(at));
}

/** "3 min": since then, for what has not ended. */
export function lasting(text) {
    if (!text) return "–";
    const at = time(text);
    return h("time", { datetime: text, title: whenFully(text), data: { lasting: at } }, span(past(at)));
}

export const moment = (text) => (text ? h("time", { datetime: text, title: whenFully(text) }, when(text)) : "–");

/** Called now and then: lets all ages on the page grow. */
export function grow() {
    for (const e of document.querySelectorAll("[data-ago]")) {
        const text = ago(Number(e.dataset.ago));
        if (e.textContent !== text) e.textContent = text;
    }
    for (const e of document.querySelectorAll("[data-lasting]")) {
        const text = span(past(Number(e.dataset.lasting)));
        if (e.textContent !== text) e.textContent = text;
    }
}

export const amounts = (resources) =>
    Object.entries(resources ?? {}).filter(([, v]) => typeof v !== "object").map(([name, v]) => `${name} ${typeof v === "number" ? count(v) : v}`).join(", ");

function entry(o, resources) {
    const many = typeof o?.count === "number" && o.count !== 1 ? `${count(o.count)} × ` : "";
    return many + amounts(resources);
}

/** What a job asks for, in one line. */
export function asks(data) {
    let d;
    try {
        d = JSON.parse(data);
    } catch {
        return t("asks.unread");
    }
    let list = [];
    if (Array.isArray(d?.pods)) list = d.pods.map((p) => entry(p, p?.requests));
    else if (Array.isArray(d?.instances)) list = d.instances.map((i) => entry(i, Object.fromEntries(Object.entries(i ?? {}).filter(([k, v]) => k !== "count" && typeof v === "number"))));
    else if (d?.resources) list = [amounts(d.resources)];
    return list.filter(Boolean).join(" + ") || t("asks.nothing");
}

/** JSON text with lines and indents; not one of its digits or letters is touched. */
export function pretty(text) {
    let out = "", depth = 0;
    const line = () => "\n" + "  ".repeat(depth);
    for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{[]\s*[}\]]|[{}[\],:]|[^\s{}[\],:"]+/gs)) {
        if (token === "{" || token === "[") { depth++; out += token + line(); }
        else if (token === "}" || token === "]") { depth--; out += line() + token; }
        else if (token === ",") out += "," + line();
        else out += token === ":" ? ": " : token;
    }
    return out;
}

/** Why it failed: what kind of refusal it is, in this language, and what the service said of it. */
export function failure(error) {
    if (error.status === undefined) return [t("error.bug")];
    const key = error.code === "unreadable" ? "error.unreadable" : `error.${error.status}`;
    return [has(key) ? t(key) : t("error.other", { status: error.status }), error.message ? " " : null, error.message ? said(error.message.replace(/[^.!?]$/, "$&.")) : null];
}

export const fact = (label, ...value) => h("div", {}, h("dt", {}, label), h("dd", {}, ...value));
