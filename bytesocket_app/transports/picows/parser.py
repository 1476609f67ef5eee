"""picows' side of a connection: its parser, and the transport that it believes it has.

The public `ws_create_server` decides about an upgrade in a plain function, at once, and refuses
what Firefox sends (`Connection: keep-alive, Upgrade`). Here the upgrade is decided before picows
hears of the connection: its protocol object is then put into the place of the HTTP one and fed a
request made for it. picows keeps the object out of its documented API, hence `picows<3` in
pyproject.toml, and all that is known about it in this file.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, MutableMapping
from importlib import import_module
from typing import Any, Final, Protocol, cast

from picows import (
    WSListener,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from typing_extensions import override

_WS_PROTOCOL: Final[Any] = import_module("picows.picows").WSProtocol
"""By name: it is not in picows' stubs."""
_BUFFER: Final[Callable[[Any, int], memoryview]] = _WS_PROTOCOL.get_buffer

READ_BUFFER: Final = 4096
"""Bytes of a connection's read buffer at first; picows doubles it for messages that need more."""

READ: Final = 64 * 1024
"""Bytes read at a time. picows doubles a buffer that a read fills, whole frames in it or not."""

_CLOSE_FRAME: Final = 0x88


class FrameParser(Protocol):
    """The protocol object of picows, as far as it is used here."""

    def connection_made(self, transport: object, /) -> None:
        """Begin."""
        ...

    def get_buffer(self, size_hint: int, /) -> memoryview:
        """Where the next bytes go."""
        ...

    def buffer_updated(self, count: int, /) -> None:
        """Parse what was put into the buffer."""
        ...


class Reading(Protocol):
    """Who is told that picows refuses what the peer sent."""

    def fail(self, code: int, reason: str, /) -> None:
        """Close the connection for it."""
        ...


def _get_buffer(parser: Any, size_hint: int) -> memoryview:
    buffer = _BUFFER(parser, size_hint)
    return buffer if len(buffer) <= READ else buffer[:READ]


_PARSER: Final[Callable[..., "FrameParser"]] = type(
    "Parser", (_WS_PROTOCOL,), {"__slots__": (), "get_buffer": _get_buffer}
)


class _Log(logging.LoggerAdapter[logging.Logger]):
    """picows' log. What a peer did wrong is no error of ours; exceptions are."""

    @override
    def log(self, level: int, msg: object, *args: object, **more: Any) -> None:
        super().log(level if more.get("exc_info") else logging.DEBUG, msg, *args, **more)

    @override
    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[object, MutableMapping[str, Any]]:
        return msg, kwargs


_LOG: Final = _Log(logging.getLogger("bytesocket.picows"))
"""An adapter, because of a plain logger picows makes a child for each connection."""


class _Shim:
    """What picows takes for its transport. It writes its 101 through; closing is ours to do."""

    __slots__ = ("_link", "_real")

    def __init__(self, real: asyncio.Transport, link: Reading) -> None:
        self._real = real
        self._link = link

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Ask the transport."""
        return self._real.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Never nothing: with nothing buffered picows would write past the transport."""
        return 1

    def write(self, data: bytes | bytearray) -> None:
        """Write the answer to the upgrade, or learn from a close frame what picows refused."""
        if data[0] == _CLOSE_FRAME:
            self._link.fail(int.from_bytes(data[2:4]), data[4:].decode())
        else:
            self._real.write(bytes(data))

    def close(self) -> None:
        """Leave the closing to the link, which was told."""

    abort = close


def attach_parser(
    real: asyncio.Transport,
    listener: WSListener,
    link: Reading,
    *,
    key: str,
    subprotocol: str | None,
    message_bytes: int,
) -> FrameParser:
    """Answer an upgrade with 101, and have picows parse what comes from then on.

    Args:
        real: The connection; nobody reads from it while this runs.
        listener: Gets the frames.
        link: Told what picows itself refuses.
        key: The request's `Sec-WebSocket-Key`, checked.
        subprotocol: The answer's, if any.
        message_bytes: The longest frame; 0 for any.
    """
    chosen = {"Sec-WebSocket-Protocol": subprotocol} if subprotocol else None

    def accept(_: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        return WSUpgradeResponseWithListener(
            WSUpgradeResponse.create_101_response(chosen), listener
        )

    parser = _PARSER(
        host_port=None,
        ws_path=None,
        is_client_side=False,
        ws_listener_factory=accept,
        logger=_LOG,
        disconnect_on_exception=True,
        websocket_handshake_timeout=None,
        enable_auto_ping=False,
        auto_ping_idle_timeout=0,
        auto_ping_reply_timeout=0,
        auto_ping_strategy=1,
        enable_auto_pong=False,
        max_frame_size=message_bytes or sys.maxsize,
        extra_headers=None,
        read_buffer_init_size=READ_BUFFER,
    )
    parser.connection_made(_Shim(real, link))
    request = (
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    feed(parser, request.encode())
    real.set_protocol(cast("asyncio.BaseProtocol", parser))
    return parser


def feed(parser: FrameParser, data: bytes) -> None:
    """Have bytes parsed that were read by somebody else."""
    while data:
        buffer = parser.get_buffer(-1)
        part = data[: len(buffer)]
        buffer[: len(part)] = part
        parser.buffer_updated(len(part))
        data = data[len(part) :]
