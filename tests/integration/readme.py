#!/usr/bin/python3
"""The README's Python client works as printed; only its endpoint is another here. The protocol's page names every refusal."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import schema_rows
import shop
from story import check, same


def protocol_page():
    with open(os.path.join(schema_rows.PROTO, "README.md"), encoding="utf-8") as file:
        page = file.read()
    lacks = [e.code for e in schema_rows.errors() if "| %s |" % e.kind not in page or "`%s`" % e.code not in page]
    check("every refusal and its class stand in the protocol's page", not lacks, lacks)


def main():
    protocol_page()
    with open(os.path.join(daemon.ROOT, "README.md"), encoding="utf-8") as file:
        code = re.search(r"```python\n(.*?)```", file.read(), re.S).group(1)
    check("it is ten lines", len([line for line in code.splitlines() if line.strip()]) <= 10, code)
    with daemon.Engine() as engine:
        client = engine.client()
        shop.put_plan(client, "licencia-oficina", "Licencia", "licence", "none", provisioning="none")
        code = code.replace("tcp://127.0.0.1:7411", engine.endpoint)
        done = subprocess.run(["/usr/bin/python3", "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=30,
                              env={"PATH": os.environ["PATH"], "LANG": "C"})
        same("it ends well", done.returncode, 0)
        answers = done.stdout.decode().splitlines()
        check("both commands are accepted", len(answers) == 2 and all("'ok': True" in a for a in answers), answers)
        same("the order is there", [o["customer"] for o in client.rows("ListOrders", "orders")], ["ana"])


main()
