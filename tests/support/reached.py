"""reached - which refusals a test hears: lines "code test" in the file that PD_COVERAGE names, if it does.

refusals_reached.py reads the files of all tests when they are done. A test's file begins empty with each run of it.
"""

import os
import sys

FILE = os.environ.get("PD_COVERAGE")
TEST = "integration/" + os.path.splitext(os.path.basename(sys.argv[0]))[0]
NOT_RUN = "*"  # in the place of a code: the test could not run here

_noted = set()
if FILE:
    os.makedirs(os.path.dirname(FILE), exist_ok=True)
    with open(FILE, "w"):
        pass


def note(code):
    if FILE is None or code in _noted:
        return
    _noted.add(code)
    with open(FILE, "a") as file:
        file.write("%s %s\n" % (code, TEST))


def note_answer(frame, unpack):
    """Notes the refusals of an answer or an array of answers."""
    if FILE is None or b"\xa5error" not in frame:
        return
    answer = unpack(frame)
    for one in answer if isinstance(answer, list) else [answer]:
        if isinstance(one, dict) and isinstance(one.get("error"), dict):
            note(one["error"].get("code"))
