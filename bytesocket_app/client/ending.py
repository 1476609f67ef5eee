"""End of a connection, as close hooks are told of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EndOfConnection:
    """End of a connection that was made: `on_close` gets one for each.

    Attributes:
        code: Close code: the server's, else the client's, else 1006 for a connection that was lost.
        reason: Close reason; often empty.
        is_final: True if the client makes no other connection. `client.ready` then raises why.
    """

    code: int
    reason: str
    is_final: bool
