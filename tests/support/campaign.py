"""campaign - the face that a campaign has: how long, from which number on, where the figures go.

    options = campaign.parser(__doc__, 60).parse_args()
    figures = campaign.Figures(options, "ports")
    for number in figures.numbers(): ...
    figures.end_numbers()
"""

import argparse
import json
import os
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def parser(page, seconds):
    found = argparse.ArgumentParser(description=page.strip(), formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--seconds", type=float, default=seconds, help="at most so long; %(default)s when absent")
    found.add_argument("--from", dest="first", type=int, default=0, metavar="N", help="the first number; %(default)s when absent")
    found.add_argument("--count", type=int, default=0, metavar="N", help="so many; as many as there is time for when absent")
    found.add_argument("--results", metavar="FILE", help="gets a line of JSON")
    return found


class Figures:
    """Counts what is done and what is broken; says so at the end, and ends the program with 1 when something was."""

    def __init__(self, options, name):
        self.options, self.name = options, name
        self.begun, self.done, self.violations, self.last = time.monotonic(), 0, 0, options.first

    def numbers(self):
        """One number after the other, while there is time."""
        while self.left() > 0 and not (self.options.count and self.last >= self.options.first + self.options.count):
            yield self.last
            self.last += 1
            if sys.stdout.isatty() and self.last % 100 == 0:
                print("\r%s: %d " % (self.name, self.last), end="", flush=True)

    def left(self):
        return self.options.seconds - (time.monotonic() - self.begun)

    def violation(self, what, again):
        self.violations += 1
        print("VIOLATION %s\nagain: %s" % (what, again), flush=True)

    def note(self, name, first, last, done, violations, seconds):
        if self.options.results:
            with open(self.options.results, "a", encoding="utf-8") as file:
                file.write(json.dumps({"campaign": name, "from": first, "to": last, "done": done, "violations": violations,
                                       "seconds": round(seconds, 1)}) + "\n")

    def end(self):
        """The last line and the exit status."""
        print("%s: %d done, %d violations" % (self.name, self.done, self.violations))
        sys.exit(1 if self.violations else 0)

    def end_numbers(self):
        self.note(self.name, self.options.first, self.last - 1, self.done, self.violations, time.monotonic() - self.begun)
        self.end()
