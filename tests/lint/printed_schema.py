#!/usr/bin/python3
"""printed_schema PEDIDO - proto/MESSAGES.md, proto/schema.lock and the manual's page are what the compiled tables print, and no
number in the lock was changed or taken away: they stand on disks and in others' programs.

With --write (scripts/regen) the files are written; a changed number is still refused, unless --renumber is given too.
"""

import os
import subprocess
import sys

import lint

FILES = {"proto/MESSAGES.md": ("schema", "--markdown"), "proto/schema.lock": ("schema", "--lock"),
         "clients/cli/pedido.1.scd": ("manual",)}
LOCK = "proto/schema.lock"
# How many words of a line name the thing; the others are what may not change about it.
NAME_WORDS = {"type": 2, "enum": 3, "field": 3, "part": 3, "reply": 3}


def parse(lock):
    things = {}
    for line in lock.splitlines():
        words = line.split()
        size = NAME_WORDS.get(words[0], 2)
        things[tuple(words[:size])] = " ".join(words[size:])
    return things


def changes(before, after):
    """Complaints about what a lock says otherwise than one before it."""
    new = parse(after)
    for name, value in parse(before).items():
        if name not in new:
            yield "%s: \"%s %s\" was taken away; numbers are never reused" % (LOCK, " ".join(name), value)
        elif new[name] != value:
            yield "%s: \"%s\" was \"%s\" and is \"%s\"; append instead" % (LOCK, " ".join(name), value, new[name])


def complaints(printed, kept):
    for path, text in printed.items():
        if path == LOCK:
            yield from changes(kept.get(path, ""), text)
        if text != kept.get(path, ""):
            yield "%s is stale; run scripts/regen" % path


def prints(pedido):
    return {path: subprocess.run([pedido, *words, "--lang=en"], check=True, capture_output=True, text=True).stdout
            for path, words in FILES.items()}


def keeps():
    return {path: lint.read(path) for path in FILES if os.path.exists(os.path.join(lint.ROOT, path))}


def write(printed, kept, renumber):
    refused = [] if renumber else list(changes(kept.get(LOCK, ""), printed[LOCK]))
    for complaint in refused:
        print(complaint)
    if refused:
        sys.exit("nothing was written")
    for path, text in printed.items():
        if text != kept.get(path):
            print("writing %s" % path)
            with open(os.path.join(lint.ROOT, path), "w", encoding="utf-8") as file:
                file.write(text)


def main():
    printed, kept = prints(sys.argv[1]), keeps()
    if "--write" in sys.argv:
        write(printed, kept, "--renumber" in sys.argv)
        return
    lock = "command 7 Suspend\nenum order_state 1 draft\nfield command.Suspend 1 number number:number required\n"
    lint.run(lambda: complaints(printed, kept), {
        "a stale page": complaints({"proto/MESSAGES.md": "new"}, {"proto/MESSAGES.md": "old"}),
        "a stale lock": complaints({LOCK: lock + "command 8 Resume\n"}, {LOCK: lock}),
        "a number that is gone": changes(lock, lock.replace("command 7 Suspend\n", "")),
        "another name for a number": changes(lock, lock.replace("1 draft", "1 new")),
        "another number for a name": changes(lock, lock.replace("command 7", "command 8")),
        "another type of a field": changes(lock, lock.replace("number:number", "text:id")),
    })


if __name__ == "__main__":
    main()
