"""guarded - an engine that takes keys: encrypted on loopback, and open to the user that runs it on ipc; and keys for whoever is to
come to it."""

import socket

import zmq

import daemon
import pedido_raw


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Guarded(daemon.Engine):
    """`endpoint` and the other ipc endpoints are the admin's; `tcp` has those for keys."""

    def __init__(self, arguments=(), **more):
        super().__init__(arguments=arguments, **more)
        self.key_file = self.place + "/engine.key"
        code, out, err = self.pedido("key", "new", self.key_file, "--server")
        assert code == 0, err
        self.server_key = out.strip()
        self.tcp = {port: "tcp://127.0.0.1:%d" % free_port() for port in daemon.PORTS}
        self.arguments += ["--server-key", self.key_file]

    def command_line(self):
        own = self.endpoints
        self.endpoints = {port: own[port] + "," + self.tcp[port] for port in daemon.PORTS}
        try:
            return super().command_line()
        finally:
            self.endpoints = own

    def new_keys(self):
        public, secret = (key.decode() for key in zmq.curve_keypair())
        return pedido_raw.Keys(self.server_key, public, secret)

    def grant(self, name, role, reseller="default", **data):
        """A new key that was granted this; without a reseller of its own where `all` says so."""
        keys = self.new_keys()
        with self.client(reseller=reseller) as admin:
            admin.do("GrantKey", dict({"key": keys.public, "name": name, "role": role}, **data))
        return keys

    def revoke(self, keys):
        with self.client() as admin:
            return admin.do("RevokeKey", {"key": keys.public})

    def guest(self, keys, **options):
        """Whoever has these keys, or none."""
        return pedido_raw.Client(self.tcp["commands"], keys=keys, **options)

    def follower(self, keys, *prefixes):
        return pedido_raw.Subscriber(self.tcp["events"], *prefixes, keys=keys)
