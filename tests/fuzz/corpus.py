#!/usr/bin/python3
"""corpus - what the fuzzers begin with, made from the schema and the vectors: a folder of inputs for each, and a dictionary.

    corpus.py FOLDER
"""

import hashlib
import json
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import make_vectors
import msgpack
import schema_rows

PORTS = {"commands": 0, "queries": 1, "workers": 2}  # fuzz_port
BLOCKS = schema_rows.blocks()
ENUMS = schema_rows.enums()


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def vectors(name):
    return [json.loads(line) for line in read("proto", "vectors", name).splitlines()]


def of_kinds(*kinds):
    """Blocks as fuzz_block counts them."""
    return [block for block in BLOCKS.values() if block.kind in kinds]


def row_value(field, value):
    """A field's value as a row holds it: enumerators by number, blocks as arrays."""
    if value is None:
        return None
    if field.form == "CHOICE":
        return ENUMS[field.type].index(value) + 1
    if field.form == "STRUCT":
        return row(BLOCKS[field.type], value)
    if field.form == "LIST":
        return [row(BLOCKS[field.type], element) for element in value]
    return value


def row(block, value):
    return [row_value(field, value.get(field.name)) for field in block.fields]


def frames():
    """(port, bytes): requests, good and bad."""
    for v in vectors("vectors.jsonl"):
        if v["kind"] == "request":
            port = next(b.port for b in of_kinds("command", "query") if b.Name == v["type"])
            yield PORTS[port], bytes.fromhex(v["bytes"])
    for v in vectors("hostile.jsonl"):
        if len(v["hex"]) < 8192:
            yield PORTS[v["port"]], bytes.fromhex(v["hex"])


def answers():
    """What each message may be answered."""
    refused = [bytes.fromhex(v["bytes"]) for v in vectors("vectors.jsonl") if v["kind"] == "refusal"]
    for at, block in enumerate(of_kinds("command", "query")):
        reply = BLOCKS.get(block.reply)
        for variant in ("least", "full", "edge") if reply is not None else ():
            body = make_vectors.body(reply, variant)
            yield bytes([at]) + msgpack.packb({"id": "h", "ok": True, "position": 17, "next": "c", "data": body})
        yield bytes([at]) + refused[at % len(refused)]


def rows():
    for at, block in enumerate(of_kinds("row")):
        for variant in ("least", "full", "edge"):
            yield bytes([at]) + msgpack.packb(row(block, make_vectors.body(block, variant)))


def records():
    for v in vectors("vectors.jsonl"):
        if v["kind"] == "event":
            body, texts = bytes.fromhex(v["bytes"]), (b"0b6f2c9e", b"local", b"ana", b"")
            header = struct.pack("<8H6Q8I", 1, 0, 7, 1, 1, 5, 0, 1, 17, 1767225600000000, 3, 17, 17, 0, 0, 1, 1, 1, 2**32 - 1,
                                 0, 0, len(body))
            yield header + bytes(map(len, texts)) + bytes(20) + b"".join(texts) + body + bytes(32)


def assignments():
    """Frames as a worker hears them."""
    def framed(*values):
        packed = [value if isinstance(value, bytes) else msgpack.packb(value) for value in values]
        return b"".join(struct.pack(">H", len(p)) + p for p in packed)
    task = {"type": "Assignment", "data": make_vectors.body(BLOCKS["assignment"], "full")}
    other = {"type": "Assignment", "data": dict(make_vectors.body(BLOCKS["assignment"], "least"), task=7, lease=2)}
    ready = make_vectors.body(BLOCKS["worker_reply"], "full")
    error = {"code": "invalid_field", "message": "ñ" * 150}
    yield framed(task)
    yield framed(task, other, task)
    for v in vectors("vectors.jsonl"):
        if v["kind"] in ("answer", "refusal"):
            yield framed(task, bytes.fromhex(v["bytes"]), other)
    for id in ("n-%s%d" % (letter, n) for letter in "hrtg" for n in range(6)):
        yield framed(task, {"id": id, "ok": True, "data": ready}, other)
        yield framed(task, {"id": id, "ok": False, "error": error}, other)


def domains():
    for name in ("panadería-lópez.es", "xn--panadera-lpez-2ib7g.es", "xn--panadera-lpez-2i7g.es", "a.co.uk", "faß.de",
                 "ελλάδα.ελ", "例え.jp", "a.b.c.com.", "A.ES", "é.es", "xn--a.es", "１２３.com", "بيت.com", "co.uk", "☃.es", "zürich.ch",
                 "s3.eu-west-1.example.com"):
        yield name.encode()


def calendars():
    for zone in ("UTC", "Europe/Madrid", "Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Monrovia", "+01", "../x"):
        for period in ("1d", "1m", "12m", "1y", "10y", "3650d", "120m"):
            for time in (0, 1767225600000000, 1325170800000000):
                yield struct.pack("<Q", time) + zone.encode() + b"\n" + period.encode()


def configs():
    names = re.findall(r'^OPTION\("([\w-]+)",.*?,\s*\w+,\s*(\w+),\s*"([^"]*)"', read("engine", "options.def"), re.M)
    lines = ["%s = %s" % (name, standard or "/run/x") for name, _, standard in names]
    yield "\n".join(lines[:8]).encode()
    for line in lines:
        yield ("# ours\n\n  " + line + " \r\n; more").encode()
        yield line.replace(" = ", ":").encode()


def words():
    """Command lines, a word a line: every verb, with each of its message's fields as an option."""
    verbs = re.findall(r'^    \{"([\w ]+)", (?:pd_block_(\w+)|NULL), (?:"([^"]*)"|NULL)', read("clients", "cli", "verbs.c"), re.M)
    values = {"FIELD": "7", "CHOICE": "exclusive", "MAP": "login=x", "LIST": "[{}]", "TEXTS": "a"}
    for verb, block, arguments in verbs:
        line = verb.split() + ["17" if "order" in a else "alpha" for a in arguments.split()]
        yield "\n".join(line).encode()
        yield "\n".join(line + ["--json", "--help"]).encode()
        for field in BLOCKS[block].fields if block in BLOCKS else ():
            option = "--param" if field.name == "parameters" else "--" + field.name.replace("_", "-")
            yield "\n".join(line + ["--currency", "EUR", option, values.get(field.form, "x")]).encode()
            yield "\n".join(["send", BLOCKS[block].Name, "%s=1" % field.name, "%s:=[1]" % field.name]).encode()
    yield b"order\nadd\nlopez\n--plan\nstd\n--period\n1y\n--domain\na.es\n--param\nk=v\n--plan\nmail\n--quantity=2"
    yield b"send\nAddOrder\n--data\n{\"customer\":\"lopez\"}\nitems:=[{}]\n--dry-run"


def lines():
    for text in ("40% copying\n100%\n{\"login\":\"https://x\"}\n", "oops\n", "{\"a\":1}", "\x1b[31mñ☃\x07 done  \n", "0%\n" * 3,
                 "{" + ",".join('"k%d":"v"' % n for n in range(33)) + "}", "x" * 300 + "\r\n", "999% x"):
        for status in range(3):
            yield bytes([status, 5]) + text.encode()


def records():
    head = b"customer,name,plan,period,domain,start,expiration,reference,quantity,parameters.login\n"
    row = b'ana,,web,1m,caf\xc3\xa9.es,2025-07-01,2026-07-01T10:00:00+02:00,old-1,2,"https://p/1, ""x"""\n'
    yield head + row
    yield head + b'luis,"Luis, e\nhijos",,,,,,,,\n\n' + row * 3
    yield head + b"ana,,web,1m,x.es,yesterday,2026-07-01,old-2,many,\n,,web\n"
    yield b'{"customer":"ana","name":"Ana"}\n{"customer":"ana","plan":"web","period":"1m","domain":"x.es","start":"2025-07-01",' \
          b'"expiration":"2026-07-01","reference":"r","parameters":{"login":"https://p"}}\n'
    yield b'{"customer":17}\n[]\n{"plan":\n'


def catalogues():
    whole = read("clients", "cli", "examples", "catalogue.json")
    plans = json.loads(whole)["plans"]
    yield whole.encode()
    yield "".join(json.dumps(plan, ensure_ascii=False) + "\n" for plan in plans[:3]).encode()
    for plan in plans:
        yield json.dumps([plan], indent=1).encode()
        yield json.dumps([plan]).encode() + b"\n\0more"
        yield json.dumps({"plans": [plan, plan], "more": 1}).encode()


def contexts():
    yield json.dumps({"use": "live", "contexts": {"live": {"endpoint": "tcp://127.0.0.1:7411", "reseller": "norte"}}}).encode()
    yield b'{"contexts":{"a":{"endpoint":7}},"use":"b"}'
    yield b'{"contexts":[]}'


def messages():
    """JSON and MessagePack of each block."""
    names = list(BLOCKS)
    for v in vectors("vectors.jsonl"):
        at = next((n for n, name in enumerate(names) if BLOCKS[name].Name == v["type"] and BLOCKS[name].kind == v["kind"]), 255)
        yield bytes([at]) + json.dumps(v["value"], ensure_ascii=False).encode()
        yield bytes([at]) + bytes.fromhex(v["bytes"])
    yield b"\xff" + b'{"type":"OrderCompleted","data":{"expiration":"2026-01-31T12:00:00.5Z","x":[1.5,null,true]}}'


def events():
    found = of_kinds("event")
    for v in vectors("vectors.jsonl"):
        if v["kind"] == "event":
            at = next(n for n, block in enumerate(found) if block.Name == v["type"])
            yield bytes([at]) + bytes.fromhex(v["bytes"])


INPUTS = {
    "scan": lambda: [frame for _, frame in frames()] + [bytes.fromhex(v["bytes"]) for v in vectors("vectors.jsonl")],
    "request": lambda: [bytes([port]) + frame for port, frame in frames()],
    "door": lambda: [bytes([port]) + frame for port, frame in frames()],
    "row": rows, "record": records, "domain_name": domains, "calendar": calendars, "config": configs, "answer": answers,
    "event": events, "json": messages, "worker": assignments, "output": lines, "catalogue": catalogues, "records": records,
    "contexts": contexts,
    "arguments": words,
}


def dictionary():
    """Every word of the schema, alone and as MessagePack packs it, and what both formats are made of."""
    found = {field.name for block in BLOCKS.values() for field in block.fields}
    found |= {block.Name for block in BLOCKS.values()} | {name for names in ENUMS.values() for name in names}
    found |= {error.code for error in schema_rows.errors()}
    for word in sorted(found):
        yield word.encode()
        yield msgpack.packb(word)
    for value in (0, 127, 255, 65535, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1, -1, -2**63, 1.5, b"", [], {}, None, True):
        yield msgpack.packb(value)
    for mark in ("\xdc\x00\x10", "\xde\x00\x10", "\xdd\x00\x00\x00\x01", "\xdf\x00\x00\x00\x01", "\xd9\x20", "\xc1", "\xd4\x01"):
        yield mark.encode("latin-1")
    for text in ("xn--", ".es", ".co.uk", "Europe/Madrid", "tcp://127.0.0.1:", "ipc://", "--", "ref:", ":=", "{\"plans\":[",
                 "2026-01-31T12:00:00Z", "ñ", "\u200d", "％"):
        yield text.encode()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def make(folder):
    """Inputs that were found before stay."""
    for name, make_inputs in INPUTS.items():
        place = os.path.join(folder, name)
        os.makedirs(place, exist_ok=True)
        for content in make_inputs():
            write(os.path.join(place, hashlib.sha1(content).hexdigest()), content)
    escaped = ("".join("\\x%02x" % byte for byte in word) for word in dictionary() if word)
    write(os.path.join(folder, "dictionary"), "".join('"%s"\n' % word for word in escaped).encode())


def targets():
    """The fuzzers that CMakeLists.txt names; each has inputs here, and the other way round."""
    named = re.findall(r"^  pd_fuzzer\((\w+)", read("tests", "fuzz", "CMakeLists.txt"), re.M)
    assert sorted(named) == sorted(INPUTS), "CMakeLists.txt and corpus.py: %s" % (set(named) ^ set(INPUTS))
    return named


if __name__ == "__main__":
    make(sys.argv[1])
