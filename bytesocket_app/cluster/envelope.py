"""Envelopes: what nodes write around a message, and read before they trust it.

::

    version 1 | flags 1 | node 8 | count 8 | nth 4 | HMAC 16, if a key is set | MessagePack

The numbers are lengths in bytes. `count` numbers all messages of a node, `nth` those on its channel
(modulo 2**32; 0 if it is not counted). The MessagePack is `[trace, message]`: `trace` is reserved
for the context of a trace, null or a map of texts by their names, as W3C Trace Context has
(`traceparent`); the message is an array of plain data, whose first member is its kind.
"""

import hmac
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final, cast

import msgpack

VERSION: Final = 1

AGAIN: Final = 2
"""Flag of a message that is sent again, as it may have been lost."""

PUBLISHER: Final = 8
"""Flag of a node that publishes, and has no sockets."""

_SIGNED: Final = 1
_HEAD: Final = Struct(">BB8sQI")
_DIGEST: Final = 16
_COUNTER: Final = 2**32


@dataclass(slots=True)
class Envelope:
    """A message, and whose it is.

    Attributes:
        node: The node that sent it.
        count: Its number among all messages of that node; 0 between nodes.
        nth: Its number among those on its channel; 0 if it is not counted.
        trace: The context of a trace; None for none.
        body: The message: its kind, and what that kind has.
        is_publishers: True if that node only publishes.
    """

    node: bytes
    count: int
    nth: int
    trace: dict[str, str] | None
    body: list[Any]
    is_publishers: bool = False


class EnvelopeCodec:
    """Writer and reader of envelopes.

    Args:
        node: The node that writes.
        secret: Key of the HMAC (RFC 2104, SHA-256, cut to 16 bytes); None for none.
        is_publishers: True for a node that only publishes.
    """

    def __init__(self, node: bytes, secret: bytes | None, *, is_publishers: bool = False) -> None:
        self._node = node
        self._secret = secret
        self._signed = 0 if secret is None else _SIGNED
        self._flags = self._signed | (PUBLISHER if is_publishers else 0)

    def write(self, body: list[Any], count: int = 0, nth: int = 0) -> bytes:
        """Return an envelope with a message."""
        head = _HEAD.pack(VERSION, self._flags, self._node, count, nth % _COUNTER)
        packed: bytes = msgpack.packb([None, body], unicode_errors="surrogatepass")
        if self._secret is None:
            return head + packed
        return head + _digest(self._secret, head + packed) + packed

    def is_own(self, data: bytes) -> bool:
        """Return True for an envelope of this node."""
        return data[2:10] == self._node

    def read(self, data: bytes) -> Envelope | None:
        """Return what an envelope holds; None if it is none that this node takes."""
        try:
            version, flags, node, count, nth = _HEAD.unpack_from(data)
            packed = data[_HEAD.size :]
            if version != VERSION or flags & _SIGNED != self._signed:
                return None
            if self._secret is not None:
                given, packed = packed[:_DIGEST], packed[_DIGEST:]
                unsigned = bytes((version, flags & ~AGAIN)) + data[2 : _HEAD.size]
                if not hmac.compare_digest(given, _digest(self._secret, unsigned + packed)):
                    return None
            message: list[Any] = msgpack.unpackb(
                packed, ext_hook=_no_extension, unicode_errors="surrogatepass"
            )
            trace, body = message
            is_ours = _is_trace(trace) and _is_message(body)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not ours
            return None
        if not is_ours:
            return None
        return Envelope(node, count, nth, trace, body, bool(flags & PUBLISHER))


def again(data: bytes) -> bytes:
    """Return an envelope with the mark of one that is sent again."""
    return data[:1] + bytes((data[1] | AGAIN,)) + data[2:]


def _is_trace(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict):
        return False
    return all(isinstance(each, str) for each in cast("dict[object, object]", value).values())


def _is_message(value: Any) -> bool:
    return isinstance(value, list) and type(cast("list[object]", value)[0]) is int


def _digest(secret: bytes, data: bytes) -> bytes:
    return hmac.digest(secret, data, "sha256")[:_DIGEST]


def _no_extension(code: int, _data: bytes) -> Any:
    raise ValueError(code)
