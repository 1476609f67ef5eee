"""Who the people are."""

from dataclasses import dataclass

from bytesocket_app import AuthError
from tests.apps.document.events import Credentials

SECRETS = {"Ann": "a", "Bob": "b", "Eve": "e"}


@dataclass(frozen=True)
class Person:
    """Somebody whose secret was right: `socket.user` in every handler."""

    name: str


async def log_in(credentials: Credentials) -> Person:
    """Let somebody in."""
    if SECRETS.get(credentials.name) != credentials.secret:
        raise AuthError("Unknown name, or a wrong secret.")
    return Person(credentials.name)
