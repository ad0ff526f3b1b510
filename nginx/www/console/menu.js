// SPDX-License-Identifier: MIT
// What can be done with one job, as a menu at its row.
import { h, said } from "./dom.js";
import { t } from "./words.js";

const KEYS = { up: "Alt+↑", down: "Alt+↓", front: "Alt+Home", back: "Alt+End", hold: "h", resume: "h", retry: "h", cancel: "c", remove: "Del", resend: "s", open: "Enter" };

/** Resolves to the name that was chosen, "" for none. */
export function menu(id, names, dangerous, at) {
    return new Promise((resolve) => {
        const items = names.map((name) => h("button", { type: "button", role: "menuitem", class: dangerous(name) ? "danger" : null, onclick: () => box.close(name) },
            t(`do.${name}`), KEYS[name] ? h("kbd", { "aria-hidden": "true", translate: "no" }, KEYS[name]) : null));
        const box = h("dialog", { class: "menu", "aria-label": t("line.actions", { id }) }, h("div", { class: "menu-title" }, said(id)), h("div", { role: "menu" }, items));
        box.addEventListener("keydown", (event) => {
            const i = items.indexOf(document.activeElement), n = items.length;
            const goal = { ArrowDown: i + 1, ArrowUp: i - 1 + n, Home: 0, End: n - 1 }[event.key];
            if (goal === undefined) return;
            event.preventDefault();
            items[goal % n].focus();
        });
        box.addEventListener("click", (event) => event.target === box && box.close(""));
        box.addEventListener("close", () => {
            box.remove();
            resolve(box.returnValue);
        });
        document.body.append(box);
        box.showModal();
        if (at) place(box, at);
        items[0].focus();
    });
}

/** Beside the row, within the window. */
function place(box, at) {
    const { width, height } = box.getBoundingClientRect();
    box.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
    box.style.top = `${Math.max(8, Math.min(at.bottom, innerHeight - height - 8))}px`;
}
