// subscriber.js - every event of a reseller, or of all, once and in order: splice.js decides, here are its stream, its pages, and
// what is done.
import { Checkpoint } from "./checkpoint.js";
import { BadOption, NoAnswer, PedidoError, Refused, Reset } from "./errors.js";
import { Keeper } from "./keeper.js";
import { checkOptions } from "./message.js";
import { Named } from "./named.js";
import { now } from "./port.js";
import { Splice } from "./splice.js";
import { Stop } from "./stop.js";
import { Stream } from "./stream.js";

const OPTIONS = ["reseller", "all", "from", "log", "checkpoint", "name", "store", "queue", "signal"];
const ALL = "~all";
const PAGE = 1000, SILENCE_MS = 5000, PAUSE_MS = 500;
const AGAIN = ["busy", "shutting_down", "storage_full", "views_off"]; // an engine that stops is started again

/** "beginning", "now" or a position: the first one wanted, 0 for now. */
function positionOf(from) {
    if (from === "now") return 0;
    if (from === "beginning") return 1;
    if (Number.isSafeInteger(from) && from > 0) return from;
    throw new BadOption("from", `is ${from}; it must be "beginning", "now" or a position from 1`);
}

function isPlace({ log, position }) {
    return typeof log === "string" && Number.isSafeInteger(Number(position)) && position >= 0;
}

export class Subscriber {
    #client;
    #reseller;
    #all;
    #from;
    #log;
    #queue;
    #place;
    #keeper;
    #stop;
    #splice = null; // until it has begun
    #stream = null;
    #page = null; // { events, at, shown }
    #heardAt = 0;
    #busy = false;
    #closing = null;

    constructor(client, options = {}) {
        const { reseller = client.reseller, all = false, from = "now", log = "", queue = 1000 } = options;

        checkOptions(options, OPTIONS);
        if (!/^[^/]{1,64}$/.test(reseller)) throw new BadOption("reseller", "must be an id of 1-64 bytes");
        if (all && options.reseller !== undefined) throw new BadOption("reseller", "is one, and `all` are all");
        this.#client = client;
        this.#all = all;
        this.#reseller = all ? ALL : reseller;
        this.#from = positionOf(from);
        this.#log = log;
        this.#queue = queue;
        this.#place = this.#placeOf(options);
        this.#keeper = new Keeper(this.#place);
        this.#stop = new Stop(options.signal);
        client.adopt(this);
    }

    /** The last position that was given; the highest that is known; the log's id: undefined, 0 and "" before anything is known. */
    get position() {
        return this.#splice?.given;
    }

    get head() {
        return this.#splice?.head ?? 0;
    }

    get log() {
        return this.#splice?.log ?? "";
    }

    [Symbol.asyncIterator]() {
        return this;
    }

    async next() {
        if (this.#busy) throw new PedidoError("in_use", "the event before this one is still waited for");
        this.#busy = true;
        try {
            return { done: false, value: await this.#event() };
        } catch (error) {
            if (this.#closing !== null) return { done: true, value: undefined };
            throw error;
        } finally {
            this.#busy = false;
        }
    }

    /** A loop was left; another may go on. */
    async return() {
        return { done: true, value: undefined };
    }

    async save() {
        if (this.#place?.save === undefined) throw new BadOption("checkpoint", "is not there: nothing keeps the position");
        if (this.#splice?.log && this.position !== undefined) await this.#keeper.save(this.#at());
    }

    async restart(from = "beginning") {
        const next = positionOf(from);
        if (this.#busy || this.#splice === null) throw new PedidoError("in_use", "there is nothing that could begin anew");
        await this.#place?.restart?.(next);
        const hello = await this.#ask("Hello", {}, {});
        this.#stream.open(); // what waits in the old socket is the old log's
        this.#page = null;
        this.#splice = new Splice("", next);
        this.#greeted(hello);
        this.#keeper.begin(this.#at(), false);
    }

    close() {
        this.#closing ??= this.#close();
        return this.#closing;
    }

    async #close() {
        this.#stop.now(new PedidoError("closed", "the subscriber was closed"));
        this.#stop.end();
        this.#stream?.close();
        await this.#keeper.end(this.#splice !== null && !this.#splice.reset)
            .catch((error) => this.#client.talk(`the last position is not kept: ${error.message}`));
        this.#client.release(this);
    }

    #placeOf({ checkpoint, name, store }) {
        if ([checkpoint, name, store].filter((one) => one !== undefined).length > 1)
            throw new BadOption("checkpoint", "is one place for the position; `name` and `store` are others: give one of them");
        if (checkpoint !== undefined) return new Checkpoint(checkpoint);
        if (name !== undefined) return new Named(this.#client, name, this.#reseller, this.#all);
        if (store === undefined) return undefined;
        if (typeof store.load !== "function") throw new BadOption("store", "must have load()");
        return { load: () => store.load(), save: store.save && ((at) => store.save(at)) };
    }

    #at() {
        return { log: this.log, reseller: this.#reseller, position: this.position };
    }

    // ---- events -------------------------------------------------------------------------------------------------------------

    async #event() {
        this.#stop.check();
        if (this.#splice === null) await this.#begin();
        this.#keeper.done(this.#at()); // whoever asks for another one is done with those before
        while (!this.#splice.reset) {
            const event = this.#fromPage() ?? await this.#fromOutside();
            if (event !== undefined) return event;
        }
        throw new Reset(this.#splice.log);
    }

    async #begin() {
        const kept = await this.#stop.wait(Promise.resolve(this.#place?.load({ from: this.#from })));
        if (kept && !isPlace(kept)) throw new BadOption("store", "must give { log, position }, a text and a whole number");
        if (kept?.reseller !== undefined && kept.reseller !== this.#reseller)
            throw new BadOption("checkpoint", `is of ${kept.reseller}, not of ${this.#reseller}`);
        const hello = await this.#ask("Hello", {}, {});
        this.#stream = new Stream(hello.data.endpoints.events, `${this.#reseller}/`, this.#queue, this.#client.curve);
        this.#splice = kept ? new Splice(kept.log, Number(kept.position) + 1) : new Splice(this.#log, this.#from);
        this.#greeted(hello);
        this.#keeper.begin(this.#at(), kept !== undefined);
    }

    /** Hello says as much as a heartbeat, and sooner; but of the reseller, so that who follows all waits for a heartbeat. */
    #greeted({ data: { log, head } }) {
        this.#heardAt = now();
        if (!this.#all) this.#splice.heartbeat(log, head);
    }

    /** A message of the scope that is followed. */
    #ask(type, data, options) {
        return this.#stop.wait(this.#client.call(type, data, this.#all ? options : { reseller: this.#reseller, ...options }));
    }

    #fromPage() {
        while (this.#page !== null && this.#page.at < this.#page.events.length) {
            const event = this.#page.events[this.#page.at++];
            if (this.#splice.event(undefined, event.position)) return { ...event, log: this.log };
        }
        if (this.#page !== null) this.#splice.pageEnd(this.#page.shown);
        this.#page = null;
        return undefined;
    }

    async #fromOutside() {
        if (this.#splice.wantsPage) return this.#readPage();
        this.#keeper.done(this.#at(), true);
        return this.#hear();
    }

    async #readPage() {
        const next = this.#splice.next;
        const data = this.#all ? { from: next, all: true } : { from: next };
        try {
            const page = await this.#ask("ReadLog", data, { atLeast: next, log: this.log, limit: PAGE });
            this.#page = { events: page.data.events, at: 0, shown: page.position };
        } catch (error) {
            if (error instanceof Refused && error.code === "wrong_log") this.#splice.reset = true;
            else if (error instanceof NoAnswer || AGAIN.includes(error.code)) await this.#again(error);
            else throw error;
        }
    }

    async #again(error) {
        this.#client.talk(`the log cannot be read, trying again: ${error.message}`);
        await this.#stop.sleep(PAUSE_MS);
    }

    /** An engine that is there is heard each second; a socket that is not may be stuck. */
    async #hear() {
        const heard = await this.#stop.wait(this.#stream.next(), this.#heardAt + SILENCE_MS - now());

        if (heard === undefined) this.#stream.open();
        this.#heardAt = now();
        if (heard?.heartbeat) this.#splice.heartbeat(heard.heartbeat.log, heard.heartbeat.position);
        const event = heard?.event;
        return event && this.#splice.event(event.log, event.position) ? event : undefined;
    }
}
