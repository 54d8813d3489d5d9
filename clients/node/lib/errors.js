// errors.js - what may go wrong: one family, `code` for programs, `message` for people.
import { refusals } from "../schema.js";

export class PedidoError extends Error {
    constructor(code, message, more = {}) {
        super(message);
        this.name = new.target.name;
        this.code = code;
        Object.assign(this, more);
    }
}

/** Not sent: something in it cannot be right; `field` says what. */
export class BadMessage extends PedidoError {
    constructor(field, what) {
        super("bad_message", `${field} ${what}`, { field });
    }
}

/** An option cannot be right; `field` says which. */
export class BadOption extends PedidoError {
    constructor(field, what) {
        super("bad_option", `${field} ${what}`, { field });
    }
}

export class BadEndpoint extends PedidoError {
    constructor(endpoint, why) {
        super("bad_endpoint", `cannot connect to ${endpoint}: ${why}`, { endpoint });
    }
}

/** What came is not what the protocol says. */
export class BadAnswer extends PedidoError {
    constructor(message) {
        super("bad_answer", message);
    }
}

/** Nobody knows whether it was carried out: the same command with the same `id` says, and does nothing twice. */
export class NoAnswer extends PedidoError {
    constructor(endpoint, id, sent) {
        super("no_answer", `no answer from ${endpoint}: sent ${sent} times (id ${id})`, { endpoint, id, sent });
    }
}

/** The client was closed before the answer came: as NoAnswer. */
export class Closed extends PedidoError {
    constructor() {
        super("closed", "the client was closed before the answer came");
    }
}

/** The engine has another log now: positions of `log` mean nothing in it. */
export class Reset extends PedidoError {
    constructor(log) {
        super("reset", `the engine has another log now: positions of ${log || "the one before"} mean nothing in it`, { log });
    }
}

/** The engine said no. */
export class Refused extends PedidoError {
    constructor(type, id, error) {
        super(error.code, error.message, { type, id, details: error });
        this.ok = false;
        this.field = error.field;
        this.retryAfterMs = error.retry_after_ms;
        this.class = Object.hasOwn(refusals, error.code) ? refusals[error.code].class : undefined;
    }
}
