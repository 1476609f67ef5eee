"""Middleware at work: a message goes through a chain of steps, and its answer waits for them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from anyio import Event

from bytesocket_app.dispatch.answers import INTERNAL, STOPPED, refuse_now, settle
from bytesocket_app.dispatch.incoming import Answer, Incoming
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import ErrorCode, Phase, Refusal, where
from bytesocket_app.lifecycle.failures import leaf
from bytesocket_app.lifecycle.promises import meant_otherwise
from bytesocket_app.middleware import Message, Middleware, MiddlewareChain, Unread
from bytesocket_app.wire.close import CloseCode

_MIDDLEWARE: Final = Phase.MIDDLEWARE

Last: TypeAlias = Callable[[Incoming], Awaitable[Any]]
"""Takes a message that got through all steps to its handlers."""


class _Passage:
    """Passage of one message through one chain, with the end of the chain.

    Attributes:
        is_over: True after the chain has returned, or after an exception left it.
        is_running: True while the end of the chain is at work on the message.
    """

    __slots__ = (
        "_answer",
        "_chain",
        "_ended",
        "_last",
        "_message",
        "_seconds",
        "_shown",
        "_step",
        "_unread",
        "is_over",
        "is_running",
    )

    def __init__(
        self,
        step: Step,
        message: Incoming,
        answer: Answer,
        chain: MiddlewareChain,
        last: Last,
        seconds: float,
        unread: Unread,
    ) -> None:
        self._step = step
        self._unread = unread
        self._message = message
        self._answer = answer
        self._chain = chain
        self._last = last
        self._seconds = seconds
        self._shown = message.frozen()
        self._ended: Event | None = None
        self.is_over = self.is_running = False

    async def run(self) -> None:
        """Send the message through the steps.

        A step may return while another task is inside its `call_next`: the passage lasts until that
        is done too, as the connection's step is at work there.
        """
        step = self._step
        step.message, step.source = self._message, self._chain.source
        step.start(_MIDDLEWARE, self._seconds)
        try:
            try:
                value = await self._chain.run(
                    step.socket, self._shown, self.call_next, self._unread
                )
                if value is not None and value is not self._answer.value:
                    self._unread(self._chain.steps[0], value)
            except Exception:
                if self.is_running:
                    await self._end_of_running()
                raise
            if self.is_running:
                await self._end_of_running()
        finally:
            self.is_over = True

    async def call_next(self, passed_on: Message) -> Any:
        """Pass the message on, for the last step; returns the reply."""
        step, answer, message = self._step, self._answer, self._message
        if self.is_over or answer.is_over:
            raise RuntimeError(self._too_late())
        is_same = passed_on is self._shown
        came = message if is_same else Incoming.passed_on(passed_on, answer, message.size)
        answer.is_reached = self.is_running = True
        step.start(_MIDDLEWARE, 0)
        try:
            await self._last(came)
        finally:
            self.is_running = False
            if self._ended is not None:
                self._ended.set()
        if self.is_over or answer.is_over:
            raise RuntimeError(self._too_late())
        step.start(_MIDDLEWARE, self._seconds)
        step.message, step.source = message, self._chain.source
        return answer.result()

    async def _end_of_running(self) -> None:
        self._ended = Event()
        await self._ended.wait()

    def _too_late(self) -> str:
        steps = ", ".join(
            f"{getattr(each, '__qualname__', each)!s} ({where(each)})" for each in self._chain.steps
        )
        return (
            f"`call_next` for {self._message.event!r}, which is answered already, in middleware "
            f"{steps}: await `call_next` before the step returns."
        )


class Filters:
    """Sends messages through middleware.

    Args:
        runtime: The parts of the application.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._failures = runtime.lifecycle.failures
        self._catalogue = runtime.catalogue
        self._lifecycle = runtime.lifecycle
        self._seconds = runtime.settings.timeouts.middleware
        self._policies = runtime.settings.policies

    async def around(
        self, step: Step, message: Incoming, chain: MiddlewareChain, last: Last
    ) -> None:
        """Send a message through a chain, and answer it if no other chain is around this one."""
        if message.answer is not None:
            await self.within(step, message, chain, last)
            return
        answer = message.answer = Answer()
        try:
            await _Passage(step, message, answer, chain, last, self._seconds, self._unread).run()
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            await self._left(step, message, answer, exc)
        else:
            _check_swallowed(answer)
            settle(step, message, answer)
        finally:
            step.done()

    async def within(
        self, step: Step, message: Incoming, chain: MiddlewareChain, last: Last
    ) -> None:
        """Send a message through a chain that another one is around: what failed is noted."""
        answer = message.answer
        assert answer is not None  # noqa: S101 - whoever is around holds it
        answer.is_reached = False
        try:
            await _Passage(step, message, answer, chain, last, self._seconds, self._unread).run()
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            if answer.failed is None or leaf(exc) is not answer.error:
                answer.failed = None
                await self._end(
                    step, message, exc, lambda refusal: answer.fail(refusal, _MIDDLEWARE, None)
                )
        else:
            _check_swallowed(answer)
            if not answer.is_reached and message.id is not None:
                answer.fail(STOPPED, _MIDDLEWARE, None)

    def _unread(self, step: Middleware, value: object) -> None:
        """Take note of what a step returned that is not the reply."""
        remedy = meant_otherwise(value) or (
            "the reply is the handler's. Return the reply of `call_next`, or nothing."
        )
        self._failures.promises.unread("middleware", where(step), value, remedy)

    async def _left(
        self, step: Step, message: Incoming, answer: Answer, error: BaseException
    ) -> None:
        """Answer for an exception that left the middleware: the handler's, or its own."""

        def say(refusal: Refusal) -> None:
            answer.is_over = True  # what takes too long from here on is answered already
            refuse_now(step, message, answer.phase, refusal, details=answer.details)

        failed = answer.failed
        if failed is not None and leaf(error) is answer.error:
            say(failed)  # it has ended in the boundary, where it was raised
        else:
            answer.phase, answer.details = _MIDDLEWARE, None
            await self._end(step, message, error, say)

    async def _end(
        self,
        step: Step,
        message: Incoming,
        error: BaseException,
        answer: Callable[[Refusal], None],
    ) -> None:
        """End what a step raised: answer, tell the error hooks, do what the settings say."""
        refusal = await self._failures.end(
            error,
            _MIDDLEWARE,
            "middleware",
            about=f" on {self._catalogue.shown(message.event)}",
            socket=step.socket,
            event=message.event,
            answer=answer,
        )
        cause = leaf(error)
        if refusal.code == ErrorCode.INTERNAL or self._policies.errors == "origin":
            await self.act(step, self._policies.middleware_error, cause, refusal.message)

    async def act(self, step: Step, action: Any, error: BaseException, reason: str) -> None:
        """Do what the settings say of failed middleware."""
        if action == "close":
            step.sending.shut(CloseCode.INTERNAL, reason)
        elif callable(action):
            await self._lifecycle.call(action, error, step.socket)


def _check_swallowed(answer: Answer) -> None:
    """Make the answer `internal` where the steps returned although what they passed on failed."""
    if answer.failed is not None:
        answer.failed, answer.phase, answer.details = INTERNAL, _MIDDLEWARE, None
