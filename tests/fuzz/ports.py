#!/usr/bin/python3
"""ports - one engine, built with clang's sanitizers, and anything at all on its four ports: messages that were good, envelopes that
are none, handshakes with rubbish behind them, noise. A number is a batch of 50 of them, the same at each run.

After each batch the engine must live and answer Hello, and all that it has answered must be MessagePack with texts in UTF-8. At the
end it must stop with 0, have said nothing of a sanitizer, and leave a log that `pedidod verify` finds whole. The last line is
`ports: N done, V violations`, N being messages.
"""

import os
import random
import re
import socket
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import campaign
import fuzz

BATCH = 50
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
WRONG = re.compile(r".*(?:AddressSanitizer|runtime error|check failed|LeakSanitizer).*")


def mutate(dice, seeds):
    """A good frame, or parts of two, with a little wrong in it."""
    frame = bytearray(dice.choice(seeds))
    for _ in range(dice.randrange(4)):
        at = dice.randrange(len(frame) + 1)
        kind = dice.randrange(5)
        if kind == 0 and at < len(frame):
            frame[at] = dice.randrange(256)
        elif kind == 1 and at < len(frame):
            frame[at] ^= 1 << dice.randrange(8)
        elif kind == 2:
            del frame[at:at + 1 + dice.randrange(8)]
        elif kind == 3:
            frame[at:at] = dice.randbytes(1 + dice.randrange(8))
        else:
            other = dice.choice(seeds)
            frame[at:] = other[dice.randrange(len(other) + 1):]
    return bytes(frame)


def envelope(dice, body):
    """Mostly one that the protocol knows."""
    kind = dice.randrange(10)
    if kind < 6:
        return [body]
    if kind < 8:
        return [b"", body]
    return [dice.randbytes(dice.choice((0, 1, 5, 255, 256))) for _ in range(dice.randrange(7))] + [body]


def zmtp_frame(dice, body):
    """A frame as ZMTP 3 has it, now and then with flags or a length that lie."""
    flags = dice.choice((0, 0, 0, 1, 2, 3, 4, 5, 6, 7, dice.randrange(256)))
    if flags & 2:
        size = dice.choice((len(body), len(body), 2**20 + 1, 2**63, 2**64 - 1, dice.randrange(2**32)))
        return bytes([flags]) + struct.pack(">Q", size) + body
    return bytes([flags, dice.choice((len(body) & 255, dice.randrange(256)))]) + body


def raw(dice, seeds):
    """What a peer of another make, or another world, sends."""
    if dice.randrange(4) == 0:
        return dice.randbytes(dice.randrange(300))
    identity = dice.randbytes(dice.choice((0, 0, 5, 255)))
    properties = b"\x0bSocket-Type" + struct.pack(">I", 6) + dice.choice((b"DEALER", b"ROUTER", b"XXXXXX"))
    properties += b"\x08Identity" + struct.pack(">I", len(identity)) + identity
    ready = b"\x05READY" + properties
    ready = b"\x04" + bytes([len(ready)]) + ready if len(ready) < 256 else b"\x06" + struct.pack(">Q", len(ready)) + ready
    sent = bytearray(GREETING + ready + b"".join(zmtp_frame(dice, mutate(dice, seeds)) for _ in range(dice.randrange(4))))
    for _ in range(dice.randrange(3)):
        sent[dice.randrange(len(sent))] = dice.randrange(256)
    return bytes(sent)


def send_raw(engine, port, content):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(5)
    try:
        peer.connect(engine.endpoints[port][len("ipc://"):])
        peer.sendall(content)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the engine has ended what is no ZMTP
    peer.close()


def batch(dice, engine, seeds, zmq, context, unpack):
    """Sends one batch; how many answers were no messages."""
    wrong, sockets = 0, {}
    for port in ("commands", "queries", "workers"):
        sockets[port] = context.socket(zmq.DEALER)
        sockets[port].connect(engine.endpoints[port])
    sockets["events"] = context.socket(zmq.XSUB)
    sockets["events"].connect(engine.endpoints["events"])
    for _ in range(BATCH):
        port = dice.choice(("commands", "commands", "queries", "workers", "events"))
        if dice.randrange(8) == 0:
            send_raw(engine, port, raw(dice, seeds[port]))
        elif port == "events":
            topic = dice.choice((b"default/", b"~all/", b"default/~head", dice.randbytes(dice.randrange(300))))
            sockets[port].send(dice.choice((b"\x01", b"\x01", b"\x00", b"", b"\x02")) + topic)
        else:
            sockets[port].send_multipart(envelope(dice, mutate(dice, seeds[port])))
    for port in ("commands", "queries", "workers"):
        sockets[port].send_multipart([b"", b"\x82\xa4type\xa5Hello\xa2id\xa4last"])
        while sockets[port].poll(2000 if port == "commands" else 20):
            frames = sockets[port].recv_multipart()
            try:
                answer = unpack(frames[-1])
            except ValueError:
                wrong += 1
                continue
            if port == "commands" and isinstance(answer, dict) and answer.get("id") == "last":
                break
    for one in sockets.values():
        one.close(0)
    return wrong


def main():
    options = fuzz.parser(__doc__).parse_args()
    fuzz.build(options.build)
    os.environ["PEDIDO_BIN"] = os.path.join(options.build, "bin")
    import corpus
    import daemon
    import shop
    from pedido_raw import CONTEXT, NoAnswer, unpack, zmq

    figures = campaign.Figures(options, "ports")
    seeds = {name: [frame for port, frame in corpus.frames() if port == number] for name, number in corpus.PORTS.items()}
    seeds["events"] = [b"\x01default/", b"\x01~all/", b"\x00default/"]
    again = "tests/fuzz/ports.py --from %d --count %d"
    engine = daemon.Engine().start()
    shop.furnish(engine.client())
    for number in figures.numbers():
        wrong = batch(random.Random(number), engine, seeds, zmq, CONTEXT, unpack)
        figures.done += BATCH
        if wrong:
            figures.violation("%d answers of batch %d are no messages" % (wrong, number), again % (number, 1))
        try:
            engine.wait(10)
        except RuntimeError as error:
            figures.violation("batch %d: %s" % (number, error), again % (options.first, number + 1 - options.first))
            break
    stopped = engine.stop() if engine.process.poll() is None else engine.process.returncode
    said = WRONG.findall(engine.log())
    code, verdict = engine.offline("verify")
    if stopped != 0 or said or code != 0:
        figures.violation("stopped with %s, verify with %s\n%s\n%s" % (stopped, code, "\n".join(said), verdict[-2000:]),
                          again % (options.first, figures.last - options.first))
    figures.end_numbers()


if __name__ == "__main__":
    main()
