// SPDX-License-Identifier: MIT
// The language: which one, and its words, numbers and times.
import en from "./words_en.js";
import zh from "./words_zh.js";

const KEY = "anteroom.language";
export const TABLES = { en, "zh-Hant": zh };

function choose() {
    const kept = localStorage.getItem(KEY);
    if (kept in TABLES) return kept;
    const first = (navigator.languages ?? [navigator.language]).find((l) => /^(en|zh)\b/i.test(l));
    return first && /^zh/i.test(first) ? "zh-Hant" : "en";
}

let language = choose();

export const languages = {
    get: () => language,
    other() {
        language = language === "en" ? "zh-Hant" : "en";
        localStorage.setItem(KEY, language);
        use();
    },
};

let number, clock, day;

function use() {
    document.documentElement.lang = language;
    const locale = language === "en" ? (navigator.language.startsWith("en") ? navigator.language : "en") : "zh-Hant-TW";
    number = new Intl.NumberFormat(locale);
    clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    day = new Intl.DateTimeFormat(locale, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
        hourCycle: "h23" });
}
use();

/** The words of a key, with {names} replaced. Of "one|many" the one that {n} asks for. */
export function t(key, values = {}) {
    let text = TABLES[language][key];
    if (text === undefined) throw new Error(`no words for ${key}`);
    const forms = text.split("|");
    if (forms.length > 1) text = forms[values.n === 1 ? 0 : 1];
    return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? count(values[name]) : values[name]));
}

export const has = (key) => key in TABLES[language];

export const count = (n) => number.format(n);

/** RFC 3339 with nine digits, as the API writes it, in milliseconds. */
export const time = (text) => Date.parse(text.replace(/(\.\d{3})\d+/, "$1"));

/** A time of today by the clock, any other with its day. */
export function when(text) {
    const at = text instanceof Date ? text : new Date(time(text));
    return (at.toDateString() === new Date().toDateString() ? clock : day).format(at);
}

let skew = 0;

/** The server's clock is the one that counts: ages are of its times. */
export function setClock(header) {
    const off = Date.parse(header) - Date.now();
    skew = Math.abs(off) > 3000 ? off : 0;
}

/** The day too, whichever it is. */
export const whenFully = (text) => day.format(new Date(time(text)));

const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

/** So many milliseconds, in one unit, or in two where the first is small. */
export function span(ms) {
    const s = Math.max(0, Math.round(ms / 1000));
    const i = UNITS.findIndex(([, size]) => s >= size);
    if (i < 0) return t("unit.s", { n: 0 });
    const [unit, size] = UNITS[i];
    const first = t(`unit.${unit}`, { n: Math.floor(s / size) });
    const rest = i + 1 < UNITS.length ? Math.floor((s % size) / UNITS[i + 1][1]) : 0;
    return rest > 0 && s / size < 10 && unit !== "min" ? `${first} ${t(`unit.${UNITS[i + 1][0]}`, { n: rest })}` : first;
}

/** Milliseconds from then to now. */
export const past = (then) => Date.now() + skew - then;

export function ago(then) {
    const ms = past(then);
    if (ms < -1500) return t("in", { time: span(-ms) });
    return ms < 1500 ? t("ago.now") : t("ago", { time: span(ms) });
}
