// named.js - a position that the engine keeps under a name, which one program at a time may hold.
import { hostname } from "node:os";
import { newId } from "./id.js";

const END_MS = 2000; // the engine may be gone; the hold's time runs out then

export class Named {
    renewMs = 5000; // whoever holds a name says so, or another may take it after 15 s
    #client;
    #name;
    #scope;
    #reseller;
    #held = false;
    #holder = `${hostname().slice(0, 32)}/${process.pid}/${newId().slice(-12)}`; // people see it in ListSubscribers

    constructor(client, name, reseller, all) {
        this.#client = client;
        this.#name = name;
        this.#scope = all ? { all } : {};
        this.#reseller = all ? {} : { reseller };
    }

    /** Takes the name; `from` counts where it is new. Refused with `subscriber_in_use`: another one has it. */
    async load({ from }) {
        const { data } = await this.#call("AttachSubscriber", from > 0 ? { from } : {}, {});
        this.#held = true;
        return { log: data.log, position: data.position };
    }

    /** The log that is there now may know nothing of the name. */
    async restart(from) {
        await this.load({ from });
    }

    async save({ log, position }, ending) {
        await this.#call("MoveSubscriber", { log, position }, ending ? { timeout: END_MS } : {});
    }

    async close() {
        if (this.#held) await this.#call("DetachSubscriber", {}, { timeout: END_MS });
    }

    #call(type, more, options) {
        const data = { subscriber: this.#name, holder: this.#holder, ...this.#scope, ...more };
        return this.#client.call(type, data, { ...this.#reseller, ...options });
    }
}
