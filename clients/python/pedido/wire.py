"""Messages as maps, and back. The annotations of a message's fields are the schema: they are read once for each class.

`pack` is strict, so that a slip of the pen is found before anything is sent: Invalid names the field. `unpack` is lenient, as
the protocol asks: keys and enumerators that are not known yet are no mistake; a field that is missing or of another kind is
BadAnswer. How long an answer's texts are is the engine's business."""

from __future__ import annotations

import dataclasses
import functools
import keyword
import sys
import types
import typing
from typing import Any, Callable, Generic, NamedTuple, TypeVar

import msgpack

R = TypeVar("R")
B = TypeVar("B", bound="Block")


class Text(NamedTuple):
    """Of so many bytes in UTF-8."""
    min: int
    max: int


class Number(NamedTuple):
    min: int
    max: int


class Size(NamedTuple):
    """How many there are in a list or map."""
    min: int
    max: int


class Block:
    """What every message, reply and part of one is: a dataclass."""
    __slots__ = ()


class Message(Block, Generic[R]):
    """A command or a query. `PORT` takes it, `REPLY` is the class of its answer's data."""
    __slots__ = ()
    PORT: str
    REPLY: type


class Command(Message[R]):
    __slots__ = ()


class Query(Message[R]):
    __slots__ = ()


class EventData(Block):
    """An event's own fields."""
    __slots__ = ()


class Mismatch(Exception):
    """A value is not what its field takes; `path` is made from the inside out."""

    def __init__(self, wanted: str, path: str = ""):
        self.wanted, self.path = wanted, path


def to_bytes(value: Any) -> bytes:
    return msgpack.packb(value)


def array_of(packed: list[bytes]) -> bytes:
    """An array of what is packed already; of one, that itself."""
    return packed[0] if len(packed) == 1 else msgpack.Packer().pack_array_header(len(packed)) + b"".join(packed)


def from_bytes(data: bytes) -> Any:
    """ValueError: it is not one value of MessagePack."""
    try:
        return msgpack.unpackb(data, strict_map_key=False)
    except (msgpack.UnpackException, RecursionError) as error:
        raise ValueError(str(error)) from error


def pack(block: Block) -> dict[str, Any]:
    """A block's map, in schema order. Invalid: a field is not what it must be."""
    from .errors import Invalid
    try:
        return _pack(block)
    except Mismatch as error:
        raise Invalid(error.path, error.wanted) from None


def unpack(cls: type[B], value: Any) -> B:
    """A block from its map. BadAnswer: it is none."""
    from .errors import BadAnswer
    try:
        return _unpack(cls, value)
    except Mismatch as error:
        raise BadAnswer("%s%s must be %s" % (cls.__name__, "." + error.path if error.path else "", error.wanted)) from None


# ---- blocks


class Field(NamedTuple):
    name: str          # in Python; `from_` for a word that Python has taken
    key: str           # on the wire
    default: Any       # left out when it is this; MISSING: required; lists and maps always stand there
    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]


@functools.cache
def fields_of(cls: type[Block]) -> tuple[Field, ...]:
    hints = typing.get_type_hints(cls, vars(sys.modules[cls.__module__]), {}, include_extras=True)
    found = []
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        key = field.name.rstrip("_") if keyword.iskeyword(field.name.rstrip("_")) else field.name
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory
        found.append(Field(field.name, key, default, *_codec(hints[field.name])))
    return tuple(found)


def rows_field(reply: type[Block]) -> str | None:
    """The name of the list of blocks that a reply is made of."""
    hints = typing.get_type_hints(reply, vars(sys.modules[reply.__module__]), {})
    for name, hint in hints.items():
        if typing.get_origin(hint) is list and issubclass(typing.get_args(hint)[0], Block):
            return name
    return None


def _pack(block: Block) -> dict[str, Any]:
    packed = {}
    for field in fields_of(type(block)):
        value = getattr(block, field.name)
        if value is None and field.default is dataclasses.MISSING:
            raise Mismatch("given", field.key)
        if value is None or value is field.default:
            continue
        try:
            packed[field.key] = field.pack(value)
        except Mismatch as error:
            raise _within(field.key, error) from None
    return packed


def _unpack(cls: type[B], value: Any) -> B:
    if not isinstance(value, dict):
        raise Mismatch("a map")
    found = {}
    for field in fields_of(cls):
        if field.key in value:
            try:
                found[field.name] = field.unpack(value[field.key])
            except Mismatch as error:
                raise _within(field.key, error) from None
        elif field.default is dataclasses.MISSING:
            raise Mismatch("given", field.key)
    return cls(**found)


def _within(key: str, error: Mismatch) -> Mismatch:
    dot = "." if error.path and not error.path.startswith("[") else ""
    return Mismatch(error.wanted, key + dot + error.path)


# ---- values: what packs and what unpacks one of a type


def _codec(hint: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    bounds: tuple[Any, ...] = ()
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
    if typing.get_origin(hint) is typing.Annotated:
        hint, *bounds = typing.get_args(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return _as_it_is, _as_it_is
    if origin is typing.Literal:
        return functools.partial(_pack_choice, arguments), _text
    if origin is list:
        pack_one, unpack_one = _codec(arguments[0])
        return functools.partial(_pack_list, pack_one, *bounds), functools.partial(_unpack_list, unpack_one)
    if origin is dict:
        return functools.partial(_pack_map, *bounds), functools.partial(_pack_map, None)
    if hint is bool:
        return _flag, _flag
    if hint is str:
        return functools.partial(_pack_text, *bounds), _text
    if hint is int:
        return functools.partial(_pack_number, *bounds), _number
    return functools.partial(_pack_block, hint), functools.partial(_unpack, hint)


def _as_it_is(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Mismatch("a text")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Mismatch("a whole number")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Mismatch("True or False")
    return value


def _pack_choice(names: tuple[str, ...], value: Any) -> str:
    if value not in names:
        raise Mismatch("one of " + ", ".join(names))
    return value


def _pack_text(bounds: Text, value: Any) -> str:
    try:
        fits = isinstance(value, str) and bounds.min <= len(value.encode()) <= bounds.max
    except UnicodeEncodeError:  # half a surrogate pair is no character
        fits = False
    if not fits:
        raise Mismatch("a text of %d-%d bytes" % bounds)
    return value


def _pack_number(bounds: Number, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not bounds.min <= value <= bounds.max:
        raise Mismatch("a whole number from %d to %d" % bounds)
    return value


def _pack_block(cls: type[Block], value: Any) -> dict[str, Any]:
    """A map in its place is read as one: `items=[{"plan": "std", "period": "1y"}]`."""
    if isinstance(value, dict):
        unknown = [key for key in value if key not in {field.key for field in fields_of(cls)}]
        if unknown:
            raise Mismatch("absent: %s has no such field" % cls.__name__, str(unknown[0]))
        value = _unpack(cls, value)
    if not isinstance(value, cls):
        raise Mismatch("a " + cls.__name__)
    return _pack(value)


def _pack_list(pack_one: Callable[[Any], Any], size: Size, value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)) or not size.min <= len(value) <= size.max:
        raise Mismatch("a list of %d-%d" % size)
    return _each(pack_one, value)


def _unpack_list(unpack_one: Callable[[Any], Any], value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Mismatch("a list")
    return _each(unpack_one, value)


def _each(convert: Callable[[Any], Any], values: Any) -> list[Any]:
    found = []
    for n, value in enumerate(values):
        try:
            found.append(convert(value))
        except Mismatch as error:
            raise _within("[%d]" % n, error) from None
    return found


def _pack_map(size: Size | None, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for pair in value.items() for text in pair):
        raise Mismatch("a map of texts by texts")
    if size is not None and not size.min <= len(value) <= size.max:
        raise Mismatch("a map of at most %d" % size.max)
    return value
