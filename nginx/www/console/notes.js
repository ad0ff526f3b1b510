// SPDX-License-Identifier: MIT
// What the console says to who works with it: short notes that can be undone, and questions before what cannot.
import { h, said } from "./dom.js";
import { failure } from "./parts.js";
import { t } from "./words.js";

const STAYS = 15000; // ms
let undoable = null; // of the newest note that can be undone

const place = () => document.getElementById("toasts");

function note(className, content, button) {
    const box = h("div", { class: `toast ${className}` }, h("span", {}, ...content), button,
        h("button", { type: "button", class: "quiet", "aria-label": t("close"), onclick: () => box.remove() }, "×"));
    while (place().childElementCount > 2) place().firstChild.remove();
    place().append(box);
    // It goes by itself, but not from under a hand or the focus.
    const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, STAYS) : box.remove());
    setTimeout(leave, STAYS);
    return box;
}

/** The sentence of a key with {id} in it: the id is a stranger's text. */
export function sentence(key, id, values = {}) {
    const [before, after] = t(key, { ...values, id: "\u0000" }).split("\u0000");
    return after === undefined ? [before] : [before, said(id), after];
}

export function fail(error) {
    note("bad", failure(error));
}

/** What was done before the last change is not undone any more: the buttons go. */
function settle() {
    for (const button of place().querySelectorAll(".good > button:not(.quiet)")) button.remove();
}

/** Says what was done. `undo` does the opposite; without it there is no way back. `cost`: the word for what it does not bring back. */
export function done(key, id, undo, cost) {
    settle();
    undoable = undo ? { undo, cost } : null;
    const run = async () => {
        box.remove();
        await undoLast();
    };
    const box = note("good", sentence(key, id), undo && h("button", { type: "button", onclick: run }, t("do.undo")));
}

export async function undoLast() {
    const last = undoable;
    undoable = null;
    settle();
    if (!last) return note("", [t("did.nothing")]);
    try {
        await last.undo();
        note("", [t("did.undo"), ...(last.cost ? [" ", t(last.cost)] : [])]);
        document.dispatchEvent(new Event("changed"));
    } catch (error) {
        fail(error);
    }
}

export const say = (key) => note("", [t(key)]);

/** A dialog with this content; resolves to the value of the button that closed it, "" for none. */
export function dialog(className, title, ...content) {
    return new Promise((resolve) => {
        const box = h("dialog", { class: className, "aria-labelledby": "dialog-title" },
            h("form", { method: "dialog" }, h("h2", { id: "dialog-title" }, ...title), ...content));
        box.addEventListener("close", () => {
            box.remove();
            resolve(box.returnValue);
        });
        box.addEventListener("click", (event) => event.target === box && box.close(""));
        document.body.append(box);
        box.showModal();
    });
}

/** Asks before what cannot be undone. The focus is on the way back. */
export async function confirm(key, id, verb, more) {
    const answer = await dialog("ask", sentence(key, id), h("p", {}, more ? [...more, " "] : null, t("ask.undone")),
        h("div", { class: "buttons" }, h("button", { value: "", autofocus: true }, t("ask.keep")), h("button", { value: "do", class: "danger" }, t(verb))));
    return answer === "do";
}
