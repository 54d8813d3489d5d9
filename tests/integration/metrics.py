#!/usr/bin/python3
"""What the engine measures is what happened, and each of its printers says it in its own form."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import pack
from story import check, eventually, same

SAMPLE = re.compile(r'^(pedido_[a-z_]+?)(_bucket|_sum|_count)?(?:\{(.*)\})? ([0-9.]+)$')


def measured(client, metric, of=None):
    rows = [row for row in client.query("GetMetrics")["metrics"] if row["metric"] == metric and row.get("of") == of]
    return rows[0] if rows else {}


def counted(client, metric, of=None):
    return measured(client, metric, of).get("value", 0)


def what_happened(engine, client):
    before = counted(client, "commands_total")
    for n in range(5):
        shop.add(client, reference="m%d" % n)
    client.call("OpenOrder", {"order": 99})
    client.commands.send([pack({"type": "AddOrder", "id": "m", "data": {"nix": 1}})])
    client.commands.receive(5)
    client.ask("GetOrder", {"order": 99})
    client.commands.send([b"\xc1"])
    client.commands.receive(5)
    same("commands are counted", counted(client, "commands_total") - before, 8)
    same("and refusals, wherever they come from", {code: counted(client, "refusals_total", code)
                                                   for code in ("order_not_found", "unknown_field", "malformed_message")},
         {"order_not_found": 2, "unknown_field": 1, "malformed_message": 1})
    turns = measured(client, "turn_commands")
    check("each command was in a turn", turns["sum"] >= 8 and turns["count"] <= turns["sum"], turns)
    for metric, of in (("turn_us", None), ("commit_us", None), ("sync_us", "log"), ("rows_us", None), ("views_us", None),
                       ("query_us", None)):
        row = measured(client, metric, of)
        check("%s has been timed" % metric, row["count"] > 0 and sum(b["count"] for b in row["buckets"]) == row["count"] and
              row["sum"] <= sum(b["count"] * b["at_most"] for b in row["buckets"]), row)
    same("the log's position is told", counted(client, "log_position"), client.query("Health")["log_position"])
    for store in ("log", "rows", "views"):
        used, size = (counted(client, "store_%s_bytes" % what, store) for what in ("used", "file"))
        check("what the store of the %s takes is told" % store, 0 < used <= size, (used, size))


def subscribers_lag(engine, client):
    client.call("AttachSubscriber", {"subscriber": "slow", "holder": "h", "from": 0})
    head = client.hello(fresh=True)["head"]
    eventually("a subscriber's lag is told", lambda: counted(client, "subscriber_lag", "default/slow") == head)


def prometheus(engine, client):
    code, said, talk = engine.pedido("metrics")
    same("`pedido metrics` ends with 0", code, 0)
    kinds, buckets, seen = {}, {}, set()
    for line in said.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            check("each metric stands once: %s" % name, name not in kinds)
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            name, part, labels, value = SAMPLE.match(line).groups()
            check("a sample stands under its type: " + line, name == list(kinds)[-1] and line.rsplit(" ", 1)[0] not in seen)
            seen.add(line.rsplit(" ", 1)[0])
            check("histograms alone have buckets", (part is not None) == (kinds[name] == "histogram"))
            if part == "_bucket":
                key = (name, re.sub(r',?le="[^"]*"', "", labels))
                buckets.setdefault(key, []).append(int(value))
            elif part == "_count":
                same("its buckets add up", buckets[(name, labels or "")][-1], int(value))
    check("buckets only grow", all(counts == sorted(counts) for counts in buckets.values()))
    same("counters are called so", [n for n, kind in kinds.items() if (kind == "counter") != n.endswith("_total")], [])
    check("times are in seconds", "pedido_turn_seconds" in kinds and not any(n.endswith("_us") for n in kinds), list(kinds))
    code, said, talk = engine.pedido("metrics", "--json")
    check("--json is the answer itself", json.loads(said)["metrics"][0]["metric"] == "up_s", said[:200])


def check_plugin(engine, client):
    code, said, talk = engine.pedido("check")
    check("all is well", code == 0 and said.startswith("PEDIDO OK - ") and "'views_lag'=0;100000;5000000" in said, said)
    code, said, talk = engine.pedido("check", "--warning", "subscriber_lag=3")
    check("a limit of one's own warns", code == 1 and said.startswith("PEDIDO WARNING - subscriber_lag default/slow"), said)
    code, said, talk = engine.pedido("check", "--warning", "subscriber_lag=3", "--critical", "log_position=1")
    check("the worst counts", code == 2 and "log_position" in said, said)
    code, said, talk = engine.pedido("check", "--critical", "disk_free_bytes=9999999999999999")
    check("of some less is worse", code == 2 and "disk_free_bytes log" in said, said)
    code, said, talk = engine.pedido("check", "--warning", "nix=1")
    check("an unknown one is said", code == 3 and "METRIC=NUMBER" in talk, (code, talk))
    code, said, talk = engine.pedido("status")
    check("`pedido status` says it to people", code == 0 and "default/slow" in said and "order_not_found 2" in said, said)


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        what_happened(engine, client)
        subscribers_lag(engine, client)
        prometheus(engine, client)
        check_plugin(engine, client)
        engine.stop()
        code, said, talk = engine.pedido("check", "--timeout", "0.3")
        check("no engine is critical", code == 2 and said.startswith("PEDIDO CRITICAL - no answer"), (code, said))


main()
