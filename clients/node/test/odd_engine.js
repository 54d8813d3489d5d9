// odd_engine.js - ports that behave as they are told: what a real engine does seldom, or never.
import { mkdtempSync, rmSync } from "node:fs";
import { encode } from "@msgpack/msgpack";
import { Router } from "zeromq";
import { decode } from "../index.js";

/** An endpoint that is gone when the test is over, with what was bound to it. */
export function endpointFor(t, socket) {
    const folder = mkdtempSync("/tmp/pedido-node-");
    t.after(() => {
        socket.close();
        rmSync(folder, { recursive: true });
    });
    return `ipc://${folder}/s`;
}

export const refusal = (id, code, ms) => ({ id, ok: false, error: { code, message: code, ...(ms && { retry_after_ms: ms }) } });

/** Answers what answer(request, how many came) gives, a value or bytes; nothing when that is undefined. */
export async function port(t, answer) {
    const router = new Router({ linger: 0 }), endpoint = endpointFor(t, router), heard = [], sockets = [];
    await router.bind(endpoint);
    (async () => {
        for await (const frames of router) {
            heard.push(frames.at(-1).toString("hex"));
            sockets.push(frames[0].toString("hex"));
            const said = answer(decode(frames.at(-1)), heard.length);
            if (said !== undefined) await router.send([...frames.slice(0, -1), said instanceof Uint8Array ? said : encode(said)]);
        }
    })().catch((error) => !router.closed && t.diagnostic(error.message));
    return { endpoint, heard, sockets };
}
