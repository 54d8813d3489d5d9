// calls.test.js - what a service does all day: commands, arrays of them, refusals, against a real engine.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import test from "node:test";
import { BadMessage, BadOption, Client, newId, Refused } from "../index.js";
import { Engine } from "./engine.js";

const care = { customer: "lopez", items: [{ plan: "care", period: "1y" }] };

test("commands and queries", async (t) => {
    const engine = await Engine.start(t), client = await Client.connect(engine.endpoint);
    t.after(() => client.close());

    await t.test("an order goes from its first command to its end", async () => {
        const { data: added } = await client.call("AddOrder", { ...care, reference: "web-1" });
        assert.equal(added.state, "draft");
        await client.call("ConfirmOrder", { order: added.order, total: added.total });
        const { data: opened, position } = await client.call("OpenOrder", { reference: "web-1" });
        assert.equal(opened.state, "completed");
        const { data: status } = await client.call("CheckStatus", { order: added.order });
        assert.equal(status.state, "completed");
        const shown = await client.call("GetOrder", { order: added.order }, { atLeast: position });
        assert.equal(shown.data.order.reference, "web-1");
        assert.ok(shown.position >= position);
    });

    await t.test("the same id again is the same answer, and done once", async () => {
        const id = newId(), head = (await client.call("AddOrder", care, { id })).position;
        assert.equal((await client.call("AddOrder", care, { id })).position, head);
        assert.equal((await client.hello({ fresh: true })).head, head);
        await assert.rejects(client.call("AddOrder", { ...care, customer: "nunez" }, { id }),
            (error) => error instanceof Refused && error.code === "id_reused" && error.class === "conflict");
    });

    await t.test("a refusal says what, where, and what is known about it", async () => {
        const items = [care.items[0], { plan: "no-such-plan", period: "1y" }];
        const refused = await client.call("AddOrder", { customer: "lopez", items }).catch((error) => error);
        assert.ok(refused instanceof Refused);
        assert.deepEqual([refused.code, refused.field, refused.class, refused.type],
            ["plan_not_found", "items[1].plan", "not_found", "AddOrder"]);
        assert.match(refused.message, /ListPlans/);
        await assert.rejects(client.call("ConfirmOrder", { reference: "web-1" }), (error) =>
            error.code === "illegal_transition" && error.details.state === "completed" && Array.isArray(error.details.allowed));
        await assert.rejects(client.call("PutCustomer", { customer: "lopez", name: "López" }, { expect: 77 }), (error) =>
            error.code === "version_conflict" && error.details.version === 1);
    });

    await t.test("options are what they say", async () => {
        const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", { head } = await client.hello({ fresh: true });
        const { data, position } = await client.call("AddOrder", care, { dryRun: true });
        assert.deepEqual([data.state, data.order, position], ["draft", undefined, undefined]);
        assert.equal((await client.hello({ fresh: true })).head, head);
        await client.call("PutReseller", { reseller: "otro", name: "Otro" });
        await client.call("PutCustomer", { customer: "x", name: "X" }, { reseller: "otro", onBehalfOf: "Ana", trace, expect: 0 });
        const events = [];
        for await (const event of client.rows("ReadLog", { from: 1 }, { reseller: "otro" })) events.push(event);
        assert.deepEqual(events.map((e) => [e.type, e.on_behalf_of, e.trace]),
            [["ResellerPut", undefined, undefined], ["CustomerPut", "Ana", trace]]);
        const theirs = new Client({ endpoint: engine.endpoint, reseller: "otro" });
        assert.equal((await theirs.call("GetCustomer", { customer: "x" })).data.customer.name, "X");
        await theirs.close();
    });

    await t.test("an array is answered one by one, in order", async () => {
        const put = (n) => ({ type: "PutCustomer", data: { customer: `c${n}`, name: `${n}` } });
        const commands = Array.from({ length: 1024 }, (_, n) => put(n));
        commands[500].data.customer = "no customer";
        const answers = await client.callAll(commands);
        assert.equal(answers.length, 1024);
        assert.deepEqual(answers.filter((a) => !a.ok).map((a) => [a instanceof Refused, a.code, a.field, a.type]),
            [[true, "invalid_field", "customer", "PutCustomer"]]);
        assert.equal(answers.findIndex((a) => !a.ok), 500);
        assert.deepEqual(answers.slice(0, 3).map((a) => a.data.customer), ["c0", "c1", "c2"]);
        const add = { type: "AddOrder", data: care, id: "twice" };
        const again = await client.callAll([add, { type: "CheckStatus", data: { order: 1 } }]), twice = await client.callAll([add]);
        assert.deepEqual(twice[0], again[0]);
        assert.equal(again[1].data.state, "completed");
    });

    await t.test("calls may run side by side", async () => {
        const names = Array.from({ length: 200 }, (_, n) => `side-${n}`);
        const put = await Promise.all(names.map((customer) => client.call("PutCustomer", { customer, name: "Ana" })));
        assert.deepEqual(put.map((a) => a.data.customer), names);
        const positions = put.map((a) => a.position);
        assert.deepEqual(positions, [...positions].sort((a, b) => a - b), "decided in the order of the calls");
        const got = await Promise.all(names.map((customer) => client.call("GetCustomer", { customer })));
        assert.deepEqual(got.map((a) => a.data.customer.customer), names);
    });

    await t.test("slips of the pen are found before anything is sent, and named", async () => {
        const head = (await client.hello({ fresh: true })).head;
        const slips = [
            [BadMessage, "type", () => client.call("AddOrders", care)],
            [BadMessage, "type", () => client.call("constructor", {})],
            [BadMessage, "type", () => client.call("WorkerReady", {})],
            [BadMessage, "data", () => client.call("AddOrder", [])],
            [BadMessage, "id", () => client.call("AddOrder", care, { id: "" })],
            [BadMessage, "data.items[0].quantity", () => client.call("AddOrder", { items: [{ quantity: 1.5 }] })],
            [BadMessage, "data.customer", () => client.call("AddOrder", { customer: null })],
            [BadMessage, "data.items", () => client.call("AddOrder", { items: new Set() })],
            [BadMessage, "message", () => client.call("AddOrder", { customer: "x".repeat(2 ** 20) })],
            [BadOption, "dry_run", () => client.call("AddOrder", care, { dry_run: true })],
            [BadMessage, "commands", () => client.callAll([])],
            [BadMessage, "commands", () => client.callAll(Array(1025).fill({ type: "AddOrder", data: care }))],
            [BadMessage, "commands[0]", () => client.callAll([{ type: "ListOrders" }])],
            [BadMessage, "commands[1].id", () => client.callAll([{ type: "Hello", id: "a" }, { type: "Hello", id: "a" }])],
            [BadMessage, "type", async () => { for await (const row of client.rows("GetOrder", { order: 1 })) assert.fail(row); }],
        ];
        for (const [kind, field, slip] of slips)
            await assert.rejects(slip, (error) => error instanceof kind && error.field === field, `${field}`);
        const same = () => client.call("Hello", {}, { id: "b" }), [first, second] = await Promise.allSettled([same(), same()]);
        assert.deepEqual([first.status, second.reason?.field], ["fulfilled", "id"]);
        assert.equal((await client.hello({ fresh: true })).head, head);
        assert.throws(() => new Client({ endpoint: "x", time_out: 1 }), (error) => error.field === "time_out");
        await assert.rejects(Client.connect("no endpoint"), (error) => error.code === "bad_endpoint");
    });

    await t.test("a caller may stop waiting", async () => {
        const order = (await client.call("AddOrder", care)).data.order, stop = new AbortController();
        const waiting = client.call("CheckStatus", { order, wait_ms: 60000 }, { signal: stop.signal });
        for (let n = 0; n < 20; n++) await client.call("Hello", {}, { signal: stop.signal });
        assert.equal(getEventListeners(stop.signal, "abort").length, 1, "only of the one that waits");
        setTimeout(() => stop.abort(new Error("enough")), 100);
        await assert.rejects(waiting, /enough/);
        await assert.rejects(client.call("Hello", {}, { signal: AbortSignal.abort(new Error("before")) }), /before/);
        const held = client.call("CheckStatus", { order, wait_ms: 3000 });
        await client.call("ConfirmOrder", { order });
        assert.equal((await held).data.state, "new", "the answer that was held comes when there is something to say");
    });
});
