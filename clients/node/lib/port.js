// port.js - one of the engine's ports: a DEALER that is opened anew when it is silent, and the requests that wait on it. Answers
// find their request by the id.
import { Dealer } from "zeromq";
import { BadEndpoint } from "./errors.js";
import { decode } from "./codec.js";

const QUEUE = 100000;
const EMPTY = Buffer.alloc(0); // in front of the body, so that requests pass through ZeroMQ's proxies

export const now = () => performance.now();

export class Port {
    endpoint;
    #socket = null;
    #waiting = new Map(); // id -> { bytes, resolve }
    #heard = 0; // when, by now()

    constructor(endpoint) {
        this.endpoint = endpoint;
    }

    has(id) {
        return this.#waiting.has(id);
    }

    /** Sends, and gives what is answered; waits until it is forgotten. BadEndpoint: it is none. */
    ask(id, bytes) {
        return new Promise((resolve) => {
            this.#open();
            this.#waiting.set(id, { bytes, resolve });
            this.#send(bytes);
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
        for (const { bytes } of this.#waiting.values()) this.#send(bytes);
    }

    close() {
        this.#socket?.close();
        this.#socket = null;
    }

    #open() {
        if (this.#socket !== null) return;
        const socket = new Dealer({
            linger: 0, sendTimeout: 0, tcpKeepalive: 1, sendHighWaterMark: QUEUE, receiveHighWaterMark: QUEUE,
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

    /** What cannot be sent now is sent again later. */
    #send(bytes) {
        this.#socket.send([EMPTY, bytes]).catch(() => {});
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
        this.#waiting.get(id)?.resolve(answer);
        this.#waiting.delete(id);
    }
}
