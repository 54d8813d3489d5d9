#!/usr/bin/python3
"""words - nothing of the machine it was written on stands in the repository, and nothing is left for later."""

import re

import lint

# Spelled in pieces, since this file is read too.
MACHINE = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]"]
REGISTRIES = ["deb\\.deb" + "ian\\.org", "py" + "pi\\.org", "npm" + "js\\.(org|com)", "proxy\\.golang" + "\\.org",
              "crates" + "\\.io"]
LATER = ["\\bTO" + "DO\\b", "\\bFIX" + "ME\\b", "\\bXX" + "X\\b"]
WORDS = re.compile("|".join(MACHINE + REGISTRIES + LATER))


def complaints(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = WORDS.search(line)
        if match is not None:
            yield "%s:%d: \"%s\"" % (path, number, match.group())


def check():
    for path in lint.files():
        yield from complaints(path, lint.read(path))


def main():
    bad = {word: complaints("a.c", "/* %s */" % word) for word in (
        "/wo" + "rk/main", "/ro" + "ot/x", "/ho" + "me/ana", "https://deb.deb" + "ian.org/x", "py" + "pi.org",
        "registry.npm" + "js.org", "TO" + "DO: later", "FIX" + "ME")}
    lint.run(check, bad)


if __name__ == "__main__":
    main()
