"""The onion around dispatch: each step passes a message on, perhaps another one, or stops it."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from bytesocket_app.arguments import is_async
from bytesocket_app.errors import ConfigurationError, where
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName, EventName, RequestId


@dataclass(frozen=True)
class Message:
    """A decoded message, not yet validated, as middleware sees it.

    Attributes:
        event: The event's name, None where the message names none.
        data: The payload as the codec gave it.
        room: The room it was sent into, None for a global event.
        rooms: The rooms of a bulk message, None otherwise.
        id: What the reply will carry, None where no reply is asked for.
        codec: What it came in, which decides how `data` is validated.
        has_data: Whether there was a `data` at all; without, `data` is None.
    """

    event: EventName | None = None
    data: Any = None
    room: str | None = None
    rooms: tuple[str, ...] | None = None
    id: RequestId | None = None
    codec: CodecName = "json"
    has_data: bool = True


CallNext: TypeAlias = Callable[[Message], Awaitable[None]]
"""Pass a message on; returns when all that come after are done with it."""

Middleware: TypeAlias = Callable[[Socket[Any], Message, CallNext], Awaitable[None]]
"""A step: `async def log(socket, message, call_next): await call_next(message)`."""


class MiddlewareChain:
    """The registered steps.

    Attributes:
        steps: They, in order.
    """

    def __init__(self) -> None:
        self.steps: tuple[Middleware, ...] = ()

    def add(self, step: Middleware) -> None:
        """Add a step at the end.

        Raises:
            ConfigurationError: It is a plain `def`, which could not await the rest of the chain,
                or it does not take the three arguments.
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
        self.steps = (*self.steps, step)

    def run(
        self, socket: Socket[Any], message: Message, last: Callable[[Message], Awaitable[None]]
    ) -> Awaitable[None]:
        """Send a message through all steps and then to `last`.

        A step that does not call `call_next` stops the message; calling it twice does it twice.
        What a step raises comes out of what is returned.
        """
        return _enter(self.steps, 0, socket, message, last) if self.steps else last(message)


def _takes_three(step: Callable[..., Any]) -> bool:
    try:
        inspect.signature(step).bind(None, None, None)
    except TypeError:
        return False
    return True


class _Rest:
    """What is left of a chain: the `call_next` of the step before."""

    __slots__ = ("_index", "_last", "_socket", "_steps")

    def __init__(
        self,
        steps: tuple[Middleware, ...],
        index: int,
        socket: Socket[Any],
        last: Callable[[Message], Awaitable[None]],
    ) -> None:
        self._steps = steps
        self._index = index
        self._socket = socket
        self._last = last

    def __call__(self, message: Message) -> Awaitable[None]:
        return _enter(self._steps, self._index, self._socket, message, self._last)


def _enter(
    steps: tuple[Middleware, ...],
    index: int,
    socket: Socket[Any],
    message: Message,
    last: Callable[[Message], Awaitable[None]],
) -> Awaitable[None]:
    """Call a step, with what comes after it as its `call_next`."""
    rest = last if index + 1 == len(steps) else _Rest(steps, index + 1, socket, last)
    return steps[index](socket, message, rest)
