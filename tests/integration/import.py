#!/usr/bin/python3
"""pedido import: customers and live subscriptions from CSV and JSON lines; errors by line; done again it does nothing twice."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, same

CSV = """customer,name,email,plan,period,domain,start,expiration,reference,parameters.login,parameters.server
luisa,"Luisa ""la Rubia"", e hijos",luisa@example.com,,,,,,,,
,,,,,,,,,,
lopez,,,std,1y,panadería-lópez.es,2025-07-01,2026-07-01,old-1,https://panel/1,s1
luisa,,,mail,1m,luisa.es,2025-07-01T10:00:00+02:00,2026-12-01,old-2,,s2
luisa,,,gold,1m,,2025-07-01,2026-12-01,old-3,,
"""

BAD = """customer,plan,period,domain,start,expiration,reference,colour
lopez,std,1y,uno.es,yesterday,2026-07-01,bad-1,
,std,1y,dos.es,2025-07-01,2026-07-01,bad-2,
lopez,std,1y,tres.es,2025-07-01,2026-07-01,bad-3,red
lopez,std,1y,cuatro.es,2025-07-01,2026-07-01,bad-4,,,,more
"""


TWICE = """customer,plan,period,domain,start,expiration,reference
lopez,std,1y,uno.es,2025-07-01,2026-07-01,one
lopez,std,1y,dos.es,2025-07-01,2026-07-01,one
"""


def write(place, name, text):
    path = os.path.join(place, name)
    with open(path, "w") as to:
        to.write(text)
    return path


def csv(engine, client):
    path = write(engine.place, "old.csv", CSV)
    head = client.hello(fresh=True)["head"]
    code, out, said = engine.pedido("import", path, "--dry-run")
    check("a dry run says what would be done, and looks at the lines of customers who are not there yet",
          code == 4 and "3 would be imported, 0 are there already, 1 would be refused" in said and "old.csv:6: plan" in said, said)
    same("and does nothing", client.hello(fresh=True)["head"], head)
    code, out, said = engine.pedido("import", path)
    check("the import says which line was refused, and why", code == 4 and "old.csv:6: plan" in said, said)
    check("and what came of the others", "3 imported, 0 were there already, 1 refused" in said, said)
    rows = client.query("ListSubscriptions")["subscriptions"]
    same("the subscriptions are there", [(s["reference"], s["status"], s["service_status"]) for s in rows],
         [("old-1", "active", "running"), ("old-2", "active", "running")])
    same("with what was known of them", rows[0]["parameters"], {"login": "https://panel/1", "server": "s1"})
    same("a date is its midnight, a time its moment", [s["start"] for s in rows], [1751328000 * 10**6, 1751356800 * 10**6])
    same("in the panel, too", client.query("GetPanel", {"customer": "lopez"})["services"][0]["domain"], "panadería-lópez.es")
    same("quotes and commas are the name's", client.query("GetCustomer", {"customer": "luisa"})["customer"]["name"],
         'Luisa "la Rubia", e hijos')
    head = client.hello(fresh=True)["head"]
    engine.restart()
    with engine.client() as client:
        code, out, said = engine.pedido("import", path)
        check("imported again it does nothing twice", "0 imported, 3 were there already, 1 refused" in said, said)
        same("not even after a crash", client.hello(fresh=True)["head"], head + 0)
    changed = write(engine.place, "new.csv", CSV.replace("https://panel/1", "https://panel/9"))
    code, out, said = engine.pedido("import", changed)
    check("what the file says otherwise of a subscription is refused: it is known by its reference",
          code == 4 and "new.csv:4: parameters" in said and "2 were there already, 2 refused" in said, (code, said))


def bad(engine, client):
    head = client.hello(fresh=True)["head"]
    code, out, said = engine.pedido("import", write(engine.place, "bad.csv", BAD))
    lines = [line for line in said.splitlines() if line.startswith(os.path.join(engine.place, "bad.csv:"))]
    for n, field in ((2, "start"), (3, "customer"), (4, "colour"), (5, "")):
        check("line %d is named, and what is wrong with it" % n, any(":%d: %s" % (n, field) in line for line in lines), lines)
    check("nothing is sent of a file with errors", code == 3 and client.hello(fresh=True)["head"] == head, (code, said))
    code, out, said = engine.pedido("import", write(engine.place, "twice.csv", TWICE))
    check("two lines that give one reference to two things", code == 3 and "twice.csv:3: reference" in said and "2" in said, said)
    for name, text in (("empty.csv", ""), ("head.csv", "customer,plan\n"), ("half.jsonl", '{"customer":"x"'),
                       ("list.jsonl", '{"a":1}\n[]\n')):
        code, out, said = engine.pedido("import", write(engine.place, name, text))
        check("%s: refused, and said why" % name, code in (1, 3) and name in said, (code, said))
    code, out, said = engine.pedido("import", os.path.join(engine.place, "none.csv"))
    check("a file that is not there is named", code == 1 and "none.csv" in said, (code, said))


def customers(engine, client):
    """Of a customer only what a line says is changed, and as often as it is said otherwise."""
    def imported(name, said_of_her):
        path = write(engine.place, "ana.csv", "customer,name,email\n" + said_of_her)
        code, out, said = engine.pedido("import", path)
        same(name, code, 0)
        got = client.query("GetCustomer", {"customer": "ana"})["customer"]
        return (got["name"], got.get("email")), said

    same("a customer with an address", imported("import A", "ana,Ana,ana@example.com\n")[0], ("Ana", "ana@example.com"))
    same("another name; the address stays", imported("import B", "ana,Ana Ruiz,\n")[0], ("Ana Ruiz", "ana@example.com"))
    now, said = imported("import A again", "ana,Ana,ana@example.com\n")
    same("and the first name once more", now, ("Ana", "ana@example.com"))
    now, said = imported("import A a third time", "ana,Ana,ana@example.com\n")
    check("that changes nothing", "0 imported, 1 were there already" in said, said)
    same("two lines of one customer, one after the other", imported("twice", "ana,A,a@example.com\nana,B,\n")[0],
         ("B", "a@example.com"))


def dialects(engine, client):
    """As spreadsheets write it: a byte order mark, semicolons, tabs."""
    for n, (name, text) in enumerate((("a byte order mark", "\ufeffcustomer,name\nx0,X\n"),
                                      ("semicolons", "customer;name\nx1;\"X; and sons\"\n"),
                                      ("tabs", "customer\tname\nx2\tX\n"),
                                      ("a mark before JSON", '\ufeff{"customer":"x3","name":"X"}\n'))):
        code, out, said = engine.pedido("import", write(engine.place, "dialect", text))
        same(name, (code, client.query("GetCustomer", {"customer": "x%d" % n})["customer"]["name"][0]), (0, "X"))


def lines(engine, client):
    rows = [{"customer": "c%d" % n, "name": "Customer %d" % n} for n in range(300)]
    rows += [{"customer": "c%d" % (n % 300), "plan": "vps", "period": "1m", "start": "2025-07-01", "expiration": "2026-07-01",
              "reference": "vps-%d" % n, "quantity": 2} for n in range(1700)]
    path = write(engine.place, "many.jsonl", "\n".join(json.dumps(row) for row in rows) + "\n")
    code, out, said = engine.pedido("import", path, "--json")
    results = [json.loads(line) for line in out.splitlines()]
    same("2,000 JSON lines are taken over", (code, len(results), {r["result"] for r in results}), (0, 2000, {"imported"}))
    check("each says its line and its subscription", results[-1]["line"] == 2000 and results[-1]["subscription"] > 0, results[-1])
    code, out, said = engine.pedido("import", path)
    check("again, and nothing is done", "0 imported, 2000 were there already, 0 refused" in said, said)
    code, out, said = engine.pedido("subscription", "end", str(results[-1]["subscription"]), "moved")
    same("an imported subscription can be ended", code, 0)
    worker = engine.worker("w1", ["hosting"])
    task = worker.next()
    same("its worker is told what it was known by", (task["operation"], task["reference"]), ("deprovision", "vps-1699"))
    check("and removes it", worker.success(task)["ok"])
    got = client.query("GetSubscription", {"subscription": results[-1]["subscription"]})["subscription"]
    same("then it has ended", (got["status"], got["service_status"]), ("terminated", "removed"))


def example(engine):
    examples = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "cli", "examples")
    engine.pedido("plan", "import", os.path.join(examples, "catalogue.json"))
    code, out, said = engine.pedido("import", os.path.join(examples, "existing.csv"))
    check("the example is taken over", code == 0 and "3 imported, 0 were there already, 0 refused" in said, (code, said))
    code, out, said = engine.pedido("import", "--help")
    check("the help names the columns", all(name in out for name in ("reference", "plan", "period", "parameters.KEY")), out)


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        csv(engine, client)
        client = engine.client()
        bad(engine, client)
        customers(engine, client)
        dialects(engine, client)
        lines(engine, client)
        example(engine)
        same("SIGTERM ends it", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)


main()
