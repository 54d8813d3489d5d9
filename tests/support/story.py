"""story - a test that says what it checks, one line each, and stops at the first thing that is not so."""

import sys
import time

import reached

BEGUN = time.monotonic()


def say(text):
    print("%5.1f  %s" % (time.monotonic() - BEGUN, text), flush=True)


def check(what, ok, detail=None):
    if not ok:
        say("FAILED %s%s" % (what, "" if detail is None else ": %r" % (detail,)))
        raise AssertionError(what)
    say("ok     " + what)


def same(what, got, wanted):
    check(what, got == wanted, {"got": got, "wanted": wanted})


def eventually(what, probe, timeout=15.0, every=0.05):
    """The first true value of probe()."""
    end = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            say("ok     " + what)
            return value
        if time.monotonic() > end:
            check(what, False, value)
        time.sleep(every)


def skip(why):
    """ctest counts 77 as not run."""
    say("skipped: " + why)
    reached.note(reached.NOT_RUN)
    sys.exit(77)
