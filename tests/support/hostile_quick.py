"""Applications for attacks whose deadlines are short, so that a test can wait for them."""

from bytesocket_app import ByteSocket, ClientEvent, Limits, Settings, Socket, Timeouts
from tests.support.hostile_app import make


class Leave(ClientEvent, name="leave"):
    """Ask to be closed."""


def kicking(app: ByteSocket) -> ByteSocket:
    """Have the application close whoever asks for it."""

    @app.on(Leave)
    async def leave(socket: Socket) -> None:
        await socket.close(4000, "as you wish")

    return app


impatient = make(Settings(timeouts=Timeouts(handshake=1, close=1)))
"""A request has a second."""

narrow = kicking(
    make(Settings(timeouts=Timeouts(close=1, stalled=1), limits=Limits(outbox_bytes=64 * 1024)))
)
"""A slow reader is closed at once, and a second later it is gone."""

lonely = make(Settings(timeouts=Timeouts(idle=1, close=1)))
"""Whoever says nothing for a second is closed."""

patient = make(Settings(timeouts=Timeouts(close=300, stalled=300, handshake=300)))
"""Nothing but the end of the grace ends a connection that never reads."""
