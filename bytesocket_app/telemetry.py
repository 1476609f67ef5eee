"""Telemetry port: operations that begin and end, and counts, in plain values.

Nobody listens by default, and then each place pays one look at `Telemetry.listener`. Metrics and
tracing are listeners; they need nothing else of the framework.

======================  ==================================================  ======================
operation               values that `began` gets                            outcomes
======================  ==================================================  ======================
``HANDSHAKE``           path, socket                                        accepted, the status,
                                                                            or the close code
``AUTHENTICATION``      socket                                              accepted, or a code
``MESSAGE``             socket, user, kind, event, room, rooms, request,    see below
                        concurrent
``DELIVERY``            target, event, rooms, exclude, receivers            sent
``TURN``                source, interval                                    ok, internal, cancelled
======================  ==================================================  ======================

A message's outcome is ``ok``, the code of the refusal that was its answer (``validation``,
``internal``, ``timeout``, ``muted``), ``deferred`` where only concurrent handlers do the work,
each of which is an operation of its own, or ``cancelled``.
"""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

logger = logging.getLogger("bytesocket")

_NOT_BEGUN: Final = object()
"""Token of an operation whose begin the listener could not note: it does not hear of the end."""

Value: TypeAlias = str | int | float | bool | tuple[str, ...] | None
"""Plain value of an operation or a count: a name, an id, seconds or a number."""


class Operation(StrEnum):
    """Work that takes time and has an outcome."""

    HANDSHAKE = "handshake"
    AUTHENTICATION = "authentication"
    MESSAGE = "message"
    DELIVERY = "delivery"
    TURN = "turn"
    """One call of a function of `@app.every`; `source` is its `file:line`."""


class Count(StrEnum):
    """Things that only happen."""

    DROPPED = "dropped"
    """Messages that came and were not handled, or waited and were not sent; `reason` says why."""
    SLOW = "slow"
    """Connections closed with 1013 because their peer reads too slowly."""
    REFUSED = "refused"
    """Messages, joins and handshakes answered with a refusal; `code` says which, and `reason` names
    the limit on connections, if it was one. A message that comes too often is no operation, and is
    only counted: `rate_limited`."""
    LATE = "late"
    """Steps that took longer than their deadline, and turns of `@app.every` that took longer than
    their interval (`every`); `phase` says which."""
    FAILED = "failed"
    """Turns of `@app.every` that ended with an exception; `source` says which."""
    LEFT = "left"
    """Connections that should be dropped, on an ASGI server that cannot be told so."""


class TelemetryListener(Protocol):
    """Listener for everything that the server side does.

    Methods are called in the context of the work itself, so that a context variable set in
    `began` is seen by the handler. They must be quick, and must not raise or wait.
    """

    def began(self, operation: Operation, values: Mapping[str, Value], /) -> Any:
        """Note the begin of an operation; returns a token for `ended`."""
        ...

    def ended(self, token: Any, outcome: str, /) -> None:
        """Note the end of the operation that `began` returned this token for."""
        ...

    def counted(self, count: Count, amount: int, values: Mapping[str, Value], /) -> None:
        """Note something that happened `amount` times."""
        ...


class Telemetry:
    """Port through which one application is observed.

    Callers look at `listener` first and pay nothing more where it is None. A listener that raises
    costs a line in the log and nothing else; only `KeyboardInterrupt` leaves it.

    Attributes:
        listener: Told of everything; None for nobody.
    """

    __slots__ = ("listener",)

    def __init__(self) -> None:
        self.listener: TelemetryListener | None = None

    def began(self, operation: Operation, values: Mapping[str, Value]) -> Any:
        """Tell the listener of the begin of an operation; returns its token."""
        try:
            return None if self.listener is None else self.listener.began(operation, values)
        except BaseException as error:  # noqa: BLE001 - work that is not the listener's goes on
            _failed(error)
            return _NOT_BEGUN

    def ended(self, token: Any, outcome: str) -> None:
        """Tell the listener of the end of an operation."""
        try:
            if self.listener is not None and token is not _NOT_BEGUN:
                self.listener.ended(token, outcome)
        except BaseException as error:  # noqa: BLE001 - as above
            _failed(error)

    def count(self, count: Count, amount: int = 1, **values: Value) -> None:
        """Tell the listener of something that happened `amount` times."""
        if self.listener is None:
            return
        try:
            self.listener.counted(count, amount, values)
        except BaseException as error:  # noqa: BLE001 - as above
            _failed(error)


def _failed(error: BaseException) -> None:
    # A listener does not wait, so that even a cancellation is its own, and nobody else's.
    if isinstance(error, KeyboardInterrupt):
        raise error
    logger.error("the telemetry listener failed", exc_info=error)
