"""A desk whose documents show who is at them, with bytes and dates, and a stage that counts."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from bytesocket_app import ByteSocket, ClientEvent, Settings, Socket, Timeouts

SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Fellow(BaseModel):
    """Somebody at a document."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    name: str
    typing: bool = False
    since: datetime = SINCE
    face: bytes = b"\xfe\xff"


class Reader(BaseModel):
    """Somebody at a page of an application that speaks JSON alone."""

    name: str
    typing: bool = False


class Out(ClientEvent, name="out"):
    """Take me out of a room."""

    room: str


class Again(ClientEvent, name="again"):
    """Close my connection, for the client to come back."""


def desk(person: Any = Fellow, *, linger: float = 0.2, **more: Any) -> ByteSocket:
    """Make an application; people have the key that they call themselves."""
    settings = Settings(timeouts=Timeouts(presence_linger=linger))
    app = ByteSocket(title="Desk", settings=settings, events=[Out, Again], **more)
    clients = ["typing", *(["face", "since"] if person is Fellow else [])]

    @app.auth(key=str)
    async def known(credentials: str) -> str:
        return credentials

    doc = app.room("doc:{doc_id}")

    async def fellow(socket: Socket[str], doc_id: int) -> Any:
        return person(name=socket.user)

    fellow.__annotations__["return"] = person
    doc.presence(clients=clients)(fellow)
    app.room("stage:{number}", presence="count")
    app.room("cellar")

    @app.on(Out)
    async def out(socket: Socket[str], event: Out) -> None:
        await app.user(socket.user).leave(event.room)

    @app.on(Again)
    async def again(socket: Socket[str]) -> None:
        await socket.close(4000, "again")

    return app


app = desk()
patient = desk(linger=600)
"""Nobody is told of one who reloads, however long that takes here."""
json_app = desk(Reader, serialization="json")
