// SPDX-License-Identifier: MIT
// All queues at a glance.
import { get, path } from "./api.js";
import { fill, h, plain, said } from "./dom.js";
import { pause } from "./actions.js";
import { lasting, since } from "./parts.js";
import { count, has, t } from "./words.js";

const MOST = 10000; // queues, which the API tells of in pages
const OVER = ["finished", "cancelled", "expired"];
export const sum = (jobs, statuses) => statuses.reduce((n, s) => n + (jobs[s] ?? 0), 0);

export function sourceOf(q) {
    const s = q.Source;
    if (!s) return q.Policy?.Capacity === "none" ? t("source.none") : "–";
    const kind = has(`source.${s.Kind}`) ? t(`source.${s.Kind}`) : h("span", { translate: "no" }, s.Kind);
    const asked = s.Kind !== "static" && s.Kind !== "none";
    return [kind, " ", asked ? (s.ReadAt ? h("small", {}, since(s.ReadAt)) : h("small", {}, t("source.unread"))) : null,
        s.Error ? h("small", { class: "bad" }, t("source.error"), ": ", said(s.Error)) : null];
}

export function passOf(q) {
    if (!q.LastPass) return h("span", {}, t("never"));
    const { At, Ms: ms, Admitted: n } = q.LastPass; // an owner is not told what others got
    return [since(At), h("small", {}, n === null ? t("pass.took", { ms }) : t("pass.did", { ms, n }))];
}

export const rateOf = ({ Throughput: r }) => (r ? h("span", { title: t("queues.started.title") }, t("queues.rate", { minute: r.LastMinute, hour: r.LastHour, day: r.LastDay })) : "–");

export function pauseButton(q, view, className) {
    const [word, label] = q.Paused ? ["queues.continue", "queues.continue.of"] : ["queues.pause", "queues.pause.of"];
    return h("button", { type: "button", class: className, data: { key: `pause ${q.Type}` }, "aria-label": t(label, { type: plain(q.Type) }),
        onclick: async () => {
            await pause(q.Type, !q.Paused);
            view.now();
        } }, t(word));
}

const number = (n, className) => h("span", { class: n ? className : "zero" }, count(n));

export class Queues {
    constructor(view) {
        this.view = view;
        this.element = h("section", { class: "queues" }, h("p", { class: "wait" }, t("reading")));
        this.title = t("queues");
    }

    async look() {
        const list = [];
        let changed = false, after = null;
        do {
            const page = await get(path.queues(after));
            list.push(...page.data);
            changed = changed || page.changed;
            after = page.next;
        } while (after !== null && list.length < MOST);
        if (changed || !this.shown) this.show(list, after !== null);
        this.shown = true;
        return changed;
    }

    show(list, more) {
        if (!list.length) return fill(this.element, h("h1", {}, t("queues")), h("p", { class: "wait" }, t("queues.none")));
        const all = (statuses) => list.reduce((n, q) => n + sum(q.Jobs, statuses), 0);
        fill(this.element, h("h1", {}, t("queues")),
            h("p", { class: "sum" }, t("queues.sum", { n: list.length, waiting: all(["queued", "held"]), running: all(["admitted", "running"]) })),
            h("table", { class: "table" }, this.head(), h("tbody", {}, list.map((q) => this.row(q)))), more ? h("p", { class: "wait" }, t("queues.left", { n: list.length })) : null);
    }

    head() {
        const th = (text, className, title) => h("th", { scope: "col", class: className, title }, text);
        return h("thead", {}, h("tr", {}, th(t("queue")), ["queued", "held", "admitted", "running", "failed"].map((s) => th(t(`status.${s}`), "num")),
            th(t("queues.over"), "num", OVER.map((s) => t(`status.${s}`)).join(", ")), th(t("queues.oldest")), th(h("span", {}, t("queues.started"), " ", h("small", {}, t("queues.rate.legend"))), "num", t("queues.started.title")),
            th(t("queues.pass")), th(t("queues.source")), th(t("queues.state"))));
    }

    row(q) {
        const td = (label, className, ...what) => h("td", { class: className, data: { label } }, ...what);
        return h("tr", { class: q.Paused ? "paused" : null },
            h("th", { scope: "row" }, h("a", { href: this.view.link.queue(q.Type), data: { key: `queue ${q.Type}` } }, said(q.Type))),
            ["queued", "held", "admitted", "running", "failed"].map((s) => td(t(`status.${s}`), "num", number(q.Jobs[s], s))),
            td(t("queues.over"), "num", number(sum(q.Jobs, OVER), "finished")),
            td(t("queues.oldest"), null, lasting(q.OldestWait)),
            td(t("queues.started"), "num", rateOf(q)),
            td(t("queues.pass"), "two", passOf(q)),
            td(t("queues.source"), "two", sourceOf(q)),
            td(t("queues.state"), "state", q.Paused ? h("span", { class: "badge held" }, t("queues.paused")) : h("span", { class: "open" }, t("queues.open")), pauseButton(q, this.view)));
    }

    ready() {
        this.element.parentElement.focus({ preventScroll: true });
    }

    stop() {}

    key() {
        return false;
    }
}
