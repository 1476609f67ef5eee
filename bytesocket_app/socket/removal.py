"""Removal of a socket from a room by server code, as its client is told of it (type 38)."""

from typing import Final, NamedTuple

from bytesocket_app.errors import ErrorCode, removal_code

_TEXT: Final = "The server took you out of this room."


class Removal(NamedTuple):
    """Word for the program of a client, and sentence for its user."""

    code: str
    message: str


PLAIN: Final = Removal(ErrorCode.REMOVED.value, _TEXT)
"""The removal of which server code says nothing."""


def removal(code: str | None, message: str) -> Removal:
    """Return a removal; None and "" stand for what `PLAIN` says.

    Raises:
        ConfigurationError: The code is no word, or one of the framework's that only it answers.
    """
    return Removal(PLAIN.code if code is None else removal_code(code), message or PLAIN.message)
