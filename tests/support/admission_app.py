"""Applications with limits on who is taken, to be attacked; see `hostile_app`."""

import threading
from typing import Any

from bytesocket_app import AuthError, ByteSocket, Limits, Policies, Settings, Socket, Timeouts
from tests.support.hostile_app import make

PER_ADDRESS = 50
UNAUTHENTICATED = 20
PER_USER = 2


def limited(policies: Policies | None = None, **limits: int) -> ByteSocket:
    """Make the application with limits, and questions about them."""
    app = make(Settings(limits=Limits(**limits), policies=policies or Policies()))

    @app.on("where")
    async def where(socket: Socket) -> list[Any]:
        return list(socket.client or ())

    @app.on("places")
    async def places(app: ByteSocket) -> list[Any]:
        counts = app.endpoint.admission
        return [counts.connections, counts.unauthenticated, counts.addresses]

    return app


def with_login(app: ByteSocket) -> ByteSocket:
    """Add authentication by message; the token is the user's key, "wrong" is refused."""

    @app.auth(key=str)
    async def login(_: Socket, credentials: str) -> str:
        if credentials == "wrong":
            raise AuthError("Wrong token.")
        return credentials

    return app


def with_header(app: ByteSocket) -> ByteSocket:
    """Add authentication by handshake; the header is the user's key."""

    @app.auth(key=str)
    async def login(socket: Socket) -> str:
        return socket.authorization

    return app


def with_sleepers() -> ByteSocket:
    """Make an application with plain functions, of which one sleeps until somebody wakes it."""
    app = make(Settings(limits=Limits(threads=40), timeouts=Timeouts(handler=0)))
    asleep, woken = list[object](), threading.Event()

    @app.on("sleep", concurrent=True)
    def sleep() -> None:
        asleep.append(None)
        woken.wait(60)

    @app.on("asleep")
    async def how_many() -> int:
        return len(asleep)

    @app.on("wake")
    async def wake() -> None:
        woken.set()

    @app.on("shout")
    def shout() -> str:
        return "HERE"

    return app


per_address = limited(connections_per_address=PER_ADDRESS)
in_all = limited(connections=PER_ADDRESS)
unauthenticated = with_login(limited(unauthenticated=UNAUTHENTICATED))
handshakes = limited(handshakes_per_second=1)
refusing = with_login(limited(connections_per_user=PER_USER))
refusing_handshakes = with_header(limited(connections_per_user=PER_USER))
replacing = with_login(
    limited(Policies(connections_per_user="close_oldest"), connections_per_user=PER_USER)
)
replacing_handshakes = with_header(
    limited(Policies(connections_per_user="close_oldest"), connections_per_user=PER_USER)
)
behind_proxies = limited(
    Policies(trusted_proxies=("127.0.0.2", "127.0.0.3")), connections_per_address=PER_ADDRESS
)
sleepers = with_sleepers()
