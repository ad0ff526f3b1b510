// SPDX-License-Identifier: MIT
// What can be done with a job, and the way back from it.
import { change, get, path, Refusal } from "./api.js";
import { badge } from "./parts.js";
import { confirm, done, fail } from "./notes.js";

/** from: the states it is offered in. becomes: the status that is set. back: the status that undoes it; without: it is asked before.
    cost: what the way back does not bring back. */
export const ACTIONS = {
    hold: { from: ["queued"], becomes: "held", back: "queued", cost: "did.wait" },
    resume: { from: ["held"], becomes: "queued", back: "held" },
    retry: { from: ["failed"], becomes: "queued", ask: false },
    resend: { from: ["admitted", "running"] },
    finish: { from: ["running"], becomes: "finished" },
    return: { from: ["admitted", "running"], becomes: "queued" },
    cancel: { from: ["queued", "held", "admitted"], becomes: "cancelled", danger: true },
    remove: { from: ["queued", "held", "admitted", "running", "finished", "failed", "cancelled", "expired"], danger: true },
};

export const offered = (status) => Object.keys(ACTIONS).filter((name) => ACTIONS[name].from.includes(status));

function carryOut(name, type, id, etag) {
    if (name === "resend") return change("POST", path.of(type, id, "deliveries"), null, etag);
    if (name === "remove") return change("DELETE", path.job(type, id), null, etag);
    return change("POST", path.job(type, id), { status: ACTIONS[name].becomes }, etag);
}

/** Only what was seen is done: if the job is in another state by now, the service says 412. Its reason may have changed. */
async function asSeen(type, id, seen, carry) {
    for (let tries = 0; ; tries++) {
        try {
            return await carry(seen.etag);
        } catch (error) {
            if (error.status !== 412 || tries === 3) throw error;
            const now = await get(path.job(type, id));
            if (now.data.Status !== seen.data.Status || now.data.ID !== seen.data.ID) throw error;
            seen = now;
        }
    }
}

/** The job as it is, if it still is in one of those states: who runs by now is not to wait again. */
async function look(type, id, states, number) {
    const seen = await get(path.job(type, id));
    if (!states.includes(seen.data.Status) || (number && seen.data.ID !== number)) throw new Refusal(412, "precondition_failed", "");
    return seen;
}

async function undo(name, type, id, number) {
    const { becomes, back } = ACTIONS[name];
    const seen = await look(type, id, [becomes], number);
    await asSeen(type, id, seen, (etag) => change("POST", path.job(type, id), { status: back }, etag));
}

/** Does it, after a question where there is no way back, and says so. True when it is done. */
export async function act(name, type, id) {
    const { back, ask, danger, from, cost } = ACTIONS[name];
    try {
        const asks = !back && ask !== false;
        const seen = asks ? await get(path.job(type, id)) : await look(type, id, from);
        if (asks && !(await confirm(`ask.${name}`, id, `do.${name}`, [badge(seen.data.Status)], danger))) return false;
        await asSeen(type, id, seen, (etag) => carryOut(name, type, id, etag));
        done(`did.${name}`, id, back && (() => undo(name, type, id, seen.data.ID)), cost);
        return true;
    } catch (error) {
        fail(error);
        return false;
    }
}

/** Moves a job. `home`: the change that puts it back. */
export async function move(type, id, where, home) {
    try {
        await change("POST", path.job(type, id), { move: where });
        done("did.move", id, home && (() => change("POST", path.job(type, id), home)));
        return true;
    } catch (error) {
        fail(error);
        return false;
    }
}

export async function pause(type, paused) {
    const set = (value) => change("POST", path.queue(type), { paused: value });
    try {
        await set(paused);
        done(paused ? "did.pause" : "did.continue", type, () => set(!paused));
        return true;
    } catch (error) {
        fail(error);
        return false;
    }
}
