#!/usr/bin/python3
"""remote_engine - an engine for tests in other languages: told what to do by lines of JSON, each answered by one.

    {"do": "start"}                              {"ok": {"endpoint": ..., "place": ...}}   start, kill, stop, pid
    {"do": "pedido", "with": ["order", "list"]}  {"ok": [exit status, stdout, stderr]}
    {"do": "guard", "with": ["norte"]}           {"ok": {"endpoint": ..., "server": ..., "public": ..., "secret": ...}}
                                                 one that takes keys; and the key of a reseller
    {"do": "furnish"}                            {"ok": null}     plans and customers, see shop.py
    {"do": "write", "with": [100, "c"]}          {"ok": null}     so many customers, c0, c1, ...: each an event
    {"do": "restore", "with": ["backup"]}        {"ok": null}     a backup in its place, instead of the data, and started

When its standard input ends the engine is killed, and its place removed.
"""

import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import daemon
import guarded
import shop
from pedido_raw import request


class Remote:
    def __init__(self):
        self.engine = daemon.Engine()

    def start(self):
        self.engine.start()
        return {"endpoint": self.engine.endpoint, "place": self.engine.place}

    def guard(self, reseller):
        self.engine = guarded.Guarded().start()
        with self.engine.client() as admin:
            admin.do("PutReseller", {"reseller": reseller, "name": reseller})
        keys = self.engine.grant(reseller, "reseller", reseller=reseller)
        return {"endpoint": self.engine.tcp["commands"], "server": keys.server, "public": keys.public, "secret": keys.secret}

    def kill(self):
        self.engine.kill()

    def stop(self):
        self.engine.stop()

    def pid(self):
        return self.engine.process.pid

    def pedido(self, *arguments):
        return self.engine.pedido(*arguments)

    def furnish(self):
        with self.engine.client() as client:
            shop.furnish(client)

    def write(self, count, prefix):
        with self.engine.client() as client:
            for begin in range(0, count, 500):
                answers = client.array([request("PutCustomer", {"customer": "%s%d" % (prefix, n), "name": "Cliente %d" % n})
                                        for n in range(begin, min(begin + 500, count))])
                assert all(answer["ok"] for answer in answers), answers

    def restore(self, backup):
        self.engine.stop()
        shutil.rmtree(self.engine.data)
        subprocess.run([daemon.program("pedidod"), "restore", "--data", self.engine.data, os.path.join(self.engine.place, backup)],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        self.engine.start()


def main():
    remote = Remote()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"ok": getattr(remote, asked["do"])(*asked.get("with", []))}
        except Exception as error:  # whoever asked is to hear of it, whatever it is
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        print(json.dumps(answer), flush=True)


main()
