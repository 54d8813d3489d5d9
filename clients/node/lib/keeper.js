// keeper.js - when it is said how far a program has come: each second, at once when nothing is left to be given, at the end; and
// now and then where a hold is to be renewed, also while the program is busy with an event. One saying at a time; what went wrong
// is heard by whoever asks for the next event.
import { NoAnswer, Refused } from "./errors.js";
import { now } from "./port.js";

const SAVE_MS = 1000;
const LOST = ["subscriber_in_use", "subscriber_not_found"];

/** An engine that cannot say yes now is asked again. */
function mayPass(error) {
    return error instanceof NoAnswer || (error instanceof Refused && !LOST.includes(error.code));
}

export class Keeper {
    #place;
    #at = null; // what is done: { log, reseller, position }
    #kept = null; // of that, what is said
    #said = now();
    #saying = null;
    #failed = null;
    #timer = null;

    /** place: load(), save(at), perhaps close() and renewMs; undefined: nothing is kept. */
    constructor(place) {
        this.#place = place;
    }

    /** From there on; `kept` when it stands there already. */
    begin(at, kept) {
        this.#at = at;
        this.#kept = kept ? at : null;
        this.#failed = null;
        this.#said = now();
        if (this.#place !== undefined) this.#timer ??= setInterval(() => this.#sayWhenDue(false), SAVE_MS);
    }

    /** So far it is done. Throws what went wrong with the saying of what was done before. */
    done(at, idle = false) {
        if (this.#failed !== null) {
            const failed = this.#failed;
            if (!(failed instanceof Refused)) this.#failed = null;
            throw failed;
        }
        this.#at = at;
        this.#sayWhenDue(idle);
    }

    /** Says it now, and waits for it. */
    async save(at, ending = false) {
        this.#at = at;
        while (this.#saying !== null) await this.#saying.catch(() => {});
        await this.#say(ending);
    }

    /** The last words: what is done, unless it means nothing any more; and that the place is left. */
    async end(save) {
        clearInterval(this.#timer);
        const lost = this.#failed instanceof Refused;
        if (save && !lost && this.#canSay() && !this.#isKept()) await this.save(this.#at, true);
        while (this.#saying !== null) await this.#saying.catch(() => {});
        if (!lost) await this.#place?.close?.();
    }

    #canSay() {
        return this.#place?.save !== undefined && Boolean(this.#at?.log) && this.#at.position !== undefined;
    }

    #isKept() {
        return this.#kept?.position === this.#at?.position && this.#kept?.log === this.#at?.log;
    }

    #sayWhenDue(idle) {
        if (this.#saying !== null || this.#failed !== null || !this.#canSay()) return;
        const waited = now() - this.#said, renewMs = this.#place.renewMs ?? Infinity;
        const due = this.#isKept() ? waited >= renewMs : idle || waited >= SAVE_MS;
        if (!due) return;
        this.#say(false).catch((error) => {
            if (!mayPass(error)) this.#failed = error;
        });
    }

    #say(ending) {
        const at = this.#at;
        this.#said = now();
        this.#saying = (async () => {
            try {
                await this.#place.save(at, ending);
                this.#kept = at;
            } finally {
                this.#saying = null;
            }
        })();
        return this.#saying;
    }
}
