"""Names of the channels that a cluster's messages are on.

They hold only ASCII letters, digits, `-`, `_`, `~`, `%` and the dots between their parts, so that
no broker takes a part of them for a wildcard.
"""

from typing import Final
from urllib.parse import quote

from bytesocket_app.types import UserKey

EVERYBODY: Final = "a"
"""Channel for all authenticated sockets."""

NODES: Final = "n"
"""Channel for all nodes."""


RETURNED: Final = "p."
"""Beginning of the channels on which a node takes its own messages too, in the order of all."""


def room_channel(room: str) -> str:
    """Return the channel of a room's members."""
    return f"r.{_escaped(room)}"


def presence_channel(room: str) -> str:
    """Return the channel of a room's presence; what a node publishes there it gets back too."""
    return f"{RETURNED}{_escaped(room)}"


def user_channel(key: UserKey) -> str:
    """Return the channel of a user's sockets; the keys `7` and `"7"` are two."""
    kind = "i" if isinstance(key, int) else "s"
    return f"u.{kind}.{_escaped(str(key))}"


def node_channel(node: bytes) -> str:
    """Return the channel of one node."""
    return f"{NODES}.{node.hex()}"


def prefix(namespace: str) -> str:
    """Return what all channels of an application begin with."""
    return f"bs.{_escaped(namespace)}."


def _escaped(text: str) -> str:
    # `quote` leaves the dot as it is, which is what divides a channel.
    return quote(text, safe="", errors="surrogatepass").replace(".", "%2E")
