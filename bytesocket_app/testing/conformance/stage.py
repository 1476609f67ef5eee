"""Test stage: a served application, peers that talk to it, and deadlines."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeGuard

from anyio import fail_after

from bytesocket_app.application import ByteSocket
from bytesocket_app.errors import ByteSocketError
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


class Talker:
    """Peer that encodes and decodes messages with one codec, with a deadline on every wait."""

    def __init__(self, peer: Peer, codec: CodecName, deadline: float) -> None:
        self.peer = peer
        self._codec = CODECS[codec]
        self._deadline = deadline

    async def say(self, message: Any) -> None:
        """Send one value as a message."""
        payload = self._codec.encode(message)
        await self.peer.send(payload if self._codec.is_binary else payload.decode())

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
        with fail_after(self._deadline):
            return await self.peer.receive()

    def _read(self, received: str | bytes) -> Any:
        if received == b"":
            return b""
        return decode(received, isinstance(received, bytes), max_depth=200)


@dataclass(frozen=True, slots=True)
class Stage:
    """Environment of a test case.

    Attributes:
        serve: Function that serves an application.
        codec: Codec of both directions.
        deadline: Timeout of every wait, in seconds.
    """

    serve: Serve
    codec: CodecName = "json"
    deadline: float = 10.0

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
            yield Talker(peer, self.codec, self.deadline)

    @asynccontextmanager
    async def pair(self, site: Site) -> AsyncGenerator[tuple[Talker, Talker]]:
        """Connect two peers."""
        async with self.talker(site) as one, self.talker(site) as other:
            yield one, other


Case: TypeAlias = Callable[[Stage], Awaitable[None]]
"""Test case: its docstring is the claim, and it raises if the claim does not hold."""


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of one case; `problem` is None if it passed."""

    name: str
    claim: str
    problem: str | None


class ConformanceError(ByteSocketError):
    """Cases that failed.

    Attributes:
        failed: Results of those cases.
    """

    def __init__(self, failed: Sequence[Result]) -> None:
        lines = [f"{result.name}: {result.problem}" for result in failed]
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
        try:
            with fail_after(stage.deadline * 3):
                await case(stage)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is this case's result
            problem = _text(exc)
        claim = (case.__doc__ or "").split("\n")[0]
        yield Result(getattr(case, "__name__", "case"), claim, problem)


def _text(error: BaseException) -> str:
    if _is_group(error):
        return "; ".join(map(_text, error.exceptions))
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text.removeprefix("AssertionError: ")


def _is_group(error: BaseException) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)
