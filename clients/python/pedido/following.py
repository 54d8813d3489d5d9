"""Every event once and in order: splice.py decides, here are the stream, the pages, and where the position is kept: by a store,
or, under a name, by the engine. As in core.py, coroutines that know nothing of how one waits."""

from __future__ import annotations

import contextlib
import inspect
import os
import socket
import time
from typing import Any

from . import wire
from .core import PAGE, Core, Stream, new_id
from .errors import BadAnswer, Invalid, NoAnswer, Refused, Reset
from .events import ALL, Event, event_of, read_head, scope_prefix
from .messages import AttachSubscriber, DetachSubscriber, EventView, MoveSubscriber, ReadLog
from .positions import Bookmark, PositionStore
from .retry import LATER
from .splice import Splice

SILENCE = 5.0    # an engine that is there is heard each second; a socket that is not may be stuck
KEEP = 1.0       # the position is kept so often, while events come
RENEW = 5.0      # who holds a name says so
MOVE = 2.0       # waited for an answer to that; it is said again
NAME_LOST = ("subscriber_in_use", "subscriber_not_found")
FOREVER = float("inf")


def first_position(start: Any) -> int | None:
    """None: what happens from now on."""
    if start == "now":
        return None
    if start == "beginning":
        return 1
    if isinstance(start, int) and not isinstance(start, bool) and start >= 1:
        return start
    raise Invalid("start", '"now", "beginning" or a position from 1')


class Named:
    """A subscriber whose position the engine keeps: whoever holds its name says so every few seconds."""

    def __init__(self, core: Core, name: str, reseller: str | None):
        self.core, self.name, self.all = core, name, reseller is None
        self.options = {"reseller": reseller}
        # People see it in ListSubscribers.
        self.holder = "%s/%d/%s" % (socket.gethostname()[:32], os.getpid(), new_id()[-8:])
        self.log, self.kept = "", -1
        self.moved_at = 0.0
        self.held = False
        self.lost: Refused | None = None

    async def attach(self, first: int | None) -> Bookmark:
        """Takes the name. Refused, `subscriber_in_use`: another program holds it."""
        attach = AttachSubscriber(subscriber=self.name, holder=self.holder, all=self.all, from_=first)
        answer = await self.core.call(attach, self.options)
        self.log, self.kept, self.moved_at = answer.data.log, answer.data.position, time.monotonic()
        self.held = True
        return Bookmark(answer.data.log, answer.data.position)

    async def keep(self, place: Bookmark, idle: bool) -> None:
        """What came up to there is done; said when it is due, at once when idle. Refused: the name is another's now, or is no
        more. An engine that does not answer is told again."""
        waited = time.monotonic() - self.moved_at
        due = idle or waited >= KEEP if place != (self.log, self.kept) else waited >= RENEW
        if self.lost is None and due and place.log:
            try:
                await self.move(place, MOVE)
            except NoAnswer:
                pass
            except Refused as error:
                self.lost = error if error.code in NAME_LOST else None
        if self.lost is not None:
            raise self.lost

    async def move(self, place: Bookmark, patience: float | None = None) -> None:
        self.moved_at = time.monotonic()
        move = MoveSubscriber(subscriber=self.name, holder=self.holder, all=self.all, log=place.log, position=place.position)
        await self.core.call(move, self.options, patience)
        self.log, self.kept = place

    async def detach(self) -> None:
        if self.held and self.lost is None:
            detach = DetachSubscriber(subscriber=self.name, holder=self.holder, all=self.all)
            with contextlib.suppress(NoAnswer, Refused):  # then its time runs out
                await self.core.call(detach, self.options, MOVE)


class Follower:
    """Made by follow()."""

    def __init__(self, core: Core, reseller: str, store: PositionStore | None, named: Named | None):
        self.core, self.reseller, self.store, self.named = core, reseller, store, named
        self.all = reseller == ALL
        self.splice = Splice()
        self.stream: Stream | None = None
        self.page: list[EventView] = []  # what is to be given, the last first
        self.given = self.done = 0
        self.saved: int | None = None
        self.saved_at = self.heard_at = 0.0

    # ---- begin, end, begin anew

    async def open(self, start: Any, log: str, queue: int) -> None:
        first = first_position(start)
        place = await self._load(first)
        if place is not None:
            log, first = place.log, place.position + 1
        hello = await self.core.connect()
        self.stream = self.core.io.stream(hello.endpoints.events, [scope_prefix(self.reseller).encode()], queue)
        await self._begin(log, first)
        self.saved = self.given

    async def _load(self, first: int | None) -> Bookmark | None:
        if self.named is not None:
            return await self.named.attach(first)
        place = self.store.load() if self.store is not None else None
        return await place if inspect.isawaitable(place) else place

    async def _begin(self, log: str, first: int | None) -> None:
        """The head is asked for, and taken as a heartbeat, rather than waiting for one: "now" is now, and another log shows."""
        found, head = await self.core.head(None if self.all else self.reseller, self.all)
        self.splice = Splice(log, first or 0)
        self.splice.heartbeat(head, found)
        self.page = []
        self.given = self.done = max(self.splice.next, 1) - 1
        self.saved_at = self.heard_at = time.monotonic()

    async def restart(self, start: Any) -> None:
        assert self.stream is not None
        first = first_position(start)
        if self.named is not None:
            await self.named.attach(first)  # the log that there is now may not have the name
        await self._begin("", first)
        self.stream.reopen()  # what waits in the old one is the old log's
        self.saved = None

    async def close(self) -> None:
        """The event that was given last may not be done."""
        try:
            if self.stream is not None:
                self.stream.close()
            if not self.splice.reset:
                with contextlib.suppress(Refused):  # the name is lost, and whoever asked for events was told
                    await self._keep(idle=True)
        finally:
            if self.named is not None:
                await self.named.detach()

    # ---- how far the program has come

    @property
    def place(self) -> Bookmark:
        return Bookmark(self.splice.log, self.done)

    async def _keep(self, idle: bool) -> None:
        if self.named is not None:
            await self.named.keep(self.place, idle)
        elif self.store is not None and self.done != self.saved and self.splice.log:
            if idle or time.monotonic() >= self.saved_at + KEEP:
                await self._save()

    async def _save(self) -> None:
        assert self.store is not None
        place, self.saved_at = self.place, time.monotonic()
        saved = self.store.save(place)
        if inspect.isawaitable(saved):
            await saved
        self.saved = place.position

    async def save(self) -> None:
        if self.store is None and self.named is None:
            raise Invalid("checkpoint", "given: there is nothing that keeps the position")
        self.done = self.given
        if self.splice.log and self.named is not None:
            await self.named.move(self.place)
        elif self.splice.log:
            await self._save()

    async def renew(self) -> None:
        if self.named is not None:
            await self.named.keep(self.place, idle=False)

    # ---- events

    async def next(self, timeout: float | None) -> Event | None:
        until = FOREVER if timeout is None else time.monotonic() + timeout
        self.done = self.given  # whoever asks for another one is done with those before
        await self._keep(idle=False)
        while True:
            if self.splice.reset:
                raise Reset(self.splice.log)
            event = self._from_page()
            if event is None and self.splice.wants_page:
                await self._read_page(until)
            elif event is None:
                await self._keep(idle=True)
                event = await self._hear(until)
            if event is not None:
                self.given = event.position
                return event
            if not self.page and not self.splice.reset and time.monotonic() >= until:
                return None

    def _from_page(self) -> Event | None:
        while self.page:
            view = self.page.pop()
            if self.splice.event(view.position):
                return event_of(view, self.splice.log)
        return None

    async def _read_page(self, until: float) -> None:
        """Asks once. An engine that stops is started again: what it does not answer now is asked again."""
        options = {"reseller": None if self.all else self.reseller, "log": self.splice.log, "limit": PAGE,
                   "at_least": self.splice.next}
        patience = max(self.core.timeout, min(until - time.monotonic(), self.core.patience))
        try:
            answer = await self.core.call(ReadLog(from_=self.splice.next, all=self.all), options, patience)
        except NoAnswer:
            return
        except Refused as error:
            if error.code == "wrong_log":
                self.splice.reset = True
            elif error.code not in LATER:
                raise
            return
        self.page = answer.data.events[::-1]
        self.splice.page_end(answer.position or 0)

    async def _hear(self, until: float) -> Event | None:
        assert self.stream is not None
        silent = self.heard_at + SILENCE
        frames = await self.stream.receive(min(until, silent))
        now = time.monotonic()
        if frames is None:
            if now >= silent:
                self.stream.reopen()
                self.heard_at = now
            return None
        self.heard_at = now
        return self._take(frames)

    def _take(self, frames: list[bytes]) -> Event | None:
        """What is no event, the log will tell."""
        head = read_head(frames)
        if head is None:
            return None
        topic, body = head
        if topic.endswith("/~head"):
            self.splice.heartbeat(body["position"], body["log"])
            return None
        try:
            view = wire.unpack(EventView, body)
        except BadAnswer:
            return None
        return event_of(view, body["log"], topic) if self.splice.event(view.position, body["log"]) else None


def follower(core: Core, reseller: str, store: PositionStore | None, name: str | None) -> Follower:
    scope_prefix(reseller)
    if store is not None and name is not None:
        raise Invalid("name", "without a checkpoint: a subscriber with a name has its position at the engine")
    named = Named(core, name, None if reseller == ALL else reseller) if name is not None else None
    return Follower(core, reseller, store, named)
