"""Sending side of a connection: transport, codec, limits and close.

It is internal to the framework: dispatch, delivery and serving use it, and handlers use a
`Socket`.
"""

import logging
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple, Protocol

from anyio import Event
from anyio.lowlevel import checkpoint
from typing_extensions import override

from bytesocket_app.logs import SHOWN
from bytesocket_app.telemetry import Count, Telemetry
from bytesocket_app.transports import Transport
from bytesocket_app.transports.outbox import OVERHEAD
from bytesocket_app.types import CodecName, Outcome, UserKey
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.frame import Frame

logger = logging.getLogger("bytesocket")

HINTS: Final = 3
"""Near misses that a peer is told of between two checks of the deadlines."""

SPREE: Final = 1024
"""Sends of one socket after which its task lets others go on, whatever the network says."""


class DeliveryGroup(NamedTuple):
    """Codec and class of transport; sockets that share both get the same bytes in one call."""

    codec: CodecName
    kind: type[Transport]


class AuthState(Enum):
    """Progress of a connection's authentication (protocol.md section 4)."""

    NONE = "none"
    """No authentication is asked for."""
    IDLE = "idle"
    """No credentials yet."""
    PENDING = "pending"
    """The authentication function is deciding."""
    SUCCESS = "success"
    FAILED = "failed"


class CountedPlace(Protocol):
    """Place of a connection among those that an application takes."""

    def authenticated(self) -> None:
        """Take note that its credentials are good."""
        ...

    def give_back(self) -> None:
        """Take note of its end; later calls do nothing."""
        ...


class SendingSide:
    """Sending to one client, and closing of its connection.

    Args:
        socket_id: The socket's id, for the log.
        codec: The codec for messages that are sent without naming another.
        limit: Bytes that may wait before the slow-reader policy applies, beside those that tasks
            wait for.
        drop_oldest: True if that policy drops the oldest waiting messages instead of closing.
        telemetry: The port that dropped messages and slow readers are reported to.

    Attributes:
        socket_id, codec, limit: As given.
        half: Half of `limit`; while more bytes wait, awaited sends to this client wait too.
        transport: The transport; replaced once the connection is accepted.
        push: The transport's `write`.
        released: Called once when the connection is closed or lost, before anything is sent.
        place: What counts the connection until its end; None if nothing does.
        user_key: The key of the user, for the log and `app.user(key)`.
        is_authenticated: True once authenticated, or if no authentication is asked for.
        is_closed: True once the server closed the connection, or it was lost.
        is_draining: True while messages from before a loss are still handled.
        is_crowded: True if more than `half` may wait after a `write`, so that the task has to wait.
        senders: Number of tasks that wait for the network.
        spare: Sends that are left until the task has to `give_way`; each counts down by one.
        hints: Near misses that are left; see `may_hint`.
        held: Bytes of what those tasks sent. The slow-reader policy does not count them, as the
            tasks send no more until the network takes them.
        close_sent: Code and reason that the server closed with; None before that.
        ended: Code and reason of the end of the connection; None before it.
        dropped: Number of messages dropped for a slow reader.
        unanswered: Rooms of a request to join that took effect and is not answered yet, each with
            what to tell of its removal from there; None for no such request.
    """

    __slots__ = (
        "_answered",
        "_auth_state",
        "_below",
        "_departed",
        "_drop_oldest",
        "_ending",
        "_stalled_since",
        "_telemetry",
        "close_sent",
        "codec",
        "dropped",
        "ended",
        "half",
        "held",
        "hints",
        "is_authenticated",
        "is_closed",
        "is_crowded",
        "is_draining",
        "limit",
        "place",
        "push",
        "released",
        "senders",
        "socket_id",
        "spare",
        "transport",
        "unanswered",
        "user_key",
    )

    transport: Transport
    push: Callable[[Frame], int]

    def __init__(
        self,
        socket_id: str,
        transport: Transport,
        *,
        codec: CodecName,
        limit: int,
        drop_oldest: bool,
        telemetry: Telemetry,
    ) -> None:
        self.socket_id = socket_id
        self.codec: CodecName = codec
        self.limit = limit
        self.half = limit // 2
        self._drop_oldest = drop_oldest
        self._telemetry = telemetry
        self.released: Callable[[], None] = _nothing
        self.place: CountedPlace | None = None
        self.user_key: UserKey | None = None
        self.auth_state = AuthState.NONE
        self.is_closed = self.is_draining = self.is_crowded = False
        self.senders = self.held = 0
        self.spare = SPREE
        self.hints = HINTS
        self.close_sent: tuple[int, str] | None = None
        self.ended: tuple[int, str] | None = None
        self.dropped = 0
        self.unanswered: dict[str, Frame | None] | None = None
        self._answered = 0  # like `held`, of answers whose tasks may yet have to begin to wait
        self._below: Event | None = None
        self._ending: Event | None = None
        self._departed = 0
        self._stalled_since: float | None = None
        self.connect(transport)

    def connect(self, transport: Transport) -> None:
        """Set the transport of the connection, after its handshake was accepted."""
        self.transport = transport
        self.push = transport.write

    def group(self) -> DeliveryGroup:
        """Return the delivery group under which a room lists this socket."""
        return DeliveryGroup(self.codec, type(self.transport))

    @property
    def auth_state(self) -> AuthState:
        """Progress of the authentication."""
        return self._auth_state

    @auth_state.setter
    def auth_state(self, state: AuthState) -> None:
        self._auth_state = state
        self.is_authenticated = state in (AuthState.NONE, AuthState.SUCCESS)

    @property
    def can_send(self) -> bool:
        """True if messages reach the client: open and authenticated."""
        return not self.is_closed and self.is_authenticated

    @property
    def can_publish(self) -> bool:
        """True if it may send to rooms, also while messages from before its loss are handled."""
        return self.is_authenticated and (not self.is_closed or self.is_draining)

    def may_hint(self) -> bool:
        """Return True if the peer may cause another search for what it may have meant."""
        self.hints -= 1
        return self.hints >= 0

    def deliver(self, frame: Frame) -> None:
        """Send an encoded message if the socket is open and authenticated; see `write`."""
        if not self.is_closed and self.is_authenticated:
            self.write(frame)

    def write(self, frame: Frame) -> None:
        """Send an encoded message in any state; `is_crowded` says if the task has to wait then."""
        frame.is_awaited = True
        if self.push(frame) > self.half:
            self.is_crowded = True
            self._answered += frame.size + OVERHEAD

    def write_unawaited(self, frame: Frame) -> None:
        """Send an encoded message without waiting; the slow-reader policy applies."""
        if self.push(frame) > self.limit:
            self.overflow()

    async def settle(self, frame: Frame, waiting: int) -> Outcome:
        """Wait for room in the outbox after a write that left `waiting` bytes in it.

        For a volatile frame there is no wait, as it replaces the one before it.

        The frame is sent even if the wait is cancelled. Less than 0 waits if there is no connection
        yet that could take the frame.
        """
        if waiting < 0:
            return "dropped"
        if frame.slot is not None:
            return "queued"
        frame.is_awaited = True
        if waiting > self.half:
            size = frame.size + OVERHEAD
            self.held += size
            try:
                await self.drained()
            finally:
                self.held -= size
            if self.is_closed:
                return "dropped"
            if not self.transport.buffered:
                return "sent"
        return "queued"

    async def drained(self) -> None:
        """Wait until at most `half` bytes wait, or the connection is closed.

        If no byte leaves for `Timeouts.stalled`, the check of deadlines closes the connection
        (`check_progress`), which ends the wait.
        """
        self.senders += 1
        try:
            while not self.is_closed and self.transport.buffered > self.half:
                if self._below is None:
                    self._below = Event()
                    self.transport.notify_below(self.half, self.wake)
                else:
                    await self._below.wait()
        finally:
            self.senders -= 1
            if not self.senders:
                self._stalled_since = None
        # What answers still wait is part of the half that may.
        self.is_crowded, self._answered = False, 0

    async def paced(self, outcome: Outcome) -> Outcome:
        """Return the outcome of a send to others, after `give_way` if it is time."""
        self.spare -= 1
        if self.spare <= 0:
            await self.give_way()
        return outcome

    async def give_way(self) -> None:
        """Let other tasks go on: they may have to tell that the connection is lost.

        A transport may take whatever it is given, and throw it away, until it had a turn to tell
        that the network is gone. Who sends in a loop without waiting would not leave it one.
        """
        self.spare = SPREE
        await checkpoint()

    def wake(self) -> None:
        """Wake the tasks that wait for the network, to check the outbox again."""
        below, self._below = self._below, None
        if below is not None:
            below.set()

    def check_progress(self, now: float, seconds: float) -> None:
        """Close a connection if a task waits for it and no byte leaves.

        Args:
            now: The time, in seconds of any clock.
            seconds: Greatest time without a byte leaving; 0 for no limit.
        """
        departed = self.transport.departed
        if self._stalled_since is None or departed != self._departed:
            self._stalled_since, self._departed = now, departed
        elif seconds and now - self._stalled_since > seconds:
            logger.warning("nothing left for %g s while somebody waited, %s", seconds, self)
            self._close_slow()
        self.wake()

    def shut(self, code: int, reason: str) -> None:
        """Close without a task switch; the first call decides code and reason."""
        if self.is_closed:
            return
        self.is_closed = True
        self.close_sent = (code, reason)
        self.released()
        self.transport.close(code, reason)
        self.wake()

    def lose(self, code: int, reason: str) -> None:
        """Record the end of the connection, and wake the tasks that wait for it."""
        if self.ended is not None:
            return
        self.ended = self.close_sent or (code, reason)
        if self.place is not None:
            self.place.give_back()
        if not self.is_closed:
            self.is_closed = self.is_draining = True
            self.released()
        if self._ending is not None:
            self._ending.set()
        self.wake()

    async def wait_closed(self) -> tuple[int, str]:
        """Wait for the end of the connection; returns its close code and reason."""
        while self.ended is None:
            if self._ending is None:
                self._ending = Event()
            await self._ending.wait()
        return self.ended

    def overflow(self) -> None:
        """Apply the slow-reader policy if too many bytes had a turn to leave and wait.

        These are `limit`, and those that tasks wait for: a client that takes none of these is
        closed by `check_progress`, and one that takes them is no slow reader.
        """
        transport, limit = self.transport, self.limit + self.held + self._answered
        if transport.overdue <= limit or self.is_closed:
            return
        if not self.dropped:
            logger.warning("more than %d bytes wait for %s", self.limit, self)
        # Volatile messages are dropped before the connection is closed.
        spare = not self._drop_oldest
        if self._drop_while_above(limit, lambda: transport.overdue, volatile=spare) > limit:
            self._close_slow()

    def _close_slow(self) -> None:
        # The close frame must not wait behind messages that are never read.
        transport = self.transport
        self._drop_while_above(-1, lambda: transport.buffered)  # all of them
        self._telemetry.count(Count.SLOW, socket=self.socket_id)
        self.shut(CloseCode.TRY_LATER, "slow reader")

    def _drop_while_above(
        self, limit: int, waiting: Callable[[], int], *, volatile: bool = False
    ) -> int:
        """Drop waiting messages while `waiting` is above the limit; returns what then waits."""
        left = waiting()
        while left > limit and self.transport.drop_oldest(volatile=volatile):
            self.dropped += 1
            self._telemetry.count(Count.DROPPED, socket=self.socket_id, reason="slow reader")
            before, left = left, waiting()
            if left >= before:
                break  # a transport that says so and drops nothing
        return left

    @override
    def __repr__(self) -> str:
        """Return the id, and the user's key if there is one, for the log; never the user."""
        return f"<socket {self.socket_id}{of_user(self.user_key)}>"


def of_user(key: UserKey | None) -> str:
    """Return " of user" with the key, as the log has it; empty if there is none."""
    if key is None:
        return ""
    # Not by `repr`, as a key may be of a class derived from these.
    text = int.__repr__(key) if isinstance(key, int) else str.__repr__(key[:SHOWN])
    return f" of user {text}"


def _nothing() -> None:
    """Do nothing: no callback is set."""
