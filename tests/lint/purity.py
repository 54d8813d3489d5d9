#!/usr/bin/python3
"""purity LIBRARY CC - the rules have no clock, heap, storage or output: the linker's list of what they need says so."""

import os
import re
import subprocess
import sys
import tempfile

import lint

ALLOWED = re.compile(
    # of the contract
    r"pd_(arena_alloc_more|refuse|refuse_field|allowed_names|check_failed|copy_block|parse_period)"
    r"|pd_(schema|enum|block|error)_\w+"
    # of the C library, without state
    r"|mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp|chr)"
    # of the compiler and its sanitizers
    r"|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__(asan|ubsan|tsan|sanitizer|gcov|llvm)_\w+")


def symbols(binary, flag):
    listed = subprocess.run(["nm", flag, binary], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in listed.splitlines() if len(line.split()) > 1}


def complaints(binary):
    needed = symbols(binary, "-u") - symbols(binary, "--defined-only")
    if not symbols(binary, "--defined-only"):
        yield "%s: defines nothing" % binary
    for symbol in sorted(needed):
        if not ALLOWED.fullmatch(symbol):
            yield "%s: a rule needs %s" % (os.path.basename(binary), symbol)


def canary(compiler, source):
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "canary.o")
        subprocess.run([compiler, "-x", "c", "-c", "-o", binary, "-"], input=source, text=True, check=True)
        yield from complaints(binary)


def main():
    library, compiler = sys.argv[1:3]
    lint.run(lambda: complaints(library), {
        "a clock": canary(compiler, "#include <time.h>\nlong f(void); long f(void) { return time(0); }"),
        "a heap": canary(compiler, "#include <stdlib.h>\nvoid *f(void); void *f(void) { return malloc(8); }"),
        "an output": canary(compiler, "#include <stdio.h>\nvoid f(void); void f(void) { puts(\"x\"); }"),
        "storage": canary(compiler, "void store_append(void); void f(void); void f(void) { store_append(); }"),
        "nothing at all": canary(compiler, "typedef int unused;"),
    })


if __name__ == "__main__":
    main()
