"""Errors of the framework, in one tree.

::

    ByteSocketError
    ├── ConfigurationError       the application is declared wrongly; raised where it is declared
    │   ├── UndeclaredEvent      an event was emitted that the application did not declare
    │   ├── UndeclaredAnswer     a function answered otherwise than it declares
    │   ├── UndeclaredRoom       server code used a room that the application did not declare
    │   └── ContractError        a type cannot be in the contract, or a file is no contract
    ├── DecodeError              a frame holds no readable message; a server closes with 1008
    ├── EncodeError              a value cannot be written to the wire
    ├── Refusal                  refuses a peer's request, with a code
    │   ├── AuthError            refuses a connection's credentials; closes with 4003
    │   └── UnknownContract      the server does not accept a client's contract; closes with 4010
    ├── RequestError             a client's request or join was refused or failed
    ├── EngineError              a broker did not take what was to be published
    │   └── EngineRefused        the broker will not have us, and trying again would not mend it
    ├── ConnectError             a client could not connect; reported, then tried again
    ├── Disconnected             the connection ended before the answer came
    └── RequestTimeout           no answer within the deadline

`ContractWarning` is the warning about lint findings in an application's types.

Details stay in the log: a peer sees a refusal's code, message and data, and of any other exception
only that an internal error occurred.
"""

import difflib
import inspect
import re
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from traceback import walk_tb
from types import FrameType
from typing import Any, ClassVar, Final, cast

from typing_extensions import override

_OURS: Final = __name__.partition(".")[0]
_NOT_CALLERS: Final = frozenset(
    {_OURS, "anyio", "outcome", "trio", "uvloop"} | sys.stdlib_module_names
)
"""Top-level modules that are never the application's own code."""

_NOT_GIVEN: Final[Any] = object()
"""Stands for the data of a refusal that was given none."""


class Phase(StrEnum):
    """Phase in which an error occurred: `ErrorContext.phase`, and `phase` on the wire.

    Source: protocol.md section 7; `HANDLER` and `EVERY` are this framework's own.
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
    EVERY = "every"


class ErrorCode(StrEnum):
    """Code of the framework's own in an error: `RequestError.code`, and `error.code` on the wire.

    A refusal that an application declares has a code of its own, which is none of these. A call,
    `Refusal(..., code=...)`, may have one of `GENERAL_CODES`. Those of `LOCAL_CODES` never travel.
    """

    VALIDATION = "validation"
    """The payload does not fit its type, and `details` says where; or it cannot be passed on."""
    UNKNOWN_EVENT = "unknown_event"
    """Clients may not send this event, or not into this room."""
    UNKNOWN_ROOM = "unknown_room"
    """The room is not declared, not for clients, or its name is not allowed."""
    NOT_A_MEMBER = "not_a_member"
    """The sender is not in the room."""
    TOO_MANY_ROOMS = "too_many_rooms"
    """Too many rooms, in one message, of the client, or of the server."""
    REPLACED = "replaced"
    """A newer connection of the user took this one's place."""
    REMOVED = "removed"
    """Server code took the client out of the room."""
    RATE_LIMITED = "rate_limited"
    """Too many messages or joins; `data["retry_after"]` are the seconds to wait."""
    INVALID = "invalid"
    """A part of a room's name, or a value of the handshake that a handler asks for, is wrong."""
    UNAUTHORIZED = "unauthorized"
    """The credentials are not good; an HTTP 401 in a handler."""
    FORBIDDEN = "forbidden"
    """An HTTP 403 in a handler."""
    NOT_FOUND = "not_found"
    """An HTTP 404 in a handler."""
    REFUSED = "refused"
    """A refusal without a code of its own, another HTTP status below 500, or a request that no
    middleware passes on."""
    TIMEOUT = "timeout"
    """A handler, guard, middleware or authentication took too long."""
    INTERNAL = "internal"
    """Anything else went wrong; the server's log has the details."""
    UNKNOWN_CONTRACT = "unknown_contract"
    """The client's contract is not taken."""
    INVALID_REPLY = "invalid_reply"
    """The reply does not fit its type; made by Python clients."""
    TOO_MANY_REQUESTS = "too_many_requests"
    """Too many requests or messages wait already; made by Python clients."""
    DROPPED = "dropped"
    """The message is not sent, or not given to a listener; made by clients."""
    DISCONNECTED = "disconnected"
    """The connection ended before the answer; made by clients."""


GENERAL_CODES: Final = frozenset(
    {
        ErrorCode.REFUSED,
        ErrorCode.INVALID,
        ErrorCode.UNAUTHORIZED,
        ErrorCode.FORBIDDEN,
        ErrorCode.NOT_FOUND,
    }
)
"""Codes of the framework that applications may give too, as in `Refusal(..., code="not_found")`."""

LOCAL_CODES: Final = frozenset(
    {
        ErrorCode.INVALID_REPLY,
        ErrorCode.TOO_MANY_REQUESTS,
        ErrorCode.DROPPED,
        ErrorCode.DISCONNECTED,
    }
)
"""Codes that clients make for their own users, and that never travel."""

_FRAMEWORK: Final = frozenset(ErrorCode)
_OF_REMOVALS: Final = GENERAL_CODES | {ErrorCode.REMOVED}
_WORD: Final = re.compile(r"[A-Za-z]\w*(?:[.:-]\w+)*", re.ASCII)
_LONGEST: Final = 64
"""Characters of a code."""


class ByteSocketError(Exception):
    """Base of all errors that the framework raises on purpose."""

    is_about_code: ClassVar[bool] = False
    """True if the text is logged, as it is about the application's code and holds nothing of a
    peer's."""


class ConfigurationError(ByteSocketError):
    """A declaration of the application, or an argument of a client, that cannot work.

    Raised by the declaration (a decorator, the constructor) or when the application starts; in
    clients, by the call. The message names the problem and a remedy, and for declarations the place
    (`file:line`).
    """

    is_about_code = True


class UndeclaredEvent(ConfigurationError):
    """An event was emitted that is not part of the application's contract."""


class UndeclaredAnswer(ConfigurationError):
    """A function of the application answered otherwise than it declares.

    It returned a value that it does not declare, such as False in a guard, or a reply that is not
    of the declared type; it refused with data that is not what the refusal's class says, or with a
    code that `raises=` does not name. The message of the peer fails as with any other exception.
    """


class UndeclaredRoom(ConfigurationError):
    """Server code emitted to, published to or joined a room that the application did not declare.

    Until the next minor release it is a warning, and an error under `ByteSocket(strict=True)`;
    neither with `Policies.undeclared="open"`.
    """


class ContractError(ConfigurationError):
    """A declared type cannot be written into the contract, or a file is not a contract."""


class ContractWarning(UserWarning):
    """A value of a declared type would not arrive as it was sent, or not with every codec.

    Issued once per finding, with the field's place. The code at the end of the message is stable.
    It allows the finding for one field, `Field(json_schema_extra={"x-allow": ["bytes-as-text"]})`,
    or for all fields of a model, by the same in its `model_config`.
    """


class EngineError(ByteSocketError):
    """A broker did not take what was to be published, or cannot be reached."""


class EngineRefused(EngineError):
    """A broker will not have us, and trying again would not mend it: a wrong password, say."""


class DecodeError(ByteSocketError):
    """A frame that holds no message. Decoders raise no other error (protocol.md 8.5)."""


class EncodeError(ByteSocketError):
    """A value that cannot be encoded, such as an integer beyond 64 bits."""


class RequestError(ByteSocketError):
    """A refused or failed request, or a refused join; raised in clients.

    Attributes:
        code: The declared refusal's code, or one of the framework's, `ErrorCode`: "validation",
            "unknown_event", "unknown_room", "not_a_member", "too_many_rooms", "replaced",
            "removed", "rate_limited", "invalid", "unauthorized", "forbidden", "not_found",
            "refused", "timeout", "internal", "unknown_contract"; from the client itself,
            "invalid_reply", "too_many_requests" or "dropped".
        message: A sentence for people.
        data: The refusal's data, decoded but not validated; in the class of a code, a value of the
            type that the class gives it.
        details: For the code "validation", the problems and their places (`loc`, `msg`, `type`).

    Generated clients have a class for each declared code, `class TooLowError(RequestError,
    code="too_low"): data: TooLow`, and raise it where its code arrives with data that fit. With
    other data, and for a code that is not declared, this class itself is raised.
    """

    __refusal_code__: ClassVar[str | None] = None
    __refusal_data__: ClassVar[Any]
    data: Any

    @override
    def __init_subclass__(cls, *, code: str | None = None, **kwargs: Any) -> None:
        """Set the code that the subclass stands for from its class arguments."""
        super().__init_subclass__(**kwargs)
        if code is not None:
            cls.__refusal_code__ = code

    def __init__(
        self, code: str, message: str = "", data: Any = None, details: Sequence[Any] = ()
    ) -> None:
        self.code = code
        self.message = message or code
        self.data = data
        self.details = list(details)
        said = f"{code}: {message}" if message else code
        super().__init__(" ".join(filter(None, [said, *map(_detail, self.details[:1])])))


def _detail(detail: Any) -> str:
    """Return the place and the problem of one of a refusal's details, `text: Field required`."""
    if not isinstance(detail, dict):
        return ""
    members = cast("dict[str, Any]", detail)
    loc = members.get("loc") or ""
    place = ".".join(map(str, cast("list[object]", loc))) if isinstance(loc, list) else str(loc)
    problem = str(members.get("msg", ""))
    return f"{place}: {problem}" if place and problem else place or problem


class ConnectError(ByteSocketError):
    """A connection attempt failed: no route, no TLS, or no WebSocket at the address.

    Attributes:
        status: The HTTP status with which the server answered in place of 101, or None.
        body: The server's own words in that answer, if they are text or JSON: 1 KiB at most.
        is_for_now: True if the answer asks to come back later (`Retry-After`, RFC 9110 section
            10.2.3).
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        body: str = "",
        *,
        is_for_now: bool = False,
    ) -> None:
        self.status = status
        self.body = body
        self.is_for_now = is_for_now
        super().__init__(message)


DialFailed = ConnectError
"""Old name of `ConnectError`, which generated files may import."""


class Disconnected(ByteSocketError):
    """The connection ended before the answer, or the client is closed.

    A request may or may not have been carried out.

    Attributes:
        code: `"disconnected"`.
        message: A sentence for people.
        data: None.
        close_code: The close code that ended the connection, if one did; 1006 for a lost one.
        close_reason: The reason beside it.
    """

    code: ClassVar[str] = ErrorCode.DISCONNECTED.value
    data: ClassVar[None] = None

    def __init__(
        self, message: str = "", *, close_code: int | None = None, close_reason: str = ""
    ) -> None:
        self.message = message
        self.close_code = close_code
        self.close_reason = close_reason
        super().__init__(message)


class RequestTimeout(ByteSocketError):
    """No answer came within the deadline. The request may still have been carried out."""


def _is_ours(module: object) -> bool:
    """Return True for the framework's own modules, which may give each code."""
    return str(module).partition(".")[0] == _OURS


def _checked(code: object, whose: str, general: Collection[str]) -> str:
    """Return a code that an application may give, as plain text.

    Args:
        code: The code.
        whose: Whose code it is, for the message.
        general: Codes of the framework that may be given.
    """
    if isinstance(code, str) and len(code) <= _LONGEST and _WORD.fullmatch(code):
        if code in general or code not in _FRAMEWORK:
            return str(code)
        problem = "is one of the framework's own (ErrorCode), which clients take for its answer."
        remedy = 'Choose another word, as in code="muted"'
        if code in GENERAL_CODES:
            remedy += f", or raise Refusal(..., code={code!r}) without a class"
    else:
        problem = "cannot be a refusal's code."
        remedy = (
            "Use a non-empty string that is a word: ASCII letters, digits and _, with . : - between"
            f' them, at most {_LONGEST}, as in code="muted"'
        )
    raise ConfigurationError(f"code={code!r}{whose} ({caller()}) {problem} {remedy}.")


def removal_code(code: object) -> str:
    """Return the code of a removal from a room, as plain text; `removed`, or as a refusal's.

    Raises:
        ConfigurationError: It is no word, or one of the framework's that only it answers.
    """
    return _checked(code, " of a removal", _OF_REMOVALS)


class Refusal(ByteSocketError):
    """Refuse a peer's request: in a guard, a handler, a middleware or an authentication function.

    The peer sees `code`, `message` and `data`, and nothing else. A subclass sets its code in the
    class statement, `class Muted(Refusal, code="muted"): ...`, and is in the contract if `raises=`
    declares it. A subclass that annotates `data`, as in `data: Until`, says what its data are: they
    are validated and written by that type, as a payload is. An instance, or a value that validates,
    will do; data that are missing or wrong are a failure of the application, `internal` for the
    peer. A type that takes None, and a default in the class, `data: int = 0`, make them optional.

    A code is a word that programs compare: ASCII letters, digits and `_`, with `. : -` between. The
    framework's own codes, `ErrorCode`, are none for a class; `refused`, `invalid`, `unauthorized`,
    `forbidden` and `not_found` may be given in a call.

    A refusal with a code of the application's own that `raises=` of the handler (or of the room's
    guards) does not name is logged once, and a failure under `ByteSocket(strict=True)`. Those five
    general codes need no declaration.

    Args:
        message: A sentence for the user of the client.
        code: A stable word for the client's program; the class's own by default.
        data: What is useful to the client: of the annotated type, else any JSON value.

    Raises:
        ConfigurationError: `code` is no word, or one of the framework's that only it answers.
    """

    __refusal_code__: ClassVar[str] = ErrorCode.REFUSED.value
    __refusal_data__: ClassVar[Any]
    """What is known of the type of `data`; see `events.refusal_data`."""

    @override
    def __init_subclass__(cls, *, code: str | None = None, **kwargs: Any) -> None:
        """Set the subclass's code from its class arguments.

        Raises:
            ConfigurationError: The code is no word, or one of the framework's own.
        """
        super().__init_subclass__(**kwargs)
        if code is not None:
            if not _is_ours(cls.__module__):
                code = _checked(code, f" of {cls.__name__}", frozenset())
            cls.__refusal_code__ = code

    def __init__(
        self, message: str = "", *, code: str | None = None, data: Any = _NOT_GIVEN
    ) -> None:
        kind = type(self)
        if code is not None and code != kind.__refusal_code__:
            frame = inspect.currentframe()
            maker = None if frame is None else frame.f_back
            if maker is None or not _is_ours(maker.f_globals.get("__name__")):
                code = _checked(code, f" for {kind.__name__}", GENERAL_CODES)
        self.code = kind.__refusal_code__ if code is None else code
        self.message = message or self.code
        if data is not _NOT_GIVEN or not hasattr(kind, "data"):
            self.data = None if data is _NOT_GIVEN else data
        super().__init__(self.message)


class AuthError(Refusal, code="unauthorized"):
    """Refused credentials: the peer gets message type 6 and is closed with 4003.

    In answer to a handshake that carries the credentials, peers that name no contract get HTTP 401,
    or 403 with another code (`Policies.handshake_refusal`).
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
    text = f"{old} is called {new} now; the old name goes with the next minor release."
    warn_caller(text, caller(), DeprecationWarning)


def warn_caller(message: str, place: str, category: type[Warning]) -> None:
    """Warn the application's code at a place that `caller` gave."""
    file, _, line = place.rpartition(":")
    warnings.warn_explicit(message, category, file or "?", int(line) if line.isdigit() else 1)


def caller() -> str:
    """Return `file:line` of the application's code that called the framework.

    The standard library and event loops between, as under `asyncio.run(app.serve())`, are passed.
    """
    frame = inspect.currentframe()
    while frame is not None:
        if _is_application(frame):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return "?"  # pragma: no cover - somebody outside the framework always called it


def raised_at(error: BaseException) -> str:
    """Return `file:line` of the application's code that raised an exception, "?" if none did."""
    place = "?"
    for frame, line in walk_tb(error.__traceback__):
        if _is_application(frame):
            place = f"{frame.f_code.co_filename}:{line}"
    return place


def _is_application(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name.partition(".")[0] not in _NOT_CALLERS
