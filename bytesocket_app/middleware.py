"""Middleware around dispatch: each step passes on the message, or another one, or none."""

import inspect
import reprlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from bytesocket_app.arguments import is_async
from bytesocket_app.errors import ConfigurationError, where
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName, EventName, RequestId


@dataclass(frozen=True)
class Message:
    """Decoded message, not yet validated, as middleware sees it.

    Attributes:
        event: The event's name, None where the message names none.
        data: The payload as the codec gave it.
        room: The room of the message; None for one without a room, or for several.
        rooms: The rooms of a bulk message; None otherwise.
        id: The id of a request, which its reply repeats; None for no request.
        codec: The codec of the message, on which the validation of `data` depends.
        has_data: True if the message has a member `data`; without one, `data` is None.
    """

    event: EventName | None = None
    data: Any = None
    room: str | None = None
    rooms: tuple[str, ...] | None = None
    id: RequestId | None = None
    codec: CodecName = "json"
    has_data: bool = True


CallNext: TypeAlias = Callable[[Message], Awaitable[Any]]
"""Function that passes a message on, and returns the reply when the rest of the chain is done.

The reply is None for a relay, for a handler without reply, and for concurrent handlers, which may
still run. Raises the handler's exception, `Refusal(code="timeout")` for a handler that took too
long, `Refusal(code="cancelled")` for one with `cancel_on_close` whose connection ended, and
RuntimeError for a second call.
"""

Middleware: TypeAlias = Callable[[Socket[Any], Message, CallNext], Awaitable[Any]]
"""Step of middleware: `async def log(socket, message, call_next): await call_next(message)`.

The client gets the handler's reply, or the refusal for an exception that leaves the chain. A step
returns that reply or nothing: nobody reads another value, which is logged once, and is an exception
under `ByteSocket(strict=True)`.
"""

Unread: TypeAlias = Callable[[Middleware, object], None]
"""Function that is told of a step's returned value that is not the reply."""


class MiddlewareChain:
    """Chain of steps: the application's, or those of a router and the routers around it.

    Attributes:
        steps: All steps, outermost first.
        source: Where they stand, for the log.
        inner: The chains that run inside this one.
    """

    __slots__ = ("_outer", "_own", "inner", "source", "steps")

    def __init__(self, outer: "MiddlewareChain | None" = None) -> None:
        self._own: tuple[Middleware, ...] = ()
        self._outer: MiddlewareChain | None = None
        self.inner: list[MiddlewareChain] = []
        self.steps: tuple[Middleware, ...] = ()
        self.source = ""
        if outer is not None:
            self.stand_in(outer)

    def add(self, step: Middleware) -> None:
        """Add a step at the end.

        Raises:
            ConfigurationError: The step is a plain `def`, which could not await the rest of the
                chain, or does not take `(socket, message, call_next)`.
        """
        problem = None
        if not callable(step) or not is_async(step):
            problem = "write `async def`, so that it can `await call_next(message)`"
        elif not _takes_three(step):
            problem = "it is called with three arguments, `(socket, message, call_next)`"
        if problem is not None:
            raise ConfigurationError(
                f"{getattr(step, '__qualname__', step)!s} ({where(step)}) cannot be middleware: "
                f"{problem}."
            )
        self._own = (*self._own, step)
        self.settle()

    def stand_in(self, outer: "MiddlewareChain") -> None:
        """Run inside another chain from now on."""
        self._outer = outer
        outer.inner.append(self)
        self.settle()

    def run(
        self,
        socket: Socket[Any],
        message: Message,
        last: Callable[[Message], Awaitable[Any]],
        unread: Unread = lambda _step, _value: None,
    ) -> Awaitable[Any]:
        """Send a message through all steps and then to `last`.

        A step that does not call `call_next` stops the message. An exception of a step leaves the
        awaitable that is returned.
        """
        steps = self.steps
        if not steps:
            return last(message)
        return steps[0](socket, message, _Rest(steps, 1, socket, last, unread))

    def settle(self) -> None:
        """Recompute the steps, and those of the chains inside this one."""
        self.steps = (*(() if self._outer is None else self._outer.steps), *self._own)
        self.source = ", ".join(map(where, self.steps))
        for chain in self.inner:
            chain.settle()


def _takes_three(step: Callable[..., Any]) -> bool:
    try:
        inspect.signature(step).bind(None, None, None)
    except TypeError:
        return False
    return True


_MISSING: Final[Any] = None
"""Stands for the message that a step forgot to pass on."""


def no_message(value: object) -> TypeError:
    """Make the error for what a step passed on in place of a message."""
    return TypeError(
        f"call_next takes a Message, not {reprlib.repr(value)}: call_next(message), or "
        "call_next(dataclasses.replace(message, data=...))"
    )


class _Rest:
    """Rest of a chain after a step, which is that step's `call_next`; callable once.

    Attributes:
        reply: The reply so far.
    """

    __slots__ = ("_index", "_is_called", "_last", "_socket", "_steps", "_unread", "reply")

    def __init__(
        self,
        steps: tuple[Middleware, ...],
        index: int,
        socket: Socket[Any],
        last: Callable[[Message], Awaitable[Any]],
        unread: Unread,
    ) -> None:
        self._unread = unread
        self._steps = steps
        self._index = index
        self._socket = socket
        self._last = last
        self._is_called = False
        self.reply: Any = None

    def __call__(self, message: Message = _MISSING) -> Awaitable[Any]:
        steps, index = self._steps, self._index
        if self._is_called:
            step = steps[index - 1]
            raise RuntimeError(
                f"{getattr(step, '__qualname__', step)!s} ({where(step)}) calls `call_next` a "
                "second time: a message is handled once. Keep the reply of the first call."
            )
        self._is_called = True
        # The only step gets the reply at first hand: a coroutine less for most applications.
        return self._last(message) if len(steps) == 1 else self.call_next(message)

    async def call_next(self, message: Message) -> Any:
        """Go on; named as users know it, for the warning about a missing `await`."""
        steps, index = self._steps, self._index
        if index == len(steps):
            self.reply = await self._last(message)
        else:
            if not isinstance(message, Message):  # pyright: ignore[reportUnnecessaryIsInstance] - what users write
                raise no_message(message)
            rest = _Rest(steps, index + 1, self._socket, self._last, self._unread)
            value = await steps[index](self._socket, message, rest)
            self.reply = rest.reply
            if value is not None and value is not rest.reply:
                self._unread(steps[index], value)
        return self.reply
