// checkpoint.js - a file that keeps how far a program has come in a log; that of the command line and of the library in C. It is
// there whole, or as it was before.
import { open, readFile, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { BadOption } from "./errors.js";

const FORM = /^pedido checkpoint 1\nlog (\S{1,40})\nreseller (\S{1,71})\nposition (\d{1,16})\n/;

async function sync(path, flags, text) {
    const file = await open(path, flags, 0o640);
    try {
        if (text !== undefined) await file.writeFile(text);
        await file.sync();
    } finally {
        await file.close();
    }
}

export class Checkpoint {
    #path;

    constructor(path) {
        this.#path = path;
    }

    /** { log, reseller, position }, or undefined where there is no such file. */
    async load() {
        const text = await readFile(this.#path, "utf8").catch((error) => {
            if (error.code !== "ENOENT") throw error;
        });
        if (text === undefined) return undefined;
        const found = FORM.exec(text);
        if (found === null) throw new BadOption("checkpoint", `${this.#path} is no checkpoint`);
        return { log: found[1], reseller: found[2], position: Number(found[3]) };
    }

    /** On stable storage when it is done: the file, then its name. */
    async save({ log, reseller, position }) {
        const made = `${this.#path}.new`;
        try {
            await sync(made, "w", `pedido checkpoint 1\nlog ${log}\nreseller ${reseller}\nposition ${position}\n`);
            await rename(made, this.#path);
        } catch (error) {
            await unlink(made).catch(() => {});
            throw error;
        }
        await sync(dirname(this.#path), "r");
    }
}
