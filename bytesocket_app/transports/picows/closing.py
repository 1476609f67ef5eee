"""Payloads of close frames, read and written (RFC 6455 sections 5.5.1 and 7.4)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from typing_extensions import override

from bytesocket_app.wire.close import CloseCode, checked_code


class ProtocolViolation(Exception):
    """Breach of the protocol by the peer; the connection is closed with this code and reason.

    Attributes:
        code: The close code, such as 1002, 1007 or 1009.
        reason: The close reason, for the peer's developer.
    """

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def read_close(payload: bytes) -> tuple[int, str]:
    """Read a close frame's payload: the code, 1005 without one, and the reason.

    Raises:
        ProtocolViolation: An incomplete code, a code that must not be sent, or a reason that is not
            UTF-8.
    """
    if not payload:
        return CloseCode.NO_STATUS, ""
    if len(payload) == 1:
        raise ProtocolViolation(CloseCode.PROTOCOL, "half a close code")
    code = int.from_bytes(payload[:2])
    try:
        checked_code(code)
    except ValueError:
        raise ProtocolViolation(CloseCode.PROTOCOL, "invalid close code") from None
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise ProtocolViolation(CloseCode.INVALID_TEXT, "the close reason is not UTF-8") from None


def close_payload(code: int, reason: str) -> bytes:
    """Write a close frame's payload; it is empty for 1005.

    Args:
        code: The close code; 1005 stands for none.
        reason: The close reason, at most 123 bytes.
    """
    return b"" if code == CloseCode.NO_STATUS else code.to_bytes(2) + reason.encode()


def hang_up(real: asyncio.Transport, lose: Callable[[], None]) -> None:
    """Say that nothing more will be sent, and read what still comes only to throw it away.

    A connection that is closed with bytes unread is reset, and the peer may never see what it was
    sent last.

    Args:
        real: The connection.
        lose: Called when it is closed.
    """
    real.set_protocol(DrainProtocol(lose))
    if real.is_closing():
        return
    real.resume_reading()
    if real.can_write_eof():
        with suppress(OSError):  # the peer has reset the connection, which is told later
            real.write_eof()


class DrainProtocol(asyncio.BufferedProtocol):
    """Protocol that discards the bytes that a peer still sends.

    Args:
        lose: Called when the connection is closed.
    """

    _scratch: Final = bytearray(64 * 1024)

    def __init__(self, lose: Callable[[], None]) -> None:
        self._lose = lose

    @override
    def get_buffer(self, sizehint: int) -> bytearray:
        """Return a buffer that all connections share, as its bytes are never read."""
        return self._scratch

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end of the connection."""
        self._lose()
