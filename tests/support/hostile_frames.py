"""hostile_frames - bad messages, what is wrong with them, and how proto/README.md says they are refused."""

import msgpack

ITEM = {"plan": "std", "period": "1y", "domain": "panadería-lópez.es"}


class Pairs(list):
    """A map that may hold a key twice, or keys that are no texts."""


def pack(value):
    """msgpack.packb, and Pairs."""
    if isinstance(value, Pairs):
        packer = msgpack.Packer()
        return packer.pack_map_header(len(value)) + b"".join(pack(part) for pair in value for part in pair)
    if isinstance(value, dict):
        return pack(Pairs(value.items()))
    if isinstance(value, list):
        return msgpack.Packer().pack_array_header(len(value)) + b"".join(pack(part) for part in value)
    return msgpack.packb(value)


def message(kind, id="h", **more):
    return dict({"type": kind, "id": id}, **more)


def add_order(item=None, **data):
    return message("AddOrder", data=dict({"customer": "lopez", "items": [dict(ITEM, **(item or {}))]}, **data))


def bytes_that_are_no_message():
    """(name, bytes, code)."""
    hello = msgpack.packb(message("Hello"))
    key = b"\x82\xa4type\xa5Hello\xa2id"
    yield "an empty frame", b"", "malformed_message"
    yield "a byte that MessagePack never uses", b"\xc1", "malformed_message"
    yield "garbage", bytes.fromhex("deadbeef00112233445566778899aabbccddeeff"), "malformed_message"
    yield "text of another protocol", b"GET / HTTP/1.1\r\n\r\n", "malformed_message"
    yield "half a message", hello[:-3], "malformed_message"
    yield "bytes behind the message", hello + b"\xc0", "malformed_message"
    yield "two messages", hello + hello, "malformed_message"
    for name, value in (("nil", None), ("a number", 7), ("a text", "Hello"), ("true", True), ("a float", 1.5)):
        yield name + " instead of a map", msgpack.packb(value), "malformed_message"
    yield "an array length of four billion", b"\xdd\xff\xff\xff\xff", "malformed_message"
    yield "a map length of four billion", b"\xdf\xff\xff\xff\xff", "malformed_message"
    yield "a text length of four billion", b"\xdb\xff\xff\xff\xffabc", "malformed_message"
    yield "a binary length that lies", b"\xc5\xff\xff\x00", "malformed_message"
    yield "a text cut off within a request", b"\x82\xa4type\xa5Hello\xa2id\xd9\x40short", "malformed_message"
    yield "a map of fewer pairs than it says", b"\x83\xa4type\xa5Hello\xa2id\xa1h", "malformed_message"
    yield "a fixed extension type", key + b"\xd4\x01\x00", "malformed_message"
    yield "an extension type", key + b"\xc7\x02\x05ab", "malformed_message"
    yield "a timestamp extension", key + b"\xd6\xff\x00\x00\x00\x00", "malformed_message"
    for name, text in (("a lone continuation byte", b"\x80"), ("an overlong letter", b"\xc0\xaf"),
                       ("a surrogate", b"\xed\xa0\x80"), ("a letter beyond Unicode", b"\xf4\x90\x80\x80"),
                       ("a letter cut off", b"\xc3")):
        yield "invalid UTF-8: " + name, key + bytes([0xa0 + len(text)]) + text, "malformed_message"
    yield "arrays nested 17 deep", b"\x91" * 17 + b"\xc0", "too_large"
    yield "arrays nested 500 deep", b"\x91" * 500 + b"\xc0", "too_large"
    yield "maps nested 40 deep", b"\x82\xa4type\xa5Hello\xa4data" + b"\x81\xa1a" * 40 + b"\xc0", "too_large"
    yield "a text of 8,193 bytes", pack(message("Hello", id="x" * 8193)), "too_large"


def envelopes():
    """(name, map, code, field)."""
    yield "no type", {"id": "h"}, "missing_field", "type"
    yield "no id", {"type": "Hello"}, "missing_field", "id"
    yield "nothing at all", {}, "missing_field", "type"
    yield "an id of 0 bytes", message("Hello", id=""), "invalid_field", "id"
    yield "an id of 65 bytes", message("Hello", id="x" * 65), "invalid_field", "id"
    yield "an id with a control character", message("Hello", id="a\nb"), "invalid_field", "id"
    yield "a number as id", message("Hello", id=7), "invalid_field", "id"
    yield "bytes as id", message("Hello", id=b"raw"), "invalid_field", "id"
    yield "an unknown type", message("MakeCoffee"), "unknown_type", "type"
    yield "a type in lower case", message("hello"), "unknown_type", "type"
    yield "a query on the commands port", message("ListOrders"), "unknown_type", "type"
    yield "a worker's message on the commands port", message("WorkerReady"), "unknown_type", "type"
    yield "a command of the engine's own", message("StartEngine", data={"software": "x"}), "unknown_type", "type"
    yield "version 2", message("Hello", v=2), "unsupported_version", "v"
    yield "version 0", message("Hello", v=0), "unsupported_version", "v"
    yield "a text as version", message("Hello", v="1"), "invalid_field", "v"
    yield "an unknown key", message("Hello", colour="red"), "unknown_field", "colour"
    yield "a query's key on a command", message("Hello", limit=5), "unknown_field", "limit"
    yield "a key that stands twice", Pairs([("type", "Hello"), ("id", "h"), ("id", "h")]), "invalid_field", "id"
    yield "a number as key", Pairs([("type", "Hello"), ("id", "h"), (7, "x")]), "invalid_field", None
    yield "an array as data", message("Hello", data=[]), "invalid_field", "data"
    yield "nil as data", message("Hello", data=None), "invalid_field", "data"
    yield "an unknown reseller", dict(add_order(), reseller="nobody"), "reseller_not_found", None
    yield "a reseller with a blank", message("Hello", reseller="a b"), "invalid_field", "reseller"
    yield "a reseller of 65 bytes", message("Hello", reseller="r" * 65), "invalid_field", "reseller"
    yield "a number as dry_run", message("Hello", dry_run=1), "invalid_field", "dry_run"
    yield "a negative expect", message("OpenOrder", data={"order": 1}, expect=-1), "invalid_field", "expect"
    yield "a short trace", message("Hello", trace="00-abc"), "invalid_field", "trace"
    yield "an empty on_behalf_of", message("Hello", on_behalf_of=""), "invalid_field", "on_behalf_of"


def bodies():
    """(name, map, code, field)."""
    order, customer = "OpenOrder", {"customer": "lopez", "name": "López"}
    yield "an unknown field", message("PutCustomer", data=dict(customer, phone="1")), "unknown_field", "phone"
    yield "a missing field", message("PutCustomer", data={"customer": "lopez"}), "missing_field", "name"
    yield "a field that stands twice", message("PutCustomer", data=Pairs([("customer", "a"), ("customer", "b"), (
        "name", "x")])), "invalid_field", "customer"
    yield "a number as name", message("PutCustomer", data=dict(customer, name=5)), "invalid_field", "name"
    yield "an empty name", message("PutCustomer", data=dict(customer, name="")), "invalid_field", "name"
    yield "a name of 201 bytes", message("PutCustomer", data=dict(customer, name="n" * 201)), "invalid_field", "name"
    yield "a name with a control character", message("PutCustomer", data=dict(customer, name="a\tb")), "invalid_field", "name"
    yield "no e-mail address", message("PutCustomer", data=dict(customer, email="ana")), "invalid_field", "email"
    yield "an id with a slash", message("PutCustomer", data=dict(customer, customer="a/b")), "invalid_field", "customer"
    yield "a zone that is not", message("PutReseller", data={"reseller": "r", "name": "R", "time_zone": "Mars/Olympus"}), \
        "invalid_field", "time_zone"
    for name, value in (("0", 0), ("-1", -1), ("a float", 1.0), ("a text", "1"), ("nil", None), ("true", True),
                        ("2^63", 2**63), ("2^64-1", 2**64 - 1), ("-2^63", -2**63)):
        yield name + " as order", message(order, data={"order": value}), "invalid_field", "order"
    yield "neither order nor reference", message(order, data={}), "missing_field", "order"
    yield "order and reference", message(order, data={"order": 1, "reference": "r"}), "invalid_field", "reference"
    yield "a wait of over five minutes", message("CheckStatus", data={"order": 1, "wait_ms": 300001}), \
        "invalid_field", "wait_ms"
    yield "an unknown enumerator", message("CheckStatus", data={"order": 1, "until": "later"}), "invalid_field", "until"
    period = {"plan": "std", "period": "1m", "enabled": True, "setup_fee": 0, "recurring_fee": 1, "currency": "EUR"}
    for bad in ("0m", "1w", "m", "11y", "3651d", "01m", "-1m"):
        yield "a period of " + bad, message("PutPeriod", data=dict(period, period=bad)), "invalid_field", "period"
    yield "a currency in lower case", message("PutPeriod", data=dict(period, currency="eur")), "invalid_field", "currency"
    yield "a negative fee", message("PutPeriod", data=dict(period, setup_fee=-1)), "invalid_field", "setup_fee"
    yield "a fee as float", message("PutPeriod", data=dict(period, setup_fee=9.99)), "invalid_field", "setup_fee"
    yield "a text as flag", message("PutPeriod", data=dict(period, enabled="yes")), "invalid_field", "enabled"


def orders():
    """(name, map, code, field)."""
    for quantity in (0, -1, 10001, 2**63, 2**64 - 1, -2**63):
        yield "a quantity of %d" % quantity, add_order({"quantity": quantity}), "quantity_out_of_range", "items[0].quantity"
    yield "a float as quantity", add_order({"quantity": 1.5}), "invalid_field", "items[0].quantity"
    yield "a text as quantity", add_order({"quantity": "1"}), "invalid_field", "items[0].quantity"
    yield "no items", add_order(items=[]), "invalid_field", "items"
    yield "33 items", add_order(items=[ITEM] * 33), "invalid_field", "items"
    yield "a map as items", add_order(items={}), "invalid_field", "items"
    yield "a text as item", add_order(items=[ITEM, "x"]), "invalid_field", "items[1]"
    yield "an unknown field in an item", add_order(items=[ITEM, dict(ITEM, price=1)]), "unknown_field", "items[1].price"
    yield "an item without plan", add_order(items=[{"period": "1y"}]), "missing_field", "items[0].plan"
    for name, parameters in (
            ("33 parameters", {"k%d" % i: "v" for i in range(33)}), ("a key of 65 bytes", {"k" * 65: "v"}),
            ("an empty key", {"": "v"}), ("a value of 257 bytes", {"k": "v" * 257}), ("a number as value", {"k": 1}),
            ("a control character in a value", {"k": "a\x00b"}), ("a key that stands twice", Pairs([("k", "a"), ("k", "b")])),
            ("an array as parameters", ["k", "v"])):
        yield "parameters: " + name, add_order({"parameters": parameters}), "invalid_field", "items[0].parameters"
    for domain in ("co.uk", "es", "servidor.local", "x.invalid", "a..es", "-a.es", "localhost", "1.2.3.4", "a b.es", "",
                   "a." * 126 + "es", "☃.es"):
        yield "the domain %r" % (domain if len(domain) < 40 else "of 254 bytes"), add_order({"domain": domain}), \
            "domain_invalid", "items[0].domain"
    yield "a number as domain", add_order({"domain": 5}), "invalid_field", "items[0].domain"


def own_id(value, number):
    """An id that no other message has: refused ids are remembered."""
    return dict(value, id="h%d" % number) if isinstance(value, dict) and value.get("id") == "h" else value


def rows():
    """Every bad frame as a row of hostile.jsonl."""
    number = 0
    for name, frame, code in bytes_that_are_no_message():
        yield {"name": name, "port": "commands", "hex": frame.hex(), "code": code}
    for part in (envelopes, bodies, orders):
        for name, value, code, field in part():
            number += 1
            row = {"name": name, "port": "commands", "hex": pack(own_id(value, number)).hex(), "code": code}
            if field is not None:
                row["field"] = field
            yield row
    yield {"name": "an unknown key, longer than a refusal repeats", "port": "commands",
           "hex": pack(message("Hello", "long", **{"ñ" * 40: "red"})).hex(), "code": "unknown_field", "field": "ñ" * 31}
    yield {"name": "an empty array", "port": "commands", "hex": "90", "code": "malformed_message"}
    yield {"name": "an array of 1,025 commands", "port": "commands",
           "hex": (b"\xdc\x04\x01" + pack(message("Hello")) * 1025).hex(), "code": "too_large"}
    mixed = [5, message("Hello"), {"type": "Hello"}, message("CheckStatus", data={"order": 1, "wait_ms": 10}), []]
    yield {"name": "an array of good and bad", "port": "commands", "hex": pack(mixed).hex(),
           "codes": ["malformed_message", None, "missing_field", "invalid_field", "malformed_message"]}
    for name, value, code, field in (
            ("a command on the queries port", message("OpenOrder", data={"order": 1}), "unknown_type", "type"),
            ("an array on the queries port", [message("Health")], "malformed_message", None),
            ("a command's key on a query", message("Health", expect=1), "unknown_field", "expect"),
            ("a limit of 0", message("ListOrders", limit=0), "invalid_field", "limit"),
            ("a limit of 1,001", message("ListOrders", limit=1001), "invalid_field", "limit"),
            ("a made-up cursor", message("ListOrders", cursor="abc"), "cursor_invalid", None),
            ("a position beyond the head", message("ListOrders", at_least=2**62), "position_out_of_range", "at_least"),
            ("an unknown state", message("ListOrders", data={"state": "lost"}), "invalid_field", "state")):
        row = {"name": name, "port": "queries", "hex": pack(value).hex(), "code": code}
        yield dict(row, field=field) if field else row
    ready = {"worker": "w1", "groups": ["hosting"], "credit": 1}
    mixed = [message("WorkerReady", data=ready), message("WorkerGoodbye", data={"worker": "w1"}),
             message("ReportSuccess", data={"worker": "w1", "task": 999, "lease": 1}), message("Hello")]
    yield {"name": "reports and what is none in an array", "port": "workers", "hex": pack(mixed).hex(),
           "codes": ["invalid_field", "invalid_field", "task_not_found", "unknown_type"]}
    for name, value, code, field in (
            ("a command on the workers port", message("OpenOrder", data={"order": 1}), "unknown_type", "type"),
            ("an expected version from a worker", message("WorkerReady", data=ready, expect=1), "unknown_field", "expect"),
            ("a worker without groups", message("WorkerReady", data=dict(ready, groups=[])), "invalid_field", "groups"),
            ("1,025 credit", message("WorkerReady", data=dict(ready, credit=1025)), "invalid_field", "credit"),
            ("a progress of 101", message("ReportProgress", data={"worker": "w1", "task": 1, "lease": 1, "progress": 101}),
             "invalid_field", "progress"),
            ("a result for no task", message("ReportSuccess", data={"worker": "w1", "task": 999, "lease": 1}),
             "task_not_found", None)):
        row = {"name": name, "port": "workers", "hex": pack(value).hex(), "code": code}
        yield dict(row, field=field) if field else row
