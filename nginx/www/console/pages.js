// SPDX-License-Identifier: MIT
// A list of any length, page by page. The API goes from page to page by cursors, forwards only: so the way to a far place is walked
// once, in long strides, of which only the cursors are kept; of the rows the last few pages are.
//
// A cursor is a place in the order, and stays good while jobs come and go; only how many stand before it is then no more than
// about right. A mark has the round in which it was counted from the front; a round ends when the list has changed.
import { get, path } from "./api.js";

export const PAGE = 100;
const STRIDE = 20; // pages
const KEEP = 24; // pages whose rows are kept

const pageOf = (i) => Math.floor(Math.max(0, i) / PAGE);

export class Pages {
    constructor(type, filter) {
        Object.assign(this, { type, filter, round: 0, end: null, guess: 0, wanted: [0, 0], walking: null });
        this.marks = [{ after: null, round: 0 }]; // page -> where it begins
        this.pages = new Map(); // page -> {rows, after}; the last used ones at the end
        this.progress = () => {}; // is told how far a long walk is
    }

    /** The job at a place, or undefined where it has not been read. */
    at(i) {
        return this.pages.get(pageOf(i))?.rows[i % PAGE];
    }

    /** How many there are, as far as that is known. */
    get length() {
        return this.end ?? Math.max(this.guess, (this.marks.length - 1) * PAGE + 1);
    }

    /** Is length more than a guess? */
    get counted() {
        return this.end !== null;
    }

    /** Somebody else has counted. Where nobody does, the guess is 0. */
    expect(n) {
        if (n === this.guess) return;
        this.guess = n;
        this.end = null;
        this.cut(n);
    }

    /** Is the number of a place counted from the front since the list changed last? */
    exact(i) {
        return pageOf(i) === 0 || this.marks[pageOf(i)]?.round === this.round;
    }

    find(id) {
        for (const [p, page] of this.pages) {
            const i = page.rows.findIndex((j) => j.RequestID === id);
            if (i >= 0) return p * PAGE + i;
        }
        return -1;
    }

    /** Sees to it that the rows from a to b are there, if there are so many. A later wish changes where a walk goes. */
    need(a, b) {
        this.wanted = [pageOf(a), pageOf(b)];
        this.walking ??= this.fetch().finally(() => (this.walking = null));
        return this.walking;
    }

    /** Asks whether what is in sight has changed, and if so reads it again and forgets the rest. True when there is news. */
    async refresh(a, b) {
        if (this.walking) await this.walking;
        let news = false;
        const fresh = new Set();
        for (let p = pageOf(a); p <= pageOf(b); p++) {
            if (!this.pages.has(p)) continue;
            news = (await this.load(p)) || news;
            fresh.add(p);
        }
        if (news) {
            for (const p of [...this.pages.keys()]) if (!fresh.has(p)) this.pages.delete(p);
            if (this.end !== null && !fresh.has(pageOf(this.end - 1))) this.end = null;
            if (this.end === null && !this.guess) this.cut((Math.max(...fresh) + 2) * PAGE); // there may be no more than the next page
        }
        return (await this.need(a, b)) || news;
    }

    // ---- inner ----

    read(after, limit) {
        return get(path.list(this.type, { ...this.filter, limit, ...(after ? { after } : {}) }));
    }

    async fetch() {
        let news = false;
        for (let p = this.missing(); p !== null; p = this.missing()) {
            if (this.marks[p]) await this.load(p);
            else await this.walk();
            news = true;
        }
        return news;
    }

    /** The first wanted page that has not been read. */
    missing() {
        const last = this.end === null ? Infinity : pageOf(this.end - 1);
        for (let p = Math.min(this.wanted[0], last); p <= Math.min(this.wanted[1], last); p++) if (!this.pages.has(p)) return p;
        return null;
    }

    /** One stride towards the first wanted page. */
    async walk() {
        const goal = this.missing();
        let from = Math.min(goal, this.marks.length - 1);
        while (!this.marks[from]) from--;
        const { after, round } = this.marks[from];
        const stride = Math.min(STRIDE, goal - from);
        this.progress(from * PAGE, goal * PAGE);
        const answer = await this.read(after, stride * PAGE);
        if (answer.next) this.mark(from + stride, answer.next, round);
        else this.finish(from * PAGE + answer.data.length);
    }

    /** Reads page p, from where it begins. True when it is news. */
    async load(p) {
        const mark = this.marks[p], before = this.pages.get(p);
        const answer = await this.read(mark.after, PAGE);
        const exact = p === 0 || mark.round === this.round;
        if (before && answer.changed) this.round++;
        const round = p === 0 || (exact && !(before && answer.changed)) ? this.round : -1;
        this.marks[p] = { after: mark.after, round };
        this.keep(p, { rows: answer.data, after: mark.after });
        if (!answer.next) {
            this.finish(p * PAGE + answer.data.length);
        } else {
            if (this.end !== null && this.end <= (p + 1) * PAGE) this.end = null;
            this.mark(p + 1, answer.next, round);
        }
        return answer.changed || !before;
    }

    /** Notes where page p begins. What was read from another place there is out of date. */
    mark(p, after, round) {
        this.marks[p] = { after, round };
        if (this.pages.has(p) && this.pages.get(p).after !== after) this.pages.delete(p);
    }

    keep(p, page) {
        this.pages.delete(p);
        this.pages.set(p, page);
        for (const old of this.pages.keys()) {
            if (this.pages.size <= KEEP) break;
            this.pages.delete(old);
        }
    }

    /** The list ends after so many. */
    finish(count) {
        this.end = count;
        this.cut(count);
    }

    /** Forgets what was known of pages behind so many. */
    cut(count) {
        const last = pageOf(count - 1);
        this.marks.length = Math.min(this.marks.length, last + 1);
        for (const p of this.pages.keys()) if (p > last) this.pages.delete(p);
    }
}
