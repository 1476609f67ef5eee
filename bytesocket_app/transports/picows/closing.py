"""Close frames: what they may hold, and what is sent (RFC 6455 sections 5.5.1 and 7.4)."""

import asyncio
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from bytesocket_app.wire.close import CloseCode, checked_code


class ProtocolViolation(Exception):
    """The peer broke the protocol; the connection is closed with this code and reason.

    Attributes:
        code: 1002, 1007 or 1009.
        reason: For the peer's developer.
    """

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def read_close(payload: bytes) -> tuple[int, str]:
    """Read a close frame's payload: the code, 1005 without one, and the reason.

    Raises:
        ProtocolViolation: Half a code, a code that may not be sent, or a reason that is no UTF-8.
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
    """Write a close frame's payload; without a code, as the peer's, there is none.

    Args:
        code: What to send; 1005 stands for nothing.
        reason: Cut to 123 bytes already.
    """
    return b"" if code == CloseCode.NO_STATUS else code.to_bytes(2) + reason.encode()


class DrainProtocol(asyncio.BufferedProtocol):
    """Reads what a peer still sends, and throws it away.

    Args:
        lose: Called when the connection is closed.
    """

    _scratch: Final = bytearray(64 * 1024)

    def __init__(self, lose: Callable[[], None]) -> None:
        self._lose = lose

    @override
    def get_buffer(self, sizehint: int) -> bytearray:
        """The same bytes for everybody: nobody looks at them."""
        return self._scratch

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._lose()
