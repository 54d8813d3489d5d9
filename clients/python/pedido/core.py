"""What a client does, but for waiting. Written once, as coroutines: aio.py hands it an Io that waits with asyncio, client.py one
that blocks, so that its coroutines never suspend and run() takes them from beginning to end."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import time
from dataclasses import dataclass
from typing import Any, AsyncIterator, Coroutine, Generic, Iterable, Protocol, Sequence, TypeVar

from . import wire
from .errors import BadAnswer, Invalid, NoAnswer, Refused
from .messages import COMMANDS, QUERIES, Hello, HelloReply, Options, ReadLog, Request
from .retry import Act, Retry

DEFAULT_ENDPOINT = "tcp://127.0.0.1:7411"
PROTOCOL = 1
PAGE = 1000
T = TypeVar("T")
R = TypeVar("R")
log = logging.getLogger("pedido")


@dataclass(frozen=True, slots=True)
class Answer(Generic[R]):
    """An accepted message's answer. `id` is what it was sent under, `position` the last event it goes back to, counted in its
    reseller (for `at_least`; None: none), `next` the cursor of a list that may have more rows."""

    type: str
    id: str
    data: R
    position: int | None = None
    next: str | None = None

    ok = True


class Port(Protocol):
    """One of the engine's ports, and the requests that are under way on it."""

    def expect(self, id: str, body: bytes, joins: bool) -> None:
        """`joins`: it may be sent in an array with others."""

    def forget(self, id: str) -> None: ...
    async def send(self, id: str) -> None: ...

    async def receive(self, id: str, until: float) -> Any:
        """The answer to one of them; None: it did not come until then."""

    async def reopen(self, since: float) -> None:
        """A new socket, unless something was heard from the old one since then; what else is under way is sent again."""

    def close(self) -> None: ...


class Stream(Protocol):
    """A subscription."""

    async def receive(self, until: float) -> list[bytes] | None: ...
    def reopen(self) -> None: ...
    def close(self) -> None: ...


class Io(Protocol):
    lock: contextlib.AbstractAsyncContextManager[Any]  # one Hello for all who wait
    keys: Any  # Keys, or None

    def port(self, endpoint: str) -> Port: ...
    def stream(self, endpoint: str, prefixes: Sequence[bytes], queue: int) -> Stream: ...


def run(work: Coroutine[Any, Any, T]) -> T:
    """The value of a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise RuntimeError("what is awaited in a client that blocks must not suspend")


def new_id() -> str:
    """A UUID of version 7 (RFC 9562), so that ids sort by time."""
    bits = time.time_ns() // 1000000 << 80 | int.from_bytes(os.urandom(10), "big")
    digits = "%032x" % (bits & ~(0xf << 76) & ~(3 << 62) | 7 << 76 | 2 << 62)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def request_of(message: wire.Message[Any], options: dict[str, Any]) -> Request:
    """The request that carries a message. Invalid: a field is not what it must be."""
    if not isinstance(message, (wire.Command, wire.Query)):
        raise Invalid("message", "a command or a query, not %r" % (message,))
    if message.PORT not in ("commands", "queries"):
        raise Invalid("message", "a client's: %s is sent to the %s port" % (type(message).__name__, message.PORT))
    return Request(**dict(options, id=options.get("id") or new_id(), type=type(message).__name__, data=wire.pack(message)))


def class_of(request: Request) -> type[wire.Message[Any]]:
    return COMMANDS.get(request.type) or QUERIES[request.type]


def wait_of(request: Request) -> float:
    """How long the engine is asked to hold its answer."""
    return (request.data.get("wait_ms") or 0) / 1000


def read_answer(request: Request, answer: Any) -> Answer[Any] | Refused:
    if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
        raise BadAnswer("%s was not answered as an engine does: %r" % (request.type, answer))
    if answer["ok"]:
        data = wire.unpack(class_of(request).REPLY, answer.get("data"))
        return Answer(request.type, request.id, data, answer.get("position"), answer.get("next"))
    error = answer.get("error")
    return Refused(request.type, request.id, error if isinstance(error, dict) else {})


class Core:
    """`timeout`: seconds for one answer. `patience`: for all of a call, however often it is sent again."""

    def __init__(self, io: Io, endpoint: str, timeout: float, patience: float):
        for name, seconds in (("timeout", timeout), ("patience", patience)):
            if not seconds > 0:
                raise Invalid(name, "more than 0 seconds")
        self.io, self.endpoint, self.timeout, self.patience = io, endpoint, timeout, patience
        self.ports: dict[str, Port] = {}
        self.hello: HelloReply | None = None

    def close(self) -> None:
        for port in self.ports.values():
            port.close()
        self.ports.clear()

    # ---- one request

    async def carry(self, name: str, endpoint: str, id: str, body: bytes, patience: float, wait: float = 0,
                    joins: bool = False) -> Any:
        """Sends it until it is answered. NoAnswer: it was not."""
        if name not in self.ports:
            self.ports[name] = self.io.port(endpoint)
        port = self.ports[name]
        retry = Retry(id, time.monotonic(), self.timeout + wait, patience + wait)
        port.expect(id, body, joins)
        try:
            answer = None
            while (act := retry.step(time.monotonic(), answer)) is not Act.ANSWERED:
                answer = None
                if act is Act.SEND:
                    await port.send(id)
                elif act is Act.WAIT:
                    answer = await port.receive(id, retry.wake)
                elif act is Act.REOPEN:
                    log.info("no answer from %s, sending again (id %s)", endpoint, id)
                    await port.reopen(retry.sent_at)
                else:
                    await port.reopen(retry.sent_at)
                    raise NoAnswer(endpoint, id, time.monotonic() - retry.begun)
            return answer
        finally:
            port.forget(id)

    async def connect(self, id: str = "") -> HelloReply:
        """Says Hello, once. NoAnswer has the id of what is to be sent behind it."""
        async with self.io.lock:
            if self.hello is None:
                self.hello = await self._greet(id)
        return self.hello

    async def _greet(self, id: str) -> HelloReply:
        hello = Request(type="Hello", id=new_id(), data={})
        try:
            answer = read_answer(hello, await self.carry("commands", self.endpoint, hello.id, wire.to_bytes(wire.pack(hello)),
                                                         self.patience))
        except NoAnswer as error:
            raise NoAnswer(error.endpoint, id or error.id, error.waited) from None
        if isinstance(answer, Refused):
            raise answer
        if answer.data.protocol != PROTOCOL:
            raise BadAnswer("%s speaks version %d of the protocol, and not %d" % (self.endpoint, answer.data.protocol, PROTOCOL))
        return answer.data

    def _bytes(self, value: Any) -> bytes:
        assert self.hello is not None
        body, most = wire.to_bytes(value), self.hello.limits.frame_bytes
        if len(body) > most:
            raise Invalid("message", "of at most %d bytes, and has %d" % (most, len(body)))
        return body

    async def call(self, message: wire.Message[R], options: dict[str, Any], patience: float | None = None) -> Answer[R]:
        request = request_of(message, options)
        packed = wire.pack(request)
        hello = await self.connect(request.id)
        endpoint = self.endpoint if message.PORT == "commands" else hello.endpoints.queries
        wait = wait_of(request)  # inside an array the engine holds no answer
        answer = await self.carry(message.PORT, endpoint, request.id, self._bytes(packed),
                                  self.patience if patience is None else patience, wait, message.PORT == "commands" and wait == 0)
        read = read_answer(request, answer)
        if isinstance(read, Refused):
            raise read
        return read

    # ---- many

    async def call_all(self, messages: Iterable[wire.Command[Any] | Request],
                       options: dict[str, Any]) -> list[Answer[Any] | Refused]:
        if options.get("id") is not None:
            raise Invalid("id", "given to each by prepare()")
        requests = [one if isinstance(one, Request) else request_of(one, options) for one in messages]
        strange = [one.type for one in requests if class_of(one).PORT != "commands"]
        if strange:
            raise Invalid("messages", "commands: %s is none" % strange[0])
        packed = [wire.pack(one) for one in requests]
        if not packed:
            return []
        most = (await self.connect(requests[0].id)).limits.array_commands
        if len(packed) > most:
            raise Invalid("messages", "at most %d" % most)
        answers = await self.carry("commands", self.endpoint, requests[0].id, self._bytes(packed), self.patience)
        if not isinstance(answers, list):  # the array itself is refused
            refused = read_answer(requests[0], answers)
            raise refused if isinstance(refused, Refused) else BadAnswer("an array was answered by one answer")
        if len(answers) != len(requests):
            raise BadAnswer("%d commands were answered by %d answers" % (len(requests), len(answers)))
        return [read_answer(*pair) for pair in zip(requests, answers)]

    async def pages(self, query: wire.Query[R], options: dict[str, Any]) -> AsyncIterator[Answer[R]]:
        options = dict({"limit": PAGE}, **options)
        while True:
            page = await self.call(query, options)
            yield page
            if page.next is None:
                return
            options = dict(options, cursor=page.next, id=None)

    async def rows(self, query: wire.Query[Any], options: dict[str, Any]) -> AsyncIterator[Any]:
        name = wire.rows_field(type(query).REPLY)
        if name is None:
            raise Invalid("query", "one that answers rows: %s does not" % type(query).__name__)
        async for page in self.pages(query, options):
            for row in getattr(page.data, name):
                yield row

    async def head(self, reseller: str | None, all: bool) -> tuple[str, int]:
        """The log's id, and the last position of a reseller or of all."""
        hello = await self.call(Hello(), {})
        options = {"reseller": reseller, "log": hello.data.log, "limit": 1}
        page = await self.call(ReadLog(backwards=True, all=all), options)
        return hello.data.log, page.position or 0


class Shell:
    """What Client and aio.Client share: a core, and the options that calls have."""

    _core: Core

    def __init__(self, core: Core):
        self._core = core
        self._options: dict[str, Any] = {}

    def using(self, **options: Any) -> Any:
        """The same client, whose calls have these options: `client.using(reseller="norte", dry_run=True).add_order(...)`. It
        shares the connection; closing either closes both."""
        other = copy.copy(self)
        other._options = self._merged(options)
        return other

    def prepare(self, message: wire.Message[Any], **options: Any) -> Request:
        """A message with options of its own, for call_all; its `id` is known before it is sent."""
        return request_of(message, self._merged(options))

    def _merged(self, options: dict[str, Any]) -> dict[str, Any]:
        for name in options.keys() - Options.__annotations__.keys():
            raise TypeError("there is no option %s; there are %s" % (name, ", ".join(Options.__annotations__)))
        return dict(self._options, **options)
