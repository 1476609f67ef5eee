"""All errors of the framework, in one tree.

::

    ByteSocketError
    ├── ConfigurationError       the application is declared wrongly; raised where it is declared
    │   ├── UndeclaredEvent      an event was emitted that the contract does not know
    │   └── ContractError        a type has no place in the contract, or a file is no contract
    ├── DecodeError              a frame holds no readable message; closes 1008
    ├── EncodeError              a value cannot be written to the wire
    ├── Refusal                  the one way to say no to a peer, with a code
    │   ├── AuthError            refuses a connection's credentials; closes 4003
    │   └── UnknownContract      a client's contract is not one that the server takes; closes 4010
    ├── RequestError             a client's request or join was refused by the server
    ├── ConnectError               a client could not connect; reported, then tried again
    ├── Disconnected             the connection ended before the answer came
    └── RequestTimeout           no answer within the deadline

`ContractWarning` is the one warning: what is doubtful in an application's types.

Detail stays in the log: a peer sees a refusal's code and message, and of any other exception
only that it was internal.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar, Final

from typing_extensions import override

_PACKAGE: Final = __name__.partition(".")[0]


class Phase(StrEnum):
    """Where something went wrong: `ErrorContext.phase`, and `phase` on the wire.

    Source: protocol.md section 7; `HANDLER` is ours.
    """

    UPGRADE = "onUpgrade"
    OPEN = "onOpen"
    MESSAGE = "onMessage"
    CLOSE = "onClose"
    AUTH_SUCCESS = "onAuthSuccess"
    AUTH_ERROR = "onAuthError"
    DECODE = "decode"
    VALIDATION = "validation"
    MIDDLEWARE = "middleware"
    MIDDLEWARE_TIMEOUT = "middlewareTimeout"
    FINAL_CALLBACK = "finalCallback"
    ASYNC_HOOK_FINAL = "asyncHookFinal"
    ROOM_MESSAGE = "room message"
    ROOMS_MESSAGE = "rooms message"
    AUTH = "auth"
    JOIN_ROOM = "onJoinRoom"
    LEAVE_ROOM = "onLeaveRoom"
    JOIN_ROOMS = "onJoinRooms"
    LEAVE_ROOMS = "onLeaveRooms"
    NETWORK = "network"
    HANDLER = "handler"


class ByteSocketError(Exception):
    """The root of every error the framework raises on purpose."""


class ConfigurationError(ByteSocketError):
    """The application is declared in a way that cannot work.

    Raised where the declaration stands (a decorator, the constructor) or when the application
    starts. The message says what, where (`file:line`) and what to do.
    """


class UndeclaredEvent(ConfigurationError):
    """An event was emitted that is not part of the application's contract."""


class ContractError(ConfigurationError):
    """A declared type cannot be written into the contract, or a file cannot be read as one."""


class ContractWarning(UserWarning):
    """A value of a declared type would not arrive as it was sent, or not on both codecs.

    Told once, where the field stands. The code in brackets is stable; an author who knows better
    allows it for one field, `Field(json_schema_extra={"x-allow": ["bytes-as-text"]})`, or for all
    fields of a model, the same in its `model_config`.
    """


class DecodeError(ByteSocketError):
    """A frame that holds no message. The one error a decoder may raise (protocol.md 8.5)."""


class EncodeError(ByteSocketError):
    """A value that the wire cannot carry, such as an integer beyond 64 bits."""


class RequestError(ByteSocketError):
    """The server refused a request or a join; raised in clients.

    Attributes:
        code: The declared refusal's code, or the framework's: "validation", "internal", "timeout",
            "unknown_event", "unknown_room", "not_a_member", "too_many_rooms", "invalid",
            "unauthorized", "forbidden", "not_found", "refused".
        message: One sentence for a person.
        data: What the refusal carries, decoded but not validated.
        details: Of code "validation": what is wrong and where (`loc`, `msg`, `type`).
    """

    def __init__(
        self, code: str, message: str = "", data: Any = None, details: Sequence[Any] = ()
    ) -> None:
        self.code = code
        self.message = message or code
        self.data = data
        self.details = list(details)
        super().__init__(f"{code}: {message}" if message else code)


class ConnectError(ByteSocketError):
    """No connection came about: no route, no TLS, or no WebSocket behind the address.

    Attributes:
        status: The HTTP status the server answered in place of 101, or None.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


DialFailed = ConnectError
"""The name of `ConnectError` before 0.2; generated files may import it."""


class Disconnected(ByteSocketError):
    """The connection ended first. The request may or may not have been carried out."""


class RequestTimeout(ByteSocketError):
    """No answer came within the deadline. The request may still have been carried out."""


class Refusal(ByteSocketError):
    """Say no to a peer: in a guard, a handler, a middleware or an authentication function.

    The peer sees `code`, `message` and `data`, and nothing else. A subclass names its code once:
    `class Muted(Refusal, code="muted"): ...`; declared by `raises=` it is in the contract.

    Args:
        message: One sentence for the person at the other end.
        code: A stable word for the program at the other end; the class's own by default.
        data: Any JSON value that helps the peer to go on.
    """

    __refusal_code__: ClassVar[str] = "refused"

    @override
    def __init_subclass__(cls, *, code: str | None = None, **kwargs: Any) -> None:
        """Take the subclass's code from its class arguments.

        Raises:
            ConfigurationError: The code is not a word.
        """
        super().__init_subclass__(**kwargs)
        if code is not None:
            if not (isinstance(code, str) and code):  # pyright: ignore[reportUnnecessaryIsInstance] - what users write
                raise ConfigurationError(
                    f"code={code!r} of {cls.__name__} ({where(cls)}) cannot be a refusal's code: "
                    'use a non-empty string, as in code="muted".'
                )
            cls.__refusal_code__ = code

    def __init__(self, message: str = "", *, code: str | None = None, data: Any = None) -> None:
        self.code = code if code is not None else type(self).__refusal_code__
        self.message = message or self.code
        self.data = data
        super().__init__(self.message)


class AuthError(Refusal, code="unauthorized"):
    """The credentials are not good: the peer gets type 6 and is closed with 4003."""


class UnknownContract(Refusal, code="unknown_contract"):
    """The client was generated from a contract that the server does not take.

    Raised in the Python client, which makes no further attempt.
    """


@dataclass(frozen=True, slots=True)
class ErrorContext:
    """What the error hooks get beside the socket.

    Attributes:
        phase: Where it happened.
        error: The exception.
        code: The close code that follows, where the phase has one (authentication).
        event: The event's name, where one was being handled.
        raw: The message as it came, cut to a few hundred characters.
    """

    phase: Phase
    error: BaseException
    code: int | None = None
    event: object = None
    raw: str | None = None


def where(target: Callable[..., Any] | type) -> str:
    """Say where a function or class stands, as `file:line`, for an error message."""
    while isinstance(target, partial):
        target = target.func
    target = inspect.unwrap(target)
    code = getattr(target, "__code__", None)
    if inspect.iscode(code):
        return f"{code.co_filename}:{code.co_firstlineno}"
    kind = target if isinstance(target, type) else type(target)
    try:
        return f"{inspect.getsourcefile(kind)}:{inspect.getsourcelines(kind)[1]}"
    except (OSError, TypeError):
        return f"{kind.__module__}.{kind.__qualname__}"


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, as a sentence; Pydantic's have many."""
    text = str(error).partition("\n")[0].strip()
    return text if text.endswith(".") else f"{text}."


def caller() -> str:
    """Say where the application's own code called the framework, as `file:line`."""
    frame = inspect.currentframe()
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] != _PACKAGE:
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return "?"  # pragma: no cover - somebody outside the framework always called it
