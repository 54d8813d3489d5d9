"""One request until its answer: when to send, when to send again, when to give up. A step without clock or socket."""

from __future__ import annotations

import enum
import zlib
from typing import Any

# Nothing was done, and it may be done later: the same bytes are sent again.
LATER = ("busy", "storage_full", "shutting_down")
PAUSE_FIRST, PAUSE_MAX, BUSY_MAX = 0.1, 2.0, 5.0


class Act(enum.Enum):
    SEND = enum.auto()      # the request, then step again
    WAIT = enum.auto()      # for an answer, until `wake`
    REOPEN = enum.auto()    # the answer did not come: the socket may be dead. Then step again
    ANSWERED = enum.auto()  # by the answer of this step
    GIVE_UP = enum.auto()


def answer_id(answer: Any) -> str | None:
    """The id that an answer goes to, of an array that of its first; None when the engine could read none."""
    first = answer[0] if isinstance(answer, list) and answer else answer
    return first.get("id") if isinstance(first, dict) else None


def later(answer: Any) -> float | None:
    """None: this is the answer. Else nothing was done, and it asks for a pause of so many seconds; 0: it does not say.

    Sending a whole array again is safe: what was accepted is answered as before."""
    errors = [one["error"] for one in (answer if isinstance(answer, list) else [answer])
              if isinstance(one, dict) and isinstance(one.get("error"), dict)]
    pauses = [error.get("retry_after_ms") or 0 for error in errors if error.get("code") in LATER]
    return min(max(pauses) / 1000, BUSY_MAX) if pauses else None


class Retry:
    """`timeout` seconds for one answer, `patience` for all of it."""

    def __init__(self, id: str, now: float, timeout: float, patience: float):
        self.timeout, self.begun, self.end = timeout, now, now + patience
        self.wake = now       # nothing is to be done before
        self.sent_at = now    # the last time
        self.sent = 0         # how often since it was last heard that the engine lives
        self.put_off = 0      # how often it was told to come later
        self.waiting = False  # for an answer; else for the time to send
        # Many clients that lost one engine must not come back at once.
        self.jitter = zlib.crc32(id.encode()) % 1000 / 2000

    def step(self, now: float, answer: Any = None) -> Act:
        if answer is not None and self.waiting:
            pause = later(answer)
            if pause is None:
                return Act.ANSWERED
            self.put_off += 1
            pause = pause or self._pause(self.put_off)
            if now + pause >= self.end:
                return Act.ANSWERED
            self.sent = 0
            self.waiting, self.wake = False, now + pause
        if now < self.wake:
            return Act.WAIT
        if now >= self.end:
            return Act.GIVE_UP
        if not self.waiting:
            self.sent += 1
            self.waiting, self.sent_at, self.wake = True, now, min(now + self.timeout, self.end)
            return Act.SEND
        self.waiting, self.wake = False, min(now + self._pause(self.sent), self.end)
        return Act.REOPEN

    def _pause(self, times: int) -> float:
        return min(PAUSE_FIRST * 2 ** min(times - 1, 10), PAUSE_MAX) * (1 + self.jitter)
