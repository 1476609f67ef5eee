"""Adaptors with a fault each: the suites must find it, and name the case that does not hold."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from typing_extensions import override

from bytesocket_app import ByteSocket
from bytesocket_app.testing.conformance import (
    SUITES,
    Ended,
    Peer,
    Serve,
    Site,
    Stage,
    run_cases,
    serve_in_memory,
)
from bytesocket_app.transports import Receiver

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


async def failed(serve: Serve, name: str = "", deadline: float = DEADLINE) -> set[str]:
    """The names of the cases that do not hold; of all cases, or of one."""
    cases = [case for suite in SUITES.values() for case in suite]
    chosen = [case for case in cases if name in ("", getattr(case, "__name__", ""))]
    stage = Stage(serve, deadline=deadline)
    return {result.name async for result in run_cases(chosen, stage) if result.problem is not None}


async def test_without_a_fault_all_cases_hold() -> None:
    assert await failed(with_fault(Faulty)) == set()


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
    ],
    ids=["reordered", "to the sender", "leaked"],
)
async def test_the_case_of_a_fault_finds_it(serve: Serve, case: str) -> None:
    assert await failed(serve, case, NEVER) == {case}
