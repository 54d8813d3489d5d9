// follow.test.js - every event once and in order, whatever the stream loses: small queues, slow programs, an engine that is killed.
import assert from "node:assert/strict";
import test from "node:test";
import { XPublisher } from "zeromq";
import { Client, encode, Subscriber } from "../index.js";
import { Engine, sleep } from "./engine.js";
import { endpointFor, port } from "./odd_engine.js";

/** The log as it is, to be compared with. */
async function logOf(client, data = {}) {
    const events = [];
    for await (const event of client.rows("ReadLog", { from: 1, ...data }, { limit: 1000 })) events.push(event);
    return events;
}

const upTo = async (subscriber, position, then = () => {}) => {
    const seen = [];
    for await (const event of subscriber) {
        seen.push(event);
        await then(event);
        if (event.position >= position) return seen;
    }
    return seen;
};

test("from the beginning, through to what happens meanwhile", async (t) => {
    const engine = await Engine.start(t), client = await Client.connect(engine.endpoint);
    t.after(() => client.close());
    await engine.write(2500, "before"); // more than two pages
    const { head } = await client.hello({ fresh: true }), subscriber = new Subscriber(client, { from: "beginning" });
    const following = upTo(subscriber, head + 1000);
    await engine.write(1000, "meanwhile");
    const seen = await following, log = await logOf(client), { log: id } = await client.hello();
    assert.deepEqual(seen, log.map((event) => ({ ...event, log: id })));
    assert.deepEqual([subscriber.position, subscriber.head, subscriber.log], [head + 1000, head + 1000, id]);
});

test("from now on, from a position, of one reseller or of all", async (t) => {
    const engine = await Engine.start(t), client = await Client.connect(engine.endpoint);
    t.after(() => client.close());
    await client.call("PutReseller", { reseller: "default2", name: "Otro" });
    const { head } = await client.hello({ fresh: true });
    const now = new Subscriber(client), fifth = new Subscriber(client, { from: 5 });
    const all = new Subscriber(client, { all: true, from: "beginning" });
    const theirs = new Subscriber(client, { reseller: "default2", from: 1 });
    const first = now.next();
    while (now.position === undefined) await sleep(20); // a heartbeat was heard
    assert.equal(now.position, head);
    await client.call("PutCustomer", { customer: "x", name: "X" }, { reseller: "default2" });
    await client.call("PutCustomer", { customer: "y", name: "Y" });
    const { value } = await first;
    assert.deepEqual([value.position, value.type, value.data.customer], [head + 1, "CustomerPut", "y"]);
    assert.deepEqual((await upTo(fifth, head + 1)).map((e) => e.position), Array.from({ length: head - 3 }, (_, n) => n + 5));
    assert.deepEqual((await upTo(theirs, 2)).map((e) => e.type), ["ResellerPut", "CustomerPut"]);
    const log = await logOf(client, { all: true }), seen = await upTo(all, log.at(-1).position);
    assert.deepEqual(seen.map((e) => [e.position, e.reseller, e.type]), log.map((e) => [e.position, e.reseller, e.type]));
});

test("a queue of ten, a slow program and an engine that is killed lose nothing", async (t) => {
    const engine = await Engine.start(t), client = await Client.connect({ endpoint: engine.endpoint, patience: 500 });
    t.after(() => client.close());
    const toTheEnd = async (options, pause) => {
        const seen = [];
        for await (const event of new Subscriber(client, { from: "beginning", ...options })) {
            seen.push(event);
            if (event.data.customer === "the-end") return seen;
            if (seen.length % 100 === 0) await sleep(pause);
        }
        return seen;
    };
    const slow = toTheEnd({ queue: 10 }, 20), quick = toTheEnd({}, 0), all = toTheEnd({ queue: 10, all: true }, 5);
    for (let n = 0; n < 4; n++) {
        await engine.write(1500, `round${n}-`);
        await engine.kill();
        await engine.start();
    }
    await client.call("PutCustomer", { customer: "the-end", name: "Fin" });
    const { log: id } = await client.hello(), whole = (await logOf(client)).map((event) => ({ ...event, log: id }));
    assert.ok(whole.length > 6000);
    assert.deepEqual(await slow, whole);
    assert.deepEqual(await quick, whole);
    assert.deepEqual(await all, (await logOf(client, { all: true })).map((event) => ({ ...event, log: id })));
});

test("a stream that is silent is opened anew", async (t) => {
    const publisher = new XPublisher({ linger: 0, verbosity: "allSubs" }), events = endpointFor(t, publisher), log = "0".repeat(32);
    await publisher.bind(events);
    const hello = { log, head: 0, endpoints: { events, queries: events } };
    const { endpoint } = await port(t, ({ id }) => ({ id, ok: true, data: hello }));
    const client = new Client(endpoint), next = new Subscriber(client, { from: "beginning" }).next();
    t.after(() => client.close());
    const [first] = await publisher.receive(), begun = performance.now();
    assert.equal(first.toString(), "\x01default/");
    while ((await publisher.receive())[0][0] !== 1) continue; // 0 is the end of the first one
    const took = performance.now() - begun;
    assert.ok(took > 4500 && took < 6000, `${took}`);
    await publisher.send(["default/customer/a/CustomerPut", encode({ position: 1, log, type: "CustomerPut", data: {} })]);
    assert.equal((await next).value.position, 1);
});

test("what is no event is passed over", async (t) => {
    const publisher = new XPublisher({ linger: 0 }), events = endpointFor(t, publisher), log = "0".repeat(32);
    await publisher.bind(events);
    const hello = { log, head: 0, endpoints: { events, queries: events } };
    const { endpoint } = await port(t, ({ id }) => ({ id, ok: true, data: hello }));
    const client = new Client(endpoint), next = new Subscriber(client, { from: "beginning" }).next();
    t.after(() => client.close());
    await publisher.receive();
    for (const odd of [7, { log }, { log, position: "1" }, { position: 1 }])
        await publisher.send(["default/customer/a/CustomerPut", encode(odd)]);
    await publisher.send(["default/customer/a/CustomerPut", Buffer.from("c1", "hex")]);
    await publisher.send("default/alone");
    await publisher.send(["default/customer/a/CustomerPut", encode({ position: 1, log, type: "FromTheFuture", data: { new: 1 } })]);
    assert.deepEqual((await next).value, { position: 1, log, type: "FromTheFuture", data: { new: 1 } });
});

test("a loop may be left and gone on with; a signal and close() end it", async (t) => {
    const engine = await Engine.start(t), client = await Client.connect(engine.endpoint), stop = new AbortController();
    t.after(() => client.close());
    const subscriber = new Subscriber(client, { from: 1, signal: stop.signal });
    for await (const event of subscriber) if (event.position === 3) break;
    for await (const event of subscriber) {
        assert.equal(event.position, 4);
        break;
    }
    const { head } = await client.hello({ fresh: true });
    await upTo(subscriber, head);
    const waiting = subscriber.next();
    await assert.rejects(subscriber.next(), (error) => error.code === "in_use");
    setTimeout(() => stop.abort(new Error("enough")), 50);
    await assert.rejects(waiting, /enough/);
    const other = new Subscriber(client), ended = other.next();
    setTimeout(() => other.close(), 50);
    assert.deepEqual(await ended, { done: true, value: undefined });
    assert.deepEqual(await other.next(), { done: true, value: undefined });
    for await (const event of other) assert.fail(event);
    const third = new Subscriber(client), closed = third.next();
    await client.close();
    assert.equal((await closed).done, true);
    assert.throws(() => new Subscriber(client), (error) => error.code === "closed");
});

test("options that cannot be right are named", () => {
    const client = new Client();
    const bad = [["from", { from: 0 }], ["from", { from: "1" }], ["reseller", { reseller: "a/b" }], ["form", { form: 1 }],
        ["reseller", { reseller: "a", all: true }], ["checkpoint", { checkpoint: "a", name: "b" }]];
    for (const [field, options] of bad)
        assert.throws(() => new Subscriber(client, options), (e) => e.code === "bad_option" && e.field === field, field);
});
