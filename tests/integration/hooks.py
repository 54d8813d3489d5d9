#!/usr/bin/python3
"""A program for each event: run until it is done, in order, again after a crash, and nobody goes on past one that it cannot do;
the two hooks that come with it."""

import email
import hashlib
import hmac
import http.server
import json
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, eventually, same

HOOKS = os.path.join(daemon.ROOT, "clients", "cli", "examples", "hooks")
SECRET = b"s3cret"


def checkpoint_of(path):
    with open(path) as file:
        return int(file.read().split()[-1])


def program(engine, name, text):
    path = os.path.join(engine.place, name)
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def done(engine):
    """The positions that the hook has done."""
    try:
        with open(os.path.join(engine.place, "done")) as file:
            return [json.loads(line)["position"] for line in file]
    except FileNotFoundError:
        return []


def in_order_until_it_fails(engine, client):
    head = client.hello(fresh=True)["head"]
    bad = shop.add(client, reference="bad")["order"]
    shop.add(client, reference="good")
    hook = program(engine, "hook", '''cat >"$0.in"
grep -q '"reference":"bad"' "$0.in" && exit 3
cat "$0.in" >>"$(dirname "$0")/done"
''')
    kept = os.path.join(engine.place, "kept")
    line = ["events", "follow", "--exec", hook, "--checkpoint", kept, "--tries", "2", "--exit-at-end"]
    code, said, talk = engine.pedido(*line)
    same("it ends with 1", code, 1)
    tried = "position %d, OrderAdded: `%s` ended with 3, try 2 of 2" % (head + 1, hook)
    check("and says at which and how often", tried in talk, talk)
    check("and what to do", "--skip %d" % (head + 1) in talk, talk)
    same("everything before was done, in order", done(engine), list(range(1, head + 1)))
    same("and is all that is done", checkpoint_of(kept), head)
    code, said, talk = engine.pedido(*line)
    check("begun again it stops at the same", code == 1 and done(engine) == list(range(1, head + 1)), talk)
    code, said, talk = engine.pedido(*line, "--skip", str(head + 1))
    check("it can be passed over", code == 0, talk)
    check("and that is said", "position %d, OrderAdded: passed over" % (head + 1) in talk, talk)
    same("then the rest is done", done(engine), list(range(1, head + 1)) + [head + 2])
    same("to the end", checkpoint_of(kept), head + 2)
    with open(hook + ".in") as file:
        event = json.load(file)
    same("a hook is given the event as it is in the log", (event["type"], event["data"]["reference"], event["log"]),
         ("OrderAdded", "good", client.hello()["log"]))
    return bad


def again_after_a_crash(engine, client):
    os.unlink(os.path.join(engine.place, "done"))
    head = client.hello(fresh=True)["head"]
    hook = program(engine, "slow", 'cat >>"$(dirname "$0")/done"\ntest -e "$(dirname "$0")/fast" || sleep 30\n')
    kept = os.path.join(engine.place, "kept-slow")
    line = [daemon.program("pedido"), "events", "follow", "--exec", hook, "--checkpoint", kept, "--from", str(head)]
    first = daemon.spawn(line, env=engine.environment(), start_new_session=True)
    eventually("a hook is at work", lambda: done(engine) == [head])
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    check("an event that is being done is not done", not os.path.exists(kept) or checkpoint_of(kept) < head)
    open(os.path.join(engine.place, "fast"), "w").close()
    code, said, talk = engine.pedido(*line[1:], "--exit-at-end")
    same("it comes again", (code, done(engine), checkpoint_of(kept)), (0, [head, head], head))


class Receiver(http.server.BaseHTTPRequestHandler):
    got, fail = [], 1

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = dict(part.split("=", 1) for part in self.headers["Pedido-Signature"].split(","))
        right = hmac.new(SECRET, said["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        fresh = abs(time.time() - int(said["t"])) < 60
        bad = Receiver.fail > 0
        Receiver.fail -= 1
        if not bad:
            Receiver.got.append((hmac.compare_digest(right, said["v1"]) and fresh, json.loads(body)))
        self.send_response(500 if bad else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


def signed_webhook(engine, client):
    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    key = os.path.join(engine.place, "key")
    with open(key, "wb") as file:
        file.write(SECRET + b"\n")
    head = client.hello(fresh=True)["head"]
    code, said, talk = engine.pedido(
        "events", "follow", "--exec", os.path.join(HOOKS, "webhook"), "--from", str(head - 1), "--exit-at-end",
        PEDIDO_WEBHOOK_URL="http://127.0.0.1:%d/events" % server.server_port, PEDIDO_WEBHOOK_KEY_FILE=key)
    same("the webhook ends with 0", code, 0)
    check("an answer of 500 was tried again", "try 1 of 8" in talk, talk)
    same("each event came once, signed", [(ok, e["position"]) for ok, e in Receiver.got], [(True, head - 1), (True, head)])
    server.shutdown()


def mail(engine, client):
    head = client.hello(fresh=True)["head"]
    sender = program(engine, "sendmail", 'test "$*" = "-t -i" && cat >"$0.mail"\n')
    code, said, talk = engine.pedido(
        "events", "follow", "--exec", os.path.join(HOOKS, "email"), "--from", str(head), "--exit-at-end",
        PEDIDO_MAIL_TO="ops@example.org", PEDIDO_SENDMAIL=sender)
    check("the mail's hook ends with 0", code == 0, talk)
    with open(sender + ".mail", "rb") as file:
        letter = email.message_from_binary_file(file)
    check("and the mail says what happened", letter["Subject"].startswith("OrderAdded: order "), letter.as_string())
    check("and to whom, under an id of its own", letter["To"] == "ops@example.org" and ".%d@pedido" % head in letter["Message-ID"])
    code, said, talk = engine.pedido(
        "events", "follow", "--exec", os.path.join(HOOKS, "email"), "--from", str(head), "--exit-at-end", "--tries", "1",
        PEDIDO_MAIL_TO="ops@example.org", PEDIDO_SENDMAIL="/bin/false")
    same("one that cannot be sent is a failure", code, 1)


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        in_order_until_it_fails(engine, client)
        again_after_a_crash(engine, client)
        signed_webhook(engine, client)
        mail(engine, client)


main()
