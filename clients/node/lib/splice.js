// splice.js - from a stream that may lose events, and a log that has them all, each once and in order: a step without sockets,
// clock or files. What comes is shown to it; it says what to do.
//
//     the stream   events and heartbeats, perhaps twice or too late, perhaps not at all; each with the log's id
//     pages        of the log, from `next` on, when `wantsPage`
//
// A position that jumps, or a heartbeat ahead of what was given, is a gap: a page is wanted. While one is read the stream waits in
// its socket, or is dropped there: it is a hint.

export class Splice {
    /** log: whose positions these are, "" for the first one that is heard. next: the position to be given next, 0 for that behind
     * the first head that is heard. */
    constructor(log, next) {
        this.log = log;
        this.next = next;
        this.head = 0; // the highest position that is known to be there
        this.reset = false; // another log was heard: nothing more is given
    }

    /** The last position that was given; undefined before it is known where to begin. */
    get given() {
        return this.next === 0 ? undefined : this.next - 1;
    }

    /** There are events that did not come: they are to be read from `next` on. */
    get wantsPage() {
        return !this.reset && this.next > 0 && this.next <= this.head;
    }

    /** An event of the stream, or of a page, which was asked of this log: true when it is the next one. */
    event(log, position) {
        if (!this.#isOurs(log)) return false;
        if (this.next === 0) this.next = position;
        this.head = Math.max(this.head, position);
        if (position !== this.next) return false;
        this.next++;
        return true;
    }

    heartbeat(log, head) {
        if (!this.#isOurs(log)) return;
        if (this.next === 0) this.next = head + 1;
        this.head = Math.max(this.head, head);
    }

    /** A page has come to its end, and its answer shows the log up to there. */
    pageEnd(shown) {
        this.head = Math.max(this.head, shown);
    }

    /** Positions of one log mean nothing in another. */
    #isOurs(log) {
        if (this.log === "" && log !== undefined) this.log = log;
        if (log !== undefined && log !== this.log) this.reset = true;
        return !this.reset;
    }
}
