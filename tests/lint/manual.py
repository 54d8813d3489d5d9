#!/usr/bin/python3
"""manual BIN - the pages of pedidod and pedido-worker show the help that the programs print. With --write (scripts/regen) it is
put there. (pedido's own page is printed whole, see printed_schema.)
"""

import os
import re
import subprocess
import sys

import lint

PAGES = {"engine/pedidod.8.scd": "pedidod", "clients/worker/pedido-worker.1.scd": "pedido-worker"}
BLOCK = re.compile(r"^```\n.*?^```\n", re.S | re.M)


def with_help(page, text):
    return BLOCK.sub(lambda _: "```\n%s```\n" % text, page, count=1)


def complaints(path, page, text):
    if BLOCK.search(page) is None:
        yield "%s has no place for the help" % path
    elif with_help(page, text) != page:
        yield "%s is stale; run scripts/regen" % path


def check(helps):
    for path, text in helps.items():
        yield from complaints(path, lint.read(path), text)


def main():
    helps = {path: subprocess.run([os.path.join(sys.argv[1], program), "--help"], check=True, capture_output=True, text=True).stdout
             for path, program in PAGES.items()}
    if "--write" in sys.argv:
        for path, text in helps.items():
            page = lint.read(path)
            if with_help(page, text) != page:
                print("writing %s" % path)
                with open(os.path.join(lint.ROOT, path), "w", encoding="utf-8") as file:
                    file.write(with_help(page, text))
        return
    lint.run(lambda: check(helps), {
        "a stale page": complaints("a.scd", "a\n```\nold\n```\n", "new\n"),
        "a page without the block": complaints("a.scd", "a\n", "new\n"),
    })


if __name__ == "__main__":
    main()
