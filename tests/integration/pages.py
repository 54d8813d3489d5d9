#!/usr/bin/python3
"""A disk gives back other bytes than were written. `verify` looks at every page before LMDB does and names the position that was
hit, or the page and what hung below it; an engine does not start on such books and says why, instead of dying of it; `locate`
prints where an event lies. A commit that the disk has forgotten again is known from DATA/head."""

import os
import signal
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("support", "flips")]
import daemon
import shop
from layout import Layout
from story import check, same

PAGE = 4096
KIND = 10  # where a page's head says what kind of page it is


class Disk:
    """Bytes of a file, changed for a while."""

    def __init__(self, path):
        self.path = path

    def read(self, offset, size):
        with open(self.path, "rb") as file:
            file.seek(offset)
            return file.read(size)

    def write(self, offset, content):
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(content)

    def flip(self, offset, mask=1):
        self.write(offset, bytes([self.read(offset, 1)[0] ^ mask]))


def locate(engine, *operands):
    done = subprocess.run([daemon.program("pedidod"), "locate", "--data", engine.data] + [str(o) for o in operands],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def does_not_start(engine, about, wanted):
    try:
        engine.start()
        check(about, False, "it serves")
    except RuntimeError as error:
        check(about, wanted in str(error) and engine.process.returncode == 1, str(error))


def names(engine, about, *wanted):
    code, said = engine.offline("verify")
    check(about, code == 1 and all(w in said for w in wanted), (code, said))


def an_event_is_named(engine, books, last):
    for position in (1, last // 2, last):
        code, out, err = locate(engine, position)
        path, offset, size = out.split()
        same("locate prints where event %d lies" % position, (code, err, path), (0, "", books.path))
        check("there is its id or its body", 0 < int(size) < 4 * PAGE, size)
        for at in (0, int(size) // 2, int(size) - 1):
            books.flip(int(offset) + at)
            names(engine, "byte %d of it is flipped: verify names it" % at, "event %d" % position)
            books.flip(int(offset) + at)
    for operand, status, said in ((0, 2, "a number from 1"), ("x", 2, "a number from 1"), ("-1", 2, "I do not understand"),
                                  (10**30, 2, "a number from 1"), (last + 1, 1, "the last is %d" % last)):
        code, out, err = locate(engine, operand)
        check("locate %s is refused: %s" % (operand, said), (code, out) == (status, "") and said in err, (code, out, err))
    same("without a position, too", locate(engine)[0], 2)


def pages_are_named(engine, books, rows, last):
    page = int(locate(engine, last // 2)[1].split()[1]) // PAGE
    books.flip(page * PAGE + KIND, 4)
    names(engine, "a leaf's head is flipped: verify names the page and its events", "page %d" % page, "below it: events ")
    does_not_start(engine, "an engine does not start on it, and says the same", "page %d" % page)
    books.flip(page * PAGE + KIND, 4)

    content = rows.read(0, os.path.getsize(rows.path))
    at = next(first for first, end in Layout(content, "row").parts["row"] if b"lopez" in content[first:end]) // PAGE
    rows.flip(at * PAGE + KIND, 4)
    names(engine, "a row's leaf: the page and its rows", "page %d" % at, "below it: rows ")
    does_not_start(engine, "an engine does not start on it", "DIR/rows may be moved away")
    rows.flip(at * PAGE + KIND, 4)

    size = os.path.getsize(books.path)
    tail = books.read(page * PAGE, size)
    os.truncate(books.path, page * PAGE)
    names(engine, "the file is cut off: verify names what is missing", "page ", "it lies outside of the file")
    does_not_start(engine, "an engine does not start on it", "outside of the file")
    books.write(page * PAGE, tail)
    for disk, name in (books, "books"), (rows, "rows"):
        content = disk.read(0, size)
        os.truncate(disk.path, 0)
        names(engine, "nothing is left of the %s: verify says so" % name, name + ": there are none")
        same("and makes none", os.path.getsize(disk.path), 0)
        disk.write(0, content)
    code, said = engine.offline("verify")
    check("all put right again, nothing is wrong", code == 0, said)


def meta_pages(books):
    """The transaction of each."""
    return [struct.unpack("<Q", books.read(number * PAGE + 16 + 128, 8))[0] for number in range(2)]


def a_forgotten_commit_is_known(engine, books):
    engine.start()
    before = [books.read(number * PAGE, PAGE) for number in range(2)]
    turns = meta_pages(books)
    engine.client().do("PutCustomer", {"customer": "last", "name": "Última"})
    same("one commit later", max(meta_pages(books)), max(turns) + 1)
    engine.kill()
    oldest = turns.index(min(turns))
    books.write(oldest * PAGE, before[oldest])
    does_not_start(engine, "the disk forgot it: the log is shorter than known", "log_shorter_than_known")
    code, said = engine.offline("verify")
    known = struct.unpack("<Q", Disk(os.path.join(engine.data, "head")).read(0, 8))[0]
    check("verify says so, too, and what was known", code == 1 and "log_shorter_than_known" in said and "known=%d " % known in said,
          said)
    books.flip(oldest * PAGE + 16 + 128, 8)
    names(engine, "transactions that do not follow each other are no meta pages", "books", "not of two commits in a row")


def a_bad_end_is_looked_into(engine):
    """LMDB may have died of a page that the start did not look at."""
    suspect = os.path.join(engine.data, "suspect")
    engine.start()
    check("a good start suspects nothing", not os.path.exists(suspect))
    os.kill(engine.process.pid, signal.SIGABRT)  # the others are the sanitizers' own
    same("it ends as it would have", engine.process.wait(30), -signal.SIGABRT)
    check("and that is noted", os.path.exists(suspect))
    engine.start()
    check("the next start looks at everything", "ended_badly" in engine.log())
    same("SIGTERM ends it", engine.stop(), 0)
    check("and once is enough", not os.path.exists(suspect))


def main():
    engine = daemon.Engine()
    with engine:
        client = engine.client()
        shop.furnish(client)
        for _ in range(40):
            shop.walk_to_open(client)
        client.do("AddNote", {"order": 1, "text": "x" * 2000})
    books, rows = (Disk(os.path.join(engine.data, name, "data.mdb")) for name in ("books", "rows"))
    code, said = engine.offline("verify")
    check("a good log is well", code == 0 and "all is well" in said, said)
    last = int(said.split("all is well: ")[1].split()[0])
    a_bad_end_is_looked_into(engine)
    last += 2  # starts
    an_event_is_named(engine, books, last)
    pages_are_named(engine, books, rows, last)
    a_forgotten_commit_is_known(engine, books)


main()
