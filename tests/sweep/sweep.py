#!/usr/bin/python3
"""sweep - the n-th allocation or system call of a real program fails, for n = 1, 2, 3 ... until one run has fewer. Once, or from
then on.

A program whose call failed may serve on, or end with a message; never by a bare signal, never without a word, and it does not
hang. Afterwards, without failures: what was acknowledged is there, with the same reply, once; verify finds nothing wrong. A number
is a scene and a way to fail; when --count is absent each gets its turn. The last line is `sweep: N done, V violations`, N being
runs in which something failed.
"""

import collections
import concurrent.futures
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import campaign
import daemon
import scenes

WAYS = ("call", "call+", "allocation", "allocation+")
INTERRUPTED = (": poll", ": ppoll", ": epoll_wait", ": wait4")
STEP = 40  # runs that are begun before the last ones are looked at: the end of a sweep is not known before


class Trial:
    """One run: which call fails, and what came of it."""

    def __init__(self, scene, way, n):
        self.scene, self.way, self.n = scene, way.rstrip("+"), n
        self.sticky = way.endswith("+")
        self.place = daemon.directory()
        self.report = os.path.join(self.place, "failed")
        self.wrong = []

    def wrapper(self):
        """What stands before a command line, so that its call fails."""
        if self.way == "call":
            return [os.path.join(daemon.BIN, "fail-call"), "--at", str(self.n), "--report", self.report] + \
                ["--sticky"] * self.sticky + ["--"]
        library = os.path.join(daemon.BIN, "fail-allocation.so")
        return ["env", "PEDIDO_FAIL_AT=%d" % self.n, "PEDIDO_FAIL_STICKY=%d" % self.sticky,
                "PEDIDO_FAIL_REPORT=" + self.report, "LD_PRELOAD=" + library]

    def expect(self, ok, what):
        if not ok:
            self.wrong.append(what)
        return ok

    def failed_call(self):
        try:
            with open(self.report, encoding="utf-8") as file:
                return file.read().strip()
        except FileNotFoundError:
            return None

    def judge_end(self, status, said):
        """How a program may end: well, or badly with a reason."""
        if status in (0, -signal.SIGTERM):
            return
        # Whoever serves may be interrupted: nothing has failed.
        interrupted = "fact=serving" in said and (self.failed_call() or "").endswith(INTERRUPTED)
        self.expect(not interrupted, "ended by an interruption: %r" % said[-300:])
        # glib, which folds names, ends by a trap where others abort, and by worse where its word finds no memory either.
        if status < 0 and "libglib" in (self.failed_call() or ""):
            return
        self.expect(status >= 0 or status == -signal.SIGABRT, "ended by signal %d" % -status)
        self.expect(any("level=error" in line or not line.startswith("time=") for line in said.splitlines() if line),
                    "ended with %d without a word: %r" % (status, said[-300:]))


def one(name, way, n):
    trial = Trial(name, way, n)
    try:
        done = scenes.SCENES[name](trial)
        trial.expect(done or trial.wrong or trial.failed_call() is not None, "nothing failed, and it is not done")
    except Exception as error:  # whatever it is, it is told and counted
        trial.wrong.append("%s: %s" % (type(error).__name__, error))
    return trial


def sweep(figures, pool, name, way, every):
    """All n of one scene and way."""
    seen, n, over = collections.Counter(), 1, False
    while not over and figures.left() > 0:
        numbers = range(n, n + STEP * every, every)
        for trial in pool.map(lambda number: one(name, way, number), numbers):
            failed = trial.failed_call()
            daemon.forget(trial.place)
            for what in trial.wrong:
                figures.violation("%s %s %d (%s): %s" % (name, way, trial.n, failed, what),
                                  "%s --scene %s --way %s --only %d" % (sys.argv[0], name, way, trial.n))
            if failed is None:
                over = True
                continue
            figures.done += 1
            seen[re.sub(r"^\d+: ", "", failed) if way.startswith("call") else "allocation"] += 1
        n = numbers[-1] + every
    if not seen and figures.left() > 0:
        figures.violation("%s %s: not one call was made to fail" % (name, way), "%s --scene %s --way %s" % (sys.argv[0], name, way))
    print("%-12s %-12s %5d failures%s %s" % (name, way, sum(seen.values()), "" if over else ", not all",
                                             ", ".join("%s %d" % pair for pair in seen.most_common(8))), flush=True)


def main():
    parser = campaign.parser(__doc__, 3600)
    parser.add_argument("--scene", action="append", choices=list(scenes.SCENES), help="only this one, and others so named")
    parser.add_argument("--way", action="append", choices=WAYS, help="only this way to fail; + is from then on")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="only each K-th n")
    parser.add_argument("--only", type=int, metavar="N", help="only this n, with what was said")
    options = parser.parse_args()
    figures = campaign.Figures(options, "sweep")
    if subprocess.run([os.path.join(daemon.BIN, "fail-call"), "--at", "1", "--report", os.devnull, "--", "true"],
                      stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 77:
        print("no process can be traced here")
        sys.exit(77)
    pairs = [(scene, way) for scene in options.scene or scenes.SCENES for way in options.way or WAYS]
    options.count = options.count or len(pairs)
    with scenes.prepared(), concurrent.futures.ThreadPoolExecutor(2) as pool:
        if options.only:
            for scene, way in pairs:
                trial = one(scene, way, options.only)
                print("%s %s %s: %s" % (scene, way, trial.failed_call(), trial.wrong or "well"))
            return
        for number in figures.numbers():
            sweep(figures, pool, *pairs[number % len(pairs)], options.every)
    figures.end_numbers()


main()
