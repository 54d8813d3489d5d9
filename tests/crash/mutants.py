#!/usr/bin/python3
"""Small mistakes in the engine that only a power failure shows: each is made in a copy of the tree, and must be noticed.

    tests/crash/mutants.py [NAME ...]
    tests/crash/mutants.py --check      only that each can still be made; the suite does this"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGES, SECONDS = "3000", "60"

# Name, a text that stands once in engine/, and what is put in its place.
MUTANTS = (
    ("directories-unsynced", "fsync(fd) == 0", "true"),
    ("new-directory-unsynced", "sync_directory(s->dir)", "sync_directory(dir)"),
    ("commit-unsynced", "MDB_NOTLS | MDB_NOMEMINIT |", "MDB_NOTLS | MDB_NOMEMINIT | MDB_NOSYNC |"),
    ("meta-page-unsynced", "MDB_NOTLS | MDB_NOMEMINIT |", "MDB_NOTLS | MDB_NOMEMINIT | MDB_NOMETASYNC |"),
    ("head-before-commit", "int rc = mdb_txn_commit(txn);\n    if (rc != MDB_SUCCESS) return failed(\"commit_failed\"",
     "if (s->head_fd >= 0 && chain != NULL)\n"
     "        if (pwrite(s->head_fd, &s->pending_last, 8, 0) != 8 || fdatasync(s->head_fd) != 0) return STORE_FAILED;\n"
     "    int rc = mdb_txn_commit(txn);\n    if (rc != MDB_SUCCESS) return failed(\"commit_failed\""),
    ("turn-in-two-commits", "store_append(log, a->record.header.position, a->bytes, a->size);",
     "store_append(log, a->record.header.position, a->bytes, a->size);\n"
     "        if (i + 1 == b->appended_count / 2 && store_commit(log, e->chain) != STORE_OK) return STORE_FAILED;\n"
     "        if (i + 1 == b->appended_count / 2 && store_begin(log) != STORE_OK) return STORE_FAILED;"),
    ("folded-before-rows", "rows_flush(e->leaving, rows, &e->row_writer);",
     "store_set_folded(rows, e->leaving_last);\n"
     "    if (store_commit(rows, NULL) != STORE_OK || store_begin(rows) != STORE_OK) return STORE_FAILED;\n"
     "    rows_flush(e->leaving, rows, &e->row_writer);"),
    ("new-file-in-place", "(code = fresh_make(s->dir)) != 0", "(code = 0) != 0"),
    ("new-file-unsynced", "if (rc == MDB_SUCCESS) rc = mdb_env_sync(env, 1);", ""),
)


def sources(root):
    for folder, _, names in os.walk(os.path.join(root, "engine")):
        yield from (os.path.join(folder, name) for name in names if name.endswith(".c"))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def place_of(root, text):
    """The file in which the text stands; None when it is not there once."""
    found = [(path, read(path).count(text)) for path in sources(root)]
    found = [(path, count) for path, count in found if count > 0]
    return found[0][0] if len(found) == 1 and found[0][1] == 1 else None


def check():
    lost = [name for name, text, _ in MUTANTS if place_of(ROOT, text) is None]
    for name in lost:
        print("%s: its text does not stand once in engine/" % name)
    print("%d mutants, %d cannot be made" % (len(MUTANTS), len(lost)))
    return not lost


def build(tree):
    done = subprocess.run(["cmake", "--build", os.path.join(tree, "build", "release"), "--target", "crash", "-j", "2"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit("the build failed:\n" + done.stdout[-3000:] + done.stderr[-1000:])


def try_mutant(tree, name, text, instead):
    path = place_of(tree, text)
    whole = read(path)
    write(path, whole.replace(text, instead))
    build(tree)
    crash = os.path.join(tree, "build", "release", "bin", "crash")
    done = subprocess.run([crash, "--from", "1", "--seeds", "1", "--images", IMAGES, "--seconds", SECONDS],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    write(path, whole)
    last = done.stdout.splitlines()[-1:]
    noticed = done.returncode == 1 and bool(re.fullmatch(r"crash: \d+ done, [1-9]\d* violations", "".join(last)))
    first = re.search(r"^violation: .*", done.stdout, re.M)
    print("%s  %-24s %s" % ("noticed" if noticed else "MISSED ", name, first.group() if first else "".join(last)), flush=True)
    return noticed


def main():
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if check() else 1)
    wanted = [mutant for mutant in MUTANTS if mutant[0] in sys.argv[1:] or not sys.argv[1:]]
    if not check() or not wanted:
        sys.exit(1)
    with tempfile.TemporaryDirectory(prefix="pedido-mutants-") as tree:
        for path in subprocess.check_output(["git", "-C", ROOT, "ls-files", "-z"], text=True).split("\0")[:-1]:
            os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, path), os.path.join(tree, path))
        subprocess.run(["cmake", "--preset", "release"], cwd=tree, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
        missed = [mutant[0] for mutant in wanted if not try_mutant(tree, *mutant)]
    print("mutants: %d noticed, %d missed" % (len(wanted) - len(missed), len(missed)))
    sys.exit(1 if missed else 0)


main()
