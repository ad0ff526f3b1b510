// SPDX-License-Identifier: MIT
// Keeps a page current: asks every two seconds while somebody looks and something goes on, more seldom when nothing does, not at all
// while the tab is hidden, and ever more seldom while it fails.

const BRISK = 2000, CALM = 6000; // ms
const SETTLED = 60000; // so long without news or a hand on it, and calm is enough
const LONGEST = 60000; // between tries while it fails

export class Live {
    /** look: asks once; resolves to whether there was news, rejects when it failed. say: is told {state, at, error, wait}. */
    constructor(look, say) {
        Object.assign(this, { look, say, timer: 0, failures: 0, busy: false, again: false, stopped: false, at: null, stirred: Date.now() });
        this.stir = () => (this.stirred = Date.now());
        this.shown = () => (document.hidden ? this.rest() : this.now());
        this.events = [[document, "visibilitychange", this.shown], [window, "online", this.shown]];
        for (const name of ["pointerdown", "keydown", "wheel"]) this.events.push([document, name, this.stir]);
        for (const [place, name, f] of this.events) place.addEventListener(name, f, { passive: true });
    }

    stop() {
        this.stopped = true;
        clearTimeout(this.timer);
        for (const [place, name, f] of this.events) place.removeEventListener(name, f);
    }

    rest() {
        clearTimeout(this.timer);
        this.timer = 0;
    }

    /** Asks at once, and once more if it is asking already. Resolves when there is an answer that is as new as this call. */
    now() {
        this.rest();
        if (this.busy) {
            this.again = true;
            return this.busy;
        }
        this.busy = this.ask().finally(() => (this.busy = false));
        return this.busy;
    }

    async ask() {
        let wait;
        do {
            this.again = false;
            wait = null;
            try {
                if (await this.look()) this.stir();
                if (this.stopped) return;
                this.failures = 0;
                this.at = new Date();
                this.say({ state: "live", at: this.at });
            } catch (error) {
                if (this.stopped) return;
                if (error.status === undefined) console.error(error); // a mistake of ours
                this.failures++;
                wait = this.wait(error);
                this.say({ state: "old", at: this.at, error, wait });
            }
        } while (this.again);
        if (!document.hidden && !this.stopped) this.timer = setTimeout(() => this.now(), wait ?? this.wait());
    }

    wait(error) {
        if (this.failures > 0) return Math.min(LONGEST, Math.max(BRISK * 2 ** (this.failures - 1), (error?.after ?? 0) * 1000));
        return Date.now() - this.stirred < SETTLED ? BRISK : CALM;
    }
}
