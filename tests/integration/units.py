#!/usr/bin/python3
"""units - the unit files: systemd reads them without a word, and finds little that they leave open."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
from story import check, same

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
# A unit's file, the program that it starts, and the most that `systemd-analyze security` may find open, of 10.
UNITS = (("engine/pedidod.service", "pedidod", 1.5), ("clients/worker/pedido-worker@.service", "pedido-worker", 2.0))


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", "--no-pager"] + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout.decode(errors="replace")


def main():
    place = daemon.directory()
    for path, name, most in UNITS:
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = file.read()
        # The program where it is now: one that is not there would be complained of.
        check("%s starts %s" % (path, name), "=/usr/bin/" + name in text)
        copy = os.path.join(place, os.path.basename(path).replace("@", "@x"))
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/bin/" + name, daemon.program(name)))
        same("%s: systemd has nothing to say" % path, analyze("verify", copy), (0, ""))
        code, out = analyze("security", "--offline=true", copy)
        level = re.search(r"Overall exposure level for .*?: ([0-9.]+)", out)
        check("%s: it is closed as far as it can be" % path, code == 0 and level and float(level.group(1)) <= most, out[-600:])


main()
