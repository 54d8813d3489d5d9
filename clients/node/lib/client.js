// client.js - commands and queries: sent, and sent again with the same id, until they are answered or the time is over.
import { messages } from "../schema.js";
import { encode } from "./codec.js";
import { BadAnswer, BadMessage, Closed, NoAnswer, Refused } from "./errors.js";
import { curve } from "./keys.js";
import { checkOptions, portOf, requestOf } from "./message.js";
import { now, Port } from "./port.js";
import { Stop } from "./stop.js";

export const DEFAULT_ENDPOINT = "tcp://127.0.0.1:7411";
const ARRAY_MAX = 1024, FRAME_MAX = 1048576;
const PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 2000, LATER_MAX_MS = 5000;
const LATER = ["busy", "storage_full", "shutting_down"]; // nothing was done: the same command, later

/** For how long an answer says to wait, undefined: it is final. Of an array the longest counts: what was accepted in it is answered
 * as before when it is sent again. */
function laterMs(answer) {
    const waits = (Array.isArray(answer) ? answer : [answer])
        .filter((one) => one?.ok === false && LATER.includes(one.error?.code))
        .map((one) => Math.min(one.error.retry_after_ms ?? PAUSE_FIRST_MS, LATER_MAX_MS));
    return waits.length > 0 ? Math.max(...waits) : undefined;
}

/** Doubling, and a little different each time, so that many clients do not come back at once. */
function pauseMs(silences) {
    const pause = Math.min(PAUSE_FIRST_MS * 2 ** (silences - 1), PAUSE_MAX_MS);
    return pause * (1 + Math.random() / 2);
}

function read(type, answer) {
    if (answer?.ok === true) return answer;
    if (answer?.ok === false && typeof answer.error === "object") return new Refused(type, answer.id, answer.error);
    throw new BadAnswer(`the answer to ${type} has no \`ok\``);
}

export class Client {
    #options;
    #curve;
    #ports = new Map();
    #stops = new Set(); // of calls that are under way
    #subscribers = new Set();
    #hello = null;
    #closed = false;

    constructor(options = {}) {
        if (typeof options === "string") options = { endpoint: options };
        checkOptions(options, ["endpoint", "reseller", "timeout", "patience", "talk", "keys"]);
        this.#options = { endpoint: DEFAULT_ENDPOINT, timeout: 15000, patience: 2000, talk: () => {}, ...options };
        this.#curve = curve(options.keys);
    }

    static async connect(options) {
        const client = new Client(options);
        try {
            await client.hello();
        } catch (error) {
            await client.close();
            throw error;
        }
        return client;
    }

    get closed() {
        return this.#closed;
    }

    /** For the subscribers' sockets. */
    get curve() {
        return this.#curve;
    }

    get reseller() {
        return this.#options.reseller ?? "default";
    }

    hello({ fresh = false } = {}) {
        if (this.#hello === null || fresh) {
            const asked = this.call("Hello").then(({ data }) => {
                if (typeof data?.endpoints?.queries !== "string" || typeof data.endpoints.events !== "string")
                    throw new BadAnswer(`${this.#options.endpoint} did not answer Hello as an engine does`);
                return data;
            });
            this.#hello = asked;
            asked.catch(() => this.#hello === asked && (this.#hello = null));
        }
        return this.#hello;
    }

    call(type, data = {}, options = {}) {
        return this.#guard(options.signal, async (stop) => {
            const port = portOf(type), request = requestOf(type, data, this.#fill(options), ["timeout", "signal"]);
            const waitMs = typeof data.wait_ms === "number" ? data.wait_ms : 0;
            const answer = read(type, await this.#exchange(stop, port, request, options.timeout, waitMs));
            if (answer instanceof Refused) throw answer;
            return answer;
        });
    }

    callAll(commands, options = {}) {
        return this.#guard(options.signal, async (stop) => {
            checkOptions(options, ["timeout", "signal"]);
            const requests = this.#array(commands);
            const answers = await this.#exchange(stop, "commands", requests, options.timeout);
            if (!Array.isArray(answers)) throw read("array", answers); // the whole of it was refused
            if (answers.length !== requests.length) throw new BadAnswer("the array of answers is not as long as that of commands");
            return answers.map((answer, i) => read(requests[i].type, answer));
        });
    }

    async *pages(type, data = {}, options = {}) {
        let { cursor } = options;
        do {
            const page = await this.call(type, data, { ...options, cursor });
            yield page;
            cursor = page.next;
        } while (cursor !== undefined);
    }

    async *rows(type, data = {}, options = {}) {
        const key = Object.hasOwn(messages, type) ? messages[type].rows : undefined;
        if (key === undefined) throw new BadMessage("type", `is ${type}, whose answers are no lists`);
        for await (const page of this.pages(type, data, options)) yield* page.data[key];
    }

    async close() {
        if (this.#closed) return;
        await Promise.all([...this.#subscribers].map((subscriber) => subscriber.close()));
        this.#closed = true;
        for (const stop of this.#stops) {
            stop.promise?.catch(() => {}); // whoever does not wait for it does not want to hear of it
            stop.now(new Closed());
        }
        for (const port of this.#ports.values()) port.close();
    }

    /** For subscribers: they end with their client. */
    adopt(subscriber) {
        if (this.#closed) throw new Closed();
        this.#subscribers.add(subscriber);
    }

    release(subscriber) {
        this.#subscribers.delete(subscriber);
    }

    talk(line) {
        this.#options.talk(line);
    }

    /** Runs what waits, so that the signal or close() ends it. The promise is the caller's own: one that is rejected and not waited
     * for is his to hear of. */
    #guard(signal, run) {
        const stop = new Stop(signal);
        const guarded = async () => {
            try {
                if (this.#closed) throw new Closed();
                return await run(stop);
            } finally {
                stop.end();
                this.#stops.delete(stop);
            }
        };
        this.#stops.add(stop);
        stop.promise = guarded();
        return stop.promise;
    }

    #fill(options) {
        return this.#options.reseller === undefined ? options : { reseller: this.#options.reseller, ...options };
    }

    #array(commands) {
        const ids = new Set();

        if (!Array.isArray(commands) || commands.length < 1 || commands.length > ARRAY_MAX)
            throw new BadMessage("commands", `must be an array of 1-${ARRAY_MAX}`);
        return commands.map(({ type, data, ...options }, i) => {
            if (portOf(type) !== "commands") throw new BadMessage(`commands[${i}]`, `is ${type}, which is a query`);
            const request = requestOf(type, data, this.#fill(options));
            if (ids.has(request.id)) throw new BadMessage(`commands[${i}].id`, "stands twice");
            ids.add(request.id);
            return request;
        });
    }

    /** The port, when the engine has said where it is. */
    async #port(name, stop, ms) {
        if (!this.#ports.has(name)) {
            const hello = name === "commands" ? undefined : await stop.wait(this.hello(), ms);
            if (name !== "commands" && hello === undefined) throw new NoAnswer(this.#options.endpoint, "Hello", 1);
            const endpoint = hello?.endpoints[name] ?? this.#options.endpoint;
            if (!this.#ports.has(name)) this.#ports.set(name, new Port(endpoint, this.#curve));
        }
        return this.#ports.get(name);
    }

    /** The answer to a request, or an array of them. */
    async #exchange(stop, portName, request, timeout = this.#options.timeout, waitMs = 0) {
        const whole = Array.isArray(request), id = whole ? request[0].id : request.id, bytes = encode(request);
        const end = now() + timeout + waitMs;

        stop.check();
        if (bytes.length > FRAME_MAX)
            throw new BadMessage("message", `has ${bytes.length} bytes; ${FRAME_MAX} are the most`);
        const port = await this.#port(portName, stop, end - now());
        if (port.has(id)) throw new BadMessage("id", `${id} is that of a call that is under way`);
        const joins = portName === "commands" && !whole && waitMs === 0; // inside an array the engine holds no answer
        return this.#untilAnswered(stop, port, { id, bytes, joins, whole, end, patience: this.#options.patience + waitMs });
    }

    /** What had no answer goes alone the next time: if its array was what the engine did not like, it stands in nobody's way. */
    async #untilAnswered(stop, port, { id, bytes, joins, whole, end, patience }) {
        for (let sent = 1, silences = 0; ; sent++) {
            const how = { joins: joins && silences === 0, whole };
            const answer = await this.#once(stop, port, { id, bytes, how, ms: Math.min(patience, end - now()) });
            const later = answer === undefined ? undefined : laterMs(answer);
            if (answer !== undefined && (later === undefined || now() + later >= end)) return answer;
            if (now() >= end) throw new NoAnswer(port.endpoint, id, sent);
            silences = answer === undefined ? silences + 1 : 0;
            const pause = later ?? Math.min(pauseMs(silences), (end - now()) / 2);
            this.talk(later === undefined ? `no answer, sending the same again (id ${id})`
                : `the engine cannot now, sending the same again (id ${id})`);
            await stop.sleep(pause);
        }
    }

    /** undefined: silence. */
    async #once(stop, port, { id, bytes, how, ms }) {
        const asked = port.ask(id, bytes, how), sentAt = now();
        let answer;
        try {
            answer = await stop.wait(asked, ms);
        } finally {
            port.forget(id);
        }
        if (answer === undefined) port.renew(sentAt);
        return answer;
    }
}

