"""Applications for the threats that need more than an echo; see `tests.support.hostile_app`."""

from typing import Any, Final

from anyio import get_running_tasks, sleep_forever
from pydantic import BaseModel

from bytesocket_app import (
    AuthError,
    ByteSocket,
    ClientEvent,
    Event,
    Refusal,
    ServerEvent,
    Settings,
    Socket,
)
from bytesocket_app.settings import Limits, Timeouts
from tests.support.hostile_app import Note, Private, make

SECRET: Final = "the database is at 10.9.8.7"
"""What an exception of the application says, and no client may hear."""


class Blob(Event, name="blob"):
    """Carries any value."""

    value: Any = None


class Shout(ClientEvent, name="shout"):
    """Has the server send to a room."""

    kilobytes: int


class Shouted(ServerEvent, name="shouted"):
    text: str


class Break(ClientEvent, name="break"):
    """Its handler fails."""


class Left(BaseModel):
    left: int


class Right(BaseModel):
    right: int


class Items(ClientEvent, name="items"):
    items: list[Left | Right]


class Numbers(ClientEvent, name="numbers"):
    numbers: list[int]


class Wait(ClientEvent, name="wait"):
    """Its handler never ends by itself."""

    filler: str = ""


class Beside(ClientEvent, name="beside"):
    """Its handler runs beside the others, and never ends by itself."""


class Moderated(Refusal, code="moderated"):
    """The words are not good."""


class Census(ClientEvent, name="census"):
    """Ask how many tasks there are."""


def build(settings: Settings | None = None) -> ByteSocket:
    """Make the application: rooms with a guard and a moderator, and handlers that do harm."""
    app = make(settings)
    app.catalogue.declare(Shouted)
    app.room("blobs").relay(Blob)
    app.room("doc:{number}").relay(Note)
    crowd, vip, moderated = app.room("crowd"), app.room("vip"), app.room("moderated")
    vip.relay(Note)

    @vip.guard(raises=(Private,))
    async def only_guests(socket: Socket, room: str) -> None:
        if "x-guest" not in socket.handshake.headers:
            raise Private(f"Not into {room}.")

    @moderated.on(Note, raises=(Moderated,))
    async def moderate(event: Note) -> None:
        if "bad" in event.text:
            raise Moderated("Mind your words.")
        event.text = event.text.replace("rude", "****")

    @app.on(Shout)
    async def shout(event: Shout) -> None:
        await crowd.emit(Shouted(text="*" * 1024 * event.kilobytes))

    @app.on(Break)
    async def fail() -> None:
        raise RuntimeError(SECRET)

    add_loads(app)
    return app


def add_loads(app: ByteSocket) -> None:
    """Add the handlers of large payloads, and of those that never end."""

    @app.on(Items)
    async def items(event: Items) -> int:
        return len(event.items)

    @app.on(Numbers)
    async def numbers(event: Numbers) -> int:
        return len(event.numbers)

    @app.on(Wait)
    async def wait() -> None:
        await sleep_forever()

    @app.on(Beside, concurrent=True)
    async def beside() -> None:
        await sleep_forever()

    @app.on(Census)
    async def census() -> int:
        return len(get_running_tasks())


def _with_login(settings: Settings | None = None) -> ByteSocket:
    app = build(settings)

    @app.auth
    async def login(_: Socket, credentials: str) -> str:
        if credentials == "break":
            raise RuntimeError(SECRET)
        if credentials != "right":
            raise AuthError("Wrong token.")
        return "ann"

    return app


plain = build()
login = _with_login()
late = _with_login(Settings(timeouts=Timeouts(auth=1)))
hasty = build(
    Settings(timeouts=Timeouts(idle=1, ping=0.5, pong=0.5, close=1, handshake=1, silence=1))
)
few = build(Settings(limits=Limits(connections=3)))
