// stop.js - waiting that may be ended from outside: by the caller's AbortSignal, by close(). One wait at a time. Nothing is left
// behind: no timer, no listener, no rejection that nobody handles.

export class Stop {
    #reason;
    #stopped = false;
    #reject = null;
    #signal;
    #listener = () => this.now(this.#signal.reason);

    constructor(signal) {
        this.#signal = signal;
        if (signal?.aborted) this.now(signal.reason);
        else signal?.addEventListener("abort", this.#listener);
    }

    get stopped() {
        return this.#stopped;
    }

    /** Whoever waits hears the reason, and whoever would wait later. */
    now(reason) {
        if (this.#stopped) return;
        this.#stopped = true;
        this.#reason = reason;
        this.end();
        this.#reject?.(reason);
    }

    check() {
        if (this.#stopped) throw this.#reason;
    }

    /** What the promise gives; undefined when that takes longer than so many milliseconds. */
    async wait(promise, ms = Infinity) {
        let timer;
        try {
            return await new Promise((resolve, reject) => {
                promise.then(resolve, reject);
                this.#reject = reject;
                this.check();
                if (ms < Infinity) timer = setTimeout(resolve, Math.max(0, ms));
            });
        } finally {
            this.#reject = null;
            clearTimeout(timer);
        }
    }

    sleep(ms) {
        return this.wait(new Promise(() => {}), ms);
    }

    /** Forgets the signal: there will be no more waiting. */
    end() {
        this.#signal?.removeEventListener("abort", this.#listener);
    }
}
