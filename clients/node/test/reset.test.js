// reset.test.js - a backup is restored under subscribers: each is told, and none takes the new log's positions for the old one's.
import assert from "node:assert/strict";
import test from "node:test";
import { Client, Reset, Subscriber } from "../index.js";
import { Engine } from "./engine.js";

test("a restored log is another log", async (t) => {
    const engine = await Engine.start(t), client = await Client.connect({ endpoint: engine.endpoint, patience: 500 });
    t.after(() => client.close());
    const { log: old } = await client.hello();
    const kinds = { file: { checkpoint: engine.path("checkpoint") }, known: { name: "known" }, unknown: { name: "unknown" },
        none: {} };
    const known = new Subscriber(client, { name: "known", from: "beginning" });
    assert.equal((await known.next()).value.position, 1);
    await known.close();
    await engine.pedido("backup", engine.path("backup"));
    await engine.write(1500, "late");
    const { head } = await client.hello({ fresh: true });
    const upTo = async (subscriber, position) => {
        const seen = [];
        for await (const event of subscriber) {
            seen.push(event);
            if (event.position === position) break;
        }
        await (subscriber.save().catch((error) => assert.equal(error.code, "bad_option")));
        return seen;
    };
    const subscribers = Object.values(kinds).map((kind) => new Subscriber(client, { from: "beginning", ...kind }));
    for (const subscriber of subscribers) assert.equal((await upTo(subscriber, head)).length, head);
    const among = new Subscriber(client, { from: "beginning" }); // it has had a page, and will ask for the next
    await upTo(among, 1000);
    const away = new Subscriber(client, { from: head - 5, log: old });

    await engine.restore("backup");
    const { log, head: shorter } = await client.hello({ fresh: true });
    assert.ok(log !== old && shorter < head);
    for (const subscriber of [among, away, ...subscribers]) {
        await assert.rejects(subscriber.next(), (error) => error instanceof Reset && error.log === old);
        await assert.rejects(subscriber.next(), Reset);
    }
    for (const subscriber of subscribers) {
        await subscriber.restart();
        const seen = await upTo(subscriber, shorter);
        assert.deepEqual(seen.map((e) => [e.position, e.log]), Array.from({ length: shorter }, (_, n) => [n + 1, log]));
        await subscriber.close();
    }
    await engine.write(1, "new");
    for (const kind of [kinds.file, kinds.known, kinds.unknown]) {
        const again = new Subscriber(client, kind);
        assert.equal((await again.next()).value.data.customer, "new0", "what is kept is of the new log");
        await again.close();
    }
});
