"""Hooks: functions that are told what happens to connections (protocol.md section 7)."""

import logging
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from bytesocket_app.errors import ErrorContext, Phase
from bytesocket_app.registry import Registry
from bytesocket_app.signature import Bound, Offer, bind, by_name, by_type
from bytesocket_app.socket import Socket
from bytesocket_app.transports import Handshake

logger = logging.getLogger("bytesocket")

F = TypeVar("F", bound=Callable[..., Any])


class HookKind(Enum):
    """The seven hooks, by the phase that an error in one is reported under."""

    UPGRADE = Phase.UPGRADE
    OPEN = Phase.OPEN
    AUTH_SUCCESS = Phase.AUTH_SUCCESS
    AUTH_ERROR = Phase.AUTH_ERROR
    MESSAGE = Phase.MESSAGE
    CLOSE = Phase.CLOSE
    ERROR = None


_SOCKET = Offer("the socket (Socket)", by_type(Socket, "socket"))
_CONTEXT = Offer("the error context (ErrorContext)", by_type(ErrorContext, "context"))

OFFERS: dict[HookKind, tuple[Offer, ...]] = {
    HookKind.UPGRADE: (Offer("the handshake (Handshake)", by_type(Handshake, "handshake")),),
    HookKind.OPEN: (_SOCKET,),
    HookKind.AUTH_SUCCESS: (_SOCKET,),
    HookKind.AUTH_ERROR: (_SOCKET, _CONTEXT),
    HookKind.MESSAGE: (
        _SOCKET,
        Offer("the message as it came (payload: str | bytes)", by_name("payload")),
        Offer("whether it is binary (is_binary: bool)", by_name("is_binary", bool)),
    ),
    HookKind.CLOSE: (
        _SOCKET,
        Offer("the close code (code: int)", by_name("code", int)),
        Offer("the close reason (reason: str)", by_name("reason", str)),
    ),
    HookKind.ERROR: (_SOCKET, _CONTEXT),
}


class Hook:
    """One kind of hook: call it as a decorator to add, `once` to add for one time, `remove`."""

    __slots__ = ("_kind", "_registry")

    def __init__(self, kind: HookKind, registry: Registry[HookKind, Bound]) -> None:
        self._kind = kind
        self._registry = registry

    def __call__(self, function: F) -> F:
        """Add a function; adding it twice is adding it once."""
        self._registry.add(self._kind, self._bound(function), identity=function)
        return function

    def once(self, function: F) -> F:
        """Add a function for the next time only."""
        bound = self._bound(function)
        self._registry.add(self._kind, bound, identity=function, once=True)
        return function

    def remove(self, function: Callable[..., Any] | None = None) -> None:
        """Remove a function and its pending `once`; all functions without an argument."""
        self._registry.remove(self._kind, function)

    def _bound(self, function: Callable[..., Any]) -> Bound:
        name = self._kind.name.lower()
        return bind(function, OFFERS[self._kind], role=f"a lifecycle.{name} hook")


class Lifecycle:
    """All hooks of one application: `app.lifecycle`."""

    def __init__(self) -> None:
        self._registry: Registry[HookKind, Bound] = Registry()
        self.upgrade = Hook(HookKind.UPGRADE, self._registry)
        self.open = Hook(HookKind.OPEN, self._registry)
        self.auth_success = Hook(HookKind.AUTH_SUCCESS, self._registry)
        self.auth_error = Hook(HookKind.AUTH_ERROR, self._registry)
        self.message = Hook(HookKind.MESSAGE, self._registry)
        self.close = Hook(HookKind.CLOSE, self._registry)
        self.error = Hook(HookKind.ERROR, self._registry)

    def has(self, kind: HookKind) -> bool:
        """Whether anybody listens, so that nothing is paid when nobody does."""
        return kind in self._registry

    async def run(self, kind: HookKind, socket: Socket[Any] | None, *values: Any) -> bool:
        """Call all hooks of a kind, even if one raises; False if one did.

        This is one of the two boundaries where an application's exceptions end: each is logged,
        and the first is reported to the error hooks under the kind's phase.
        """
        first: Exception | None = None
        for bound in self._registry.take(kind):
            try:
                await bound.invoke(*values)
            except Exception as exc:
                logger.exception("hook %s failed, %s", bound.source, socket)
                first = first or exc
        if first is not None and kind.value is not None:
            await self.report(socket, ErrorContext(kind.value, first))
        return first is None

    async def report(self, socket: Socket[Any] | None, context: ErrorContext) -> None:
        """Tell the error hooks."""
        if self.has(HookKind.ERROR):
            await self.run(HookKind.ERROR, socket, socket, context)
