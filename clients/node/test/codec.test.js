// codec.test.js - bytes are those that another implementation makes of the same values: proto/vectors.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { BadMessage, decode, encode } from "../index.js";
import { SOURCE } from "./engine.js";

/** JSON as it stands: integers that a Number does not hold become BigInts. */
function parse(line) {
    const marked = line.replace(/([[:,])(\d{16,})(?=[,}\]])/g, '$1"~int$2"');
    return JSON.parse(marked, (key, value) => {
        if (typeof value !== "string" || !value.startsWith("~int")) return value;
        return Number.isSafeInteger(Number(value.slice(4))) ? Number(value.slice(4)) : BigInt(value.slice(4));
    });
}

const vectors = readFileSync(join(SOURCE, "proto/vectors/vectors.jsonl"), "utf8").trim().split("\n").map(parse);

test("every vector is read as it was written, and written as it was read", () => {
    let bigs = 0;
    for (const { kind, type, variant, value, bytes } of vectors) {
        const about = `${kind} ${type} ${variant}`;
        assert.deepEqual(decode(Buffer.from(bytes, "hex")), value, about);
        assert.equal(Buffer.from(encode(value)).toString("hex"), bytes, about);
        bigs += bytes.includes("cf7fffffffffffffff") ? 1 : 0;
    }
    assert.ok(vectors.length >= 600, `${vectors.length}`);
    assert.ok(bigs >= 10, `${bigs}: positions that no Number holds are among them`);
});

test("integers are Numbers where these are exact, and shortest", () => {
    const cases = [
        [0, "00"], [-0, "00"], [127, "7f"], [128n, "cc80"], [65536, "ce00010000"], [2 ** 32 - 1, "ceffffffff"],
        [2 ** 32, "cf0000000100000000"], [5n, "05"], [2 ** 53 - 1, "cf001fffffffffffff"], [2n ** 53n, "cf0020000000000000"],
        [2n ** 64n - 1n, "cfffffffffffffffff"], [-1, "ff"], [-(2 ** 31), "d280000000"], [-(2 ** 31) - 1, "d3ffffffff7fffffff"],
        [-(2n ** 63n), "d38000000000000000"],
    ];
    for (const [value, hex] of cases) {
        assert.equal(Buffer.from(encode(value)).toString("hex"), hex, `${value}`);
        const back = decode(Buffer.from(hex, "hex"));
        assert.equal(back, Number.isSafeInteger(Number(value)) ? Number(value) + 0 : value, `${value}`);
    }
});

test("what cannot be sent is named", () => {
    const lone = "a\ud800", deep = Array.from({ length: 20 }).reduce((inner) => [inner], 1);
    const bad = { fraction: 0.5, large: 2 ** 53, huge: 2n ** 64n, small: -(2n ** 63n) - 1n, nothing: null, half: lone, not: NaN,
        made: new Date(), call: () => 1, deep };
    for (const [key, value] of Object.entries(bad))
        assert.throws(() => encode({ a: [{ [key]: value }] }),
            (error) => error instanceof BadMessage && error.field.startsWith(`a[0].${key}`), key);
    assert.throws(() => encode({ [lone]: 1 }), BadMessage);
    assert.throws(() => encode([, 1]), (error) => error.field === "[0]");
    assert.deepEqual(decode(encode({ a: undefined, b: 1 })), { b: 1 });
});

test("a key __proto__ is a key like any other", () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":"c","list":[{"__proto__":"x"}]}');
    const back = decode(encode(hostile));
    assert.deepEqual(Object.keys(back).sort(), ["__proto__", "constructor", "list"]);
    assert.equal(back.polluted, undefined);
    assert.equal({}.polluted, undefined);
    assert.equal(Object.getPrototypeOf(back), Object.prototype);
    assert.deepEqual(Object.getOwnPropertyDescriptor(back, "__proto__").value, { polluted: true });
    assert.equal(Object.getOwnPropertyDescriptor(back.list[0], "__proto__").value, "x");
    const bytes = Buffer.from(encode(JSON.parse('{"__proto__":1}')));
    assert.equal(bytes.toString("latin1"), "\x81\xa9__proto__\x01");
});

test("what is no message is said to be none", () => {
    for (const hex of ["", "c1", "82a474797065a548656c6c6fa269", "81c0c0", "810102"])
        assert.throws(() => decode(Buffer.from(hex, "hex")), undefined, hex);
});
