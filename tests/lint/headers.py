#!/usr/bin/python3
"""headers CC FLAG... - every header compiles alone, and twice; the public ones in C++, too (by clang, which needs no library for
that)."""

import concurrent.futures
import os
import subprocess
import sys

import lint

WARNINGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wvla", "-Wstrict-prototypes", "-Werror"]


PLUS = ["clang", "-x", "c++", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror", "-I.", "-Iinclude"]


def complaint(command, source, name):
    """What the compiler says about a source; nothing when it is content."""
    if "-x" not in command:
        command = command + ["-x", "c"]
    done = subprocess.run(command + ["-fsyntax-only", "-"], input=source, capture_output=True, text=True,
                          cwd=lint.ROOT, check=False)
    return [] if done.returncode == 0 else ["%s does not compile alone:\n%s" % (name, done.stderr)]


def main():
    command = sys.argv[1:] + WARNINGS + ["-I.", "-Iinclude"]

    def check():
        headers = lint.files(".h")
        sources = [(command, path) for path in headers] + [(PLUS, path) for path in headers if path.startswith("include/")]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for found in pool.map(lambda job: complaint(job[0], '#include "%s"\n' % job[1] * 2, job[1]), sources):
                yield from found

    lint.run(check, {
        "a type that is not there": complaint(command, "size_t f(void);\n", "canary"),
        "a word of C++": complaint(PLUS, "int class;\n", "canary"),
        "no guard": complaint(command, "struct s { int x; };\n" * 2, "canary"),
    })


if __name__ == "__main__":
    main()
