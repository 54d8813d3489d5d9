#!/usr/bin/python3
"""make_vectors - writes proto/vectors/*.jsonl: messages as another implementation (Python's msgpack) packs them.

vectors.jsonl: one message a line, {"kind", "type", "variant", "value", "bytes"}. Kinds: command, query, event, reply (the
body's map alone, `type` its name), request, answer, refusal, published, heartbeat, assignment (the whole message). Variants
of a body: least (required fields, the lists and maps that may be empty so), full (every field), edge (the largest values, the
longest texts).

hostile.jsonl: one bad frame a line, {"name", "port", "hex", "code", "field"?}: what is refused, and how. `codes` instead of
`code` for an array that is answered by an array.

With --check nothing is written; the exit status says whether the files are as they would be written.
"""

import json
import os
import sys

import msgpack

import hostile_frames
import schema_rows

VECTORS = os.path.join(schema_rows.PROTO, "vectors")
BLOCKS, ENUMS = schema_rows.blocks(), schema_rows.enums()
TEXT_TYPES = {"id": 64, "token": 64, "name": 200, "text": 200, "note": 2000, "output": 2000, "zone": 64, "endpoint": 255,
              "domain_name": 253, "path": 1000}
LARGEST = {"quantity": 10000, "percent": 100, "seconds": 31536000, "milliseconds": 300000, "credit": 1024, "limit": 1000,
           "bits": 2**64 - 1}

# What a field is called says best what it may hold; the values cross the borders of MessagePack's integers and texts.
BY_NAME = {
    "customer": "lopez", "plan": "std", "reseller": "default", "category": "hosting", "worker_group": "hosting",
    "worker": "w1", "reference": "web-2026-000117", "plan_name": "Hosting estándar y correo electrónico",
    "service": "Hosting estándar y correo electrónico", "instance": "5d7c0b1e9a324f60",
    "time_zone": "Europe/Madrid", "currency": "EUR", "period": "1y", "email": "ana@panaderia-lopez.es",
    "key": "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "identity": "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
    "domain_unicode": "panadería-lópez.es", "reason": "impago de la factura 17", "actor": "local", "on_behalf_of": "ana",
    "trace": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "command": "0b6f2c9e", "software": "0.1.0",
    "log": "5f0c1a2b3c4d5e6f708192a3b4c5d6e7", "login": "https://panel.example/lopez", "message": "40 % — copiando",
    "commands": "tcp://127.0.0.1:7411", "events": "tcp://127.0.0.1:7412", "queries": "tcp://127.0.0.1:7413",
    "workers": "tcp://127.0.0.1:7414", "code": "no_space", "result": "success", "blocked_by": "no worker for group hosting",
    "order": 17, "item": 1, "task": 129, "lease": 1, "attempt": 2, "subscription": 300, "version": 7, "position": 65536,
    "from": 0, "quantity": 2, "progress": 40, "total": 12100, "setup_fee": 0, "recurring_fee": 9900, "renewal_fee": 127,
    "setup_total": 128, "recurring_total": 255, "deadline_s": 86400, "credit": 1, "heartbeat_ms": 5000, "lease_ms": 30000,
    "wait_ms": 256, "protocol": 1, "frame_bytes": 1048576, "array_commands": 1024, "order_items": 32, "page_rows": 1000,
    "periods": 1, "plan_version": 3, "period_version": 4, "head": 4294967296, "time": 1767225600000000,
    "start": 1767225600000000, "since": 1767225600000000, "until": 1798761600000000, "anchor": 1767225600000000,
    "expiration": 1798761600000000, "deadline": 1767312000000000, "created": 1767225600000001, "updated": 1767225600000002,
}


def scalar(block, field, variant):
    """A value for a PD_FIELD."""
    edge = variant == "edge"
    if field.type == "flag":
        return variant != "least"
    if field.type == "domain" or (field.type == "domain_name" and not edge):
        unicode = field.name == "domain_unicode" or field.type == "domain" or block.name == "panel_service"
        return "panadería-lópez.es" if unicode else "xn--panadera-lpez-2ib7g.es"
    if field.type in ("currency", "period", "email", "trace", "identity"):
        others = {"period": "120m", "currency": "USD", "identity": "uid/1000"}
        return others.get(field.type, BY_NAME[field.type]) if edge else BY_NAME[field.type]
    if field.type in TEXT_TYPES:
        if edge:
            plain = field.type in ("id", "token", "zone", "endpoint", "domain_name")
            return "x" * TEXT_TYPES[field.type] if plain else "ñ" * (TEXT_TYPES[field.type] // 2)
        if field.name == "name" and field.type != "id":
            return {"put_plan": "Hosting estándar y correo electrónico"}.get(block.name, "Panadería López, S. L.")
        return BY_NAME.get(field.name, "alpha")
    if edge:
        return LARGEST.get(field.type, 2**63 - 1)
    value = BY_NAME.get(field.name)
    return value if isinstance(value, int) else 200


def one(block, field, variant):
    """A value for any field."""
    if variant == "least" and field.form in ("TEXTS", "LIST", "MAP") and field.min == 0:
        return {} if field.form == "MAP" else []
    if field.form == "FIELD":
        return scalar(block, field, variant)
    if field.form == "CHOICE":
        return ENUMS[field.type][-1 if variant == "edge" else 0]
    if field.form == "TEXTS":
        texts = {"groups": ["hosting", "mail"], "allowed": ["UpdateOrder", "ConfirmOrder"]}.get(field.name, ["impago"])
        return texts[:1] if variant == "least" else texts * (8 if variant == "edge" else 1)
    if field.form == "MAP":
        if variant == "edge":
            return {"k" * 64: "v" * 256, "clave": "ñ" * 127, "empty": ""}
        return {"login": "https://panel.example/lopez", "server": "s7"}
    if field.form == "RAW":
        return body(BLOCKS["order_completed"], "full")
    if field.form == "STRUCT":
        return body(BLOCKS[field.type], variant)
    count = 17 if variant == "edge" and field.max >= 17 and field.type == "held_lease" else 1 if variant == "least" else 2
    return [body(BLOCKS[field.type], variant) for _ in range(min(count, field.max))]


def body(block, variant):
    """The map of a block, in schema order; in `least` the optional fields are left out, but for lists and maps."""
    value = {}
    for field in block.fields:
        left_out = field.need == "PD_OPTIONAL" and field.form not in ("TEXTS", "LIST", "MAP") and variant == "least"
        if field.need == "PD_HIDDEN" or left_out:
            continue
        value[field.name] = one(block, field, variant)
    return value


def requests():
    for block in BLOCKS.values():
        if block.kind not in ("command", "query") or block.port == "engine":
            continue
        yield block.Name, {"type": block.Name, "id": "0b6f2c9e", "data": body(block, "least")}
        more = {"v": 1, "type": block.Name, "id": "é" * 32, "reseller": "norte"}
        if block.kind == "query":
            more.update(trace=BY_NAME["trace"], at_least=65536, limit=1000, cursor="c-17")
        else:
            more.update({"expect": 7} if block.port == "commands" else {}, dry_run=True, on_behalf_of="ana", trace=BY_NAME["trace"])
        more["data"] = body(block, "full")
        yield block.Name, more


def refusals():
    """Each refusal with the details that its sentence names."""
    for error in schema_rows.errors():
        details = {"field": "items[1].plan", "expected": "a number from 1", "order": 17, "version": 7, "state": "completed",
                   "command": "OpenOrder", "allowed": ["CheckStatus"], "retry_after_ms": 250}
        sentence, shown = error.sentence, {}
        for name, detail in details.items():
            if "{%s}" % name not in sentence:
                continue
            sentence = sentence.replace("{%s}" % name, ", ".join(detail) if name == "allowed" else str(detail))
            if name != "expected":
                shown[name] = detail
        order = ("field", "order", "version", "state", "command", "allowed", "retry_after_ms")
        value = {"code": error.code, "message": sentence}
        value.update((name, shown[name]) for name in order if name in shown)
        yield error.code, {"id": "0b6f2c9e", "ok": False, "error": value}


def published():
    head = {"position": 17, "time": BY_NAME["time"], "log": BY_NAME["log"]}
    yield "heartbeat", "~head", dict(head)
    yield "heartbeat", "~head", dict(head, chain="0f" * 32)
    for name in ("order_added", "task_leased", "subscription_activated", "engine_started"):
        event = dict(head, type=BLOCKS[name].Name, reseller="default", command="0b6f2c9e", actor="local",
                     version=7, data=body(BLOCKS[name], "full"))
        yield "published", BLOCKS[name].Name, event
    person = {}
    for key, value in event.items():
        if key == "version":
            person.update(on_behalf_of="ana", trace=BY_NAME["trace"])
        person[key] = value
    yield "published", person["type"], person
    yield "assignment", "Assignment", {"type": "Assignment", "data": body(BLOCKS["assignment"], "full")}


def vectors():
    for block in BLOCKS.values():
        if block.kind in ("command", "query", "event", "reply"):
            for variant in ("least", "full", "edge"):
                value = body(block, variant)
                if variant == "least" or value:
                    yield block.kind, block.Name, variant, value
    for name, value in requests():
        yield "request", name, "full" if "v" in value else "least", value
    for name in ("order_reply", "review_reply", "status_reply", "worker_reply"):
        yield "answer", name, "full", {"id": "0b6f2c9e", "ok": True, "position": 17, "data": body(BLOCKS[name], "full")}
        yield "answer", name, "least", {"id": "0b6f2c9e", "ok": True, "data": body(BLOCKS[name], "least")}
    for code, value in refusals():
        yield "refusal", code, "full", value
    for kind, name, value in published():
        yield kind, name, "full", value


def lines():
    example = {"type": "Hello", "id": "a"}  # section 10 of the protocol page
    assert msgpack.packb(example) == bytes.fromhex("82a474797065a548656c6c6fa26964a161")
    texts = {"vectors.jsonl": [], "hostile.jsonl": []}
    for kind, name, variant, value in vectors():
        row = {"kind": kind, "type": name, "variant": variant, "value": value, "bytes": msgpack.packb(value).hex()}
        assert msgpack.unpackb(bytes.fromhex(row["bytes"])) == value
        texts["vectors.jsonl"].append(row)
    texts["hostile.jsonl"] = list(hostile_frames.rows())
    return {name: "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
            for name, rows in texts.items()}


def main():
    stale = []
    for name, text in lines().items():
        path = os.path.join(VECTORS, name)
        if "--check" in sys.argv:
            with open(path, encoding="utf-8") as file:
                if file.read() != text:
                    stale.append(name)
        else:
            os.makedirs(VECTORS, exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    if stale:
        sys.exit("stale: %s; run tests/support/make_vectors.py" % ", ".join(stale))


if __name__ == "__main__":
    main()
