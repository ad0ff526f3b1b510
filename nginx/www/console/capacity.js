// SPDX-License-Identifier: MIT
// A queue's capacity: pools with numbers, hosts as bars of what is used, held and free.
import { get, path } from "./api.js";
import { fill, h, said } from "./dom.js";
import { fact, failure, since } from "./parts.js";
import { count, t } from "./words.js";

const AT_ONCE = 60; // hosts

/** A bar: used, held, the rest free. The numbers stand beside it, so it is decoration. */
function bar({ Total, Used, Held }) {
    const part = (n) => (Total > 0 ? Math.max(0, Math.min(100, (100 * n) / Total)) : 0);
    const piece = (className, n) => {
        const e = h("i", { class: className });
        e.style.width = `${part(n)}%`;
        return e;
    };
    return h("span", { class: "bar", "aria-hidden": "true" }, piece("used", Used), piece("held", Held));
}

function resource([name, r]) {
    return h("div", { class: "resource" }, h("span", { class: "resource-name" }, said(name)), bar(r),
        h("span", { class: "numbers" }, h("b", { class: "free" }, count(r.Free)), " ", t("capacity.free"), h("small", {}, ` ${t("capacity.of", { n: r.Total })}`,
            r.Used ? ` · ${t("capacity.used")} ${count(r.Used)}` : "", r.Held ? ` · ${t("capacity.held")} ${count(r.Held)}` : "")));
}

const resources = ({ Resources }) => h("div", { class: "resources" }, Object.entries(Resources).map(resource));

export class Capacity {
    constructor(type, place) {
        Object.assign(this, { type, place, shown: false, most: AT_ONCE, words: "" });
        place.append(h("p", { class: "wait" }, t("reading")));
    }

    /** It has a tag of its own: what other queues hold of it changes without the queue's own numbers. */
    async look() {
        try {
            const { data, changed } = await get(path.capacity(this.type));
            if (!changed && this.shown) return false;
            this.data = data;
        } catch (error) {
            if (error.status !== 403) throw error;
            fill(this.place, h("p", { class: "wait" }, failure(error)));
            this.shown = true;
            return false;
        }
        this.shown = true;
        this.show();
        return true;
    }

    show() {
        const d = this.data;
        if (d.Source === "none") return fill(this.place, h("p", { class: "wait" }, t("capacity.none")));
        this.hosts = h("div", { class: "hosts" });
        this.said = h("p", { class: "status", role: "status" });
        const input = h("input", { id: "find-host", value: this.words, autocomplete: "off", data: { key: "find-host" }, oninput: () => {
            this.words = input.value;
            this.most = AT_ONCE;
            this.showHosts();
        } });
        fill(this.place, d.Error ? h("p", { class: "banner" }, t("source.error"), ": ", said(d.Error)) : null,
            h("dl", { class: "facts strip" }, fact(t("capacity.read"), d.ReadAt ? since(d.ReadAt) : t("never")), d.About ? fact(t("capacity.about"), said(d.About)) : null),
            h("div", { class: "key", "aria-hidden": "true" }, ["used", "held", "free"].map((w) => h("span", {}, h("i", { class: w }), t(`capacity.${w}`)))),
            h("h2", {}, t("capacity.pools")), h("div", { class: "pools" }, d.Pools.map((p) => this.pool(p))),
            h("h2", {}, t("capacity.hosts")), h("div", { class: "tools-row" }, h("div", { class: "find" }, h("label", { for: "find-host" }, t("capacity.find")), input)), this.hosts, this.said);
        this.showHosts();
    }

    pool(p) {
        const serves = p.Open ? t("capacity.open") : t("capacity.projects", { n: p.Projects.length });
        return h("article", { class: "card" }, h("h3", {}, said(p.Name)), h("p", { class: "about" }, serves, p.Unread ? h("span", { class: "bad" }, " · ", t("capacity.unreadhosts", { n: p.Unread })) : null),
            resources(p));
    }

    showHosts() {
        const words = this.words.trim().toLowerCase();
        const found = this.data.Hosts.filter((x) => [x.Name, ...x.Pools].some((n) => n.toLowerCase().includes(words)));
        const shown = found.slice(0, this.most);
        fill(this.hosts, shown.map((x) => h("article", { class: "card host" }, h("h3", {}, said(x.Name)), h("p", { class: "about" }, x.Pools.map((p) => [said(p), " "])), resources(x))));
        const left = found.length - shown.length;
        fill(this.said, t("capacity.shown", { n: shown.length, all: found.length }), " ", left > 0 ? h("button", { type: "button", data: { key: "more" }, onclick: () => {
            this.most += AT_ONCE;
            this.showHosts();
        } }, t("capacity.more", { n: Math.min(AT_ONCE, left) })) : null);
    }
}
