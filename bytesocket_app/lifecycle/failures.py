"""Boundary for failures: whatever an application's code raises ends in `Failures.end`.

=======================================  ==================================================
phase of the error hooks                 raised by
=======================================  ==================================================
``UPGRADE OPEN MESSAGE CLOSE``           hooks of that kind
``AUTH_SUCCESS AUTH_ERROR``
``AUTH``                                 the authentication function, its dependencies, `key=`
``MIDDLEWARE``                           a step of the application's or of a router
``MIDDLEWARE_TIMEOUT``                   a step that took too long
``HANDLER``                              a handler outside rooms, its dependencies and clean-up
``ROOM_MESSAGE``                         the same for a message into one room
``ROOMS_MESSAGE``                        the same for a message into several rooms
``JOIN_ROOM JOIN_ROOMS LEAVE_ROOM        guards, and the rooms' join and leave hooks
LEAVE_ROOMS``
``VALIDATION DECODE``                    a payload or a frame of the peer's, by the framework
``FINAL_CALLBACK``                       a serializer: of a reply, a relay, a refusal's data
=======================================  ==================================================

On the wire a refusal in a handler has the phase ``handler``, in a room too.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from typing_extensions import TypeIs

from bytesocket_app.errors import ErrorContext, Phase, Refusal
from bytesocket_app.event_loop import is_cancellation
from bytesocket_app.transports.http_errors import http_refusal

logger = logging.getLogger("bytesocket")

INTERNAL: Final = "Something went wrong on the server."
"""All that a peer learns of a failure that is no refusal."""

_UNHEARD: Final = frozenset(
    {
        Phase.AUTH,
        Phase.HANDLER,
        Phase.JOIN_ROOM,
        Phase.JOIN_ROOMS,
        Phase.LEAVE_ROOM,
        Phase.LEAVE_ROOMS,
    }
)
"""Phases of which the origin's error hooks hear nothing (protocol.md section 7)."""


class ErrorHooks(Protocol):
    """The application's error hooks."""

    def __call__(self, socket: Any, context: ErrorContext, /) -> Awaitable[None]:
        """Call all of them."""
        ...


class Failures:
    """The one place where exceptions of an application's code end.

    Args:
        tell: Calls the error hooks.
        as_origin: True if they hear only what the origin's hear.
    """

    def __init__(self, tell: ErrorHooks, *, as_origin: bool = False) -> None:
        self._tell = tell
        self._as_origin = as_origin

    async def end(  # noqa: PLR0913 - by keyword, each says another thing of the failure
        self,
        error: BaseException,
        phase: Phase,
        what: str,
        *,
        socket: Any = None,
        about: str = "",
        event: object = None,
        code: int | None = None,
        tell: bool = True,
        answer: Callable[[Refusal], object] | None = None,
    ) -> Refusal:
        """End an exception: log it, answer for it, and tell the error hooks.

        A `Refusal`, or an `HTTPException` below 500, is a normal "no", logged at DEBUG. Everything
        else is a crash: one ERROR line with its traceback, and `internal` for the asker. That holds
        for a stray `CancelledError`, a `BaseException` of somebody's own and `SystemExit` too. A
        group of exceptions with one leaf is that leaf.

        Args:
            error: What was raised.
            phase: Where; see the table above.
            what: What raised it, for the log: "handler app.py:7 of 'chat:post'".
            socket: The connection, where there is one.
            about: What it was at, for the log: " on 'chat:post'".
            event: The event's name, where one was being handled.
            code: The close code that follows, where the phase has one.
            tell: False where the error hooks have heard of an earlier error of the same kind.
            answer: Called with the refusal that the peer is to get, before any hook runs.

        Returns:
            That refusal.

        Raises:
            BaseException: The error itself where it must go on: `KeyboardInterrupt`,
                `GeneratorExit`, and a cancellation that somebody asked for.
        """
        error = leaf(error)
        if must_pass(error):
            raise error
        refusal = refusal_of(error)
        if refusal is None:
            logger.error("%s failed%s, %s", what, about, socket, exc_info=error)
            refusal = StandIn(error, INTERNAL, code="internal")
        else:
            logger.debug("%s refused (%s): %s, %s", what, refusal.code, refusal.message, socket)
        if answer is not None:
            answer(refusal)
        if tell:
            cause = error.error if isinstance(error, StandIn) else error
            await self.report(socket, ErrorContext(phase, cause, code=code, event=event))
        return refusal

    async def late(
        self,
        phase: Phase,
        what: str,
        error: TimeoutError,
        *,
        socket: Any,
        about: str = "",
        event: object = None,
        answer: Callable[[], object] | None = None,
    ) -> None:
        """End a step that took too long: log it, answer for it, and tell the error hooks.

        Args:
            phase: Where; see the table above.
            what: What took too long, for the log.
            error: What the error hooks are told.
            socket: The connection.
            about: What it was at, for the log.
            event: The event's name, where one was being handled.
            answer: Called before any hook runs.
        """
        logger.error("%s took too long%s, %s", what, about, socket)
        if answer is not None:
            answer()
        await self.report(socket, ErrorContext(phase, error, event=event))

    async def report(self, socket: Any, context: ErrorContext) -> None:
        """Tell the error hooks of a failure that is logged and answered for."""
        if not (self._as_origin and context.phase in _UNHEARD):
            await self._tell(socket, context)


class StandIn(Refusal):
    """What a peer is told in place of an exception that is no refusal itself.

    Attributes:
        error: That exception.
    """

    def __init__(self, error: BaseException, message: str, *, code: str, data: Any = None) -> None:
        super().__init__(message, code=code, data=data)
        self.error = self.__cause__ = error


def refusal_of(error: BaseException) -> Refusal | None:
    """Return the refusal that an exception is, or stands for; None for a crash."""
    if isinstance(error, Refusal):
        return error
    found = http_refusal(error)
    if found is None:
        return None
    return StandIn(error, found.message, code=found.code, data=found.data)


def leaf(error: BaseException) -> BaseException:
    """Return the one exception in a group, or in groups within it; other exceptions as they are.

    A task group wraps what its one failing task raised, which says no more than that does.
    """
    while _is_group(error) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def must_pass(error: BaseException) -> bool:
    """Return True for what nobody may stop.

    `KeyboardInterrupt` ends the server, `GeneratorExit` a coroutine that is being closed, and a
    cancellation that somebody asked for the work that it was asked for. A group passes with what
    is in it.
    """
    if isinstance(error, Exception):
        return False
    if _is_group(error):
        return any(must_pass(inner) for inner in error.exceptions)
    return isinstance(error, KeyboardInterrupt | GeneratorExit) or is_cancellation(error)


def _is_group(error: BaseException) -> TypeIs[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)
