#!/usr/bin/python3
"""includes - dependencies point one way: which folder may include from which, and who may know a library."""

import os
import re

import lint

CONTRACT = ("pedido/", "proto/")

# From the most special to the most general; the first that fits decides. What a folder may include from the repository.
MAY = (
    ("include/", CONTRACT),
    ("proto/", CONTRACT),
    ("engine/domain/", CONTRACT + ("engine/domain/",)),
    ("engine/base/", CONTRACT + ("engine/base/",)),
    ("engine/index/", CONTRACT + ("engine/index/", "engine/base/")),
    # A row's key is the index's: both speak of where a row stands.
    ("engine/store/", CONTRACT + ("engine/store/", "engine/base/", "engine/index/index.h", "engine/index/shelf.h")),
    ("engine/views/", CONTRACT + ("engine/views/", "engine/base/", "engine/index/index.h",
                                re.compile(r"engine/store/(store|record|changes|books)\.h"))),
    # The ports hand requests to the turn, and ask it who may what; the turn knows no port.
    ("engine/bus/", CONTRACT + ("engine/bus/", "engine/base/", "engine/engine.h",
                              "engine/authorise.h", "engine/audit.h", "engine/keys.h")),
    (("engine/main.c", "engine/reading.c", "engine/daemon.h"), CONTRACT + ("engine/",)),
    # Queries know the turn; the turn knows no query.
    ("engine/queries/", CONTRACT + ("engine/queries/", "engine/domain/", "engine/store/", "engine/index/", "engine/views/",
                                    "engine/base/", re.compile(r"engine/[a-z_]+\.h"))),
    ("engine/", CONTRACT + ("engine/domain/", "engine/store/", "engine/index/", "engine/views/", "engine/base/",
                            re.compile(r"engine/[a-z_]+\.(h|def)"))),
    ("clients/lib/", CONTRACT + ("clients/lib/",)),
    ("clients/cli/", CONTRACT + ("clients/lib/", "clients/cli/")),
    ("clients/worker/", CONTRACT + ("clients/lib/", "clients/worker/")),
    # The simulation's judge knows the protocol, and nothing of what it judges.
    ("tests/sim/model", CONTRACT + ("tests/sim/model",)),
    ("tests/", CONTRACT + ("engine/", "clients/", "tests/")),
)

# Libraries that only some may know.
LIBRARIES = {
    "lmdb.h": ("engine/store/lmdb_store.h", "engine/store/fresh.c", "tests/"),
    "zmq.h": ("engine/bus/", "clients/lib/", "clients/worker/", "tests/"),
    "msgpack.h": ("proto/msgpack.h",),
    "glib.h": ("engine/base/", "tests/"),
    "idn2.h": ("engine/base/",),
    "libpsl.h": ("engine/base/",),
    "sodium.h": ("engine/store/", "engine/base/server_key.c", "tests/crash/", "tests/unit/record.c"),
    "nettle/sha2.h": ("engine/store/record.c",),
    "xxhash.h": ("engine/", "tests/crash/"),
    "ini.h": ("engine/options.c",),
    "sd-daemon.h": ("engine/notify.c",),
    "jansson.h": ("clients/", "tests/"),
    "cmocka.h": ("tests/support/check.h",),
}

# What the rules may take from the C library: types and memory. The rest is kept out by purity.
PLAIN = {"assert.h", "inttypes.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}


def fits(target, allowed):
    return any(target.startswith(a) if isinstance(a, str) else a.fullmatch(target) for a in allowed)


def complaints(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match is None:
            continue
        bracket, target = match.groups()
        place = "%s:%d" % (path, number)
        if bracket == '"' or target.startswith("pedido/"):
            if bracket == '"' and "/" not in target:
                yield "%s: \"%s\" is not a path from the top of the repository" % (place, target)
                continue
            allowed = next((may for folder, may in MAY if path.startswith(folder)), ())
            if not fits(target, allowed):
                yield "%s: may not include %s" % (place, target)
            continue
        who = LIBRARIES.get(os.path.basename(target))
        if who is not None and not path.startswith(who):
            yield "%s: may not know <%s>" % (place, target)
        if path.startswith("engine/domain/") and target not in PLAIN:
            yield "%s: a rule may not know <%s>" % (place, target)


def check():
    for path in lint.files(".c", ".h", ".def"):
        yield from complaints(path, lint.read(path))


def main():
    bad = {
        "a rule that knows the store": ("engine/domain/order.c", '#include "engine/store/store.h"'),
        "a rule that knows the clock": ("engine/domain/order.c", "#include <time.h>"),
        "a store that knows the rules": ("engine/store/store_lmdb.c", '#include "engine/domain/rules.h"'),
        "an index that knows the store": ("engine/index/index.c", '#include "engine/store/store.h"'),
        "a turn that knows a port": ("engine/engine.c", '#include "engine/bus/net.h"'),
        "a client that knows the engine": ("clients/cli/main.c", '#include "engine/engine.h"'),
        "a library that knows the command line": ("clients/lib/client.c", '#include "clients/cli/text.h"'),
        "a contract that knows the engine": ("proto/codec.c", '#include "engine/engine.h"'),
        "LMDB in the engine": ("engine/engine.c", "#include <lmdb.h>"),
        "LMDB in the other store": ("engine/store/store_memory.c", "#include <lmdb.h>"),
        "ZeroMQ in the engine": ("engine/main.c", "  #  include <zmq.h>"),
        "ZeroMQ in the command line": ("clients/cli/main.c", "#include <zmq.h>"),
        "MessagePack-C past its face": ("proto/codec.c", "#include <msgpack.h>"),
        "a judge who knows the engine": ("tests/sim/model.c", '#include "engine/store/record.h"'),
        "a path from here": ("engine/fold.c", '#include "fold.h"'),
        "a folder nobody knows": ("engine/replica/log.c", '#include "engine/bus/net.h"'),
    }
    lint.run(check, {name: complaints(*text) for name, text in bad.items()})


if __name__ == "__main__":
    main()
