#!/usr/bin/python3
"""tour - engine/README.md and its drawing name what is there: each path, function() and word in backquotes is one of the tree's."""

import os
import re

import drawing
import lint

PAGE = "engine/README.md"


def sources():
    return "".join(lint.read(path) for path in lint.files(".c", ".h", ".def", folders=("engine", "proto", "include", "clients")))


def is_there(name, text, tree):
    """Paths stand as from the top or from the engine's folder; functions are declared or defined. What is neither a path nor a
    name, such as a command line, is not looked at."""
    if re.fullmatch(r"[\w./-]+\.[a-z]+", name):
        return os.path.normpath(name) in tree or os.path.normpath("engine/" + name) in tree
    if re.fullmatch(r"\w+\(\)", name):
        return re.search(r"^(?:\w[\w *]*[ *])?%s\(" % name[:-2], text, re.M) is not None
    if re.fullmatch(r"(?:struct )?\w+", name):
        return re.search(r"\b%s\b" % name, text) is not None
    return True


def names(page, dot):
    """What is named: in the prose in backquotes or as a link; in the drawing by words such as engine_seal."""
    prose = re.sub(r"```.*?```", "", page, flags=re.S)
    found = re.findall(r"`([^`]+)`", prose) + re.findall(r"\]\(([^)]+)\)", prose)
    return found + [word + "()" for text in drawing.of_source(dot)[0] for word in re.findall(r"\b[a-z]+_\w+", text)]


def complaints(page, dot, text, tree):
    # What the page itself adds is there, too: the code of its example, and files that it calls new.
    text += "".join(re.findall(r"```.*?```", page, re.S))
    tree = set(tree) | set(re.findall(r"new\s+file\s+`([^`]+)`", page))
    for name in names(page, dot):
        if not is_there(name, text, tree):
            yield "%s: there is no %s" % (PAGE, name)


def check():
    yield from complaints(lint.read(PAGE), lint.read(drawing.SOURCE), sources(), lint.files())


def main():
    def of(page, dot=""):
        text = "static int\nfound(void)\n{\n    return lost();\n}\nint said(struct slot *s);\n"
        return complaints(page, dot, text, ["engine/a.c"])

    bad = {
        "a file": of("`b.c`"), "a file of another folder": of("`bus/a.c`"), "a link": of("[x](../b.c)"),
        "a function that is only called": of("`lost()`"), "a struct": of("`struct slots`"), "a word": of("`SLOT`"),
        "a function in the drawing": of("", 'a [label="1 engine_seal"]\n'),
    }
    good = "`a.c` `engine/a.c` `found()` `said()` `struct slot` `make -j 2` [x](a.c) the new file `c.txt`"
    if list(of(good)):
        bad["what is in order is taken for wrong"] = []
    lint.run(check, bad)


if __name__ == "__main__":
    main()
