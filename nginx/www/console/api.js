// SPDX-License-Identifier: MIT
// Talks to the API: the token, conditional requests, and errors as they were said.
import { encode } from "./dom.js";
import { setClock } from "./words.js";

const BASE = new URL(".", document.baseURI);
const TOKEN = "anteroom.token";
const KEEP = 64; // answers that are remembered with their tags
const PATIENCE = 30000; // ms until a request counts as failed

const known = new Map(); // path -> {etag, answer}

/** What the API refused, or that it did not answer at all (status 0). */
export class Refusal extends Error {
    constructor(status, code, message, after) {
        super(message);
        Object.assign(this, { status, code, after });
    }
}

export const token = {
    get: () => sessionStorage.getItem(TOKEN),
    set(text) {
        known.clear();
        if (text) sessionStorage.setItem(TOKEN, text);
        else sessionStorage.removeItem(TOKEN);
    },
};

export const path = {
    queues: (after) => (after === null ? "queues/" : `queues/?${new URLSearchParams({ after })}`),
    queue: (type) => `queues/${encode(type)}`,
    capacity: (type) => `queues/${encode(type)}/capacity`,
    list: (type, query) => `v1/${encode(type)}/?${new URLSearchParams(query)}`,
    job: (type, id) => `v1/${encode(type)}/${encode(id)}`,
    of: (type, id, what) => `v1/${encode(type)}/${encode(id)}/${what}`,
};

async function send(method, where, headers, body) {
    const mine = token.get();
    if (mine) headers.Authorization = `Bearer ${mine}`;
    try {
        const response = await fetch(new URL(where, BASE), {
            method, headers, body, cache: "no-store", credentials: "same-origin", redirect: "error", signal: AbortSignal.timeout(PATIENCE),
        });
        if (response.headers.has("Date")) setClock(response.headers.get("Date"));
        return response;
    } catch {
        throw new Refusal(0, "unreachable", "");
    }
}

async function read(response) {
    let json;
    try {
        json = await response.json();
    } catch {
        throw new Refusal(response.ok ? 0 : response.status, "unreadable", "");
    }
    if (response.ok && json.ok === true) return json;
    const more = (json.errors ?? []).map((e) => `${e.pointer}: ${e.detail}`).join("; ");
    const text = more && !json.error.includes(more) ? `${json.error} (${more})` : json.error;
    throw new Refusal(response.status, json.code ?? "", text ?? "", Number(response.headers.get("Retry-After")) || 0);
}

/** Reads: {data, next, etag, changed}. What was read before and has not changed costs a 304 and comes from memory. */
export async function get(where) {
    const before = known.get(where);
    known.delete(where); // after a failure the next answer is news, as what was asked beside it may have been
    const response = await send("GET", where, before ? { "If-None-Match": before.etag } : {});
    if (response.status === 304 && before) {
        known.set(where, before);
        return { ...before.answer, changed: false };
    }
    const json = await read(response);
    const etag = response.headers.get("ETag");
    const answer = { data: json.data, next: json.next ?? null, etag };
    if (etag) known.set(where, { etag, answer });
    if (known.size > KEEP) known.delete(known.keys().next().value);
    return { ...answer, changed: true };
}

/** Changes: the data of the answer. `etag`: only if it still is as that says. */
export async function change(method, where, body, etag) {
    const headers = etag ? { "If-Match": etag } : {};
    if (body) headers["Content-Type"] = "application/json";
    return (await read(await send(method, where, headers, body && JSON.stringify(body)))).data;
}
