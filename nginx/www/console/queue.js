// SPDX-License-Identifier: MIT
// One queue: how it stands, and its line; or its capacity.
import { get, path, Refusal } from "./api.js";
import { ACTIONS, act, move, offered, pause } from "./actions.js";
import { Capacity } from "./capacity.js";
import { fill, h, said } from "./dom.js";
import { Line } from "./line.js";
import { menu } from "./menu.js";
import { say } from "./notes.js";
import { Pages } from "./pages.js";
import { fact, lasting, STATUSES } from "./parts.js";
import { passOf, pauseButton, rateOf, sourceOf, sum } from "./queues.js";
import { count, t } from "./words.js";

const WAITING = ["queued", "held"];
const KEYS = { h: ["hold", "resume", "retry"], c: ["cancel"], Delete: ["remove"], s: ["resend"] };
const MOVES = { ArrowUp: "up", ArrowDown: "down", Home: "front", End: "back" };

export class Queue {
    constructor(view, type, query) {
        Object.assign(this, { view, type, query, q: null, title: type });
        this.head = h("div", { class: "head" });
        this.body = h("div", { class: "body" });
        this.element = h("section", { class: "queue" }, this.head, this.body);
        if (query.get("view") === "capacity") this.capacity = new Capacity(type, this.body);
        else this.openLine();
        this.showHead();
    }

    // ---- the head ----

    /** Its numbers. Where they cannot be had, the line still can. */
    async lookAtHead() {
        try {
            const { data, changed } = await get(path.queue(this.type));
            if (changed || !this.q) {
                this.q = data;
                this.showHead();
            }
            return changed;
        } catch (error) {
            if (!(error instanceof Refusal) || error.status !== 404) throw error;
            return false;
        }
    }

    showHead() {
        const q = this.q, now = this.capacity ? "capacity" : "line";
        const tab = (name, key) => h("a", { href: this.view.link.queue(this.type, name === "line" ? {} : { view: name }), data: { key: `tab ${name}` },
            "aria-current": now === name ? "page" : null, "aria-keyshortcuts": key }, t(`tab.${name}`));
        fill(this.head, h("div", { class: "name" }, h("h1", {}, said(this.type)), q?.Paused ? h("span", { class: "badge held" }, t("queues.paused")) : null, this.policy(),
            q ? pauseButton(q, this.view) : null), h("nav", { class: "tabs", "aria-label": t("queue") }, tab("line", "1"), tab("capacity", "2")), q ? this.numbers(q) : null);
        this.showStatuses?.();
    }

    policy() {
        const p = this.q?.Policy;
        if (!p) return null;
        return h("span", { class: "policy" }, t("policy.fit", { fit: p.Fit }), " · ", t("policy.overtake", { overtake: p.Overtake }),
            p.RunLimit ? [" · ", t("policy.limit", { n: p.RunLimit })] : null);
    }

    numbers(q) {
        return h("dl", { class: "facts strip" }, fact(t("queues.oldest"), lasting(q.OldestWait)),
            fact(h("span", {}, t("queues.started"), " ", h("small", {}, t("queues.rate.legend"))), rateOf(q)), fact(t("queues.pass"), passOf(q)), fact(t("queues.source"), sourceOf(q)));
    }

    // ---- the line ----

    openLine() {
        const wanted = (this.query.get("status") ?? WAITING.join(",")).split(",").filter((s) => STATUSES.includes(s));
        this.statuses = wanted.length ? wanted : WAITING;
        this.owner = this.query.get("owner") ?? "";
        const filter = { status: this.statuses.join(","), ...(this.owner ? { owner_id: this.owner } : {}) };
        this.pages = new Pages(this.type, filter);
        this.whole = !this.owner && this.statuses.join() === WAITING.join();
        this.line = new Line(this.pages, t("line.label", { type: this.type }), (job) => WAITING.includes(job.Status), {
            open: (job) => this.view.go(this.view.link.job(this.type, job.RequestID)),
            link: (job) => this.view.link.job(this.type, job.RequestID),
            menu: (job, at) => this.menu(job, at),
            key: (event, job) => this.lineKey(event, job),
            drop: (job, before, after) => this.drop(job, before, after),
            sight: (a, b) => this.sight(a, b),
            lost: () => this.view.now(),
        });
        this.pages.progress = (n, all) => this.say(t(this.pages.guess ? "line.walk" : "line.walk.open", { n, all: Math.min(all, this.pages.guess) }));
        this.status = h("span", { class: "status", role: "status" });
        this.nobody = h("p", { class: "wait", hidden: true });
        this.line.legend = this.legend();
        this.body.append(this.tools(), this.line.legend, this.line.element, this.nobody, h("p", { class: "hint" }, this.status, h("span", {}, t("line.hint"))));
    }

    tools() {
        this.buttons = h("div", { class: "statuses", role: "group", "aria-label": t("find.status") });
        this.showStatuses = () => fill(this.buttons, STATUSES.map((s) => h("button", { type: "button", class: `toggle ${s}`, data: { key: `status ${s}` },
            "aria-pressed": String(this.statuses.includes(s)), onclick: () => this.toggle(s) }, t(`status.${s}`), this.q ? h("small", {}, count(this.q.Jobs[s] ?? 0)) : null)));
        this.showStatuses();
        const field = (name, value, f) => {
            const input = h("input", { id: `find-${name}`, name, value, placeholder: t(`find.${name}.hint`), autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 255 });
            return h("form", { role: "search", class: "find", onsubmit: (e) => (e.preventDefault(), f(input.value)) }, h("label", { for: `find-${name}` }, t(`find.${name}`)), input);
        };
        return h("div", { class: "tools-row" }, this.buttons, field("owner", this.owner, (v) => this.find({ owner: v })),
            field("id", "", (v) => v && this.view.go(this.view.link.job(this.type, v))),
            this.whole ? null : h("button", { type: "button", class: "quiet", onclick: () => this.view.go(this.view.link.queue(this.type)) }, t("find.clear")));
    }

    legend() {
        return h("div", { class: "row legend", "aria-hidden": "true" }, h("div", {}), h("div", { class: "n" }, t("line.place")), h("div", {}, t("line.job")), h("div", {}, t("line.asks")),
            h("div", {}, t("line.waits")), h("div", {}, t("line.why")), h("div", {}));
    }

    toggle(status) {
        const statuses = STATUSES.filter((s) => (s === status) !== this.statuses.includes(s));
        this.find({ status: statuses });
    }

    find({ owner = this.owner, status = this.statuses }) {
        const query = {};
        if (owner) query.owner = owner;
        if (status.length && status.join() !== WAITING.join()) query.status = status.join(",");
        this.view.go(this.view.link.queue(this.type, query));
    }

    /** What is the same as before is not read out again. */
    say(text) {
        if (this.status.textContent !== text) this.status.textContent = text;
    }

    /** The line shows these rows: what is missing of them is fetched. */
    sight(a, b) {
        const p = this.pages;
        this.nobody.hidden = p.length > 0;
        this.line.element.hidden = p.length === 0;
        if (p.length === 0) this.nobody.replaceChildren(t(this.whole ? "line.none" : "line.none.filter"));
        this.say(p.counted || p.guess ? t("line.count", { n: p.guess || p.length }) : t("line.atleast", { n: p.length - 1 }));
        if (!this.read || this.line.drag || p.at(a) && p.at(b)) return;
        p.need(a, b).then((news) => news && this.line.renew(false)).catch(() => this.view.now());
    }

    async lookAtLine() {
        if (this.q && !this.owner) this.pages.expect(sum(this.q.Jobs, this.statuses));
        if (this.line.drag) return false; // what is in the hand stays where it is
        const news = await this.pages.refresh(...this.line.sight());
        this.read = true;
        if (news) this.line.renew(this.follow);
        this.follow = false;
        return news;
    }

    // ---- changes ----

    async done(did) {
        if (!did) return;
        this.follow = true;
        await this.view.now();
    }

    /** The place that a job has now, as a change that brings it back there. */
    home(job) {
        if (!this.whole) return { priority: job.Priority };
        const i = this.pages.find(job.RequestID);
        if (i < 0) return null;
        const next = this.pages.at(i + 1), before = this.pages.at(i - 1);
        return next ? { move: { before: next.RequestID } } : before ? { move: { after: before.RequestID } } : null;
    }

    /** From where it stands by now. */
    async move(job, where) {
        const i = this.pages.find(job.RequestID), home = this.home(job), other = i < 0 ? null : { up: this.pages.at(i - 1), down: this.pages.at(i + 1) }[where];
        let goal = where;
        if (where === "up" || where === "down") {
            if (!other) return;
            goal = where === "up" ? { before: other.RequestID } : { after: other.RequestID };
        }
        await this.done(await move(this.type, job.RequestID, goal, home));
    }

    /** Between those two that were seen there, if any was read. */
    async drop(job, before, after) {
        if (!before && !after) return say("did.unread");
        const goal = after ? { before: after.RequestID } : { after: before.RequestID };
        await this.done(await move(this.type, job.RequestID, goal, this.home(job)));
    }

    async act(name, job) {
        await this.done(await act(name, this.type, job.RequestID));
    }

    async menu(job, at) {
        const moves = WAITING.includes(job.Status) ? ["up", "down", "front", "back"] : [];
        const choice = await menu(job.RequestID, ["open", ...moves, ...offered(job.Status)], (name) => ACTIONS[name]?.danger, at);
        this.line.element.focus({ preventScroll: true });
        if (choice === "open") this.view.go(this.view.link.job(this.type, job.RequestID));
        else if (moves.includes(choice)) await this.move(job, choice);
        else if (choice) await this.act(choice, job);
    }

    // ---- keys ----

    lineKey(event, job) {
        const { key, altKey, shiftKey } = event;
        if (event.ctrlKey || event.metaKey) return false;
        if (altKey && key in MOVES) {
            if (WAITING.includes(job.Status)) this.move(job, MOVES[key]);
            return true;
        }
        if (altKey) return false;
        if (key === "Enter") return this.view.go(this.view.link.job(this.type, job.RequestID)), true;
        if (key === "m" || key === "ContextMenu" || (shiftKey && key === "F10")) return this.menu(job, this.line.rows.get(this.line.active)?.element.getBoundingClientRect()), true;
        const name = KEYS[key]?.find((n) => ACTIONS[n].from.includes(job.Status));
        if (!name) return false;
        this.act(name, job);
        return true;
    }

    key(event) {
        const field = { "/": "find-id", o: "find-owner" }[event.key];
        if (field && this.line) return document.getElementById(field).focus(), true;
        if (event.key === "1") return this.view.go(this.view.link.queue(this.type)), true;
        if (event.key === "2") return this.view.go(this.view.link.queue(this.type, { view: "capacity" })), true;
        if (event.key === "p" && this.q) return pause(this.type, !this.q.Paused).then(() => this.view.now()), true;
        return false;
    }

    // ---- the life of the view ----

    async look() {
        const head = await this.lookAtHead();
        if (this.capacity) return (await this.capacity.look()) || head;
        return (await this.lookAtLine()) || head;
    }

    ready() {
        (this.line ? this.line.element : this.element.parentElement).focus({ preventScroll: true });
    }

    stop() {
        this.line?.stop();
    }
}

