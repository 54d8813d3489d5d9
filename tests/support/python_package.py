"""python_package - the Python client, as it stands in the repository, for tests."""

import os
import sys

import daemon
import reached

PLACE = os.path.join(daemon.ROOT, "clients", "python")
sys.path.insert(0, PLACE)
import pedido
import pedido.aio  # noqa: F401


def refused(call):
    """The refusal that a call is answered with; None: it was accepted."""
    try:
        call()
    except pedido.Refused as error:
        reached.note(error.code)
        return error
    return None
