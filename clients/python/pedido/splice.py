"""From a stream that may lose events, and a log that has them all, each once and in order: a step without sockets, clock or files.

    the stream   events and heartbeats, perhaps twice or too late, perhaps not at all; each with the log's id
    pages        of the log, from `next` on, when `wants_page`

A position that jumps, or a heartbeat ahead of what was given, is a gap: a page is wanted. While one is read the stream waits in
its socket, or is dropped there: it is a hint."""

from __future__ import annotations


class Splice:
    def __init__(self, log: str = "", next: int = 0):
        self.log = log      # whose positions these are; "": the first one that is heard
        self.next = next    # the position to be given next; 0: that behind the first head that is heard
        self.head = 0       # the highest position that is known to be there
        self.reset = False  # another log was heard; nothing is given any more

    def event(self, position: int, log: str | None = None) -> bool:
        """Whether this event is the next one. One without a log comes from a page: it was asked of this log."""
        if not self._is_ours(log):
            return False
        self.next = self.next or position
        self.head = max(self.head, position)
        if position != self.next:
            return False
        self.next += 1
        return True

    def heartbeat(self, head: int, log: str) -> None:
        if self._is_ours(log):
            self.next = self.next or head + 1
            self.head = max(self.head, head)

    def page_end(self, shown: int) -> None:
        """A page has come to its end, and its answer shows the log up to there."""
        self.head = max(self.head, shown)

    @property
    def wants_page(self) -> bool:
        """There are events that did not come: they are to be read from `next` on."""
        return not self.reset and 0 < self.next <= self.head

    def _is_ours(self, log: str | None) -> bool:
        """Positions of one log mean nothing in another."""
        if log is not None:
            self.log = self.log or log
            self.reset = self.reset or log != self.log
        return not self.reset
