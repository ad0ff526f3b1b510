// SPDX-License-Identifier: MIT
// Elements made by hand. Whatever comes from the API gets into the page as text, here and nowhere else.

/** h("button", {class: "x", onclick: fn, "aria-label": "…"}, child, …): null and false are left out, text becomes a text node. */
export function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (value === null || value === undefined || value === false) continue;
        if (typeof value === "function") element.addEventListener(name.slice(2), value);
        else if (name === "data") Object.assign(element.dataset, value);
        else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
    return element;
}

// Control characters, and those that turn the direction of what stands around them or are not seen at all.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** A stranger's text as it may be shown: what would be invisible, or would move its neighbours, is named instead. */
export function plain(text) {
    return String(text).replace(HIDDEN, (c) => `\u27e8U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`);
}

/** Text of the API: isolated, so that its direction is its own, and marked as nothing to translate. */
export function said(text, className) {
    return h("bdi", { class: className, translate: "no", dir: "auto" }, plain(text));
}

/** Fills the place anew; who had the focus keeps it where something with the same data-key is there again. */
export function fill(place, ...children) {
    const active = document.activeElement;
    const key = place.contains(active) ? active.dataset.key : null;
    place.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
    if (key) [...place.querySelectorAll("[data-key]")].find((e) => e.dataset.key === key)?.focus({ preventScroll: true });
}

/** A part of a path. Half a surrogate pair is no text, and encodeURIComponent would throw. */
export function encode(text) {
    return encodeURIComponent(text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd"));
}

export function decode(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}
