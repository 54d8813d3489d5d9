"""Keys: an engine on an encrypted port takes whoever has one that was granted."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import zmq.auth

from .errors import Invalid

Z85 = set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#")


@dataclass(frozen=True)
class Keys:
    """The engine's public key, and a pair of one's own, each in the 40 characters of Z85.

        Client("tcp://orders.example:7411", keys=Keys.read("ana.key", SERVER_KEY))"""

    server: str
    public: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("server", "public", "secret"):
            key = getattr(self, name)
            if not isinstance(key, str) or len(key) != 40 or not set(key) <= Z85:
                raise Invalid("keys." + name, "40 characters of Z85")

    @classmethod
    def read(cls, identity: str | os.PathLike[str], server: str) -> Keys:
        """The pair in a file of `pedido key new`."""
        try:
            public, secret = zmq.auth.load_certificate(os.fspath(identity))
        except (OSError, ValueError) as error:
            raise Invalid("keys", "a file with a key pair: %s: %s" % (os.fspath(identity), error)) from None
        if secret is None:
            raise Invalid("keys", "a file with a secret key: %s has none" % os.fspath(identity))
        return cls(server, public.decode(), secret.decode())

    def put_on(self, socket: Any) -> None:
        socket.curve_serverkey, socket.curve_publickey = self.server.encode(), self.public.encode()
        socket.curve_secretkey = self.secret.encode()
