"""Pedido's client: commands, queries and events of an order engine, over ZeroMQ. README.md beside this package has the tour.

    Client       blocks, for one thread at a time
    aio.Client   the same under asyncio (`import pedido.aio`)
    messages     every command, query, event and answer"""

from . import messages
from .client import Client, Listener, Subscriber
from .core import DEFAULT_ENDPOINT, Answer, new_id
from .errors import BadAnswer, Invalid, NoAnswer, PedidoError, Refused, Reset
from .events import ALL, Event, Heartbeat, event_of
from .keys import Keys
from .positions import Bookmark, Checkpoint, PositionStore

__version__ = "0.1.0"

__all__ = ["ALL", "Answer", "BadAnswer", "Bookmark", "Checkpoint", "Client", "DEFAULT_ENDPOINT", "Event", "Heartbeat", "Invalid",
           "Keys", "Listener", "NoAnswer", "PedidoError", "PositionStore", "Refused", "Reset", "Subscriber", "event_of", "messages",
           "new_id"]
