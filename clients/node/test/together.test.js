// together.test.js - what is called in one turn of the event loop goes as arrays, and each call ends on its own.
import assert from "node:assert/strict";
import test from "node:test";
import { Client, decode, Refused } from "../index.js";
import { Engine } from "./engine.js";
import { port, refusal } from "./odd_engine.js";

const put = (client, n, options) => client.call("PutCustomer", { customer: `v${n}`, name: "Juntos" }, options);
const done = ({ id, data }) => ({ id, ok: true, position: 1, data: { customer: data.customer ?? "none", version: 1 } });

/** How many requests each message had, of a port's. */
const sizes = (heard) => heard.map((hex) => decode(Buffer.from(hex, "hex"))).map((one) => Array.isArray(one) ? one.length : 1);

/** Answers every request of a message by itself. */
const each = (answer) => (body) => Array.isArray(body) ? body.map(answer) : answer(body);

async function own(client, numbers, options) {
    const answers = await Promise.all(numbers.map((n) => put(client, n, options)));
    assert.deepEqual(answers.map((answer) => answer.data.customer), numbers.map((n) => `v${n}`));
}

const range = (count) => Array.from({ length: count }, (_, n) => n);

test("calls of one turn go together, in order", async (t) => {
    const { endpoint, heard } = await port(t, each(done)), client = new Client({ endpoint });
    t.after(() => client.close());
    await own(client, range(600));
    assert.deepEqual(sizes(heard), [256, 256, 88]);
    heard.length = 0;
    await Promise.all([put(client, 1), client.call("CheckStatus", { order: 1, wait_ms: 1 }), put(client, 2), put(client, 3)]);
    assert.deepEqual(sizes(heard), [1, 1, 2], "what may wait goes alone");
    heard.length = 0;
    const large = range(20).map((n) => client.call("PutCustomer", { customer: `v${n}`, name: "x".repeat(8000) }));
    await Promise.all(large);
    assert.ok(sizes(heard).length >= 3 && heard.every((hex) => hex.length / 2 <= 65536), `${sizes(heard)}`);
});

test("each has its own refusal, and its own later", async (t) => {
    let busy = 3;
    const { endpoint, heard } = await port(t, each((request) =>
        request.type === "OpenOrder" ? refusal(request.id, "order_not_found")
            : busy-- > 0 ? refusal(request.id, "busy", 20) : done(request)));
    const client = new Client({ endpoint });
    t.after(() => client.close());
    const opened = client.call("OpenOrder", { order: 999 }).catch((error) => error);
    await own(client, range(10));
    const refused = await opened;
    assert.ok(refused instanceof Refused && refused.code === "order_not_found");
    assert.equal(sizes(heard)[0], 11);
    assert.equal(sizes(heard).reduce((sum, size) => sum + size), 14, "three came again, and nobody else");
});

test("an array that is not answered, or refused as a whole, holds nobody up", async (t) => {
    for (const answer of [undefined, refusal(null, "malformed_message")]) {
        const { endpoint, heard } = await port(t, (body) => Array.isArray(body) ? answer : done(body));
        const client = new Client({ endpoint, patience: 200 });
        t.after(() => client.close());
        await own(client, range(10));
        assert.ok(sizes(heard).filter((size) => size === 1).length >= 10, `${sizes(heard)}`);
    }
});

test("answers to others may stand in the same array, in any order", async (t) => {
    const asked = [];
    const { endpoint } = await port(t, (body) => {
        asked.push(...[body].flat());
        return asked.length < 6 ? undefined : [null, ...asked.map(done).reverse(), { id: "nobody's", ok: true, data: {} }];
    });
    const client = new Client({ endpoint });
    t.after(() => client.close());
    const first = own(client, [1, 2, 3]);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    await Promise.all([first, own(client, [4, 5, 6])]);
});

test("a real engine that is killed amid them does each once", async (t) => {
    const engine = await Engine.start(t), client = new Client({ endpoint: engine.endpoint, patience: 500, timeout: 30000 });
    t.after(() => client.close());
    const underWay = own(client, range(3000));
    await engine.kill();
    await engine.start();
    await underWay;
    const seen = [];
    for await (const event of client.rows("ReadLog", { from: 1 }))
        if (event.type === "CustomerPut" && /^v\d+$/.test(event.data.customer)) seen.push(event.data.customer);
    assert.equal(seen.length, 3000);
    assert.equal(new Set(seen).size, 3000);
});
