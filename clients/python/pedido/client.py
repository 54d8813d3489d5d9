"""A client that blocks, and its subscribers.

**Threads.** A client, with what using() made of it, belongs to one thread at a time: two calls on it must not run at the same
time. So does a subscriber, which need not be in its client's thread. They share nothing but ZeroMQ's context. None survives
fork(): the child makes its own."""

from __future__ import annotations

import contextlib
import copy
import os
import threading
import time
from typing import Any, Iterable, Iterator, Sequence, Unpack

import zmq

from . import wire
from .calls import Calls
from .core import DEFAULT_ENDPOINT, Answer, Core, Shell, run
from .errors import Invalid, PedidoError, Refused
from .events import Event, Heartbeat, check_prefixes, read_frames
from .following import FOREVER, RENEW, Follower, Named, follower
from .keys import Keys
from .messages import Options, Request
from .positions import Bookmark, Checkpoint, PositionStore
from .retry import answer_id

QUEUE = 100000
TIMEOUT, PATIENCE = 5.0, 20.0


def set_up(socket: Any, queue: int, keys: Keys | None) -> Any:
    """ZMTP heartbeats are never set: libzmq 4.3.4 aborts."""
    if keys is not None:
        keys.put_on(socket)
    socket.linger = 0
    socket.sndtimeo = 0
    socket.sndhwm, socket.rcvhwm = QUEUE, queue  # what a subscriber sends are its subscriptions: none may be dropped
    socket.tcp_keepalive = 1
    return socket


def connect(socket: Any, endpoint: str) -> Any:
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        socket.close()
        raise Invalid("endpoint", "one that ZeroMQ can connect to: %s: %s" % (endpoint, error)) from None
    return socket


def milliseconds(until: float) -> int | None:
    return None if until == FOREVER else max(0, round((until - time.monotonic()) * 1000 + 0.5))


class BlockingPort:
    """One request at a time."""

    def __init__(self, endpoint: str, keys: Keys | None):
        self.endpoint, self.keys, self.id, self.body = endpoint, keys, "", b""
        self._open()

    def _open(self) -> None:
        self.socket = connect(set_up(zmq.Context.instance().socket(zmq.DEALER), QUEUE, self.keys), self.endpoint)
        self.heard_at = time.monotonic()

    def expect(self, id: str, body: bytes, joins: bool) -> None:
        self.id, self.body = id, body

    def forget(self, id: str) -> None:
        self.id, self.body = "", b""

    async def send(self, id: str) -> None:
        """The empty frame makes it pass through ZeroMQ proxies. What cannot be sent is sent again later."""
        with contextlib.suppress(zmq.Again):
            self.socket.send_multipart([b"", self.body])

    async def receive(self, id: str, until: float) -> Any:
        while self.socket.poll(milliseconds(until)):
            frames = self.socket.recv_multipart()
            self.heard_at = time.monotonic()
            with contextlib.suppress(ValueError):
                answer = wire.from_bytes(frames[-1])
                # None: the engine could not read so much as the id, and there is no other request under way.
                if answer_id(answer) in (id, None):
                    return answer
        return None

    async def reopen(self, since: float) -> None:
        if self.heard_at <= since:
            self.socket.close()
            self._open()

    def close(self) -> None:
        self.socket.close()


class BlockingStream:
    def __init__(self, endpoint: str, prefixes: Sequence[bytes], queue: int, keys: Keys | None):
        self.endpoint, self.prefixes, self.queue, self.keys = endpoint, list(prefixes), queue, keys
        self._open()

    def _open(self) -> None:
        self.socket = set_up(zmq.Context.instance().socket(zmq.SUB), self.queue, self.keys)
        for prefix in self.prefixes:
            self.socket.subscribe(prefix)
        connect(self.socket, self.endpoint)

    async def receive(self, until: float) -> list[bytes] | None:
        return self.socket.recv_multipart() if self.socket.poll(milliseconds(until)) else None

    def reopen(self) -> None:
        self.socket.close()
        self._open()

    def close(self) -> None:
        self.socket.close()


class BlockingIo:
    lock = contextlib.nullcontext()

    def __init__(self, keys: Keys | None):
        self.keys = keys

    def port(self, endpoint: str) -> BlockingPort:
        return BlockingPort(endpoint, self.keys)

    def stream(self, endpoint: str, prefixes: Sequence[bytes], queue: int) -> BlockingStream:
        return BlockingStream(endpoint, prefixes, queue, self.keys)


class Client(Shell, Calls):
    """Commands, queries and events of one engine, for one thread at a time.

        with Client("tcp://127.0.0.1:7411") as client:
            review = client.add_order(customer="ana", items=[ItemRequest(plan="std", period="1y")])
            client.using(expect=review.version).confirm_order(order=review.order)

    It connects with the first call, by Hello, which tells the other ports. `timeout`: seconds for one answer, until the same
    bytes are sent again with the same id, on a new socket if the old one has been silent. `patience`: seconds for all of a call,
    while nobody answers, or the engine is busy, its disk is full, or it is being started again. A wait that a message asks for
    (wait_ms) is added to both. `keys`: for an encrypted port; whoever may not connect hears nothing, which is NoAnswer."""

    def __init__(self, endpoint: str = DEFAULT_ENDPOINT, *, timeout: float = TIMEOUT, patience: float = PATIENCE,
                 keys: Keys | None = None):
        super().__init__(Core(BlockingIo(keys), endpoint, timeout, patience))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Does not wait. What was sent may still be carried out. A later call connects anew."""
        self._core.close()

    def _ask(self, message: wire.Message[wire.R]) -> wire.R:
        return self.call(message).data

    def call(self, message: wire.Message[wire.R], **options: Unpack[Options]) -> Answer[wire.R]:
        """Sends a command or a query, again and again until it is answered. Refused: the engine said no. NoAnswer: nobody knows;
        call again with `id=error.id`. Invalid: it was not sent, a field is not what it must be. BadAnswer: this is no engine."""
        return run(self._core.call(message, self._merged(options)))

    def call_all(self, messages: Iterable[wire.Command[Any] | Request],
                 **options: Unpack[Options]) -> list[Answer[Any] | Refused]:
        """Sends up to 1,024 commands, or what prepare() made of them, as one array. They are decided one by one, in that order;
        a refused one does not stop the others. For each there is an Answer or a Refused, in the same order."""
        return run(self._core.call_all(messages, self._merged(options)))

    def pages(self, query: wire.Query[wire.R], **options: Unpack[Options]) -> Iterator[Answer[wire.R]]:
        """The answers of a list, page by page; each has at most `limit` rows, 1,000 when absent. What is added or changed meanwhile
        moves no page."""
        return blocking(self._core.pages(query, self._merged(options)))

    def rows(self, query: wire.Query[Any], **options: Unpack[Options]) -> Iterator[Any]:
        """Every row of a list: `for order in client.rows(ListOrders(state="held"))`."""
        return blocking(self._core.rows(query, self._merged(options)))

    def follow(self, reseller: str | None = None, *, start: int | str = "now", log: str = "", name: str | None = None,
               checkpoint: str | os.PathLike[str] | PositionStore | None = None, queue: int = QUEUE) -> Subscriber:
        """Every event of a reseller, once and in order; of all resellers with `ALL`. The reseller is the one of using() when
        absent, or `default`.

        `start`: "now", "beginning", or the first position wanted; of the log whose id is `log`, if that is given. It counts where
        nothing is kept yet. `checkpoint`: a file that keeps the position, or a PositionStore. `name`: the engine keeps the position
        under this name, and lets nobody else follow under it (Refused, `subscriber_in_use`). `queue`: so many events wait in the
        socket; what is dropped there is read from the log. Each subscriber has its own connections. It raises what call() does."""
        return Subscriber(self, scope_of(self, reseller), start, log, name, checkpoint, queue)

    def listen(self, *prefixes: str, queue: int = QUEUE) -> Listener:
        """The stream as it comes: events and heartbeats whose topics begin with a prefix, which ends in `/`, such as
        "default/order/17/", or in `/~head`. Some may be missing: ZeroMQ drops what a slow reader does not take."""
        encoded = check_prefixes(prefixes)
        return Listener(self._core.io.stream(run(self._core.connect()).endpoints.events, encoded, queue))


def scope_of(client: Shell, reseller: str | None) -> str:
    return reseller if reseller is not None else client._options.get("reseller") or "default"


def store_of(checkpoint: Any, reseller: str) -> PositionStore | None:
    return Checkpoint(checkpoint, reseller) if isinstance(checkpoint, (str, os.PathLike)) else checkpoint


def blocking(items: Any) -> Iterator[Any]:
    """An asynchronous iterator that never suspends."""
    try:
        while True:
            yield run(items.__anext__())
    except StopAsyncIteration:
        pass


class Listener:
    """Made by Client.listen."""

    def __init__(self, stream: BlockingStream):
        self._stream = stream

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        self._stream.close()

    def next(self, timeout: float | None = None) -> Event | Heartbeat | None:
        """Waits so many seconds (None: for ever); None: nothing came."""
        until = FOREVER if timeout is None else time.monotonic() + timeout
        while (frames := run(self._stream.receive(until))) is not None:
            if (found := read_frames(frames)) is not None:
                return found
        return None

    def __iter__(self) -> Iterator[Event | Heartbeat]:
        while (found := self.next()) is not None:
            yield found


class Subscriber:
    """Made by Client.follow; for one thread at a time, which need not be the client's.

        with client.follow(checkpoint="billing.checkpoint", start="beginning") as events:
            for event in events:
                bill(event)

    Whoever asks for another event is done with those before: these are what the position that is kept goes up to. Iteration ends
    never; an engine that stops is waited for. Reset: the engine has another log. Refused: it refuses to read the log, or the name
    is another's now."""

    def __init__(self, client: Client, reseller: str, start: int | str, log: str, name: str | None, checkpoint: Any, queue: int):
        core = client._core
        self._core = Core(BlockingIo(core.io.keys), core.endpoint, core.timeout, core.patience)
        self._follower: Follower = follower(self._core, reseller, store_of(checkpoint, reseller), name)
        try:
            run(self._follower.open(start, log, queue))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Keeps the position, without the event that was given last (unless save() was called), and lets the name go."""
        try:
            run(self._follower.close())
        finally:
            self._core.close()

    def next(self, timeout: float | None = None) -> Event | None:
        """The next event; waits so many seconds for it (None: for ever), and by the client's `timeout` longer while a page of the
        log is read or the engine keeps the position. None: there was none."""
        return run(self._follower.next(timeout))

    def __iter__(self) -> Iterator[Event]:
        while (event := self.next()) is not None:
            yield event

    @property
    def position(self) -> int:
        """Of the event that was given last; that behind which it begins, before there was one."""
        return self._follower.given

    @property
    def head(self) -> int:
        """The highest that is known to be there."""
        return self._follower.splice.head

    @property
    def log(self) -> str:
        """The log's id; "" before anything was heard."""
        return self._follower.splice.log

    def save(self) -> None:
        """All that was given is done: keeps the position now. Invalid: there is nothing that keeps it."""
        run(self._follower.save())

    def renew(self) -> None:
        """An event takes long, and the subscriber has a name: to be called at least each 5 s meanwhile, or another program may take
        it after 15 s. Refused: another has it."""
        run(self._follower.renew())

    def busy(self) -> contextlib.AbstractContextManager[None]:
        """The same, done by a thread with a connection of its own: `with events.busy(): takes_a_minute(event)`. The subscriber
        must not be used within. Refused, at the end: another has the name."""
        return renewing(self._follower.named, self._follower.place, self._core)

    def restart(self, start: int | str) -> None:
        """Begins anew in the log that there is now, after Reset. With a name it takes that again: Refused, `subscriber_in_use`:
        another has it."""
        run(self._follower.restart(start))


@contextlib.contextmanager
def renewing(named: Named | None, place: Bookmark, core: Core) -> Iterator[None]:
    if named is None:
        yield
        return
    over, trouble = threading.Event(), []  # type: tuple[threading.Event, list[PedidoError]]

    def work() -> None:
        own = copy.copy(named)
        own.core = Core(BlockingIo(core.io.keys), core.endpoint, core.timeout, core.patience)
        try:
            while not over.wait(RENEW):
                run(own.keep(place, idle=False))
        except PedidoError as error:
            trouble.append(error)
        finally:
            own.core.close()

    thread = threading.Thread(target=work, name="pedido-renewing", daemon=True)
    run(named.keep(place, idle=False))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if trouble:
        raise trouble[0]
