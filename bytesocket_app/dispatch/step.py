"""Step: a unit of work of a connection, with its deadline."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from anyio import CancelScope

from bytesocket_app.dispatch.incoming import Incoming
from bytesocket_app.dispatch.tallies import Tally
from bytesocket_app.errors import Phase
from bytesocket_app.socket import SendingSide, Socket
from bytesocket_app.wire.message_type import MessageType

Spawn: TypeAlias = Callable[["Step", Callable[[], Awaitable[None]]], None]
"""Function that starts a concurrent handler with a step of its own."""


@dataclass(slots=True)
class MembershipRequest:
    """Request to join or leave rooms.

    Attributes:
        kind: The type of the request.
        rooms: The rooms as the client named them.
        is_done: True after the memberships have changed; hooks may still run.
        wants_presence: True if the client asks who is there, and to be told of changes.
    """

    kind: MessageType
    rooms: list[str]
    is_done: bool = False
    wants_presence: bool = False


class Step:
    """Current work of a connection, one message after another, or of a concurrent handler.

    A step has no timer. A check of all deadlines, at intervals, calls `is_late` and cancels the
    work; dispatch then answers by `phase` and `message`. The time of a step counts from the first
    check after its begin, so that no message needs to read the clock.

    Attributes:
        socket: The socket that handlers hold.
        sending: The sending side of its connection.
        seconds: Time that the current step may take; 0 for no limit, or between steps.
        phase: Kind of the current step.
        since: Begin of the step in the clock's seconds; None until the first check.
        opened_at: Time when the connection was accepted, in the clock's seconds.
        message: The current message.
        request: The current membership request.
        outcome: Result of the message for telemetry: "ok", or the code of a refusal.
        spawn: Starts a concurrent handler.
        new_scope: The class of cancel scopes on this event loop.
        cancels: The scope of a running handler with `cancel_on_close=True`.
        bounds: The scope of a running handler under middleware.
        tally: What the socket's rates have counted; None before the first.
        source: Where the function at work stands, `file:line`, for the log.
        is_overdue: True from the check that found a step late to the answer for it.
    """

    __slots__ = (
        "bounds",
        "cancels",
        "is_overdue",
        "message",
        "new_scope",
        "opened_at",
        "outcome",
        "phase",
        "request",
        "seconds",
        "sending",
        "since",
        "socket",
        "source",
        "spawn",
        "tally",
    )

    def __init__(
        self,
        socket: Socket[Any],
        sending: SendingSide,
        opened_at: float,
        spawn: Spawn,
        new_scope: Callable[[], CancelScope] = CancelScope,
    ) -> None:
        self.socket = socket
        self.sending = sending
        self.seconds = 0.0
        self.phase = Phase.HANDLER
        self.message: Incoming | None = None
        self.request: MembershipRequest | None = None
        self.outcome = "ok"
        self.spawn = spawn
        self.new_scope = new_scope
        self.opened_at = opened_at
        self.since: float | None = None
        self.cancels: CancelScope | None = None
        self.bounds: CancelScope | None = None
        self.tally: Tally | None = None
        self.source = ""
        self.is_overdue = False

    def fork(self) -> "Step":
        """Return a new step of the same connection, for a concurrent handler."""
        return Step(self.socket, self.sending, self.opened_at, self.spawn, self.new_scope)

    def start(self, phase: Phase, seconds: float, *, since: float | None = None) -> None:
        """Begin a step that may take `seconds` from now, or from `since`; 0 for no limit."""
        self.phase = phase
        self.seconds = seconds
        self.since = since

    def done(self) -> None:
        """End the step."""
        self.seconds = 0

    def is_late(self, now: float) -> bool:
        """Return True if the current step is over its deadline."""
        if not self.seconds:
            return False
        if self.since is None:
            self.since = now
        return now - self.since > self.seconds

    def stop(self) -> bool:
        """Cancel a handler under middleware that is late; False if there is none."""
        if self.bounds is None:
            self.is_overdue = True  # the caller cancels the work
            return False
        self.bounds.cancel()
        return True

    def cut(self) -> None:
        """Cancel a running handler with `cancel_on_close=True`."""
        if self.cancels is not None:
            self.cancels.cancel()
