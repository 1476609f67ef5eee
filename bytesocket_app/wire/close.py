"""Close codes of the protocol (protocol.md section 12)."""

from enum import IntEnum
from typing import Final

MAX_REASON_BYTES: Final = 123
"""Largest close reason: a control frame holds 125 bytes, two of them the code (RFC 6455
section 5.5)."""

_REGISTERED: Final = {*range(1000, 1015)} - {1004, 1005, 1006}
_PRIVATE: Final = range(3000, 5000)


class CloseCode(IntEnum):
    """Close codes, with their senders and, where it matters, the client's reaction."""

    NORMAL = 1000
    """Normal end, by either side."""
    GOING_AWAY = 1001
    """Idle timeout, or one side is going away; clients reconnect."""
    PROTOCOL = 1002
    """The peer broke RFC 6455."""
    NO_STATUS = 1005
    """Never sent: the peer closed without a code."""
    ABNORMAL = 1006
    """Never sent: the connection was lost."""
    INVALID_TEXT = 1007
    """Text frame that is not UTF-8."""
    POLICY = 1008
    """Message that cannot be read or is not allowed: `decode error`, `bad format`."""
    TOO_BIG = 1009
    """Message above the size limit."""
    INTERNAL = 1011
    """Internal error of the server, or a failed middleware if the policy is to close."""
    RESTART = 1012
    """Shutdown of the server; clients reconnect."""
    TRY_LATER = 1013
    """Slow reader, or late authentication; clients reconnect."""
    CLIENT_AUTH_FAILED = 4001
    """Sent by clients: the credentials were refused, or could not be made."""
    CLIENT_AUTH_TIMEOUT = 4002
    """Sent by clients: no answer to the credentials in time."""
    AUTH_FAILED = 4003
    """Sent by servers: the credentials were refused. A client sends 4003 as PONG_TIMEOUT."""
    PONG_TIMEOUT = 4003
    """Sent by clients: no pong in time."""
    AUTH_TIMEOUT = 4008
    """Sent by the TypeScript origin's servers, and by ours with the policy `auth_timeout="refuse"`:
    authentication took too long."""
    UNKNOWN_CONTRACT = 4010
    """Sent by our servers: the server does not accept the client's contract."""
    CLIENT_RECONNECT = 4100
    """Sent by clients that reconnect on purpose."""
    FINAL = 4400
    """Sent by servers: closed for good. 4401 to 4499 are an application's own that say the same."""


def checked_code(code: int) -> int:
    """Return `code` if it may be sent in a close frame.

    Source: RFC 6455 section 7.4; 1004 is reserved; 1005, 1006 and 1015 are never sent.

    Raises:
        ValueError: The code must not be sent.
    """
    if code in _REGISTERED or code in _PRIVATE:
        return code
    raise ValueError(f"{code} cannot be sent as a close code: use 1000, or your own from 4000 on.")


def close_reason(text: str) -> str:
    """Cut a close reason to the bytes that a close frame can hold, between two characters.

    Source: RFC 6455 section 5.5; protocol.md Q22.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) <= MAX_REASON_BYTES:
        return raw.decode("utf-8")
    return raw[:MAX_REASON_BYTES].decode("utf-8", "ignore")


def close_of(code: int | None, reason: str | None, *, final: bool) -> tuple[int, str]:
    """Return the close code and reason to send for what server code asks for.

    Args:
        code: The code; None for 1000, or 4400 if the close is to be final.
        reason: For people; None for the code's own.
        final: True if clients are not to come back.

    Raises:
        ValueError: The code must not be sent, or is not final although `final` is set.
    """
    if code is None:
        code, text = (CloseCode.FINAL, "closed for good") if final else (CloseCode.NORMAL, "normal")
    else:
        code, text = checked_code(code), "closed for good" if final else "normal"
    if final and not is_final(code):
        raise ValueError(
            f"{code} is not final, clients come back after it: use "
            f"{CloseCode.AUTH_FAILED:d}, {CloseCode.UNKNOWN_CONTRACT:d}, or your own from "
            f"{CloseCode.FINAL:d} to 4499."
        )
    return code, close_reason(text if reason is None else reason)


FINAL_CODES: Final = frozenset(
    {CloseCode.AUTH_FAILED, CloseCode.UNKNOWN_CONTRACT, *range(4400, 4500)}
)
"""Close codes after which a client does not come back, if the server closed first."""


def is_final(code: int) -> bool:
    """Return True if a close by the server with this code tells clients not to come back."""
    return code in FINAL_CODES
