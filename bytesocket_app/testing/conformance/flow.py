"""Peers that do not read, or send too fast, and connections that are dropped.

These cases hold a peer back by not receiving: its site must then stop reading from the network.
"""

from typing import Any

import anyio

from bytesocket_app.application import ByteSocket
from bytesocket_app.settings import Limits, Policies, Settings
from bytesocket_app.socket import SendingSide, Socket
from bytesocket_app.testing.conformance.stage import Stage, Talker
from bytesocket_app.transports import Receiver

CHUNK = "x" * 64 * 1024
MOST = 1024
"""Chunks that no network takes on behalf of a peer that does not read: 64 MB."""

EMITS = 300_000
"""Messages that nobody sends to a peer that is gone, and notices nothing."""

INBOX = 4
BURST = 12
"""Messages that wait at most, and messages that are sent."""


class _Flood:
    """Application that sends chunks to the peer that asks for `flood`, one after another.

    Attributes:
        sent: Messages sent to the peer so far, whether or not the network took them.
        is_enough: Set to end the flood.
        is_over: True once it has ended.
        side: The sending side of the peer's connection; None before it asks.
        closed: Set when the first connection is closed.
    """

    def __init__(self, settings: Settings, *, awaited: bool) -> None:
        self.app = ByteSocket(title="Conformance", settings=settings)
        self.said = self.app.declare("said", dict[str, Any], direction="server")
        self.sent = 0
        self.is_enough = self.is_over = False
        self.side: SendingSide | None = None
        self.closed = anyio.Event()

        @self.app.on("flood")
        async def flood(socket: Socket) -> None:
            self.side = self.app.memberships.side(socket)
            while awaited and self.sent < MOST and not self.is_enough:
                self.sent += 1
                await socket.emit(self.said({"n": self.sent, "text": CHUNK}))
            self.is_over = awaited

        @self.app.lifecycle.close
        async def closed() -> None:
            self.closed.set()

    async def reach(self, other: Talker) -> None:
        """Send one chunk to everybody, and wait until the other peer has it."""
        self.sent += 1
        await self.app.broadcast(self.said({"n": self.sent, "text": CHUNK}))
        heard = [message["data"]["n"] for message in await other.rest()]
        assert heard == [self.sent], f"another peer heard {heard} instead of {self.sent}"


async def who_sends_waits_for_a_slow_reader(stage: Stage) -> None:
    """An awaited send waits while too much is buffered for the peer, and goes on once it reads."""
    flood = _Flood(Settings(limits=Limits(outbox_bytes=len(CHUNK))), awaited=True)
    async with stage.serve(flood.app) as site, stage.pair(site) as (slow, other):
        await slow.say({"event": "flood"})
        with anyio.fail_after(stage.deadline):
            # Each look at it is a round trip of another peer: time for the network, and no sleep.
            while flood.side is None or not (flood.side.senders or flood.is_over):
                await other.rest()
        assert not flood.is_over, f"{flood.sent} chunks were sent to a peer that reads nothing"
        flood.is_enough = True
        heard = await slow.rest()
        found = [message["data"]["n"] for message in heard]
        assert found == list(range(1, flood.sent + 1)), f"of {flood.sent} chunks {found} came"


async def the_oldest_is_dropped_for_a_slow_reader(stage: Stage) -> None:
    """With `drop_oldest` a peer that does not read loses the oldest, stays, and gets the newest."""
    settings = Settings(
        limits=Limits(outbox_bytes=4 * len(CHUNK)), policies=Policies(slow_reader="drop_oldest")
    )
    flood = _Flood(settings, awaited=False)
    async with stage.serve(flood.app) as site, stage.pair(site) as (slow, other):
        await slow.say({"event": "flood"})
        assert await slow.rest() == []
        side = flood.side
        assert side is not None
        while not (side.dropped or side.is_closed) and flood.sent < MOST:
            await flood.reach(other)
        assert side.dropped, f"of {flood.sent} chunks none was dropped"
        assert not side.is_closed, "the slow reader was closed"
        found = [message["data"]["n"] for message in await slow.rest()]
        assert found == sorted(set(found)), f"{found} came"
        assert found[-1] == flood.sent, f"of {flood.sent} chunks {found[-1]} came last"
        assert len(found) < flood.sent, "all came, though some were dropped"


async def an_aborted_connection_is_over(stage: Stage) -> None:
    """The server can drop a connection: the close hook runs with 1006, and the peer sees an end."""
    app, seen, closed = ByteSocket(title="Conformance"), list[tuple[int, str]](), anyio.Event()

    @app.lifecycle.close
    async def ended(code: int, reason: str) -> None:
        seen.append((code, reason))
        closed.set()

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.rest()
        for connection in tuple(app.housekeeping.connections):
            connection.abort()
        with anyio.fail_after(stage.deadline):
            await closed.wait()
        assert seen == [(1006, "")], f"the hook saw {seen}"
        await talker.ends()


async def a_loop_of_emits_ends_with_its_peer(stage: Stage) -> None:
    """A handler that emits as long as the socket is open ends when the peer breaks off."""
    app, ended, emitted = ByteSocket(title="Conformance"), anyio.Event(), 0
    said = app.declare("said", str, direction="server")

    @app.on("flood")
    async def flood(socket: Socket) -> None:
        nonlocal emitted
        while not socket.is_closed and emitted < EMITS:
            await socket.emit(said("again"))
            emitted += 1
        ended.set()

    async with stage.serve(app) as site, stage.talker(site) as other:
        async with stage.talker(site) as talker:
            await talker.say({"event": "flood"})
            await talker.hear()
            await talker.peer.abort()
            await other.rest()
            with anyio.fail_after(stage.deadline):
                await ended.wait()
        await other.rest()
    assert emitted < EMITS, f"{emitted} messages were sent to a peer that is gone"


class _Watched:
    """Receiver that counts what is pushed into another one.

    Attributes:
        pushed: Messages that the transport pushed.
        excess: Those that it pushed after the receiver had asked for a pause, and before `go`.
        paused: Set when the receiver asks for a pause.
        going: True once the receiver may have asked to go on.
    """

    def __init__(self, app: ByteSocket) -> None:
        self.pushed = self.excess = 0
        self.paused = anyio.Event()
        self.going = False
        really_open = app.endpoint.open

        def open_watched(*arguments: Any) -> Receiver:
            receiver = really_open(*arguments)
            if not self.pushed:
                received = receiver.received

                def watched(payload: bytes | str, is_binary: bool, /) -> bool:  # noqa: FBT001
                    return self._note(received(payload, is_binary))

                setattr(receiver, "received", watched)  # noqa: B010 - to checkers a method
            return receiver

        setattr(app.endpoint, "open", open_watched)  # noqa: B010

    def _note(self, accepted: bool) -> bool:  # noqa: FBT001
        self.pushed += 1
        if self.paused.is_set() and not self.going:
            self.excess += 1
        if not accepted:
            self.paused.set()
        return accepted


async def a_pause_is_kept(stage: Stage) -> None:
    """While a handler is busy and the inbox full, nothing more is pushed; then all is handled."""
    app = ByteSocket(title="Conformance", settings=Settings(limits=Limits(inbox=INBOX)))
    watched, release, seen = _Watched(app), anyio.Event(), list[int]()

    @app.on("slow")
    async def slow(data: int) -> None:
        await release.wait()
        seen.append(data)

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.rest()
        async with stage.talker(site) as other, anyio.create_task_group() as tasks:
            tasks.start_soon(_say_all, talker, "slow")
            with anyio.fail_after(stage.deadline):
                await watched.paused.wait()
            for _ in range(BURST):  # the same time for the network again and again
                await other.rest()
            watched.going = True
            release.set()
        assert await talker.rest() == []
    assert watched.excess == 0, f"{watched.excess} messages were pushed during a pause"
    assert seen == list(range(BURST)), seen


async def _say_all(talker: Talker, event: str) -> None:
    for number in range(BURST):
        await talker.say({"event": event, "data": number})


CASES = (
    who_sends_waits_for_a_slow_reader,
    the_oldest_is_dropped_for_a_slow_reader,
    an_aborted_connection_is_over,
    a_loop_of_emits_ends_with_its_peer,
    a_pause_is_kept,
)
