"""The same client under asyncio: `async with pedido.aio.Client() as client: await client.add_order(...)`.

**Tasks.** A client belongs to the event loop in which it is first used. Many tasks may call it at the same time: calls are under
way together on one connection, and answered in any order. Commands that are called in one round of the loop, as by
`asyncio.gather`, go as one array, which costs the engine a fraction of what as many messages do; each has its own answer and is
sent again on its own. A subscriber is used by one task at a time; a call or a wait that is
cancelled leaves both in order (a command that was sent may still be carried out)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import Any, AsyncIterator, Iterable, Sequence, Unpack

import zmq
import zmq.asyncio

from . import wire
from .calls import AsyncCalls
from .client import PATIENCE, QUEUE, TIMEOUT, connect, milliseconds, scope_of, set_up, store_of
from .core import DEFAULT_ENDPOINT, Answer, Core, Shell
from .errors import Invalid, NoAnswer, Refused
from .events import Event, Heartbeat, check_prefixes, read_frames
from .following import FOREVER, RENEW, Follower, follower
from .keys import Keys
from .messages import Options, Request
from .positions import PositionStore
from .retry import answer_id


# Of one array. Each element takes a byte at least, and the engine takes no more than 65,536 of them: the smaller bound holds both.
ARRAY_COMMANDS, ARRAY_BYTES = 256, 65536 - 3


class Waiting:
    """A request that is under way, and how often it was sent without an answer. One that `joins` may go in an array with others:
    the first time, since whatever keeps the engine from answering an array must not do so twice."""

    def __init__(self, body: bytes, joins: bool):
        self.body, self.joins, self.sent, self.sent_at = body, joins, 0, 0.0
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()


class AsyncPort:
    """Many requests at a time; a task hands each answer to the one that waits for it."""

    def __init__(self, endpoint: str, keys: Keys | None):
        self.endpoint, self.keys = endpoint, keys
        self.waiting: dict[str, Waiting] = {}
        self.queue: list[Waiting] = []
        self._open()

    def _open(self) -> None:
        self.socket = connect(set_up(zmq.asyncio.Context.instance().socket(zmq.DEALER), QUEUE, self.keys), self.endpoint)
        self.heard_at = time.monotonic()
        self.reader = asyncio.get_running_loop().create_task(self._read(self.socket))

    async def _read(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            frames = await socket.recv_multipart()
            self.heard_at = time.monotonic()
            with contextlib.suppress(ValueError):
                self._take(wire.from_bytes(frames[-1]))

    def _take(self, answer: Any) -> None:
        id = answer_id(answer)
        # None: the engine could not read so much as the id. It is for the one request that is under way, if it is the only one.
        whose = next(iter(self.waiting.values())) if id is None and len(self.waiting) == 1 else self.waiting.get(id or "")
        if isinstance(answer, list) and (whose is None or whose.joins):  # not that of call_all, whose answer is the array
            for one in answer:
                self._give(self.waiting.get(answer_id(one) or ""), one)
        else:
            self._give(whose, answer)

    def _give(self, whose: Waiting | None, answer: Any) -> None:
        if whose is not None and not whose.answer.done():
            whose.sent = 0
            whose.answer.set_result(answer)

    def expect(self, id: str, body: bytes, joins: bool) -> None:
        if id in self.waiting:
            raise Invalid("id", "another: a call with the id %s is under way" % id)
        self.waiting[id] = Waiting(body, joins)

    def forget(self, id: str) -> None:
        self.waiting.pop(id, None)

    async def send(self, id: str) -> None:
        request = self.waiting[id]
        request.sent += 1
        request.sent_at = time.monotonic()
        self._queue(request)

    def _queue(self, request: Waiting) -> None:
        """It goes when all that can run now has run, together with what that has called."""
        if not self.queue:
            asyncio.get_running_loop().call_soon(self._flush)
        self.queue.append(request)

    def _flush(self) -> None:
        queue, self.queue = self.queue, []
        together: list[bytes] = []
        size, joined = 0, False
        for request in queue:
            joins = request.joins and request.sent <= 1
            size += len(request.body)
            if together and not (joined and joins and len(together) < ARRAY_COMMANDS and size <= ARRAY_BYTES):
                self._send(wire.array_of(together))
                together, size = [], len(request.body)
            together.append(request.body)
            joined = joins
        if together:
            self._send(wire.array_of(together))

    def _send(self, body: bytes) -> None:
        """The empty frame makes it pass through ZeroMQ proxies. What cannot be sent is sent again later."""
        if not self.socket.closed:
            sent = self.socket.send_multipart([b"", body], zmq.NOBLOCK)
            sent.add_done_callback(lambda sent: sent.cancelled() or sent.exception())

    async def receive(self, id: str, until: float) -> Any:
        request = self.waiting[id]
        await asyncio.wait([request.answer], timeout=max(0, until - time.monotonic()))
        if not request.answer.done():
            return None
        answer, request.answer = request.answer.result(), asyncio.get_running_loop().create_future()
        return answer

    async def reopen(self, since: float) -> None:
        if self.heard_at > since:
            return
        self._shut()
        self._open()
        self.queue = []
        for request in self.waiting.values():
            self._queue(request)

    def _shut(self) -> None:
        self.reader.cancel()
        self.socket.close()

    def close(self) -> None:
        self._shut()
        for id, request in self.waiting.items():
            if not request.answer.done():
                request.answer.set_exception(NoAnswer(self.endpoint, id, time.monotonic() - request.sent_at))


class AsyncStream:
    def __init__(self, endpoint: str, prefixes: Sequence[bytes], queue: int, keys: Keys | None):
        self.endpoint, self.prefixes, self.queue, self.keys = endpoint, list(prefixes), queue, keys
        self._open()

    def _open(self) -> None:
        self.socket = set_up(zmq.asyncio.Context.instance().socket(zmq.SUB), self.queue, self.keys)
        for prefix in self.prefixes:
            self.socket.subscribe(prefix)
        connect(self.socket, self.endpoint)

    async def receive(self, until: float) -> list[bytes] | None:
        if not await self.socket.poll(milliseconds(until)):
            return None
        return await self.socket.recv_multipart()

    def reopen(self) -> None:
        self.socket.close()
        self._open()

    def close(self) -> None:
        self.socket.close()


class AsyncIo:
    def __init__(self, keys: Keys | None) -> None:
        self.lock, self.keys = asyncio.Lock(), keys

    def port(self, endpoint: str) -> AsyncPort:
        return AsyncPort(endpoint, self.keys)

    def stream(self, endpoint: str, prefixes: Sequence[bytes], queue: int) -> AsyncStream:
        return AsyncStream(endpoint, prefixes, queue, self.keys)


class Client(Shell, AsyncCalls):
    """pedido.Client, to be awaited. Its options are the same."""

    def __init__(self, endpoint: str = DEFAULT_ENDPOINT, *, timeout: float = TIMEOUT, patience: float = PATIENCE,
                 keys: Keys | None = None):
        super().__init__(Core(AsyncIo(keys), endpoint, timeout, patience))

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Does not wait. Calls that are under way end with NoAnswer; what was sent may still be carried out."""
        self._core.close()

    async def _ask(self, message: wire.Message[wire.R]) -> wire.R:
        return (await self.call(message)).data

    async def call(self, message: wire.Message[wire.R], **options: Unpack[Options]) -> Answer[wire.R]:
        return await self._core.call(message, self._merged(options))

    async def call_all(self, messages: Iterable[wire.Command[Any] | Request],
                       **options: Unpack[Options]) -> list[Answer[Any] | Refused]:
        return await self._core.call_all(messages, self._merged(options))

    def pages(self, query: wire.Query[wire.R], **options: Unpack[Options]) -> AsyncIterator[Answer[wire.R]]:
        return self._core.pages(query, self._merged(options))

    def rows(self, query: wire.Query[Any], **options: Unpack[Options]) -> AsyncIterator[Any]:
        return self._core.rows(query, self._merged(options))

    def follow(self, reseller: str | None = None, *, start: int | str = "now", log: str = "", name: str | None = None,
               checkpoint: str | os.PathLike[str] | PositionStore | None = None, queue: int = QUEUE) -> Subscriber:
        """As pedido.Client.follow: `async with client.follow() as events: async for event in events: ...`"""
        return Subscriber(self, scope_of(self, reseller), start, log, name, checkpoint, queue)

    async def listen(self, *prefixes: str, queue: int = QUEUE) -> Listener:
        encoded = check_prefixes(prefixes)
        return Listener(self._core.io.stream((await self._core.connect()).endpoints.events, encoded, queue))


class Listener:
    """Made by Client.listen."""

    def __init__(self, stream: AsyncStream):
        self._stream = stream

    async def __aenter__(self) -> Listener:
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        self._stream.close()

    async def next(self, timeout: float | None = None) -> Event | Heartbeat | None:
        until = FOREVER if timeout is None else time.monotonic() + timeout
        while (frames := await self._stream.receive(until)) is not None:
            if (found := read_frames(frames)) is not None:
                return found
        return None

    async def __aiter__(self) -> AsyncIterator[Event | Heartbeat]:
        while (found := await self.next()) is not None:
            yield found


class Subscriber:
    """Made by Client.follow; pedido.Subscriber has what it does. It is open within `async with`, and shares its client's
    connections."""

    def __init__(self, client: Client, reseller: str, start: int | str, log: str, name: str | None, checkpoint: Any, queue: int):
        self._follower: Follower = follower(client._core, reseller, store_of(checkpoint, reseller), name)
        self._opening = (start, log, queue)

    async def __aenter__(self) -> Subscriber:
        try:
            await self._follower.open(*self._opening)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    async def close(self) -> None:
        await self._follower.close()

    async def next(self, timeout: float | None = None) -> Event | None:
        return await self._follower.next(timeout)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self.next()) is not None:
            yield event

    @property
    def position(self) -> int:
        return self._follower.given

    @property
    def head(self) -> int:
        return self._follower.splice.head

    @property
    def log(self) -> str:
        return self._follower.splice.log

    async def save(self) -> None:
        await self._follower.save()

    async def renew(self) -> None:
        await self._follower.renew()

    @contextlib.asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Renews the name while an event takes long, as long as the loop runs: `async with events.busy(): await slow(event)`."""
        async def work() -> None:
            while True:
                await self._follower.renew()
                await asyncio.sleep(RENEW)

        task = asyncio.create_task(work())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled() and task.exception() is not None:
            raise task.exception()  # type: ignore[misc]

    async def restart(self, start: int | str) -> None:
        await self._follower.restart(start)
