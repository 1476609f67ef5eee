"""Interface between sockets and delivery."""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket.removal import Removal
from bytesocket_app.types import CodecName, Outcome
from bytesocket_app.wire.frame import Frame

S_contra = TypeVar("S_contra", contravariant=True)
"""Type of the sockets that the backend is asked about."""


class SocketBackend(Protocol[S_contra]):
    """Interface of delivery and memberships for sockets."""

    def encode(self, event: ServerEvent | ServerPayload[Any], codec: CodecName, /) -> Frame:
        """Encode one event; raises UndeclaredEvent."""
        ...

    def publish(
        self,
        rooms: Iterable[str],
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: str | None = None,
        codec: CodecName | None = None,
        bulk: bool = False,
    ) -> Outcome:
        """Emit to the members of rooms; `exclude` is the id of a socket to leave out."""
        ...

    def broadcast(
        self,
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: str | None = None,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to every authenticated socket."""
        ...

    def publish_raw(
        self, room: str, payload: str | bytes, *, exclude: str | None = None
    ) -> Outcome:
        """Send an encoded message to the members of a room."""
        ...

    async def join(self, socket: S_contra, room: str, /) -> None:
        """Put a socket into a room and run the room's hooks."""
        ...

    async def leave(self, socket: S_contra, room: str, removal: Removal, /) -> None:
        """Take a socket out of a room, tell its client, and run the room's hooks."""
        ...

    def rooms_of(self, socket: S_contra, /, *, include_broadcast: bool = False) -> list[str]:
        """Return the rooms of a socket, the broadcast room only if it is asked for."""
        ...
