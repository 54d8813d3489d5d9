#!/usr/bin/python3
"""sources - every .c file is in the list of a CMakeLists.txt, so that no dead file stays behind."""

import os
import re

import lint


def complaints(paths, lists):
    """paths: repository paths; lists: path of each CMakeLists.txt and its text."""
    named = set()
    for path, text in lists.items():
        folder = os.path.dirname(path)
        for word in re.findall(r"[\w./${}-]+", re.sub(r"#.*", "", text)):
            word = word.replace("${PROJECT_SOURCE_DIR}/", "/").replace("${CMAKE_SOURCE_DIR}/", "/")
            word = word.replace("${CMAKE_CURRENT_SOURCE_DIR}/", "")
            named.add(os.path.normpath(word[1:] if word.startswith("/") else os.path.join(folder, word)))
    for path in paths:
        if path not in named:
            yield "%s: no CMakeLists.txt names it" % path


def check():
    lists = {path: lint.read(path) for path in lint.files("CMakeLists.txt")}
    yield from complaints(lint.files(".c"), lists)


def main():
    lint.run(check, {
        "a dead file": complaints(["engine/dead.c"], {"engine/CMakeLists.txt": "pd_module(x SOURCES alive.c)"}),
        "the same name elsewhere": complaints(["engine/index/alive.c"], {"engine/CMakeLists.txt": "pd_module(x SOURCES alive.c)"}),
        "only a comment": complaints(["engine/dead.c"], {"engine/CMakeLists.txt": "# dead.c"}),
    })


if __name__ == "__main__":
    main()
