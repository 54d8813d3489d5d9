// lists.test.js - lists, page by page, while they grow.
import assert from "node:assert/strict";
import test from "node:test";
import { Client, Refused } from "../index.js";
import { Engine } from "./engine.js";

const all = async (rows) => {
    const found = [];
    for await (const row of rows) found.push(row);
    return found;
};

test("lists", async (t) => {
    const engine = await Engine.start(t), client = await Client.connect(engine.endpoint);
    t.after(() => client.close());
    await engine.write(250, "c");

    await t.test("every row of every page, once", async () => {
        const rows = await all(client.rows("ListCustomers", {}, { limit: 40 }));
        assert.deepEqual(rows.map((r) => r.customer), ["lopez", "nunez", ...Array.from({ length: 250 }, (_, n) => `c${n}`)]);
        const newest = await all(client.rows("ListCustomers", {}, { limit: 1000, sort: "newest" }));
        assert.deepEqual(newest, rows.reverse());
    });

    await t.test("pages are answers, and a cursor goes on where another left off", async () => {
        const sizes = [];
        let cursor;
        for await (const page of client.pages("ListCustomers", {}, { limit: 100 })) {
            sizes.push(page.data.customers.length);
            cursor ??= page.next;
        }
        assert.deepEqual(sizes, [100, 100, 52]);
        const rest = await all(client.rows("ListCustomers", {}, { cursor, limit: 1000 }));
        assert.deepEqual([rest.length, rest[0].customer], [152, "c98"]);
        const wrong = all(client.rows("ListOrders", {}, { cursor }));
        await assert.rejects(wrong, (error) => error instanceof Refused && error.code === "cursor_invalid");
    });

    await t.test("what is added meanwhile moves no page", async () => {
        const seen = [];
        for await (const { customer } of client.rows("ListCustomers", {}, { limit: 50 })) {
            seen.push(customer);
            if (seen.length === 60) await engine.write(30, "late");
        }
        assert.equal(new Set(seen).size, seen.length);
        assert.equal(seen.length, 282);
    });

    await t.test("a loop that is left asks for nothing more", async () => {
        for await (const row of client.rows("ListCustomers", {}, { limit: 1 })) {
            assert.equal(row.customer, "lopez");
            break;
        }
    });

    await t.test("an answer is of a state that shows what was asked for", async () => {
        for (let n = 0; n < 20; n++) {
            const { position } = await client.call("PutCustomer", { customer: `seen${n}`, name: "Visto" });
            const page = await client.call("GetCustomer", { customer: `seen${n}` }, { atLeast: position });
            assert.ok(page.position >= position);
        }
        await assert.rejects(client.call("ListOrders", {}, { atLeast: 1e6 }), (e) => e.code === "position_out_of_range");
        await assert.rejects(client.call("ListOrders", {}, { log: "0".repeat(32) }), (e) => e.code === "wrong_log");
    });
});
