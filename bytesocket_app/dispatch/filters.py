"""Middleware at work: a message goes through a chain of steps, and its answer waits for them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from bytesocket_app.dispatch.answers import INTERNAL, STOPPED, refuse, settle
from bytesocket_app.dispatch.incoming import Answer, Incoming
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.lifecycle.failures import leaf, refusal_of
from bytesocket_app.middleware import Message, MiddlewareChain
from bytesocket_app.wire.close import CloseCode

_MIDDLEWARE: Final = Phase.MIDDLEWARE

Last: TypeAlias = Callable[[Incoming], Awaitable[Any]]
"""Takes a message that got through all steps to its handlers."""


class Filters:
    """Sends messages through middleware.

    Args:
        runtime: The parts of the application.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._failures = runtime.lifecycle.failures
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
            await self._run(step, message, answer, chain, last)
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            await self._left(step, message, answer, exc)
        else:
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
            await self._run(step, message, answer, chain, last)
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            if answer.failed is None or leaf(exc) is not answer.error:
                answer.failed = None
                await self._end(
                    step, message, exc, lambda refusal: answer.fail(refusal, _MIDDLEWARE, None)
                )
        else:
            if answer.failed is not None:  # a step swallowed it
                answer.failed, answer.phase, answer.details = INTERNAL, _MIDDLEWARE, None
            elif not answer.is_reached:
                answer.fail(STOPPED, _MIDDLEWARE, None)
                answer.is_reached = False

    async def _run(
        self, step: Step, message: Incoming, answer: Answer, chain: MiddlewareChain, last: Last
    ) -> None:
        seconds = self._seconds
        step.message = message
        step.start(_MIDDLEWARE, seconds)
        shown = message.frozen()

        async def call_next(passed_on: Message) -> Any:
            came = message if passed_on is shown else Incoming.passed_on(passed_on, answer)
            answer.is_reached = True
            step.start(_MIDDLEWARE, 0)
            await last(came)
            step.start(_MIDDLEWARE, seconds)
            step.message = message
            return answer.result()

        await chain.run(step.socket, shown, call_next)

    async def _left(
        self, step: Step, message: Incoming, answer: Answer, error: BaseException
    ) -> None:
        """Answer for an exception that left the middleware: the handler's, or its own."""

        def say(refusal: Refusal) -> None:
            message.answer = None  # what takes too long from here on is answered already
            refuse(step, message, answer.phase, refusal, details=answer.details)

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
        refused = refusal_of(leaf(error))
        refusal = await self._failures.end(
            error,
            _MIDDLEWARE,
            "middleware",
            about=f" on {message.event!r}",
            socket=step.socket,
            event=message.event,
            answer=answer,
        )
        if refused is None or self._policies.errors == "origin":
            await self.act(step, self._policies.middleware_error, leaf(error), refusal.message)

    async def act(self, step: Step, action: Any, error: BaseException, reason: str) -> None:
        """Do what the settings say of failed middleware."""
        if action == "close":
            step.sending.shut(CloseCode.INTERNAL, reason)
        elif callable(action):
            await self._lifecycle.call(action, error, step.socket)
