"""An adaptor that has an outbox of its own, made of what the public doors export and no more."""

import ast
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from anyio import Event, create_task_group
from typing_extensions import override

import bytesocket_app.transports
from bytesocket_app import ByteSocket
from bytesocket_app.testing import conformance
from bytesocket_app.testing.conformance import SUITES, Ended, Peer, Refused, Site
from bytesocket_app.transports import (
    Attended,
    Frame,
    Handshake,
    Outbox,
    Receiver,
    Rejection,
    Served,
    Transport,
)
from bytesocket_app.types import CodecName
from tests.support.server_process import ROOT
from tests.support.sites import EXAMPLE

pytestmark = pytest.mark.anyio


class Wire(Transport):
    """A network in memory: what is written between `cork` and `flush` is taken as a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.receiver: Receiver | None = None
        self.ended: Ended | None = None
        self.sent, self.read_on = Event(), Event()
        self.is_parked = self._is_corked = False
        self._outbox = Outbox(is_network=True)

    @property
    @override
    def buffered(self) -> int:
        return self._outbox.size

    @property
    @override
    def overdue(self) -> int:
        return self._outbox.overdue

    @property
    @override
    def departed(self) -> int:
        return self._outbox.departed

    @override
    def write(self, frame: Frame) -> int:
        if self.ended is None:
            self._outbox.append(frame)
            if not self._is_corked:
                self.sent.set()
        return self._outbox.waiting

    @override
    def notify_below(self, limit: int, callback: Callable[[], object]) -> None:
        self._outbox.notify_below(limit, callback)

    @override
    def drop_oldest(self, *, volatile: bool = False) -> int:
        return self._outbox.drop_oldest(volatile=volatile)

    @override
    def cork(self) -> None:
        self._is_corked = True

    @override
    def flush(self) -> Awaitable[None] | None:
        self.hold_up()
        return None

    def hold_up(self) -> None:
        """Hold nothing more: the connection's own task waits for something."""
        self._is_corked = False
        self.sent.set()

    @override
    async def park(self) -> None:
        self.is_parked = True
        try:
            await super().park()
        finally:
            self.is_parked = False

    @override
    def close(self, code: int, reason: str) -> None:
        self.end(code, reason)

    @override
    def abort(self) -> None:
        self.end(1006, "")

    def end(self, code: int, reason: str) -> None:
        if self.ended is None:
            self.ended = Ended(int(code), reason)
            self.sent.set()
            self.resume()
            if self.receiver is not None:  # else `opened` tells it
                self.receiver.lost(code, reason)

    def opened(self, receiver: Receiver) -> None:
        """Take the receiver; the wire may have been closed while it was made."""
        self.receiver = receiver
        if self.ended is not None:
            receiver.lost(self.ended.code, self.ended.reason)

    @override
    def resume(self) -> None:
        self.read_on.set()

    async def run(self, receiver: Receiver) -> None:
        await Attended(receiver.run(), self)

    async def take(self) -> Frame | None:
        while not len(self._outbox):
            if self.ended is not None:
                return None
            self.sent = Event()
            await self.sent.wait()
        return self._outbox.popleft()


class End:
    """The peer's end of a wire."""

    def __init__(self, wire: Wire, subprotocol: str | None) -> None:
        self._wire = wire
        self.subprotocol = subprotocol

    async def send(self, payload: str | bytes) -> None:
        wire = self._wire
        if wire.ended is not None or wire.receiver is None:
            return
        wire.read_on = Event()
        accepted = wire.receiver.received(payload, isinstance(payload, bytes))
        wire.wake()
        if not accepted:
            await wire.read_on.wait()

    async def receive(self) -> str | bytes | Ended:
        frame = await self._wire.take()
        if frame is None:
            assert self._wire.ended is not None
            return self._wire.ended
        return frame.payload if frame.is_binary else frame.text

    async def close(self, code: int, reason: str) -> None:
        self._wire.end(code, reason)

    async def abort(self) -> None:
        self._wire.abort()


class Wires:
    """A site whose connections are wires."""

    def __init__(self, app: Served) -> None:
        self._app = app

    @asynccontextmanager
    async def connect(
        self,
        path: str = "/ws",
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
    ) -> AsyncGenerator[Peer]:
        if path not in self._app.paths:
            raise Refused(404)
        asked = [("host", "memory"), *(headers or {}).items()]
        asked.append(("sec-websocket-protocol", ",".join(subprotocols)))
        handshake = Handshake.of(f"{path}?{query}", asked)
        endpoint, wire = self._app.endpoint, Wire()
        decision = await endpoint.admit(handshake)
        if isinstance(decision, Rejection):
            raise Refused(decision.status)
        async with create_task_group() as tasks:
            receiver = endpoint.open(handshake, wire, decision, tasks)
            wire.opened(receiver)
            tasks.start_soon(wire.run, receiver)
            try:
                yield End(wire, decision.subprotocol)
            finally:
                wire.end(1005, "")


@asynccontextmanager
async def served(app: ByteSocket) -> AsyncGenerator[Site]:
    async with app.running():
        yield Wires(app)


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("suite", SUITES)
async def test_an_adaptor_with_its_own_outbox_passes(suite: str, codec: CodecName) -> None:
    await getattr(conformance, f"check_{suite}")(served, codec=codec)


def imported(source: str) -> set[str]:
    """The modules of ours that a file imports from."""
    nodes = ast.walk(ast.parse(source))
    modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name for name in modules if name.startswith("bytesocket_app")}


def test_the_example_imports_from_public_doors_only() -> None:
    assert imported(EXAMPLE.read_text("utf-8")) == {"bytesocket_app", "bytesocket_app.transports"}


def test_the_page_names_everything_that_the_door_exports() -> None:
    page = (ROOT / "docs" / "transports.md").read_text("utf-8")
    prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    spans = " ".join(re.findall(r"`([^`]+)`", prose))
    names = bytesocket_app.transports.__all__
    missing = [name for name in names if not re.search(rf"\b{name}\b", spans)]
    assert missing == []
