// engine.js - real engines for these tests; see tests/support/remote_engine.py, which ends them whatever becomes of us.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const SOURCE = process.env.PEDIDO_SOURCE ?? fileURLToPath(new URL("../../../", import.meta.url));

export class Engine {
    #process = spawn("/usr/bin/python3", ["-B", join(SOURCE, "tests/support/remote_engine.py")],
        { stdio: ["pipe", "pipe", "inherit"] });
    #answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();

    /** An engine that runs, until the test is over. */
    static async start(test, { furnished = true } = {}) {
        const engine = new Engine();
        test.after(() => engine.end());
        await engine.start();
        if (furnished) await engine.#do("furnish");
        return engine;
    }

    /** One that takes keys: its endpoint, and the keys of a reseller. */
    static async guarded(test, reseller) {
        const engine = new Engine();
        test.after(() => engine.end());
        const { endpoint, ...keys } = await engine.#do("guard", reseller);
        return { endpoint, keys };
    }

    async start() {
        const { endpoint, place } = await this.#do("start");
        Object.assign(this, { endpoint, place });
    }

    kill() {
        return this.#do("kill");
    }

    stop() {
        return this.#do("stop");
    }

    pid() {
        return this.#do("pid");
    }

    /** So many customers, each an event. */
    write(count, prefix) {
        return this.#do("write", count, prefix);
    }

    restore(backup) {
        return this.#do("restore", backup);
    }

    /** The command line; what it prints. */
    async pedido(...words) {
        const [status, out, talk] = await this.#do("pedido", ...words);
        if (status !== 0) throw new Error(`pedido ${words.join(" ")}: ${talk}`);
        return out;
    }

    path(name) {
        return join(this.place, name);
    }

    async end() {
        this.#process.stdin.end();
        await this.#answers.return();
        if (this.#process.exitCode === null) await new Promise((resolve) => this.#process.once("exit", resolve));
    }

    async #do(what, ...words) {
        this.#process.stdin.write(`${JSON.stringify({ do: what, with: words })}\n`);
        const { value, done } = await this.#answers.next();
        if (done) throw new Error("the engine's helper has ended");
        const answer = JSON.parse(value);
        if (answer.error !== undefined) throw new Error(answer.error);
        return answer.ok;
    }
}

/** The first true value of probe(). */
export async function eventually(probe, timeout = 15000) {
    for (const end = performance.now() + timeout; ; ) {
        const value = await probe();
        if (value) return value;
        if (performance.now() > end) throw new Error("it does not come to pass");
        await sleep(50);
    }
}

export { sleep };
