"""Names of the channels that a cluster's messages are on.

They hold only ASCII letters, digits, `-`, `_`, `~`, `%` and the dots between their parts, so that
no broker takes a part of them for a wildcard. A long name is there as its digest, as brokers bound
what they take.
"""

import hashlib
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from bytesocket_app.types import UserKey

EVERYBODY: Final = "a"
"""Channel for all authenticated sockets."""

NODES: Final = "n"
"""Channel for all nodes."""

LONGEST: Final = 1024
"""Characters of a name in a channel; NATS takes 4096 for all of a command's line."""

RETURNED: Final = "p."
"""Beginning of the channels on which a node takes its own messages too, in the order of all."""

REMEMBERED: Final = 4096
"""Channels whose names are remembered."""


@lru_cache(REMEMBERED)
def room_channel(room: str) -> str:
    """Return the channel of a room's members."""
    return f"r.{_escaped(room)}"


@lru_cache(REMEMBERED)
def presence_channel(room: str) -> str:
    """Return the channel of a room's presence; what a node publishes there it gets back too."""
    return f"{RETURNED}{_escaped(room)}"


@lru_cache(REMEMBERED, typed=True)
def user_channel(key: UserKey) -> str:
    """Return the channel of a user's sockets; the keys `7` and `"7"` are two."""
    kind = "i" if isinstance(key, int) else "s"
    return f"u.{kind}.{_escaped(str(key))}"


def key_text(key: UserKey) -> str:
    """Return a user's key as a text: `i7` and `s7` for the keys `7` and `"7"`."""
    return f"i{key}" if isinstance(key, int) else f"s{key}"


def key_of_text(text: object) -> UserKey | None:
    """Return the key that `key_text` made a text of; None if it made none."""
    if not isinstance(text, str):
        return None
    if text.startswith("s"):
        return text[1:]
    try:
        return int(text[1:]) if text.startswith("i") else None
    except ValueError:
        return None


def node_channel(node: bytes) -> str:
    """Return the channel of one node."""
    return f"{NODES}.{node.hex()}"


def bucket_name(*parts: object) -> str:
    """Return the name of a bucket of a shared rate: a digest of what tells it from others."""
    # `ascii` is the same in all versions of Python, as `repr` is not.
    return f"b.{hashlib.sha256(ascii(parts).encode()).hexdigest()[:32]}"


def prefix(namespace: str) -> str:
    """Return what all channels of an application begin with."""
    return f"bs.{_escaped(namespace)}."


def _escaped(text: str) -> str:
    # `quote` leaves the dot as it is, which is what divides a channel.
    name = quote(text, safe="", errors="surrogatepass").replace(".", "%2E")
    if len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"%~{digest}"  # no escape is `%~`
