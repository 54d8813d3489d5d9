// leaving.test.js - after close() nothing keeps a program alive, and nothing it no longer waits for ends it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test from "node:test";
import { promisify } from "node:util";
import { Client, Subscriber } from "../index.js";
import { Engine } from "./engine.js";

const run = promisify(execFile);
const NOBODY = "ipc:///tmp/pedido-nobody-is-here";
const index = new URL("../index.js", import.meta.url).href;

/** A program of its own; how long it took from when it says `closed` until it ended. Rejected when its exit status is not 0. */
async function program(endpoint, text) {
    const code = `import { Client, Subscriber } from ${JSON.stringify(index)};
        const endpoint = ${JSON.stringify(endpoint)}, sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        ${text}
        console.log(Date.now());`;
    const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", code], { timeout: 15000 });
    assert.equal(stderr, "");
    return Date.now() - Number(stdout.trim().split("\n").at(-1));
}

const STORIES = {
    "calls that nobody waits for": `const client = new Client(endpoint);
        client.call("PutCustomer", { customer: "a", name: "A" }); client.call("ListOrders"); client.callAll([{ type: "Hello" }]);
        client.hello();
        await sleep(100); await client.close();`,
    "a client that was connected": `const client = await Client.connect(endpoint);
        await client.call("ListOrders"); await client.close(); await client.close();`,
    "a call after the end": `const client = new Client(endpoint); await client.close();
        await client.call("Hello").catch((error) => { if (error.code !== "closed") throw error; });`,
    "an answer that is held": `const client = await Client.connect(endpoint);
        const { data } = await client.call("AddOrder", { customer: "lopez", items: [{ plan: "care", period: "1y" }] });
        client.call("CheckStatus", { order: data.order, wait_ms: 60000 }); await sleep(50); await client.close();`,
    "a loop that waits": `const client = await Client.connect(endpoint), loop = (async () => {
            for await (const event of new Subscriber(client)) console.log(event); })();
        await sleep(300); await client.close(); await loop;`,
    "subscribers of every kind": `const client = await Client.connect(endpoint), place = { async load() {}, async save() {} };
        for (const kind of [{ name: "leaving" }, { store: place }, { all: true }, { from: 1 }])
            await new Subscriber(client, { from: "beginning", ...kind }).next();
        new Subscriber(client).next(); new Subscriber(client, { name: "never" });
        await client.close();`,
    "a signal": `const client = await Client.connect(endpoint), stop = new AbortController();
        const next = new Subscriber(client, { signal: stop.signal }).next();
        const call = client.call("CheckStatus", { order: 1, wait_ms: 60000 }, { signal: stop.signal });
        stop.abort(); await Promise.allSettled([next, call]); await client.close();`,
};

test("a program ends when its client is closed", async (t) => {
    const engine = await Engine.start(t);
    for (const [name, text] of Object.entries(STORIES))
        await t.test(name, async () => assert.ok((await program(engine.endpoint, text)) < 1000));
    for (const name of ["calls that nobody waits for", "a call after the end"])
        await t.test(`${name}, without an engine`, async () => assert.ok((await program(NOBODY, STORIES[name])) < 1000));
    await t.test("a subscriber that never began, without an engine", async () => {
        const client = new Client(NOBODY), begun = performance.now();
        new Subscriber(client, { name: "never" });
        await client.close();
        assert.ok(performance.now() - begun < 500);
    });
    await t.test("an engine that was killed under a name", async () => {
        const took = await program(engine.endpoint, `const client = await Client.connect(endpoint);
            const subscriber = new Subscriber(client, { name: "left", from: "beginning" });
            for await (const event of subscriber) if (event.position === 5) break;
            process.kill(${await engine.pid()}, "SIGKILL");
            const begun = Date.now(); await client.close();
            if (Date.now() - begun > 5000) throw new Error("closing took too long");`);
        assert.ok(took < 1000);
    });
});
