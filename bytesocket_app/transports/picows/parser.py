"""Parser of picows, and the stand-in for the transport that it is given.

The public `ws_create_server` decides about an upgrade in a plain function, at once, and refuses
what Firefox sends (`Connection: keep-alive, Upgrade`). Here the upgrade is decided before picows
gets the connection: its protocol object then replaces the HTTP one and is fed a request made for
it. That object is not part of picows' documented API, hence `picows<3` in pyproject.toml. This
module has all code that depends on it.
"""

import asyncio
import logging
import socket
import sys
from base64 import b64encode
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
"""Class of the protocol object, which is missing in picows' stubs."""
_BUFFER: Final[Callable[[Any, int], memoryview]] = _WS_PROTOCOL.get_buffer

READ_BUFFER: Final = 4096
"""First size of a connection's read buffer; picows doubles it for longer messages."""

READ: Final = 16 * 1024
"""Bytes per read, because picows doubles a buffer that one read fills, even with whole frames."""

_ANY_KEY: Final = b64encode(bytes(16)).decode()

KEPT: Final = 64 * 1024
"""Length of a frame above which its parser is not kept; see `renew_parser`."""

_CLOSE_FRAME: Final = 0x88


class FrameParser(Protocol):
    """Protocol object of picows, with the methods that are used here."""

    def connection_made(self, transport: object, /) -> None:
        """Take the transport."""
        ...

    def get_buffer(self, size_hint: int, /) -> memoryview:
        """Return the buffer for the next bytes."""
        ...

    def buffer_updated(self, count: int, /) -> None:
        """Parse the bytes that were put into the buffer."""
        ...


class Reading(Protocol):
    """Owner of a connection, told when picows refuses the peer's frames."""

    def fail(self, code: int, reason: str, /) -> None:
        """Close the connection with this code and reason."""
        ...


def _get_buffer(parser: Any, size_hint: int) -> memoryview:
    buffer = _BUFFER(parser, size_hint)
    return buffer if len(buffer) <= READ else buffer[:READ]


def _eof_received(parser: Any) -> bool:
    parser.listener.end()
    return False  # the transport closes itself, once what was written has left


_PARSER: Final[Callable[..., "FrameParser"]] = type(
    "Parser",
    (_WS_PROTOCOL,),
    {"__slots__": (), "get_buffer": _get_buffer, "eof_received": _eof_received},
)


class _Log(logging.LoggerAdapter[logging.Logger]):
    """Logger for picows that logs exceptions as errors, and peers' mistakes at a lower level."""

    @override
    def log(self, level: int, msg: object, *args: object, **more: Any) -> None:
        super().log(level if more.get("exc_info") else logging.DEBUG, msg, *args, **more)

    @override
    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[object, MutableMapping[str, Any]]:
        return msg, kwargs


_LOG: Final = _Log(logging.getLogger("bytesocket.picows"))
"""Adapter, because picows makes a child of a plain logger for each connection."""


class _UnixSocket:
    """Stand-in for a Unix socket, of which picows would set TCP's options."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def setsockopt(self, *_: object) -> None:
        """Do nothing."""

    def getsockopt(self, *_: object) -> int:
        """Return that no option is set."""
        return 0


class _Shim:
    """Stand-in for the transport: it writes picows' 101, and leaves closing to the connection."""

    __slots__ = ("_is_answered", "_link", "_real")

    def __init__(self, real: asyncio.Transport, link: Reading, *, is_answered: bool) -> None:
        self._real = real
        self._link = link
        self._is_answered = is_answered

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the transport's information."""
        found = self._real.get_extra_info(name, default)
        if name == "socket" and found.family == getattr(socket, "AF_UNIX", None):
            return _UnixSocket(found.fileno())
        return found

    def get_write_buffer_size(self) -> int:
        """Return a size above 0, because at 0 picows would write past the transport."""
        return 1

    def write(self, data: bytes | bytearray) -> None:
        """Write the answer to the upgrade, or report a refusal, which picows writes as a close."""
        if data[0] == _CLOSE_FRAME:
            self._link.fail(int.from_bytes(data[2:4]), data[4:].decode())
        elif not self._is_answered:
            self._real.write(bytes(data))

    def close(self) -> None:
        """Do nothing: the connection was told, and closes itself."""

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
    """Answer an upgrade with 101, and let picows parse all later bytes.

    Args:
        real: The connection; its reading has to be paused.
        listener: Receives the frames.
        link: Told of frames that picows refuses.
        key: The request's `Sec-WebSocket-Key`, already checked.
        subprotocol: The subprotocol of the answer; None for none.
        message_bytes: Greatest length of a frame; 0 for no limit.
    """
    chosen = {"Sec-WebSocket-Protocol": subprotocol} if subprotocol else None
    parser = _parser(_Shim(real, link, is_answered=False), listener, key, chosen, message_bytes)
    real.set_protocol(cast("asyncio.BaseProtocol", parser))
    return parser


def renew_parser(
    real: asyncio.Transport, listener: WSListener, link: Reading, message_bytes: int
) -> None:
    """Put a new parser in the place of one that has parsed all that it was given.

    picows never shrinks a read buffer, which has twice the size of the longest message.

    Args:
        real: The connection.
        listener: Receives the frames.
        link: Told of frames that picows refuses.
        message_bytes: Greatest length of a frame; 0 for no limit.
    """
    shim = _Shim(real, link, is_answered=True)
    real.set_protocol(
        cast("asyncio.BaseProtocol", _parser(shim, listener, _ANY_KEY, None, message_bytes))
    )


def _parser(
    shim: _Shim,
    listener: WSListener,
    key: str,
    headers: dict[str, str] | None,
    message_bytes: int,
) -> FrameParser:
    """Return a parser that has answered the upgrade."""

    def accept(_: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        return WSUpgradeResponseWithListener(
            WSUpgradeResponse.create_101_response(headers), listener
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
    parser.connection_made(shim)
    request = (
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    feed(parser, request.encode())
    return parser


def feed(parser: FrameParser, data: bytes) -> None:
    """Parse bytes that were read outside picows."""
    while data:
        buffer = parser.get_buffer(-1)
        part = data[: len(buffer)]
        buffer[: len(part)] = part
        parser.buffer_updated(len(part))
        data = data[len(part) :]
