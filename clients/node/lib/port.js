// port.js - one of the engine's ports: a DEALER that is opened anew when it is silent, and the requests that wait on it. Answers
// find their request by the id. What is asked in one turn of the event loop goes together, as an array: it costs the engine a
// fraction of what as many messages do.
import { Dealer } from "zeromq";
import { BadEndpoint } from "./errors.js";
import { arrayOf, decode } from "./codec.js";

const QUEUE = 100000;
// Of one array. Each element takes a byte at least, and the engine takes no more than 65,536 of them: the smaller bound holds both.
const ARRAY_COMMANDS = 256, ARRAY_BYTES = 65536 - 3;
const EMPTY = Buffer.alloc(0); // in front of the body, so that requests pass through ZeroMQ's proxies

export const now = () => performance.now();

export class Port {
    endpoint;
    #curve;
    #socket = null;
    #waiting = new Map(); // id -> what was asked
    #queue = []; // of these, what is sent when this turn is over
    #heard = 0; // when, by now()

    /** `curve`: of keys.js. */
    constructor(endpoint, curve) {
        this.endpoint = endpoint;
        this.#curve = curve;
    }

    has(id) {
        return this.#waiting.has(id);
    }

    /** Sends, and gives what is answered; waits until it is forgotten. BadEndpoint: it is none. `joins`: it may go in an array with
     * others; `whole`: it is an array itself, and so is its answer. */
    ask(id, bytes, { joins = false, whole = false } = {}) {
        return new Promise((resolve) => {
            const asked = { id, bytes, joins, whole, resolve };
            this.#open();
            this.#waiting.set(id, asked);
            this.#put(asked);
        });
    }

    forget(id) {
        this.#waiting.delete(id);
    }

    /** A request of that time had no answer: unless something else was heard since, the socket may be dead. What waits on it is
     * sent again on a new one. */
    renew(sentAt) {
        if (this.#heard > sentAt) return;
        this.close();
        if (this.#waiting.size === 0) return;
        this.#open();
        this.#queue = [];
        for (const asked of this.#waiting.values()) this.#put(asked);
    }

    close() {
        this.#socket?.close();
        this.#socket = null;
    }

    #open() {
        if (this.#socket !== null) return;
        const socket = new Dealer({
            linger: 0, sendTimeout: 0, tcpKeepalive: 1, sendHighWaterMark: QUEUE, receiveHighWaterMark: QUEUE,
            ...this.#curve,
        });
        try {
            socket.connect(this.endpoint);
        } catch (error) {
            socket.close();
            throw new BadEndpoint(this.endpoint, error.message);
        }
        this.#socket = socket;
        this.#heard = now();
        this.#listen(socket);
    }

    #put(asked) {
        if (this.#queue.push(asked) === 1) setImmediate(() => this.#flush());
    }

    /** All that was asked meanwhile and is not forgotten again, in order. */
    #flush() {
        let together = [], size = 0, joined = false;
        const queue = this.#queue.filter((asked) => this.#waiting.get(asked.id) === asked);

        this.#queue = [];
        for (const { bytes, joins } of queue) {
            const fits = joined && joins && together.length < ARRAY_COMMANDS && size + bytes.length <= ARRAY_BYTES;
            if (together.length > 0 && !fits) {
                this.#send(together);
                together = [];
                size = 0;
            }
            together.push(bytes);
            size += bytes.length;
            joined = joins;
        }
        if (together.length > 0) this.#send(together);
    }

    /** What cannot be sent now is sent again later. */
    #send(together) {
        this.#socket?.send([EMPTY, arrayOf(together)]).catch(() => {});
    }

    /** Ends with its socket. */
    async #listen(socket) {
        try {
            for await (const frames of socket) this.#hear(frames[frames.length - 1]);
        } catch {
            if (this.#socket === socket) this.close();
        }
    }

    #hear(frame) {
        let answer;

        this.#heard = now();
        try {
            answer = decode(frame);
        } catch {
            return; // whoever waits sends again
        }
        const first = Array.isArray(answer) ? answer[0] : answer;
        // Nil: the engine could not read so much as the id. It is an answer to the only one there is.
        const id = first?.id === null && this.#waiting.size === 1 ? this.#waiting.keys().next().value : first?.id;
        if (Array.isArray(answer) && !this.#waiting.get(id)?.whole) for (const one of answer) this.#give(one?.id, one);
        else this.#give(id, answer);
    }

    #give(id, answer) {
        this.#waiting.get(id)?.resolve(answer);
        this.#waiting.delete(id);
    }
}
