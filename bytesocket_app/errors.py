"""Errors of the framework, in one tree.

::

    ByteSocketError
    ├── ConfigurationError       the application is declared wrongly; raised where it is declared
    │   ├── UndeclaredEvent      an event was emitted that the application did not declare
    │   └── ContractError        a type cannot be in the contract, or a file is no contract
    ├── DecodeError              a frame holds no readable message; a server closes with 1008
    ├── EncodeError              a value cannot be written to the wire
    ├── Refusal                  refuses a peer's request, with a code
    │   ├── AuthError            refuses a connection's credentials; closes with 4003
    │   └── UnknownContract      the server does not accept a client's contract; closes with 4010
    ├── RequestError             a client's request or join was refused or failed
    ├── ConnectError             a client could not connect; reported, then tried again
    ├── Disconnected             the connection ended before the answer came
    └── RequestTimeout           no answer within the deadline

`ContractWarning` is the warning about lint findings in an application's types.

Details stay in the log: a peer sees a refusal's code, message and data, and of any other exception
only that an internal error occurred.
"""

import difflib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar, Final

from typing_extensions import override

_NOT_CALLERS: Final = frozenset(
    {__name__.partition(".")[0], "anyio", "outcome", "trio", "uvloop"} | sys.stdlib_module_names
)
"""Top-level modules that are never the application's own code."""


class Phase(StrEnum):
    """Phase in which an error occurred: `ErrorContext.phase`, and `phase` on the wire.

    Source: protocol.md section 7; `HANDLER` is this framework's own.
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
    """Base of all errors that the framework raises on purpose."""


class ConfigurationError(ByteSocketError):
    """A declaration of the application, or an argument of a client, that cannot work.

    Raised by the declaration (a decorator, the constructor) or when the application starts; in
    clients, by the call. The message names the problem and a remedy, and for declarations the place
    (`file:line`).
    """


class UndeclaredEvent(ConfigurationError):
    """An event was emitted that is not part of the application's contract."""


class ContractError(ConfigurationError):
    """A declared type cannot be written into the contract, or a file is not a contract."""


class ContractWarning(UserWarning):
    """A value of a declared type would not arrive as it was sent, or not with every codec.

    Issued once per finding, with the field's place. The code at the end of the message is stable.
    It allows the finding for one field, `Field(json_schema_extra={"x-allow": ["bytes-as-text"]})`,
    or for all fields of a model, by the same in its `model_config`.
    """


class DecodeError(ByteSocketError):
    """A frame that holds no message. Decoders raise no other error (protocol.md 8.5)."""


class EncodeError(ByteSocketError):
    """A value that cannot be encoded, such as an integer beyond 64 bits."""


class RequestError(ByteSocketError):
    """A refused or failed request, or a refused join; raised in clients.

    Attributes:
        code: The declared refusal's code, or one of the framework's: "validation", "internal",
            "timeout", "unknown_event", "unknown_room", "not_a_member", "too_many_rooms",
            "rate_limited", "invalid", "unauthorized", "forbidden", "not_found", "refused"; from the
            client itself, "invalid_reply" or "too_many_requests".
        message: A sentence for people.
        data: The refusal's data, decoded but not validated.
        details: For the code "validation", the problems and their places (`loc`, `msg`, `type`).
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
    """A connection attempt failed: no route, no TLS, or no WebSocket at the address.

    Attributes:
        status: The HTTP status with which the server answered in place of 101, or None.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


DialFailed = ConnectError
"""Old name of `ConnectError`, which generated files may import."""


class Disconnected(ByteSocketError):
    """The connection ended before the answer, or the client is closed.

    A request may or may not have been carried out.
    """


class RequestTimeout(ByteSocketError):
    """No answer came within the deadline. The request may still have been carried out."""


class Refusal(ByteSocketError):
    """Refuse a peer's request: in a guard, a handler, a middleware or an authentication function.

    The peer sees `code`, `message` and `data`, and nothing else. A subclass sets its code in the
    class statement, `class Muted(Refusal, code="muted"): ...`, and is in the contract if `raises=`
    declares it.

    Args:
        message: A sentence for the user of the client.
        code: A stable word for the client's program; the class's own by default.
        data: Any JSON value that is useful to the client.
    """

    __refusal_code__: ClassVar[str] = "refused"

    @override
    def __init_subclass__(cls, *, code: str | None = None, **kwargs: Any) -> None:
        """Set the subclass's code from its class arguments.

        Raises:
            ConfigurationError: The code is not a non-empty string.
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
    """Refused credentials: the peer gets message type 6 and is closed with 4003.

    In answer to a handshake that carries the credentials: HTTP 401, or 403 with another code.
    In clients: the server refused the credentials, and there is no further attempt.
    """


class UnknownContract(Refusal, code="unknown_contract"):
    """A contract of a client that the server does not accept: closed with 4010.

    In clients: raised while waiting for the connection; there is no further attempt.
    """


@dataclass(frozen=True, slots=True)
class ErrorContext:
    """Description of an error, passed to the error hooks.

    Attributes:
        phase: The phase in which the error occurred.
        error: The exception.
        code: The close code that follows, in phases that have one (authentication).
        event: Name of the event that was being handled, if any.
        raw: The message, or in clients the server's error context, as text, cut to a few hundred
            characters.
    """

    phase: Phase
    error: BaseException
    code: int | None = None
    event: object = None
    raw: str | None = None


def where(target: Callable[..., Any] | type) -> str:
    """Return `file:line` of a function or class, or its qualified name without source."""
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
    """Return the first line of an exception's message, which may have many, as a sentence."""
    text = str(error).partition("\n")[0].strip()
    return text if text.endswith(".") else f"{text}."


def near(name: object, names: Iterable[object]) -> str:
    """Return a hint to a similar name, ` Did you mean 'chat:post'?`, or "".

    A name that is one of them gets none.
    """
    text, known = str(name), [str(each) for each in names]
    found = [] if text in known else difflib.get_close_matches(text, known, n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


def warn_renamed(old: str, new: str) -> None:
    """Warn the code that called the framework of a name that a coming release takes away."""
    file, _, line = caller().rpartition(":")
    warnings.warn_explicit(
        f"{old} is called {new} now; the old name goes with the next minor release.",
        DeprecationWarning,
        file or "?",
        int(line) if line.isdigit() else 1,
    )


def caller() -> str:
    """Return `file:line` of the application's code that called the framework.

    The standard library and event loops between, as under `asyncio.run(app.serve())`, are passed.
    """
    frame = inspect.currentframe()
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] not in _NOT_CALLERS:
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return "?"  # pragma: no cover - somebody outside the framework always called it
