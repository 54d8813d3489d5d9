// named.test.js - a position that the engine keeps under a name, which one program at a time may hold.
import assert from "node:assert/strict";
import test from "node:test";
import { Client, Refused, Subscriber } from "../index.js";
import { Engine, eventually, sleep } from "./engine.js";

const take = async (subscriber, count) => {
    const seen = [];
    for await (const event of subscriber) {
        seen.push(event.position);
        if (seen.length === count) return seen;
    }
    return seen;
};
const inUse = (error) => error instanceof Refused && error.code === "subscriber_in_use";

test("a name", async (t) => {
    const engine = await Engine.start(t), client = await Client.connect({ endpoint: engine.endpoint, patience: 500 });
    t.after(() => client.close());
    // What is listed is as of a second ago at most.
    const list = async () => (await client.call("ListSubscribers", { all: true })).data.subscribers;
    const listed = (name, probe) => eventually(async () => (await list()).find((s) => s.subscriber === name && probe(s)), 4000);
    await engine.write(50, "c");
    const { head } = await client.hello({ fresh: true });

    await t.test("is held by one, who keeps his position there, and let go", async () => {
        const first = new Subscriber(client, { name: "mailer", from: "beginning" });
        const second = new Subscriber(client, { name: "mailer" });
        assert.deepEqual(await take(first, 10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        await assert.rejects(second.next(), inUse);
        await first.close();
        await listed("mailer", (s) => s.position === 9 && s.holder === undefined); // the tenth was given, not done
        assert.deepEqual(await take(second, 2), [10, 11]);
        await second.save();
        await listed("mailer", (s) => s.position === 11 && s.holder.includes(`/${process.pid}/`));
        await second.close();
    });

    await t.test("is moved when nothing is left to be given", async () => {
        const subscriber = new Subscriber(client, { name: "idle", from: "beginning" });
        const loop = (async () => { for await (const event of subscriber) event.seen = true; })();
        await listed("idle", (s) => s.position === head);
        await subscriber.close();
        await loop;
    });

    await t.test("of all resellers is another one than a reseller's", async () => {
        const all = new Subscriber(client, { name: "idle", all: true, from: "beginning" });
        assert.equal((await take(all, 1))[0], 1);
        await all.save();
        await listed("idle", (s) => s.reseller === "default" && s.position === head);
        await listed("idle", (s) => s.reseller === undefined && s.position === 1);
        await all.close();
    });

    await t.test("outlives the engine: held as before, and where it was", async () => {
        const subscriber = new Subscriber(client, { name: "killed", from: "beginning" });
        assert.deepEqual(await take(subscriber, 20), Array.from({ length: 20 }, (_, n) => n + 1));
        await subscriber.save();
        await engine.kill();
        await engine.start();
        assert.deepEqual(await take(subscriber, 20), Array.from({ length: 20 }, (_, n) => n + 21));
        await subscriber.save();
        await assert.rejects(new Subscriber(client, { name: "killed" }).next(), inUse);
        await subscriber.close();
        await listed("killed", (s) => s.position === 40);
    });

    await t.test("is renewed while an event takes long", async () => {
        const subscriber = new Subscriber(client, { name: "busy", from: "beginning" });
        for await (const event of subscriber) {
            assert.equal(event.position, 1);
            const before = await listed("busy", (s) => s.holder !== undefined);
            await sleep(5000);
            const after = await listed("busy", (s) => s.heard - before.heard > 4e6);
            assert.equal(after.position, before.position);
            break;
        }
        await subscriber.close();
    });

    await t.test("that is taken away is missed", async () => {
        const subscriber = new Subscriber(client, { name: "gone", from: "beginning" });
        await take(subscriber, 1);
        const { holder } = await listed("gone", (s) => s.holder !== undefined);
        await client.call("DetachSubscriber", { subscriber: "gone", holder });
        await client.call("AttachSubscriber", { subscriber: "gone", holder: "another" });
        await assert.rejects(async () => { for await (const event of subscriber) await sleep(event.seen ? 0 : 50); }, inUse);
        await assert.rejects(subscriber.next(), inUse);
        await subscriber.close();
        await listed("gone", (s) => s.holder === "another");
    });
});
