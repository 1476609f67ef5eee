"""Step: one piece of work of a connection, and until when it may take."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from anyio import CancelScope

from bytesocket_app.dispatch.incoming import Incoming
from bytesocket_app.errors import Phase
from bytesocket_app.socket import SendingSide, Socket
from bytesocket_app.wire.message_type import MessageType

Spawn: TypeAlias = Callable[["Step", Callable[[], Awaitable[None]]], None]
"""Starts a step of its own beside the connection's."""


@dataclass(slots=True)
class MembershipRequest:
    """A request to join or leave rooms.

    Attributes:
        kind: One of the four requests.
        rooms: The rooms as they were named.
        is_done: True once the memberships have changed; hooks may still run.
    """

    kind: MessageType
    rooms: list[str]
    is_done: bool = False


class Step:
    """The work at hand: a connection's own, one message after another, or a concurrent handler's.

    Deadlines are swept, not armed: whoever sweeps asks `is_late` and cancels the work, and
    dispatch then answers for it by `phase` and `message`. A step that began between two sweeps
    counts from the second: reading the clock for every message costs more than that is worth.

    Attributes:
        socket: The socket that handlers hold.
        sending: The sending side of its connection.
        seconds: Time that the current step may take; 0 for ever, or if there is none.
        phase: Kind of the current step.
        since: Its begin, in seconds of `clock`; None until a sweep has seen it.
        opened_at: Time when the connection was accepted, in seconds of `clock`.
        message: The message at hand.
        request: The membership request at hand.
        outcome: What became of the message, for telemetry: "ok", or a refusal's code.
        spawn: Starts a handler beside the others, for `concurrent=True`.
        cancels: The scope of a running handler with `cancel_on_close=True`.
    """

    __slots__ = (
        "cancels",
        "message",
        "opened_at",
        "outcome",
        "phase",
        "request",
        "seconds",
        "sending",
        "since",
        "socket",
        "spawn",
    )

    def __init__(
        self, socket: Socket[Any], sending: SendingSide, opened_at: float, spawn: Spawn
    ) -> None:
        self.socket = socket
        self.sending = sending
        self.seconds = 0.0
        self.phase = Phase.HANDLER
        self.message: Incoming | None = None
        self.request: MembershipRequest | None = None
        self.outcome = "ok"
        self.spawn = spawn
        self.opened_at = opened_at
        self.since: float | None = None
        self.cancels: CancelScope | None = None

    def fork(self) -> "Step":
        """Make a step of its own for work beside this one."""
        return Step(self.socket, self.sending, self.opened_at, self.spawn)

    def start(self, phase: Phase, seconds: float, *, since: float | None = None) -> None:
        """Begin a step that may take so many seconds from now, or from `since`; 0 for ever."""
        self.phase = phase
        self.seconds = seconds
        self.since = since

    def done(self) -> None:
        """End the step: nothing is at work."""
        self.seconds = 0

    def is_late(self, now: float) -> bool:
        """Return True if the current step took too long."""
        if not self.seconds:
            return False
        if self.since is None:
            self.since = now
        return now - self.since > self.seconds

    def cut(self) -> None:
        """Cancel a handler that asked to be cancelled when the connection is over."""
        if self.cancels is not None:
            self.cancels.cancel()
