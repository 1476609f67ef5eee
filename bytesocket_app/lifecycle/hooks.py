"""Hooks: functions called for the events of connections (protocol.md section 7)."""

import logging
from collections.abc import Callable, Iterator
from enum import Enum
from inspect import isawaitable
from typing import Any, Final

from anyio import move_on_after

from bytesocket_app.dependencies import bind
from bytesocket_app.errors import ErrorContext, Phase, UndeclaredAnswer, where
from bytesocket_app.event_loop import ends_everything
from bytesocket_app.lifecycle.failures import Failures, StandIn
from bytesocket_app.lifecycle.promises import meant_otherwise, meant_to_refuse, named
from bytesocket_app.registry import Hook, Registry
from bytesocket_app.signature import Bound, Offer, by_name, by_type
from bytesocket_app.socket import Socket
from bytesocket_app.transports import Handshake
from bytesocket_app.types import CodecName

logger = logging.getLogger("bytesocket")


_REFUSING: Final = (
    'it says no by raising, as in `raise Refusal("Not you.")`, and yes by returning None.'
)


class HookTimeout(TimeoutError):
    """A hook was cancelled because it took too long."""


class HookKind(Enum):
    """Kinds of hooks; the value is the phase of a failure in such a hook."""

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


class Lifecycle:
    """Hooks of one application: `app.lifecycle`.

    Args:
        app: The application, for dependencies of hooks that run without a socket.
        as_origin: True to call the error hooks only for the failures that the origin reports.
        timeout: Seconds that one hook may take; 0 for no limit.
        strict: True if an answer that is not declared is a failure.

    Attributes:
        hears_messages: True if there is a message hook; cached, as every message needs it.
        failures: The boundary where exceptions of the application's code end.
    """

    def __init__(
        self,
        app: Any = None,
        *,
        as_origin: bool = False,
        timeout: float = 0,
        strict: bool = False,
    ) -> None:
        self._app = app
        self._timeout = timeout
        self.failures = Failures(self.report, as_origin=as_origin, strict=strict)
        self.hears_messages = False
        self._registry: Registry[HookKind, Bound] = Registry(Bound.withdraw)
        self.upgrade = self._hook(HookKind.UPGRADE)
        self.open = self._hook(HookKind.OPEN)
        self.auth_success = self._hook(HookKind.AUTH_SUCCESS)
        self.auth_error = self._hook(HookKind.AUTH_ERROR)
        self.message = self._hook(HookKind.MESSAGE)
        self.close = self._hook(HookKind.CLOSE)
        self.error = self._hook(HookKind.ERROR)

    def _hook(self, kind: HookKind) -> Hook:
        def add(function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
            role = f"a lifecycle.{kind.name.lower()} hook"
            bound = bind(function, OFFERS[kind], role=role, app=self._app)
            self._registry.add(kind, bound, identity=function, once=once)
            self._note()

        def remove(function: Callable[..., Any] | None) -> None:
            self._registry.remove(kind, function)
            self._note()

        return Hook(add, remove)

    def _note(self) -> None:
        self.hears_messages = HookKind.MESSAGE in self._registry

    def has(self, kind: HookKind) -> bool:
        """Return True if there is a hook of a kind."""
        return kind in self._registry

    def functions(self) -> Iterator[Bound]:
        """Yield all hooks."""
        for kind in self._registry:
            yield from self._registry.peek(kind)

    async def run(
        self,
        kind: HookKind,
        socket: Socket[Any] | None,
        *values: Any,
        codec: CodecName | None = None,
    ) -> BaseException | None:
        """Call all hooks of a kind, even after one raises; returns the first exception.

        All exceptions end in the boundary; the error hooks are called for the first one.

        Args:
            kind: The kind.
            socket: The connection; None without one.
            values: What the hooks may ask for.
            codec: The codec of the peer who will be told of a failure. The refusal for it is then
                returned in the place of the exception.
        """
        first: BaseException | None = None
        hooks = self._registry.take(kind)
        if kind is HookKind.MESSAGE:
            self._note()
        for bound in hooks:
            if bound.is_removed:  # by one of those before
                continue
            what = f"hook {bound.source}"
            try:
                with move_on_after(self._timeout or None) as scope:
                    value = await bound.invoke(*values)
                    if value is not None:
                        self._returned(kind, bound, value)
            except BaseException as exc:  # noqa: BLE001 - ends in the boundary
                if kind is HookKind.CLOSE and ends_everything(exc):
                    logger.warning("%s was cut off, %s", what, socket)
                phase = kind.value or Phase.HANDLER
                ended = await self.failures.end(
                    exc, phase, what, socket=socket, tell=False, codec=codec
                )
                first = first or ended
            else:
                if scope.cancelled_caught:
                    logger.error("%s took too long, %s", what, socket)
                    first = first or HookTimeout(f"{what} took longer than {self._timeout:g} s")
        cause = first.error if isinstance(first, StandIn) else first
        if cause is not None and kind.value is not None:
            await self.failures.report(socket, ErrorContext(kind.value, cause))
        return cause if codec is None else first

    def _returned(self, kind: HookKind, bound: Bound, value: object) -> None:
        """Look at what a hook returned, which nobody reads.

        Raises:
            UndeclaredAnswer: It is an upgrade hook that may want to refuse; or it is meant to be
                read, and the application is strict.
        """
        if kind is HookKind.UPGRADE and meant_to_refuse(value):
            raise UndeclaredAnswer(f"hook {bound.source} returned {named(value)}: {_REFUSING}")
        if kind is HookKind.UPGRADE or value is False or meant_otherwise(value):
            what = f"a lifecycle.{kind.name.lower()} hook"
            remedy = _REFUSING if kind is HookKind.UPGRADE else "nothing is refused by it."
            self.failures.promises.unread(
                what, bound.source, value, meant_otherwise(value) or remedy
            )

    async def call(self, function: Callable[..., Any], *values: Any) -> None:
        """Call a function from the application's settings, with the error handling of hooks.

        Args:
            function: The function.
            values: Its arguments; the last one is the socket.
        """
        try:
            with move_on_after(self._timeout or None) as scope:
                outcome = function(*values)
                if isawaitable(outcome):
                    await outcome
            if scope.cancelled_caught:
                logger.error("%s took too long, %s", where(function), values[-1])
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            await self.failures.end(exc, Phase.MIDDLEWARE, where(function), tell=False)

    async def report(self, socket: Socket[Any] | None, context: ErrorContext) -> None:
        """Call the error hooks; their own exceptions are only logged."""
        if self.has(HookKind.ERROR):
            await self.run(HookKind.ERROR, socket, socket, context)
