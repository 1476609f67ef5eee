"""An application that can be made large: `GROWTH='{"rooms": 1000}' bytesocket run growth_app.py`.

It declares so many `events` with a model and a handler each, so many `rooms` by name, and so many
`patterns` of rooms; whichever way a question comes, its asker gets the answer. With none of them
given there is one of each.
"""

import json
import os

from pydantic import BaseModel, create_model

from bytesocket_app import ByteSocket, ClientEvent, ServerEvent, Socket

SIZES: dict[str, int] = {
    "events": 1,
    "rooms": 1,
    "patterns": 1,
    **json.loads(os.environ.get("GROWTH", "{}")),
}


class Ask(ClientEvent, name="ask"):
    """A question in a room."""

    message: str


class Answer(ServerEvent, name="answer"):
    """What its asker hears."""

    message: str


app = ByteSocket(title="Growth", events=[Ask, Answer], serialization="json")


def declare_event(number: int) -> None:
    """Declare an event of its own payload, and handle it."""
    text = create_model(f"Text{number}", message=(str, ...))

    async def answer(socket: Socket, event: BaseModel) -> None:
        await socket.emit(Answer.model_construct(**vars(event)))

    answer.__annotations__["event"] = text
    app.on(f"ask{number}")(answer)


def declare_room(pattern: str) -> None:
    """Declare a room, or a pattern of rooms, and answer what is asked in it."""

    @app.room(pattern).on(Ask)
    async def answer(socket: Socket, event: Ask) -> None:
        await socket.emit(Answer(message=event.message))


for n in range(SIZES["events"]):
    declare_event(n)
for n in range(SIZES["rooms"]):
    declare_room(f"room{n}")
for n in range(SIZES["patterns"]):
    declare_room(f"kind{n}:" + "{number}")
