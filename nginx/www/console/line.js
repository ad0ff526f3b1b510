// SPDX-License-Identifier: MIT
// The waiting line on the screen: of a list of any length only what is in sight has elements. The keyboard's focus is on the whole;
// which job is the active one, the arrows choose. A job is dragged by its handle, with a pointer of any kind.
import { h, said, plain } from "./dom.js";
import { asks, badge, reasonText, since } from "./parts.js";
import { count, has, t } from "./words.js";

const AROUND = 8; // rows beyond the edges
const FAR = 1e9; // beyond the end of any list
const TALLEST = 8000000; // px; browsers cannot do much more, so the scale is smaller beyond that
const SCROLL_AT = 36, SCROLL_BY = 14; // px from the edge, px a frame, while dragging

const STEPS = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 };

/** Where a job waits, its reason says that it does. */
function state({ Status, Reason }) {
    if (!Reason || Reason.toLowerCase() === Status) return [badge(Status)];
    const known = has(`reason.${Reason}`);
    const word = h("span", { title: Reason, translate: known ? null : "no" }, reasonText(Reason));
    return Status === "queued" ? [h("span", { class: "badge queued" }, word)] : [badge(Status), " ", h("span", { class: "reason" }, word)];
}

export class Line {
    /** on: {open(id), menu(id, at), key(event, job), drop(job, before, after), sight(), lost()}. `movable`: jobs may be dragged. */
    constructor(pages, label, movable, on) {
        Object.assign(this, { pages, movable, on, active: 0, activeId: null, rows: new Map(), spare: [], drag: null, frame: 0 });
        this.space = h("div", { class: "space", role: "presentation" });
        this.mark = h("div", { class: "mark", hidden: true });
        this.element = h("div", { class: "line", role: "grid", tabindex: 0, "aria-label": label, "aria-multiselectable": "false", data: { key: "line" },
            onscroll: () => this.later(), onkeydown: (e) => this.key(e), onfocus: () => this.paint() }, this.space, this.mark);
        this.element.addEventListener("pointerdown", (e) => this.press(e));
        this.resized = new ResizeObserver(() => this.later());
        this.resized.observe(this.element);
    }

    stop() {
        this.resized.disconnect();
        cancelAnimationFrame(this.frame);
        this.letGo();
    }

    // ---- where things are ----

    get tall() {
        return this.height ??= parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || 44;
    }

    get inside() {
        return this.element.clientHeight;
    }

    /** The first row in sight, with its fraction. Beyond the tallest page, the scroll bar's part of the whole way. */
    get top() {
        const all = this.pages.length * this.tall;
        if (all <= TALLEST) return this.element.scrollTop / this.tall;
        const part = this.element.scrollTop / Math.max(1, TALLEST - this.inside);
        return (part * (all - this.inside)) / this.tall;
    }

    /** Which rows are in sight. */
    sight() {
        this.height = undefined; // it is another one on a phone
        const first = Math.floor(this.top), most = Math.max(0, this.pages.length - 1);
        return [Math.min(first, most), Math.min(most, first + Math.ceil(this.inside / this.tall))];
    }

    stretch() {
        this.space.style.height = `${Math.min(TALLEST, this.pages.length * this.tall)}px`;
    }

    scrollTo(i) {
        this.stretch();
        const all = this.pages.length * this.tall, y = i * this.tall, top = this.top * this.tall;
        let goal = top;
        if (y < top) goal = y;
        else if (y + this.tall > top + this.inside) goal = y + this.tall - this.inside;
        if (goal === top) return;
        this.element.scrollTop = all <= TALLEST ? goal : (goal / Math.max(1, all - this.inside)) * (TALLEST - this.inside);
    }

    // ---- painting ----

    later() {
        if (!this.frame) this.frame = requestAnimationFrame(() => {
            this.frame = 0;
            this.paint();
        });
    }

    paint() {
        const [first, last] = this.sight(), length = this.pages.length;
        this.element.setAttribute("aria-rowcount", this.pages.counted ? length : -1);
        if (this.legend) this.legend.style.paddingRight = `${this.element.offsetWidth - this.element.clientWidth + 5}px`; // the scroll bar
        this.stretch();
        const from = Math.max(0, first - AROUND), to = Math.min(length - 1, last + AROUND);
        for (const [i, row] of this.rows) if (i < from || i > to) this.rows.delete(i), this.spare.push(row);
        for (let i = from; i <= to; i++) this.put(i);
        for (const row of this.spare.splice(0)) row.element.remove();
        const active = this.rows.get(this.active);
        if (active) this.element.setAttribute("aria-activedescendant", active.element.id);
        else this.element.removeAttribute("aria-activedescendant");
        this.on.sight(first, last);
    }

    put(i) {
        let row = this.rows.get(i);
        if (!row) {
            row = this.spare.pop() ?? this.make();
            this.rows.set(i, row);
            if (!row.element.isConnected) this.space.append(row.element);
        }
        const e = row.element;
        e.style.transform = `translateY(${this.place(i)}px)`;
        e.setAttribute("aria-rowindex", i + 1);
        e.classList.toggle("active", i === this.active);
        e.classList.toggle("dragged", this.drag?.from === i);
        const job = this.pages.at(i), exact = this.pages.exact(i);
        if (row.job === job && row.i === i && row.exact === exact) return;
        Object.assign(row, { job, i, exact });
        this.write(row);
    }

    /** Where row i stands in the space, which may be shorter than all rows together. */
    place(i) {
        const top = this.top;
        return Math.round(this.element.scrollTop + (i - top) * this.tall);
    }

    make() {
        const cell = (className) => h("div", { class: className, role: "gridcell" });
        const row = { handle: cell("grip"), n: cell("n"), who: cell("who"), asks: cell("asks"), since: cell("since"), why: cell("why"), more: cell("more") };
        const button = h("button", { type: "button", class: "quiet", tabindex: -1, "aria-haspopup": "menu",
            onclick: () => row.job && (this.choose(row.i), this.on.menu(row.job, button.getBoundingClientRect())) }, "⋯");
        row.more.append(button);
        row.button = button;
        row.element = h("div", { class: "row", role: "row", id: `row-${(Line.made = (Line.made ?? 0) + 1)}` }, row.handle, row.n, row.who, row.asks, row.since, row.why, row.more);
        row.element.addEventListener("dblclick", () => row.job && this.on.open(row.job));
        row.element.addEventListener("click", (event) => {
            if (event.target.closest("button, a")) return;
            this.choose(row.i);
        });
        row.i = -1;
        return row;
    }

    write(row) {
        const { job, i } = row;
        row.element.classList.toggle("empty", !job);
        row.element.setAttribute("aria-selected", String(i === this.active));
        row.n.textContent = row.exact ? count(i + 1) : t("line.about", { n: i + 1 });
        row.n.classList.toggle("about", !row.exact);
        row.button.hidden = !job;
        row.handle.replaceChildren();
        if (!job) {
            for (const cell of [row.who, row.asks, row.since, row.why]) cell.replaceChildren();
            row.who.textContent = t("reading");
            return;
        }
        if (this.movable(job)) row.handle.append(h("span", { class: "handle", title: t("line.drag") }, "⠿"));
        row.who.replaceChildren(h("a", { class: "id", href: this.on.link(job), tabindex: -1 }, said(job.RequestID)), h("span", { class: "owner" }, said(job.OwnerID)));
        const wants = asks(job.Data);
        row.asks.replaceChildren(h("span", { title: plain(wants) }, said(wants)));
        row.since.replaceChildren(since(job.FinishedAt ?? job.StartedAt ?? job.AdmittedAt ?? job.CreatedAt));
        row.why.replaceChildren(...state(job), ...(job.Message ? [h("span", { class: "message", translate: "no", title: plain(job.Message) }, said(job.Message))] : []));
        row.button.setAttribute("aria-label", t("line.actions", { id: plain(job.RequestID) }));
    }

    // ---- the active job ----

    get job() {
        return this.pages.at(this.active);
    }

    choose(i, scroll = true) {
        this.active = Math.max(0, Math.min(i, this.pages.length - 1));
        this.activeId = this.job?.RequestID ?? null;
        if (scroll) this.scrollTo(this.active);
        for (const row of this.rows.values()) row.element.setAttribute("aria-selected", String(row.i === this.active));
        this.paint();
    }

    /** To the last job, wherever that is. */
    toEnd() {
        const go = () => this.choose(this.pages.length - 1);
        if (this.pages.counted) go();
        else this.pages.need(FAR, FAR).then(go, () => this.on.lost());
    }

    /** After the list has been read again: the active job is the same one, wherever it stands now. */
    renew(follow) {
        const i = this.activeId === null ? -1 : this.pages.find(this.activeId);
        if (i >= 0 && i !== this.active) {
            this.active = i;
            if (follow) this.scrollTo(i);
        }
        this.active = Math.max(0, Math.min(this.active, this.pages.length - 1));
        this.activeId = this.job?.RequestID ?? null;
        if (!this.drag) this.paint();
    }

    key(event) {
        if (event.target !== this.element) return;
        if (event.key === "Escape" && this.drag) {
            event.preventDefault();
            return this.letGo();
        }
        const page = Math.max(1, Math.floor(this.inside / this.tall) - 1);
        const goal = { ...STEPS, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
        if (goal !== undefined && !event.altKey && !event.ctrlKey && !event.metaKey) {
            event.preventDefault();
            event.stopPropagation();
            return goal === Infinity ? this.toEnd() : this.choose(Math.max(0, this.active + goal));
        }
        if (this.job && this.on.key(event, this.job)) {
            event.preventDefault();
            event.stopPropagation();
        }
    }

    // ---- dragging ----

    press(event) {
        if (!event.target.closest(".handle") || event.button !== 0) return;
        const row = [...this.rows.values()].find((r) => r.element.contains(event.target));
        event.preventDefault();
        this.element.focus({ preventScroll: true });
        this.choose(row.i, false);
        this.drag = { from: row.i, job: row.job, to: row.i, y: event.clientY, pointer: event.pointerId };
        this.element.setPointerCapture(event.pointerId);
        this.moves = (e) => this.dragTo(e.clientY);
        this.ends = () => this.dropped();
        this.lost = () => this.letGo();
        this.element.addEventListener("pointermove", this.moves);
        this.element.addEventListener("pointerup", this.ends);
        this.element.addEventListener("pointercancel", this.lost);
        this.paint();
        this.roll();
    }

    /** Near an edge the line scrolls on. */
    roll() {
        if (!this.drag) return;
        const { top, bottom } = this.element.getBoundingClientRect();
        const by = this.drag.y < top + SCROLL_AT ? -SCROLL_BY : this.drag.y > bottom - SCROLL_AT ? SCROLL_BY : 0;
        if (by) {
            this.element.scrollTop += by;
            this.dragTo(this.drag.y);
        }
        requestAnimationFrame(() => this.roll());
    }

    dragTo(y) {
        this.drag.y = y;
        const within = y - this.element.getBoundingClientRect().top;
        const over = Math.max(0, Math.min(this.pages.length - 1, Math.floor(this.top + within / this.tall)));
        this.drag.to = over > this.drag.from ? over + 1 : over; // it takes the place of the one it is over
        this.mark.hidden = false;
        this.mark.style.transform = `translateY(${this.place(this.drag.to) - 1}px)`;
    }

    dropped() {
        const { to, job } = this.drag, before = this.rows.get(to - 1)?.job, after = this.rows.get(to)?.job; // as they are seen
        this.letGo();
        if (before?.RequestID !== job.RequestID && after?.RequestID !== job.RequestID) this.on.drop(job, before, after);
    }

    letGo() {
        if (!this.drag) return;
        for (const [name, f] of [["pointermove", this.moves], ["pointerup", this.ends], ["pointercancel", this.lost]]) this.element.removeEventListener(name, f);
        if (this.element.hasPointerCapture(this.drag.pointer)) this.element.releasePointerCapture(this.drag.pointer);
        this.drag = null;
        this.mark.hidden = true;
        this.paint();
    }
}
