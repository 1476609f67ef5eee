"""Adaptors with a fault each: the suites must find it, and name the case that does not hold."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from anyio import Event, create_task_group, sleep_forever
from anyio.abc import TaskGroup
from typing_extensions import override

from bytesocket_app import ByteSocket
from bytesocket_app.testing.conformance import (
    SUITES,
    WIRE_CASES,
    ConformanceError,
    Ended,
    Peer,
    Refused,
    Serve,
    Site,
    Stage,
    run_cases,
    serve_in_memory,
)
from bytesocket_app.testing.conformance.memory import MemoryPeer
from bytesocket_app.transports import (
    Handshake,
    QueuedTransport,
    Receiver,
    Rejection,
    Transport,
)
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.wire.frame import Frame

pytestmark = pytest.mark.anyio

DEADLINE = 30.0
"""Seconds that a case waits for what will come, on a busy machine."""

NEVER = 1.0
"""Seconds that a case waits for what a fault does not let come."""


class Faulty:
    """A peer that passes everything on; the faults derive from it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.subprotocol = peer.subprotocol

    async def send(self, payload: str | bytes) -> None:
        await self.peer.send(payload)

    async def receive(self) -> str | bytes | Ended:
        return await self.peer.receive()

    async def close(self, code: int, reason: str) -> None:
        await self.peer.close(code, reason)

    async def abort(self) -> None:
        await self.peer.abort()


class Reorders(Faulty):
    """Gives the second message of every two before the first."""

    held: str | bytes | Ended | None = None

    @override
    async def receive(self) -> str | bytes | Ended:
        if self.held is not None:
            held, self.held = self.held, None
            return held
        first = await self.peer.receive()
        if b"said" not in (first if isinstance(first, bytes) else str(first).encode()):
            return first
        self.held = first
        return await self.peer.receive()


class DropsTheCode(Faulty):
    """Closes, but never with the code it was asked to use."""

    @override
    async def close(self, code: int, reason: str) -> None:
        await self.peer.close(1000, "")


class DeliversToTheSender(Faulty):
    """Gives a peer back what it sent into a room."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer)
        self.own: list[str | bytes] = []

    @override
    async def send(self, payload: str | bytes) -> None:
        if '"room":' in str(payload) and '"event":' in str(payload):
            self.own.append(payload)
        await self.peer.send(payload)

    @override
    async def receive(self) -> str | bytes | Ended:
        return self.own.pop(0) if self.own else await self.peer.receive()


def with_fault(fault: Callable[[Peer], Peer]) -> Serve:
    """Serve in memory to peers that have a fault."""

    class FaultySite:
        def __init__(self, site: Site) -> None:
            self.site = site

        @asynccontextmanager
        async def connect(
            self,
            path: str = "/ws",
            *,
            query: str = "",
            headers: Mapping[str, str] | None = None,
            subprotocols: Sequence[str] = (),
        ) -> AsyncGenerator[Peer]:
            connecting = self.site.connect(
                path, query=query, headers=headers, subprotocols=subprotocols
            )
            async with connecting as peer:
                yield fault(peer)

    @asynccontextmanager
    async def serve(app: ByteSocket) -> AsyncGenerator[Site]:
        async with serve_in_memory(app) as site:
            yield FaultySite(site)

    return serve


@asynccontextmanager
async def leaking(app: ByteSocket) -> AsyncGenerator[Site]:
    """Serve in memory, and tell the application of no connection's end before its own."""
    held: list[Callable[[], None]] = []
    really_open = app.endpoint.open

    def open_and_hold(*arguments: Any) -> Receiver:
        session = really_open(*arguments)
        lost = session.lost
        hold: Callable[[int, str], None] = lambda code, reason: held.append(  # noqa: E731
            lambda: lost(code, reason)
        )
        setattr(session, "lost", hold)  # noqa: B010 - a checker would refuse what this is for
        return session

    setattr(app.endpoint, "open", open_and_hold)  # noqa: B010
    async with serve_in_memory(app) as site:
        yield site
        for tell in held:
            tell()


class HidesWhatWaits(MemoryTransport):
    """Says that nothing waits."""

    @property
    @override
    def buffered(self) -> int:
        return 0


class DropsNothing(MemoryTransport):
    """Drops no frame."""

    @override
    def drop_oldest(self, *, volatile: bool = False) -> int:
        return 0


class AbortsNothing(MemoryTransport):
    """Keeps a connection that it is to drop."""

    @override
    def abort(self) -> None:
        pass


class IgnoresPauses(MemoryTransport):
    """Pushes on, whatever the core answers."""

    @override
    async def push(self, payload: bytes | str, *, is_binary: bool) -> None:
        if self.receiver is not None and self.closed is None:
            self.receiver.received(payload, is_binary)
            self.wake()


class InTheMiddle(QueuedTransport):
    """An adaptor over a `MemoryTransport`, which plays the network and the peer's end of it."""

    def __init__(self, tasks: TaskGroup, network: MemoryTransport) -> None:
        super().__init__(tasks)
        self.network = network

    @override
    async def send(self, frame: Frame) -> None:
        while self.network.outbox.size:
            taken = Event()
            self.network.notify_below(0, taken.set)
            await taken.wait()
        self.network.write(frame)

    @override
    async def send_close(self, code: int, reason: str) -> None:
        self.network.close(code, reason)

    @override
    def abort(self) -> None:
        self.network.abort()

    def received(self, payload: bytes | str, is_binary: bool, /) -> bool:
        accepted = self.receiver.received(payload, is_binary)
        self.wake()
        return accepted

    def heard(self) -> None:
        self.receiver.heard()

    def lost(self, code: int, reason: str, /) -> None:
        self.lose(code, reason)

    def interrupt(self) -> None:
        self.receiver.interrupt()

    @override
    def resume(self) -> None:
        self.network.resume()


class QueueHidesWhatWaits(InTheMiddle):
    @property
    @override
    def buffered(self) -> int:
        return 0


class QueueDropsNothing(InTheMiddle):
    @override
    def drop_oldest(self, *, volatile: bool = False) -> int:
        return 0


class QueueAbortsNothing(InTheMiddle):
    @override
    def abort(self) -> None:
        pass


class QueueIgnoresPauses(InTheMiddle):
    @override
    def received(self, payload: bytes | str, is_binary: bool, /) -> bool:
        super().received(payload, is_binary)
        return True


def over(transport: type[MemoryTransport] | type[InTheMiddle]) -> Serve:
    """Serve in memory through this transport."""

    class ItsSite:
        def __init__(self, app: ByteSocket) -> None:
            self.app = app

        @asynccontextmanager
        async def connect(
            self,
            path: str = "/ws",
            *,
            query: str = "",
            headers: Mapping[str, str] | None = None,
            subprotocols: Sequence[str] = (),
        ) -> AsyncGenerator[Peer]:
            if path != self.app.path:
                raise Refused(404)
            asked = [("host", "memory"), *(headers or {}).items()]
            asked.append(("sec-websocket-protocol", ",".join(subprotocols)))
            handshake = Handshake.of(f"{path}?{query}", asked)
            decision = await self.app.endpoint.admit(handshake)
            if isinstance(decision, Rejection):
                raise Refused(decision.status)
            async with create_task_group() as tasks:
                network = MemoryTransport() if issubclass(transport, InTheMiddle) else transport()
                end: Transport = network
                if issubclass(transport, InTheMiddle):
                    end = network.receiver = transport(tasks, network)
                receiver = self.app.endpoint.open(handshake, end, decision, tasks)
                if isinstance(end, InTheMiddle):
                    end.receiver = receiver
                    tasks.start_soon(end.run)
                else:
                    network.receiver = receiver
                    tasks.start_soon(receiver.run)
                try:
                    yield MemoryPeer(network, decision.subprotocol)
                finally:
                    network.end(1005, "")
                    receiver.lost(1005, "")

    @asynccontextmanager
    async def serve(app: ByteSocket) -> AsyncGenerator[Site]:
        async with app.running():
            yield ItsSite(app)

    return serve


async def failed(serve: Serve, name: str = "", deadline: float = DEADLINE) -> set[str]:
    """The names of the cases that do not hold; of all cases, or of one."""
    cases = [case for suite in SUITES.values() for case in suite]
    chosen = [case for case in cases if name in ("", getattr(case, "__name__", ""))]
    stage = Stage(serve, deadline=deadline)
    return {result.name async for result in run_cases(chosen, stage) if result.problem is not None}


@pytest.mark.parametrize(
    "serve",
    [with_fault(Faulty), over(MemoryTransport), over(InTheMiddle)],
    ids=["peer", "transport", "queued"],
)
async def test_without_a_fault_all_cases_hold(serve: Serve) -> None:
    assert await failed(serve) == set()


class Echoing(Faulty):
    """A peer of a server that says everything again."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer)
        self._said = list[str | bytes]()

    @override
    async def send(self, payload: str | bytes) -> None:
        self._said.append(payload)

    @override
    async def receive(self) -> str | bytes | Ended:
        if not self._said:
            await sleep_forever()
        return self._said.pop(0)


async def test_a_case_that_fails_names_the_payload_and_what_was_expected() -> None:
    stage = Stage(with_fault(Echoing), deadline=NEVER)
    cases = [case for suite in WIRE_CASES.values() for case in suite]
    found = {one.name: one async for one in run_cases(cases, stage) if one.problem is not None}
    join = found["every_join_is_answered"]
    request = "{'type': 9, 'room': 'conformance:barrier'}"
    assert join.claim.startswith("A request to join or leave is answered with success or error")
    assert join.frames.splitlines() == [f"  > {request}", f"  < {request}"]
    silent = found["a_message_that_is_no_object_closes"]
    assert silent.problem == "nothing came within 1 s"
    assert silent.frames.startswith("  > 5\n  < 5")
    raw = found["a_frame_that_cannot_be_read_closes"]
    assert raw.frames.startswith("  > '{'")
    text = str(ConformanceError([raw]))
    assert raw.claim in text
    assert raw.frames in text


async def test_a_dropped_close_code_is_found() -> None:
    assert await failed(with_fault(DropsTheCode)) == {
        "a_peers_close_code_reaches_the_close_hook",
        "a_peers_close_reason_reaches_the_close_hook",
    }


@pytest.mark.parametrize(
    ("serve", "case"),
    [
        (with_fault(Reorders), "messages_keep_their_order"),
        (with_fault(DeliversToTheSender), "a_relay_goes_to_the_other_members"),
        (leaking, "a_closed_socket_is_forgotten"),
        (over(HidesWhatWaits), "who_sends_waits_for_a_slow_reader"),
        (over(QueueHidesWhatWaits), "who_sends_waits_for_a_slow_reader"),
        (over(DropsNothing), "the_oldest_is_dropped_for_a_slow_reader"),
        (over(QueueDropsNothing), "the_oldest_is_dropped_for_a_slow_reader"),
        (over(AbortsNothing), "an_aborted_connection_is_over"),
        (over(QueueAbortsNothing), "an_aborted_connection_is_over"),
        (over(IgnoresPauses), "a_pause_is_kept"),
        (over(QueueIgnoresPauses), "a_pause_is_kept"),
    ],
    ids=[
        "reordered",
        "to the sender",
        "leaked",
        "buffered is 0",
        "queued: buffered is 0",
        "nothing dropped",
        "queued: nothing dropped",
        "nothing aborted",
        "queued: nothing aborted",
        "pause ignored",
        "queued: pause ignored",
    ],
)
async def test_the_case_of_a_fault_finds_it(serve: Serve, case: str) -> None:
    assert await failed(serve, case, NEVER) == {case}
