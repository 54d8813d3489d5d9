// positions.test.js - where a program has come to is kept: in a file, or with what it does.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync, existsSync } from "node:fs";
import test from "node:test";
import { fork, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Checkpoint, Client, Subscriber } from "../index.js";
import { Engine, eventually, sleep } from "./engine.js";

const take = async (subscriber, count) => {
    const seen = [];
    for await (const event of subscriber) {
        seen.push(event.position);
        if (seen.length === count) return seen;
    }
    return seen;
};

test("positions", async (t) => {
    const engine = await Engine.start(t), client = await Client.connect(engine.endpoint);
    t.after(() => client.close());
    await engine.write(100, "c");
    const { head, log } = await client.hello({ fresh: true });

    await t.test("a checkpoint keeps what is done, not the event that was given last", async () => {
        const path = engine.path("checkpoint"), first = new Subscriber(client, { from: "beginning", checkpoint: path });
        assert.deepEqual(await take(first, 3), [1, 2, 3]);
        await first.close();
        assert.equal(readFileSync(path, "utf8"), `pedido checkpoint 1\nlog ${log}\nreseller default\nposition 2\n`);
        assert.ok(!existsSync(`${path}.new`));
        const second = new Subscriber(client, { from: "beginning", checkpoint: path });
        assert.deepEqual(await take(second, 2), [3, 4]);
        await second.save();
        await second.close();
        const third = new Subscriber(client, { checkpoint: path });
        assert.deepEqual(await take(third, 1), [5]);
        await third.close();
    });

    await t.test("it is on stable storage before its name is changed, and then its name is", async (t) => {
        const path = engine.path("traced"), trace = engine.path("trace");
        const code = `import { Checkpoint } from ${JSON.stringify(new URL("../index.js", import.meta.url).href)};
            await new Checkpoint(${JSON.stringify(path)}).save({ log: "a", reseller: "b", position: 1 });`;
        const strace = spawnSync("strace", ["-f", "-y", "-o", trace, "-e", "trace=fsync,fdatasync,rename,write", process.execPath,
            "--input-type=module", "-e", code]);
        if (strace.status !== 0) return t.skip("strace cannot trace here");
        const lines = readFileSync(trace, "utf8").split("\n");
        const calls = lines.filter((line) => line.includes(engine.place) && !line.includes("resumed"));
        assert.deepEqual(calls.map((line) => line.replace(/^\d+ +(\w+).*/, "$1")), ["write", "fsync", "rename", "fsync"]);
        assert.ok(calls[1].includes("traced.new") && calls[3].includes(`${engine.place}>`), calls.join("\n"));
    });

    await t.test("it is kept while the program waits, too", async () => {
        const path = engine.path("idle"), subscriber = new Subscriber(client, { from: "beginning", checkpoint: path });
        (async () => { for await (const event of subscriber) event.seen = true; })();
        await eventually(() => existsSync(path) && readFileSync(path, "utf8").includes(`position ${head}\n`), 3000);
        await subscriber.close();
    });

    await t.test("`now` is kept as the position that it was", async () => {
        const path = engine.path("now"), subscriber = new Subscriber(client, { checkpoint: path }), next = subscriber.next();
        await eventually(() => existsSync(path));
        await subscriber.close();
        assert.equal((await next).done, true);
        await client.call("PutCustomer", { customer: "while-away", name: "Ana" });
        const again = new Subscriber(client, { checkpoint: path });
        assert.equal((await again.next()).value.data.customer, "while-away");
        await again.close();
    });

    await t.test("the command line and this client go on where the other left off", async () => {
        const path = engine.path("shared");
        const said = await engine.pedido("events", "follow", "--checkpoint", path, "--exit-at-end", "--format", "{position}\\n");
        const came = said.trim().split("\n").length;
        await engine.write(10, "shared");
        const subscriber = new Subscriber(client, { checkpoint: path });
        assert.deepEqual(await take(subscriber, 5), [1, 2, 3, 4, 5].map((n) => came + n));
        await subscriber.save();
        await subscriber.close();
        const rest = await engine.pedido("events", "follow", "--checkpoint", path, "--exit-at-end", "--format", "{position}\\n");
        assert.deepEqual(rest.trim().split("\n").map(Number), [6, 7, 8, 9, 10].map((n) => came + n));
    });

    await t.test("a file that is no checkpoint, or another's, or cannot be written is told", async () => {
        writeFileSync(engine.path("odd"), "position 17\n");
        await assert.rejects(new Subscriber(client, { checkpoint: engine.path("odd") }).next(), /odd is no checkpoint/);
        await new Checkpoint(engine.path("all")).save({ log, reseller: "~all", position: 1 });
        await assert.rejects(new Subscriber(client, { checkpoint: engine.path("all") }).next(), /is of ~all, not of default/);
        const nowhere = new Subscriber(client, { from: "beginning", checkpoint: engine.path("no/such/folder") });
        await assert.rejects(async () => { for await (const event of nowhere) event.seen = true; }, (e) => e.code === "ENOENT");
        await nowhere.close();
        await assert.rejects(new Subscriber(client).save(), (e) => e.code === "bad_option");
        assert.throws(() => new Subscriber(client, { store: {} }), (e) => e.code === "bad_option" && e.field === "store");
        for (const odd of [{ log }, { position: 1 }, { log, position: "x" }, { log, position: -1 }])
            await assert.rejects(new Subscriber(client, { store: { load: async () => odd } }).next(), (e) => e.field === "store");
    });

    await t.test("a program that keeps the position with its effect does each event once", async () => {
        const table = { events: [], place: undefined }; // what a transaction would hold
        const store = { load: async () => table.place };
        for (let run = 0; run < 5; run++) {
            const subscriber = new Subscriber(client, { from: "beginning", store });
            for await (const event of subscriber) {
                if (table.events.length === (run + 1) * 20) break; // it ends before the effect
                table.events.push(event.position);
                table.place = { log: event.log, position: event.position };
            }
            await subscriber.close();
        }
        assert.deepEqual(table.events, Array.from({ length: 100 }, (_, n) => n + 1));
    });

    await t.test("a store is told what is done, one after the other, and its trouble is heard", async () => {
        const saved = [];
        let saving = 0, most = 0;
        const store = {
            load: async () => undefined,
            async save(place) {
                most = Math.max(most, ++saving);
                await new Promise((resolve) => setTimeout(resolve, 30));
                saved.push(place.position);
                saving--;
                if (place.position === 50) throw new Error("no room");
            },
        };
        const subscriber = new Subscriber(client, { from: 1, store });
        await assert.rejects(async () => {
            for await (const event of subscriber) if (event.position === 50 || event.position === 51) await subscriber.save();
        }, /no room/);
        await take(subscriber, 10);
        const waiting = take(subscriber, 1000); // to the end: then it is said without being asked
        while (saving === 0) await sleep(1);
        await subscriber.save();
        await subscriber.close();
        await waiting;
        assert.deepEqual([saved.includes(50), saved.at(-1), most], [true, subscriber.position, 1]);
        assert.deepEqual(saved, [...saved].sort((a, b) => a - b));
    });
});

test("a program that is killed goes on, and nothing is missing", async (t) => {
    const engine = await Engine.start(t), client = await Client.connect(engine.endpoint), seen = [];
    t.after(() => client.close());
    await engine.write(3000, "c");
    const { head } = await client.hello({ fresh: true }), path = engine.path("killed");
    const program = fileURLToPath(new URL("follower.js", import.meta.url));
    const kept = () => Number(existsSync(path) && readFileSync(path, "utf8").match(/position (\d+)/)[1]);
    for (let before = kept(), kills = 0; before < head; before = kept(), kills++) {
        const child = fork(program, [engine.endpoint, path]), exit = new Promise((resolve) => child.once("exit", resolve));
        child.on("message", (position) => seen.push(position));
        await eventually(() => kept() > before);
        child.kill("SIGKILL");
        await exit;
        assert.ok(kills < 10);
    }
    const firsts = [...new Set(seen)], again = seen.length - firsts.length;
    assert.deepEqual(firsts, Array.from({ length: head }, (_, n) => n + 1), "in order, and none is missing");
    assert.ok(again > 0, "it was killed in the middle");
});
