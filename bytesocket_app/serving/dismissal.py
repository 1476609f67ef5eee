"""Dismissals: refusals of handshakes that are told over the connection, which then closes.

Browsers hide the HTTP status of a failed handshake from the page, and some servers cannot send one.
A client without a reason would reconnect for ever. After a type 6 no client reconnects, neither a
generated one nor the origin's.
"""

from dataclasses import dataclass
from typing import Final

from bytesocket_app.dispatch.answers import turn_away
from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.socket import SendingSide
from bytesocket_app.transports.http_errors import http_error
from bytesocket_app.wire.close import CloseCode

_FIRST: Final = 400
_LAST: Final = 428
"""HTTP statuses that judge the client. From 429 on, which is "too many requests", they say to come
back later, or that the server failed (RFC 9110 section 15, RFC 6585)."""


@dataclass(frozen=True, slots=True)
class Dismissal:
    """Acceptance of a handshake only to tell the client why it is refused.

    Attributes:
        phase: The phase of the refusal, for the client.
        refusal: Its code, text and data, which are written for the client's codec.
        code: The close code.
        reason: The close reason.
    """

    phase: Phase
    refusal: Refusal
    code: CloseCode = CloseCode.AUTH_FAILED
    reason: str = "auth"

    def tell(self, sending: SendingSide) -> None:
        """Send the refusal over the connection, and close that."""
        turn_away(sending, self.phase, self.refusal, self.code, self.reason)


def judges(error: BaseException) -> bool:
    """Return True for a refusal of the client: not a failure, and not to come back later."""
    answer = None if isinstance(error, Refusal) else http_error(error)
    return isinstance(error, Refusal) or (answer is not None and _FIRST <= answer.status <= _LAST)
