"""An application that fails in every way with what its peers sent in the text of the failure.

Peers say how in `mode`, and send a `token`, which no line of the log may hold.
"""

import logging
from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, field_validator
from typing_extensions import override

from bytesocket_app import (
    AuthError,
    ByteSocket,
    CallNext,
    ClientEvent,
    Depends,
    ErrorContext,
    Event,
    Handshake,
    Message,
    Refusal,
    ServerEvent,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.wire.shapes import is_object

logger = logging.getLogger("application")


class Act(ClientEvent, name="act"):
    mode: str
    token: str


class Slow(ClientEvent, name="slow"):
    token: str


class Beside(ClientEvent, name="beside"):
    mode: str
    token: str


class Thread(ClientEvent, name="thread"):
    mode: str
    token: str


class Reply(ClientEvent, name="reply"):
    token: str


class Needy(ClientEvent, name="needy"):
    mode: str
    token: str


class Strict(ClientEvent, name="strict"):
    numbers: list[int]
    by_name: dict[str, int] = Field(default_factory=dict)

    @field_validator("numbers")
    @classmethod
    def crash(cls, numbers: list[int]) -> list[int]:
        """Break instead of refusing."""
        if numbers == [0]:
            raise RuntimeError(str(numbers))
        return numbers


class Note(Event, name="note"):
    mode: str
    token: str


class Undeclared(ServerEvent, name="undeclared"):
    token: str


class Spoken(ServerEvent, name="spoken"):
    token: str
    number: Any = None


class User(BaseModel):
    """A user, whose representation tells the token."""

    name: str
    token: str


class Credentials(BaseModel):
    mode: str
    token: str


class Trouble(BaseException):
    """No `Exception`."""


class Telling:
    """A value that tells its token."""

    def __init__(self, token: str) -> None:
        self.token = token

    @override
    def __repr__(self) -> str:
        return f"<telling {self.token}>"


def fail(mode: str, token: str) -> None:
    """Raise what the mode says, with the token in its text."""
    known: dict[str, Callable[[], BaseException]] = {
        "refusal": lambda: Refusal(token, code="refused", data={"token": token}),
        "crash": lambda: RuntimeError(token),
        "key": lambda: KeyError(token),
        "base": lambda: Trouble(token),
        "group": lambda: ExceptionGroup(token, [ValueError(token), KeyError(token)]),
        "note": lambda: _noted(ValueError(), token),
        "http": lambda: _Http(token),
    }
    if mode == "pydantic":
        TypeAdapter(int).validate_python(token)
    if mode == "chain":
        try:
            int(token, 2)
        except ValueError as error:
            raise LookupError(token) from error
    if mode == "context":
        try:
            int(token, 2)
        except ValueError:
            raise LookupError(token)  # noqa: B904 - the context is what is tried
    if mode in known:
        made = known[mode]()
        raise made


def _noted(error: Exception, note: str) -> Exception:
    error.add_note(note)
    return error


class _Http(Exception):
    """An exception as web frameworks have it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.status_code = 403
        self.detail = detail


MODES = (
    *("fine", "refusal", "crash", "key", "base", "group", "note", "http", "pydantic", "chain"),
    *("context", "undeclared", "unsendable", "value", "log"),
)


app = ByteSocket(
    title="Secrets",
    events=[Act, Slow, Beside, Thread, Reply, Needy, Strict, Note, Spoken],
    serialization="json",
    settings=Settings(timeouts=Timeouts(handler=1, middleware=1, auth=2)),
)


@app.lifecycle.upgrade
async def upgrade(handshake: Handshake) -> None:
    """Fail as the query says, with it and the headers."""
    said = f"{handshake.query} {dict(handshake.headers)} {handshake!r}"
    for mode in ("refusal", "crash", "pydantic", "base"):
        if f"upgrade={mode}" in handshake.query:
            fail(mode, said)


@app.auth(key=lambda user: user.name)
async def login(socket: Socket, credentials: Credentials) -> User:
    if credentials.mode == "denied":
        raise AuthError(credentials.token, data={"token": credentials.token})
    fail(credentials.mode, f"{credentials.token} {socket.query} {socket.cookies}")
    return User(name="ann", token=credentials.token)


@app.lifecycle.open
async def opened(socket: Socket) -> None:
    logger.info("opened %s %r %s", socket, socket, f"{socket}")
    if "open=crash" in socket.query:
        raise RuntimeError(f"{socket.query} {socket.cookies} {socket.user}")


@app.lifecycle.close
async def closed(socket: Socket, code: int, reason: str) -> None:
    if "close=crash" in socket.query:
        raise RuntimeError(f"{code} {reason} {socket.query} {socket.user}")


@app.lifecycle.auth_error
async def unauthorized(socket: Socket, context: ErrorContext) -> None:
    raise RuntimeError(f"{context.error} {context} {socket.query}")


@app.lifecycle.error
async def failed(socket: Socket | None, context: ErrorContext) -> None:
    raise RuntimeError(f"{context.error!r} {context.raw} {socket and socket.user}")


@app.lifecycle.message
async def heard(socket: Socket, payload: str | bytes) -> None:
    if "message=crash" in socket.query:
        raise RuntimeError(str(payload))


@app.middleware
async def passing(socket: Socket, message: Message, call_next: CallNext) -> Any:
    data = message.data
    if is_object(data) and "middleware" in data:
        fail(str(data["middleware"]), str(data))
    return await call_next(message)


async def act_on(socket: Socket, mode: str, token: str) -> None:
    """Do what the mode says."""
    fail(mode, token)
    if mode == "undeclared":
        await socket.emit(Undeclared(token=token))
    if mode == "unsendable":
        await socket.emit(Spoken(token=token, number=Telling(token)))
    if mode == "value":
        value: Any = Telling(token)
        await socket.emit(value)
    if mode == "log":
        logger.warning("%s %r", socket, socket)


@app.on(Act)
async def act(socket: Socket, event: Act) -> None:
    await act_on(socket, event.mode, event.token)


@app.on(Beside, concurrent=True)
async def beside(socket: Socket, event: Beside) -> None:
    await act_on(socket, event.mode, event.token)


@app.on(Thread)
def thread(event: Thread) -> None:
    fail(event.mode, event.token)


@app.on(Reply)
async def reply(event: Reply) -> int:
    wrong: Any = event.token
    return int(wrong) if wrong == "0" else wrong


@app.on(Strict)
async def strict(event: Strict) -> None:
    pass


async def resource(event: Needy) -> AsyncGenerator[str]:
    fail(event.mode, event.token)
    yield event.token
    if event.mode == "clean":
        raise RuntimeError(event.token)


@app.on(Needy)
async def needy(event: Needy, held: Annotated[str, Depends(resource)]) -> None:
    if event.mode == "clean":
        raise ValueError(held)


lobby = app.room("lobby")
lobby.relay(Note)
guarded = app.room("guarded:{mode}:{token}")


@guarded.guard
async def guard(socket: Socket, mode: str, token: str) -> None:
    fail(mode, f"{token} {socket.user}")


@guarded.on_join
async def joined(socket: Socket, mode: str, token: str) -> None:
    if mode == "joined":
        raise RuntimeError(f"{token} {socket.user}")


@guarded.on_leave
async def left(socket: Socket, mode: str, token: str) -> None:
    raise RuntimeError(f"{token} {socket.user}")
