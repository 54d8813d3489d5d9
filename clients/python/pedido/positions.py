"""Where a subscriber's position is kept: in a file, or by whoever does something with the events."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from .errors import Invalid

FIRST_LINE = "pedido checkpoint 1\n"
FORM = re.compile(re.escape(FIRST_LINE) + r"log (\S{1,40})\nreseller (\S{1,71})\nposition (\d{1,19})\n")


class Bookmark(NamedTuple):
    """The last event that is done, and the log it is of. Positions of one log mean nothing in another."""
    log: str
    position: int


class PositionStore:
    """What Subscriber is given to begin with, and where it says how far the program has come.

    A program that needs each event exactly once writes `Bookmark(event.log, event.position)` in the transaction of what it does
    for the event, gives it back by `load`, and leaves `save` as it is: it does nothing. Both are called where the subscriber
    is used (in the loop's thread under asyncio, where they may be `async`)."""

    def load(self) -> Bookmark | None:
        """None: there is none yet; the subscriber begins where `start` says."""
        raise NotImplementedError

    def save(self, place: Bookmark) -> Any:
        """All up to here is done. Called each second, when nothing is left to be given, at the end, and by Subscriber.save."""


class Checkpoint(PositionStore):
    """A file, whole or as it was before, on stable storage when `save` returns; the same that the C library and `pedido events
    follow --checkpoint` write. One program at a time. After a crash of the program some events may come again, none is missing.
    `save` waits for the disk, some milliseconds."""

    def __init__(self, path: str | os.PathLike[str], reseller: str):
        self.path, self.reseller = os.fspath(path), reseller

    def load(self) -> Bookmark | None:
        """Invalid: the file is no checkpoint, or of another reseller. OSError: it cannot be read."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                found = FORM.fullmatch(file.read(256))
        except FileNotFoundError:
            return None
        if found is None:
            raise Invalid("checkpoint", "a checkpoint: %s is none" % self.path)
        log, reseller, position = found.groups()
        if reseller != self.reseller:
            raise Invalid("checkpoint", "of %s: %s is of %s" % (self.reseller, self.path, reseller))
        return Bookmark(log, int(position))

    def save(self, place: Bookmark) -> None:
        text = "%slog %s\nreseller %s\nposition %d\n" % (FIRST_LINE, place.log, self.reseller, place.position)
        made = self.path + ".new"
        with open(made, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o640)) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(made, self.path)
        # The directory's entry, too: a new name may be lost otherwise.
        directory = os.open(os.path.dirname(self.path) or ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
