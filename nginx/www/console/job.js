// SPDX-License-Identifier: MIT
// One job: why it waits, its life with every call of its owner, what it asked for.
import { get, path, Refusal } from "./api.js";
import { ACTIONS, act, offered } from "./actions.js";
import { fill, h, said } from "./dom.js";
import { amounts, badge, fact, moment, pretty, reason, since } from "./parts.js";
import { count, has, t, time, when, whenFully } from "./words.js";

const MOST = 1000; // rows of its history
const WHY_AGAIN = 30000; // ms
const WAITING = ["queued", "held"], CALLED = ["admitted", "running"];
const KEYS = { h: ["hold", "resume", "retry"], c: ["cancel"], Delete: ["remove"], s: ["resend"] };

/** What may not be there, or not for this person. */
async function maybe(where) {
    try {
        return await get(where);
    } catch (error) {
        if (error instanceof Refusal && error.status === 404) return { data: null, changed: false };
        throw error;
    }
}

export class Job {
    constructor(view, type, id) {
        Object.assign(this, { view, type, id, title: id, shown: "" });
        this.head = h("div", { class: "head" }, h("h1", {}, said(id)));
        this.body = h("div", { class: "job-body" }, h("p", { class: "wait" }, t("reading")));
        this.element = h("section", { class: "job" }, this.head, this.body);
    }

    /** The job's own tag changes with its state and order; its place in line and calls of its owner change without it. What was asked
        about it is as new as the tag that it was asked for: where a question failed, it is asked again, though the job has not changed. */
    async look() {
        let job;
        try {
            job = await get(path.job(this.type, this.id));
        } catch (error) {
            if (error.status !== 404) throw error;
            this.gone();
            return false;
        }
        const waits = WAITING.includes(job.data.Status), called = CALLED.includes(job.data.Status);
        const wait = waits ? await this.askWhy(job) : { data: null, changed: false };
        const history = async (what) => get(`${path.of(this.type, this.id, what)}?limit=${MOST}`);
        const behind = job.changed || job.etag !== this.tag;
        let news = behind || wait.changed;
        if (behind || called) {
            const [events, deliveries] = await Promise.all([history("events"), history("deliveries")]);
            news = news || events.changed || deliveries.changed;
            Object.assign(this, { events, deliveries, tag: job.etag });
        }
        const text = JSON.stringify([job.data, wait.data, this.events.data, this.deliveries.data]);
        if (text === this.shown) return false;
        this.shown = text;
        this.job = job.data;
        this.show(wait.data);
        return news;
    }

    /** It has no tag, since it changes by the clock too: the queue's tells whether it may say something new. */
    async askWhy(job) {
        const queue = await get(path.list(this.type, { status: WAITING.join(","), limit: 1 }));
        const tags = `${job.etag} ${queue.etag}`;
        if (job.changed || queue.changed || tags !== this.asked?.tags || performance.now() - this.asked.at > WHY_AGAIN) {
            this.wait = await maybe(path.of(this.type, this.id, "wait"));
            this.asked = { tags, at: performance.now() };
        }
        return this.wait;
    }

    gone() {
        this.job = null;
        this.shown = "";
        fill(this.head, h("h1", {}, said(this.id)));
        fill(this.body, h("p", { class: "wait" }, t("job.gone")), h("p", {}, h("a", { href: this.view.link.queue(this.type) }, said(this.type))));
    }

    show(wait) {
        const job = this.job;
        const button = (name) => h("button", { type: "button", class: ACTIONS[name].danger ? "danger" : null, data: { key: `do ${name}` }, onclick: () => this.act(name) }, t(`do.${name}`));
        fill(this.head, h("div", { class: "name" }, h("h1", {}, said(job.RequestID)), badge(job.Status), h("span", { class: "policy" }, t("job.owner"), " ",
            h("a", { href: this.view.link.queue(this.type, { owner: job.OwnerID }) }, said(job.OwnerID)))), h("div", { class: "buttons", role: "group", "aria-label": t("line.actions", { id: job.RequestID }) }, offered(job.Status).map(button)));
        fill(this.body, h("div", { class: "columns" }, h("div", {}, this.why(job, wait), this.life()), h("div", {}, this.data(job), this.facts(job))));
    }

    // ---- why it waits ----

    why(job, w) {
        const stuff = (a) => (a ? t(amounts(a.Resources) && a.Jobs ? "job.jobs.with" : "job.jobs", { n: a.Jobs, what: amounts(a.Resources) }) : "–");
        return h("section", { class: "card why" }, h("h2", {}, t(w ? "job.why" : "job.over")), h("p", { class: "lead" }, job.Reason ? reason(job.Reason) : badge(job.Status), job.Message ? [" ", said(job.Message)] : null),
            w ? h("dl", { class: "facts" }, w.Position !== null ? fact(t("job.position"), h("b", {}, count(w.Position))) : null, w.PoolPosition !== null ? fact(t("job.pool"), h("b", {}, count(w.PoolPosition))) : null,
                w.Pools?.length ? fact(t("job.pools"), w.Pools.map((p) => [said(p), " "])) : null,
                w.Ahead ? fact(t("job.ahead"), stuff(w.Ahead)) : null, w.PoolAhead ? fact(t("job.poolahead"), stuff(w.PoolAhead)) : null,
                w.Needs ? fact(t("job.needs"), t("job.instances", { n: w.Needs.Instances }), amounts(w.Needs.Resources) ? [": ", said(amounts(w.Needs.Resources))] : null) : null,
                fact(t("job.start"), this.estimate(w)), fact(t("job.since"), since(w.Since)), w.ReasonSince ? fact(t("job.reasonsince"), since(w.ReasonSince)) : null,
                fact(t("job.looked"), w.LookedAt ? since(w.LookedAt) : t("never"))) : this.stands(job));
    }

    stands(job) {
        const began = [["job.finished", job.FinishedAt], ["job.started", job.StartedAt], ["job.admitted", job.AdmittedAt]].find(([, at]) => at);
        return h("dl", { class: "facts" }, began ? fact(t(began[0]), since(began[1])) : null, this.hosts(job));
    }

    hosts(job) {
        return job.Hosts ? fact(t("job.hosts"), Object.entries(job.Hosts).map(([name, n]) => h("span", { class: "host-of" }, said(name), " × ", count(n)))) : null;
    }

    estimate(w) {
        const e = w.EstimatedStart;
        return [e ? [h("b", {}, t("job.between", { low: when(e.Low), high: when(e.High) })), " ", h("small", {}, t("job.samples", { n: e.Samples }))] : h("b", {}, t("unknown")),
            w.Estimate ? h("small", { class: "estimate" }, said(w.Estimate)) : null];
    }

    // ---- its life ----

    life() {
        const rows = [...this.events.data.map((e) => ({ at: e.At, n: e.N, kind: 0, e })), ...this.deliveries.data.map((d) => ({ at: d.At, n: d.N, kind: 1, d }))];
        rows.sort((a, b) => time(a.at) - time(b.at) || (a.at < b.at ? -1 : a.at > b.at ? 1 : a.kind - b.kind || a.n - b.n));
        const more = this.events.next || this.deliveries.next;
        return h("section", { class: "card" }, h("h2", {}, t("job.life")), h("ol", { class: "life" }, rows.map((r) => (r.e ? this.event(r.e) : this.call(r.d)))), more ? h("p", {}, t("job.more", { n: MOST })) : null);
    }

    event(e) {
        const word = (s) => (has(`status.${s}`) ? t(`status.${s}`) : s);
        let what = has(`event.${e.Event}`) ? t(`event.${e.Event}`, { from: "", to: "" }) : said(e.Event);
        if (e.Event === "status") what = e.FromStatus === e.ToStatus ? t("event.again") : t("event.status", { from: word(e.FromStatus), to: word(e.ToStatus) });
        const order = e.Event === "order" ? h("small", {}, t("event.order.from", { from: String(e.FromPriority), to: String(e.ToPriority) })) : null;
        return h("li", { class: `event ${e.ToStatus ?? ""}` }, moment(e.At), h("div", {}, h("b", {}, what), " ", e.Who ? h("small", {}, ...this.by(e.Who)) : null, order, e.Message ? h("p", {}, said(e.Message)) : null));
    }

    by(who) {
        const [before, after] = t("event.by", { who: "\u0000" }).split("\u0000");
        return [before, said(who), after];
    }

    call(d) {
        const good = d.Outcome === "accepted";
        return h("li", { class: `call ${good ? "running" : "failed"}` }, moment(d.At), h("div", {}, h("b", {}, t("call.title")), " ", d.Status ? t("call.answer", { status: String(d.Status) }) : null, " ",
            h("span", { class: good ? "good" : "bad" }, has(`call.${d.Outcome}`) ? t(`call.${d.Outcome}`) : d.Outcome), " ", h("small", {}, t("call.ms", { n: d.DurationMs })),
            h("p", { class: "url" }, said(d.URL), d.Address ? [" ", said(d.Address)] : null), d.Error ? h("p", { class: "bad" }, said(d.Error)) : null,
            d.NextTry ? h("p", {}, t("call.next", { time: when(d.NextTry) })) : null,
            d.Answer ? h("details", { data: { n: d.N } }, h("summary", {}, t("call.said")), h("pre", { translate: "no", tabindex: 0 }, said(d.Answer))) : null));
    }

    // ---- what it is ----

    data(job) {
        return h("section", { class: "card" }, h("h2", {}, t("job.data")), h("pre", { class: "data", tabindex: 0, translate: "no", "aria-label": t("job.data") }, said(pretty(job.Data))));
    }

    facts(job) {
        const at = (key, value) => (value ? fact(t(key), h("time", { datetime: value, title: value }, whenFully(value))) : null);
        return h("section", { class: "card" }, h("h2", {}, t("job.facts")), h("dl", { class: "facts" },
            this.hosts(job),
            fact(t("job.id"), String(job.ID)), fact(t("job.priority"), String(job.Priority)), fact(t("job.callback"), said(job.Callback)), at("job.created", job.CreatedAt), at("job.updated", job.UpdatedAt),
            at("job.notbefore", job.NotBefore), at("job.validuntil", job.ValidUntil), at("job.admitted", job.AdmittedAt), at("job.started", job.StartedAt), at("job.finished", job.FinishedAt)));
    }

    // ---- changes ----

    async act(name) {
        if (!(await act(name, this.type, this.id))) return;
        if (name === "remove") this.view.go(this.view.link.queue(this.type));
        else await this.view.now();
    }

    key(event) {
        const name = this.job && KEYS[event.key]?.find((n) => ACTIONS[n].from.includes(this.job.Status));
        if (name) this.act(name);
        return Boolean(name);
    }

    ready() {
        this.element.parentElement.focus({ preventScroll: true });
    }

    stop() {}
}
