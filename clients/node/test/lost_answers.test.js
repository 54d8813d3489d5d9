// lost_answers.test.js - an engine that is killed, that says later, that is not there: a call is answered in its time, or says that
// nobody knows.
import assert from "node:assert/strict";
import test from "node:test";
import { encode } from "@msgpack/msgpack";
import { Client, NoAnswer, Refused } from "../index.js";
import { Engine, sleep } from "./engine.js";
import { port, refusal } from "./odd_engine.js";

test("commands are carried out once each, however often the engine is killed", async (t) => {
    const engine = await Engine.start(t), said = [];
    const client = new Client({ endpoint: engine.endpoint, patience: 500, talk: (line) => said.push(line) });
    t.after(() => client.close());
    let killing = true;
    const kills = (async () => {
        for (let n = 0; n < 6; n++) {
            await sleep(150);
            await engine.kill();
            await engine.start();
        }
        killing = false;
    })();
    const orders = [];
    while (killing) {
        const added = await Promise.all(Array.from({ length: 20 }, () =>
            client.call("AddOrder", { customer: "lopez", items: [{ plan: "care", period: "1y" }] }, { timeout: 15000 })));
        orders.push(...added.map((answer) => answer.data.order));
    }
    await kills;
    assert.ok(said.length > 0, "some were sent again");
    assert.ok(orders.length >= 100, `${orders.length}`);
    assert.deepEqual([...orders].sort((a, b) => a - b), orders.map((_, n) => n + 1), "each made one order, and no other was made");
    let listed = 0;
    for await (const order of client.rows("ListOrders", {}, { limit: 1000 })) assert.equal(order.order, ++listed);
    assert.equal(listed, orders.length);
    assert.equal((await client.call("GetOrder", { order: 1 })).data.order.order, 1, "queries find the new engine, too");
});

test("an engine that is not there yet is waited for", async (t) => {
    const engine = await Engine.start(t);
    await engine.stop();
    const client = new Client({ endpoint: engine.endpoint, patience: 300 });
    t.after(() => client.close());
    const asked = client.call("ListPlans");
    await sleep(700);
    await engine.start();
    assert.ok((await asked).data.plans.length > 0);
});

test("a call ends with its time, and says how to ask again", async () => {
    const client = new Client({ endpoint: "ipc:///tmp/pedido-nobody-is-here", patience: 200 });
    const begun = performance.now();
    const error = await client.call("Hello", {}, { id: "my-id", timeout: 1000 }).catch((e) => e);
    assert.ok(error instanceof NoAnswer, `${error}`);
    assert.equal(error.id, "my-id");
    assert.ok(error.sent > 1, `${error.sent}`);
    const took = performance.now() - begun;
    assert.ok(took > 900 && took < 1500, `${took}`);
    await assert.rejects(client.call("ListOrders", {}, { timeout: 300 }), NoAnswer);
    await assert.rejects(client.callAll([{ type: "Hello" }], { timeout: 300 }), NoAnswer);
    await client.close();
});

test("what is refused for a while is sent again, the same bytes, when it was told", async (t) => {
    const codes = [["busy", 300], ["storage_full"], ["shutting_down"]];
    const { endpoint, heard } = await port(t, ({ id }, n) =>
        n <= codes.length ? refusal(id, ...codes[n - 1]) : { id, ok: true, data: { done: n } });
    const client = new Client({ endpoint }), begun = performance.now();
    t.after(() => client.close());
    assert.equal((await client.call("PutCustomer", { customer: "a", name: "A" })).data.done, 4);
    const took = performance.now() - begun;
    assert.ok(took >= 490 && took < 2000, `300 + 100 + 100 ms: ${took}`);
    assert.equal(new Set(heard).size, 1);
});

test("but not for longer than the call may take", async (t) => {
    const { endpoint, heard } = await port(t, ({ id }) => refusal(id, "busy", 400));
    const client = new Client({ endpoint });
    t.after(() => client.close());
    const error = await client.call("Hello", {}, { timeout: 1000 }).catch((e) => e);
    assert.ok(error instanceof Refused);
    assert.deepEqual([error.code, error.retryAfterMs, error.class, heard.length], ["busy", 400, "unavailable", 3]);
});

test("a socket that is silent is left for a new one, with all that waits on it", async (t) => {
    const { endpoint, heard, sockets } = await port(t, ({ id }, n) => (n > 2 ? { id, ok: true, data: {} } : undefined));
    const client = new Client({ endpoint, patience: 300 }), begun = performance.now();
    t.after(() => client.close());
    const patient = client.call("CheckStatus", { order: 1, wait_ms: 60000 });
    await Promise.all([patient, client.call("PutCustomer", { customer: "a", name: "A" })]);
    assert.ok(performance.now() - begun < 2000);
    assert.equal(sockets[0], sockets[1]);
    assert.ok(sockets.slice(2).every((socket) => socket !== sockets[0]));
    assert.equal(new Set(heard).size, 2);
});

test("one that is heard is kept, whatever is lost on it", async (t) => {
    const { endpoint, sockets } = await port(t, ({ id, type }, n) =>
        (type !== "PutPlan" || n > 12 ? { id, ok: true, data: {} } : undefined));
    const client = new Client({ endpoint, patience: 300 });
    t.after(() => client.close());
    const lost = client.call("PutPlan", {});
    for (let n = 0; n < 20; n++) {
        await client.call("PutCustomer", { customer: "a", name: "A" });
        await sleep(50);
    }
    await lost;
    assert.equal(new Set(sockets).size, 1);
});

test("an array is sent again as long as one of it is refused for a while", async (t) => {
    const { endpoint, heard } = await port(t, (array, n) =>
        array.map(({ id }, i) => (n === 1 && i === 1 ? refusal(id, "busy", 50) : { id, ok: true, data: { i } })));
    const client = new Client({ endpoint });
    t.after(() => client.close());
    const answers = await client.callAll([0, 1, 2].map((n) => ({ type: "PutCustomer", data: { customer: `c${n}`, name: "C" } })));
    assert.deepEqual(answers.map((a) => a.data.i), [0, 1, 2]);
    assert.deepEqual([heard.length, new Set(heard).size], [2, 1]);
});

test("answers without an id, of others, or that are none", async (t) => {
    const odd = [Buffer.from("c1", "hex"), Buffer.from("93", "hex"), encode({ id: "another's", ok: true, data: {} }), encode("ok")];
    const { endpoint, heard } = await port(t, ({ id, type }) => {
        if (type === "AddOrder") return refusal(null, "malformed_message");
        if (type === "PutPlan") return { id };
        return odd.shift() ?? { id, ok: true, data: {} };
    });
    const client = new Client({ endpoint, patience: 100 });
    t.after(() => client.close());
    await assert.rejects(client.call("AddOrder", {}), (e) => e.code === "malformed_message" && e.id === null);
    await assert.rejects(client.call("PutPlan", {}), (e) => e.code === "bad_answer");
    assert.equal((await client.call("PutCustomer", { customer: "a", name: "A" })).ok, true);
    assert.equal(heard.length, 2 + 5);
    await assert.rejects(client.hello(), (e) => e.code === "bad_answer");
    await assert.rejects(client.call("ListOrders"), (e) => e.code === "bad_answer");
});
