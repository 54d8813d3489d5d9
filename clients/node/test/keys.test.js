// keys.test.js - an engine on an encrypted port: who has a key, and who has not.
import assert from "node:assert/strict";
import test from "node:test";
import { BadOption, Client, NoAnswer, Subscriber } from "../index.js";
import { Engine } from "./engine.js";

test("a client with keys", async (t) => {
    const { endpoint, keys } = await Engine.guarded(t, "norte");
    const client = new Client({ endpoint, keys, reseller: "norte" });
    t.after(() => client.close());

    await t.test("sends commands, queries, and follows", async () => {
        await client.call("PutCustomer", { customer: "ana", name: "Ana" });
        assert.equal((await client.call("GetCustomer", { customer: "ana" })).data.customer.name, "Ana");
        const subscriber = new Subscriber(client, { from: "beginning" });
        const types = [(await subscriber.next()).value.type, (await subscriber.next()).value.type];
        assert.deepEqual(types, ["ResellerPut", "CustomerPut"]);
        await subscriber.close();
    });

    await t.test("another reseller is one that there is not", () =>
        assert.rejects(client.call("GetCustomer", { customer: "ana" }, { reseller: "default" }), { code: "reseller_not_found" }));

    await t.test("without keys nobody answers", async () => {
        const stranger = new Client({ endpoint, timeout: 1000, patience: 500 });
        await assert.rejects(stranger.hello(), NoAnswer);
        await stranger.close();
    });

    await t.test("what is no key is refused at once", () =>
        assert.throws(() => new Client({ endpoint, keys: { ...keys, secret: "short" } }), BadOption));

    await t.test("no secret is shown", () => assert.ok(!JSON.stringify(client).includes(keys.secret)));
});
