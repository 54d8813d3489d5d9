"""schema_rows - a small reader of proto/*.def: blocks, fields, enumerators, refusals, in the order in which they stand."""

import collections
import os
import re

PROTO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "proto")

Block = collections.namedtuple("Block", "kind code name Name port reads reply fields")
Field = collections.namedtuple("Field", "form type name need min max")  # form: FIELD CHOICE TEXTS LIST STRUCT MAP RAW
Error = collections.namedtuple("Error", "code kind sentence")

OPENERS = {"PD_PART": "part", "PD_ROW": "row", "PD_COMMAND": "command", "PD_SERVICE": "command", "PD_QUERY": "query",
           "PD_EVENT": "event", "PD_REPLY": "reply"}


def _calls(file):
    """(macro, [arguments]) for each PD_ call; quoted texts lose their quotes."""
    with open(os.path.join(PROTO, file), encoding="utf-8") as source:
        text = re.sub(r"/\*.*?\*/", "", source.read(), flags=re.S)
    text = re.sub(r"(?m)^\s*#.*(\\\n.*)*", "", text)
    for macro, inside in re.findall(r'(PD_\w+)\(((?:[^()"]|"(?:[^"\\]|\\.)*")*)\)', text):
        arguments = re.findall(r'\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)', inside)
        yield macro, [a.strip().strip('"').replace('\\"', '"') for a in arguments if a.strip() != ""]


def _field(macro, a):
    """One row as a Field, or None when it is none."""
    if macro == "PD_FIELD":
        return Field("FIELD", a[0], a[1], a[2], 0, 0)
    if macro == "PD_CHOICE":
        return Field("CHOICE", a[0], a[1], a[2], 0, 0)
    if macro in ("PD_TEXTS", "PD_LIST"):
        need = "PD_REQUIRED" if int(a[2]) > 0 else "PD_OPTIONAL"
        return Field(macro[3:], a[1], a[0], need, int(a[2]), int(a[3]))
    if macro == "PD_STRUCT":
        return Field("STRUCT", a[1], a[0], a[2], 0, 0)
    if macro == "PD_MAP":
        return Field("MAP", None, a[0], "PD_OPTIONAL", 0, int(a[1]))
    if macro == "PD_RAW":
        return Field("RAW", None, a[0], a[1], 0, 0)
    return None


def _opened(macro, a):
    kind = OPENERS[macro]
    if kind == "command":
        return Block(kind, int(a[0]), a[1], a[2], a[3], "PD_READS" in a[5], a[6], [])
    if kind == "query":
        return Block(kind, int(a[0]), a[1], a[2], "queries", True, a[5], [])
    if kind == "event":
        return Block(kind, int(a[0]), a[1], a[2], None, False, None, [])
    if kind == "row":
        return Block(kind, int(a[0]), a[1], a[1], None, False, None, [])
    return Block(kind, 0, a[0], a[0], None, False, None, [])


def blocks():
    """Every block by name."""
    found, block = {}, None
    for file in ("parts", "rows", "commands", "queries", "events", "replies"):
        for macro, arguments in _calls(file + ".def"):
            if macro in OPENERS:
                block = _opened(macro, arguments)
                found[block.name] = block
            elif macro == "PD_END":
                assert block is not None and block.name == arguments[0], "a row that this reader does not know: %r" % arguments
                block = None
            elif block is not None and _field(macro, arguments) is not None:
                block.fields.append(_field(macro, arguments))
    return found


def enums():
    """Enumerators' names by enum, in order."""
    found = collections.OrderedDict()
    for macro, a in _calls("enums.def"):
        if macro == "PD_VALUE" and a[0] != "of":
            found.setdefault(a[0], []).append(a[2])
    return found


def errors():
    return [Error(a[1], a[2], a[5]) for macro, a in _calls("errors.def") if macro == "PD_ERROR" and a[0] != "number"]
