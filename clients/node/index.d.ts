import type { Answers, Events, HelloReply, Int, Requests, Rows } from "./messages.js";

export * from "./messages.js";

export const DEFAULT_ENDPOINT: "tcp://127.0.0.1:7411";

// ---- commands and queries -----------------------------------------------------------------------------------------------------

export interface ClientOptions {
    /** Of the commands port: tcp://... or ipc://...; DEFAULT_ENDPOINT when absent. The other ports are asked of the engine. */
    endpoint?: string;
    /** Whose things, where a call does not say; the engine takes `default`. */
    reseller?: string;
    /** For a whole call, all sendings and pauses together, in milliseconds; 15,000 when absent. */
    timeout?: number;
    /** For one answer, in milliseconds, until the same is sent again; 2,000 when absent. */
    patience?: number;
    /** What a person should know meanwhile. Must not throw. */
    talk?: (line: string) => void;
    /** For an encrypted port. Whoever may not connect hears nothing, which is a NoAnswer. */
    keys?: Keys;
}

/** The engine's public key, and a pair of one's own, as `pedido key new` makes them; each in the 40 characters of Z85. */
export interface Keys {
    server: string;
    public: string;
    secret: string;
}

/** Of one command or query. */
export interface RequestOptions {
    /** 1-64 bytes; a new UUID when absent. The same id and content again is answered as before, and nothing is done twice. */
    id?: string;
    reseller?: string;
    /** Commands: refused with `version_conflict` unless the thing has this version; 0 is one that does not exist. */
    expect?: Int;
    /** Commands: answered as if it were done; nothing is. */
    dryRun?: boolean;
    /** The person behind the service; kept with the events. */
    onBehalfOf?: string;
    /** W3C traceparent; kept with the events. */
    trace?: string;
    /** Queries: answered from a state that includes this position, such as that of an answer before. */
    atLeast?: Int;
    /** Queries: at most so many rows in an answer, 1-1,000; 100 when absent. */
    limit?: number;
    /** Queries: `next` of the answer before; `rows` and `pages` do it by themselves. */
    cursor?: string;
    /** Queries: refused with `wrong_log` unless this is the id of the engine's log. */
    log?: string;
    /** Queries: the order of a list. */
    sort?: "oldest" | "newest" | "changed" | "expiring";
}

export interface CallOptions extends RequestOptions {
    /** As the client's, for this call. `wait_ms` in the data is added to it. */
    timeout?: number;
    /** Ends the waiting: the promise is rejected with the signal's reason. What was sent may still be carried out. */
    signal?: AbortSignal;
}

export interface Answer<Data = unknown> {
    ok: true;
    id: string;
    /** Commands: the position of its last event. Queries: the answer shows all events up to it. Absent: it goes back to none. */
    position?: Int;
    data: Data;
    /** There are more rows: the cursor for them. */
    next?: string;
}

export type Command = { [T in keyof Requests]: { type: T; data?: Requests[T] } & RequestOptions }[keyof Requests];

/** Commands and queries of an engine. A client connects when it is first used; from then on it keeps its sockets, and the process
 * alive, until it is closed. Calls may run side by side; commands are decided in the order in which they were called.
 *
 * A call sends, and sends the same again, with the same id, when no answer comes (on a new socket, when the old one is silent) or
 * when the engine answers `busy`, `storage_full` or `shutting_down`: after `retry_after_ms`, and also over restarts of the engine.
 * It is rejected with Refused; NoAnswer when the time is over and nobody knows; BadMessage or BadOption when something cannot be
 * right, before anything is sent; BadEndpoint; BadAnswer; Closed; the signal's reason. */
export class Client {
    constructor(options?: string | ClientOptions);
    /** A client whose engine has answered Hello. */
    static connect(options?: string | ClientOptions): Promise<Client>;

    readonly closed: boolean;
    readonly reseller: string;

    /** What Hello answered: asked once, or anew when `fresh`. */
    hello(options?: { fresh?: boolean }): Promise<HelloReply>;

    /** One command or query. */
    call<T extends keyof Requests>(type: T, data?: Requests[T], options?: CallOptions): Promise<Answer<Answers[T]>>;

    /** 1-1,024 commands in one message, each decided on its own, in order; their answers in the same order. One that is refused
     * does not stop the others: its answer is a Refused, with `ok` false. It is no transaction. */
    callAll(commands: readonly Command[], options?: { timeout?: number; signal?: AbortSignal }): Promise<(Answer | Refused)[]>;

    /** Every row of a list, page by page. */
    rows<T extends keyof Rows>(type: T, data?: Requests[T], options?: CallOptions): AsyncGenerator<Rows[T], void, undefined>;

    /** The same as answers. */
    pages<T extends keyof Rows>(type: T, data?: Requests[T], options?: CallOptions):
        AsyncGenerator<Answer<Answers[T]>, void, undefined>;

    /** Ends its subscribers (which keep their positions), then calls that are under way, with Closed; nothing is left that keeps
     * the process alive. Waits for subscribers' last words, some seconds at most. */
    close(): Promise<void>;
}

// ---- events -------------------------------------------------------------------------------------------------------------------

export interface EventOf<T extends keyof Events> {
    type: T;
    data: Events[T];
    /** In its reseller, from 1 without gaps; of a subscriber to all resellers, in the log. */
    position: Int;
    /** Microseconds since 1970 UTC; never goes back. */
    time: Int;
    log: string;
    reseller: string;
    /** The id of the command that caused it. */
    command: string;
    /** Who sent that: local, worker/<name> or engine. */
    actor: string;
    on_behalf_of?: string;
    trace?: string;
    /** Counts the events of the thing that it belongs to. */
    version: Int;
}

/** An event; `type` says which `data` it has. A newer engine may send types that are not among these. */
export type PedidoEvent = { [T in keyof Events]: EventOf<T> }[keyof Events];

export interface Place {
    log: string;
    /** The last position that is done. */
    position: Int;
}

/** Where a position is kept. A program that needs each event exactly once keeps it with what it does, in one transaction: then
 * `load` reads it there, and `save` is not needed. */
export interface PositionStore {
    /** undefined: there is none yet, and `from` counts. */
    load(): Promise<Place | undefined>;
    /** What came up to there is done; it must be on stable storage when the promise is fulfilled. Called each second, when nothing
     * is left to be given, and at the end; never twice at a time. */
    save?(place: Place & { reseller: string }): Promise<void>;
}

/** A file that keeps the position: that of `pedido events follow --checkpoint` and of the library in C. One program at a time. */
export class Checkpoint implements PositionStore {
    constructor(path: string);
    load(): Promise<(Place & { reseller: string }) | undefined>;
    save(place: Place & { reseller: string }): Promise<void>;
}

export interface SubscriberOptions {
    /** Whose events; the client's reseller when absent. */
    reseller?: string;
    /** Those of all resellers, with the log's positions. */
    all?: boolean;
    /** The first position wanted, "beginning", or "now" (when absent): what happens from now on. */
    from?: number | "beginning" | "now";
    /** `from` is a position of this log; when absent, of whatever log there is. */
    log?: string;
    /** The path of a Checkpoint. Where it exists, it counts, and `from` and `log` do not; as for the two below. Give one of the
     * three. */
    checkpoint?: string;
    /** The engine keeps the position under this name, the reseller's own, and lets nobody else follow under it meanwhile: Refused
     * with `subscriber_in_use`. The hold is renewed while the program is busy with an event, unless it blocks the event loop for
     * 15 s. */
    name?: string;
    store?: PositionStore;
    /** How many events may wait in the socket; 1,000 when absent. Those beyond are read from the log. */
    queue?: number;
    /** Ends the waiting with the signal's reason. */
    signal?: AbortSignal;
}

/** Every event of a reseller, or of all, once and in order:
 *
 *     for await (const event of new Subscriber(client, { from: "beginning", checkpoint: "mailer.checkpoint" })) await mail(event);
 *
 * What the stream lacks is read from the log, over restarts of the engine. An event is done when the next one is asked for; only
 * then its position is kept, so that after a crash of the program some events may come again and none is missing.
 *
 * The loop ends when the subscriber or its client is closed. It throws Reset when the engine has another log, as after a backup was
 * restored; Refused when the engine refuses to read the log, or the name is another's; what a store threw; the signal's reason.
 * After `break` or an error another loop may go on with the same subscriber. One loop at a time. */
export class Subscriber implements AsyncIterableIterator<PedidoEvent> {
    constructor(client: Client, options?: SubscriberOptions);

    /** The position that was given last; undefined before anything is known. */
    readonly position: number | undefined;
    /** The highest position that is known; 0 before anything is known. */
    readonly head: number;
    /** The id of the log that is followed; "" before anything is known. */
    readonly log: string;

    [Symbol.asyncIterator](): this;
    next(): Promise<IteratorResult<PedidoEvent, undefined>>;
    return(): Promise<IteratorResult<PedidoEvent, undefined>>;

    /** All that was given is done: keeps that now, and waits for it. BadOption: there is nothing to keep it. */
    save(): Promise<void>;

    /** Begins anew in the log that there is now, after Reset; "beginning" when absent. Between two loops, not within. */
    restart(from?: number | "beginning" | "now"): Promise<void>;

    /** Keeps what is done, lets the name go, closes the socket; a loop that waits ends. */
    close(): Promise<void>;
}

// ---- what may go wrong --------------------------------------------------------------------------------------------------------

/** `code` is for programs, `message` for people. */
export class PedidoError extends Error {
    readonly code: string;
}

/** The engine said no, and did nothing. */
export class Refused extends PedidoError {
    readonly ok: false;
    readonly type: string;
    readonly id: string | null;
    /** What it is about: a key of the request, or a path in its data such as items[1].plan. */
    readonly field?: string;
    readonly retryAfterMs?: number;
    /** invalid, not_found, conflict, business, unavailable, fault: what to do. undefined: of a code that this version does not
     * know. */
    readonly class?: string;
    /** All that the answer's `error` says, such as `order`, `version`, `state`, `allowed`. */
    readonly details: { code: string; message: string; [key: string]: unknown };
}

/** Nobody knows whether it was carried out: the same command with the same `id` says, and does nothing twice. */
export class NoAnswer extends PedidoError {
    readonly endpoint: string;
    readonly id: string;
    /** How often. */
    readonly sent: number;
}

/** Not sent: something in it cannot be right; `field` says what. */
export class BadMessage extends PedidoError {
    readonly field: string;
}

/** An option cannot be right; `field` says which. */
export class BadOption extends PedidoError {
    readonly field: string;
}

/** It cannot be connected to. */
export class BadEndpoint extends PedidoError {
    readonly endpoint: string;
}

/** What came is not what the protocol says. */
export class BadAnswer extends PedidoError {}

/** The client was closed before the answer came: as NoAnswer. */
export class Closed extends PedidoError {}

/** The engine has another log now: positions of `log` mean nothing in it. */
export class Reset extends PedidoError {
    readonly log: string;
}

// ---- bytes --------------------------------------------------------------------------------------------------------------------

/** A value as MessagePack, as the engine writes it: shortest integers. BadMessage names the field that cannot be sent: a fraction,
 * an integer that a number does not hold, null, half a surrogate pair. */
export function encode(value: unknown): Uint8Array;

/** Integers are numbers where these are exact, else bigints. A key `__proto__` is a key like any other. */
export function decode(bytes: Uint8Array): unknown;

/** A new id: a UUID of version 7, so that ids sort by time. */
export function newId(): string;
