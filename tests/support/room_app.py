"""An application with one room for each type of parameter; each says what it was taken for."""

from typing import Any

from bytesocket_app import ByteSocket, ClientEvent
from tests.support.room_types import KINDS


class Ask(ClientEvent, name="ask"):
    """Ask a room for its name and the value in it."""


app = ByteSocket(title="Rooms", events=[Ask])


def _declare(name: str, annotation: Any) -> None:
    async def answer(event: Ask, x: Any, room: str) -> list[str]:
        return [room, repr(x)]

    answer.__annotations__["x"] = annotation
    app.room(f"{name}:{{x}}").on(Ask)(answer)


for _name, _kind in KINDS.items():
    _declare(_name, _kind.annotation)
