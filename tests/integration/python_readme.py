#!/usr/bin/python3
"""What stands in the Python client's README, and of it on the front page, works as it is printed."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from python_package import PLACE
from readme_page import PORT, blocks, page, run_client
from story import check, same


def run(code, engine):
    environment = dict(os.environ, PYTHONPATH=PLACE)
    return run_client("an example", code, engine, "/usr/bin/python3", "-c", code.replace(PORT, engine.endpoint), cwd=engine.place,
                      env=environment)


def main():
    text = page("clients", "python", "README.md")
    smallest, worked, follow, under_asyncio = blocks(text, "python")
    with daemon.Engine() as engine:
        same("the worked example prints what is printed there", run(worked, engine), blocks(text, "text")[0])
        same("the smallest program", run(smallest, engine), "Ana\n")
        same("and under asyncio", run(under_asyncio, engine), "True\n")
        code = 'import pedido\nclient = pedido.Client("%s")\n%s        if event.position == events.head: break\n' % (PORT, follow)
        said = run(code, engine).splitlines()
        with engine.client() as raw:
            head = raw.hello()["head"]
        same("the follower's lines", [int(line.split()[0]) for line in said], list(range(1, head + 1)))
        check("with typed events", "OrderCompleted(order=1" in "".join(said), said)
        of_the_front_page(engine)


def of_the_front_page(engine):
    with engine.client() as client:
        client.do("PutCustomer", {"customer": "ana", "name": "Ana"})
        shop.put_plan(client, "licencia-oficina", "Licencia", "office", "none")
        code = blocks(page("README.md"), "python")[1]
        run(code + "        if event.type == 'OrderConfirmed': break\n", engine)
        same("the one on the front page", shop.status(client, 2)["state"], "new")


main()
