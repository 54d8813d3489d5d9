"""damage - bytes altered on a disk, as a failing one does it."""

import glob
import os


def alter(data, before, after):
    """Every `before` in the books becomes `after`, of the same length; how many there were."""
    found = 0
    assert len(before) == len(after)
    for path in glob.glob(os.path.join(data, "**", "*.mdb"), recursive=True):
        with open(path, "r+b") as file:
            content = file.read()
            at = content.find(before)
            while at >= 0:
                found += 1
                file.seek(at)
                file.write(after)
                at = content.find(before, at + 1)
    return found
