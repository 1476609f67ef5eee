"""One connection as dispatch sees it: its socket, and until when the work at hand may take."""

from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

from bytesocket_app.dispatch.incoming import Incoming
from bytesocket_app.errors import Phase
from bytesocket_app.socket import Socket


class Peer:
    """A connection's socket and the state of its current message.

    Deadlines are swept, not armed: whoever sweeps compares `until` with the time and cancels the
    work, and dispatch then answers for it by `phase` and `message`.

    Attributes:
        socket: What handlers hold.
        until: When the current step must be over, in seconds of `clock`; infinity without.
        phase: What the current step is.
        opened_at: When the connection was accepted, in seconds of `clock`.
        message: The message at hand.
        request: The membership request at hand, as it came.
        spawn: Starts a handler beside the others, for `concurrent=True`.
    """

    __slots__ = ("_clock", "message", "opened_at", "phase", "request", "socket", "spawn", "until")

    def __init__(
        self,
        socket: Socket[Any],
        clock: Callable[[], float],
        spawn: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        self.socket = socket
        self.until = inf
        self.phase = Phase.HANDLER
        self.message: Incoming | None = None
        self.request: dict[str, Any] = {}
        self.spawn = spawn
        self.opened_at = clock()
        self._clock = clock

    def start(self, phase: Phase, seconds: float, *, since: float | None = None) -> None:
        """Begin a step that may take so many seconds from now, or from `since`; 0 for ever."""
        self.phase = phase
        begun = self._clock() if since is None else since
        self.until = begun + seconds if seconds else inf

    def done(self) -> None:
        """No step is at work."""
        self.until = inf
