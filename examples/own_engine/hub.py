"""A hub in this process, for the processes of one machine, and the engine that connects to it."""

import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import anyio
import msgpack
from anyio.abc import ByteStream
from bytesocket_app.engines import MAX_UNSENT, Confirmation, EngineListener, confirmed

SILENT = 3.0
LOST = (OSError, TimeoutError, anyio.BrokenResourceError, anyio.ClosedResourceError)


class Line:
    """MessagePack in both directions on one connection, which ends after `SILENT` seconds."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._unsent = bytearray()
        self._wake = anyio.Event()
        self.scope = anyio.CancelScope()

    def say(self, *message: Any) -> None:
        self._unsent += msgpack.packb(message)
        self._wake.set()
        if len(self._unsent) > MAX_UNSENT:
            self.scope.cancel()

    async def run(self, take: Callable[[list[Any]], None]) -> None:
        """Take messages, and send those that are said, until the connection ends."""
        with self.scope, suppress(*LOST):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write)
                async for message in self._read():
                    take(message)
                tasks.cancel_scope.cancel()

    async def _read(self) -> AsyncIterator[list[Any]]:
        unpacker = msgpack.Unpacker()
        while True:
            try:
                with anyio.fail_after(SILENT):
                    unpacker.feed(await self._stream.receive())
            except (anyio.EndOfStream, *LOST):
                return
            for message in unpacker:
                yield message

    async def _write(self) -> None:
        while True:
            with anyio.move_on_after(SILENT / 3) as quiet:
                await self._wake.wait()
            if quiet.cancelled_caught:
                self.say("alive")
            self._wake = anyio.Event()
            some, self._unsent = bytes(self._unsent), bytearray()
            with suppress(*LOST), anyio.fail_after(SILENT):
                await self._stream.send(some)
                continue
            return


class HubEngine:
    """Engine on a hub."""

    is_ordered = True  # everybody gets the messages of a channel in the hub's order

    def __init__(self, port: int) -> None:
        self._port = port
        self._wanted: dict[str, None] = {}
        self._asked: deque[Confirmation] = deque()
        self._line: Line | None = None
        self._is_up = False
        self._listener: EngineListener

    async def run(self, listener: EngineListener, /) -> None:
        self._listener = listener
        while True:
            with suppress(*LOST):
                async with await anyio.connect_tcp("127.0.0.1", self._port) as stream:
                    await self._serve(Line(stream))
            await anyio.sleep(random.uniform(0.05, 0.15))  # noqa: S311 - a pause

    async def _serve(self, line: Line) -> None:
        self._line = line
        _ = self._ask("+", list(self._wanted))
        try:
            await line.run(self._take)
        finally:
            self._line = None
            while self._asked:
                self._asked.popleft().end()
            if self._is_up:
                self._is_up = False
                self._listener.down("the hub is gone")

    def _take(self, message: list[Any]) -> None:
        match message:
            case ["done"]:
                self._asked.popleft().end()
                if not self._is_up:  # the first: all channels
                    self._is_up = True
                    self._listener.up()
            case ["has"]:
                self._listener.acknowledged(1)
            case ["!", channel, payload]:
                self._listener.received(channel, payload)
            case _:
                pass  # it is alive

    def _ask(self, verb: str, channels: Sequence[str]) -> Confirmation:
        if self._line is None:
            return confirmed()  # the next connection asks for all
        self._asked.append(answer := Confirmation())
        self._line.say(verb, list(channels))
        return answer

    def publish(self, channel: str, payload: bytes, /) -> None:
        if self._line is not None:
            self._line.say("!", channel, payload)

    def subscribe(self, channels: Sequence[str], /) -> Awaitable[None]:
        self._wanted.update(dict.fromkeys(channels))
        return self._ask("+", channels)

    def unsubscribe(self, channels: Sequence[str], /) -> None:
        for channel in channels:
            self._wanted.pop(channel, None)
        _ = self._ask("-", channels)

    def reset(self, _reason: str, /) -> None:
        if self._line is not None:
            self._line.scope.cancel()


class Hub:
    """The broker: passes on what comes on a channel to all who want it."""

    def __init__(self) -> None:
        self._wanted: dict[Line, set[str]] = {}
        self._is_running = True

    async def handle(self, stream: ByteStream) -> None:
        async with stream:
            if self._is_running:
                line = Line(stream)
                self._wanted[line] = set()
                await line.run(lambda message: self._take(line, message))
                self._wanted.pop(line, None)

    def _take(self, line: Line, message: list[Any]) -> None:
        match message:
            case ["+", channels]:
                self._wanted[line].update(channels)
                line.say("done")
            case ["-", channels]:
                self._wanted[line].difference_update(channels)
                line.say("done")
            case ["!", channel, payload]:
                for each, wanted in self._wanted.items():
                    if channel in wanted:
                        each.say("!", channel, payload)
                line.say("has")
            case _:
                pass  # it is alive

    def stop(self) -> None:
        self._is_running = False
        for line in self._wanted:
            line.scope.cancel()

    def start(self) -> None:
        self._is_running = True
