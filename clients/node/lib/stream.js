// stream.js - the events port as it comes: a SUB socket, opened anew when it is silent.
import { Subscriber as Sub } from "zeromq";
import { decode } from "./codec.js";
import { BadEndpoint } from "./errors.js";

export class Stream {
    #endpoint;
    #prefix;
    #queue;
    #curve;
    #socket;

    /** The prefix ends in `/`: without it, default would be subscribed to default2, too. */
    constructor(endpoint, prefix, queue, curve) {
        this.#endpoint = endpoint;
        this.#prefix = prefix;
        this.#queue = queue;
        this.#curve = curve;
        this.open();
    }

    open() {
        this.close();
        this.#socket = new Sub({ linger: 0, tcpKeepalive: 1, receiveHighWaterMark: this.#queue, ...this.#curve });
        try {
            this.#socket.connect(this.#endpoint);
        } catch (error) {
            this.close();
            throw new BadEndpoint(this.#endpoint, error.message);
        }
        this.#socket.subscribe(this.#prefix);
    }

    /** The next message. Nothing is taken from the socket before it is asked for: what is not taken waits there, or is dropped. */
    async next() {
        const [topic, body] = await this.#socket.receive();
        return read(topic.toString(), body);
    }

    close() {
        this.#socket?.close();
    }
}

/** `heartbeat` or `event` with what it says; neither: it is none, and the log will tell. */
function read(topic, body) {
    try {
        const message = decode(body);
        if (typeof message.log !== "string" || !Number.isSafeInteger(message.position)) return {};
        return topic.endsWith("/~head") ? { heartbeat: message } : { event: message };
    } catch {
        return {};
    }
}
