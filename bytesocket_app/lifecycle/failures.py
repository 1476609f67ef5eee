"""Boundary for failures: all exceptions of an application's code end in `Failures.end`.

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
``FINAL_CALLBACK``                       a validator that breaks; a serializer, for example of a
                                         relay
``EVERY``                                a turn of `@app.every`, which does not end here but in
                                         `serving.timers`: there is nobody to answer
=======================================  ==================================================

On the wire a refusal in a handler has the phase ``handler``, in a room too.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol

from bytesocket_app.errors import ErrorContext, Phase, Refusal, UndeclaredAnswer
from bytesocket_app.event_loop import is_cancellation, is_group
from bytesocket_app.lifecycle.promises import UNTYPED, Promises
from bytesocket_app.logs import text_of
from bytesocket_app.transports.http_errors import http_refusal
from bytesocket_app.types import CodecName
from bytesocket_app.wire.shapes import NULL

logger = logging.getLogger("bytesocket")

INTERNAL: Final = "Something went wrong on the server."
"""Message that a peer gets for a failure that is not a refusal."""

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
"""Phases that the origin does not report to its error hooks (protocol.md section 7)."""


class ErrorHooks(Protocol):
    """Function that calls the application's error hooks."""

    def __call__(self, socket: Any, context: ErrorContext, /) -> Awaitable[None]:
        """Call all error hooks."""
        ...


class Failures:
    """Boundary where exceptions of an application's code end.

    Args:
        tell: Calls the error hooks.
        as_origin: True to call them only for the failures that the origin reports.
        strict: True if an answer that is not declared is a failure.

    Attributes:
        promises: Compares what functions answer with what they declare.
    """

    def __init__(self, tell: ErrorHooks, *, as_origin: bool = False, strict: bool = False) -> None:
        self._tell = tell
        self._as_origin = as_origin
        self.promises = Promises(strict=strict)

    async def end(  # noqa: PLR0913 - most are keywords, each for another aspect of the failure
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
        raises: Iterable[type[Refusal]] | None = None,
        answer: Callable[[Refusal], object] | None = None,
        codec: CodecName | None = None,
    ) -> Refusal:
        """Handle an exception: log it, answer the peer, and call the error hooks.

        A `Refusal`, or an `HTTPException` below 500, is a refusal, logged at DEBUG. Everything else
        is a crash: it is logged at ERROR with its traceback, and the peer is told `internal`.
        Crashes include a `CancelledError` without a cancelled scope, `SystemExit`, and the
        application's own subclasses of `BaseException`. A group with a single exception counts as
        that exception. A refusal that is not what its class or `raises=` says is a crash; see
        `Promises.kept`.

        Args:
            error: The exception.
            phase: The phase for the error hooks; see the table above.
            what: The source of the exception, for the log: "handler app.py:7 of 'chat:post'".
            socket: The connection; None without one.
            about: Further words for the log: " on 'chat:post'".
            event: The event's name; None outside the handling of an event.
            code: The close code that follows; None for phases without one.
            tell: False to leave out the error hooks, as they were called for an earlier error.
            raises: The refusals that are declared there; None where none can be.
            answer: Called with the refusal for the peer, before any hook runs.
            codec: The codec to write the refusal's data for, where there is no socket.

        Returns:
            The refusal for the peer.

        Raises:
            BaseException: The error itself if it must propagate: `KeyboardInterrupt`,
                `GeneratorExit`, and the cancellation of a cancelled scope.
        """
        error = leaf(error)
        if must_pass(error):
            raise error
        if isinstance(error, Refusal):
            known = codec or getattr(socket, "codec", None)
            error, refusal = self._outcome(error, what, raises, known)
        else:
            refusal = refusal_of(error)
        if refusal is None:
            if isinstance(error, UndeclaredAnswer):
                about = f"{about}: {error}"
            logger.error("%s failed%s, %s", what, about, socket, exc_info=error)
            refusal = StandIn(error, INTERNAL, code="internal")
        else:
            logger.debug("%s refused (%s)%s, %s", what, refusal.code, text_of(refusal), socket)
        if answer is not None:
            answer(refusal)
        if tell:
            cause = error.error if isinstance(error, StandIn) else error
            await self.report(socket, ErrorContext(phase, cause, code=code, event=event))
        return refusal

    def compared(
        self,
        error: BaseException,
        what: str,
        raises: Iterable[type[Refusal]],
        socket: Any,
    ) -> BaseException:
        """Return what to raise in place of an exception on its way to `end`, or the exception.

        For a function whose declared refusals are not known where its exceptions end.

        Args:
            error: The exception.
            what: Its source, for the log.
            raises: The refusals that are declared for the source.
            socket: The connection.
        """
        refused = leaf(error)
        if not isinstance(refused, Refusal):
            return error
        told, refusal = self._outcome(refused, what, raises, getattr(socket, "codec", None))
        if refusal is refused:
            return error
        return told if refusal is None else refusal

    def _outcome(
        self,
        refusal: Refusal,
        what: str,
        raises: Iterable[type[Refusal]] | None,
        codec: CodecName | None,
    ) -> tuple[BaseException, Refusal | None]:
        """Compare a refusal with its declaration.

        Returns:
            (error, refusal): what the application hears of, and what the peer gets; None if the
            refusal is a crash.
        """
        try:
            data = self.promises.kept(refusal, what, raises, codec)
        except Exception as broken:  # noqa: BLE001 - the boundary; a validator may raise anything
            return broken, None
        if data is UNTYPED:
            return refusal, refusal
        data = NULL if data is None else data
        return refusal, StandIn(refusal, refusal.message, code=refusal.code, data=data)

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
        """Handle a step that took too long: log it, answer the peer, and call the error hooks.

        Args:
            phase: The phase for the error hooks; see the table above.
            what: The step that took too long, for the log.
            error: The error for the error hooks.
            socket: The connection.
            about: Further words for the log.
            event: The event's name; None outside the handling of an event.
            answer: Called before any hook runs.
        """
        logger.error("%s took too long%s, %s", what, about, socket)
        if answer is not None:
            answer()
        await self.report(socket, ErrorContext(phase, error, event=event))

    async def report(self, socket: Any, context: ErrorContext) -> None:
        """Call the error hooks for a failure that is already logged and answered."""
        if not (self._as_origin and context.phase in _UNHEARD):
            await self._tell(socket, context)


class StandIn(Refusal):
    """Refusal that a peer gets in place of an exception that is not a refusal.

    Attributes:
        error: The exception.
    """

    def __init__(self, error: BaseException, message: str, *, code: str, data: Any = None) -> None:
        super().__init__(message, code=code, data=data)
        self.error = self.__cause__ = error


def refusal_of(error: BaseException) -> Refusal | None:
    """Return an exception as a refusal; None for a crash."""
    if isinstance(error, Refusal):
        return error
    found = http_refusal(error)
    if found is None:
        return None
    return StandIn(error, found.message, code=found.code, data=found.data)


def leaf(error: BaseException) -> BaseException:
    """Return the exception in a group of one, also in nested groups; others unchanged.

    A task group wraps the exception of a failed task in a group, which adds no information.
    """
    while is_group(error) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def must_pass(error: BaseException) -> bool:
    """Return True for an exception that must propagate.

    `KeyboardInterrupt` ends the connection, `GeneratorExit` closes a coroutine, and the
    cancellation of a cancelled scope ends that scope. A group must propagate if one of its
    exceptions must.
    """
    if isinstance(error, Exception):
        return False
    if is_group(error):
        return any(must_pass(inner) for inner in error.exceptions)
    return isinstance(error, KeyboardInterrupt | GeneratorExit) or is_cancellation(error)
