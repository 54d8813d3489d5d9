// readme.test.js - the README's example works as it stands there, and prints what it says.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { Engine } from "./engine.js";

const page = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the README's example", async (t) => {
    const engine = await Engine.start(t);
    const [, code] = /```js\n(.*?)```/s.exec(page), [, printed] = /It prints\n\n```\n(.*?)```/s.exec(page);
    assert.ok(code.includes("tcp://127.0.0.1:7411"));
    // Within the package, so that its own name is found.
    const folder = mkdtempSync(fileURLToPath(new URL("../example-", import.meta.url)));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "example.mjs"), code.replace("tcp://127.0.0.1:7411", engine.endpoint));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ["example.mjs"], { cwd: folder, timeout: 20000 });
    assert.equal(stderr, "");
    assert.equal(stdout, printed);
    assert.match(readFileSync(join(folder, "mailer.checkpoint"), "utf8"), /^pedido checkpoint 1\n/);
});
