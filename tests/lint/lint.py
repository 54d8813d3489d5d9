"""lint - what the checks share: the files, and run(), which first sees that the check notices what it is there for.

A check is a function that yields complaints. Its canaries are made-up bad inputs: one that passes unnoticed fails the check,
since then it would notice nothing else either.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ("include", "proto", "engine", "clients", "tests", "scripts", ".ci")


def files(*suffixes, folders=FOLDERS):
    """Repository paths of texts with one of the suffixes (all when none is given), sorted."""
    found = []
    for folder in folders:
        for path, names, leaves in os.walk(os.path.join(ROOT, folder)):
            names[:] = sorted(name for name in names if name not in ("__pycache__", "node_modules"))
            found += [os.path.relpath(os.path.join(path, leaf), ROOT) for leaf in sorted(leaves) if not leaf.endswith(".xz")]
    if folders is FOLDERS:
        found += [name for name in sorted(os.listdir(ROOT)) if os.path.isfile(os.path.join(ROOT, name))]
    return [path for path in found if not suffixes or path.endswith(suffixes)]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def run(check, canaries):
    """check() yields complaints about the repository; canaries maps a name to the complaints about something bad."""
    deaf = [name for name, complaints in canaries.items() if not list(complaints)]
    for name in deaf:
        print("the canary was not noticed: %s" % name)
    complaints = list(check())
    for complaint in complaints:
        print(complaint)
    print("%d complaints, %d canaries noticed" % (len(complaints), len(canaries) - len(deaf)))
    sys.exit(1 if complaints or deaf else 0)
