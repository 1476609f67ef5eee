"""An application on a real server in a thread beside the test, whatever loop the test runs on."""

import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from anyio import to_thread
from anyio.from_thread import BlockingPortal, start_blocking_portal

from bytesocket_app import ByteSocket


@dataclass(frozen=True, slots=True)
class Beside:
    """A server in a thread.

    Attributes:
        port: On this machine.
        portal: To its event loop.
    """

    port: int
    portal: BlockingPortal

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"ws://127.0.0.1:{self.port}"

    async def do(self, function: Callable[[], Awaitable[Any]]) -> Any:
        """Call a function in the server's loop."""
        return await to_thread.run_sync(self.portal.call, function)


@contextmanager
def beside(app: ByteSocket, transport: Any = "picows") -> Generator[Beside]:
    """Serve an application for the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener, start_blocking_portal() as portal:
        stop = portal.call(anyio.Event)

        async def serve() -> None:
            await app.serve(transport=transport, listener=listener, grace=2, stop=stop)

        serving = portal.start_task_soon(serve)
        try:
            yield Beside(listener.getsockname()[1], portal)
        finally:
            portal.call(stop.set)
            serving.result(30)
