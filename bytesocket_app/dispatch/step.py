"""One connection as dispatch sees it: its socket, and until when the work at hand may take."""

from collections.abc import Awaitable, Callable
from typing import Any

from bytesocket_app.dispatch.incoming import Incoming
from bytesocket_app.errors import Phase
from bytesocket_app.socket import Socket


class Step:
    """A connection's socket and the state of its current message.

    Deadlines are swept, not armed: whoever sweeps asks `is_late` and cancels the work, and
    dispatch then answers for it by `phase` and `message`. A step that began between two sweeps
    counts from the second: reading the clock for every message costs more than that is worth.

    Attributes:
        socket: What handlers hold.
        seconds: What the current step may take; 0 for ever, or if there is none.
        phase: What the current step is.
        since: When it began, in seconds of `clock`; None until a sweep has seen it.
        opened_at: When the connection was accepted, in seconds of `clock`.
        message: The message at hand.
        request: The membership request at hand, as it came.
        spawn: Starts a handler beside the others, for `concurrent=True`.
    """

    __slots__ = ("message", "opened_at", "phase", "request", "seconds", "since", "socket", "spawn")

    def __init__(
        self,
        socket: Socket[Any],
        clock: Callable[[], float],
        spawn: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        self.socket = socket
        self.seconds = 0.0
        self.phase = Phase.HANDLER
        self.message: Incoming | None = None
        self.request: dict[str, Any] = {}
        self.spawn = spawn
        self.opened_at = clock()
        self.since: float | None = None

    def start(self, phase: Phase, seconds: float, *, since: float | None = None) -> None:
        """Begin a step that may take so many seconds from now, or from `since`; 0 for ever."""
        self.phase = phase
        self.seconds = seconds
        self.since = since

    def done(self) -> None:
        """No step is at work."""
        self.seconds = 0

    def is_late(self, now: float) -> bool:
        """Whether the current step took too long."""
        if not self.seconds:
            return False
        if self.since is None:
            self.since = now
        return now - self.since > self.seconds
