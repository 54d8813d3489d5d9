// declarations.test.js - the declarations compile, and say the same as the program.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { readFileSync } from "node:fs";
import test from "node:test";
import { promisify } from "node:util";
import * as pedido from "../index.js";
import * as schema from "../schema.js";

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");

test("TypeScript takes what is right, and refuses what is not", async () => {
    const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc"), root = fileURLToPath(new URL("..", import.meta.url));
    const words = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom"];
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, ...words, "test/declarations.ts"], { cwd: root })
        .catch((error) => assert.fail(error.stdout));
    assert.equal(stdout, "");
});

test("what is declared is there, and what is there is declared", () => {
    const declared = (text) => [...text.matchAll(/^export (?:class|function|const) (\w+)/gm)].map((found) => found[1]).sort();
    assert.deepEqual(declared(read("index.d.ts")), Object.keys(pedido).sort());
    assert.deepEqual(declared(read("schema.d.ts")), Object.keys(schema).sort());
    assert.equal(JSON.parse(read("package.json")).name, "pedido");
});
