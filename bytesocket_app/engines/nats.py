"""NATS: core publish and subscribe by nats-py, which needs asyncio.

The client's own reconnecting is off: what it keeps for the next connection it sends before other
processes are back, who then miss it. So each connection is a client of its own. Facts about the
protocol: docs.nats.io, "Client protocol".
"""

import asyncio  # the client's own, which cannot do without
from collections import deque
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import anyio
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError
from typing_extensions import override

from bytesocket_app.engines.interface import MAX_UNSENT, Confirmation, confirmed
from bytesocket_app.engines.reconnecting import CONNECT, ReconnectingEngine, refusal
from bytesocket_app.engines.url import EngineAddress, bracketed
from bytesocket_app.errors import first_line

BATCH: Final = 256
"""Messages after which the server is asked to confirm that it has them."""

CONFIRM: Final = 5
"""Seconds for the server to confirm messages; one that is silent is noticed before."""

CLOSE: Final = 0.5
"""Seconds to close a client."""

HOPELESS: Final = ("Authorization Violation", "Permissions Violation", "User Authentication")
"""Parts of errors that another try would meet again."""


class _Change:
    """Channels to subscribe to, with what ends then; or to unsubscribe from, without."""

    __slots__ = ("channels", "confirmation")

    def __init__(self, channels: Sequence[str], confirmation: Confirmation | None) -> None:
        self.channels = channels
        self.confirmation = confirmation


class NatsEngine(ReconnectingEngine):
    """Engine on one NATS server or a cluster of them; needs asyncio.

    Messages are acknowledged by the answer to a `PING` that follows them.

    Args:
        address: The servers, and how to log in.
        name: What the server lists the connection as.
    """

    def __init__(self, address: EngineAddress, *, name: str = "bytesocket") -> None:
        super().__init__(address.shown)
        self._address = address
        self._name = name
        self._wanted: dict[str, None] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._work: deque[tuple[str, bytes] | _Change] = deque()
        self._unsent = 0
        self._wake = anyio.Event()
        self._is_subscribed = False
        self._ended: anyio.Event | None = None
        self._reason: str | None = None

    def publish(self, channel: str, payload: bytes, /) -> None:
        """Send to all who subscribe to a channel; only while up."""
        if self._is_up:
            self._put((channel, payload))
            self._unsent += len(payload)
            if self._unsent > MAX_UNSENT:
                self.reset("the broker does not keep up")

    def subscribe(self, channels: Sequence[str], /) -> Awaitable[None]:
        """Want channels from now on; returns what ends when that is confirmed, or the link lost."""
        new = [channel for channel in channels if channel not in self._wanted]
        self._wanted.update(dict.fromkeys(new))
        if not new or not self._is_subscribed:
            return confirmed()
        confirmation = Confirmation()
        self._put(_Change(new, confirmation))
        return confirmation

    def unsubscribe(self, channels: Sequence[str], /) -> None:
        """Want channels no more."""
        gone = [channel for channel in channels if channel in self._wanted]
        for channel in gone:
            del self._wanted[channel]
        if gone and self._is_subscribed:
            self._put(_Change(gone, None))

    def reset(self, reason: str, /) -> None:
        """Drop the connection and make a new one."""
        if self._ended is not None:
            self._reason = self._reason or reason
            self._ended.set()

    def _put(self, work: tuple[str, bytes] | _Change) -> None:
        self._work.append(work)
        if len(self._work) == 1:
            self._wake.set()

    @override
    async def _live(self) -> str:
        self._ended, self._reason = anyio.Event(), None
        client = Client()
        try:
            with anyio.fail_after(CONNECT):
                await self._connect(client)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._send, client)
                await self._ended.wait()
                tasks.cancel_scope.cancel()
        except TimeoutError:
            self._reason = self._reason or f"no answer in {CONNECT:g} s"
        except (OSError, NatsError) as error:
            self._reason = self._reason or first_line(error)
        finally:
            reason = self._reason or "the server closed the connection"
            self._lost(reason)
            self._abandon()
            await _close(client)
        if any(words in reason for words in HOPELESS):
            raise refusal(self.shown, reason)
        return reason

    async def _connect(self, client: Client) -> None:
        """Connect, subscribe to what is wanted, and tell of it."""
        address = self._address
        is_token = address.password is None
        await client.connect(
            [f"{address.scheme}://{bracketed(host)}:{port}" for host, port in address.hosts],
            name=self._name,
            user=None if is_token else address.user,
            password=address.password,
            token=address.user if is_token else None,
            error_cb=self._failed,
            disconnected_cb=partial(self._left, client),
            closed_cb=partial(self._left, client),
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=1,
            ping_interval=1,
            max_outstanding_pings=2,
            pending_size=MAX_UNSENT,
        )
        self._is_subscribed = True
        await self._subscribe(client, list(self._wanted))
        await _flush(client)
        self._opened()

    async def _subscribe(self, client: Client, channels: Sequence[str]) -> None:
        for channel in channels:
            # Its stub leaves a parameter that we do not give without a type argument.
            self._subscriptions[channel] = await client.subscribe(  # pyright: ignore[reportUnknownMemberType]
                channel, cb=self._heard
            )

    async def _heard(self, message: Msg) -> None:
        if self._listener is not None:
            self._listener.received(message.subject, message.data)

    async def _failed(self, error: Exception) -> None:
        """Take note of an error; one on a connection ends it, which the client tells much later."""
        self._reason = first_line(error)
        if self._is_subscribed:
            self.reset(self._reason)

    async def _left(self, client: Client) -> None:
        error = client.last_error
        self.reset("the server closed the connection" if error is None else first_line(error))

    async def _send(self, client: Client) -> None:
        """Send what is published and subscribed to, in its order, until the connection is lost."""
        try:
            while True:
                if not self._work:
                    self._wake = anyio.Event()
                    await self._wake.wait()
                await self._send_some(client)
        except (OSError, NatsError) as error:
            self.reset(first_line(error))

    async def _send_some(self, client: Client) -> None:
        """Send some of what waits, and have the server confirm it."""
        sent, confirmations = 0, list[Confirmation]()
        try:
            while self._work and sent < BATCH:
                work = self._work.popleft()
                if isinstance(work, _Change):
                    if work.confirmation is not None:
                        confirmations.append(work.confirmation)
                    await self._change(client, work)
                    continue
                channel, payload = work
                self._unsent -= len(payload)
                if len(payload) > client.max_payload:
                    await self._confirm(client, sent)
                    sent = 0
                    self._refused(len(payload), client.max_payload)
                    continue
                sent += 1
                await client.publish(channel, payload)
            if sent or confirmations:
                await self._confirm(client, sent)
        finally:
            for confirmation in confirmations:
                confirmation.end()

    async def _confirm(self, client: Client, sent: int) -> None:
        """Wait until the server has all that was sent."""
        await _flush(client)
        if sent and self._listener is not None:
            self._listener.acknowledged(sent)

    def _refused(self, size: int, limit: int) -> None:
        if self._listener is not None:
            self._listener.refused(f"{size} bytes are more than the server takes ({limit})")

    async def _change(self, client: Client, change: _Change) -> None:
        if change.confirmation is not None:
            await self._subscribe(client, change.channels)
        else:
            for channel in change.channels:
                await self._subscriptions.pop(channel).unsubscribe()

    def _abandon(self) -> None:
        """Forget what waits: nothing of it goes out on the next connection."""
        self._is_subscribed = False
        for work in self._work:
            if isinstance(work, _Change) and work.confirmation is not None:
                work.confirmation.end()
        self._work.clear()
        self._subscriptions.clear()
        self._unsent = 0


async def _flush(client: Client) -> None:
    """Wait until the server has all that was sent.

    The client cannot read its answer if the wait for it was cancelled, so that it goes on then.
    """
    flush = asyncio.ensure_future(client.flush(CONFIRM))
    flush.add_done_callback(_take_note)
    await asyncio.shield(flush)
    if not client.is_connected:
        raise ConnectionClosedError


def _take_note(flush: asyncio.Future[None]) -> None:
    """Look at what came of a wait that nobody waits for any more, so that nobody reports it."""
    if not flush.cancelled():
        flush.exception()


async def _close(client: Client) -> None:
    """Close a client, whose tasks run beside ours, in bounded time."""
    # It asserts that a connection was begun, which an address may have prevented.
    with anyio.move_on_after(CLOSE, shield=True), suppress(OSError, NatsError, AssertionError):
        await client.close()
