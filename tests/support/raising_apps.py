"""Applications whose code raises what it must not, everywhere: a connection's query says where."""

import asyncio  # noqa: TID251 - its CancelledError is raised, on trio too
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import BaseModel, field_serializer, field_validator

from bytesocket_app import ByteSocket, ClientEvent, Depends, Handshake, Socket
from bytesocket_app.telemetry import Count, Operation, Value

logger = logging.getLogger("strikes")


class Own(BaseException):
    """An application's own."""


ERRORS: Final[Mapping[str, Callable[[], BaseException]]] = MappingProxyType(
    {
        "own": Own,
        "cancelled": asyncio.CancelledError,
        "exit": lambda: SystemExit(3),
        "generator": GeneratorExit,
        "keyboard": KeyboardInterrupt,
        "group": lambda: BaseExceptionGroup("several", [SystemExit(3), Own()]),
        "error": lambda: RuntimeError("an ordinary one"),
    }
)

PLACES: Final = (
    "upgrade",
    "auth",
    "auth_success",
    "open",
    "message",
    "middleware",
    "handler",
    "plain",
    "concurrent",
    "set_up",
    "clean_up",
    "validator",
    "serializer",
    "guard",
    "join",
    "leave",
    "error_hook",
    "telemetry",
    "close",
)


def strike(query: str, place: str) -> None:
    """Raise what the query asks for, if it is for this place."""
    wanted, _, kind = query.partition("=")
    if wanted == place:
        logger.info("strike %s %s", place, kind)
        error = ERRORS[kind]()
        raise error


class Do(ClientEvent, name="do"):
    """Ask for something."""

    text: str = ""

    @field_validator("text")
    @classmethod
    def check(cls, text: str) -> str:
        """Raise if asked to."""
        strike(text, "validator")
        return text


class Plain(Do, name="plain"):
    """Handled by a `def`."""


class Beside(Do, name="beside"):
    """Handled beside others."""


class Lent(Do, name="lent"):
    """Handled with a dependency."""


class Told(Do, name="told"):
    """Answered with a model."""


class Echo(ClientEvent, name="echo"):
    """Ask for an echo."""

    text: str


class Answer(BaseModel):
    """Reply that breaks."""

    text: str

    @field_serializer("text")
    def write(self, text: str) -> str:
        """Raise if asked to."""
        strike(text, "serializer")
        return text


class Listener:
    """Telemetry listener that breaks."""

    query = ""

    def began(self, operation: Operation, values: Mapping[str, Value]) -> None:
        """Note a begin."""
        query, Listener.query = Listener.query, ""
        strike(query, "telemetry")

    def ended(self, token: Any, outcome: str) -> None:
        """Note an end."""

    def counted(self, count: Count, amount: int, values: Mapping[str, Value]) -> None:
        """Note something."""


async def lend(socket: Socket) -> AsyncGenerator[str]:
    """Lend something for a call."""
    strike(socket.query, "set_up")
    yield "lent"
    strike(socket.query, "clean_up")


def make(*, by_message: bool) -> ByteSocket:
    """Make the application."""
    app = ByteSocket(
        title="Raising", events=[Do, Plain, Beside, Lent, Told, Echo], serialization="json"
    )
    _authenticate(app, by_message=by_message)
    _hook(app)
    _handle(app)
    _gather(app)
    app.telemetry.listener = Listener()
    return app


def _authenticate(app: ByteSocket, *, by_message: bool) -> None:
    if by_message:

        @app.auth
        async def by_credentials(socket: Socket, credentials: str) -> str:
            strike(socket.query, "auth")
            return credentials
    else:

        @app.auth
        async def by_request(socket: Socket) -> str:
            strike(socket.query, "auth")
            return "ann"


def _hook(app: ByteSocket) -> None:
    @app.lifecycle.upgrade
    async def upgrade(handshake: Handshake) -> None:
        strike(handshake.query, "upgrade")

    @app.lifecycle.auth_success
    async def auth_success(socket: Socket) -> None:
        strike(socket.query, "auth_success")

    @app.lifecycle.open
    async def opened(socket: Socket) -> None:
        strike(socket.query, "open")
        if socket.query.startswith("telemetry"):
            Listener.query = socket.query

    @app.lifecycle.message
    async def message(socket: Socket) -> None:
        strike(socket.query, "message")

    @app.lifecycle.close
    async def closed(socket: Socket) -> None:
        strike(socket.query, "close")

    @app.lifecycle.error
    async def failed(socket: Socket | None) -> None:
        if socket is not None:
            strike(socket.query, "error_hook")

    @app.middleware
    async def step(socket: Socket, message: Any, call_next: Any) -> Any:
        strike(socket.query, "middleware")
        return await call_next(message)


def _handle(app: ByteSocket) -> None:
    @app.on(Do)
    async def do(socket: Socket, event: Do) -> None:
        strike(socket.query, "handler")
        if socket.query.startswith("error_hook"):
            logger.info("strike for the error hook")
            raise RuntimeError

    @app.on(Plain)
    def plain(socket: Socket) -> None:
        strike(socket.query, "plain")

    @app.on(Beside, concurrent=True)
    async def beside(socket: Socket) -> None:
        strike(socket.query, "concurrent")

    @app.on(Lent)
    async def lent(thing: Annotated[str, Depends(lend)]) -> str:
        return thing

    @app.on(Told)
    async def told(event: Told) -> Answer:
        return Answer(text=event.text)

    @app.on(Echo)
    async def echo(event: Echo) -> str:
        return event.text


def _gather(app: ByteSocket) -> None:
    room = app.room("room")

    @room.guard
    async def guard(socket: Socket) -> None:
        strike(socket.query, "guard")

    @room.on_join
    async def join(socket: Socket) -> None:
        strike(socket.query, "join")

    @room.on_leave
    async def leave(socket: Socket) -> None:
        strike(socket.query, "leave")


by_message = make(by_message=True)
by_handshake = make(by_message=False)
