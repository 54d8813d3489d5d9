"""What can go wrong. Everything here is a PedidoError."""

from __future__ import annotations

from typing import Any

from .messages import ERROR_CLASSES


class PedidoError(Exception):
    """Whatever this package raises of its own."""


class Invalid(PedidoError, ValueError):
    """Found before anything was sent: `field` names what cannot be right, such as `items[1].plan`."""

    def __init__(self, field: str, problem: str):
        super().__init__("%s must be %s" % (field, problem))
        self.field = field


class BadAnswer(PedidoError):
    """What came is not what the protocol says."""


class NoAnswer(PedidoError):
    """Nobody answered, though it was sent again and again: it may have been carried out or not. The same message with the same
    `id` says, and does nothing twice."""

    def __init__(self, endpoint: str, id: str, waited: float):
        super().__init__("no answer from %s in %.1f s (id %s)" % (endpoint, waited, id))
        self.endpoint, self.id, self.waited = endpoint, id, waited


class Refused(PedidoError):
    """The engine said no, and changed nothing.

    `code` is a word for programs (`messages.ErrorCode`, or a newer one), `message` a sentence for people, `field` what it is
    about, `error_class` what to do ("" for a code that is newer than this package). By code also `order`, `version`, `state`,
    `command`, `allowed`, `retry_after_ms`: None where the answer has none. `error` is all of it, as it came. In what call_all
    gives, a Refused stands in the place of an Answer: `ok` tells them apart."""

    ok = False

    def __init__(self, type: str, id: str | None, error: dict[str, Any]):
        super().__init__("%s: %s: %s" % (type, error.get("code"), error.get("message")))
        self.type, self.id, self.error = type, id, error
        self.code: str = error.get("code", "")
        self.message: str = error.get("message", "")
        self.error_class: str = ERROR_CLASSES.get(self.code, "")
        self.field: str | None = error.get("field")
        self.order: int | None = error.get("order")
        self.version: int | None = error.get("version")
        self.state: str | None = error.get("state")
        self.command: str | None = error.get("command")
        self.allowed: list[str] | None = error.get("allowed")
        self.retry_after_ms: int | None = error.get("retry_after_ms")


class Reset(PedidoError):
    """The engine has another log now, as after a backup was restored: positions of the one that was followed mean nothing in it.
    Nothing more comes until Subscriber.restart."""

    def __init__(self, log: str):
        super().__init__("the engine has another log now: positions of %s mean nothing in it" % (log or "the one before"))
        self.log = log
