"""Close codes: the numbers both sides know (protocol.md section 12)."""

from enum import IntEnum
from typing import Final

MAX_REASON_BYTES: Final = 123
"""RFC 6455 section 5.5: a control frame holds 125 bytes, two of them the code."""

_REGISTERED: Final = {*range(1000, 1015)} - {1004, 1005, 1006}
_PRIVATE: Final = range(3000, 5000)


class CloseCode(IntEnum):
    """Who closes with which number, and whether a client comes back by itself."""

    NORMAL = 1000
    """Either side is done."""
    GOING_AWAY = 1001
    """Idle timeout, or the server was destroyed; clients reconnect."""
    PROTOCOL = 1002
    """The peer broke RFC 6455."""
    NO_STATUS = 1005
    """Never sent: the peer closed without a code."""
    ABNORMAL = 1006
    """Never sent: the connection was lost."""
    INVALID_TEXT = 1007
    """A text frame that is not UTF-8."""
    POLICY = 1008
    """A message that cannot be read or is not allowed: `decode error`, `bad format`."""
    TOO_BIG = 1009
    """A message above the size limit."""
    INTERNAL = 1011
    """A middleware failed and the application asked to close."""
    RESTART = 1012
    """The server is shutting down; clients reconnect."""
    TRY_LATER = 1013
    """Our own overload: a slow reader, a late authentication; clients reconnect."""
    CLIENT_AUTH_FAILED = 4001
    """The client was told its credentials are not good, or could not make any."""
    CLIENT_AUTH_TIMEOUT = 4002
    """The client got no answer to its credentials."""
    AUTH_FAILED = 4003
    """The server refused the credentials. Sent by a client: no pong in time."""
    PONG_TIMEOUT = 4003
    """The client's name for 4003: its heartbeat was not answered."""
    AUTH_TIMEOUT = 4008
    """The origin's server: authentication took too long."""
    UNKNOWN_CONTRACT = 4010
    """Ours: the client was generated from a contract that the server does not take."""
    CLIENT_RECONNECT = 4100
    """The client reconnects on purpose."""


def checked_code(code: int) -> int:
    """Return a code that may be sent in a close frame.

    Source: RFC 6455 section 7.4; 1004 is reserved, 1005, 1006 and 1015 only stand for what came.

    Raises:
        ValueError: It may not.
    """
    if code in _REGISTERED or code in _PRIVATE:
        return code
    raise ValueError(f"{code} cannot be sent as a close code: use 1000, or your own from 4000 on.")


def close_reason(text: str) -> str:
    """Cut a close reason to the 123 bytes a close frame can hold, at a character.

    Source: RFC 6455 section 5.5; protocol.md Q22.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) <= MAX_REASON_BYTES:
        return raw.decode("utf-8")
    return raw[:MAX_REASON_BYTES].decode("utf-8", "ignore")
