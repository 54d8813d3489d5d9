#!/usr/bin/python3
"""files - a small data directory with a few bytes changed anywhere in it, and what `pedidod verify` says: all is well, or what is
wrong, with 0 or 1. A signal or a sanitizer's word is a violation, and so is a directory that it has changed. A number is one
damage, undone after it.

clang's build is used, so that reading where nothing is shows. The last line is `files: N done, V violations`.
"""

import os
import random
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import campaign
import fuzz

PAGE = 4096


def make(daemon, shop):
    """The directory of an engine that has sold something; its engine, stopped."""
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        for _ in range(5):
            shop.add(client, shop.item("vps"), customer="lopez")
    return engine


def places(data):
    """(path, offset) of each page that holds something, and of each file that has less than one."""
    for folder, _, names in sorted(os.walk(data)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if "lock" in name:
                continue  # what stands there is for the living
            with open(path, "rb") as file:
                for at, page in enumerate(iter(lambda: file.read(PAGE), b"")):
                    if page.strip(b"\0"):
                        yield path, at * PAGE, page


def damage(dice, page):
    """Bits, bytes, words that claim too much, stretches of zeroes or of something else; in a page's head more often than not."""
    changed = bytearray(page)
    for _ in range(1 + dice.randrange(3)):
        at = dice.randrange(min(64, len(page)) if dice.randrange(2) else len(page))
        size = dice.choice((1, 1, 1, 2, 4, 8, 64, len(page)))
        kind = dice.randrange(4)
        if kind == 0:
            changed[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            changed[at:at + size] = dice.randbytes(len(changed[at:at + size]))
        elif kind == 2:
            changed[at:at + size] = bytes(len(changed[at:at + size]))
        else:
            changed[at:at + size] = b"\xff" * len(changed[at:at + size])
    return bytes(changed)


def put(path, offset, content):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def keep(data, place, path, offset, damaged):
    """A copy of the damaged directory: the next one that is made has other ids and times."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(data, place)
    put(os.path.join(place, os.path.relpath(path, data)), offset, damaged)
    return place


def undo(files, path, offset, damaged):
    """Puts every file back; those that are not as the damage left them."""
    changed = []
    for name, content in files.items():
        left, wanted = read(name), content
        if name == path:
            wanted = content[:offset] + damaged + content[offset + len(damaged):]
        if left != wanted:
            changed.append(name)
        if left != content:
            with open(name, "wb") as file:
                file.write(content)
    return changed


def main():
    options = fuzz.parser(__doc__).parse_args()
    fuzz.build(options.build)
    os.environ["PEDIDO_BIN"] = os.path.join(options.build, "bin")
    import daemon
    import shop

    figures = campaign.Figures(options, "files")
    engine = make(daemon, shop)
    pages = list(places(engine.data))
    files = {path: read(path) for path, _, _ in pages}
    for number in figures.numbers():
        dice = random.Random(number)
        path, offset, page = dice.choice(pages)
        damaged = damage(dice, page)
        put(path, offset, damaged)
        code, said = engine.offline("verify")
        changed = undo(files, path, offset, damaged)
        figures.done += 1
        if code not in (0, 1) or "Sanitizer" in said or "runtime error" in said or changed:
            kept = keep(engine.data, os.path.join(options.build, "found", "files-%d" % number), path, offset, damaged)
            figures.violation("damage %d of %s, page %d: exit status %d, changed %s\n%s" % (
                number, os.path.relpath(path, engine.data), offset // PAGE, code, changed or "nothing", said[:1500]),
                "%s verify --data %s" % (daemon.program("pedidod"), kept))
    if engine.offline("verify")[0] != 0:
        figures.violation("the undamaged directory is not whole", "tests/fuzz/files.py --from %d" % options.first)
    figures.end_numbers()


if __name__ == "__main__":
    main()
