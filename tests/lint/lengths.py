#!/usr/bin/python3
"""lengths - functions, files and lines can be read at once. Aim: a function under 70 lines, a file under 600."""

import lint

FUNCTION_LINES, FILE_LINES, COLUMNS = 90, 600, 132

# As long and as wide as the schema makes them.
GENERATED = ("clients/python/pedido/messages.py", "clients/python/pedido/calls.py", "clients/node/schema.js")


def functions(text):
    """(name, lines) of each function of a C file: its braces stand in the first column."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            head = start - 1
            while head > 0 and lines[head][:1] in (" ", "\t"):
                head -= 1
            yield lines[head].split("(")[0].split()[-1].lstrip("*"), number - start + 1
            start = None


def methods(text):
    """(its first line, lines) of each function and method of a JavaScript file: it ends with a brace below its beginning."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        head = line.strip()
        if not head.endswith(") {") or head.startswith(("if ", "for ", "while ", "} ")):
            continue
        end = line[:len(line) - len(line.lstrip())] + "}"
        for number in range(start, len(lines)):
            if lines[number] == end:
                yield head, number - start + 1
                break


def complaints(path, text):
    lines = text.splitlines()
    if path.endswith((".c", ".h")):
        for name, length in functions(text):
            if length > FUNCTION_LINES:
                yield "%s: %s has %d lines; at most %d" % (path, name, length, FUNCTION_LINES)
    if path.endswith(".js"):
        for name, length in methods(text):
            if length > FUNCTION_LINES:
                yield "%s: %s has %d lines; at most %d" % (path, name, length, FUNCTION_LINES)
    if path.endswith((".c", ".h", ".py", ".js")) and len(lines) > FILE_LINES:
        yield "%s: %d lines; at most %d" % (path, len(lines), FILE_LINES)
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield "%s:%d: %d columns; at most %d" % (path, number, len(line), COLUMNS)
        if line != line.rstrip():
            yield "%s:%d: blanks at the end" % (path, number)
        if path.endswith((".c", ".h")) and "\t" in line:
            yield "%s:%d: a tab" % (path, number)
    if text and not text.endswith("\n"):
        yield "%s: the last line does not end" % path


def check():
    # Tables of rows (.def, scenarios, vectors) are as wide as their rows; so is prose.
    scripts = [path for path in lint.files() if path.startswith(("scripts/", ".ci/")) and "." not in path.rsplit("/", 1)[1]]
    for path in lint.files(".c", ".h", ".py", ".js", "CMakeLists.txt") + scripts:
        if path not in GENERATED:
            yield from complaints(path, lint.read(path))


def main():
    body = "    f();\n"
    bad = {
        "a long function": ("a.c", "static void\nf(void)\n{\n%s}\n" % (body * FUNCTION_LINES)),
        "a long method": ("a.js", "class A {\n    f() {\n%s    }\n}\n" % (body * FUNCTION_LINES)),
        "a long file": ("a.c", body * (FILE_LINES + 1)),
        "a long line": ("a.c", "x" * (COLUMNS + 1) + "\n"),
        "blanks at the end": ("a.py", "x \n"),
        "a tab": ("a.h", "\tint x;\n"),
        "no last newline": ("CMakeLists.txt", "project(x)"),
    }
    lint.run(check, {name: complaints(*text) for name, text in bad.items()})


if __name__ == "__main__":
    main()
