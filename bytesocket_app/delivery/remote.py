"""Sockets by their ids, in whichever process they are: `app.socket(id)`."""

from typing import Any

from typing_extensions import override

from bytesocket_app.delivery.commands import Close, Command, CommandTarget
from bytesocket_app.delivery.hub import Hub
from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket import removal
from bytesocket_app.types import CodecName, Outcome
from bytesocket_app.wire.close import close_of


class RemoteSocket:
    """Socket in any process: `app.socket(id)`.

    Nothing is asked about it: if no process has it, calls do nothing, and that is no error. Calls
    return "sent" if it is in this process, or the word is on its way to the others; "queued" if
    that waits for the broker, "dropped" if it does not.

    Attributes:
        id: The UUID of the socket: `Socket.id`.
    """

    __slots__ = ("_hub", "id")

    def __init__(self, socket_id: str, hub: Hub) -> None:
        self.id = socket_id
        self._hub = hub

    async def emit(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> Outcome:
        """Emit an event without a room to the client, if it is authenticated; never waits.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        return self._hub.emit_to_sockets((self.id,), event, codec=codec)

    async def close(
        self, code: int | None = None, reason: str | None = None, *, final: bool = False
    ) -> Outcome:
        """Close the connection; never waits.

        Args:
            code: As of `Socket.close`.
            reason: For people; cut to 123 bytes. "normal" by default.
            final: True if the client is not to come back.

        Raises:
            ValueError: The code must not be sent, or is not final although `final` is set.
        """
        action = Close(*close_of(code, reason, final=final))
        return await self._hub.command(Command(CommandTarget.SOCKET, self.id, action))

    async def join(self, room: str) -> Outcome:
        """Put the socket into a room, as server code does: no guard runs, no client is told.

        Waits for the room's join hooks if the socket is in this process; in another they run when
        the word is there.

        Raises:
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        return await self._hub.put_in(CommandTarget.SOCKET, self.id, room)

    async def leave(self, room: str, *, code: str | None = None, message: str = "") -> Outcome:
        """Take the socket out of a room; waits for the room's leave hooks as `join` does.

        Args:
            room: The name of the room.
            code: A word for the client's program, as of a refusal; "removed" by default.
            message: A sentence for the user of the client.

        Raises:
            ConfigurationError: The code is no word, or one of the framework's own.
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        told = removal(code, message)
        return await self._hub.take_out(CommandTarget.SOCKET, self.id, room, told)

    @override
    def __repr__(self) -> str:
        return f"<socket {self.id} in any process>"
