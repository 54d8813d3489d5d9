"""Events and heartbeats, from the stream and from pages of the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from . import wire
from .errors import BadAnswer, Invalid
from .messages import EVENTS, EventView

ALL = "~all"  # the events of all resellers, with the log's positions
PREFIX_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened. Of all resellers (`~all`), `position` is the log's."""

    position: int
    """In its reseller, from 1 without gaps."""

    time: int
    """When it was decided, microseconds since 1970 UTC; never goes back."""

    log: str
    """The log's id; positions of another one mean nothing here."""

    type: str
    """Such as `OrderCompleted`."""

    reseller: str
    """Whose; "" for what belongs to none."""

    command: str
    """The id of the command that caused it."""

    actor: str
    """Who sent that: local, worker/<name> or engine."""

    version: int
    """Counts the events of the thing that it happened to."""

    data: Any
    """Its own fields, as the class that `type` names; as it came, a dict, for a type that this package does not know."""

    topic: str | None = None
    """Such as `default/order/17/OrderCompleted`; None for one that was read from the log."""

    on_behalf_of: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The engine is there, and `position` is that of the scope's last event. In the scope of all, `chain` is that event's: noted
    elsewhere, `pedidod verify --head POSITION:CHAIN` holds a log against it."""

    topic: str
    position: int
    time: int
    log: str
    chain: str | None = None


def scope_prefix(reseller: str) -> str:
    if not isinstance(reseller, str) or not 1 <= len(reseller.encode()) <= 64 or "/" in reseller:
        raise Invalid("reseller", "an id of 1-64 bytes, or " + ALL)
    return reseller + "/"


def check_prefixes(prefixes: Sequence[str]) -> list[bytes]:
    """Without the `/`, default would be subscribed to default2, too."""
    if not prefixes:
        raise Invalid("prefixes", "at least one")
    for prefix in prefixes:
        if len(prefix.encode()) > PREFIX_MAX or not prefix.endswith(("/", "/~head")):
            raise Invalid("prefix", "of at most %d bytes and end in / or /~head" % PREFIX_MAX)
    return [prefix.encode() for prefix in prefixes]


def event_of(view: EventView, log: str, topic: str | None = None) -> Event:
    """An event of an answer, such as ReadLog's and GetOrderHistory's, with its own fields as their class."""
    data = view.data
    if view.type in EVENTS:
        try:
            data = wire.unpack(EVENTS[view.type], data)
        except BadAnswer:  # it happened all the same: its fields stay as they came
            pass
    return Event(position=view.position, time=view.time, log=log, type=view.type, reseller=view.reseller, command=view.command,
                 actor=view.actor, version=view.version, data=data, topic=topic, on_behalf_of=view.on_behalf_of, trace=view.trace)


def read_head(frames: list[bytes]) -> tuple[str, dict[str, Any]] | None:
    """The topic and body of what the stream has; None: it is nothing that the protocol knows."""
    try:
        topic, body = frames[0].decode(), wire.from_bytes(frames[1])
    except (ValueError, IndexError):
        return None
    if not isinstance(body, dict) or not isinstance(body.get("position"), int) or not isinstance(body.get("log"), str):
        return None
    return topic, body


def read_frames(frames: list[bytes]) -> Event | Heartbeat | None:
    head = read_head(frames)
    if head is None:
        return None
    topic, body = head
    if topic.endswith("/~head"):
        return Heartbeat(topic, body["position"], body.get("time", 0), body["log"], body.get("chain"))
    try:
        return event_of(wire.unpack(EventView, body), body["log"], topic)
    except BadAnswer:
        return None
