"""Test stage: a served application, peers that talk to it, and deadlines."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeGuard

from anyio import fail_after, move_on_after

from bytesocket_app.application import ByteSocket
from bytesocket_app.errors import ByteSocketError
from bytesocket_app.testing.log import FrameLog
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CODECS, decode

BARRIER = "conformance:barrier"
"""Room without members: the answer to leaving it comes after all earlier messages."""


@dataclass(frozen=True, slots=True)
class Ended:
    """End of a connection, with the close code and reason that the peer received."""

    code: int
    reason: str


class Refused(ByteSocketError):
    """Refused handshake or, by `RunningServer`, refused credentials.

    Attributes:
        status: The HTTP status; 0 if there was none. The close code if the connection was closed
            instead of an answer to the credentials.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"the handshake was refused with {status}")
        self.status = status


class Peer(Protocol):
    """Minimal WebSocket client."""

    subprotocol: str | None

    async def send(self, payload: str | bytes, /) -> None:
        """Send one message: text, or bytes as a binary frame."""
        ...

    async def receive(self) -> str | bytes | Ended:
        """Wait for the next message, or the end.

        A peer reads from the network little more than is received here: else the server can meet
        no slow reader, and the cases of the suite `flow` fail.
        """
        ...

    async def close(self, code: int, reason: str, /) -> None:
        """Start the closing handshake."""
        ...

    async def abort(self) -> None:
        """Drop the connection without a close frame."""
        ...


class Site(Protocol):
    """Served application that peers can connect to."""

    def connect(
        self,
        path: str = "/ws",
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
    ) -> AbstractAsyncContextManager[Peer]:
        """Connect; raise Refused if the handshake is not accepted."""
        ...


Serve: TypeAlias = Callable[[ByteSocket], AbstractAsyncContextManager[Site]]
"""Function that serves an application until its context is left."""


class _Logged:
    """Peer that records what is sent as it is; all else is the peer's."""

    def __init__(self, peer: Peer, log: FrameLog) -> None:
        self._peer = peer
        self._log = log
        self.subprotocol = peer.subprotocol

    async def send(self, payload: str | bytes, /) -> None:
        self._log.sent(payload)
        await self._peer.send(payload)

    async def receive(self) -> str | bytes | Ended:
        return await self._peer.receive()

    async def close(self, code: int, reason: str, /) -> None:
        await self._peer.close(code, reason)

    async def abort(self) -> None:
        await self._peer.abort()


class Talker:
    """Peer that encodes and decodes messages with one codec, with a deadline on every wait."""

    def __init__(
        self, peer: Peer, codec: CodecName, deadline: float, log: FrameLog | None = None
    ) -> None:
        self._log = log or FrameLog()
        self.peer: Peer = _Logged(peer, self._log)
        self._peer = peer
        self._codec = CODECS[codec]
        self._deadline = deadline

    async def say(self, message: Any) -> None:
        """Send one value as a message."""
        self._log.sent(message)
        payload = self._codec.encode(message)
        await self._peer.send(payload if self._codec.is_binary else payload.decode())

    async def hear(self) -> Any:
        """Wait for the next message, decoded; the empty binary frame is `b""`.

        Raises:
            AssertionError: The connection ended instead.
        """
        received = await self._receive()
        assert not isinstance(received, Ended), f"the connection ended instead: {received}"
        return self._read(received)

    async def hears(self, expected: Any) -> None:
        """Wait for the next message and compare it."""
        heard = await self.hear()
        assert heard == expected, f"heard {heard!r} instead of {expected!r}"

    async def rest(self) -> list[Any]:
        """Send a request that is always answered; return all messages before the answer."""
        await self.say({"type": 12, "room": BARRIER})
        found: list[Any] = []
        while (message := await self.hear()) != {"type": 13, "room": BARRIER}:
            found.append(message)
        return found

    async def join(self, *rooms: str) -> None:
        """Join rooms one by one; wait for each answer."""
        for room in rooms:
            await self.say({"type": 9, "room": room})
            await self.hears({"type": 10, "room": room})

    async def ends(self) -> tuple[Ended, list[Any]]:
        """Wait for the end; return it and all messages before it."""
        found: list[Any] = []
        while not isinstance(received := await self._receive(), Ended):
            found.append(self._read(received))
        return received, found

    async def _receive(self) -> str | bytes | Ended:
        with move_on_after(self._deadline):
            received = await self._peer.receive()
            if isinstance(received, Ended):
                self._log.closed(received.code, received.reason)
            return received
        raise AssertionError(f"nothing came within {self._deadline:g} s")

    def _read(self, received: str | bytes) -> Any:
        is_binary = isinstance(received, bytes)
        message = decode(received, is_binary, max_depth=200) if received != b"" else b""
        self._log.received(message)
        return message


@dataclass(frozen=True, slots=True)
class Stage:
    """Environment of a test case.

    Attributes:
        serve: Function that serves an application.
        codec: Codec of both directions.
        deadline: Timeout of every wait, in seconds.
        log: The messages of the case that runs.
    """

    serve: Serve
    codec: CodecName = "json"
    deadline: float = 10.0
    log: FrameLog = field(default_factory=FrameLog, compare=False, repr=False)

    @asynccontextmanager
    async def talker(
        self,
        site: Site,
        path: str = "/ws",
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Talker]:
        """Connect a peer that requests the stage's codec."""
        offered = (f"bytesocket.{self.codec}",)
        connecting = site.connect(path, query=query, headers=headers, subprotocols=offered)
        async with connecting as peer:
            yield Talker(peer, self.codec, self.deadline, self.log)

    @asynccontextmanager
    async def pair(self, site: Site) -> AsyncGenerator[tuple[Talker, Talker]]:
        """Connect two peers."""
        async with self.talker(site) as one, self.talker(site) as other:
            yield one, other


Case: TypeAlias = Callable[[Stage], Awaitable[None]]
"""Test case: its docstring is the claim, and it raises if the claim does not hold."""


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of one case.

    Attributes:
        name: The case's name.
        claim: What it expects, as one sentence.
        problem: What was wrong; None if it passed.
        frames: The messages of a case that failed, one a line: `  > sent`, `  < received`.
    """

    name: str
    claim: str
    problem: str | None
    frames: str = ""


class ConformanceError(ByteSocketError):
    """Cases that failed.

    Attributes:
        failed: Results of those cases.
    """

    def __init__(self, failed: Sequence[Result]) -> None:
        lines = [f"{one.name}: {one.problem} ({one.claim})\n{one.frames}" for one in failed]
        super().__init__("\n".join([f"{len(failed)} cases failed:", *lines]))
        self.failed = tuple(failed)


async def run_cases(cases: Iterable[Case], stage: Stage) -> AsyncGenerator[Result]:
    """Run cases one after another and yield a result for each; exceptions become results.

    Raises:
        RuntimeError: Python runs with assertions off, so no case could fail.
    """
    if not __debug__:
        raise RuntimeError("The cases are assertions: run Python without -O.")
    for case in cases:
        problem = None
        stage.log.clear()
        try:
            with fail_after(stage.deadline * 3):
                await case(stage)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is this case's result
            problem = _text(exc)
        claim = (case.__doc__ or "").split("\n")[0]
        frames = "" if problem is None else str(stage.log)
        yield Result(getattr(case, "__name__", "case"), claim, problem, frames)


def _text(error: BaseException) -> str:
    if _is_group(error):
        return "; ".join(map(_text, error.exceptions))
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text.removeprefix("AssertionError: ")


def _is_group(error: BaseException) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)
