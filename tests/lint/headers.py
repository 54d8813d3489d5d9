#!/usr/bin/python3
"""headers CC FLAG... - every header compiles alone, and twice."""

import concurrent.futures
import os
import subprocess
import sys

import lint

WARNINGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wvla", "-Wstrict-prototypes", "-Werror"]


def complaint(command, source, name):
    """What the compiler says about a source; nothing when it is content."""
    done = subprocess.run(command + ["-fsyntax-only", "-x", "c", "-"], input=source, capture_output=True, text=True,
                          cwd=lint.ROOT, check=False)
    return [] if done.returncode == 0 else ["%s does not compile alone:\n%s" % (name, done.stderr)]


def main():
    command = sys.argv[1:] + WARNINGS + ["-I.", "-Iinclude"]

    def check():
        headers = lint.files(".h")
        sources = ['#include "%s"\n#include "%s"\n' % (path, path) for path in headers]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for found in pool.map(lambda pair: complaint(command, pair[1], pair[0]), zip(headers, sources)):
                yield from found

    lint.run(check, {
        "a type that is not there": complaint(command, "size_t f(void);\n", "canary"),
        "no guard": complaint(command, "struct s { int x; };\n" * 2, "canary"),
    })


if __name__ == "__main__":
    main()
