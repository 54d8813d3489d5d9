#!/usr/bin/python3
"""The README's client in Node works as it stands there, with the packages that it names. Where they cannot be fetched it is not
run."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from readme_page import PORT, blocks, count, page, run_client
from story import check, same, skip

UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED", "ECONNRESET", "SOCKET_TIMEOUT", "CERT")


def install(place, packages):
    quiet = ("--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1", "--fetch-timeout=20000")
    try:
        done = subprocess.run(["npm", "install", "--prefix", place, *quiet, *packages], cwd=place, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=75)
    except subprocess.TimeoutExpired:
        skip("npm install did not end in time: is the registry reachable?")
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0 and re.search("|".join(UNREACHABLE), said):
        skip("the registry cannot be reached")
    check("npm install %s" % " ".join(packages), done.returncode == 0, said)


def main():
    text = page("README.md")
    code = blocks(text, "js")[0]
    with daemon.Engine() as engine:
        client = engine.client()
        shop.put_plan(client, "licencia-oficina", "Licencia", "licence", "none", provisioning="none")
        client.do("PutCustomer", {"customer": "ana", "name": "Ana"})
        place = os.path.join(engine.place, "node")
        os.mkdir(place)
        install(place, re.search(r"`npm install ([^`]+)`", text).group(1).split())
        with open(os.path.join(place, "client.mjs"), "w") as file:
            file.write(code.replace(PORT, engine.endpoint))
        out = run_client("Node", code, engine, "node", "client.mjs", cwd=place)
        check("the order is accepted", "ok: true" in out and "draft" in out, out)
        check("ten lines", count(code) <= 10, count(code))
        same("the order is there", [o["customer"] for o in client.rows("ListOrders", "orders")], ["ana"])


main()
