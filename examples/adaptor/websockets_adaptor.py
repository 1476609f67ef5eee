"""An adaptor over the `websockets` package: `async with app.running(), serve(app, host, port):`."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from math import inf
from typing import Any
from weakref import WeakKeyDictionary

from anyio import create_task_group, move_on_after, sleep
from anyio.abc import TaskGroup
from bytesocket_app import ByteSocket
from bytesocket_app.transports import Acceptance, Frame, Handshake, QueuedTransport, Rejection
from typing_extensions import override
from websockets.asyncio import server
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close
from websockets.http11 import Request, Response


class WebsocketsTransport(QueuedTransport):
    def __init__(self, peer: server.ServerConnection, tasks: TaskGroup) -> None:
        super().__init__(tasks)
        self._peer = peer

    @override
    async def send(self, frame: Frame) -> None:
        try:
            await self._peer.send(frame.payload if frame.is_binary else frame.text)
        except ConnectionClosed as closed:
            raise OSError("the peer is gone") from closed

    @override
    async def send_close(self, code: int, reason: str) -> None:
        await self._peer.close(code, reason)

    @override
    def abort(self) -> None:
        self._peer.transport.abort()
        self.lose()

    async def read(self) -> None:
        try:
            while True:
                message = await self._peer.recv()
                await self.push(message, is_binary=isinstance(message, bytes))
        except ConnectionClosed as closed:
            end = closed.rcvd or Close(1006, "")
            self.lose(end.code, end.reason)

    async def ping(self, every: float, patience: float) -> None:
        """Ask for signs of life: the package tells of a pong only whoever sent the ping."""
        with suppress(ConnectionClosed):  # `read` tells of it
            while every:
                await sleep(every)
                with move_on_after(patience or inf) as waiting:
                    await (await self._peer.ping())
                    self.receiver.heard()
                if waiting.cancelled_caught and not self.is_paused:
                    self.abort()


@asynccontextmanager
async def serve(app: ByteSocket, host: str, port: int) -> AsyncGenerator[int]:
    """Serve the application's socket, and nothing else, for the block; yields the port."""
    timeouts, limits = app.settings.timeouts, app.settings.limits
    admitted = WeakKeyDictionary[server.ServerConnection, tuple[Handshake, Acceptance]]()

    async def admit(peer: server.ServerConnection, request: Request) -> Response | None:
        headers = request.headers.raw_items()
        handshake = Handshake.of(request.path, headers, client=peer.remote_address[:2])
        if handshake.path not in app.paths or "upgrade" not in handshake.headers:
            return peer.respond(404, "There is one WebSocket here, and nothing else.\n")
        decision = await app.endpoint.admit(handshake)
        if isinstance(decision, Rejection):
            response = peer.respond(decision.status, f"{decision.reason}\n")
            response.headers.update(decision.headers)
            return response
        admitted[peer] = handshake, decision
        return None

    def choose(peer: server.ServerConnection, _: Sequence[str]) -> str | None:
        return admitted[peer][1].subprotocol

    async def handle(peer: server.ServerConnection) -> None:
        handshake, accepted = admitted.pop(peer)
        # Two groups: the application may lend `tasks` to others; `own` ends with this connection.
        async with create_task_group() as tasks, create_task_group() as own:
            transport = WebsocketsTransport(peer, own)
            transport.receiver = app.endpoint.open(handshake, transport, accepted, tasks)
            own.start_soon(transport.read)
            own.start_soon(transport.ping, timeouts.ping, timeouts.pong)
            await transport.run()
            own.cancel_scope.cancel()

    how: dict[str, Any] = {"max_size": limits.message_bytes or None, "ping_interval": None}
    how |= {"process_request": admit, "select_subprotocol": choose}
    async with server.serve(handle, host, port, **how) as running:
        yield next(iter(running.sockets)).getsockname()[1]
        await app.drain(timeouts.close)
